"""Checks that every result records how it was made, at one clean commit and pinned versions."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from parlearn.audit.findings import Check, asks
from parlearn.audit.tree import File, Tree
from parlearn.storage.provenance import FIELDS, STAMP, commit_of, stamp_digest, text_digest

#: a list of granules that was set aside when another was made, see parlearn.retrieve.listing
SET_ASIDE = re.compile(r".*\.\d{8}T\d{6}\.csv")
#: where a seed stands in the settings of a job
SEEDS = (
    ("run", "seed"),
    ("pilot", "seed"),
    ("surrogate", "seed"),
    ("gap_filling", "seed"),
    ("source", "seed"),
    ("simulate", "seed"),
    ("split_seed",),
)
#: of these the seed is that of the settings and the round
BY_ROUND = ("simulate_samples",)


@asks("stamps", "Does every result say how it was made?")
def check_stamps(check: Check, tree: Tree) -> None:
    """Every result has a whole stamp, and sidecars lie beside the files they were written for."""
    if not tree.made:
        check.wrong(tree.results, "there are no results to look at: make some first")
    for path, file in tree.made.items():
        if file.job is None and SET_ASIDE.fullmatch(path):
            check.notes.append(f"{path}: a list of granules that another has replaced")
            continue
        check.looked_at += 1
        if file.stamp is None:
            lacks = "" if path.endswith(".nc") else f"there is no {Path(path).name}.json"
            why = f" ({file.unread or lacks})" if file.unread or lacks else ""
            check.wrong(path, f"has no stamp{why}: its origin is unknown")
            continue
        missing = [name for name in FIELDS if file.stamp.get(name) is None]
        if missing:
            check.wrong(path, f"its stamp lacks {', '.join(missing)}")
            continue
        with check.at(path):
            for problem in _contradictions(file):
                check.wrong(path, problem)
    for path, what in tree.broken.items():
        check.wrong(path, what)
    for path, file in tree.files.items():
        if file.kind == "sidecar" and path.removesuffix(".json") not in tree.files:
            check.wrong(path, f"describes {Path(path).stem}, which is not there")
        elif file.kind == "unfinished":
            check.notes.append(f"{path}: left by a job that was stopped")
    strangers = [path for path, file in tree.made.items() if file.job is None and file.stamp]
    if strangers:
        check.notes.append(
            f"left from others, made by no rule of this configuration ({len(strangers)}): "
            f"{_some(strangers)}"
        )


def _contradictions(file: File):
    """What in a whole stamp cannot be true, a sentence each."""
    stamp = file.stamp
    # of a stamp inside a netCDF file the checksum of all attributes tells
    if "file" in stamp:
        written = {name: value for name, value in stamp.items() if name != "config_text"}
        if stamp.get(STAMP) != stamp_digest(written):
            yield f"its stamp is not the one that was written ({STAMP}): a field was changed"
    if text_digest(stamp["config_text"]) != stamp["config_digest"]:
        yield "its settings do not have the digest that stands beside them: one was changed"
    if stamp.get("sha256", file.sha256) != file.sha256:
        yield "is not the file that its stamp was written for (sha256): it was changed afterwards"
    if stamp.get("file", Path(file.path).name) != Path(file.path).name:
        yield f"its stamp was written for {stamp['file']}"
    if file.job and stamp["rule"] != file.job.rule:
        yield f"was made by {stamp['rule']}, and {file.job.rule} makes it now"
    yield from _seed_problems(stamp)


def _seed_problems(stamp: Mapping):
    wanted = seed_of(stamp["config"])
    if wanted is None:
        return
    if not re.fullmatch(r"\d+", str(stamp["seed"])):
        yield f"its stamp has no seed, and its settings have {wanted}"
    elif stamp["rule"] not in BY_ROUND and int(stamp["seed"]) != wanted:
        yield f"its stamp has the seed {stamp['seed']}, its settings have {wanted}"


def seed_of(settings: Mapping) -> int | None:
    """The seed in the settings of a job; None where there is none."""
    for keys in SEEDS:
        value = settings
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            return int(value)
    return None


@asks("commit", "Are all results of one commit, and was the tree clean?")
def check_commit(check: Check, tree: Tree) -> None:
    """All results are of one commit, of a clean tree."""
    stamped = {path: f.stamp for path, f in tree.made.items() if f.stamp}
    check.looked_at = len(stamped)
    commits = Counter(stamp.get("commit") or "unknown" for stamp in stamped.values())
    if unknown := commits.pop("unknown", 0):
        some = _some(p for p, s in stamped.items() if (s.get("commit") or "unknown") == "unknown")
        check.wrong(tree.results, f"the commit of {unknown} files is not known: {some}")
    if len(commits) > 1:
        told = ", ".join(f"{number} of {commit[:10]}" for commit, number in commits.most_common())
        few = commits.most_common()[-1][0]
        some = _some(path for path, stamp in stamped.items() if stamp.get("commit") == few)
        check.wrong(
            tree.results, f"files of {len(commits)} commits: {told}; of {few[:10]} are {some}"
        )
    dirty = [path for path, stamp in stamped.items() if stamp.get("dirty") == "yes"]
    if dirty:
        check.wrong(
            tree.results, f"{len(dirty)} files were made with changes not committed: {_some(dirty)}"
        )
    head, changed = commit_of(tree.root.resolve())
    if changed == "yes":
        check.wrong(".", "the checkout has changes that are not committed: commit them")
    if commits and head not in commits and head != "unknown":
        check.notes.append(
            f"the checkout is at {head[:10]}, the results are of {next(iter(commits))[:10]}; "
            "whether the code differs is asked below"
        )


@asks("environment", "Were the results made with the versions of requirements.lock?")
def check_environment(check: Check, tree: Tree, lock) -> None:
    """Recorded versions of packages are those of requirements.lock."""
    pinned = read_lock(lock)
    found: dict[tuple, list[str]] = {}
    for path, file in tree.made.items():
        for name, version in ((file.stamp or {}).get("versions") or {}).items():
            check.looked_at += 1
            # of a build only the number before the sign + is pinned: 2.13.0+cpu
            if name != "python" and version.partition("+")[0] != pinned.get(name.lower()):
                found.setdefault((name, version), []).append(path)
    for (name, version), paths in sorted(found.items()):
        check.wrong(
            tree.results,
            f"{len(paths)} files were made with {name} {version}, requirements.lock has "
            f"{pinned.get(name.lower(), 'none')}: {_some(paths)}",
        )
    made = [f.stamp for f in tree.made.values() if f.stamp]
    for field in ("machine", "device"):
        there = Counter(stamp.get(field) or "unknown" for stamp in made)
        told = ", ".join(f"{name} ({number} files)" for name, number in there.most_common())
        check.notes.append(f"{field}: {told}")


def read_lock(path) -> dict[str, str]:
    """Package, in small letters, -> version, of a file of pins."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {name.strip().lower(): version.strip() for name, version in pairs}


def _some(paths, most=3) -> str:
    """A few of several names."""
    paths = list(paths)
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
