"""Figures and tables over data sets draw full and minimal content, and show what they are given."""

import importlib.util
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from parlearn.plots import means, patterns, scores, style, tables
from parlearn.plots.sheet import Sheet
from parlearn.storage import contracts

_spec = importlib.util.spec_from_file_location(
    "made_up_results", Path(__file__).with_name("made_up_results.py")
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)

BORDERS = Path(__file__).parents[2] / "resources" / "borders" / "conus.json"
DATA = "made-up data"

FLUX = {"target": "evapotranspiration"}
INFILT = {"names": ["infilt"]}
#: name -> module, and arguments of its drawing
FIGURES = {
    "fig3": ("distributions", {}),
    "fig4": ("means", {}),
    "fig5": ("patterns", {"colours": "each"}),
    "fig6": ("patterns", {"colours": "one"}),
    "fig7": ("patterns", {"colours": "above_default"}),
    "fig8": ("sites", {}),
    "fig9": ("means", {"error": "bias"}),
    "table1": ("ranges", {}),
    "table2": ("scores", {}),
    "table3": ("mean_scores", {}),
    "cost": ("cost", {}),
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
    results = made_up.open_results(study)
    alone = made_up.open_results(study, truth_file=None)
    first = dict(list(datasets.items())[:1])
    trained = {label: d for label, d in datasets.items() if d["cells"] == "train"}
    fast = runs[runs["model"] != "process"]
    learned = runs[runs["method"] != "default"]
    given = {
        "fig3": (runs, results, datasets),
        "fig4": (learned, results, datasets),
        "fig5": (fast, results if full else alone, first, INFILT),
        "fig6": (learned, alone, first, INFILT),
        "fig7": (fast, alone, first, INFILT),
        "fig8": (learned, results, first),
        "fig9": (fast, results, first, FLUX),
        "table1": (runs.iloc[:1], results, None),
        "table2": (runs, results, datasets, {"reference": "paraformer_z"}),
        "table3": (runs, results, trained, FLUX),
        "cost": (runs, results, trained),
    }
    for name, (of, opened, cells, *options) in given.items():
        module = import_module(f"parlearn.summarise.{FIGURES[name][0]}")
        options = (options or [{}])[0] | ({"datasets": cells} if cells else {})
        contracts.write_table(module.summarise(of, opened, **options), root / f"{name}.csv")
    return root


@pytest.fixture(scope="module")
def drawn(summaries, tmp_path_factory):
    """Folder of all figures, coarse, drawn without a warning."""
    folder = tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(style, "DPI", 40)
        warnings.simplefilter("error")
        for name, (module, options) in FIGURES.items():
            borders = BORDERS if name in ON_A_MAP else None
            sheet = Sheet(summaries / f"{name}.csv", folder / f"{name}.png", DATA, borders)
            import_module(f"parlearn.plots.{module}").draw(sheet, **options)
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
        assert rows_of(text, "Default")[0][5:] == ["–", "–"]


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
    keys = ["dataset", "variant", "quantity", "period"]
    rows = [("a", "x", "epochs_to_loss", "two_years", value) for value in (1500.0, np.nan, 1502.0)]
    table = pd.DataFrame(rows, columns=[*keys, "value"])
    row = next(tables.over_seeds(table, keys).itertuples())
    assert tables.say_count(row) == "1,501 (2 of 3)"
    row = next(tables.over_seeds(table.iloc[1:2], keys).itertuples())
    assert tables.say_count(row) == "not reached"
    assert tables.say_seconds(row) == "not reached"
    assert tables.say_count(None) == "–"
    tested = {"median_difference": 0.00123, "p_value": 0.0004}
    table = pd.DataFrame(
        [("a", "x", name, "y", value) for name, value in tested.items()], columns=table.columns
    )
    found = {row.quantity: row for row in tables.over_seeds(table, keys).itertuples()}
    assert scores._say_test(found) == ["+0.0012", "< 0.001"]


def test_departures_from_the_default():
    rows = [("default", 1, 0.2), ("default", 2, 0.3), ("dpl_z", 2, 0.1), ("dpl_z", 1, 0.25)]
    rows += [("truth", 1, 0.5)]
    table = pd.DataFrame(rows, columns=["variant", "cell", "value"])
    residuals = patterns.subtract_default(table).set_index("cell")["value"]
    assert residuals.to_dict() == pytest.approx({2: -0.2, 1: 0.05})
    with pytest.raises(ValueError, match="needs a run of it and a learned one"):
        patterns.subtract_default(table[table["variant"] != "default"])


def test_density_counts_neighbours():
    x, y = np.array([0.0, 0.0, 0.1, 5.0]), np.array([0.0, 0.05, 0.0, 5.0])
    np.testing.assert_allclose(means.density(x, y, 0.11), [1, 2 / 3, 2 / 3, 1 / 3])
    assert means.density([], [], 0.1).shape == (0,)


def test_what_a_title_says_of_seeds():
    table = pd.DataFrame({"variant": ["default", "dpl_a", "dpl_z"], "seeds": [1, 4, 4]})
    assert style.note_on_seeds(table) == "4 seeds"
    assert style.note_on_seeds(table.assign(seeds=[1, 1, 4])) == "1 to 4 seeds"
    assert style.note_on_seeds(table.assign(seeds=1)) == "one seed"
