"""The whole chain on the smallest twin, run once; then what runs again after which change."""

import json
import re
from pathlib import Path

import pytest
import xarray as xr

from parlearn import contracts
from parlearn.sourcehash import modules

RESULTS = "results/tiny"


@pytest.fixture(scope="module")
def chain(make_project):
    """A copy of the project with the results of tiny.yaml."""
    project = make_project("chain")
    project.snakemake("-c2", "--quiet", "rules")
    return project


def results(chain, pattern):
    return sorted((chain.folder / RESULTS).rglob(pattern))


def test_every_file_keeps_its_contract_and_says_whence_it_comes(chain):
    published = re.compile(r"/twin/(archive|raw|statics)/")
    files = [path for path in results(chain, "*.nc") if not published.search(str(path))]
    assert len(files) > 50
    for path in files:
        with xr.open_dataset(path) as ds:
            attributes = dict(ds.attrs)
        contracts.read(path, attributes["parlearn_kind"])
        assert attributes["provenance_code"], path
        inputs = json.loads(attributes["provenance_inputs"])
        assert inputs or attributes["provenance_rule"] == "build_twin", path
    for path in [*results(chain, "figures/*/*.png"), *results(chain, "history.csv")]:
        assert json.loads(Path(f"{path}.json").read_text())["code"], path


def test_nothing_half_written_or_temporary_is_left(chain):
    assert results(chain, ".*") == []
    assert results(chain, "*checkpoint*") == []


def test_every_figure_is_there_as_picture_vector_and_numbers(chain):
    pictures = results(chain, "figures/*/*.png")
    assert len(pictures) == 21
    for picture in pictures:
        for suffix in (".pdf", ".csv"):
            assert picture.with_suffix(suffix).stat().st_size > 100


def test_a_twin_starts_from_granules_as_archives_have_them(chain):
    study = chain.folder / RESULTS / "smap"
    arrived = [path.name for path in (study / "twin/raw").rglob("*.*") if path.is_file()]
    for name in (
        "NLDAS_FORA0125_H.A201507.020.nc",
        "SMAP_L3_SM_P_E_20150701_R19240_001.h5",
        "MOD16A2GF.A2015185.h10v05.061.2016032120000.hdf",
    ):
        assert name in arrived
    listed = (study / "granules/smap.csv").read_text().splitlines()
    assert len(listed) == 1 + 3 * 365 + 1
    observations = contracts.read(study / "observations.nc", "observations")
    assert observations["evapotranspiration_days"].max() == 8
    assert (study / "coverage.csv").read_text().startswith("product,granule,date,what,count")


def test_claims_are_answered_and_no_number_of_real_data_on_a_twin(chain):
    answers = contracts.read_table(chain.folder / RESULTS / "claims.csv", "claims")
    run = answers[answers["verdict"] != "not run"]
    assert len(run) > 50
    assert set(run["compare"]) == {"order"}
    assert set(answers["data"]) == {"twin"}
    assert answers.loc[answers["verdict"] == "not run", "why"].notna().all()
    assert (chain.folder / RESULTS / "claims.md").stat().st_size > 10_000


def test_learners_saw_no_test_period(chain):
    training = contracts.read(chain.folder / RESULTS / "smap/training.nc", "training")
    assert not training["soil_moisture"].sel(time=slice("2017-04-01", None)).notnull().any()
    assert list(training.data_vars) == ["soil_moisture"]


def test_report_is_one_file_with_captions(chain):
    chain.snakemake("--report", f"{RESULTS}/report.html")
    text = (chain.folder / RESULTS / "report.html").read_text()
    assert "A test of the chain" in text
    assert "tsai2021_fig1.png" in text
    assert "align-items: flex-start" in text, "the top of tall pictures cannot be reached"
    assert not re.search(r'(src|href)="https?://[^"]*\.(js|css)"', text)


# What runs again. A job with a reason of its own runs by itself; all others follow from its output.


def planned(chain, *words):
    """Rule -> why its first job runs, of a dry run."""
    text = chain.snakemake("-n", "-c2", *words).stdout
    found = {}
    for block in re.split(r"\n(?=\[)", text):
        rule = re.search(r"^(?:local)?rule (\w+):$", block, re.M)
        reason = re.search(r"^ +reason: (.*)$", block, re.M)
        if rule and reason:
            found.setdefault(rule[1], reason[1])
    return found


def own_reason(found):
    follows = ("Input files updated by another job", "Updated input files")
    return {rule for rule, reason in found.items() if not reason.startswith(follows)}


class Edit:
    """Change a file of the copy, and put it back at the end."""

    def __init__(self, chain, name, change):
        self.path, self.change = chain.folder / name, change

    def __enter__(self):
        self.text = self.path.read_text()
        changed = self.change(self.text)
        assert changed != self.text
        self.path.write_text(changed)

    def __exit__(self, *_):
        self.path.write_text(self.text)


def test_nothing_runs_again_by_itself(chain):
    assert planned(chain) == {}


def test_touching_everything_runs_nothing_again(chain):
    for path in chain.folder.rglob("*"):
        # results keep their dates, as after a checkout of the sources
        if path.is_file() and "results" not in path.parts and ".snakemake" not in path.parts:
            path.touch()
    assert planned(chain) == {}
    (chain.folder / RESULTS / "smap/forcing.nc").touch()
    assert planned(chain) == {}


@pytest.mark.parametrize(
    "name",
    [
        "plots/curves.py",
        "plots/style.py",
        "learn/dpl.py",
        "calibrate/sceua.py",
        "sources/twin/weather.py",
        "metrics/point.py",
    ],
)
def test_edit_of_a_module_runs_exactly_its_users_again(chain, name):
    library = chain.folder / "workflow/lib/parlearn"
    scripts = (chain.folder / "workflow/scripts").glob("*.py")
    users = {s.stem for s in scripts if library / name in modules(s, library)}
    users -= {"build_domain", "build_forcing", "build_observations", "retrieve_hydrodl"}
    users -= {"fill_training"}  # gaps are not filled here
    assert users
    with Edit(chain, f"workflow/lib/parlearn/{name}", lambda text: text + "\nEDITED = 1\n"):
        found = planned(chain)
    # a user downstream of another one is planned for its input, whatever else has changed
    assert own_reason(found) <= users <= set(found)


def test_comment_runs_nothing_again(chain):
    with Edit(chain, "workflow/lib/parlearn/learn/dpl.py", lambda text: text + "\n# a comment\n"):
        assert planned(chain) == {}


def test_label_runs_nothing_again(chain):
    with Edit(chain, "config/runs.tsv", lambda text: text.replace("\tdPL g_Z\n", "\trenamed\n")):
        assert planned(chain) == {}


def test_one_row_runs_that_run_and_what_shows_it_again(chain):
    def reseed(text):
        old = next(line for line in text.splitlines() if line.startswith("dpl_a_s8_2y_1\t"))
        columns = old.split("\t")
        columns[9] = "7"
        return text.replace(old, "\t".join(columns))

    with Edit(chain, "config/runs.tsv", reseed):
        text = chain.snakemake("-n", "-c2").stdout
    runs = set(re.findall(r"output: results/tiny/runs/(\w+)/parameters.nc", text))
    assert runs == {"dpl_a_s8_2y_1"}
    assert "rule plot_tsai2021_fig1:" in text
    assert "rule plot_tsai2021_figS1:" not in text


def test_budget_runs_its_methods_again(chain):
    def more(text):
        old = "dpl_z: {epochs: 2,"
        assert old in text
        return text.replace(old, "dpl_z: {epochs: 3,")

    with Edit(chain, "tests/workflow/tiny.yaml", more):
        text = chain.snakemake("-n", "-c2").stdout
    runs = set(re.findall(r"output: results/tiny/runs/(\w+)/parameters.nc", text))
    assert len(runs) == 6
    assert all(run.startswith("dpl_z_s") for run in runs)


def test_figure_redraws_from_its_summary_alone(chain):
    (chain.folder / RESULTS / "figures/tsai2021/tsai2021_fig4.png").unlink()
    assert set(planned(chain, "tsai2021_fig4")) - {"tsai2021_fig4"} == {"plot_tsai2021_fig4"}
    chain.snakemake("-c1", "tsai2021_fig4", "--quiet", "rules")


def test_same_seed_same_numbers(chain):
    path = chain.folder / RESULTS / "runs/dpl_a_vic_s8_2y_1/parameters.nc"
    with xr.open_dataset(path) as ds:
        before = ds.load()
    path.unlink()
    chain.snakemake("-c1", path.relative_to(chain.folder), "--quiet", "rules")
    with xr.open_dataset(path) as ds:
        assert ds.load().equals(before)
