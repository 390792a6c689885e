"""Cut out what a learner may see: the targets, in the training periods, and nothing else."""

from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp
from parlearn.study.training import cut_training

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    observations = contracts.read(snakemake.input[0], "observations")
    training = cut_training(observations, params.periods, params.targets)
    for period in params.periods:
        for target in params.targets:
            seen = int(training[target].sel(period=period).notnull().sum())
            log.info("%s, %s: %d observations", period, target, seen)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(training, snakemake.output[0], "training", provenance)
