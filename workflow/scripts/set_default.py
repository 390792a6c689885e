"""Take the default parameters of every cell, and fit the linear correction alone."""

import torch

from parlearn.learn.baselines import published
from parlearn.models.prior import published_cells
from parlearn.runs import evaluate, outputs
from parlearn.runs.opening import default_of, open_process
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, run = snakemake.params, snakemake.params.run
    target = run["targets"][0]
    domain = contracts.read(snakemake.input.domain, "domain")
    forcing = contracts.read(snakemake.input.forcing, "forcing")
    training = contracts.read(snakemake.input.training, "training")
    model = open_process(params.model, domain, forcing, outputs=(target,))
    baseline = published(default_of(params.model, domain), model.space)
    for name, (cells, held) in published_cells(domain, model.space).items():
        log.info("%s: published for %d cells, %d of them taken to its bounds", name, cells, held)
    slope, offset = float(baseline.slope), float(baseline.offset)
    if run["observation_map"] == "domain":
        with torch.inference_mode():
            simulated = model.simulate(baseline.parameters)
        series = {params.model["process"]: simulated}
        simulation = outputs.simulation_dataset(series, model.outputs, forcing["time"])
        slope, offset = evaluate.fit_map(
            simulation[target].isel(model=0),
            training[target].sel(period=run["period"]),
            run["span"],
            domain["role"].sel(sampling=run["sampling"]).values,
        )
        log.info("linear correction: slope %.3f, offset %.3f", slope, offset)
    ds = outputs.parameters_dataset(model.space, baseline.parameters, slope, offset)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items(), seed=run["seed"])
    contracts.write(ds, snakemake.output[0], "parameters", provenance)
