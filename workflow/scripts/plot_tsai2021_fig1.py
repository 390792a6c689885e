"""Draw test error against epochs and wall clock."""

from pathlib import Path

from parlearn.plots.curves import tsai2021_fig1
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params = snakemake.params
    picture = Path(snakemake.output.png)
    tsai2021_fig1(snakemake.input.summary, picture, data=params.data, threshold=params.threshold)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    for path in snakemake.output:
        write_sidecar(path, provenance)
