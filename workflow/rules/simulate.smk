# Requires: <study>/domain.nc, forcing.nc
# Makes:    <study>/samples/round-{round}/batch-{batch}.nc, what a surrogate learns from; on demand
#           <study>/backends.csv, how a model differs from the same in another implementation

if ROUNDS:

    rule simulate_samples:
        """Run VIC with many parameter sets: spread evenly at first, then around what was learned."""
        input:
            domain="<study>/domain.nc",
            forcing="<study>/forcing.nc",
            # rounds count from 1; the first has nothing learned to start from
            learned=branch(
                lambda wildcards: wildcards.round == "1",
                then=[],
                otherwise=lambda wildcards: f"<study>/pilot/round-{int(wildcards.round) - 1}.nc",
            ),
        output:
            "<study>/samples/round-{round}/batch-{batch}.nc",
        log:
            "<logs>/simulate_samples/round-{round}_batch-{batch}.log",
        benchmark:
            "<benchmarks>/simulate_samples/round-{round}_batch-{batch}.tsv"
        conda:
            "../../envs/model.yaml"
        threads: CORES
        resources:
            mem_mb=memory(4000 + BESIDES, 15),
            runtime=growing(120),
        params:
            code=code("simulate_samples"),
            env=env("model"),
            simulate={k: CONFIG["simulate"][k] for k in ("sets", "batches", "cells", "seed")},
            model=MODEL,
        script:
            "../scripts/simulate_samples.py"


if TWIN:

    rule check_backends:
        """Run the same parameters through both implementations of the model; fail where they differ."""
        input:
            domain="<study>/domain.nc",
            forcing="<study>/forcing.nc",
        output:
            "<study>/backends.csv",
        log:
            "<logs>/check_backends.log",
        benchmark:
            "<benchmarks>/check_backends.tsv"
        conda:
            "../../envs/model.yaml"
        threads: CORES
        resources:
            mem_mb=memory(4000 + BESIDES, 15),
            runtime=growing(120),
        params:
            code=code("check_backends"),
            env=env("model"),
            model=MODEL,
            seed=CONFIG["split_seed"],
        script:
            "../scripts/check_backends.py"
