"""One table of all that is missing in the granules of a study."""

from parlearn.sources.coverage import gather
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    inputs = snakemake.input
    listed, read = (
        [contracts.read_table(path, "coverage") for path in paths]
        for paths in (inputs.listed, inputs.read)
    )
    table = gather(listed, read)
    log.info("%d things missing or left aside", len(table))
    contracts.write_table(table, snakemake.output[0], "coverage")
    provenance = stamp(snakemake.rule, inputs, config=snakemake.params.items())
    write_sidecar(snakemake.output[0], provenance)
