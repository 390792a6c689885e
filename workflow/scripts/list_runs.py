"""Write the table of all runs of the configuration."""

from parlearn.storage.files import write_text
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    rows, path = snakemake.params.runs, snakemake.output[0]
    lines = [[*rows[0]], *([*row.values()] for row in rows)]
    write_text("".join("\t".join(line) + "\n" for line in lines), path)
    log.info("%d runs", len(rows))
    write_sidecar(path, stamp(snakemake.rule, config=snakemake.params.items()))
