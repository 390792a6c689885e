# Requires: what the answerable claims of config/claims.yaml are read from: files of runs and study
# Makes:    <results>/claims.csv and claims.md


rule answer_claims:
    """Hold the results against what the papers claim: reproduced, differs, or not run."""
    input:
        **CLAIM_FILES,
    output:
        table=report(
            "<results>/claims.csv",
            caption="../report/claims.rst",
            category="claims",
            labels={"what": "table"},
        ),
        page=report(
            "<results>/claims.md",
            caption="../report/claims.rst",
            category="claims",
            labels={"what": "page"},
        ),
    log:
        "<logs>/answer_claims.log",
    benchmark:
        "<benchmarks>/answer_claims.tsv"
    conda:
        "../../envs/score.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("answer_claims"),
        env=env("score"),
        plan=CLAIMS,
        study=CONFIG["study"],
        source=SOURCE["name"],
        name=CONFIG["name"],
        data=CONFIG["data"],
        note=CONFIG["caption_note"],
        threshold=CONFIG["threshold"],
        test=CONFIG["periods"]["test"],
    script:
        "../scripts/answer_claims.py"


# snakemake -c2 claims
rule claims:
    input:
        rules.answer_claims.output,
