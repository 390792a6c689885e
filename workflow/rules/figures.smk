# Requires: what config/figures.yaml names of the study and of the runs
# Makes:    <results>/summaries/{figure}.csv and <results>/figures/{paper}/{figure}.pdf, .png, .csv
#
# A figure's entry names a module M of the library: parlearn/summarise/M.py makes its table and
# parlearn/plots/M.py draws it. Two scripts import what is named; as its digest is a parameter of the
# rule, an edit of a module runs again the figures that name it, and no others.


for MODULE in sorted({figure["module"] for figure in FIGURES.values()}):

    rule:
        """Gather the small table that a figure is drawn from."""
        name:
            f"summarise_{MODULE}"
        input:
            unpack(summary_files),
        output:
            "<results>/summaries/{figure}.csv",
        log:
            f"<logs>/summarise_{MODULE}/{{figure}}.log",
        benchmark:
            f"<benchmarks>/summarise_{MODULE}/{{figure}}.tsv"
        wildcard_constraints:
            figure="|".join(name for name in FIGURES if FIGURES[name]["module"] == MODULE),
        conda:
            "../../envs/score.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(20),
        params:
            code=code("summarise_figure", f"summarise.{MODULE}"),
            env=env("score"),
            module=MODULE,
            results=lambda wildcards: CONFIG["results"],
            study=CONFIG["study"],
            runs=summary_runs,
            target=summary_target,
            options=lambda wildcards: figures.summary_options(FIGURES[wildcards.figure]),
            threshold=CONFIG["threshold"],
            test=CONFIG["periods"]["test"],
        script:
            "../scripts/summarise_figure.py"


DRAWN_AS = {"figure": "plot", "table": "tabulate"}

for FIGURE, ENTRY in FIGURES.items():

    rule:
        """Draw a figure or a table from its summary."""
        name:
            f"{DRAWN_AS[ENTRY['form']]}_{FIGURE}"
        input:
            summary=f"<results>/summaries/{FIGURE}.csv",
            borders=BORDERS,
        output:
            # a table as text as well
            **(
                {"md": f"<results>/figures/{ENTRY['paper']}/{FIGURE}.md"}
                if ENTRY["form"] == "table"
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
            f"<logs>/{DRAWN_AS[ENTRY['form']]}_{FIGURE}.log",
        benchmark:
            f"<benchmarks>/{DRAWN_AS[ENTRY['form']]}_{FIGURE}.tsv"
        conda:
            "../../envs/plot.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        params:
            code=code("draw_figure", f"plots.{ENTRY['module']}"),
            env=env("plot"),
            module=ENTRY["module"],
            drawing=ENTRY.get("drawing", {}),
            data=HEAD,
        script:
            "../scripts/draw_figure.py"


# A figure by its name, and all of a paper by the paper's: snakemake -c2 tsai2021_fig4, ... tsai2021
for TARGET, MADE in figures.targets(FIGURES).items():

    rule:
        name:
            TARGET
        input:
            MADE,
