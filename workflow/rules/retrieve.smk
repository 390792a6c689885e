# Requires: config/datasets.csv
# Makes:    <resources>/raw/{product}/{file}, byte for byte as published


rule retrieve_hydrodl:
    """Fetch one file of the hydroDL database, or copy it from a mirror folder, and check it."""
    output:
        "<resources>/raw/hydrodl/{file}",
    log:
        "<logs>/retrieve_hydrodl/{file}.log",
    benchmark:
        "<benchmarks>/retrieve_hydrodl/{file}.tsv"
    wildcard_constraints:
        file="|".join(name.replace(".", r"\.") for name in DATASETS),
    retries: 1
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        code=code("retrieve_hydrodl"),
        url=lambda wildcards: DATASETS[wildcards.file]["url"],
        sha256=lambda wildcards: DATASETS[wildcards.file]["sha256"],
        mirror=SOURCE.get("mirror"),
    script:
        "../scripts/retrieve_hydrodl.py"
