"""What a job of each rule takes, for the display of ``--logger parlearn`` on a first run.

    python benchmarks/rule_seconds.py config/config.yaml config/huaihe_twin.yaml

reads the benchmark files of finished runs of these configurations and writes their rows of
``resources/rule_seconds.csv`` anew. The seconds are of CPU time, which depends little on what else
the machine did.
"""

import argparse
import csv
import sys
from pathlib import Path
from statistics import fmean

import yaml

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "resources" / "rule_seconds.csv"


def cpu_seconds(row) -> float:
    """CPU time of a job; wall time of one that was over before it could be looked at."""
    return float(row["s"] if row["cpu_time"] in ("NA", "-") else row["cpu_time"])


def rows_of(config: Path):
    """Rows of the table, from the benchmark files in the results of a configuration."""
    folder = ROOT / yaml.safe_load(config.read_text())["results"] / "benchmarks"
    times: dict[str, list[float]] = {}
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        with path.open(newline="") as file:
            times.setdefault(rule, []).extend(
                map(cpu_seconds, csv.DictReader(file, delimiter="\t"))
            )
    if not times:
        sys.exit(f"{config}: there is no benchmark file in {folder}: make its results first")
    return [[config.stem, rule, f"{fmean(seconds):.1f}"] for rule, seconds in sorted(times.items())]


def main(configs) -> None:
    new = [row for config in configs for row in rows_of(config)]
    kept = []
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            kept = [row for row in list(csv.reader(file))[1:] if row[0] not in {r[0] for r in new}]
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["config", "rule", "seconds"])
        writer.writerows(sorted([*kept, *new]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+", type=Path, help="of finished runs")
    main(parser.parse_args().configs)
