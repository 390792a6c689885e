"""Hold two process models that should be the same against each other, at the cells of the study."""

from parlearn.runs.backends import hold_together
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    table, text = hold_together(
        params.model,
        contracts.read(snakemake.input.domain, "domain"),
        contracts.read(snakemake.input.forcing, "forcing"),
        seed=params.seed,
    )
    log.info("both models, at %d bars:\n%s", len(table), text)
    missed = table[~table["met"]]
    if len(missed):
        raise ValueError(
            f"{len(missed)} of {len(table)} bars are missed, that of {missed['quantity'].iloc[0]} "
            "first: the table stands above, and the two models differ"
        )
    contracts.write_table(table, snakemake.output[0])
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), params.seed)
    write_sidecar(snakemake.output[0], provenance)
