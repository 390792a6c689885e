# Requires: <study>/domain.nc, forcing.nc, training.nc (or filled/{sampling}.nc) and the last round of the surrogate
# Makes:    <runs>/{run}/parameters.nc, trajectory.nc, history.csv and the trained network; <results>/runs.tsv


rule list_runs:
    """Write the table of all runs of the configuration, one a row, for people and for the audit."""
    output:
        "<results>/runs.tsv",
    log:
        "<logs>/list_runs.log",
    benchmark:
        "<benchmarks>/list_runs.tsv"
    conda:
        "../../envs/score.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("list_runs"),
        env=env("score"),
        runs=[experiments.row(run) for run in RUNS.values()],
    script:
        "../scripts/list_runs.py"


rule learn_dpl:
    """Learn parameters of all cells at once by gradients through the surrogate or direct."""
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
        network="<runs>/{run}/network/network.safetensors",
        card="<runs>/{run}/network/card.json",
    log:
        "<logs>/learn_dpl/{run}.log",
    benchmark:
        "<benchmarks>/learn_dpl/{run}.tsv"
    wildcard_constraints:
        run=only_by("learn_dpl"),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=memory(8000, 15),
        runtime=growing(480),
        gpu=lambda wildcards: GPU if RUNS[wildcards.run].model in KINDS else 0,
    params:
        code=lambda wildcards: code(
            "learn_dpl", METHODS[RUNS[wildcards.run].method].module, *opened_by(wildcards)
        ),
        env=env("torch"),
        run=settings_of,
        model=model_of,
        device=CONFIG["device"],
    script:
        "../scripts/learn_dpl.py"


rule set_default:
    """Take the default parameters of every cell, and fit the linear correction alone."""
    input:
        domain="<study>/domain.nc",
        forcing="<study>/forcing.nc",
        training=training_file,
    output:
        "<runs>/{run}/parameters.nc",
    log:
        "<logs>/set_default/{run}.log",
    benchmark:
        "<benchmarks>/set_default/{run}.tsv"
    wildcard_constraints:
        run=only_by("set_default"),
    conda:
        "../../envs/model.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000, 15),
        runtime=growing(30),
    params:
        code=code("set_default"),
        env=env("model"),
        run=settings_of,
        model=model_of,
    script:
        "../scripts/set_default.py"


rule set_cellmean:
    """Predict each cell's own mean of the training period on every day: the bar any method must beat."""
    input:
        domain="<study>/domain.nc",
        forcing="<study>/forcing.nc",
        training=training_file,
    output:
        "<runs>/{run}/parameters.nc",
    log:
        "<logs>/set_cellmean/{run}.log",
    benchmark:
        "<benchmarks>/set_cellmean/{run}.tsv"
    wildcard_constraints:
        run=only_by("set_cellmean"),
    conda:
        "../../envs/model.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000, 15),
        runtime=growing(30),
    params:
        code=code("set_cellmean"),
        env=env("model"),
        run=settings_of,
        model=model_of,
    script:
        "../scripts/set_cellmean.py"
