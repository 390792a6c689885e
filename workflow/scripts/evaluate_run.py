"""Score a simulation against observations per cell, with and without the linear correction."""

from parlearn.runs import evaluate
from parlearn.storage import contracts
from parlearn.storage.contracts import SURROGATE
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params, run = snakemake.params, snakemake.params.run
    domain = contracts.read(snakemake.input.domain, "domain")
    parameters = contracts.read(snakemake.input.parameters, "parameters")
    scores = evaluate.score(
        contracts.read(snakemake.input.simulation, "simulation"),
        contracts.read(snakemake.input.observations, "observations"),
        {"train": run["span"], **params.withheld},
        domain["role"].sel(sampling=run["sampling"]).values,
        slope=parameters["slope"].values,
        offset=parameters["offset"].values,
    )
    table = evaluate.medians(scores)
    shown = table[(table["period"] == "test") & (table["model"] != SURROGATE)]
    log.info("medians over cells, test period:\n%s", shown.to_string(index=False))
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items(), seed=run["seed"])
    contracts.write(scores, snakemake.output[0], "metrics", provenance)
