# Requires: config/datasets.csv
# Makes:    <resources>/raw/{product}/..., byte for byte as published; where the source has products,
#           <study>/granules/{product}.csv (the frozen list), {product}/{chunk}.csv (what has arrived)


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
        env=env("data"),
        url=lambda wildcards: DATASETS[wildcards.file]["url"],
        sha256=lambda wildcards: DATASETS[wildcards.file]["sha256"],
        mirror=SOURCE.get("mirror"),
    script:
        "../scripts/retrieve_hydrodl.py"


if GRID:

    wildcard_constraints:
        product="|".join(GRID["products"]),
        chunk=r"\d{4}(-\d\d)?",

    rule list_granules:
        """Write down, once, which granules of a product are wanted, and what its archive lacks."""
        input:
            # a twin's own archive; it is complete when its checksums are written
            ["<study>/twin/archive/{product}/SHA256SUMS"] if SOURCE["name"] == "twin" else [],
        output:
            # kept from job to job: a list that is frozen is not made anew
            granules=update("<study>/granules/{product}.csv"),
            coverage=update("<study>/granules/{product}-coverage.csv"),
        log:
            "<logs>/list_granules/{product}.log",
        benchmark:
            "<benchmarks>/list_granules/{product}.tsv"
        retries: 1
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(60),
            downloads=1,
        params:
            code=code("list_granules"),
            env=env("data"),
            source=lambda wildcards: archives.of_product(GRID, wildcards.product),
        script:
            "../scripts/list_granules.py"

    rule preflight:
        """Ask, before anything is fetched, whether logins work and the disk has room for all."""
        input:
            expand("<study>/granules/{product}.csv", product=GRID["products"]),
        output:
            "<study>/granules/preflight.csv",
        log:
            "<logs>/preflight.log",
        benchmark:
            "<benchmarks>/preflight.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(1500),
            runtime=growing(20),
            downloads=1,
        params:
            code=code("preflight"),
            env=env("data"),
            products={
                name: {
                    "settings": GRID["products"][name],
                    "folder": archives.raw_folder(GRID, name),
                    "page": ARCHIVES[name]["url"] if name in ARCHIVES else "",
                }
                for name in GRID["products"]
            },
        script:
            "../scripts/preflight.py"

    rule retrieve_granules:
        """Fetch the granules of a product that a year or month needs, and check each of them."""
        input:
            granules="<study>/granules/{product}.csv",
            # nothing comes before it has passed; once passed, its numbers do not matter
            passed=ancient("<study>/granules/preflight.csv"),
        output:
            "<study>/granules/{product}/{chunk}.csv",
        log:
            "<logs>/retrieve_granules/{product}/{chunk}.log",
        benchmark:
            "<benchmarks>/retrieve_granules/{product}/{chunk}.tsv"
        retries: 1
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(1500),
            runtime=growing(360),
            downloads=1,
        params:
            code=code("retrieve_granules"),
            env=env("data"),
            source=lambda wildcards: archives.of_product(GRID, wildcards.product),
            folder=lambda wildcards: archives.raw_folder(GRID, wildcards.product),
        script:
            "../scripts/retrieve_granules.py"

    rule retrieve:
        input:
            [path for product in GRID["products"] for path in archives.arrived(GRID, product)],
