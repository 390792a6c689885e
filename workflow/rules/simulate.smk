# Requires: <study>/domain.nc, forcing.nc
# Makes:    <study>/samples/round-{round}/batch-{batch}.nc, what a surrogate learns from

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
        threads: 1
        resources:
            mem_mb=memory(4000, 15),
            runtime=growing(120),
        params:
            code=code("simulate_samples"),
            env=env("model"),
            simulate={k: CONFIG["simulate"][k] for k in ("sets", "batches", "cells", "seed")},
            model=MODEL,
        script:
            "../scripts/simulate_samples.py"
