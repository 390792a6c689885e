"""Compiles a generated kernel with the machine's C++ compiler and keeps it for the next process."""

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

log = logging.getLogger(__name__)

FLAGS = [
    *("-std=c++17", "-O2", "-ftree-vectorize", "-march=native", "-ffp-contract=fast"),
    *("-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC", "-pthread", "-w"),
]


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
    return Path(os.environ.get("PARLEARN_CACHE", Path.home() / ".cache" / "parlearn"))


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

    Raises
    ------
    RuntimeError
        Without a compiler, or with the compiler's own message when it fails.
    """
    program = compiler()
    if program is None:
        raise RuntimeError("no C++ compiler found (looked for c++, g++, clang++; $CXX overrides)")
    options = FLAGS + [f"-D{name}={value}" for name, value in defines.items()]
    version = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=True
    ).stdout
    key = hashlib.sha256("\0".join([source, version, _processor(), *options]).encode()).hexdigest()[
        :24
    ]
    target = cache_folder() / f"kernel-{key}.so"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        log.info("compiling the time loop (once for this machine) ...")
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            code, made = Path(folder) / "kernel.cpp", Path(folder) / "kernel.so"
            code.write_text(source)
            done = subprocess.run(
                [program, *options, "-o", str(made), str(code)], capture_output=True, text=True
            )
            if done.returncode:
                raise RuntimeError(
                    f"{program} could not compile the kernel:\n{done.stderr[-3000:]}"
                )
            os.replace(made, target)
        log.info("compiled in %.0f s", time.perf_counter() - start)
    return ctypes.CDLL(str(target))
