"""Compiles a generated kernel with the machine's C++ compiler and keeps it for the next process.

A kept kernel has a checksum in its name, ``kernel-KEY-CHECKSUM.so``, so that one rename puts both
in place: processes that compile the same kernel at the same time do not disturb each other, and a
file that was cut short, changed or renamed is known before it is loaded and can crash the process.
"""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from parlearn.storage.files import sync

log = logging.getLogger(__name__)

FLAGS = [
    *("-std=c++17", "-O2", "-ftree-vectorize", "-march=native", "-ffp-contract=fast"),
    *("-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC", "-pthread", "-w"),
]
#: characters of what a compiler printed that an error repeats
TOLD = 3000
#: digits of the checksum in a name
DIGITS = 32


def compiler() -> str | None:
    """The C++ compiler: $CXX, else c++, g++ or clang++; None where there is none."""
    named = os.environ.get("CXX")
    if named == "none":
        return None
    for candidate in [named] if named else ["c++", "g++", "clang++"]:
        path = shutil.which(candidate)
        if path:
            return path
    if named:
        raise RuntimeError(
            f"CXX names {named!r}, which is not on the PATH: unset CXX or install it"
        )
    return None


def cache_folder() -> Path:
    """Where compiled kernels are kept: $PARLEARN_CACHE, else ~/.cache/parlearn."""
    return Path(os.environ.get("PARLEARN_CACHE") or "~/.cache/parlearn").expanduser()


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        return next(
            (line for line in lines if line.startswith(("flags", "Features"))), platform.machine()
        )
    return platform.processor() or platform.machine()


def build(source: str, defines: dict) -> ctypes.CDLL:
    """Compile a kernel, or load it from the cache when this machine has compiled the same one
    before.

    A kept kernel that is not what was written is removed and compiled anew. Where the cache cannot
    be written, the kernel serves this process alone. Both are said in a warning.

    Raises
    ------
    RuntimeError
        Without a compiler, or with what the compiler printed when it fails.
    """
    program = compiler()
    if program is None:
        raise RuntimeError("no C++ compiler found (looked for c++, g++, clang++; $CXX overrides)")
    options = FLAGS + [f"-D{name}={value}" for name, value in defines.items()]
    decides = [source, _run([program, "--version"]), _processor(), *options]
    key = hashlib.sha256("\0".join(decides).encode()).hexdigest()[:24]
    kept = _kept(key)
    if kept is not None:
        return _load(kept, program)
    with tempfile.TemporaryDirectory(prefix="parlearn-kernel-") as folder:
        code, made = Path(folder) / "kernel.cpp", Path(folder) / "kernel.so"
        code.write_text(source)
        start = time.perf_counter()
        log.info("compiling the time loop (once for this machine) ...")
        printed = _run([program, *options, "-o", str(made), str(code)])
        if not made.is_file():
            raise RuntimeError(f"{program} made no file of the kernel; it printed: {printed!r}")
        log.info("compiled in %.0f s", time.perf_counter() - start)
        kept = _keep(made, key)
        try:
            return _load(kept or made, program)  # once it is loaded, the file may go
        except RuntimeError:
            if kept is not None:
                kept.unlink(missing_ok=True)
            raise


def _run(command: list[str]) -> str:
    """What a compiler prints; RuntimeError with it where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise RuntimeError(f"{command[0]}, the C++ compiler, cannot be run: {error}") from error
    if done.returncode:
        printed = (done.stderr or done.stdout)[-TOLD:].strip()
        raise RuntimeError(
            f"{command[0]}, the C++ compiler, failed (exit {done.returncode}) on "
            f"{' '.join(command[1:])}. It printed:\n{printed or 'nothing'}\nMend it, or let $CXX "
            "name another one (CXX=none: none)"
        )
    return done.stdout


def _kept(key: str) -> Path | None:
    """The kernel of a key from the cache, verified; None where there is none."""
    try:
        found = sorted(cache_folder().glob(f"kernel-{key}-*.so"))
    except (OSError, RuntimeError):  # no right to look, or nobody's home
        return None
    for path in found:
        try:
            if path.stem.rpartition("-")[2] == _checksum(path, key):
                return path
            log.warning("%s is not the kernel that was compiled: compiling it anew", path)
            path.unlink()
        except OSError as error:
            log.warning("%s is not used: %s", path, error)
    return None


def _checksum(path: Path, key: str) -> str:
    return hashlib.sha256(key.encode() + path.read_bytes()).hexdigest()[:DIGITS]


def _keep(made: Path, key: str) -> Path | None:
    """Put a kernel into the cache; None, with a warning, where that cannot be."""
    own = None
    try:
        folder = cache_folder()
        target = folder / f"kernel-{key}-{_checksum(made, key)}.so"
        folder.mkdir(parents=True, exist_ok=True)
        handle, own = tempfile.mkstemp(prefix=".kernel-", suffix=".tmp", dir=folder)
        os.close(handle)
        shutil.copyfile(made, own)
        os.chmod(own, 0o755)
        sync(own)
        os.replace(own, target)
        sync(folder)
    except (OSError, RuntimeError) as error:
        log.warning(
            "the compiled kernel cannot be kept, and every process compiles it again: %s. Let "
            "PARLEARN_CACHE name a folder that can be written",
            error,
        )
        return None
    finally:
        if own is not None:
            Path(own).unlink(missing_ok=True)
    return target


def _load(path: Path, program: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise RuntimeError(
            f"{path}, which {program} compiled, cannot be loaded: {error}. Let $CXX name a "
            "compiler of this machine, and PARLEARN_CACHE a folder from which programs may run"
        ) from error
