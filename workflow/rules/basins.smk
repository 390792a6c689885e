# Requires: a source of basins: their files in a folder of the user, or config/camels.sha256, the
#           list of those to fetch; a twin needs nothing
# Makes:    <study>/files.csv (the list of what is there), basins.nc, basins.csv, domain.nc,
#           forcing.nc, observations.nc (and truth.nc of a twin),
#           published.csv (scores of others, where they lie beside the files)

if BASINS and SOURCE["name"] == "twin_basins":

    rule build_basin_twin:
        """Invent basins, their weather and true parameters; publish files that tell of them."""
        input:
            VEGETATION,
        output:
            truth="<study>/twin/truth.nc",
            sums="<study>/twin/camels/SHA256SUMS",
        log:
            "<logs>/build_basin_twin.log",
        benchmark:
            "<benchmarks>/build_basin_twin.tsv"
        conda:
            "../../envs/model.yaml"
        threads: max(2, CORES)
        resources:
            mem_mb=growing(4000 + BESIDES),
            runtime=growing(30),
        params:
            code=code("build_basin_twin"),
            env=env("model"),
            source=SOURCE,
            record=BASINS["record"],
            model=MODEL,
        script:
            "../scripts/build_basin_twin.py"


if BASINS:

    TRAINED = min(CONFIG["periods"]["train"].values())
    # of a twin there is nothing that others have published
    PINNED_LIST = "config/camels.sha256" if SOURCE["name"] == "camels" else None

    rule retrieve_basins:
        """Fetch the files of basins, or look at those in the user's folder, and list them."""
        input:
            ["<study>/twin/camels/SHA256SUMS"] if SOURCE["name"] == "twin_basins" else [],
        output:
            "<study>/files.csv",
        log:
            "<logs>/retrieve_basins.log",
        benchmark:
            "<benchmarks>/retrieve_basins.tsv"
        retries: 1
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(1500),
            runtime=growing(120),
            downloads=1,
        params:
            code=code("retrieve_basins"),
            env=env("data"),
            source=BASINS["source"],
            folder=BASINS["folder"],
            fetched=BASINS["fetched"],
            pinned=PINNED_LIST,
            url=ARCHIVES["camels"]["url"] if PINNED_LIST else None,
        script:
            "../scripts/retrieve_basins.py"

    rule read_basins:
        """Read weather, streamflow and attributes of all basins, and put them on one time axis."""
        input:
            "<study>/files.csv",
        output:
            "<study>/basins.nc",
        log:
            "<logs>/read_basins.log",
        benchmark:
            "<benchmarks>/read_basins.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(30),
        params:
            code=code("read_basins"),
            env=env("data"),
            source=BASINS["source"],
            folder=BASINS["folder"],
            record=BASINS["record"],
        script:
            "../scripts/read_basins.py"

    rule read_published:
        """Read the published scores of basins that lie beside their files."""
        input:
            "<study>/files.csv",
        output:
            "<study>/published.csv",
        log:
            "<logs>/read_published.log",
        benchmark:
            "<benchmarks>/read_published.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            code=code("read_published"),
            env=env("data"),
            folder=BASINS["folder"],
        script:
            "../scripts/read_published.py"

    rule lump_domain:
        """Choose the basins, set attributes and what models need of the land, and split."""
        input:
            VEGETATION,
            basins="<study>/basins.nc",
        output:
            domain="<study>/domain.nc",
            basins=report(
                "<study>/basins.csv",
                caption="../report/coverage.rst",
                category="data",
                subcategory=CONFIG["study"],
                labels=in_report("basins kept and left out"),
            ),
        log:
            "<logs>/lump_domain.log",
        benchmark:
            "<benchmarks>/lump_domain.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000, 20),
            runtime=growing(20),
        params:
            code=code("lump_domain"),
            env=env("data"),
            samplings=CONFIG["samplings"],
            split_seed=CONFIG["split_seed"],
            training=TRAINED,
        script:
            "../scripts/lump_domain.py"

    rule lump_forcing:
        """Complete the weather of the basins, three-hourly where snow needs it, spin-up first."""
        input:
            basins="<study>/basins.nc",
            domain="<study>/domain.nc",
        output:
            "<study>/forcing.nc",
        log:
            "<logs>/lump_forcing.log",
        benchmark:
            "<benchmarks>/lump_forcing.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=memory(6000, 60),
            runtime=growing(30),
        params:
            code=code("lump_forcing"),
            env=env("data"),
            record=BASINS["record"],
        script:
            "../scripts/lump_forcing.py"

    rule lump_observations:
        """Put the streamflow of the basins on the time axis of the forcing, gaps as gaps."""
        input:
            basins="<study>/basins.nc",
            domain="<study>/domain.nc",
        output:
            "<study>/observations.nc",
        log:
            "<logs>/lump_observations.log",
        benchmark:
            "<benchmarks>/lump_observations.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000, 20),
            runtime=growing(20),
        params:
            code=code("lump_observations"),
            env=env("data"),
            record=BASINS["record"],
        script:
            "../scripts/lump_observations.py"
