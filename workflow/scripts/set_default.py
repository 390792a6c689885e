"""Take the default parameters of every cell, and fit the linear correction alone."""

import torch

from parlearn.learn.baselines import published
from parlearn.models.vic import VIC, default_parameters, published_cells
from parlearn.runs import evaluate, outputs
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params, run = snakemake.params, snakemake.params.run
    domain = contracts.read(snakemake.input.domain, "domain")
    forcing = contracts.read(snakemake.input.forcing, "forcing")
    training = contracts.read(snakemake.input.training, "training")
    model = VIC(domain, forcing, names=tuple(params.parameters), outputs=("soil_moisture",))
    baseline = published(default_parameters(domain, model.space.names), model.space)
    for name, (cells, held) in published_cells(domain, model.space.names).items():
        log.info("%s: published for %d cells, %d of them taken to its bounds", name, cells, held)
    slope, offset = float(baseline.slope), float(baseline.offset)
    if run["observation_map"] == "domain":
        with torch.inference_mode():
            simulated = model.simulate(baseline.parameters)
        simulation = outputs.simulation_dataset({"vic": simulated}, model.outputs, forcing["time"])
        slope, offset = evaluate.fit_map(
            simulation["soil_moisture"].isel(model=0),
            training["soil_moisture"].sel(period=run["period"]),
            run["span"],
            domain["role"].sel(sampling=run["sampling"]).values,
        )
        log.info("observation map: slope %.3f, offset %.3f", slope, offset)
    ds = outputs.parameters_dataset(model.space, baseline.parameters, slope, offset)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items(), seed=run["seed"])
    contracts.write(ds, snakemake.output[0], "parameters", provenance)
