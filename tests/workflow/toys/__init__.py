"""A process model and a method on maps, made to show what adding one takes: a module and an entry.

tests/workflow/test_extending.py puts the modules into a copy of the project, and each ``ENTRY``
behind the registry it belongs to.
"""
