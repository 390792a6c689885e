"""All benchmarks one after another, each in a process of its own (``make bench``)."""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
NAMES = ("bench_vic", "bench_surrogate", "bench_sceua", "bench_lstm", "bench_learning")


def main() -> int:
    results = HERE.parent / "results" / "benchmarks"
    results.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in NAMES:
        start = time.perf_counter()
        print(f"== {name}", flush=True)
        command = [
            sys.executable,
            str(HERE / f"{name}.py"),
            "--json",
            str(results / f"{name}.json"),
        ]
        failed += subprocess.run(command).returncode != 0
        print(f"   {time.perf_counter() - start:.0f} s\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
