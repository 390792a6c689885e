"""Ask, before anything is fetched, whether logins work and the disk has room for all.

Try it alone: snakemake -c1 preflight --configfile config/conus.yaml
"""

from parlearn.retrieve import listing, preflight
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    rows, problems, folders = [], [], []
    for path, (product, known) in zip(snakemake.input, snakemake.params.products.items()):
        granules = listing.read_list(path, product)
        row, wanting = preflight.inspect(product, known["settings"], granules, known["folder"])
        rows.append(row)
        folders.append(known["folder"])
        problems += [f"{one} ({known['page']})" if known["page"] else one for one in wanting]
    problems += preflight.check_room(rows, folders)
    log.info("preflight:\n%s", preflight.table(rows))
    if problems:
        raise preflight.PreflightError(
            "nothing was fetched, since\n  " + "\n  ".join(problems) + "\nMend this and run again"
        )
    listing.write_rows(snakemake.output[0], preflight.COLUMNS, rows)
    provenance = stamp(snakemake.rule, snakemake.input, config=snakemake.params.items())
    write_sidecar(snakemake.output[0], provenance)
