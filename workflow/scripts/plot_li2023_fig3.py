"""Draw distributions of scores over cells."""

from pathlib import Path

from parlearn.plots.distributions import li2023_fig3
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params = snakemake.params
    picture = Path(snakemake.output.png)
    li2023_fig3(snakemake.input.summary, picture, data=params.data)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    for path in snakemake.output:
        write_sidecar(path, provenance)
