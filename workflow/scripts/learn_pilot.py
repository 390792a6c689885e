"""Learn parameters through the surrogate so far, to see where its next samples are needed."""

from parlearn.calibrate.line import read_line
from parlearn.plan.methods import METHODS
from parlearn.runs import outputs
from parlearn.runs.opening import open_run
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, pilot = snakemake.params, snakemake.params.pilot
    run = {"model": params.kind, **pilot}
    _, study, model, _, device = open_run(
        snakemake.input, run, model=params.model, device=params.device
    )
    line = read_line(snakemake.input.line)
    learner = METHODS[pilot["method"]].load()
    settings = learner.Settings.from_dict(
        {
            **pilot["settings"],
            "observation_map": "domain" if line else "none",
            "targets": dict.fromkeys(pilot["targets"], 1.0),
        }
    )
    result = learner.learn(pilot["method"], study, model, settings, seed=pilot["seed"], line=line)
    learned = outputs.parameters_dataset(
        model.space, result.parameters, result.slope, result.offset
    )
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), pilot["seed"], device)
    contracts.write(learned, snakemake.output[0], "parameters", provenance)
