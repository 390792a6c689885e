# Requires: <runs>/{run}/parameters.nc of any method, and the study's files
# Makes:    <runs>/{run}/simulation.nc, metrics.nc and, of methods that train, curve.csv


rule join_seeds:
    """Put the parameters that several seeds learned together, as members of an ensemble."""
    input:
        lambda wildcards: expand("<runs>/{run}/parameters.nc", run=RUNS[wildcards.run].members),
    output:
        "<runs>/{run}/parameters.nc",
    log:
        "<logs>/join_seeds/{run}.log",
    benchmark:
        "<benchmarks>/join_seeds/{run}.tsv"
    wildcard_constraints:
        run="|".join(name for name, run in RUNS.items() if run.ensemble) or "no_such_run",
    conda:
        "../../envs/score.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("join_seeds"),
        env=env("score"),
    script:
        "../scripts/join_seeds.py"


rule simulate_run:
    """Simulate with a run's parameters, by the process model and by the surrogate."""
    input:
        domain="<study>/domain.nc",
        forcing="<study>/forcing.nc",
        parameters="<runs>/{run}/parameters.nc",
        # which knows no parameters but those of most runs
        surrogate=lambda wildcards: (
            surrogate_of(ROUNDS, shown_by(wildcards))
            if ROUNDS and RUNS[wildcards.run].parameter_set == methods.NOTHING
            else []
        ),
    output:
        "<runs>/{run}/simulation.nc",
    log:
        "<logs>/simulate_run/{run}.log",
    benchmark:
        "<benchmarks>/simulate_run/{run}.tsv"
    conda:
        "../../envs/model.yaml"
    threads: CORES
    resources:
        mem_mb=memory(4000 + BESIDES, 15),
        runtime=growing(60),
    params:
        code=lambda wildcards: code("simulate_run", *opened(shown_by(wildcards))),
        env=env("model"),
        model=model_of,
        kind=shown_by,
    script:
        "../scripts/simulate_run.py"


rule evaluate_run:
    """Score a simulation against observations per cell, with and without the linear correction."""
    input:
        domain="<study>/domain.nc",
        observations="<study>/observations.nc",
        parameters="<runs>/{run}/parameters.nc",
        simulation="<runs>/{run}/simulation.nc",
    output:
        "<runs>/{run}/metrics.nc",
    log:
        "<logs>/evaluate_run/{run}.log",
    benchmark:
        "<benchmarks>/evaluate_run/{run}.tsv"
    conda:
        "../../envs/score.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000, 15),
        runtime=growing(30),
    params:
        code=code("evaluate_run"),
        env=env("score"),
        run=settings_of,
        withheld=WITHHELD,
    script:
        "../scripts/evaluate_run.py"


rule evaluate_trajectory:
    """Score the parameters saved along a training in the test period, by VIC."""
    input:
        domain="<study>/domain.nc",
        forcing="<study>/forcing.nc",
        observations="<study>/observations.nc",
        trajectory="<runs>/{run}/trajectory.nc",
    output:
        "<runs>/{run}/curve.csv",
    log:
        "<logs>/evaluate_trajectory/{run}.log",
    benchmark:
        "<benchmarks>/evaluate_trajectory/{run}.tsv"
    conda:
        "../../envs/model.yaml"
    threads: CORES
    resources:
        mem_mb=memory(4000 + BESIDES, 15),
        runtime=growing(120),
    params:
        code=code("evaluate_trajectory"),
        env=env("model"),
        run=settings_of,
        test=CONFIG["periods"]["test"],
        model=model_of,
    script:
        "../scripts/evaluate_trajectory.py"
