"""Claims: what is asked of which quantity, what contradicts what, and which runs answer."""

import collections
import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
import yaml

from parlearn.claims.answers import Number, judge
from parlearn.claims.quantities import QUANTITIES
from parlearn.plan import claims as table
from parlearn.plan import config as configuration
from parlearn.plan import experiments
from parlearn.plan.config import ConfigError

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "config" / "schemas"

_spec = importlib.util.spec_from_file_location(
    "made_up_claims", Path(__file__).with_name("made_up_claims.py")
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)
CLAIM, changed, number = made_up.CLAIM, made_up.changed, made_up.number
MARGIN = made_up.MARGIN


@pytest.fixture(scope="module")
def claims():
    return {c["id"]: c for c in table.read_claims(ROOT / "config/claims.yaml", SCHEMAS)}


# --- the claims themselves ------------------------------------------------------------------------


def test_vocabulary_and_functions_are_the_same():
    assert set(table.METRICS) == set(QUANTITIES)
    assert not set(table.NOT_COMPUTED) & set(QUANTITIES)


def test_every_claim_has_a_known_metric(claims):
    asked = {c["quantity"]["metric"] for c in claims.values() if c["compare"] != "statement"}
    assert asked - set(QUANTITIES) == set(table.NOT_COMPUTED)


@pytest.mark.parametrize(
    ("paper", "where", "numbers"),
    [
        # a method that was not scored in space lacks two of the 16
        ("tsai2021", "Table S1", 14),
        ("li2023", "Table 2", 5 * 3 * 3),
        ("li2023", "Table 3", 6 * 3 * 2),
        ("sun2024", "Table 1", 2 * 3),
        ("sun2024", "Table 2", 2 + 3),
    ],
)
def test_every_number_of_a_table_stands_there(claims, paper, where, numbers):
    found = [
        c
        for c in claims.values()
        if c["compare"] == "value" and (c["paper"], c["where"]) == (paper, where)
    ]
    assert len(found) == numbers


def test_every_study_of_a_paper_has_numbers_and_rankings(claims):
    cases = {(c["paper"], c["study"]) for c in claims.values()}
    assert cases == {
        ("tsai2021", "smap"),
        ("tsai2021", "camels"),
        ("tsai2021", "pub"),
        ("li2023", "smap"),
        ("sun2024", "huaihe"),
    }
    for compare in ("value", "order"):
        told = {(c["paper"], c["study"]) for c in claims.values() if c["compare"] == compare}
        assert told == cases


#: what a paper says against its own numbers: it says otherwise elsewhere, or rounds to a tie
AGAINST_ITS_NUMBERS = {
    "tsai2021_orders_of_magnitude_dpl_z",
    "li2023_pa_worse_than_lstm",
    "li2023_pa_better_than_ffn_rmse_ng",
    "li2023_lstm_better_than_ffn_rmse_s8",
}


def printed(claims):
    """Every number that a paper prints, by what it is a number of."""
    numbers = {}
    for claim in claims.values():
        if "expected" in claim and "ratio" not in claim["quantity"]:
            ((_, _, fields),) = table.members(claim)
            numbers.setdefault(about(claim, fields), []).append(claim["expected"])
    return numbers


def about(claim, fields):
    keys = ("metric", "target", "parameter", *table.WORDS, "simulated_by")
    return (claim["paper"], *(fields.get(k) for k in keys))


def theirs(claim, numbers):
    """The paper's own numbers of a claim, each combination where it prints two of one thing."""
    members = [
        (name, place, numbers[about(claim, fields)])
        for name, place, fields in table.members(claim)
        if about(claim, fields) in numbers
    ]
    for values in itertools.product(*(values for _, _, values in members)):
        found = [
            Number(name, place, np.array([value]))
            for (name, place, _), value in zip(members, values, strict=True)
        ]
        if "ratio" not in claim["quantity"]:
            yield found
        elif len(found) == 2:
            above, below = found
            yield [Number("ratio", 0, above.values / below.values)]


def test_papers_fulfil_their_own_claims(claims):
    """What is copied wrongly, the wrong way round or rounded up does not agree with the paper."""
    numbers = printed(claims)
    checked, against = set(), set()
    for name, claim in claims.items():
        if claim["compare"] == "statement":
            continue
        cases = [case for case in theirs(claim, numbers) if case]
        if claim["compare"] == "order":
            cases = [case for case in cases if len({number.place for number in case}) > 1]
        elif claim["compare"] == "alike":
            cases = [case for case in cases if len(case) == len(claim["among"])]
        if cases:
            checked.add(name)
            if not any(judge(claim, case)[0] == "reproduced" for case in cases):
                against.add(name)
    assert against == AGAINST_ITS_NUMBERS
    by_kind = collections.Counter(claims[name]["compare"] for name in checked)
    assert by_kind["order"] > 100
    assert by_kind["value"] > 120
    # 253 to 9.9 minutes and 1,004 to 11, once rounded up
    assert {"tsai2021_minutes_s8", "tsai2021_minutes_s4"} <= checked
    assert {"tsai2021_epochs_sceua_any_density", "tsai2021_spatial_corr_dpl"} <= checked
    assert {claims[name]["study"] for name in checked} == {"smap", "camels", "pub", "huaihe"}


def difference_judged(claim, claims):
    """By how much the nearest number that the paper tells apart differs; None: there is none."""
    if "ratio" in claim["quantity"]:
        return abs(claim["expected"] - 1)
    fields = asked(claim)
    apart = []
    for other in claims.values():
        if "expected" not in other or "ratio" in other["quantity"]:
            continue
        theirs = asked(other)
        same = all(
            one.get(k) == two.get(k)
            for one, two, keys in (
                (claim, other, ("paper", "study")),
                (fields, theirs, ("metric", "target", "parameter", "simulated_by", "cells")),
            )
            for k in keys
        )
        differing = [k for k in table.WORDS if fields.get(k) != theirs.get(k)]
        if "method" in differing:
            # an untrained method has no period, other methods have no shares of basins
            differing = [k for k in differing if k in fields and k in theirs]
        difference = abs(claim["expected"] - other["expected"])
        spread = np.hypot(claim.get("spread", 0), other.get("spread", 0))
        if same and len(differing) <= 1 and difference > spread:
            apart.append(difference)
    return min(apart, default=None)


def asked(claim):
    ((_, _, fields),) = table.members(claim)
    return fields


def test_tolerances_are_at_most_half_of_the_difference_they_judge(claims):
    """The rule at the head of claims.yaml."""
    too_wide, bounded = {}, 0
    for name, claim in claims.items():
        if claim["compare"] != "value":
            continue
        difference = difference_judged(claim, claims)
        most = claim.get("spread") if difference is None else difference / 2
        bounded += most is not None
        if most is not None and claim["tolerance"] > most * (1 + 1e-9):
            too_wide[name] = (claim["tolerance"], most)
    assert too_wide == {}
    assert bounded == sum(claim["compare"] == "value" for claim in claims.values())


def test_contradictions_name_each_other(claims):
    pairs = {(i, c["disagrees_with"]) for i, c in claims.items() if "disagrees_with" in c}
    assert ("li2023_lstm_nse_s8_text", "li2023_table2_nse_s8_dpl_z") in pairs
    assert pairs == {(b, a) for a, b in pairs}
    one, other = (claims[i] for i in next(p for p in pairs if p[0] == "li2023_lstm_nse_s8_text"))
    assert (one["expected"], other["expected"]) == (0.161, 0.169)


@pytest.fixture
def read(tmp_path):
    def read(*entries):
        path = tmp_path / "claims.yaml"
        path.write_text(yaml.safe_dump(list(entries), sort_keys=False))
        return table.read_claims(path, SCHEMAS)

    return read


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (changed(quantity={"metric": "rms"}), "quantity.metric: 'rms' is unknown (did you mean"),
        (changed(quantity={"metrik": "rmse"}), "unknown key 'metrik' (did you mean 'metric'?)"),
        (
            changed(order=["sceua", "dpl_y"]),
            "order, among, ratio, expected: 'dpl_y' is unknown (did",
        ),
        (
            number(method=None, quantity={"ratio": ["sceua", "dpl_y"]}),
            "order, among, ratio, expected: 'dpl_y' is unknown (did",
        ),
        (changed(paper="tsai2012"), "paper: 'tsai2012' is unknown"),
        (changed(study="huaihe", quantity={"sampling": None}), "names no sampling, nor does the"),
        (changed(quantity={"attributes": "8"}), "quantity.attributes: '8' is unknown; choose from"),
        (changed(order=["sceua"]), "order: ['sceua'] has the wrong length"),
        (changed(order=None), "order is missing"),
        (changed(quantity={"sampling": "s9"}), "quantity.sampling: 's9' is unknown; choose from"),
        (changed(quantity={"sampling": None}), "quantity: names no sampling, nor does the order"),
        (changed(quantity={"period": None}), "quantity: names no period, nor does the order"),
        (changed(order=["s8", "s4"]), "quantity: names no method, nor does the order"),
        (changed(quantity={"parameter": "infilt"}), "quantity.parameter: rmse is not of a param"),
        (changed(quantity={"metric": "largest_value"}), "largest_value needs one: name it"),
        (changed(disagrees_with="two"), "disagrees_with: there is no claim 'two'"),
        (changed(data="twin"), "data: 'twin' is unknown"),
        (number(tolerance=None), "tolerance is missing"),
        (number(margin=MARGIN), "margin: does not go with value: a value has a tolerance"),
        (changed(margin={"size": 0.001}), "margin: why is missing"),
        (changed(compare="alike", order=None, margin=MARGIN), "among is missing"),
        (changed(compare="alike", order=None, among=["sceua", "dpl_z"]), "margin is missing"),
        (
            changed(compare="alike", order=None, among=["sceua", "dpl_y"], margin=MARGIN),
            "order, among, ratio, expected: 'dpl_y' is unknown",
        ),
        (number(expected={"sceua": 1, "dpl_y": 2}), "'dpl_y' is unknown"),
        (
            number(expected={"sceua": 1, "dpl_z": 2}, tolerance={"sceua": 1}),
            "tolerance: is missing",
        ),
    ],
)
def test_mistakes_in_claims_are_named(read, claim, words):
    with pytest.raises(ConfigError) as caught:
        read(claim)
    assert words in str(caught.value)


def test_claims_twice_and_one_sided_contradictions_are_refused(read):
    with pytest.raises(ConfigError, match="claim 'one' stands there twice"):
        read(CLAIM, CLAIM)
    with pytest.raises(ConfigError, match="'two' does not name it in turn"):
        read(changed(disagrees_with="two"), changed(id="two"))


def test_members_of_a_ratio_differ_by_words():
    claim = number(method="ganpo", quantity={"ratio": ["arnet", "dpl_z lstm"]})
    (one, at, first), (two, place, second) = table.members(claim)
    assert (one, at, two, place) == ("arnet", 0, "dpl_z lstm", 1)
    assert (first["method"], first["surrogate"]) == ("ganpo", "arnet")
    assert (second["method"], second["surrogate"]) == ("dpl_z", "lstm")


def test_a_table_of_scores_is_a_claim_for_each(read):
    one, two = read(
        number(
            method=None,
            expected={"sceua": 0.048, "s4": 0.05},
            tolerance={"sceua": 0.001, "s4": 0.002},
            note={"s4": "seen"},
            quantity={"method": "dpl_a"},
        )
    )
    assert (one["id"], one["expected"], one["tolerance"]) == ("one_sceua", 0.048, 0.001)
    assert one["quantity"]["method"] == "sceua"
    assert "note" not in one
    assert (two["id"], two["note"]) == ("one_s4", "seen")
    assert (two["quantity"]["method"], two["quantity"]["sampling"]) == ("dpl_a", "s4")


def test_members_of_an_order():
    claim = changed(order=["s16 one_year", ["s8 train", "s4"]], quantity={"method": "dpl_z"})
    (first, at, fields), (_, second, train), (_, third, _) = table.members(claim)
    assert (first, at, second, third) == ("s16 one_year", 0, 1, 1)
    assert (fields["sampling"], fields["period"], fields["cells"]) == ("s16", "one_year", "test")
    assert (train["period"], train["cells"]) == ("two_years", "train")


# --- which runs answer ----------------------------------------------------------------------------


def configured(name="config/config.yaml", **keys):
    config = configuration.read_yaml(ROOT / name) | keys
    config = configuration.check_config(config, SCHEMAS, name, ROOT)
    return config, experiments.read_runs(ROOT / "config/experiments.yaml", SCHEMAS, config)


def planned(*claims, name="config/config.yaml", without=(), **keys):
    config, runs = configured(name, **keys)
    runs = {k: v for k, v in runs.items() if k not in without}
    entries = table.plan(list(claims), runs, config)
    return entries, table.claim_files(entries, config)


def test_runs_that_answer_are_those_of_the_paper():
    (entry,), files = planned(CLAIM, name="config/paper.yaml")
    assert entry["why"] == ""
    runs = [[row["run"] for row in term["runs"]] for term in entry["terms"]]
    # four seeds; neither those through VIC nor at other samplings and periods
    assert runs == [[f"{m}_s8_2y_{seed}" for seed in (1, 2, 3, 4)] for m in ("sceua", "dpl_z")]
    assert [term["place"] for term in entry["terms"]] == [0, 1]
    assert files["runs"] == [f"<runs>/{run}/metrics.nc" for some in runs for run in some]
    assert files["study"] == ["<study>/domain.nc"]
    assert files["card"] == []


def test_files_are_those_of_the_metric_and_of_answerable_claims_alone():
    surrogate = number("at_least", method="surrogate", quantity={"metric": "corr_with_vic"})
    means = changed(quantity={"metric": "spatial_nse"})
    _, files = planned(surrogate, means, changed(study="camels"))
    assert files["card"] == ["<study>/surrogate/round-2/card.json"]
    assert files["study"] == ["<study>/domain.nc", "<study>/observations.nc"]
    assert files["runs"][:2] == [
        "<runs>/sceua_s8_2y_1/simulation.nc",
        "<runs>/sceua_s8_2y_1/parameters.nc",
    ]
    ((entry,), files) = planned(surrogate, name="config/real_sets.yaml")
    assert (entry["why"], files["card"]) == ("there is no surrogate here", [])
    _, files = planned(changed(study="camels"))
    assert files["runs"] == []


def test_a_claim_of_a_surrogate_is_not_run_where_there_is_none():
    surrogate = number("at_least", method="surrogate", quantity={"metric": "corr_with_vic"})
    (entry,), files = planned(surrogate, name="config/smap_maps.yaml")
    assert entry["why"] == "there is no surrogate here"
    assert not entry["terms"]
    assert files["card"] == []


def test_terms_through_either_surrogate_are_runs_through_it():
    through = of_huaihe(quantity={"method": "ganpo"}, order=["lstm", "arnet"])
    (entry,), _ = planned(through, name="config/sun2024.yaml")
    runs = [[row["run"] for row in term["runs"]] for term in entry["terms"]]
    assert runs == [[f"{m}_et_{seed}" for seed in (1, 2, 3, 4)] for m in ("ganpo", "ganpo_arnet")]
    (entry,), _ = planned(through, name="config/huaihe_twin.yaml", without=("ganpo_arnet_et_1",))
    assert entry["why"] == "there is no run of ganpo through arnet at all over two_years"


REAL = "config/real.yaml"
NO_READING = {"name": REAL, "claims_as": [{"s4": "all"}]}


@pytest.mark.parametrize(
    ("claim", "where", "why"),
    [
        (CLAIM, {"without": ["sceua_s8_2y_1"]}, "there is no run of sceua at s8 over two_years"),
        (changed(study="camels"), {}, "the study here is smap, not camels"),
        (changed(compare="statement"), {}, "answered in words, not by a number"),
        (number(), {}, "of real data, and this is a twin"),
        (changed(data="real"), {}, "of real data, and this is a twin"),
        (CLAIM, NO_READING, "there is no sampling s8 here"),
        (number(quantity={"sampling": "s16"}), {"name": REAL}, "there is no sampling s16 here"),
        (
            changed(quantity={"target": "evapotranspiration"}),
            {"name": REAL},
            "the source hydrodl has no observations of evapotranspiration",
        ),
        (
            number(method="default", quantity={"cells": "train"}),
            {"name": REAL},
            "of the parameters of NLDAS-2, which are not here",
        ),
        (
            changed(order=["one_year", "two_years"], quantity={"method": "dpl_z"}),
            {"name": REAL},
            "one_year and two_years are answered by the same runs",
        ),
    ],
)
def test_what_is_missing_is_named(claim, where, why):
    (entry,), _ = planned(claim, **where)
    assert entry["why"] == why


def test_numbers_stand_beside_published_ones_on_a_twin():
    (entry,), files = planned(number())
    assert [row["run"] for row in entry["terms"][0]["runs"]] == ["dpl_z_s8_2y_1"]
    assert files["runs"] == ["<runs>/dpl_z_s8_2y_1/metrics.nc"]


@pytest.mark.parametrize(
    ("name", "scattered"),
    [(REAL, True), ("config/conus.yaml", False), ("config/paper.yaml", False)],
)
def test_held_out_cells_are_scattered_on_scattered_cells_alone(name, scattered):
    (entry,), _ = planned(CLAIM, name=name)
    assert entry["terms"]
    assert any("not neighbours" in note for note in entry["notes"]) == scattered


BUILT_IN = "built into the twin: "


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        (
            changed(
                quantity={"metric": "neighbour_roughness", "parameter": "infilt", "cells": "train"}
            ),
            ["its true parameters vary smoothly in space"],
        ),
        # one cell by itself against one law for all, where neither was trained
        (CLAIM, ["a law of attributes, "]),
        (changed(quantity={"cells": "train"}), []),
        (
            changed(quantity={"target": "evapotranspiration", "cells": "train"}),
            ["the same true parameters made soil moisture and ET"],
        ),
        (changed(order=["dpl_z", "dpl_a"]), ["attributes tell a set share of its parameters"]),
        (changed(order=["dpl_z", "paraformer_z"]), []),
        # a published number is not held against a twin at all
        (number(), []),
    ],
)
def test_what_the_making_of_a_twin_decides_is_told(claim, told):
    for name, expected in (("config/paper.yaml", told), ("config/conus.yaml", [])):
        (entry,), _ = planned(claim, name=name)
        assert entry["terms"]
        notes = [note for note in entry["notes"] if note.startswith(BUILT_IN)]
        assert len(notes) == len(expected)
        for note, words in zip(notes, expected, strict=True):
            assert note.startswith(BUILT_IN + words)


def test_a_twin_trained_on_fluxes_says_nothing_of_them_beforehand():
    (entry,), _ = planned(of_huaihe(order=["default", "dpl_z"]), name="config/huaihe_twin.yaml")
    assert not any(note.startswith(BUILT_IN) for note in entry["notes"])


def test_scores_before_the_linear_correction_say_so(claims):
    (entry,), _ = planned(claims["tsai2021_tables1_bias_train_default"], name="config/conus.yaml")
    assert entry["terms"]
    assert "scored before the linear correction, which would remove it" in entry["notes"]


def test_a_time_of_the_paper_is_not_held_against_ours():
    seconds = number(quantity={"metric": "seconds_per_epoch"})
    (entry,), files = planned(seconds, name="config/conus.yaml")
    assert entry["why"] == "a time on the machine of the paper"
    # what it ran on stands beside the parameters
    assert [path.rpartition("/")[2] for path in files["runs"][:2]] == [
        "history.csv",
        "parameters.nc",
    ]
    ratio = number(
        "at_least",
        method=None,
        quantity={"metric": "seconds_to_functional", "ratio": ["sceua", "dpl_z"]},
    )
    (entry,), _ = planned(ratio, name="config/conus.yaml")
    assert entry["why"] == ""


def test_other_names_of_samplings_stand_in_where_the_configuration_says_so():
    (entry,), _ = planned(CLAIM, name=REAL)
    assert entry["why"] == ""
    assert [term["runs"][0]["run"] for term in entry["terms"]] == [
        "sceua_all_1y_1",
        "dpl_z_all_1y_1",
    ]
    assert {term["sampling"] for term in entry["terms"]} == {"all"}
    assert entry["notes"][:2] == [
        "s8 is answered by all",
        "two_years is answered by one_year",
    ]
    assert "not neighbours" in entry["notes"][2]
    # a comparison of densities is answered by its own line, and by no other
    (entry,), _ = planned(
        changed(order=["s16", "s8", "s4"], quantity={"method": "dpl_z"}), name=REAL
    )
    assert [term["sampling"] for term in entry["terms"]] == ["d16", "d4", "all"]
    (entry,), _ = planned(changed(order=["s8", "s4"], quantity={"method": "dpl_z"}), name=REAL)
    assert entry["terms"] == []


def test_the_default_of_another_sampling_will_do_at_trained_cells_alone():
    asked = {"sampling": "s4", "metric": "corr"}
    (entry,), _ = planned(changed(order=["dpl_z", "default"], quantity={**asked, "cells": "train"}))
    term = entry["terms"][1]
    assert (term["runs"][0]["run"], term["sampling"]) == ("default_s8_2y", "s4")
    assert entry["notes"] == ["default: prior parameters of VIC, not those of NLDAS-2"]
    # its linear correction was fitted where it would be tested
    (entry,), _ = planned(changed(order=["dpl_z", "default"], quantity=asked))
    assert entry["why"] == "there is no run of default at s4 over two_years"


@pytest.mark.parametrize("priors", [True, False])
def test_numbers_of_published_parameters_are_answered_where_the_maps_have_them(priors):
    config, runs = configured("config/conus.yaml")
    config["source"]["priors"] = priors
    claim = number(method="default", quantity={"sampling": "s8", "cells": "train"})
    (entry,) = table.plan([claim], runs, config)
    assert entry["why"] == ("" if priors else "of the parameters of NLDAS-2, which are not here")
    assert any("source.statics" in note for note in entry["notes"]) == priors


HUAIHE = {"sampling": "all", "target": "evapotranspiration", "cells": "train"}


def of_huaihe(**keys):
    return changed(
        paper="sun2024", study="huaihe", quantity=HUAIHE | keys.pop("quantity", {}), **keys
    )


def test_claims_of_the_huaihe_are_answered_by_runs_on_its_fluxes():
    claim = of_huaihe(order=["default", "dpl_z"])
    (entry,), files = planned(claim, name="config/huaihe_twin.yaml")
    assert entry["why"] == ""
    assert [t["runs"][0]["run"] for t in entry["terms"]] == ["default_et", "dpl_z_et_1"]
    assert entry["notes"] == ["default: prior parameters of VIC, not those of Sun et al. 2024"]
    assert files["runs"] == [f"<runs>/{run}/metrics.nc" for run in ("default_et", "dpl_z_et_1")]


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (
            of_huaihe(order=["paraformer_a", "ganpo"]),
            "there is no run of paraformer_a at all over two_years",
        ),
        (
            of_huaihe(order=["default", "dpl_z"], quantity={"metric": "kge_upper_quartile"}),
            "nothing computes kge_upper_quartile yet",
        ),
    ],
)
def test_what_is_not_built_is_not_run(claim, why):
    (entry,), files = planned(claim, name="config/huaihe_twin.yaml")
    assert (entry["why"], files["runs"]) == (why, [])


def test_scores_through_the_surrogate_are_those_of_the_surrogate():
    by_surrogate = {**HUAIHE, "simulated_by": "surrogate", "method": "dpl_z"}
    value = number(study="huaihe", quantity=by_surrogate)
    ranking = of_huaihe(order=["default", "dpl_z"], quantity={"simulated_by": "surrogate"})
    (one, two), files = planned(value, ranking, name="config/huaihe.yaml")
    assert one["why"] == two["why"] == ""
    assert files["runs"][0] == "<runs>/dpl_z_et_1/metrics.nc"
    assert "simulated by the surrogate, as there" in two["notes"]


def test_what_is_held_against_the_default_reads_its_scores():
    claim = of_huaihe(order=["ganpo", "dpl_z"], quantity={"metric": "share_rmse_below_default"})
    (entry,), files = planned(claim, name="config/huaihe_twin.yaml")
    assert {term["default"] for term in entry["terms"]} == {"default_et"}
    assert "<runs>/default_et/metrics.nc" in files["runs"]


@pytest.mark.parametrize(
    "name",
    ["config", "conus", "conus_li2023", "li2023_real", "real_sets", "huaihe", "huaihe_twin"],
)
def test_every_claim_is_answered_from_files_or_says_why_not(claims, name):
    config, runs = configured(f"config/{name}.yaml")
    entries = table.plan(list(claims.values()), runs, config)
    assert all(entry["terms"] or entry["why"] for entry in entries)
    table.claim_files(entries, config)


def test_another_threshold_is_told():
    claim = changed(quantity={"metric": "epochs_to_functional", "cells": "train"})
    assert planned(claim)[0][0]["notes"] == ["functional: RMSE 0.026 in place of 0.05"]
    notes = planned(claim, name=REAL)[0][0]["notes"]
    assert not any("functional" in note for note in notes)
