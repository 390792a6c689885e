"""What became of changed files: the command that a user types next and the audit are asked."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr

from parlearn.storage.checksums import content_digest
from parlearn.storage.files import sha256

from .changes import NO_RESULTS, RESULTS

#: checks that hold a file against what others recorded of it, which they record anew when they
#: are made again: that such a check tells of a file does not last
BY_OTHERS = ("lineage", "separation")
#: when a vector figure was drawn
DRAWN = re.compile(rb"/CreationDate \(D:[^)]*\)")
#: what differs from run to run, by nature
TIMED = ("seconds",)


@dataclass(frozen=True)
class Outcome:
    """What became of one change."""

    kind: str
    path: str
    what: str
    outcome: str
    how: str = ""

    def __str__(self):
        return f"{self.kind}: {self.path} ({self.what}): {self.outcome} {self.how}".rstrip()


def audit(project) -> list[dict]:
    """Problems that ``snakemake audit`` tells, with the check that found each."""
    page = project.folder / RESULTS / "audit/manifest.json"
    page.unlink(missing_ok=True)
    done = project.snakemake("-c1", "audit", check=False)
    if not page.is_file():
        raise AssertionError(f"the audit wrote no manifest:\n{done.stdout[-4000:]}")
    found = json.loads(page.read_text(encoding="utf-8"))
    assert found["passed"] == (done.returncode == 0), done.stdout[-4000:]
    return [
        {"check": check["name"], **problem}
        for check in found["checks"]
        for problem in check["problems"]
    ]


def told(problems, path: str, others) -> str:
    """The check that tells of a file by itself; empty where none does.

    Not counted is what only the readers of the file, or another changed file, bring about.
    """
    names = {path, path.removesuffix(".json")}
    others = {other for other in others if other != path} - names
    for problem in problems:
        if problem["check"] in BY_OTHERS or any(other in problem["what"] for other in others):
            continue
        named = problem["where"] in names
        if problem["check"] != "stale":
            named = named or any(name in problem["what"] for name in names)
        if named:
            return problem["check"]
    return ""


def contents(folder: Path) -> dict[str, str]:
    """Path -> digest of what it holds, of all results; without times, dates and stamps."""
    found = {}
    for path in sorted((folder / RESULTS).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name.startswith(NO_RESULTS):
            continue
        if path.name.endswith(".json") and path.with_name(path.name[:-5]).is_file():
            continue  # a stamp
        found[name] = _content(path)
    return found


def _content(path: Path) -> str:
    try:
        if path.suffix == ".nc" and "/twin/" not in path.as_posix():
            with xr.open_dataset(path, engine="netcdf4") as ds:
                return content_digest(ds.drop_vars(TIMED, errors="ignore").load())
        if path.suffix in (".csv", ".tsv"):
            table = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
            timed = [name for name in table if any(word in str(name) for word in TIMED)]
            text = table.drop(columns=timed)
            rows = text.astype(str).apply(lambda cells: cells.str.contains("|".join(TIMED)))
            return text[~rows.any(axis=1)].to_csv(index=False) if len(text) else ""
    except (OSError, ValueError):
        pass  # damaged: held against the other as it is
    if path.suffix == ".pdf":
        return hashlib.sha256(DRAWN.sub(b"", path.read_bytes())).hexdigest()
    return sha256(path)


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return sorted(name for name in {*one} | {*other} if one.get(name) != other.get(name))


def put_back(folder: Path, pristine: Path, path: str):
    shutil.copy2(pristine / path, folder / path)


def after_the_command(project, pristine: Path, changed: dict[str, tuple[str, str]], before: dict):
    """Outcomes of changes that the audit told nothing of, after all that the user would type.

    Parameters
    ----------
    changed : path -> kind and what was changed
    before : :func:`contents` of the finished instance
    """
    changed, outcomes = dict(changed), []
    while changed:
        done = project.snakemake("-c1", "--keep-going", check=False)
        if done.returncode == 0:
            break
        refused = [path for path in changed if path in done.stdout]
        if not refused:
            raise AssertionError(
                f"{[*changed]}: no sentence names the file:\n{done.stdout[-6000:]}"
            )
        for path in refused:
            outcomes.append(Outcome(changed[path][0], path, changed[path][1], "refused"))
            put_back(project.folder, pristine, path)
            del changed[path]
    if not changed:
        return outcomes
    problems = audit(project)
    now = contents(project.folder)
    differ = differences(before, now)
    for path, (kind, what) in changed.items():
        if check := told(problems, path, changed):
            outcomes.append(Outcome(kind, path, what, "found", f"by {check}, after a run"))
        elif path not in differ:
            outcomes.append(Outcome(kind, path, what, "made anew"))
        else:
            others = [name for name in differ if name not in changed]
            more = f"with it differ {', '.join(others[:5])}" if others else ""
            outcomes.append(Outcome(kind, path, what, "accepted", more))
    return outcomes
