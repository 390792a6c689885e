"""Runs all checks of the audit, in the order of its page."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from parlearn.audit.answers import check_claims, read_answers
from parlearn.audit.findings import Check
from parlearn.audit.lineage import check_lineage, check_stale
from parlearn.audit.quality import check_contents
from parlearn.audit.raw import Sources, check_raw
from parlearn.audit.report import check_report
from parlearn.audit.seals import check_seals
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
        -> sha256), ``own`` (folder of the user's maps, or None), ``lock``, ``claims`` (as
        :func:`parlearn.plan.claims.plan` gives them), ``data`` (``twin`` or ``real``), ``name``,
        ``about`` and ``note``
    """
    periods = instance["periods"]
    split = Split(periods["train"], periods["test"], instance["targets"], periods.get("validate"))
    sources = Sources()
    checks = [
        check_stamps(tree),
        check_commit(tree),
        check_raw(tree, sources, instance["pinned"], instance["own"]),
        check_contents(tree),
        check_seals(tree),
        check_lineage(tree, sources.known, sources.arrived),
        check_stale(tree),
        check_separation(tree, split),
        check_environment(tree, tree.root / instance["lock"]),
        check_claims(tree, instance),
        check_report(tree),
    ]
    return Audit(checks, read_answers(tree), sources.known)
