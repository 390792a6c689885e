"""What each rule does, in the first sentence of its docstring.

Snakemake's log records name the rule of a job, but do not carry its docstring; it is read from the
text of the Snakefile and of the files in ``workflow/rules`` beside it.
"""

import re
from pathlib import Path

_RULE = re.compile(
    r'^[ \t]*(?:rule|checkpoint)[ \t]+(\w+)[ \t]*:[ \t]*\n\s*"""(.+?)"""', re.MULTILINE | re.DOTALL
)


def first_sentences(snakefile: Path) -> dict[str, str]:
    """Rule -> first sentence of its docstring, without the full stop.

    Rules without a docstring, and those whose name is computed, are left out.
    """
    found = {}
    for path in [snakefile, *sorted((snakefile.parent / "workflow" / "rules").glob("*.smk"))]:
        for name, docstring in _RULE.findall(path.read_text()):
            text = " ".join(docstring.split())
            found[name] = re.split(r"(?<=\w)\.(?:\s|$)", text)[0]
    return found
