"""Our numbers held against the published ones: reproduced, differs, or not run."""

from dataclasses import dataclass
from itertools import combinations, pairwise, product
from types import SimpleNamespace

import numpy as np
import pandas as pd

from parlearn.claims.quantities import QUANTITIES, Asked, AtMost, Files
from parlearn.plan.claims import RANKINGS, TIMES
from parlearn.plan.methods import METHODS
from parlearn.storage.contracts import SURROGATE
from parlearn.storage.kinds import TABLES

REPRODUCED, DIFFERS, NOT_RUN = "reproduced", "differs", "not run"


@dataclass(frozen=True)
class Number:
    """What one term of a claim came to: a value for each seed.

    Attributes
    ----------
    values : (seed,) of a cost that is known from above alone, its upper bound
    exact : nothing in it is drawn at random, so that one run says all
    least : (seed,) lower bounds; None where values are known
    """

    name: str
    place: int
    values: np.ndarray
    exact: bool = False
    least: np.ndarray | None = None

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def low(self) -> float:
        """The least that the mean may be."""
        return self.mean if self.least is None else float(self.least.mean())

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


@dataclass(frozen=True)
class Slack:
    """How far our numbers lie on the side of a requirement on which it holds; below 0 it fails.

    ``least`` and ``most`` differ where a cost is known from above alone. ``error`` is the standard
    error, None where one seed cannot tell it. ``strict``: 0 is not enough.
    """

    least: float
    most: float
    error: float | None
    strict: bool = False

    def holds(self, value: float) -> bool:
        return value > 0 or (value == 0 and not self.strict)


def judge(claim, numbers: list[Number]) -> tuple[str, str]:
    """Verdict, and whether it is clear of the spread over seeds: ``yes``, ``no`` or ``unknown``.

    Clear is what lies twice the standard error or more from where the verdict would turn: the edge
    of what the claim allows. In an order every step must be clear for it to hold clearly, and one
    step the wrong way for it to differ clearly. Equal values are no order, unless the claim has a
    margin; members that are alike differ by no more than the margin, each pair of them. Not run
    where costs are known from above alone and the verdict hangs on how far.
    """
    slacks = list(_slacks(claim, numbers))
    if all(s.holds(s.least) for s in slacks):
        doubts = [_clear(s.least, s.error) for s in slacks]
        return REPRODUCED, next(c for c in ("no", "unknown", "yes") if c in doubts)
    failed = [s for s in slacks if not s.holds(s.most)]
    if failed:
        doubts = [_clear(s.most, s.error) for s in failed]
        return DIFFERS, next(c for c in ("yes", "unknown", "no") if c in doubts)
    return NOT_RUN, ""


def _slacks(claim, numbers):
    margin = claim.get("margin", {"size": 0.0})["size"]
    if claim["compare"] == "order":
        for one, two in _neighbours(numbers):
            least, most, error = _difference(one, two)
            yield Slack(least + margin, most + margin, error, strict=True)
    elif claim["compare"] == "alike":
        for one, two in combinations(numbers, 2):
            least, most, error = _difference(one, two)
            nearest = 0.0 if least <= 0 <= most else min(abs(least), abs(most))
            yield Slack(margin - max(abs(least), abs(most)), margin - nearest, error)
    else:
        (number,) = numbers
        low, high = _allowed(claim)
        # the best that a number known from above alone may be
        best = min(max(number.low, min(claim["expected"], high)), number.mean)
        ends = [_inside(x, low, high) for x in (number.low, number.mean)]
        yield Slack(min(ends), _inside(best, low, high), number.error)


def _inside(x, low, high) -> float:
    """How far a number lies inside what is allowed, below 0 outside; an open side has no edge."""
    return min(([x - low] if np.isfinite(low) else []) + ([high - x] if np.isfinite(high) else []))


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


def _difference(one: Number, two: Number) -> tuple[float, float, float | None]:
    """How far the first lies above the second, at least and at most, and the standard error."""
    ends = (one.low, two.mean), (one.mean, two.low)
    # never reached by both: no difference
    least, most = (0.0 if np.isinf(a) and a == b else a - b for a, b in ends)
    if one.error is None or two.error is None:
        return least, most, None
    return least, most, float(np.hypot(one.error, two.error))


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
    rows = [_row(entry, files, data, configuration) for entry in entries]
    return pd.DataFrame(rows, columns=[*TABLES["claims"]])


def _row(entry, files, data, configuration) -> dict:
    claim = entry["claim"]
    numbers = _numbers(entry, files)
    why, notes = entry["why"], list(entry["notes"])
    if numbers and claim["quantity"]["metric"] in TIMES:
        machines = _machines(entry, files)
        if len(set(machines.values())) == 1:
            notes.append(f"learned on {next(iter(machines.values()))}")
        else:
            ran = "; ".join(f"{name} on {machine}" for name, machine in machines.items())
            why = why or f"times of unlike machines: {ran}"
    why = why or _undecidable(claim, numbers)
    verdict, clear = (NOT_RUN, "") if why else judge(claim, numbers)
    if verdict == NOT_RUN and not why:
        early = [n.name or "it" for n in numbers if n.least is not None]
        why = f"known from above alone, since it hangs on the first record: {', '.join(early)}"
    seeded = [len(n.values) for n in numbers if not n.exact] or [len(n.values) for n in numbers]
    margin = [f"margin: {claim['margin']['why']}"] if "margin" in claim else []
    return {
        **published(claim),
        "ours": _ours(claim, numbers),
        "spread": _spread(claim, numbers),
        "seeds": min(seeded, default=0),
        "verdict": verdict,
        "clear": clear,
        "why": why,
        "notes": "; ".join([note for note in [claim.get("note"), *margin, *notes] if note]),
        "data": data,
        "configuration": configuration,
    }


def published(claim) -> dict[str, str]:
    """The columns of an answer that are as the list of claims has them, whatever came out."""
    same = ("id", "paper", "where", "study", "compare", "statement")
    return {
        **{key: claim[key] for key in same},
        "expected": _expected(claim),
        "disagrees_with": claim.get("disagrees_with", ""),
    }


def _undecidable(claim, numbers) -> str:
    """Why these numbers cannot decide a claim; empty where they can."""
    undefined = [n.name or "it" for n in numbers if not len(n.values) or np.isnan(n.values).any()]
    if undefined:
        return f"no number for {', '.join(undefined)}"
    if claim["compare"] in RANKINGS and numbers and all(np.isinf(n.low) for n in numbers):
        return f"never reached by {', '.join(n.name or 'it' for n in numbers)}"
    return ""


def _machines(entry, files) -> dict[str, str]:
    """What the runs of each term were learned on."""
    return {
        term["name"]: ", ".join(
            dict.fromkeys(files.machine(SimpleNamespace(**row)) for row in term["runs"])
        )
        for term in entry["terms"]
    }


def _numbers(entry, files) -> list[Number]:
    """What each term came to; a ratio is one number, of the seeds that both its terms have."""
    quantity = entry["claim"].get("quantity", {})
    by_seed = [_values(term, quantity, files) for term in entry["terms"]]
    if "ratio" in quantity and by_seed:
        above, below = by_seed
        both = [seed for seed in above if seed in below]
        (a, b), (least_a, least_b) = (
            [np.array([f(values[s]) for s in both], dtype=float) for values in by_seed]
            for f in (float, _least)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            most, least = a / least_b, least_a / b
        return [Number("ratio", 0, most, least=None if np.array_equal(most, least) else least)]
    return [
        Number(
            term["name"],
            term["place"],
            np.array(list(values.values()), dtype=float),
            exact=term["method"] in METHODS and not METHODS[term["method"]].trained,
            least=np.array([_least(v) for v in values.values()])
            if any(isinstance(v, AtMost) for v in values.values())
            else None,
        )
        for term, values in zip(entry["terms"], by_seed, strict=True)
    ]


def _least(value) -> float:
    """The least that a cost may be."""
    return 0.0 if isinstance(value, AtMost) else float(value)


def _values(term, quantity, files) -> dict[int, float]:
    """The quantity for each seed; a surrogate has one."""
    optional = {k: quantity[k] for k in ("target", "parameter", "correction") if k in quantity}
    optional["emulated"] = quantity.get("simulated_by") == SURROGATE
    optional["default"] = term.get("default", "")
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
    if claim["compare"] == "statement":
        return ""
    if claim["compare"] in RANKINGS:
        places = [[p] if isinstance(p, str) else p for p in claim.get("order") or claim["among"]]
        sign = " > " if claim["compare"] == "order" else " ≈ "
        margin = f" (within {_text(claim['margin']['size'])})" if "margin" in claim else ""
        return sign.join(", ".join(members) for members in places) + margin
    expected = _text(claim["expected"])
    if claim["compare"] == "value":
        return f"{expected} ± {_text(claim['tolerance'])}"
    return f"{claim['compare'].replace('_', ' ')} {expected}"


def _ours(claim, numbers) -> str:
    """The mean over seeds, of several members each after its name."""
    return "; ".join(_named(claim, n) + _mean(n) for n in numbers if len(n.values))


def _mean(number) -> str:
    if number.low == number.mean or np.isnan(number.mean):
        return _text(number.mean)
    if np.isinf(number.mean):
        return f"at least {_text(number.low)}"
    return f"at most {_text(number.mean)}"


def _spread(claim, numbers) -> str:
    """The standard deviation over seeds, in the form of :func:`_ours`, where there are several."""
    return "; ".join(_named(claim, n) + _text(n.spread) for n in numbers if np.isfinite(n.spread))


def _named(claim, number) -> str:
    return f"{number.name} " if claim["compare"] in RANKINGS else ""


def _text(value) -> str:
    """A number in four digits; costs that were never reached are infinite."""
    return "never" if np.isinf(value) else "undefined" if np.isnan(value) else f"{value:.4g}"
