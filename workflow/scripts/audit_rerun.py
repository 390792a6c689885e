"""Compare repeated runs, and all that is drawn from runs, with the first results."""

import runpy
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pandas as pd

from parlearn.audit.findings import AuditError
from parlearn.audit.rerun import Compared, compare_made, compare_run, compared
from parlearn.storage.contracts import write_table
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar


def again(call, folder: Path) -> list[Compared]:
    """Run the script of a job once more, and compare the files that are there with what it made."""
    results = f"{snakemake.params.results}/"
    made = {path: f"{folder}/{path.removeprefix(results)}" for path in call["output"]}
    job_of, files_of, log_of = (type(x) for x in (snakemake, snakemake.output, snakemake.log))
    own = job_of(
        input_=call["input"],
        output=files_of(toclone=call["output"], custom_map=made.get),
        params=call["params"],
        wildcards=snakemake.wildcards,
        threads=1,
        resources=snakemake.resources,
        log=log_of(toclone=[f"{folder}/logs/{call['rule']}.log"]),
        config={},
        rulename=call["rule"],
        bench_iteration=None,
    )
    runpy.run_path(call["script"], init_globals={"snakemake": own})
    return [compare_made(call["rule"], p, made[p]) for p in made if Path(p).is_file()]


with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, rows = snakemake.params, []
    folder, table = Path(params.folder), Path(params.folder).with_suffix(".csv")
    table.unlink(missing_ok=True)
    for run, names in params.files.items():
        folders = Path(params.runs) / run, folder / run
        then, now = ({name: one / name for name in names} for one in folders)
        rows += compared(run, names, partial(compare_run, run, then, now))
    for call in params.jobs:
        rows += compared(call["rule"], call["output"], partial(again, call, folder))
    for row in rows:
        log.log(20 if row.passed else 40, "%s, %s: %s", row.job, row.file, row.what)
    write_table(pd.DataFrame([asdict(row) for row in rows]), table)
    write_sidecar(table, stamp(snakemake.rule, snakemake.input, config={"code": params.code}))
    if wrong := [row for row in rows if not row.passed]:
        told = "; ".join(f"{row.job}, {row.file}: {row.what}" for row in wrong)
        raise AuditError(f"{told}. What was repeated lies in {folder}")
    # nothing is lost, and the next call repeats them again
    shutil.rmtree(folder)
