"""The whole chain on the smallest twin, run once: files, figures, claims."""

import json
import re
import shutil
from pathlib import Path

import xarray as xr

from parlearn.audit.stamps import check_stamps
from parlearn.audit.tree import read_tree
from parlearn.storage import contracts

RESULTS = "results/tiny"


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


def test_every_file_has_a_whole_stamp(chain):
    tree = read_tree(chain.folder, RESULTS, "smap", [])
    check = check_stamps(tree)
    assert check.problems == []
    assert check.looked_at > 300


def test_nothing_half_written_or_temporary_is_left(chain):
    assert results(chain, ".*") == []
    assert results(chain, "*checkpoint*") == []


def test_every_figure_is_there_as_picture_vector_and_numbers(chain):
    pictures = results(chain, "figures/*/*.png")
    assert len(pictures) == 21
    for picture in pictures:
        for suffix in (".pdf", ".csv"):
            assert picture.with_suffix(suffix).stat().st_size > 100


def test_the_table_of_runs_says_how_each_run_was_made(chain):
    folder = chain.folder / RESULTS
    header, *rows = (line.split("\t") for line in (folder / "runs.tsv").read_text().splitlines())
    table = [dict(zip(header, row, strict=True)) for row in rows]
    assert len(table) == 20
    assert {row["run"] for row in table} == {path.name for path in (folder / "runs").iterdir()}
    for row in table:
        with xr.open_dataset(folder / "runs" / row["run"] / "parameters.nc") as ds:
            made = json.loads(ds.attrs["provenance_config"])["run"]
        made |= {"seed": str(made["seed"]), "targets": ",".join(made["targets"])}
        assert (row["parameter_set"], row["members"]) == ("-", "-")
        for column in {*header} - {"run", "study", "settings", "parameter_set", "members"}:
            assert row[column] == made[column], (row["run"], column)


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
    assert set(run["compare"]) == {"order", "alike"}
    assert set(answers["data"]) == {"twin"}
    assert answers.loc[answers["verdict"] == "not run", "why"].notna().all()
    assert (chain.folder / RESULTS / "claims.md").stat().st_size > 10_000


def test_learners_saw_no_test_period(chain):
    training = contracts.read(chain.folder / RESULTS / "smap/training.nc", "training")
    assert not training["soil_moisture"].sel(time=slice("2017-04-01", None)).notnull().any()
    assert list(training.data_vars) == ["soil_moisture"]


def test_same_seed_same_numbers(chain, tmp_path):
    path = chain.folder / RESULTS / "runs/dpl_a_vic_s8_2y_1/parameters.nc"
    with xr.open_dataset(path) as ds:
        before = ds.load()
    kept = shutil.copytree(path.parent, tmp_path / "kept")
    path.unlink()
    chain.snakemake("-c1", path.relative_to(chain.folder), "--quiet", "rules")
    with xr.open_dataset(path) as ds:
        assert ds.load().equals(before)
    # with the dates of before, so that others find the chain finished
    shutil.rmtree(path.parent)
    shutil.copytree(kept, path.parent)
