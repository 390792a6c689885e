# Requires: what config/figures.yaml names of the study and of the runs
# Makes:    <results>/summaries/{figure}.csv and <results>/figures/{paper}/{figure}.pdf, .png, .csv
#
# Rules made in a loop: what a rule is given is read at once, but a script only when its job runs, and
# then a loop's variable has its last value; so scripts go by params.


for SUMMARY in sorted({figure["summary"] for figure in FIGURES.values()}):

    rule:
        """Gather the small table that a figure is drawn from."""
        name:
            SUMMARY
        input:
            unpack(summary_files),
        output:
            "<results>/summaries/{figure}.csv",
        log:
            f"<logs>/{SUMMARY}/{{figure}}.log",
        benchmark:
            f"<benchmarks>/{SUMMARY}/{{figure}}.tsv"
        wildcard_constraints:
            figure="|".join(name for name in FIGURES if FIGURES[name]["summary"] == SUMMARY),
        conda:
            "../../envs/score.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(20),
        params:
            code=code(SUMMARY),
            env=env("score"),
            script=SUMMARY,
            study=CONFIG["study"],
            runs=summary_runs,
            options=lambda wildcards: figures.summary_options(FIGURES[wildcards.figure]),
            threshold=CONFIG["threshold"],
            test=CONFIG["periods"]["test"],
        script:
            "../scripts/{params.script}.py"


for FIGURE, ENTRY in FIGURES.items():

    rule:
        """Draw a figure or a table from its summary."""
        name:
            ENTRY["script"]
        input:
            summary=f"<results>/summaries/{FIGURE}.csv",
            borders=BORDERS,
        output:
            # a table as text as well
            **(
                {"md": f"<results>/figures/{ENTRY['paper']}/{FIGURE}.md"}
                if ENTRY["script"].startswith("tabulate_")
                else {}
            ),
            pdf=f"<results>/figures/{ENTRY['paper']}/{FIGURE}.pdf",
            png=report(
                f"<results>/figures/{ENTRY['paper']}/{FIGURE}.png",
                caption=f"../report/{ENTRY['caption']}",
                category=ENTRY["paper"],
                subcategory=CONFIG["study"],
                labels=in_report(ENTRY["title"], form="image"),
            ),
            csv=report(
                f"<results>/figures/{ENTRY['paper']}/{FIGURE}.csv",
                caption="../report/numbers.rst",
                category=ENTRY["paper"],
                subcategory=CONFIG["study"],
                labels=in_report(ENTRY["title"], form="numbers"),
            ),
        log:
            f"<logs>/{ENTRY['script']}.log",
        benchmark:
            f"<benchmarks>/{ENTRY['script']}.tsv"
        conda:
            "../../envs/plot.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        params:
            code=code(ENTRY["script"]),
            env=env("plot"),
            script=ENTRY["script"],
            data=CONFIG["data"],
            threshold=CONFIG["threshold"],
        script:
            "../scripts/{params.script}.py"


# A figure by its name, and all of a paper by the paper's: snakemake -c2 tsai2021_fig4, ... tsai2021
for TARGET, MADE in figures.targets(FIGURES).items():

    rule:
        name:
            TARGET
        input:
            MADE,
