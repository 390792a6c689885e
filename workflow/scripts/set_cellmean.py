"""Predict each cell's own mean of the training period on every day: a bar for any method."""

from parlearn.learn.baselines import cell_mean
from parlearn.runs import outputs
from parlearn.runs.opening import default_of, space_of
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp
from parlearn.study.tensors import load_study

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, run = snakemake.params, snakemake.params.run
    domain = contracts.read(snakemake.input.domain, "domain")
    study = load_study(
        domain,
        contracts.read(snakemake.input.forcing, "forcing"),
        contracts.read(snakemake.input.training, "training"),
        sampling=run["sampling"],
        period=run["period"],
        span=run["span"],
        targets=run["targets"],
    )
    # The slope is 0, so what the model simulates with these parameters does not matter.
    baseline = cell_mean(study, default_of(params.model, domain), run["targets"][0])
    space = space_of(params.model)
    ds = outputs.parameters_dataset(space, baseline.parameters, baseline.slope, baseline.offset)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items(), seed=run["seed"])
    contracts.write(ds, snakemake.output[0], "parameters", provenance)
