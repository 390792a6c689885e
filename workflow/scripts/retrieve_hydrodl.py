"""Fetch one file of the hydroDL database, or copy it from a mirror folder, and check it.

Try it alone: snakemake -c1 resources/raw/hydrodl/CONUSv4f1/crd.csv --configfile config/real.yaml
"""

from dataclasses import asdict

from parlearn.retrieve.mirror import retrieve
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params = snakemake.params
    done = retrieve(
        snakemake.wildcards.file,
        snakemake.output[0],
        url=params.url,
        sha256=params.sha256,
        mirror=params.mirror,
    )
    log.info("%s from %s %s", done.path, done.origin, done.note)
    source = {name: str(value) for name, value in asdict(done).items()}
    write_sidecar(done.path, stamp(snakemake.rule, config=params.items()) | {"retrieved": source})
