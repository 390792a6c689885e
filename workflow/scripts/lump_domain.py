"""Choose the basins, set the networks' attributes and what models need of the land, and split."""

from parlearn.sources.basins import build_domain, coverage
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    basins = contracts.read(snakemake.input.basins, "basins")
    table = coverage(basins, params.training)
    log.info("%d of %d basins kept", table["kept"].sum(), len(table))
    for reason, count in table["reason"][~table["kept"]].value_counts().items():
        log.info("left out: %d with %s", count, reason)
    domain = build_domain(basins, table, params.training, params.samplings, params.split_seed)
    provenance = stamp(
        snakemake.rule, snakemake.input, config=params.items(), seed=params.split_seed
    )
    contracts.write(domain, snakemake.output.domain, "domain", provenance)
    contracts.write_table(table, snakemake.output.basins)
    write_sidecar(snakemake.output.basins, provenance)
