"""Read the published scores of basins that lie beside their files; an empty table where none do."""

from parlearn.retrieve import listing, pinned
from parlearn.sources.published import read_published
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    names = [row["name"] for row in listing.read_rows(snakemake.input[0], pinned.COLUMNS)]
    table = read_published(params.folder, names)
    log.info("%d models, %d scores", table["published"].nunique(), len(table))
    contracts.write_table(table, snakemake.output[0], "published")
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    write_sidecar(snakemake.output[0], provenance)
