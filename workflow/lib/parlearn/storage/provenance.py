"""Provenance of a result: rule, code, configuration, seed, versions, inputs with checksums."""

import json
import platform
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256 as _sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from parlearn.storage.files import read_json, sha256, write_json
from parlearn.storage.unchanged import checksum

#: packages whose version may change a number
PACKAGES = ("numpy", "scipy", "pandas", "xarray", "netCDF4", "torch", "matplotlib", "snakemake")

#: begins the names of the fields among the attributes of a netCDF file
PREFIX = "provenance_"
#: fields of a stamp; `seed` is empty where nothing is drawn at random
FIELDS = (
    "rule",
    "code",
    "commit",
    "dirty",
    "config",
    "config_digest",
    "seed",
    "device",
    "machine",
    "peak_memory_mb",
    "versions",
    "inputs",
    "wall_seconds",
    "created",
)
#: field of a sidecar: checksum of all others
STAMP = "stamp_sha256"
#: parameters of rules that do not decide what comes out: where files lie
PLACES = ("weights", "results")
#: settings longer than this (characters of JSON) are stamped by their digest
LONGEST = 20_000

_STARTED = time.time()


def stamp(rule, inputs=(), config=None, seed=None, device=None, code=None) -> dict[str, str]:
    """Attributes that say how a file was made, all text, as netCDF and JSON take them.

    Parameters
    ----------
    rule : str
        The rule that makes the file.
    inputs : iterable of paths
        Files it was made from; their checksums are those of the job's beginning.
    config : mapping, optional
        The settings the job ran with; kept whole beside their digest. A field ``code`` in it is
        the digest of the code (:func:`parlearn.plan.digests.source_hash`).
    seed, device : optional
    """
    config = dict(config or {})
    code = config.pop("code", None) if code is None else code
    config = settings(config)
    commit, dirty = commit_of(Path(__file__).resolve().parent)
    attributes = {
        "rule": rule,
        "code": code or "",
        "commit": commit,
        "dirty": dirty,
        "config": config,
        "config_digest": text_digest(config),
        "seed": "" if seed is None else str(seed),
        "device": str(device or "cpu"),
        "machine": machine(),
        "peak_memory_mb": f"{peak_memory(device) / 1e6:.1f}",
        "versions": json.dumps(versions()),
        "inputs": json.dumps({str(p): checksum(p) for p in inputs if Path(p).is_file()}),
        "wall_seconds": f"{time.time() - _STARTED:.1f}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {f"{PREFIX}{name}": value for name, value in attributes.items()}


def settings(config) -> str:
    """The settings of a job as its stamp has them, JSON text with sorted keys.

    Without the digest of the code, which has a field of its own, and without :data:`PLACES`.
    """
    config = {k: v for k, v in dict(config).items() if k not in ("code", *PLACES)}
    for name, value in config.items():
        text = _json(value)
        if len(text) > LONGEST:
            config[name] = f"sha256:{_sha256(text.encode()).hexdigest()}"
    return _json(config)


def text_digest(text: str) -> str:
    """Short digest of a text, of settings above all."""
    return _sha256(text.encode()).hexdigest()[:16]


def _json(value) -> str:
    return json.dumps(value, sort_keys=True, default=str)


@cache
def machine() -> str:
    """Architecture and processor: the kind of machine on which the same numbers come again."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return " ".join(filter(None, (platform.machine(), named[0] if named else model)))


def peak_memory(device=None) -> int:
    """The most memory (bytes) in use at once so far.

    Of a job on a GPU what torch gave to tensors there; else the largest resident set of the
    process, libraries included.
    """
    if str(device or "cpu").startswith("cuda"):
        return sys.modules["torch"].cuda.max_memory_allocated(device)
    # kibibytes on Linux, bytes on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def digest(config, inputs=()) -> str:
    """What a state saved half-way belongs to: settings (code among them) and contents of inputs."""
    return text_digest(_json({"config": dict(config), "inputs": [checksum(p) for p in inputs]}))


def read_sidecar(path) -> dict:
    """The stamp beside a file, with the checksum that the file had, ``sha256``."""
    return read_json(f"{path}.json")


def write_sidecar(path, provenance: dict) -> None:
    """Write the provenance of a file without room for it (CSV, PNG, PDF) beside it, as JSON.

    ``fig.csv`` gets ``fig.csv.json``, with the checksum of the file itself and that of the stamp.
    """
    content = {name.removeprefix(PREFIX): value for name, value in provenance.items()}
    for name in ("versions", "inputs", "config"):
        if name in content:
            content[name] = json.loads(content[name])
    content = {"file": Path(path).name, "sha256": sha256(path), **content}
    write_json({**content, STAMP: stamp_digest(content)}, f"{path}.json")


def stamp_digest(content) -> str:
    """Checksum of all fields of a sidecar but :data:`STAMP`, where it stands."""
    # as it is read back: keys that are numbers are texts then, and sorted as such
    read = json.loads(json.dumps({k: v for k, v in content.items() if k != STAMP}))
    return _sha256(_json(read).encode()).hexdigest()


@cache
def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an environment of a rule holds only what the rule needs
    return found


@cache
def commit_of(folder: Path) -> tuple[str, str]:
    """Commit of the checkout a folder lies in, and whether it has changes (``yes``, ``no``).

    Outside a checkout (an installed package) both are ``unknown``.
    """
    try:
        head = _git(folder, "rev-parse", "HEAD").strip()
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no").strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown", "unknown"
    return head, "yes" if changed else "no"


def _git(folder, *words) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
    )
    return done.stdout
