# Requires: <study>/domain.nc, forcing.nc, training.nc (or filled/{sampling}.nc) and the last round of the surrogate
# Makes:    <runs>/{run}/parameters.nc, trajectory.nc, history.csv


rule calibrate_sceua:
    """Calibrate every training cell by itself with SCE-UA, all cells advanced at once."""
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
        parameters="<runs>/{run}/parameters.nc",
        trajectory="<runs>/{run}/trajectory.nc",
        history="<runs>/{run}/history.csv",
        cells="<runs>/{run}/cells.csv",
    log:
        "<logs>/calibrate_sceua/{run}.log",
    benchmark:
        "<benchmarks>/calibrate_sceua/{run}.tsv"
    wildcard_constraints:
        run=runs_of("sceua"),
    conda:
        "../../envs/vic.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(480),
    params:
        code=code("calibrate_sceua"),
        env=env("vic"),
        run=settings_of,
        parameters=CONFIG["model"]["parameters"],
        device=CONFIG["device"],
    script:
        "../scripts/calibrate_sceua.py"
