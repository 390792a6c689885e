"""The audit on a page for people, in Markdown."""

from collections.abc import Mapping, Sequence

from parlearn.audit.inspect import Audit
from parlearn.audit.tree import Tree

#: problems of one check that the page tells; the manifest has all
MOST = 40

UNSEEN = (
    "## What this audit cannot see",
    "",
    "It computes nothing, so it takes a file for what it should be where the file, its stamp, and "
    "the stamps of all that was made from it agree. Numbers that were changed together with all of "
    "these pass, and so does a picture, a table or a claim's answer that was changed together with "
    "its sidecar. `snakemake -c2 audit_rerun` makes summaries, figures, tables, answers to claims "
    "and the table of gaps again from what is there, some runs and their scores as well, and "
    "compares them by content. What neither sees: runs that were not repeated, simulations and "
    "the files of the study changed together with their stamps and all after them, and wrong "
    "numbers that the code itself makes. Of a report its results are compared, not its words.",
)


def page(audit: Audit, tree: Tree, instance: Mapping, created: str) -> str:
    """What was asked, what came out, and the tables behind it."""
    number = len(audit.problems)
    verdict = "**passed**" if audit.passed else f"**failed: {number} problem{'s' * (number > 1)}**"
    size = sum(file.size for file in tree.files.values()) / 1e6
    lines = [
        f"# Audit of {instance['name']}: {'passed' if audit.passed else 'failed'}",
        "",
        f"{created}. Results in `{tree.results}`: {len(tree.files)} files, {size:.0f} MB, "
        f"{len(tree.made)} of them made by rules. Data: {instance['about']}. Verdict: {verdict}.",
        "",
        "Nothing was made anew for this. Every file with checksum and origin stands in "
        "`manifest.json`, the run as an RO-Crate in `ro-crate-metadata.json`.",
        "",
        *_table(
            [
                ("check", "question", "looked at", "outcome"),
                *((c.name, c.question, str(c.looked_at), _outcome(c)) for c in audit.checks),
            ]
        ),
    ]
    for check in audit.checks:
        lines += ["", f"## {check.name.capitalize()}", "", check.question]
        if check.problems:
            lines += ["", *(f"- **{p.where}**: {p.what}" for p in check.problems[:MOST])]
            if len(check.problems) > MOST:
                lines.append(f"- and {len(check.problems) - MOST} more: see `manifest.json`")
        if check.notes:
            lines += ["", *(f"- {note}" for note in check.notes)]
        if check.table and len(check.table) > 1:
            lines += ["", *_table(check.table)]
        if check.name == "claims" and len(audit.answers):
            lines += ["", *_claims(audit.answers)]
    lines += ["", *UNSEEN]
    return "\n".join(lines) + "\n"


def _outcome(check) -> str:
    number = len(check.problems)
    return "passed" if check.passed else f"**{number} problem{'s' * (number > 1)}**"


def _claims(answers) -> list[str]:
    rows = [("claim", "expected", "tolerance", "ours", "verdict", "data")]
    for row in answers.itertuples():
        expected, _, tolerance = str(row.expected).partition(" ± ")
        verdict = row.verdict + (f" ({row.why})" if row.why else "")
        rows.append((f"`{row.id}`", expected, tolerance, str(row.ours), verdict, row.data))
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    return [
        f"| {' | '.join(head)} |",
        f"|{' --- |' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in body),
    ]
