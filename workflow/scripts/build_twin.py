"""Invent a region, its weather, true parameters and what satellites would have seen of it."""

from parlearn import contracts
from parlearn.domain import keep_used
from parlearn.job import job
from parlearn.models.vic import VIC
from parlearn.provenance import stamp
from parlearn.sources.twin import TRUTH_OUTPUTS, TwinConfig, build_inputs, build_truth

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params = snakemake.params
    config = TwinConfig.from_mapping(params.source)
    whole = build_inputs(config, params.samplings, params.train_end, params.split_seed)
    domain, forcing = keep_used(*whole)
    cells = domain.sizes["cell"], whole[0].sizes["cell"]
    log.info("%d of %d cells are used, %d days", *cells, forcing.sizes["time"])
    model = VIC(domain, forcing, names=tuple(params.parameters), outputs=TRUTH_OUTPUTS)
    truth, observations = build_truth(config, domain, forcing, model)
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), config.seed)
    for kind, ds in (
        ("domain", domain),
        ("forcing", forcing),
        ("observations", observations),
        ("truth", truth),
    ):
        contracts.write(ds, snakemake.output[kind], kind, provenance)
