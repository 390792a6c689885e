"""Write down, once, which granules of a product are wanted, and what its archive lacks.

Of an archive a list that is there stays as it is while the settings do; of a folder or an address
it is compared with what is there.
"""

import os
from pathlib import Path

from parlearn.geometry.grids import Box
from parlearn.plan import products
from parlearn.retrieve import earthdata, listing, stores
from parlearn.storage.job import job
from parlearn.storage.provenance import read_sidecar, stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    product, source = snakemake.wildcards.product, snakemake.params.source
    settings, box = source["products"][product], Box(**source["box"])
    target, coverage = Path(snakemake.output.granules), snakemake.output.coverage
    provenance = stamp(snakemake.rule, snakemake.input, config=snakemake.params.items())
    same = listing.made_for(target, source)
    searched = not (settings.get("mirror") or stores.base_address(product, settings))
    if searched and same and Path(coverage).is_file():
        log.info("%s: frozen for these settings, and kept: remove it to search again", target)
        frozen = read_sidecar(target)
        provenance["frozen"] = frozen.get("frozen") or frozen.get("created", "")
        for path in (target, coverage):
            os.utime(path)
    else:
        days = products.span(product, source)
        times = products.times_needed(product, days, source)
        tiles = earthdata.tiles(box) if product == "mod16" else None
        if stores.place(product, settings) == "archive":
            listing.check_record(product, settings, days)
        if searched:
            found = earthdata.search(product, settings, times, box)
        else:
            store = stores.open_store(product, settings)
            try:
                found = list(stores.found_in(store, product, times))
            finally:
                store.close()
        granules, notes = listing.select(product, found, settings, times, tiles)
        notes += listing.gaps(product, granules, settings, times)
        for note in notes:
            log.warning("{product}: {granule} {date}: {what} ({count})".format(**note))
        listing.freeze(product, granules, target, same=same)
        os.utime(target)
        listing.write_rows(coverage, listing.COVERAGE, notes)
        log.info("%d granules", len(granules))
    for path in (target, coverage):
        write_sidecar(path, provenance)
