"""Put a user's observations on the time axis of the forcing, gaps as gaps."""

from parlearn.sources.vic5.build import build_observations
from parlearn.sources.vic5.files import read_grid
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, source = snakemake.params, snakemake.params.source
    observations = build_observations(
        source["observations"],
        read_grid(source["domain"], source.get("names")),
        contracts.read(snakemake.input.forcing, "forcing"),
    )
    for name, series in observations.data_vars.items():
        log.info("%s: %d observations", name, int(series.notnull().sum()))
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(observations, snakemake.output[0], "observations", provenance)
