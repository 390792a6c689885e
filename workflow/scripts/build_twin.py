"""Invent a region, its weather and true parameters; publish what archives would have of it."""

from pathlib import Path

from parlearn.models.assembly import assembly_of
from parlearn.runs.opening import open_process
from parlearn.sources.twin import TwinConfig, build_inputs, build_truth, truth_outputs
from parlearn.sources.twin.archive import seal, write_granules, write_statics
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    config = TwinConfig.from_mapping(params.source)
    domain, forcing = build_inputs(config, params.samplings, params.train_end, params.split_seed)
    outputs = truth_outputs(assembly_of(params.model).outputs)
    model = open_process(params.model, domain, forcing, outputs=outputs)
    truth, _ = build_truth(config, domain, forcing, model)
    log.info("truth: %d cells, %d days", truth.sizes["cell"], truth.sizes["time"])
    write_statics(config, Path(snakemake.output.statics[0]).parent)
    folders = {Path(path).parent.name: Path(path).parent for path in snakemake.output.archive}
    written = write_granules(config, domain, forcing, truth, folders)
    for product, paths in written.items():
        size = sum(path.stat().st_size for path in paths) / 1e6
        log.info("%s: %d granules, %.0f MB", product, len(paths), size)
        seal(paths, folders[product])
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), config.seed)
    places = {name: domain[name] for name in ("lat", "lon", "row", "col")}
    for path in (*snakemake.output.archive, *snakemake.output.statics):
        write_sidecar(path, provenance)
    contracts.write(truth.assign(places), snakemake.output.truth, "truth", provenance)
