"""Bring a year or month of a product to the study's grid and to days; count what is missing."""

from parlearn.sources.fields import KIND_OF, regrid_chunk
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar
from parlearn.storage.unchanged import check_arrived

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, product = snakemake.params, snakemake.wildcards.product
    granules = check_arrived(snakemake.input.granules)
    log.info("%d granules for %s to %s", len(granules), *params.days)
    fields, coverage = regrid_chunk(
        product,
        granules,
        tuple(params.days),
        settings=params.settings,
        closes=params.closes,
        weights=params.weights,
        **params.grid,
    )
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(fields, snakemake.output.fields, KIND_OF[product], provenance)
    contracts.write_table(coverage, snakemake.output.coverage, "coverage")
    write_sidecar(snakemake.output.coverage, provenance)
    log.info("%d things counted in %s", len(coverage), snakemake.output.coverage)
