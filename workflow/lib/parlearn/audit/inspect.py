"""Runs all checks of the audit, in the order of its page."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from parlearn.audit.answers import check_claims
from parlearn.audit.findings import Check
from parlearn.audit.lineage import check_lineage, check_stale
from parlearn.audit.quality import check_contents
from parlearn.audit.raw import check_raw
from parlearn.audit.separation import Split, check_separation
from parlearn.audit.stamps import check_commit, check_environment, check_stamps
from parlearn.audit.tree import Tree


@dataclass(frozen=True)
class Audit:
    """What all checks found, the answers to the published claims, and what each raw file is."""

    checks: list[Check]
    answers: pd.DataFrame
    raw: dict[str, str]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def problems(self) -> list[str]:
        """A line for each thing that is wrong: check, place, what."""
        return [f"{check.name}: {problem}" for check in self.checks for problem in check.problems]


def inspect(tree: Tree, instance: Mapping) -> Audit:
    """Run all checks on a tree of results.

    Parameters
    ----------
    instance : what the configuration says: ``periods`` (train, test), ``targets``, ``pinned`` (path
        -> sha256), ``own`` (folder of the user's maps, or None), ``lock``, ``claims`` (names),
        ``data`` (``twin`` or ``real``)
    """
    raw, known, arrived = check_raw(tree, instance["pinned"], instance["own"])
    claims, answers = check_claims(tree, instance["claims"], instance["data"])
    periods = instance["periods"]
    split = Split(periods["train"], periods["test"], instance["targets"], periods.get("validate"))
    checks = [
        check_stamps(tree),
        check_commit(tree),
        raw,
        check_contents(tree),
        check_lineage(tree, known, arrived),
        check_stale(tree),
        check_separation(tree, split),
        check_environment(tree, tree.root / instance["lock"]),
        claims,
    ]
    if not tree.made:
        checks[0].wrong(tree.results, "there are no results to look at: make some first")
    return Audit(checks, answers, known)
