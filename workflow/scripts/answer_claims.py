"""Compare the results with what the papers claim."""

from parlearn.claims.answers import answer_claims
from parlearn.claims.page import page
from parlearn.claims.quantities import Files
from parlearn.plan.places import kind_of_data
from parlearn.storage import contracts
from parlearn.storage.files import write_text
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar
from parlearn.summarise.results import Results

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, output = snakemake.params, snakemake.output
    files = Files(
        Results(params.results, params.study),
        tuple(params.test),
        params.threshold,
        card=next(iter(snakemake.input.card), None),
    )
    data = kind_of_data({"name": params.source})
    answers = answer_claims(params.plan, files, data, params.name)
    counts = answers.groupby("paper", sort=False)["verdict"].value_counts()
    log.info("verdicts:\n%s", counts.to_string())
    contracts.write_table(answers, output.table, "claims")
    write_text(page(answers, params.data, params.note), output.page)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    for path in output:
        write_sidecar(path, provenance)
