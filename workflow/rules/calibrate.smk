# Requires: <study>/domain.nc, forcing.nc, training.nc (or filled/{sampling}.nc) and the last round of the surrogate
# Makes:    <study>/line/{sampling}/{period}.json, which all methods read; <runs>/{run}/calibration/batch-{batch}.nc; of these, or of one search for all cells, parameters.nc, trajectory.nc, history.csv


rule fit_line:
    """Fit the line between model and instrument, under which every method then learns."""
    input:
        domain="<study>/domain.nc",
        forcing="<study>/forcing.nc",
        training=lambda wildcards: training_of(wildcards.sampling),
    output:
        "<study>/line/{sampling}/{period}{own}.json",
    log:
        "<logs>/fit_line/{sampling}_{period}{own}.log",
    benchmark:
        "<benchmarks>/fit_line/{sampling}_{period}{own}.tsv"
    wildcard_constraints:
        sampling="|".join(CONFIG["samplings"]),
        period="|".join(CONFIG["periods"]["train"]),
        # of a set of parameters; Snakemake takes an empty pattern for none at all
        own="|".join(["()", *(f"_{name}" for name in CONFIG["model"].get(experiments.SETS, {}))]),
    conda:
        "../../envs/model.yaml"
    threads: CORES
    resources:
        mem_mb=memory(8000 + BESIDES, 15),
        runtime=growing(240),
    params:
        code=code("fit_line"),
        env=env("model"),
        run=lambda wildcards: {
            "model": "process",
            "sampling": wildcards.sampling,
            "period": wildcards.period,
            "span": CONFIG["periods"]["train"][wildcards.period],
            "targets": corrected()[:1],
            "seed": CONFIG["split_seed"],
        },
        model=lambda wildcards: experiments.model_of(
            CONFIG, wildcards.own.removeprefix("_") or methods.NOTHING
        ),
    script:
        "../scripts/fit_line.py"


rule calibrate_sceua:
    """Calibrate a share of the training cells with SCE-UA, each cell by itself."""
    input:
        domain="<study>/domain.nc",
        forcing="<study>/forcing.nc",
        training=training_file,
        line=line_file,
        surrogate=learned_through,
    output:
        "<runs>/{run}/calibration/batch-{batch}.nc",
    log:
        "<logs>/calibrate_sceua/{run}_batch-{batch}.log",
    benchmark:
        "<benchmarks>/calibrate_sceua/{run}_batch-{batch}.tsv"
    wildcard_constraints:
        run=only_by("calibrate_sceua"),
    conda:
        "../../envs/model.yaml"
    threads: CORES
    resources:
        mem_mb=memory(8000 + BESIDES, 15),
        runtime=growing(480),
    params:
        code=lambda wildcards: code("calibrate_sceua", *opened_by(wildcards)),
        env=env("model"),
        run=settings_of,
        model=model_of,
        batches=calibration_batches,
    script:
        "../scripts/calibrate_sceua.py"


rule join_sceua:
    """Put the calibrated cells of a run together; every other cell takes its donor's parameters."""
    input:
        domain="<study>/domain.nc",
        found=lambda wildcards: expand(
            "<runs>/{run}/calibration/batch-{batch}.nc",
            run=wildcards.run,
            batch=range(calibration_batches(wildcards)),
        ),
    output:
        parameters="<runs>/{run}/parameters.nc",
        trajectory="<runs>/{run}/trajectory.nc",
        history="<runs>/{run}/history.csv",
        cells="<runs>/{run}/cells.csv",
    log:
        "<logs>/join_sceua/{run}.log",
    benchmark:
        "<benchmarks>/join_sceua/{run}.tsv"
    wildcard_constraints:
        run=only_by("join_sceua"),
    conda:
        "../../envs/model.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        code=code("join_sceua"),
        env=env("model"),
        run=settings_of,
        model=model_of,
    script:
        "../scripts/join_sceua.py"


rule calibrate_regional:
    """Calibrate the coefficients of transfer functions, the same for all cells, with SCE-UA."""
    input:
        domain="<study>/domain.nc",
        forcing="<study>/forcing.nc",
        training=training_file,
        line=line_file,
        surrogate=learned_through,
    output:
        parameters="<runs>/{run}/parameters.nc",
        trajectory="<runs>/{run}/trajectory.nc",
        history="<runs>/{run}/history.csv",
        coefficients="<runs>/{run}/coefficients.json",
    log:
        "<logs>/calibrate_regional/{run}.log",
    benchmark:
        "<benchmarks>/calibrate_regional/{run}.tsv"
    wildcard_constraints:
        run=only_by("calibrate_regional"),
    conda:
        "../../envs/model.yaml"
    threads: CORES
    resources:
        mem_mb=memory(8000 + BESIDES, 15),
        runtime=growing(480),
    params:
        code=lambda wildcards: code("calibrate_regional", PROCESS.transfer, *opened_by(wildcards)),
        env=env("model"),
        run=settings_of,
        model=model_of,
    script:
        "../scripts/calibrate_regional.py"
