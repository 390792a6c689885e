"""Choose the cells of the grid, set VIC's constants and the networks' attributes, and split."""

from parlearn.sources.build import build_domain, coverage
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, inputs = snakemake.params, snakemake.input
    statics = contracts.read(inputs.statics, "statics")
    table = coverage(statics, inputs.weather, inputs.observed, params.target, params.training)
    log.info("%d of %d cells can be used", table["kept"].sum(), len(table))
    for reason, count in table.loc[~table["kept"], "reason"].value_counts().items():
        log.info("left out: %d with %s", count, reason)
    domain = build_domain(
        statics, table, inputs.weather, params.training, params.samplings, params.split_seed
    )
    log.info("%d cells are used by a sampling", domain.sizes["cell"])
    provenance = stamp(snakemake.rule, inputs, config=params.items(), seed=params.split_seed)
    contracts.write(domain, snakemake.output.domain, "domain", provenance)
    contracts.write_table(table, snakemake.output.cells)
    write_sidecar(snakemake.output.cells, provenance)
