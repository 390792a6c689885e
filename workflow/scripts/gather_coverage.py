"""One table of all that is missing in the granules of a study."""

import pandas as pd

from parlearn import contracts
from parlearn.job import job
from parlearn.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    tables = [contracts.read_table(path, "coverage") for path in snakemake.input]
    table = pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)
    log.info("%d things missing or left aside", len(table))
    contracts.write_table(table, snakemake.output[0], "coverage")
    provenance = stamp(snakemake.rule, snakemake.input, config=snakemake.params.items())
    write_sidecar(snakemake.output[0], provenance)
