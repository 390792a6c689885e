"""Put the cells that SCE-UA calibrated together, and give all others their donor's parameters."""

from parlearn.calibrate.domain import join
from parlearn.runs import outputs
from parlearn.runs.opening import space_of
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, run = snakemake.params, snakemake.params.run
    domain = contracts.read(snakemake.input.domain, "domain")
    found = [contracts.read(path, "calibration") for path in snakemake.input.found]
    donor = domain["donor"].sel(sampling=run["sampling"]).values
    result, space = join(found, donor), space_of(params.model)
    log.info("%d cells of %d jobs", len(result.cells), len(found))
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), run["seed"])
    # the searches are what costs memory
    key = "provenance_peak_memory_mb"
    provenance[key] = max([ds.attrs[key] for ds in found], key=float)
    learned = outputs.parameters_dataset(space, result.parameters, result.slope, result.offset)
    contracts.write(learned, snakemake.output.parameters, "parameters", provenance)
    trajectory = outputs.trajectory_dataset(space, **result.trajectory)
    contracts.write(trajectory, snakemake.output.trajectory, "trajectory", provenance)
    contracts.write_table(result.history, snakemake.output.history, "history")
    contracts.write_table(result.cells, snakemake.output.cells)
    for table in (snakemake.output.history, snakemake.output.cells):
        write_sidecar(table, provenance)
