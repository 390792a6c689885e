"""Bring a year or month of a product to the study's grid and to days; count what is missing."""

from pathlib import Path

import pandas as pd

from parlearn.sources.fields import KIND_OF, regrid_chunk
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params, product = snakemake.params, snakemake.wildcards.product
    granules = pd.read_csv(snakemake.input.granules)
    log.info("%d granules for %s to %s", len(granules), *params.days)
    fields, coverage = regrid_chunk(
        product,
        [Path(path) for path in granules["path"]],
        tuple(params.days),
        settings=params.settings,
        closes=params.closes,
        weights=params.weights,
        **params.grid,
    )
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(fields, snakemake.output.fields, KIND_OF[product], provenance)
    contracts.write_table(coverage, snakemake.output.coverage, "coverage")
    write_sidecar(snakemake.output.coverage, provenance)
    log.info("%d things counted in %s", len(coverage), snakemake.output.coverage)
