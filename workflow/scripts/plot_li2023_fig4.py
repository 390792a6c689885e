"""Draw mean soil moisture of cells, simulated against observed."""

from pathlib import Path

from parlearn.plots.scatter import li2023_fig4
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params = snakemake.params
    picture = Path(snakemake.output.png)
    li2023_fig4(snakemake.input.summary, picture, data=params.data)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    for path in snakemake.output:
        write_sidecar(path, provenance)
