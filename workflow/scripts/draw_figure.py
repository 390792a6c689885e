"""Draw a figure or a table from its summary, by the module that its entry names."""

from importlib import import_module

from parlearn.plots.sheet import Sheet
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, files = snakemake.params, snakemake.input
    sheet = Sheet(files.summary, snakemake.output.png, params.data, next(iter(files.borders), None))
    import_module(f"parlearn.plots.{params.module}").draw(sheet, **params.drawing)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    for path in snakemake.output:
        write_sidecar(path, provenance)
