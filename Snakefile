# parlearn: parameter learning for hydrologic models, from raw files to figures.
#
# snakemake -c2                   the demo: all that config/config.yaml asks for
# snakemake -c2 tsai2021_fig4     one figure and what it needs
# snakemake -c2 --configfile config/real.yaml

import sys

from snakemake.utils import min_version

min_version("9.27")


# One file is one complete instance: the demo's is read only where no other was named.
if "name" not in config:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"


pathvars:
    results=CONFIG["results"],
    study=f"<results>/{CONFIG['study']}",
    runs="<results>/runs",
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",


wildcard_constraints:
    study="[a-z0-9]+",
    run="[a-z][a-z0-9_]*",
    round=r"\d+",
    batch=r"\d+",


# what is made when nothing is named
rule all:
    default_target: True
    input:
        TARGETS,
        "<results>/runs.tsv",
        "<results>/claims.csv",
        ["<study>/coverage.csv"] if GRID else [],


include: "workflow/rules/retrieve.smk"
include: "workflow/rules/regrid.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/basins.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/surrogate.smk"
include: "workflow/rules/learn.smk"
include: "workflow/rules/calibrate.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/jobs.smk"
include: "workflow/rules/audit.smk"
