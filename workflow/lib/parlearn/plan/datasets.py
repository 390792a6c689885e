"""The table of files and products to retrieve (config/datasets.csv).

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

from collections.abc import Mapping
from pathlib import Path

from parlearn.plan.reading import ConfigError, read_rows
from parlearn.plan.schema import check_schema


def read_datasets(path, schemas) -> dict[str, dict[str, str]]:
    """Files to retrieve, by name."""
    return {row["file"]: row for row in _dataset_rows(path, schemas) if row["file"]}


def read_archives(path, schemas) -> dict[str, dict[str, str]]:
    """Products that are retrieved by lists of their granules, by name."""
    return {row["product"]: row for row in _dataset_rows(path, schemas) if not row["file"]}


def hydrodl_files(source: Mapping, datasets: Mapping) -> list[str]:
    """Files of the hydroDL database for the years of the source."""
    names = [name for name, row in datasets.items() if row["product"] == "hydrodl"]
    series = [f"/{year}/" for year in source["years"]]
    wanted = [
        n for n in names if n.endswith("/crd.csv") or any(y in n for y in ["/const/", *series])
    ]
    return [f"<resources>/raw/hydrodl/{name}" for name in wanted]


def _dataset_rows(path, schemas):
    rows = read_rows(path, ",")
    check_schema(rows, Path(schemas) / "datasets.schema.yaml", path)
    if unpinned := [row["file"] for row in rows if row["file"] and not row["sha256"]]:
        raise ConfigError(path, [f"{name}: has no sha256: pin it" for name in unpinned])
    return rows
