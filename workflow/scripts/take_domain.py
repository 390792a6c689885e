"""Read a user's cells and parameters, name what is left out of them, and split the cells."""

from parlearn.sources.vic5.build import build_domain
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, output = snakemake.params, snakemake.output
    forcing = contracts.read(snakemake.input.forcing, "forcing")
    observations = contracts.read(snakemake.input.observations, "observations")
    domain, left_out = build_domain(
        params.source,
        forcing,
        observations,
        params.training,
        params.samplings,
        params.split_seed,
    )
    log.info("%d cells; left out: %s", domain.sizes["cell"], domain.attrs["left_out"])
    for sampling, role in zip(domain["sampling"].values, domain["role"].values, strict=True):
        log.info("%s: %d cells with a role, others lack observations", sampling, (role > 0).sum())
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), params.split_seed)
    contracts.write(domain, output.domain, "domain", provenance)
    contracts.write_table(left_out, output.left_out)
    write_sidecar(output.left_out, provenance)
