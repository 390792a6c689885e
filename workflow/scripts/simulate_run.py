"""Simulate with a run's parameters, by the process model and, where the study has one, by the
surrogate that it learned through."""

from pathlib import Path

import torch

from parlearn.runs import outputs
from parlearn.runs.opening import open_process, open_surrogate
from parlearn.storage import contracts
from parlearn.storage.contracts import SURROGATE
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    domain = contracts.read(snakemake.input.domain, "domain")
    forcing = contracts.read(snakemake.input.forcing, "forcing")
    parameters = contracts.read(snakemake.input.parameters, "parameters")
    models = {params.model["process"]: open_process(params.model, domain, forcing)}
    if snakemake.input.surrogate:
        folder = Path(snakemake.input.surrogate[0]).parent
        models[SURROGATE] = open_surrogate(params.kind, folder, params.model, domain, forcing)
    runs = {}
    for name, model in models.items():
        values = outputs.parameters_tensor(parameters, model.space, snakemake.input.parameters)
        with torch.inference_mode():
            runs[name] = model.simulate(values)
        log.info("%s: %d cells, %d days", name, model.n_cells, model.n_days)
    simulation = outputs.simulation_dataset(runs, model.outputs, forcing["time"])
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(simulation, snakemake.output[0], "simulation", provenance)
