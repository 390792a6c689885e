"""Gather the training curves of runs."""

from pathlib import Path

import pandas as pd

from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar
from parlearn.summarise.curves import summarise_curves
from parlearn.summarise.results import Results

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params = snakemake.params
    runs = pd.DataFrame(params.runs)
    results = Results(Path(snakemake.output[0]).parents[1], params.study)
    table = summarise_curves(runs, results, **params.options)
    log.info("%d rows from %d runs", len(table), len(runs))
    contracts.write_table(table, snakemake.output[0])
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    write_sidecar(snakemake.output[0], provenance)
