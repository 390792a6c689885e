# Requires: <study>/granules/{product}/{chunk}.csv, a folder of maps
# Makes:    <study>/regridded/{product}/{chunk}.nc, <study>/statics.nc, <study>/coverage.csv

if GRID:

    # what decides a regridded field, apart from the product's own settings
    TARGET = {key: GRID[key] for key in ("box", "resolution", "day", "minimum_share")}

    rule regrid_product:
        """Bring a year or month of a product to the study's grid and to days; count what is missing."""
        input:
            granules="<study>/granules/{product}/{chunk}.csv",
        output:
            fields="<study>/regridded/{product}/{chunk}.nc",
            coverage="<study>/regridded/{product}/{chunk}.coverage.csv",
        log:
            "<logs>/regrid_product/{product}/{chunk}.log",
        benchmark:
            "<benchmarks>/regrid_product/{product}/{chunk}.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(120),
        params:
            code=code("regrid_product"),
            env=env("data"),
            days=lambda wildcards: archives.chunk_span(GRID, wildcards.product, wildcards.chunk),
            closes=lambda wildcards: archives.closes(GRID, wildcards.product, wildcards.chunk),
            grid=TARGET,
            settings=lambda wildcards: archives.read_as(GRID, wildcards.product),
            weights=f"{CONFIG['results']}/weights",
        script:
            "../scripts/regrid_product.py"

    rule read_statics:
        """Bring soil, land cover, greenness, terrain and published parameters to the study's grid."""
        input:
            lambda wildcards: archives.static_files(GRID["statics"], SOURCE),
        output:
            "<study>/statics.nc",
        log:
            "<logs>/read_statics.log",
        benchmark:
            "<benchmarks>/read_statics.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(8000),
            runtime=growing(60),
        params:
            code=code("read_statics"),
            env=env("data"),
            folder=GRID["statics"],
            box=GRID["box"],
            resolution=GRID["resolution"],
            minimum_share=GRID["minimum_share"],
            priors=SOURCE.get("priors", False),
            weights=f"{CONFIG['results']}/weights",
        script:
            "../scripts/read_statics.py"

    rule gather_coverage:
        """One table of all that is missing in the granules of the study."""
        input:
            listed=expand("<study>/granules/{product}-coverage.csv", product=GRID["products"]),
            read=[
                path.replace(".nc", ".coverage.csv")
                for product in GRID["products"]
                for path in archives.regridded(GRID, product)
            ],
        output:
            report(
                "<study>/coverage.csv",
                caption="../report/gaps.rst",
                category="data",
                subcategory=CONFIG["study"],
                labels=in_report("gaps and granules left aside"),
            ),
        log:
            "<logs>/gather_coverage.log",
        benchmark:
            "<benchmarks>/gather_coverage.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(1500),
            runtime=growing(10),
        params:
            code=code("gather_coverage"),
            env=env("data"),
        script:
            "../scripts/gather_coverage.py"
