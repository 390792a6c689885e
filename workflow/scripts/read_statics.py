"""Bring soil, land cover, greenness, terrain and published parameters to the study's grid."""

from parlearn.sources.fields import target_grid
from parlearn.sources.statics import read_statics
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    target = target_grid(params.box, params.resolution)
    statics = read_statics(
        params.folder, target, params.minimum_share, params.weights, params.priors
    )
    for name, values in statics.data_vars.items():
        log.info("%s: %d of %d cells", name, int(values.notnull().sum()), values.size)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(statics, snakemake.output[0], "statics", provenance)
