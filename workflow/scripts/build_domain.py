"""Choose the cells, set VIC's constants and the networks' attributes, and split the cells."""

from pathlib import Path

from parlearn.sources.hydrodl import build_domain, coverage
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    folder = next(Path(p).parent for p in snakemake.input if Path(p).name == "crd.csv")
    table = coverage(folder, params.years, params.training)
    left_out = table[~table["kept"]]
    log.info("%d of %d cells kept", table["kept"].sum(), len(table))
    for reason, count in left_out["reason"].value_counts().items():
        log.info("left out: %d with %s", count, reason)
    domain = build_domain(
        folder, params.years, params.training, params.samplings, params.split_seed
    )
    provenance = stamp(
        snakemake.rule, snakemake.input, config=params.items(), seed=params.split_seed
    )
    contracts.write(domain, snakemake.output.domain, "domain", provenance)
    contracts.write_table(table, snakemake.output.coverage)
    write_sidecar(snakemake.output.coverage, provenance)
