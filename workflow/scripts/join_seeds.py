"""Put the parameters that several seeds learned together, as members of an ensemble."""

from parlearn.runs.outputs import ensemble_dataset
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    members = [contracts.read(path, "parameters") for path in snakemake.input]
    joined = ensemble_dataset(members)
    log.info("%d members", joined.sizes["member"])
    provenance = stamp(snakemake.rule, snakemake.input, config=snakemake.params.items())
    contracts.write(joined, snakemake.output[0], "parameters", provenance)
