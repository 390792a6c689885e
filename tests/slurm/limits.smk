# Two jobs whose first attempt is too small for them, with the resources that rules of the workflow have.


include: "../../workflow/rules/resources.smk"


rule all:
    input:
        "results/hungry.txt",
        "results/slow.txt",


rule hungry:
    output:
        "results/hungry.txt",
    resources:
        # two nested Snakemakes of 130 MB beside it
        mem_mb=growing(700),
        runtime=10,
    shell:
        "python -c 'import time; held = bytearray(700_000_000); time.sleep(8)'"
        " && echo {resources.mem_mb} > {output}"


rule slow:
    output:
        "results/slow.txt",
    resources:
        mem_mb=500,
        runtime=growing(1),
    shell:
        # SLURM ends a job of one minute up to half a minute later
        "sleep 100 && echo {resources.runtime} > {output}"
