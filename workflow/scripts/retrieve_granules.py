"""Fetch the granules of a product that a year or month needs, and check each of them."""

from parlearn.retrieve import listing, stores, transfer
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar
from parlearn.storage.unchanged import TIMES, changed_times

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    product, chunk = snakemake.wildcards.product, snakemake.wildcards.chunk
    listed = listing.read_list(snakemake.input.granules, product)
    granules = listing.of_chunk(product, listed, chunk, params.source)
    log.info("%s %s: %d granules", product, chunk, len(granules))
    if not granules:
        log.warning("%s %s: the list has none, see its coverage", product, chunk)
    store = stores.open_store(product, params.source["products"][product])
    try:
        rows = transfer.bring(product, granules, params.folder, store)
    finally:
        store.close()
    listing.write_rows(snakemake.output[0], transfer.ARRIVED, rows)
    provenance = stamp(snakemake.rule, [snakemake.input.granules], config=params.items())
    write_sidecar(snakemake.output[0], provenance | {TIMES: changed_times(rows)})
