# Requires: the source of the configuration: a twin needs nothing, hydrodl its raw files, archives
#           and twins their regridded products, a user's own model its files
# Makes:    <study>/domain.nc, forcing.nc, observations.nc, training.nc (and truth.nc of a twin);
#           filled/{sampling}.nc and .json where the configuration has the key gap_filling

VEGETATION = "<resources>/vegetation/ldas_library.csv"

if SOURCE["name"] == "twin":

    rule build_twin:
        """Invent a region, its weather and true parameters; publish what archives would have of it."""
        input:
            VEGETATION,
        output:
            truth="<study>/twin/truth.nc",
            archive=[f"<study>/twin/archive/{name}/SHA256SUMS" for name in GRID["products"]],
            statics=archives.static_files(GRID["statics"], SOURCE),
        log:
            "<logs>/build_twin.log",
        benchmark:
            "<benchmarks>/build_twin.tsv"
        conda:
            "../../envs/model.yaml"
        threads: max(2, CORES)
        resources:
            mem_mb=growing(8000 + BESIDES),
            runtime=growing(60),
        params:
            code=code("build_twin"),
            env=env("model"),
            source=SOURCE,
            samplings=CONFIG["samplings"],
            split_seed=CONFIG["split_seed"],
            train_end=min(last for _, last in CONFIG["periods"]["train"].values()),
            model=MODEL,
        script:
            "../scripts/build_twin.py"


if is_twin(SOURCE):

    rule cut_truth:
        """Keep the truth of a twin at the cells of the domain."""
        input:
            truth="<study>/twin/truth.nc",
            domain="<study>/domain.nc",
        output:
            "<study>/truth.nc",
        log:
            "<logs>/cut_truth.log",
        benchmark:
            "<benchmarks>/cut_truth.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000, 8),
            runtime=growing(10),
        params:
            code=code("cut_truth"),
            env=env("data"),
        script:
            "../scripts/cut_truth.py"


if GRID:

    # the target that decides which cells can be used: the first one observed
    FIRST_TARGET, FIRST_PRODUCT = next(iter(GRID["observations"].items()))
    TRAINING = min(CONFIG["periods"]["train"].values())

    rule grid_domain:
        """Choose the cells of the grid, set VIC's constants and the networks' attributes, and split."""
        input:
            VEGETATION,
            statics="<study>/statics.nc",
            weather=archives.regridded(GRID, GRID["weather"], TRAINING),
            observed=archives.regridded(GRID, FIRST_PRODUCT, TRAINING),
        output:
            domain="<study>/domain.nc",
            cells=report(
                "<study>/cells.csv",
                caption="../report/coverage.rst",
                category="data",
                subcategory=CONFIG["study"],
                labels=in_report("cells kept and left out"),
            ),
        log:
            "<logs>/grid_domain.log",
        benchmark:
            "<benchmarks>/grid_domain.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=memory(8000, 8),
            runtime=growing(60),
        params:
            code=code("grid_domain"),
            env=env("data"),
            target=FIRST_TARGET,
            samplings=CONFIG["samplings"],
            split_seed=CONFIG["split_seed"],
            training=TRAINING,
        script:
            "../scripts/grid_domain.py"

    rule grid_forcing:
        """Put the regridded weather of the domain's cells on one time axis, a spin-up year first."""
        input:
            domain="<study>/domain.nc",
            weather=archives.regridded(GRID, GRID["weather"]),
        output:
            "<study>/forcing.nc",
        log:
            "<logs>/grid_forcing.log",
        benchmark:
            "<benchmarks>/grid_forcing.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=memory(8000, 8),
            runtime=growing(60),
        params:
            code=code("grid_forcing"),
            env=env("data"),
            record=GRID["record"],
        script:
            "../scripts/grid_forcing.py"

    rule grid_observations:
        """Put the regridded observations of the domain's cells on the time axis of the forcing."""
        input:
            **{
                target: archives.regridded(GRID, product)
                for target, product in GRID["observations"].items()
            },
            domain="<study>/domain.nc",
        output:
            "<study>/observations.nc",
        log:
            "<logs>/grid_observations.log",
        benchmark:
            "<benchmarks>/grid_observations.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000, 8),
            runtime=growing(30),
        params:
            code=code("grid_observations"),
            env=env("data"),
            targets=list(GRID["observations"]),
            record=GRID["record"],
        script:
            "../scripts/grid_observations.py"


if SOURCE["name"] == "hydrodl":

    RAW = datasets.hydrodl_files(SOURCE, DATASETS)

    rule build_domain:
        """Choose the cells, set VIC's constants and the networks' attributes, and split the cells."""
        input:
            RAW,
            VEGETATION,
            "<resources>/elevation/etopo5_conus.csv",
        output:
            domain="<study>/domain.nc",
            coverage=report(
                "<study>/coverage.csv",
                caption="../report/coverage.rst",
                category="data",
                subcategory=CONFIG["study"],
                labels=in_report("cells kept and left out"),
            ),
        log:
            "<logs>/build_domain.log",
        benchmark:
            "<benchmarks>/build_domain.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            code=code("build_domain"),
            env=env("data"),
            years=SOURCE["years"],
            samplings=CONFIG["samplings"],
            split_seed=CONFIG["split_seed"],
            training=min(CONFIG["periods"]["train"].values()),
        script:
            "../scripts/build_domain.py"

    rule build_forcing:
        """Bring the weather into VIC's units, three-hourly where snow needs it, a spin-up year first."""
        input:
            RAW,
            domain="<study>/domain.nc",
        output:
            "<study>/forcing.nc",
        log:
            "<logs>/build_forcing.log",
        benchmark:
            "<benchmarks>/build_forcing.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000, 8),
            runtime=growing(30),
        params:
            code=code("build_forcing"),
            env=env("data"),
            years=SOURCE["years"],
        script:
            "../scripts/build_forcing.py"

    rule build_observations:
        """Put the satellite's soil moisture on the time axis of the forcing, gaps as gaps."""
        input:
            RAW,
            domain="<study>/domain.nc",
        output:
            "<study>/observations.nc",
        log:
            "<logs>/build_observations.log",
        benchmark:
            "<benchmarks>/build_observations.tsv"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            code=code("build_observations"),
            env=env("data"),
            years=SOURCE["years"],
        script:
            "../scripts/build_observations.py"


if SOURCE["name"] in OF_USERS:

    rule take_forcing:
        """Read a user's forcing: three-hourly where snow needs it, means of days, a spin-up year first."""
        input:
            SOURCE["domain"],
            users.forcing_files(SOURCE),
        output:
            "<study>/forcing.nc",
        log:
            "<logs>/take_forcing.log",
        benchmark:
            "<benchmarks>/take_forcing.tsv"
        conda:
            "../../envs/model.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000, 10),
            runtime=growing(60),
        params:
            code=code("take_forcing"),
            env=env("model"),
            source=SOURCE,
        script:
            "../scripts/take_forcing.py"

    rule take_domain:
        """Read a user's cells and parameters, name what is left out of them, and split the cells."""
        input:
            SOURCE["domain"],
            SOURCE["parameters"],
            forcing="<study>/forcing.nc",
            observations="<study>/observations.nc",
        output:
            domain="<study>/domain.nc",
            left_out="<study>/left_out.csv",
        log:
            "<logs>/take_domain.log",
        benchmark:
            "<benchmarks>/take_domain.tsv"
        conda:
            "../../envs/model.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000, 10),
            runtime=growing(30),
        params:
            code=code("take_domain"),
            env=env("model"),
            source=SOURCE,
            samplings=CONFIG["samplings"],
            split_seed=CONFIG["split_seed"],
            training=min(CONFIG["periods"]["train"].values()),
        script:
            "../scripts/take_domain.py"

    rule take_observations:
        """Put a user's observations on the time axis of the forcing, gaps as gaps."""
        input:
            SOURCE["domain"],
            list(SOURCE["observations"].values()),
            forcing="<study>/forcing.nc",
        output:
            "<study>/observations.nc",
        log:
            "<logs>/take_observations.log",
        benchmark:
            "<benchmarks>/take_observations.tsv"
        conda:
            "../../envs/model.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000, 10),
            runtime=growing(30),
        params:
            code=code("take_observations"),
            env=env("model"),
            source=SOURCE,
        script:
            "../scripts/take_observations.py"


rule split_training:
    """Cut out what a learner may see: the targets, in the training periods, and nothing else."""
    input:
        "<study>/observations.nc",
    output:
        "<study>/training.nc",
    log:
        "<logs>/split_training.log",
    benchmark:
        "<benchmarks>/split_training.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 8),
        runtime=growing(20),
    params:
        code=code("split_training"),
        env=env("data"),
        periods=LEARNED_FROM,
        targets=sorted({target for run in RUNS.values() for target in run.targets}),
    script:
        "../scripts/split_training.py"


rule fill_training:
    """Fill the gaps of soil moisture in the training periods; judge it on observations withheld."""
    input:
        domain="<study>/domain.nc",
        forcing="<study>/forcing.nc",
        training="<study>/training.nc",
    output:
        training="<study>/filled/{sampling}.nc",
        card="<study>/filled/{sampling}.json",
    log:
        "<logs>/fill_training/{sampling}.log",
    benchmark:
        "<benchmarks>/fill_training/{sampling}.tsv"
    wildcard_constraints:
        sampling="|".join(CONFIG["samplings"]),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000, 15),
        runtime=growing(120),
        gpu=GPU,
    params:
        code=code("fill_training"),
        env=env("torch"),
        gap_filling=CONFIG.get("gap_filling", {}),
        periods=LEARNED_FROM,
        device=CONFIG["device"],
    script:
        "../scripts/fill_training.py"
