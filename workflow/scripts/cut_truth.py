"""Keep the truth of a twin at the cells of the domain."""

from parlearn import contracts
from parlearn.job import job
from parlearn.provenance import stamp
from parlearn.sources.gridded import cut_truth

with job(log=snakemake.log[0], threads=snakemake.threads):
    truth = contracts.read(snakemake.input.truth, "truth")
    domain = contracts.read(snakemake.input.domain, "domain")
    provenance = stamp(snakemake.rule, snakemake.input, config=snakemake.params.items())
    contracts.write(cut_truth(truth, domain), snakemake.output[0], "truth", provenance)
