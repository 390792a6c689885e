"""Invent basins, their weather and true parameters; publish files of CAMELS that tell of them."""

from pathlib import Path

from parlearn.runs.opening import open_process
from parlearn.sources.twin.archive import seal
from parlearn.sources.twin.basins import BasinTwin, invent, publish, true_run
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    twin = BasinTwin.from_mapping(params.source)
    folder = Path(snakemake.output.sums).parent
    land, written = invent(twin, folder)
    truth = true_run(
        twin,
        land,
        folder,
        params.record,
        lambda d, f, o: open_process(params.model, d, f, outputs=o),
    )
    written += publish(twin, truth, folder)
    seal(written, folder)
    log.info("%d basins, %d files", truth.sizes["cell"], len(written))
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), twin.seed)
    write_sidecar(snakemake.output.sums, provenance)
    contracts.write(truth, snakemake.output.truth, "truth", provenance)
