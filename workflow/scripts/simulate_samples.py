"""Run the process model with many parameter sets: spread evenly, then around what was learned."""

import torch

from parlearn.models.surrogate.samples import around, choose_cells, latin_hypercube
from parlearn.runs import outputs
from parlearn.runs.opening import open_process
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, plan = snakemake.params, snakemake.params.simulate
    number, batch = int(snakemake.wildcards.round), int(snakemake.wildcards.batch)
    domain = contracts.read(snakemake.input.domain, "domain")
    forcing = contracts.read(snakemake.input.forcing, "forcing")
    model = open_process(params.model, domain, forcing)

    # Cells and sets are drawn whole and alike in every batch, which then takes its share.
    cells = choose_cells(model.n_cells, plan["cells"], plan["seed"])
    seed = plan["seed"] + number
    if number == 1:
        unit = latin_hypercube(plan["sets"], len(cells), len(model.space), seed)
    else:
        learned = contracts.read(snakemake.input.learned, "parameters")
        known = outputs.parameters_tensor(learned, model.space, snakemake.input.learned)
        unit = around(model.space.to_unit(known)[cells], plan["sets"], seed)
    mine = model.space.to_physical(unit[batch :: plan["batches"]])
    log.info("round %d: %d sets at %d cells", number, len(mine), len(cells))

    with torch.inference_mode():
        run = model.simulate(mine, cells)
    samples = outputs.samples_dataset(model.space, cells, mine, run, model.outputs, forcing["time"])
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items(), seed=seed)
    contracts.write(samples, snakemake.output[0], "samples", provenance)
