"""Draw learned against true parameters."""

from pathlib import Path

from parlearn.plots.recovery import recovery
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params = snakemake.params
    picture = Path(snakemake.output.png)
    recovery(snakemake.input.summary, picture, data=params.data)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    for path in snakemake.output:
        write_sidecar(path, provenance)
