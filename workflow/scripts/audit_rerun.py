"""Compare repeated runs with their first results."""

import shutil
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from parlearn.audit.findings import AuditError
from parlearn.audit.rerun import compare_run
from parlearn.storage.contracts import write_table
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    rows = []
    for run, names in params.files.items():
        folders = Path(params.runs) / run, Path(params.folder) / run
        then, now = ({name: folder / name for name in names} for folder in folders)
        rows += compare_run(run, then, now)
    for row in rows:
        log.log(20 if row.passed else 40, "%s, %s: %s", row.run, row.file, row.what)
    table = Path(params.folder).with_suffix(".csv")
    write_table(pd.DataFrame([asdict(row) for row in rows]), table)
    write_sidecar(table, stamp(snakemake.rule, snakemake.input, config={"code": params.code}))
    if wrong := [row for row in rows if not row.passed]:
        told = "; ".join(f"{row.run}, {row.file}: {row.what}" for row in wrong)
        raise AuditError(f"{told}. What was repeated lies in {params.folder}")
    # nothing is lost, and the next call repeats them again
    shutil.rmtree(params.folder)
