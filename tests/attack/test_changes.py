"""One random change to a value of one file, then the same command and the audit.

It must be refused, or made anew to the old numbers, or found: never accepted by all. To stay in
minutes, changes of unlike kinds are made at once and the audit is asked first. What it tells of a
file by that file's own record (not by what the file's readers recorded) it tells after any run as
well, since no rule writes the file again for its content; what it does not tell of is looked at
after a run of the command. ``test_the_same_after_a_whole_run`` holds this against what happens.
"""

import os
import shutil
from collections import Counter

import numpy as np
import pytest

from .changes import KINDS, RESULTS, WEIGHTS, change, change_attribute, files, flip, tables
from .judging import Outcome, after_the_command, audit, contents, told

# on the other core
pytestmark = pytest.mark.usefixtures("killed")

SEED = 12
ROUNDS, EACH = 4, 3  # at least ten of each kind


@pytest.fixture(scope="module")
def tally(request):
    """All outcomes; their counts are printed at the end."""
    outcomes = []
    yield outcomes
    counts = Counter((one.kind, one.outcome) for one in outcomes)
    kinds = list(dict.fromkeys(one.kind for one in outcomes))
    names = ("refused", "made anew", "found", "accepted")
    lines = [f"\n{'kind of file':15}" + "".join(f"{name:>11}" for name in names)]
    for kind in kinds:
        lines.append(f"{kind:15}" + "".join(f"{counts[kind, name]:11}" for name in names))
    lines += [str(one) for one in outcomes if one.outcome == "accepted"]
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    reporter.write_line("\n".join(lines))


def harm(folder, path, rng, way=change) -> str:
    """Change a file; every other time its date stays as it was, as with a failing disk."""
    before = (folder / path).stat()
    (folder / path).chmod(0o644)
    what = way(folder / path, rng)
    if rng.random() < 0.5:
        os.utime(folder / path, ns=(before.st_atime_ns, before.st_mtime_ns))
        what += ", date kept"
    return what


def draw(folder, rng, kinds, each) -> dict[str, str]:
    """Path -> kind: files of which none lies beside another, as a file and its stamp do."""
    drawn, stems = {}, set()
    for kind in kinds:
        names = files(folder, kind)
        taken = 0
        for name in rng.permutation(names):
            stem = name.rpartition("/")[2].partition(".")[0] + name.rpartition("/")[0]
            if stem not in stems and taken < each:
                drawn[str(name)] = kind
                stems.add(stem)
                taken += 1
        assert taken, kind
    return drawn


@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_changed_value_is_accepted(attacked, pristine, before, tally, number):
    folder, rng = attacked.folder, np.random.default_rng([SEED, number])
    changed = {}
    for path, kind in draw(folder, rng, KINDS, EACH).items():
        way = change_attribute if kind == "attributes" else change
        changed[path] = kind, harm(folder, path, rng, way)
    problems = audit(attacked)
    outcomes, left = [], {}
    for path, (kind, what) in changed.items():
        if check := told(problems, path, changed):
            outcomes.append(Outcome(kind, path, what, "found", f"by {check}"))
            shutil.copy2(pristine / path, folder / path)
        else:
            left[path] = kind, what
    outcomes += after_the_command(attacked, pristine, left, before)
    assert len(outcomes) == len(changed)
    tally += outcomes
    assert not [str(one) for one in outcomes if one.outcome == "accepted"]


def test_the_same_after_a_whole_run(attacked, pristine, before, tally):
    """What the audit would tell before the user's command it tells after it."""
    folder, rng = attacked.folder, np.random.default_rng([SEED, ROUNDS])
    # files behind which little is to be made again
    kinds = ("raw", "lists", "runs", "summaries", "figures", "sidecars")
    changed = {p: (k, harm(folder, p, rng)) for p, k in draw(folder, rng, kinds, 1).items()}
    outcomes = after_the_command(attacked, pristine, changed, before)
    tally += outcomes
    assert not [str(one) for one in outcomes if one.outcome == "accepted"]


def test_changed_tables_of_the_project(attacked, tally):
    """What is no table any more is refused before anything runs; of any other git tells."""
    folder, rng = attacked.folder, np.random.default_rng([SEED, 100])
    outcomes = []
    for _ in range(10):
        path = str(rng.choice(tables(folder)))
        before = (folder / path).read_bytes()
        what = harm(folder, path, rng)
        done = attacked.snakemake("-n", check=False)
        if done.returncode:
            name = path.rpartition("/")[2]
            assert name in done.stdout, done.stdout[-3000:]
            outcomes.append(Outcome("tables", path, what, "refused"))
            (folder / path).write_bytes(before)
        else:
            outcomes.append(Outcome("tables", path, what, "found"))
    problems = audit(attacked)
    dirty = [one for one in problems if one["check"] == "commit" and one["where"] == "."]
    changed = [one for one in outcomes if one.outcome == "found"]
    tally += outcomes
    assert bool(dirty) == bool(changed), problems


@pytest.mark.parametrize("number", range(3))
def test_changed_weights_of_regridding_never_change_a_number(attacked, before, tally, number):
    """They are read when maps and a year of each product are brought to the grid again."""
    folder, rng = attacked.folder, np.random.default_rng([SEED, 300, number])
    kept = [path.relative_to(folder).as_posix() for path in (folder / RESULTS).glob(WEIGHTS)]
    assert len(kept) >= 4
    changed = {path: harm(folder, path, rng) for path in sorted(kept)}
    made = [f"{RESULTS}/smap/statics.nc"]
    for product in sorted((folder / RESULTS / "smap/regridded").iterdir()):
        years = sorted(path.relative_to(folder).as_posix() for path in product.glob("*.nc"))
        made.append(str(rng.choice(years)))
    for path in made:
        (folder / path).unlink()
    done = attacked.snakemake("-c1", "--keep-going", *made, check=False)
    problems, now, outcomes = audit(attacked), contents(folder), []
    other = [path for path in made if now.get(path) != before[path]]
    for path, what in changed.items():
        if not other and now.get(path) == before[path]:
            outcomes.append(Outcome("weights", path, what, "made anew"))
        elif check := told(problems, path, ()):
            outcomes.append(Outcome("weights", path, what, "found", f"by {check}"))
        elif done.returncode and path in done.stdout:
            outcomes.append(Outcome("weights", path, what, "refused"))
        else:
            outcomes.append(Outcome("weights", path, what, "accepted", f"{other} differ"))
    tally += outcomes
    assert not [str(one) for one in outcomes if one.outcome == "accepted"]


@pytest.mark.parametrize("number", range(2))
def test_a_changed_checkpoint_never_changes_a_number(attacked, before, tally, number):
    """Runs go on from a checkpoint in which a bit was flipped, several of them at once."""
    folder, rng = attacked.folder, np.random.default_rng([SEED, 200, number])
    kept = sorted(p for p in attacked.checkpoints.rglob("*") if p.is_file())
    kept = [p for p in kept if "/runs/" in p.as_posix()]
    assert len(kept) >= 5, kept
    changed = {}
    for source in rng.choice(kept, 5, replace=False):
        path = source.relative_to(attacked.checkpoints).as_posix()
        run = "/".join(path.split("/")[:4])
        for name in ("parameters.nc", "calibration/batch-0.nc", "calibration/batch-1.nc"):
            (folder / run / name).unlink(missing_ok=True)
        shutil.copy2(source, folder / path)
        changed[path] = run, harm(folder, path, rng, flip)
    targets = sorted({f"{run}/parameters.nc" for run, _ in changed.values()})
    done = attacked.snakemake("-c1", "--keep-going", *targets, check=False)
    now, outcomes = contents(folder), []
    for path, (run, what) in changed.items():
        own = {name: digest for name, digest in before.items() if name.startswith(f"{run}/")}
        differ = [name for name, digest in own.items() if now.get(name) != digest]
        if not (folder / run / "parameters.nc").is_file():
            assert path in done.stdout, done.stdout[-6000:]
            outcome = Outcome("checkpoints", path, what, "refused")
        elif differ:
            outcome = Outcome("checkpoints", path, what, "accepted", f"{', '.join(differ)} differ")
        else:
            outcome = Outcome("checkpoints", path, what, "made anew")
        outcomes.append(outcome)
    tally += outcomes
    assert not [str(one) for one in outcomes if one.outcome == "accepted"]
