"""Every figure draws full and minimal content, and its CSV holds what it shows."""

import importlib.util
import json
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from parlearn.plan.methods import METHODS, Method
from parlearn.plots import curves, maps, scaling, style
from parlearn.plots.parameter_sets import draw as draw_sets
from parlearn.plots.sheet import Sheet, settle
from parlearn.plots.tables import over_seeds, say_count
from parlearn.storage import contracts
from parlearn.summarise.parameter_sets import summarise as summarise_sets

_spec = importlib.util.spec_from_file_location(
    "made_up_results", Path(__file__).with_name("made_up_results.py")
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)

BORDERS = Path(__file__).parents[2] / "resources" / "borders" / "conus.json"
DATA = "made-up data"

#: name -> module, and arguments of its summary
FIGURES = {
    "fig1": ("curves", {}),
    "fig2": ("performance", {}),
    "fig4": ("parameters", {"names": ["infilt"]}),
    "figS3": ("parameters", {"without": ["infilt"]}),
    "fig6": ("scaling", {}),
    "figS1": ("sampling", {}),
    "figS2": ("surrogate", {}),
    "tableS1": ("comparison", {}),
    "recovery": ("recovery", {}),
}
REFERENCE = {"label": "another model", "rmse": 0.03, "corr": 0.8}


#: what the minimal content draws like the full one
SAME = ("figS2", "figS3")


@pytest.fixture(scope="module", params=["full", "minimal"])
def summaries(request, tmp_path_factory):
    """Folder of the summaries of all figures."""
    full = request.param == "full"
    root = tmp_path_factory.mktemp(request.param)
    runs = made_up.FULL if full else made_up.MINIMAL
    study = made_up.make_study(root, ("s8", "s4") if full else ("s4",))
    for run in runs.itertuples():
        made_up.make_run(study, run)
    results = made_up.open_results(study)
    for name, (module, options) in FIGURES.items():
        module = import_module(f"parlearn.summarise.{module}")
        contracts.write_table(module.summarise(runs, results, **options), root / f"{name}.csv")
    return root


def sheet_of(summary, out, borders=None):
    return Sheet(summary, out, DATA, borders)


@pytest.fixture(scope="module")
def drawn(summaries, tmp_path_factory):
    """Folder of all figures, coarse, drawn without a warning; fig4 and figS1 with borders."""
    folder = tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(style, "DPI", 40)
        warnings.simplefilter("error")
        for name, (module, _) in FIGURES.items():
            if "minimal" in summaries.name and name in SAME:
                continue
            borders = BORDERS if name in ("fig4", "figS1") else None
            sheet = sheet_of(summaries / f"{name}.csv", folder / f"{name}.png", borders)
            import_module(f"parlearn.plots.{module}").draw(sheet)
    return folder


@pytest.mark.parametrize("name", FIGURES)
def test_files_of_a_figure(name, drawn):
    if not (drawn / f"{name}.png").exists():
        assert name in SAME
        return
    kinds = {"pdf", "png", "csv"} | ({"md"} if name == "tableS1" else set())
    assert {p.name for p in drawn.glob(f"{name}.*")} == {f"{name}.{kind}" for kind in kinds}
    assert (drawn / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (drawn / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert len(pd.read_csv(drawn / f"{name}.csv"))


def test_nothing_half_written_is_left(drawn):
    assert not list(drawn.glob(".*"))


def test_same_input_same_picture(summaries, drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(style, "DPI", 40)
    scaling.draw(sheet_of(summaries / "fig6.csv", tmp_path / "fig6.png"))
    for kind in ("pdf", "png", "csv"):
        assert (tmp_path / f"fig6.{kind}").read_bytes() == (drawn / f"fig6.{kind}").read_bytes()


def test_places_do_not_hang_on_the_last_digits_of_the_layout():
    """They differ from one process to the next."""
    fig = style.new_figure(3)
    parts = fig.subfigures(2, 1, height_ratios=[1, 3])
    for ax in (*parts[0].subplots(1, 2), *parts[1].subplots(1, 3)):
        ax.set_xlabel("label")
    settle(fig)
    for part in parts:
        corners = part.bbox_relative.get_points()
        assert corners == pytest.approx(corners.round(5), abs=1e-12)
    for ax in fig.axes:
        bounds = ax.get_position().bounds
        assert bounds == pytest.approx([round(value, 5) for value in bounds], abs=1e-12)
    assert fig.get_layout_engine() is None or not fig.get_layout_engine().adjust_compatible


def test_without_observed_et_figure_6_has_three_panels(summaries, tmp_path, monkeypatch):
    """As on the real 412 cells."""
    monkeypatch.setattr(style, "DPI", 40)
    table = pd.read_csv(summaries / "fig6.csv")
    column = "corr_evapotranspiration"
    assert column in table
    table.drop(columns=column).to_csv(tmp_path / "fig6_in.csv", index=False)
    scaling.draw(sheet_of(tmp_path / "fig6_in.csv", tmp_path / "fig6.png"))
    assert column not in set(pd.read_csv(tmp_path / "fig6.csv")["quantity"])


def test_numbers_of_curves(summaries, drawn):
    numbers, given = pd.read_csv(drawn / "fig1.csv"), pd.read_csv(summaries / "fig1.csv")
    keys = {"variant": "dpl_a", "sampling": "s4", "period": "one_year"}
    for name, value in keys.items():
        numbers, given = numbers[numbers[name] == value], given[given[name] == value]
    epochs = numbers[numbers["axis"].str.startswith("Epochs")].set_index("x")
    assert list(epochs.index) == [10, 20, 40, 80, 160]  # a log axis has no zero
    seeds = given[given["runs_per_cell"] == 40]["rmse_train_cells"]
    assert epochs.loc[40, "rmse"] == pytest.approx(seeds.median())
    assert epochs.loc[40, "seeds"] == len(seeds)


def test_numbers_of_scaling(summaries, drawn):
    numbers, given = pd.read_csv(drawn / "fig6.csv"), pd.read_csv(summaries / "fig6.csv")
    one = numbers[(numbers["variant"] == "dpl_a") & (numbers["quantity"] == "rmse_spatial")].iloc[0]
    keys = ["variant", "sampling", "period"]
    same = (given[keys] == one[keys]).all(axis=1)
    assert one["mean"] == pytest.approx(given.loc[same, "rmse_spatial"].mean())


def test_numbers_of_other_figures_are_their_summaries(summaries, drawn):
    for name in ("fig2", "fig4", "figS1", "recovery"):
        numbers, given = (pd.read_csv(folder / f"{name}.csv") for folder in (drawn, summaries))
        for column in {"value", "median", "corr", "role", "true"} & set(numbers):
            assert numbers[column].equals(given[column])


def test_a_threshold_one_seed_misses_is_not_reached():
    about = {"variant": "dpl_a", "sampling": "s4", "period": "y", "seed": 1, "trained_cells": 9}
    about |= {"rmse_temporal": 0.04, "rmse_spatial": 0.04, "at_most": False}
    numbers = scaling.over_seeds(pd.DataFrame([about | {"epochs": e} for e in (30, np.nan)]))
    epochs = numbers[numbers["quantity"] == "epochs"].iloc[0]
    assert np.isnan(epochs["mean"])
    assert epochs["reached"] == 1


def test_table_in_markdown(summaries, drawn):
    text = (drawn / "tableS1.md").read_text(encoding="utf-8")
    given = pd.read_csv(summaries / "tableS1.csv")
    given = given[(given["variant"] == "dpl_a") & (given["score_map"] == "mapped")]
    values = given[(given["split"] == "temporal") & (given["quantity"] == "corr")]["value"]
    line = next(row for row in text.splitlines() if row.startswith("| dPL $g_A$ |"))
    assert style.say_number(values.mean(), 4) in line
    assert ("±" in text) == (given["seed"].nunique() > 1)
    assert text.startswith(f"**{DATA} · sampling s4")


def test_title_says_what_is_shown(summaries):
    given = pd.read_csv(summaries / "fig1.csv")
    notes = style.notes_on(given[given["runs_per_cell"] > 0])
    if given["sampling"].nunique() == 1:
        assert notes == ["sampling s4", "trained on one year", "seed 3"]
    else:
        assert notes == ["2 seeds"]


def test_a_wrong_summary_is_refused(tmp_path):
    wrong = tmp_path / "wrong.csv"
    pd.DataFrame({"variant": ["dpl_a"]}).to_csv(wrong, index=False)
    with pytest.raises(ValueError, match=r"wrong\.csv lacks the columns"):
        scaling.draw(sheet_of(wrong, tmp_path / "a.png"))
    pd.DataFrame({"a": []}).to_csv(wrong, index=False)
    with pytest.raises(ValueError, match="has no rows"):
        sheet_of(wrong, tmp_path / "a.png").read(["a"])
    assert not list(tmp_path.glob("a.*"))


def test_looks_are_the_same_everywhere():
    few, many = style.looks(["dpl_z"]), style.looks(["dpl_z_direct", "sceua", "dpl_z", "default"])
    assert few["dpl_z"] == many["dpl_z"]
    assert list(many) == ["default", "sceua", "dpl_z", "dpl_z_direct"]
    assert [look.label for look in many.values()] == [
        "Default",
        "SCE-UA",
        "dPL $g_Z$",
        "dPL $g_Z$ direct",
    ]
    known = [look for looks in style.LOOKS.values() for look in looks] + style.SPARE
    for feature in ("color", "marker", "line"):
        assert len({str(getattr(look, feature)) for look in known}) == len(known)
    network = style.looks(["dpl_z+network"])["dpl_z+network"]
    assert network.color == few["dpl_z"].color
    assert network.hollow
    assert network.label == "dPL $g_Z$, linear correction per cell"


def test_a_new_method_has_a_look_that_stays(monkeypatch):
    for name in ("first", "second"):
        new = Method(name, name.title(), "network", "learn_it", ("attributes",))
        monkeypatch.setitem(METHODS, name, new)
    both = style.looks(["second", "first", "first_direct"])
    assert list(both) == ["first", "first_direct", "second"]
    assert both["first"].label == "First"
    assert both["first"].color != both["second"].color
    assert both["first_direct"].hollow
    assert style.looks(["second"])["second"] == both["second"]
    for name in ("third", "fourth", "fifth"):
        monkeypatch.setitem(METHODS, name, Method(name, name, "network", "learn_it", ()))
    with pytest.raises(ValueError, match="no look is left for the method 'fifth'"):
        style.looks(["fifth"])


@pytest.mark.parametrize(
    ("unit", "said"), [("m3 m-3", "m³ m⁻³"), ("mm day-1", "mm day⁻¹"), ("1", "–"), ("m", "m")]
)
def test_units_as_they_are_printed(unit, said):
    assert style.say_unit(unit) == said


def test_every_target_has_its_curve(summaries, tmp_path, monkeypatch):
    monkeypatch.setattr(style, "DPI", 40)
    table = pd.read_csv(summaries / "fig1.csv")
    flux = table.assign(target="evapotranspiration", rmse_train_cells=table["rmse_train_cells"] * 9)
    pd.concat([table, flux]).to_csv(tmp_path / "both.csv", index=False)
    curves.draw(sheet_of(tmp_path / "both.csv", tmp_path / "both.png"))
    curves.draw(sheet_of(summaries / "fig1.csv", tmp_path / "one.png"))
    both, one = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("both", "one"))
    assert list(dict.fromkeys(both["target"])) == ["soil_moisture", "evapotranspiration"]
    assert both["panel"].nunique() == 2 * one["panel"].nunique()
    drawn = both[both["target"] == "evapotranspiration"]["rmse"].to_numpy()
    np.testing.assert_allclose(drawn, 9 * one["rmse"].to_numpy(), rtol=1e-5)


def test_what_was_reached_at_the_first_record_is_said_to_be_at_most():
    rows = [("a", 77.0, True), ("b", 5.0, False), ("c", np.nan, False)]
    table = pd.DataFrame(rows, columns=["variant", "value", "at_most"])
    said = [say_count(row) for row in over_seeds(table, ["variant"]).itertuples()]
    assert said == ["at most 77", "5", "not reached"]


def test_scaling_marks_what_is_at_most(summaries, tmp_path, monkeypatch):
    monkeypatch.setattr(style, "DPI", 40)
    table = pd.read_csv(summaries / "fig6.csv")
    words = {}
    for at_most in (False, True):
        monkeypatch.setattr(
            Sheet, "save", lambda self, fig, numbers, notes, key=at_most: words.update({key: fig})
        )
        path = tmp_path / f"{at_most}.csv"
        table.assign(at_most=at_most, epochs=40.0).to_csv(path, index=False)
        scaling.draw(sheet_of(path, tmp_path / "a.png"))
    marks = {
        key: sum(text.get_text() == "≤" for ax in fig.axes for text in ax.texts)
        for key, fig in words.items()
    }
    assert marks[False] == 0
    assert marks[True] == table.groupby(["variant", "sampling", "period"]).ngroups


@pytest.mark.parametrize(
    ("value", "digits", "said"), [(-0.0004, 3, "0.000"), (-1.26, 1, "−1.3"), (0.5, 2, "0.50")]
)
def test_numbers_in_words(value, digits, said):
    assert style.say_number(value, digits) == said


def test_albers_keeps_area_and_parallels():
    lon, lat = np.meshgrid(np.linspace(-120, -70, 6), np.linspace(25, 49, 7))
    step = 1e-4
    east, north = (
        np.array(maps.albers(lon + dx, lat + dy)) - np.array(maps.albers(lon, lat))
        for dx, dy in ((step, 0), (0, step))
    )
    area = (east[0] * north[1] - east[1] * north[0]) / np.radians(step) ** 2
    np.testing.assert_allclose(area, 6371.0**2 * np.cos(np.radians(lat)), rtol=1e-4)
    east = np.hypot(*(np.array(maps.albers(-90 + step, 45.5)) - np.array(maps.albers(-90, 45.5))))
    assert east == pytest.approx(6371.0 * np.cos(np.radians(45.5)) * np.radians(step), rel=1e-4)


def test_what_is_drawn_as_a_grid():
    row, col = (k.ravel() for k in np.mgrid[:6, :8])
    lat, lon = 35 + 0.125 * row, -100 + 0.125 * col
    assert maps.is_grid(lat, lon)
    assert maps.is_grid(lat[::2], lon[::2]) is False  # stretched cells would be an invention
    assert not maps.is_grid(lat + 0.01 * row**2, lon)
    assert not maps.is_grid(lat[:1], lon[:1])


def test_grid_cells_are_in_their_places():
    row, col = (k.ravel() for k in np.mgrid[:3, :4])
    values = 10.0 * row + col
    keep = values != 12
    ax = Figure().subplots()
    norm = maps.scale_colours([values], low=0, high=1)
    drawn = maps.draw_map(ax, 35 + row[keep], -100 + col[keep], values[keep], norm, "viridis")
    field = drawn.get_array().reshape(3, 4)
    assert field[2, 3] == 23
    assert field.mask.sum() == 1
    assert field.mask[1, 2]


def test_colours_of_one_value_and_of_none():
    assert (
        maps.scale_colours([np.full(3, 2.0)]).vmin < 2 < maps.scale_colours([np.full(3, 2.0)]).vmax
    )
    assert maps.scale_colours([np.full(3, np.nan)]).vmax == 1
    assert maps.scale_colours([np.arange(100.0)]).extend == "both"
    assert maps.scale_colours([np.arange(100.0)], low=0).extend == "max"


def test_borders_are_small_and_inside_their_box():
    assert BORDERS.stat().st_size < 150_000
    layers = json.loads(BORDERS.read_text(encoding="utf-8"))
    assert set(layers) == {"nation", "states", "neighbours"}
    for lines in layers.values():
        lon, lat = np.concatenate([np.array(line) for line in lines]).T
        assert -130 <= lon.min() <= lon.max() <= -60
        assert 20 <= lat.min() <= lat.max() <= 54


def test_a_parallel_is_drawn_as_a_curve():
    line = maps._densify(np.array([[-120.0, 49.0], [-100.0, 49.0], [-100.0, 48.5]]))
    assert len(line) == 22
    assert np.abs(np.diff(line, axis=0)).max() <= 1
    np.testing.assert_array_equal(line[[0, 20, 21]], [[-120, 49], [-100, 49], [-100, 48.5]])


def test_making_of_borders():
    spec = importlib.util.spec_from_file_location(
        "make_borders", BORDERS.with_name("make_borders.py")
    )
    make_borders = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_borders)
    topology = {
        "transform": {"scale": [0.5, 1.0], "translate": [-100.0, 40.0]},
        "arcs": [[[0, 0], [2, 1], [2, 0]]],
        "objects": {
            "states": {"geometries": [{"id": "01", "arcs": [[0]]}, {"id": "02", "arcs": [[~0]]}]}
        },
    }
    (arc,) = make_borders.decode_arcs(topology)
    np.testing.assert_array_equal(arc, [[-100, 40], [-99, 41], [-98, 41]])
    assert make_borders.arc_users(topology, "states") == {0: {"01", "02"}}
    x = np.linspace(-100, -90, 21)
    wobble = np.column_stack([x, 40 + 0.01 * (-1.0) ** np.arange(21)])
    assert len(make_borders.thin(wobble)) == 2
    ring = np.array([[-100.0, 40], [-99, 40], [-99, 41], [-100, 41], [-100, 40]])
    np.testing.assert_array_equal(make_borders.thin(ring), ring)
    out_and_back = np.array([[-125.0, 40], [-128, 40], [-135, 40], [-128, 41], [-125, 41]])
    assert [len(piece) for piece in make_borders.clip(out_and_back)] == [2, 2]


def test_sets_of_parameters_stand_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setattr(style, "DPI", 40)
    study = made_up.make_study(tmp_path)
    for run in made_up.BY_SET.itertuples():
        made_up.make_run(study, run)
    results = made_up.open_results(study)
    table = summarise_sets(made_up.BY_SET, results, flux="evapotranspiration")
    contracts.write_table(table, tmp_path / "sets.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_sets(sheet_of(tmp_path / "sets.csv", tmp_path / "sets.png"), REFERENCE)
    assert set(pd.read_csv(tmp_path / "sets.csv")["variant"]) == {
        *("default", "dpl_z_direct", "dpl_z_direct:v9")
    }
    assert [*style.looks(["dpl_z:r10", "dpl_z:v9", "dpl_z"])] == ["dpl_z", "dpl_z:v9", "dpl_z:r10"]
    labels = [look.label for look in style.looks(table["variant"]).values()]
    assert labels[-2:] == ["dPL $g_Z$ direct", "dPL $g_Z$ direct, V9"]
