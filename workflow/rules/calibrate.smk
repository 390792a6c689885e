# Requires: <study>/domain.nc, forcing.nc, training.nc (or filled/{sampling}.nc) and the last round of the surrogate
# Makes:    <runs>/{run}/calibration/batch-{batch}.nc; of these parameters.nc, trajectory.nc, history.csv


rule calibrate_sceua:
    """Calibrate a share of the training cells with SCE-UA, each cell by itself."""
    input:
        domain="<study>/domain.nc",
        forcing="<study>/forcing.nc",
        training=training_file,
        surrogate=branch(
            lambda wildcards: RUNS[wildcards.run].model == "surrogate",
            then=surrogate_of(ROUNDS),
            otherwise=[],
        ),
    output:
        "<runs>/{run}/calibration/batch-{batch}.nc",
    log:
        "<logs>/calibrate_sceua/{run}_batch-{batch}.log",
    benchmark:
        "<benchmarks>/calibrate_sceua/{run}_batch-{batch}.tsv"
    wildcard_constraints:
        run=only_by("calibrate_sceua"),
    conda:
        "../../envs/vic.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000, 15),
        runtime=growing(480),
    params:
        code=code("calibrate_sceua"),
        env=env("vic"),
        run=settings_of,
        model=MODEL,
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
        "../../envs/vic.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        code=code("join_sceua"),
        env=env("vic"),
        run=settings_of,
        model=MODEL,
    script:
        "../scripts/join_sceua.py"
