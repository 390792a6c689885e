"""Gather the small table that a figure is drawn from, by the module that its entry names."""

from importlib import import_module

import pandas as pd

from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar
from parlearn.summarise.results import Results

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, files = snakemake.params, snakemake.input
    runs = pd.DataFrame(params.runs)
    results = Results(
        params.results,
        params.study,
        target=params.target,
        test=tuple(params.test),
        threshold=params.threshold,
        truth_file=next(iter(files.get("truth", [])), None),
        skill_file=next(iter(files.get("skill", [])), None),
    )
    module = import_module(f"parlearn.summarise.{params.module}")
    table = module.summarise(runs, results, **params.options)
    log.info("%d rows from %d runs", len(table), len(runs))
    contracts.write_table(table, snakemake.output[0])
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    write_sidecar(snakemake.output[0], provenance)
