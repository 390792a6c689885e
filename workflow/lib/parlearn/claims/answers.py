"""Our numbers held against the published ones: reproduced, differs, or not run."""

from dataclasses import dataclass
from itertools import pairwise, product
from types import SimpleNamespace

import numpy as np
import pandas as pd

from parlearn.claims.quantities import QUANTITIES, Asked, Files
from parlearn.plan.methods import family

REPRODUCED, DIFFERS, NOT_RUN = "reproduced", "differs", "not run"


@dataclass(frozen=True)
class Number:
    """What one term of a claim came to: a value for each seed.

    ``exact``: nothing in it is drawn at random, so that one run says all.
    """

    name: str
    place: int
    values: np.ndarray
    exact: bool = False

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def spread(self) -> float:
        """Standard deviation over seeds; NaN with one seed, or where a seed has no finite value."""
        if len(self.values) < 2 or not np.isfinite(self.values).all():
            return np.nan
        return float(self.values.std(ddof=1))

    @property
    def error(self) -> float | None:
        """Standard error of the mean; None where one seed cannot tell it.

        Where every seed is infinite (never reached) there is no doubt, where some are, any.
        """
        if self.exact:
            return 0.0
        if len(self.values) < 2:
            return None
        if np.isinf(self.values).any():
            return 0.0 if np.isinf(self.values).all() else np.inf
        return self.spread / np.sqrt(len(self.values))


def judge(claim, numbers: list[Number]) -> tuple[str, str]:
    """Verdict, and whether it is clear of the spread over seeds: ``yes``, ``no`` or ``unknown``.

    Clear is what lies twice the standard error or more from where the verdict would turn: the edge
    of what the claim allows, or a difference of zero. In an order every step must be clear for it
    to hold clearly, and one step the wrong way for it to differ clearly. Equal values are no order.
    """
    if claim["compare"] == "order":
        steps = [_step(*pair) for pair in _neighbours(numbers)]
        holds = all(step > 0 for step, _ in steps)
        doubts = [_clear(step, error) for step, error in steps if holds or step <= 0]
        worst_first = ("no", "unknown", "yes") if holds else ("yes", "unknown", "no")
        return REPRODUCED if holds else DIFFERS, next(c for c in worst_first if c in doubts)
    (number,) = numbers
    low, high = _allowed(claim)
    inside = low <= number.mean <= high
    nearest = min(abs(number.mean - edge) for edge in (low, high) if np.isfinite(edge))
    return REPRODUCED if inside else DIFFERS, _clear(nearest, number.error)


def _allowed(claim) -> tuple[float, float]:
    expected = claim["expected"]
    return {
        "value": lambda: (expected - claim["tolerance"], expected + claim["tolerance"]),
        "at_least": lambda: (expected, np.inf),
        "at_most": lambda: (-np.inf, expected),
    }[claim["compare"]]()


def _neighbours(numbers):
    """Every number of a place in an order with every one of the next place."""
    places = sorted({number.place for number in numbers})
    groups = [[n for n in numbers if n.place == place] for place in places]
    for one, two in pairwise(groups):
        yield from product(one, two)


def _step(one: Number, two: Number) -> tuple[float, float | None]:
    """How far the first lies above the second, and the standard error of that."""
    never = np.isinf(one.mean) and one.mean == two.mean
    step = 0.0 if never else one.mean - two.mean
    if one.error is None or two.error is None:
        return step, None
    return step, float(np.hypot(one.error, two.error))


def _clear(distance, error) -> str:
    if error is None:
        return "unknown"
    return "yes" if abs(distance) > 2 * error else "no"


def answer_claims(entries: list[dict], files: Files, data: str, configuration: str) -> pd.DataFrame:
    """One row a claim, in their order: see the columns of the table ``claims`` in the contracts.

    Parameters
    ----------
    entries : of :func:`parlearn.plan.claims.plan`
    data : ``twin`` or ``real``
    configuration : its name
    """
    return pd.DataFrame([_row(entry, files, data, configuration) for entry in entries])


def _row(entry, files, data, configuration) -> dict:
    claim, why = entry["claim"], entry["why"]
    numbers = _numbers(entry, files)
    undefined = [n.name or "it" for n in numbers if not len(n.values) or np.isnan(n.values).any()]
    if not why and undefined:
        why = f"no number for {', '.join(undefined)}"
    verdict, clear = (NOT_RUN, "") if why else judge(claim, numbers)
    seeded = [len(n.values) for n in numbers if not n.exact] or [len(n.values) for n in numbers]
    return {
        **{key: claim[key] for key in ("id", "paper", "where", "study", "compare", "statement")},
        "expected": _expected(claim),
        "ours": _ours(claim, numbers),
        "spread": _spread(claim, numbers),
        "seeds": min(seeded, default=0),
        "verdict": verdict,
        "clear": clear,
        "why": why,
        "notes": "; ".join([note for note in [claim.get("note"), *entry["notes"]] if note]),
        "disagrees_with": claim.get("disagrees_with", ""),
        "data": data,
        "configuration": configuration,
    }


def _numbers(entry, files) -> list[Number]:
    """What each term came to; a ratio is one number, of the seeds that both its terms have."""
    quantity = entry["claim"].get("quantity", {})
    by_seed = [_values(term, quantity, files) for term in entry["terms"]]
    if "ratio" in quantity and by_seed:
        above, below = by_seed
        both = [seed for seed in above if seed in below]
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.array([above[s] for s in both]) / np.array([below[s] for s in both])
        return [Number("ratio", 0, values)]
    return [
        Number(
            term["name"],
            term["place"],
            np.array(list(values.values()), dtype=float),
            exact=term["method"] in family("baseline"),
        )
        for term, values in zip(entry["terms"], by_seed, strict=True)
    ]


def _values(term, quantity, files) -> dict[int, float]:
    """The quantity for each seed; a surrogate has one."""
    optional = {k: quantity[k] for k in ("target", "parameter") if k in quantity}
    runs = term["runs"] or [{"run": "", "seed": 0}]
    number = QUANTITIES[quantity["metric"]]
    return {
        row["seed"]: number(
            files, Asked(SimpleNamespace(**row), term["sampling"], term["cells"], **optional)
        )
        for row in runs
    }


def _expected(claim) -> str:
    """What was published, in short: ``0.6 ± 0.05`` (the tolerance), ``at least 0.91``, an order."""
    if claim["compare"] == "order":
        places = [[p] if isinstance(p, str) else p for p in claim["order"]]
        return " > ".join(", ".join(members) for members in places)
    if claim["compare"] == "statement":
        return ""
    expected = _text(claim["expected"])
    if claim["compare"] == "value":
        return f"{expected} ± {_text(claim['tolerance'])}"
    return f"{claim['compare'].replace('_', ' ')} {expected}"


def _ours(claim, numbers) -> str:
    """The mean over seeds, of an order each member's after its name."""
    return "; ".join(_named(claim, n) + _text(n.mean) for n in numbers if len(n.values))


def _spread(claim, numbers) -> str:
    """The standard deviation over seeds, in the form of :func:`_ours`, where there are several."""
    return "; ".join(_named(claim, n) + _text(n.spread) for n in numbers if np.isfinite(n.spread))


def _named(claim, number) -> str:
    return f"{number.name} " if claim["compare"] == "order" else ""


def _text(value) -> str:
    """A number in four digits; costs that were never reached are infinite."""
    return "never" if np.isinf(value) else "undefined" if np.isnan(value) else f"{value:.4g}"
