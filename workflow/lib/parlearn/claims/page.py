"""The answers on a page for people, in Markdown."""

import re

import pandas as pd

from parlearn.claims.answers import DIFFERS, NOT_RUN, REPRODUCED

CLEAR = {
    "yes": "",
    "no": ", not beyond the spread over seeds",
    "unknown": ", one seed",
    "": "",
}

#: a name, maybe empty, and a number that may be a bound
PART = re.compile(r"(.*?)(at (?:most|least) )?(\S+)")


def page(answers: pd.DataFrame, data: str, note: str) -> str:
    """Markdown of the answers of a configuration.

    Parameters
    ----------
    answers : of :func:`parlearn.claims.answers.answer_claims`
    data, note : what the configuration says of its data
    """
    of_twin = (answers["data"] == "twin").all()
    lines = [
        "# What the papers claim, and what came out here",
        "",
        f"Configuration `{answers['configuration'].iloc[0]}`. Data: {data}. {note}".strip(),
        "",
        *_counts(answers),
        "",
        "Ours are means over seeds (± their standard deviation, where there are several), scores "
        "medians over cells in the test period, simulated by VIC. In an order the first has the "
        "largest value, and ≈ stands between values that are alike; *within* is the margin by "
        "which either may be missed and still hold. A verdict is clear that lies further from "
        "where it would turn than twice the standard error over seeds.",
    ]
    if of_twin:
        lines += [
            "",
            "**This is a synthetic twin.** A ranking may be tried on it; that says what holds on "
            "the twin, not elsewhere. Published numbers are of real data and are not held against "
            "it: ours stand beside them for what they are.",
        ]
    for paper, part in answers.groupby("paper", sort=False):
        lines += ["", f"## {paper}"]
        run = part[part["verdict"] != NOT_RUN]
        shown = part[(part["verdict"] == NOT_RUN) & (part["ours"] != "")]
        rest = part[(part["verdict"] == NOT_RUN) & (part["ours"] == "")]
        if len(run):
            lines += ["", *_table(run, verdict=True)]
        if len(shown):
            lines += ["", "Not held against ours:", "", *_table(shown, verdict=False)]
        if len(rest):
            lines += ["", "Not run:", ""]
            lines += [
                f"- {why}: {', '.join(f'`{name}`' for name in group['id'])}"
                for why, group in rest.groupby("why", sort=False)
            ]
    return "\n".join(lines) + "\n"


def _counts(answers) -> list[str]:
    lines = ["| paper | reproduced | differs | not run |", "| --- | --- | --- | --- |"]
    for paper, part in answers.groupby("paper", sort=False):
        cells = []
        for verdict in (REPRODUCED, DIFFERS):
            these = part[part["verdict"] == verdict]
            clearly = int((these["clear"] == "yes").sum())
            cells.append(f"{len(these)} ({clearly} clearly)" if len(these) else "0")
        lines.append(f"| {paper} | {' | '.join(cells)} | {(part['verdict'] == NOT_RUN).sum()} |")
    return lines


def _table(answers, verdict: bool) -> list[str]:
    last = "verdict" if verdict else "why not"
    lines = [
        f"| claim | published | ours | seeds | {last} |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in answers.itertuples():
        told = f"**{row.verdict}**{CLEAR[row.clear]}" if verdict else row.why
        remarks = [row.notes] if row.notes else []
        if row.disagrees_with:
            remarks.append(f"the paper disagrees with itself: see `{row.disagrees_with}`")
        claim = f"{row.statement} ({row.where}; `{row.id}`)"
        claim += f" *{'; '.join(remarks)}*" if remarks else ""
        cells = (claim, row.expected, _with_spread(row.ours, row.spread), str(row.seeds), told)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return lines


def _with_spread(ours: str, spread: str) -> str:
    """``dpl_z 0.04 ± 0.001; default 0.07`` of ``dpl_z 0.04; default 0.07`` and ``dpl_z 0.001``."""
    spreads = dict(_parts(spread)) if spread else {}
    return "; ".join(
        f"{name} {mean}".strip() + (f" ± {spreads[name]}" if name in spreads else "")
        for name, mean in _parts(ours)
    )


def _parts(text: str):
    """Names and numbers of ``name number; name number``; a number alone has an empty name.

    A name has words of the claims: ``s16 one_year``. ``at most`` and ``at least`` go with the
    number.
    """
    for part in text.split("; "):
        name, bound, number = PART.fullmatch(part).groups()
        yield name.strip(), f"{bound or ''}{number}"
