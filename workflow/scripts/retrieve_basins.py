"""Fetch the files of basins, or look at those in the user's folder, and list them.

Try it alone: snakemake -c1 results/camels/camels/files.csv --configfile config/camels.yaml
"""

from parlearn.plan.basins import read_sums
from parlearn.retrieve import listing, pinned
from parlearn.sources.basins import READERS
from parlearn.sources.records import names_in
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    reader = READERS[params.source["name"]]
    sums = read_sums(params.pinned) if params.pinned else {}
    if params.fetched:
        wanted = reader.file_names(sums, params.source)
        rows = pinned.fetch_all({name: sums[name] for name in wanted}, params.url, params.folder)
    else:
        wanted = reader.file_names(names_in(params.folder), params.source)
        rows = pinned.look_at(params.folder, wanted, sums)
    others = sum(row["note"] == pinned.OTHER for row in rows)
    log.info("%d files of basins in %s", len(rows), params.folder)
    if others:
        log.warning("%d of them are not the pinned ones: the folder's are taken", others)
    listing.write_rows(snakemake.output[0], pinned.COLUMNS, rows)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    write_sidecar(snakemake.output[0], provenance)
