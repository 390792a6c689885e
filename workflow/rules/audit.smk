# Requires: what the answerable claims of config/claims.yaml are read from: files of runs and study;
#           audit and audit_rerun take what is there
# Makes:    <results>/claims.csv and claims.md; <results>/audit/


rule answer_claims:
    """Compare the results with what the papers claim: reproduced, differs, or not run."""
    input:
        **CLAIM_FILES,
    output:
        table=report(
            "<results>/claims.csv",
            caption="../report/claims.rst",
            category="claims",
            subcategory=CONFIG["study"],
            labels=in_report("claims and answers: table"),
        ),
        page=report(
            "<results>/claims.md",
            caption="../report/claims.rst",
            category="claims",
            subcategory=CONFIG["study"],
            labels=in_report("claims and answers: page"),
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
        results=lambda wildcards: CONFIG["results"],
        study=CONFIG["study"],
        source=SOURCE["name"],
        name=CONFIG["name"],
        data=HEAD,
        note=CONFIG["caption_note"],
        threshold=CONFIG["threshold"],
        test=CONFIG["periods"]["test"],
    script:
        "../scripts/answer_claims.py"


# snakemake -c2 claims
rule claims:
    input:
        rules.answer_claims.output,


# What the audit holds the files against: how each would be made now. It is read from the rules and
# given as a parameter, and nothing is an input: an audit makes nothing but what it writes itself.


# path -> row of config/datasets.csv, of the files that this source has
PINNED = {f"resources/raw/hydrodl/{name}": row for name, row in DATASETS.items()}
PINNED = PINNED if SOURCE["name"] == "hydrodl" else {}
if BASINS and BASINS["fetched"]:
    PINNED = {
        f"{BASINS['folder']}/{name}": {
            "sha256": digest,
            "url": f"{ARCHIVES['camels']['url']}/{name}",
        }
        for name, digest in basins.read_sums(ROOT / "config" / "camels.sha256").items()
    }


# Rules that have no output run whenever they are asked for. A benchmark would be one.


rule audit:
    """Check all results and write down what is wrong and where; nothing is computed anew."""
    log:
        "<logs>/audit.log",
    conda:
        "../../envs/audit.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        code=code("audit"),
        env=env("audit"),
        folder=AUDIT_FOLDER,
        jobs=all_jobs,
        instance={
            "name": CONFIG["name"],
            "results": CONFIG["results"],
            "study": CONFIG["study"],
            "about": HEAD,
            "note": CONFIG["caption_note"],
            "data": kind_of_data(SOURCE),
            "periods": CONFIG["periods"],
            "targets": sorted({target for run in RUNS.values() for target in run.targets}),
            "pinned": {path: row["sha256"] for path, row in PINNED.items()},
            "urls": {path: row["url"] for path, row in PINNED.items()},
            "own": GRID["statics"] if SOURCE["name"] == "archives" else None,
            "lock": "requirements.lock",
            "claims": CLAIMS,
            "config": CONFIG,
        },
    script:
        "../scripts/audit.py"


# Runs repeated from their inputs. These are named by absolute paths, of which Snakemake makes none
# anew; the scripts are those of the rules that made the runs. What was repeated and came out the
# same is removed, so that the next call repeats it.


RERUN = f"{AUDIT_FOLDER}/rerun"
# rule that learns -> its runs
LEARNED_BY = {method.rules[0]: runs_by(method.rules[0]) for method in methods.METHODS.values()}


use rule set_default as rerun_set_default with:
    input:
        unpack(as_it_is("set_default")),
    output:
        f"{RERUN}/{{run}}/parameters.nc",
    log:
        "<logs>/rerun_set_default/{run}.log",
    benchmark:
        "<benchmarks>/rerun_set_default/{run}.tsv"


use rule set_cellmean as rerun_set_cellmean with:
    input:
        unpack(as_it_is("set_cellmean")),
    output:
        f"{RERUN}/{{run}}/parameters.nc",
    log:
        "<logs>/rerun_set_cellmean/{run}.log",
    benchmark:
        "<benchmarks>/rerun_set_cellmean/{run}.tsv"


use rule calibrate_sceua as rerun_calibrate_sceua with:
    input:
        unpack(as_it_is("calibrate_sceua")),
    output:
        f"{RERUN}/{{run}}/calibration/batch-{{batch}}.nc",
    log:
        "<logs>/rerun_calibrate_sceua/{run}_batch-{batch}.log",
    benchmark:
        "<benchmarks>/rerun_calibrate_sceua/{run}_batch-{batch}.tsv"


use rule join_sceua as rerun_join_sceua with:
    input:
        domain=str(Path(f"{CONFIG['results']}/{CONFIG['study']}/domain.nc").absolute()),
        found=lambda wildcards: expand(
            f"{RERUN}/{{run}}/calibration/batch-{{batch}}.nc",
            run=wildcards.run,
            batch=range(calibration_batches(wildcards)),
        ),
    output:
        parameters=f"{RERUN}/{{run}}/parameters.nc",
        trajectory=f"{RERUN}/{{run}}/trajectory.nc",
        history=f"{RERUN}/{{run}}/history.csv",
        cells=f"{RERUN}/{{run}}/cells.csv",
    log:
        "<logs>/rerun_join_sceua/{run}.log",
    benchmark:
        "<benchmarks>/rerun_join_sceua/{run}.tsv"


use rule learn_dpl as rerun_learn_dpl with:
    input:
        unpack(as_it_is("learn_dpl")),
    output:
        parameters=f"{RERUN}/{{run}}/parameters.nc",
        trajectory=f"{RERUN}/{{run}}/trajectory.nc",
        history=f"{RERUN}/{{run}}/history.csv",
        network=f"{RERUN}/{{run}}/network/network.safetensors",
        card=f"{RERUN}/{{run}}/network/card.json",
    log:
        "<logs>/rerun_learn_dpl/{run}.log",
    benchmark:
        "<benchmarks>/rerun_learn_dpl/{run}.tsv"


rule audit_rerun:
    """Repeat some runs, and all that takes seconds, from their inputs, and compare with the first."""
    input:
        lambda wildcards: [
            f"{RERUN}/{run}/{name}" for run, names in repeated(wildcards).items() for name in names
        ],
    log:
        "<logs>/audit_rerun.log",
    conda:
        "../../envs/audit.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000, 15),
        runtime=growing(60),
    params:
        code=code("audit_rerun"),
        env=env("audit"),
        files=repeated,
        jobs=redone,
        results=CONFIG["results"],
        runs=RUN_FOLDER,
        folder=RERUN,
    script:
        "../scripts/audit_rerun.py"
