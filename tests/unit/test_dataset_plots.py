"""Figures and tables over data sets draw full and minimal content, and show what they are given."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from parlearn.plots import distributions, method_tables, patterns, scatter, sites, style
from parlearn.storage import contracts
from parlearn.summarise import distributions as score_tables
from parlearn.summarise import fields, means
from parlearn.summarise import sites as site_tables
from parlearn.summarise.cost import summarise_cost
from parlearn.summarise.ranges import summarise_ranges
from parlearn.summarise.results import Results

_spec = importlib.util.spec_from_file_location(
    "made_up_results", Path(__file__).with_name("made_up_results.py")
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)

BORDERS = Path(__file__).parents[2] / "resources" / "borders" / "conus.json"
DATA = "made-up data"

FIGURES = {
    "fig3": distributions.li2023_fig3,
    "fig4": scatter.li2023_fig4,
    "fig5": patterns.li2023_fig5,
    "fig6": patterns.li2023_fig6,
    "fig7": patterns.li2023_fig7,
    "fig8": sites.li2023_fig8,
    "fig9": scatter.li2023_fig9,
    "table1": method_tables.li2023_table1,
    "table2": method_tables.li2023_table2,
    "table3": method_tables.li2023_table3,
    "cost": method_tables.smap_cost,
}
#: with state borders
ON_A_MAP = ("fig5", "fig6", "fig8")


@pytest.fixture(scope="module", params=["full", "minimal"])
def summaries(request, tmp_path_factory):
    """Folder of the summaries of all figures."""
    full = request.param == "full"
    root = tmp_path_factory.mktemp(request.param)
    runs = made_up.LI2023 if full else made_up.LI2023_MINIMAL
    datasets = made_up.DATASETS if full else made_up.ONE_DATASET
    study = made_up.make_study(root)
    for run in runs.itertuples():
        made_up.make_run(study, run)
    results = Results(root, "smap")
    first = dict(list(datasets.items())[:1])
    trained = {label: d for label, d in datasets.items() if d["cells"] == "train"}
    test = made_up.TEST
    fast = runs[runs["model"] != "vic"]
    learned = runs[runs["method"] != "default"]
    et = {"target": "evapotranspiration"}
    truth = study.truth if full else None
    tables = {
        "fig3": score_tables.summarise_distributions(runs, results, datasets),
        "fig4": means.summarise_means(learned, results, test, datasets),
        "fig5": fields.summarise_patterns(fast, results, first, truth=truth),
        "fig6": fields.summarise_patterns(learned, results, first),
        "fig7": fields.summarise_patterns(fast, results, first),
        "fig8": site_tables.summarise_sites(learned, results, test, first),
        "fig9": means.summarise_means(fast, results, test, first, **et),
        "table1": summarise_ranges(runs.iloc[:1], results),
        "table2": score_tables.summarise_scores(runs, results, datasets),
        "table3": means.summarise_means(runs, results, test, trained, points=False, **et),
        "cost": summarise_cost(runs, results, trained, threshold=0.043),
    }
    for name, summary in tables.items():
        contracts.write_table(summary, root / f"{name}.csv")
    return root


@pytest.fixture(scope="module")
def drawn(summaries, tmp_path_factory):
    """Folder of all figures, coarse, drawn without a warning."""
    folder = tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(style, "DPI", 40)
        warnings.simplefilter("error")
        for name, draw in FIGURES.items():
            options = {"borders": BORDERS} if name in ON_A_MAP else {}
            options |= {"threshold": 0.043} if name == "cost" else {}
            draw(summaries / f"{name}.csv", folder / f"{name}.png", data=DATA, **options)
    return folder


@pytest.mark.parametrize("name", FIGURES)
def test_files_of_a_figure(name, drawn):
    kinds = {"pdf", "png", "csv"} | ({"md"} if name.startswith(("table", "cost")) else set())
    assert {p.name for p in drawn.glob(f"{name}.*")} == {f"{name}.{kind}" for kind in kinds}
    assert (drawn / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert len(pd.read_csv(drawn / f"{name}.csv"))


def test_summaries_are_small(summaries):
    for name in FIGURES:
        assert (summaries / f"{name}.csv").stat().st_size < 500_000, name


def test_numbers_of_figures_are_their_summaries(summaries, drawn):
    for name in ("fig3", "fig4", "fig5", "fig6", "fig8", "fig9"):
        numbers, given = (pd.read_csv(folder / f"{name}.csv") for folder in (drawn, summaries))
        for column in {"value", "low", "simulated", "observed", "corr"} & set(numbers):
            assert numbers[column].equals(given[column])


def rows_of(text, label):
    """Fields of the rows of a method, a list for each part of a table in Markdown."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [row[1:] for row in rows if row[0] == label]


def test_table_of_scores(summaries, drawn):
    text = (drawn / "table2.md").read_text(encoding="utf-8")
    given = pd.read_csv(summaries / "table2.csv")
    part = given[(given["variant"] == "dpl_z") & (given["quantity"] == "rmse")]
    values = part[part["dataset"] == part["dataset"].iloc[0]]["value"]
    said = rows_of(text, "dPL $g_Z$")[0]
    assert said[0].startswith(style.say_number(values.mean(), 4))
    assert ("±" in said[0]) == (len(values) > 1)
    if len(values) > 1:
        assert f"± {values.std():.4f}" in said[0]
        assert len(rows_of(text, "SCE-UA, fewer runs")) == 3
        assert rows_of(text, "ParaFormer$_Z$")[0][3:5] == ["–", "–"]  # not against itself
    else:
        assert said[3:5] == ["–", "–"]  # nothing to be held against
        assert rows_of(text, "VIC default")[0][5:] == ["–", "–"]


def test_table_of_costs(drawn):
    text = (drawn / "cost.md").read_text(encoding="utf-8")
    cost = rows_of(text, "dPL $g_Z$")[0]
    assert cost == ["1,234", "2 s", "40", "80 s", "160", "5 min", "512", "cpu"]
    for row in rows_of(text, "SCE-UA"):
        assert row[0] == row[2] == row[3] == "–"


def test_table_of_ranges(drawn):
    text = (drawn / "table1.md").read_text(encoding="utf-8")
    assert "| Dsmax (dsmax): maximum base flow velocity | 0 to 10.8 | 0.1 to 30 mm day⁻¹ |" in text


def test_how_costs_and_tests_are_told():
    rows = [("a", "x", "epochs_to_loss", "two_years", value) for value in (1500.0, np.nan, 1502.0)]
    table = pd.DataFrame(rows, columns=["dataset", "variant", "quantity", "period", "value"])
    row = next(method_tables.over_seeds(table).itertuples())
    assert method_tables._say_count(row) == "1,501 (2 of 3)"
    row = next(method_tables.over_seeds(table.iloc[1:2]).itertuples())
    assert method_tables._say_count(row) == "not reached"
    assert method_tables._say_seconds(row) == "not reached"
    assert method_tables._say_count(None) == "–"
    tested = {"median_difference": 0.00123, "p_value": 0.0004}
    table = pd.DataFrame(
        [("a", "x", name, "y", value) for name, value in tested.items()], columns=table.columns
    )
    found = {row.quantity: row for row in method_tables.over_seeds(table).itertuples()}
    assert method_tables._say_test(found) == ["+0.0012", "< 0.001"]


def test_departures_from_the_default():
    rows = [("default", 1, 0.2), ("default", 2, 0.3), ("dpl_z", 2, 0.1), ("dpl_z", 1, 0.25)]
    rows += [("sceua", 1, 0.9), ("truth", 1, 0.5)]
    table = pd.DataFrame(rows, columns=["variant", "cell", "value"])
    residuals = patterns.subtract_default(table).set_index("cell")["value"]
    assert residuals.to_dict() == pytest.approx({2: -0.2, 1: 0.05})
    with pytest.raises(ValueError, match="needs a run of it and a learned one"):
        patterns.subtract_default(table[table["variant"] != "default"])


def test_density_counts_neighbours():
    x, y = np.array([0.0, 0.0, 0.1, 5.0]), np.array([0.0, 0.05, 0.0, 5.0])
    np.testing.assert_allclose(scatter.density(x, y, 0.11), [1, 2 / 3, 2 / 3, 1 / 3])
    assert scatter.density([], [], 0.1).shape == (0,)


def test_what_a_title_says_of_seeds():
    table = pd.DataFrame({"variant": ["default", "dpl_a", "dpl_z"], "seeds": [1, 4, 4]})
    assert style.note_on_seeds(table) == "4 seeds"
    assert style.note_on_seeds(table.assign(seeds=[1, 1, 4])) == "1 to 4 seeds"
    assert style.note_on_seeds(table.assign(seeds=1)) == "one seed"
