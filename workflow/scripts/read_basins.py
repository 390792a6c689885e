"""Read weather, streamflow and attributes of all basins, and put them on one time axis."""

from parlearn.retrieve import listing, pinned
from parlearn.sources.basins import READERS
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    names = [row["name"] for row in listing.read_rows(snakemake.input[0], pinned.COLUMNS)]
    reader = READERS[params.source["name"]]
    basins = reader.read_basins(params.folder, names, params.source, params.record)
    left = (basins["reason"] != "").values
    log.info("%d basins, %d days", basins.sizes["basin"], basins.sizes["time"])
    for gauge, reason in zip(basins["gauge"].values[left], basins["reason"].values[left]):
        log.warning("%s cannot be used: %s", gauge, reason)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(basins, snakemake.output[0], "basins", provenance)
