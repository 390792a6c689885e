"""Keep the truth of a twin at the cells of the domain."""

from parlearn.sources.build import cut_truth
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input):
    truth = contracts.read(snakemake.input.truth, "truth")
    domain = contracts.read(snakemake.input.domain, "domain")
    provenance = stamp(snakemake.rule, snakemake.input, config=snakemake.params.items())
    contracts.write(cut_truth(truth, domain), snakemake.output[0], "truth", provenance)
