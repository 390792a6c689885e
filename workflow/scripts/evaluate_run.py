"""Score a simulation against observations per cell, with and without the linear correction."""

from parlearn.runs import evaluate
from parlearn.storage import contracts
from parlearn.storage.contracts import SURROGATE
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp
from parlearn.study.grid import grid_of
from parlearn.study.roles import ROLES

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, run = snakemake.params, snakemake.params.run
    domain = contracts.read(snakemake.input.domain, "domain")
    parameters = contracts.read(snakemake.input.parameters, "parameters")
    simulation = contracts.read(snakemake.input.simulation, "simulation")
    observations = contracts.read(snakemake.input.observations, "observations")
    role = domain["role"].sel(sampling=run["sampling"]).values
    line = {name: parameters[name].values for name in ("slope", "offset")}
    periods = {"train": run["span"], **params.withheld}
    scores = evaluate.score(simulation, observations, periods, role, **line)
    grid = grid_of(domain)
    if grid is not None:
        used = role != ROLES["unused"]
        maps = evaluate.score_maps(simulation, observations, periods["test"], grid, used, **line)
        scores = scores.merge(maps)
    table = evaluate.medians(scores)
    shown = table[(table["period"] == "test") & (table["model"] != SURROGATE)]
    log.info("medians over cells, test period:\n%s", shown.to_string(index=False))
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items(), seed=run["seed"])
    contracts.write(scores, snakemake.output[0], "metrics", provenance)
