"""Retrieval of raw files, from archives with and without a login and from folders.

``web``, ``sftp``, ``ftp`` and ``mirror`` know one kind of place each (``account``: what two of them
share), ``stores`` which to take, ``http`` the downloader, ``earthdata`` what NASA's archives have;
``delivery`` makes sure that a target is whole and right or not there, by ``checks`` and
``formats``; ``access`` says who may see a login; ``listing`` freezes what shall come; ``preflight``
asks whether it would; ``transfer`` brings it.
"""
