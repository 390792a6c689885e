# Requires: <study>/samples/round-{round}/batch-{batch}.nc
# Makes:    <study>/{kind}/round-{round}/ of each kind of surrogate and, between rounds, <study>/pilot/round-{round}.nc

if ROUNDS:

    rule train_surrogate:
        """Fit a network that stands in for the process model on all samples so far, and judge it on sets it has not seen."""
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
                otherwise=lambda wildcards: surrogate_of(int(wildcards.round) - 1, wildcards.kind),
            ),
        output:
            weights="<study>/{kind}/round-{round}/weights.safetensors",
            scaler="<study>/{kind}/round-{round}/scaler.json",
            card="<study>/{kind}/round-{round}/card.json",
            skill="<study>/{kind}/round-{round}/skill.nc",
        log:
            "<logs>/train_surrogate/{kind}_round-{round}.log",
        benchmark:
            "<benchmarks>/train_surrogate/{kind}_round-{round}.tsv"
        wildcard_constraints:
            kind="|".join(KINDS),
        conda:
            "../../envs/torch.yaml"
        threads: 1
        resources:
            mem_mb=memory(8000, 8),
            runtime=growing(240),
            gpu=GPU,
        params:
            code=lambda wildcards: code(
                "train_surrogate", surrogates.SURROGATES[wildcards.kind].fitted_by
            ),
            env=env("torch"),
            surrogate=lambda wildcards: CONFIG[wildcards.kind],
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
            code=code(
                "learn_pilot",
                METHODS[CONFIG["simulate"]["pilot"]["method"]].module,
                *opened(FIRST),
            ),
            env=env("torch"),
            pilot=experiments.pilot_identity(CONFIG),
            kind=FIRST,
            model=MODEL,
            device=CONFIG["device"],
        script:
            "../scripts/learn_pilot.py"
