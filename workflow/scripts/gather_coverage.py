"""One table of all that is missing in the granules of a study."""

import pandas as pd

from parlearn import contracts
from parlearn.job import job
from parlearn.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    listed, read = (
        pd.concat([contracts.read_table(path, "coverage") for path in paths], ignore_index=True)
        for paths in (snakemake.input.listed, snakemake.input.read)
    )
    # what is missing in the list is counted once more when granules are read
    listed = listed[~listed["what"].astype(str).str.startswith("missing")]
    table = pd.concat([listed, read], ignore_index=True)
    log.info("%d things missing or left aside", len(table))
    contracts.write_table(table, snakemake.output[0], "coverage")
    provenance = stamp(snakemake.rule, snakemake.input, config=snakemake.params.items())
    write_sidecar(snakemake.output[0], provenance)
