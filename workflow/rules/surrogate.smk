# Requires: <study>/samples/round-{round}/batch-{batch}.nc
# Makes:    <study>/surrogate/round-{round}/ and, between rounds, <study>/pilot/round-{round}.nc

if ROUNDS:

    rule train_surrogate:
        """Fit the LSTM that stands in for VIC on all samples so far, and judge it on sets it has not seen."""
        input:
            domain="<study>/domain.nc",
            forcing="<study>/forcing.nc",
            samples=lambda wildcards: expand(
                "<study>/samples/round-{round}/batch-{batch}.nc",
                round=range(1, int(wildcards.round) + 1),
                batch=range(CONFIG["simulate"]["batches"]),
            ),
            earlier=branch(
                lambda wildcards: wildcards.round == "1",
                then=[],
                otherwise=lambda wildcards: surrogate_of(int(wildcards.round) - 1),
            ),
        output:
            weights="<study>/surrogate/round-{round}/weights.safetensors",
            scaler="<study>/surrogate/round-{round}/scaler.json",
            card="<study>/surrogate/round-{round}/card.json",
            skill="<study>/surrogate/round-{round}/skill.nc",
        log:
            "<logs>/train_surrogate/round-{round}.log",
        benchmark:
            "<benchmarks>/train_surrogate/round-{round}.tsv"
        conda:
            "../../envs/torch.yaml"
        threads: 1
        resources:
            mem_mb=memory(8000, 8),
            runtime=growing(240),
            gpu=GPU,
        params:
            code=code("train_surrogate"),
            env=env("torch"),
            surrogate=CONFIG["surrogate"],
            model=MODEL,
            test=CONFIG["periods"]["test"],
            device=CONFIG["device"],
        script:
            "../scripts/train_surrogate.py"

    rule learn_pilot:
        """Learn parameters through the surrogate so far, to see where its next samples are needed."""
        input:
            domain="<study>/domain.nc",
            forcing="<study>/forcing.nc",
            training=training_of(CONFIG["simulate"]["pilot"]["sampling"]),
            line=pilot_line,
            surrogate=lambda wildcards: surrogate_of(wildcards.round),
        output:
            "<study>/pilot/round-{round}.nc",
        log:
            "<logs>/learn_pilot/round-{round}.log",
        benchmark:
            "<benchmarks>/learn_pilot/round-{round}.tsv"
        conda:
            "../../envs/torch.yaml"
        threads: 1
        resources:
            mem_mb=memory(8000, 15),
            runtime=growing(120),
            gpu=GPU,
        params:
            code=code("learn_pilot", METHODS[CONFIG["simulate"]["pilot"]["method"]].module),
            env=env("torch"),
            pilot=experiments.pilot_identity(CONFIG),
            model=MODEL,
            device=CONFIG["device"],
        script:
            "../scripts/learn_pilot.py"
