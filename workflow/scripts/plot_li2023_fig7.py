"""Draw where learned infilt is above the default."""

from pathlib import Path

from parlearn.plots.patterns import li2023_fig7
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params = snakemake.params
    picture = Path(snakemake.output.png)
    borders = next(iter(snakemake.input.borders), None)
    li2023_fig7(snakemake.input.summary, picture, data=params.data, borders=borders)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    for path in snakemake.output:
        write_sidecar(path, provenance)
