"""What each claim asks for, and the runs of a configuration that can answer it.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from parlearn.models.registry import PROCESSES
from parlearn.plan.experiments import Run
from parlearn.plan.methods import METHODS, NOTHING, family
from parlearn.plan.places import is_twin, offered
from parlearn.plan.reading import ConfigError, read_yaml
from parlearn.plan.schema import check_schema, guess, listed
from parlearn.plan.surrogates import SURROGATES


@dataclass(frozen=True)
class Reads:
    """Files that a metric is computed from, beside the study's domain.nc."""

    run: tuple[str, ...] = ()
    study: tuple[str, ...] = ()
    #: of the run of default parameters, where a score is held against the default's
    default: tuple[str, ...] = ()

    @property
    def observed(self) -> bool:
        """Whether it needs observations of the variable it scores."""
        return bool({"metrics.nc", "curve.csv"} & {*self.run} or self.study)


_SCORES = Reads(("metrics.nc",))
_MEANS = Reads(("simulation.nc", "parameters.nc"), ("observations.nc",))
_FIELD = Reads(("parameters.nc",))
_BESIDE_DEFAULT = Reads(("metrics.nc",), default=("metrics.nc",))

#: the vocabulary of claims: each name is a function in :mod:`parlearn.claims.quantities`
METRICS = {
    "bias": _SCORES,
    "rmse": _SCORES,
    "ubrmse": _SCORES,
    "corr": _SCORES,
    "nse": _SCORES,
    "kge": _SCORES,
    # with the ratio of standard deviations (Gupta et al. 2009); `kge` has that of coefficients of
    # variation
    "kge_2009": _SCORES,
    # shares of the cells
    "share_corr_above_0.75": _SCORES,
    "share_kge_2009_above_0.6": _SCORES,
    "share_rmse_below_default": _BESIDE_DEFAULT,
    # what is lost from the training to the test period: of 1 - RMSE over that of the default
    "relative_rmse_change_lost_in_test": _BESIDE_DEFAULT,
    # means over days
    "eof_score": _SCORES,
    "ssim": _SCORES,
    # of the mean map over the test period, means over neighbourhoods: its lowest values, its
    # highest 5 %, its other high ones
    "fss_low": _MEANS,
    "fss_high": _MEANS,
    "fss_highest_5": _MEANS,
    "training_minutes": Reads(("history.csv", "parameters.nc")),
    "bias_interquartile_range": _SCORES,
    "nse_lower_quartile": _SCORES,
    "nse_upper_quartile": _SCORES,
    "epochs_to_functional": Reads(("curve.csv",)),
    # parameters.nc says on what machine they were learned
    "seconds_to_functional": Reads(("curve.csv", "parameters.nc")),
    "seconds_per_epoch": Reads(("history.csv", "parameters.nc")),
    "spatial_rmse": _MEANS,
    "spatial_corr": _MEANS,
    "spatial_nse": _MEANS,
    "spatial_bias_magnitude": _MEANS,
    "cells_below_zero": _MEANS,
    "largest_value": _FIELD,
    "neighbour_roughness": _FIELD,
    "rank_corr_with_precipitation": _FIELD,
    "corr_with_vic": Reads(),
}
#: what papers state and nothing computes yet: such a claim is not run
NOT_COMPUTED = ("kge_lower_quartile", "kge_upper_quartile")
#: metrics of time: compared between runs on one machine, never with a time that a paper prints
TIMES = ("seconds_to_functional", "seconds_per_epoch", "training_minutes")
#: metrics of one parameter, which the claim names
OF_PARAMETER = ("largest_value", "neighbour_roughness", "rank_corr_with_precipitation")

#: words that tell the members of an order apart, by the column of a run that they stand for
WORDS = {
    # beside our own methods: a surrogate itself, and what other cases of the papers compare with
    "method": tuple(dict.fromkeys((*METHODS, "surrogate", "mpr", "linear", "l1", "ganpo"))),
    "sampling": ("s16", "s8", "s4", "all"),
    "period": ("one_year", "two_years"),
    "cells": ("train", "test"),
    "surrogate": tuple(kind.word for kind in SURROGATES.values()),
    # of cases that are not built yet
    "attributes": ("8_attributes", "27_attributes"),
    "share": ("2_percent", "12.5_percent", "25_percent", "100_percent"),
}
#: what the papers train, by study: through a surrogate, on soil moisture with one linear correction
#: for the domain or on fluxes as they are; other studies are not built
AS_PUBLISHED = {
    "smap": {"model": "surrogate", "observation_map": "domain", "targets": ("soil_moisture",)},
    "huaihe": {"model": "surrogate", "observation_map": "none", "targets": ("evapotranspiration",)},
}
#: the process model of each study of the papers
MODEL_OF = {"smap": "vic", "camels": "vic", "pub": "hbv", "huaihe": "vic"}
#: whose parameters the papers call default
PUBLISHED_DEFAULT = {"smap": "NLDAS-2", "huaihe": "Sun et al. 2024"}
#: the RMSE below which the papers call a model functional
FUNCTIONAL = 0.05
#: comparisons of our own numbers with each other; all others are with a published number
RANKINGS = ("order", "alike")


def read_claims(path, schemas) -> list[dict]:
    """Published numbers and rankings; ConfigError with every mistake, an unknown metric for one."""
    claims = read_yaml(path)
    check_schema(claims, Path(schemas) / "claims.schema.yaml", path)
    claims = [one for claim in claims for one in _each(claim)]
    names = [claim["id"] for claim in claims]
    problems = [
        f"claim {name!r} stands there twice: rename one"
        for name in sorted({*names})
        if names.count(name) > 1
    ]
    for claim in claims:
        problems += [f"claim {claim['id']!r}, {problem}" for problem in _problems(claim, claims)]
    if problems:
        raise ConfigError(path, problems)
    return claims


def plan(claims: list[dict], runs: Mapping[str, Run], config: Mapping) -> list[dict]:
    """What each claim is answered from in a configuration; nothing but text, numbers and lists.

    Parameters
    ----------
    claims : of :func:`read_claims`
    runs : of the configuration, by name

    Returns
    -------
    One entry a claim: ``claim`` itself; ``terms``, what it compares, each with its ``name``,
    its ``place`` along an order, ``runs`` (rows, one a seed), ``sampling`` and ``cells`` scored;
    ``why``: the reason where it is not answered, else empty; ``notes`` on what stands for what.
    """
    return [_entry(claim, runs, config) for claim in claims]


def claim_files(entries: list[dict], config: Mapping) -> dict[str, list[str]]:
    """Paths that the answers are read from, by kind: of the study, of the runs, the surrogate's."""
    answered = [entry for entry in entries if entry["terms"]]
    metrics = [METRICS[entry["claim"]["quantity"]["metric"]] for entry in answered]
    study = {"domain.nc", *(name for reads in metrics for name in reads.study)}
    runs = {
        f"<runs>/{row['run']}/{name}": None
        for entry, reads in zip(answered, metrics, strict=True)
        for term in entry["terms"]
        for row in term["runs"]
        for name in reads.run
    }
    runs |= {
        f"<runs>/{term['default']}/{name}": None
        for entry, reads in zip(answered, metrics, strict=True)
        for term in entry["terms"]
        for name in reads.default
    }
    card = f"<study>/surrogate/round-{config.get('simulate', {}).get('rounds', 0)}/card.json"
    of_surrogate = any(
        term["method"] == "surrogate" for entry in answered for term in entry["terms"]
    )
    return {
        "study": [f"<study>/{name}" for name in sorted(study)],
        "runs": list(runs),
        "card": [card] if of_surrogate else [],
    }


def members(claim: Mapping) -> list[tuple[str, int, dict]]:
    """What a claim compares: name, place along the order, and the fields of its quantity.

    A member of an order or a ratio says by words how it departs from the quantity: ``s16
    one_year``. Members in a list of their own share a place: nothing is said of the order among
    them. Members that are alike have a place each.
    """
    quantity = {"cells": "train", **claim["quantity"]}
    order = claim.get("order") or claim.get("among") or quantity.get("ratio")
    if not order:
        return [(quantity.get("method", ""), 0, quantity)]
    places = [[p] if isinstance(p, str) else p for p in order]
    return [
        (member, place, {**quantity, **{_field(word): word for word in member.split()}})
        for place, group in enumerate(places)
        for member in group
    ]


def _field(word: str) -> str:
    return next((field for field, words in WORDS.items() if word in words), "")


def _each(claim):
    """The claims of an entry: one for each member of a table of scores, ``expected`` by member."""
    if not isinstance(claim.get("expected"), dict):
        return [claim]
    each = []
    for word, value in claim["expected"].items():
        own = {k: v[word] for k, v in claim.items() if isinstance(v, dict) and word in v}
        same = {k: v for k, v in claim.items() if not isinstance(v, dict)}
        named = {
            "id": f"{claim['id']}_{word}",
            "statement": f"{claim['statement']}: {word} {value:g}",
            "quantity": {**claim["quantity"], _field(word): word},
        }
        each.append(same | own | named)
    return each


def _problems(claim, claims):
    """What is wrong with a claim beyond its schema, a sentence each."""
    other = claim.get("disagrees_with")
    known = [c["id"] for c in claims]
    if "tolerance" not in claim and claim["compare"] == "value":
        yield "tolerance: is missing: add it"
    if "margin" in claim and claim["compare"] not in RANKINGS:
        yield f"margin: does not go with {claim['compare']}: a value has a tolerance, so remove it"
    if other and other not in known:
        yield f"disagrees_with: there is no claim {other!r}{guess(other, known)}"
    elif other and next(c for c in claims if c["id"] == other).get("disagrees_with") is None:
        yield f"disagrees_with: {other!r} does not name it in turn: let each name the other"
    if "quantity" not in claim:
        return
    metric = claim["quantity"]["metric"]
    known = [*METRICS, *NOT_COMPUTED]
    if metric not in known:
        yield (
            f"quantity.metric: {metric!r} is unknown{guess(metric, known)}; "
            f"there are {listed(known)}"
        )
        return
    if (metric in OF_PARAMETER) != ("parameter" in claim["quantity"]):
        yield f"quantity.parameter: {metric} " + (
            "needs one: name it" if metric in OF_PARAMETER else "is not of a parameter: remove it"
        )
    for _, _, fields in members(claim):
        if "" in fields:
            every = [word for words in WORDS.values() for word in words]
            unknown = fields[""]
            yield f"order, among, ratio, expected: {unknown!r} is unknown{guess(unknown, every)}"
            continue
        for field, words in WORDS.items():
            if field in fields and fields[field] not in words:
                yield f"quantity.{field}: {fields[field]!r} is unknown; choose from {listed(words)}"
        if "method" not in fields:
            yield "quantity: names no method, nor does the order: add it"
        elif claim["study"] in AS_PUBLISHED and fields["method"] != "surrogate":
            untrained = fields["method"] in family("baseline")
            needed = ("sampling",) if untrained else ("sampling", "period")
            for field in needed:
                if field not in fields:
                    yield f"quantity: names no {field}, nor does the order: add it"


def _entry(claim, runs, config) -> dict:
    entry = {"claim": claim, "terms": [], "why": "", "notes": []}
    if claim["study"] != config["study"]:
        entry["why"] = f"the study here is {config['study']}, not {claim['study']}"
        return entry
    process = PROCESSES[config["model"]["process"]]
    if process.name != MODEL_OF[claim["study"]]:
        entry["why"] = f"it is of {MODEL_OF[claim['study']].upper()}, the model is {process.label}"
        return entry
    parameter = claim.get("quantity", {}).get("parameter")
    if parameter and parameter not in config["model"]["parameters"]:
        entry["why"] = f"{parameter} is not learned here"
        return entry
    if claim["compare"] == "statement":
        entry["why"] = "answered in words, not by a number"
        return entry
    if claim["study"] not in AS_PUBLISHED:
        entry["why"] = f"claims on the study {claim['study']} are not answered yet"
        return entry
    target, source = claim["quantity"].get("target"), config["source"]
    metric = claim["quantity"]["metric"]
    if metric in NOT_COMPUTED:
        entry["why"] = f"nothing computes {metric} yet"
        return entry
    reads = METRICS[metric]
    if target and reads.observed and target not in offered(config):
        entry["why"] = f"the source {source['name']} has no observations of {target}"
        return entry
    terms, notes, missing = _terms(claim, _reading(claim, config), runs, config)
    why = missing or _not_comparable(claim, terms, config)
    # that it is a twin says more than what is missing on it
    if is_twin(source) and (_published(claim) or claim.get("data") == "real"):
        why = "of real data, and this is a twin"
    if missing:
        return entry | {"why": why}
    notes += _notes(claim, terms, config)
    return entry | {"terms": terms, "why": why, "notes": notes}


def _published(claim) -> bool:
    """Whether a claim holds our number against a published one."""
    return claim["compare"] not in RANKINGS


def _has_surrogate(config) -> bool:
    return "surrogate" in config["model"]["simulate_with"]


def _not_comparable(claim, terms, config) -> str:
    """Why our number, which is there, cannot be held against the published one; empty if it can."""
    quantity, source = claim["quantity"], config["source"]
    if not _published(claim):
        return ""
    if any(term["method"] == "default" for term in terms) and not source.get("priors"):
        return f"of the parameters of {PUBLISHED_DEFAULT[claim['study']]}, which are not here"
    if quantity.get("simulated_by") == "surrogate" and not _has_surrogate(config):
        return "of what a surrogate simulates, and there is none here"
    if quantity["metric"] in TIMES and "ratio" not in quantity:
        return "a time on the machine of the paper"
    return ""


def _notes(claim, terms, config) -> list[str]:
    """What a reader of an answer should know about the data, the models and the words."""
    source, quantity = config["source"], claim["quantity"]
    notes = []
    if any(term["method"] == "default" for term in terms):
        theirs = PUBLISHED_DEFAULT[claim["study"]]
        notes.append(
            "default: the parameters of source.statics, within the bounds of learned ones"
            if source.get("priors")
            else f"default: prior parameters of VIC, not those of {theirs}"
        )
    # regular grids have the papers' neighbours, 3 rows and 3 columns away
    if source["name"] == "hydrodl" and any(term["cells"] == "test" for term in terms):
        notes.append("cells held out are scattered, not neighbours of trained ones")
    if quantity.get("correction") == "none":
        notes.append("scored before the linear correction, which would remove it")
    if quantity.get("simulated_by") == "surrogate":
        label = PROCESSES[config["model"]["process"]].label
        notes.append(
            "simulated by the surrogate, as there"
            if _has_surrogate(config)
            else f"simulated by the surrogate there, by {label} here"
        )
    if "functional" in quantity["metric"] and config["threshold"] != FUNCTIONAL:
        notes.append(f"functional: RMSE {config['threshold']} in place of {FUNCTIONAL}")
    if is_twin(source) and not _published(claim):
        notes += _built_into_twins(claim, terms)
    return notes


def _built_into_twins(claim, terms) -> list[str]:
    """What the making of a twin says to a claim before anything is learned."""
    quantity, study = claim["quantity"], claim["study"]
    known = [METHODS[term["method"]] for term in terms if term["method"] in METHODS]
    families = {method.family for method in known}
    notes = []
    if quantity["metric"] == "neighbour_roughness":
        notes.append("built into the twin: its true parameters vary smoothly in space")
    if {"network", "search"} <= families and any(term["cells"] == "test" for term in terms):
        notes.append(
            "built into the twin: a law of attributes, which networks can learn and a search cell "
            "by cell cannot, makes its parameters, at neighbours as at trained cells"
        )
    if quantity.get("target") not in (None, *AS_PUBLISHED[study]["targets"]):
        notes.append("built into the twin: the same true parameters made soil moisture and ET")
    if families == {"network"} and len({"series" in method.reads for method in known}) == 2:
        notes.append(
            "built into the twin: attributes tell a set share of its parameters, and series may "
            "tell the rest"
        )
    return notes


def _reading(claim, config) -> dict[str, str]:
    """What stands for samplings and periods of a claim: the line that has just its samplings."""
    asked = {fields["sampling"] for _, _, fields in members(claim) if "sampling" in fields}
    for reading in config.get("claims_as", []):
        if {*reading} & {*WORDS["sampling"]} == asked:
            return reading
    return {}


def _terms(claim, reading, runs, config) -> tuple[list[dict], list[str], str]:
    """Terms of a claim under a reading, what stands for what, and what is missing, if anything."""
    terms, notes = [], {}
    for name, place, asked in members(claim):
        here = dict(asked)
        for field in ("sampling", "period"):
            if asked.get(field) in reading:
                here[field] = reading[asked[field]]
                notes[f"{asked[field]} is answered by {here[field]}"] = None
        term = {k: here.get(k, "") for k in ("method", "sampling", "cells")}
        term |= {"name": name, "place": place, "runs": []}
        terms.append(term)
        if here["method"] == "surrogate":
            if not _has_surrogate(config):
                return terms, [], "there is no surrogate here"
            continue
        if (sampling := here["sampling"]) not in config["samplings"]:
            return terms, [], f"there is no sampling {sampling} here"
        found = _runs_like(here, runs, claim["study"])
        if METRICS[claim["quantity"]["metric"]].default:
            known = _runs_like({**here, "method": "default"}, runs, claim["study"])
            if not known:
                return terms, [], "there is no run of default parameters to compare with"
            term["default"] = known[0].run
        if not found:
            period = f" over {here['period']}" if "period" in here else ""
            through = f" through {here['surrogate']}" if "surrogate" in here else ""
            what = f"{here['method']}{through} at {sampling}{period}"
            return terms, [], f"there is no run of {what}"
        seeds = [run.seed for run in found]
        if len({*seeds}) < len(seeds):
            return terms, [], f"runs {listed(run.run for run in found)}: which of them is meant?"
        term["runs"] = [{k: getattr(run, k) for k in ("run", "method", "seed")} for run in found]
    for one, two in combinations(terms, 2):
        alike = [[t[k] for k in ("method", "sampling", "cells", "runs")] for t in (one, two)]
        if alike[0] == alike[1]:
            return terms, [], f"{one['name']} and {two['name']} are answered by the same runs"
    return terms, list(notes), ""


def _runs_like(asked, runs, study) -> list[Run]:
    """Runs that answer a term, one a seed.

    The parameters of an untrained method do not depend on sampling and period; its linear
    correction is fitted to them. At trained cells a run of another sampling or period will do.
    """
    fields = {k: asked[k] for k in ("method", "sampling", "period") if k in asked}
    if asked["method"] in METHODS and METHODS[asked["method"]].trained:
        fields |= AS_PUBLISHED[study] | {"parameter_set": NOTHING, "ensemble": False}
        if "surrogate" in asked:
            words = {kind.word: kind.name for kind in SURROGATES.values()}
            fields["model"] = words[asked["surrogate"]]
        return [r for r in runs.values() if all(getattr(r, k) == v for k, v in fields.items())]
    found = [r for r in runs.values() if r.method == asked["method"]]
    exact = [r for r in found if all(getattr(r, k) == v for k, v in fields.items())]
    return (exact or found)[:1] if asked["cells"] == "train" else exact[:1]
