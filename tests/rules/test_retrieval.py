"""The rules of retrieval, from a folder and from a server on the loopback address."""

import functools
import hashlib
import json
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import h5py
import pytest

from parlearn.retrieve.listing import COVERAGE, Listed, freeze, read_list, read_rows
from parlearn.retrieve.transfer import ARRIVED

BOX = {"south": 25, "north": 53, "west": -125, "east": -67}
# the weather begins a year before: this is 29 April to 1 May 2015
RECORD = ["2016-04-29", "2015-05-01"]
HOURS = [f"201504{day:02d}.{hour:02d}00" for day in (29, 30) for hour in range(24)]
HOURS += [f"201505{day:02d}.{hour:02d}00" for day in (1, 2) for hour in range(24)]


def hdf5(path, value=0.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["a"] = value


@pytest.fixture
def archive(project):
    """Two days at the end of a month and two of the next, by year and day; one hour is missing."""
    folder = project.folder / "archive"
    for old in (folder, project.folder / "resources/raw"):
        shutil.rmtree(old, ignore_errors=True)
    for stamp in HOURS:
        if stamp != "20150430.0700":
            hdf5(folder / "2015" / stamp[:8] / f"NLDAS_FORA0125_H.A{stamp}.020.nc")
    hdf5(folder / "2015" / "NLDAS_FORA0125_H.A20150429.0000.002.nc")
    return folder


def snakemake(project, name, *words, check=True, **settings):
    """Run the rules with one product, nldas, of a record of three days."""
    config = {
        "results": f"results/{name}",
        "study": "smap",
        "source": {
            "name": "archives",
            "box": BOX,
            "day": "solar",
            "record": RECORD,
            "products": {"nldas": {"version": "2.0", "chunk": "month", **settings}},
        },
    }
    (project.folder / f"{name}.json").write_text(json.dumps(config))
    done = project.snakemake(
        *("-c1", "-s", "tests/rules/retrieval.smk", *words),
        config=f"{name}.json",
        check=check,
    )
    return done, project.folder / f"results/{name}/smap/granules"


def test_from_a_folder_to_what_has_arrived(project, archive):
    done, out = snakemake(project, "folder", "retrieve", mirror="archive")
    names = [one.name for one in read_list(out / "nldas.csv", "nldas")]
    # the first local day of the westernmost column starts at 8:00 UTC, of the easternmost at 4:00;
    # the last ends at 8:00 UTC of 2 May
    assert names[0] == "NLDAS_FORA0125_H.A20150429.0400.020.nc"
    assert names[-1] == "NLDAS_FORA0125_H.A20150502.0800.020.nc"
    assert len(names) == 20 + 23 + 24 + 9
    coverage = read_rows(out / "nldas-coverage.csv", COVERAGE)
    assert [tuple(row.values()) for row in coverage] == [
        ("nldas", "", "2015-04-30", "missing hours", "1")
    ]

    april = read_rows(out / "nldas/2015-04.csv", ARRIVED)
    may = read_rows(out / "nldas/2015-05.csv", ARRIVED)
    assert april[-1]["name"] == "NLDAS_FORA0125_H.A20150501.0800.020.nc"
    assert may[0]["name"] == "NLDAS_FORA0125_H.A20150501.0400.020.nc"
    for row in april + may:
        path = project.folder / row["path"]
        assert path.is_relative_to(project.folder / "resources/raw/nldas/NLDAS_FORA0125_H-2.0/2015")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
    assert "ready" in (out / "preflight.csv").read_text()
    again, _ = snakemake(project, "folder", "retrieve", mirror="archive")
    assert "Nothing to be done" in again.stdout


def test_a_finished_month_is_not_fetched_again(project, archive):
    _, out = snakemake(project, "again", "retrieve", mirror="archive")
    log = project.folder / "results/again/logs/retrieve_granules/nldas"
    before = (log / "2015-04.log").stat().st_mtime_ns
    (out / "nldas/2015-05.csv").unlink()
    snakemake(project, "again", "retrieve", mirror="archive")
    assert (out / "nldas/2015-05.csv").is_file()
    assert (log / "2015-04.log").stat().st_mtime_ns == before


def test_a_list_is_frozen_and_an_old_one_set_aside(project, archive):
    _, out = snakemake(project, "frozen", out_of("frozen"), mirror="archive")
    first = (out / "nldas.csv").read_bytes()
    (archive / "2015/20150429/NLDAS_FORA0125_H.A20150429.0500.020.nc").unlink()
    snakemake(project, "frozen", out_of("frozen"), "--forcerun", "list_granules", mirror="archive")
    aside = list(out.glob("nldas.2*.csv"))
    assert [p.read_bytes() for p in aside] == [first]
    assert len(read_list(out / "nldas.csv", "nldas")) == len(read_list(aside[0], "nldas")) - 1
    log = (project.folder / "results/frozen/logs/list_granules/nldas.log").read_text()
    assert "0 granules are new, 1 are gone. The old list is kept" in log


def out_of(name):
    return f"results/{name}/smap/granules/nldas.csv"


def test_nothing_is_fetched_before_preflight_passes(project, archive):
    _, out = snakemake(project, "early", out_of("early"), mirror="archive")
    before = (out / "nldas.csv").read_bytes()
    archive.rename(project.folder / "elsewhere")
    done, _ = snakemake(project, "early", "retrieve", mirror="archive", check=False)
    again, _ = snakemake(
        *(project, "early", out_of("early"), "--forcerun", "list_granules", "--retries", "0"),
        mirror="archive",
        check=False,
    )
    (project.folder / "elsewhere").rename(archive)
    assert done.returncode == again.returncode == 1
    assert (out / "nldas.csv").read_bytes() == before  # a listing that fails loses nothing
    assert "nldas: there is no folder archive" in done.stdout
    assert "https://ldas.gsfc.nasa.gov" in done.stdout
    assert not (out / "nldas").exists()


def test_an_archive_is_not_searched_again_for_the_same_settings(project):
    """There is no archive to be searched here: a search would fail."""
    out = project.folder / "results/kept/smap/granules"
    out.mkdir(parents=True)
    name = "NLDAS_FORA0125_H.A20150429.0400.020.nc"
    freeze("nldas", [Listed(name, f"https://archive/{name}")], out / "nldas.csv", same=False)
    (out / "nldas-coverage.csv").write_text(",".join(COVERAGE) + "\n")
    source = {"record": RECORD, "box": BOX, "day": "solar"}
    source |= {"products": {"nldas": {"version": "2.0", "chunk": "month"}}}
    (out / "nldas.csv.json").write_text(json.dumps({"config": {"source": source}}))
    before = (out / "nldas.csv").read_bytes()
    snakemake(project, "kept", out_of("kept"), "--forcerun", "list_granules")
    assert (out / "nldas.csv").read_bytes() == before
    log = (project.folder / "results/kept/logs/list_granules/nldas.log").read_text()
    assert "frozen for these settings, and kept" in log


def test_a_damaged_granule_stops_its_month_and_no_other(project, archive):
    bad = archive / "2015/20150502/NLDAS_FORA0125_H.A20150502.0700.020.nc"
    bad.write_bytes(bad.read_bytes()[:-100])
    done, out = snakemake(
        project,
        "damaged",
        "retrieve",
        "--keep-going",
        "--retries",
        "0",
        mirror="archive",
        check=False,
    )
    assert done.returncode == 1
    assert "1 of 29 granules could not be had; the others are kept" in done.stdout
    assert "A20150502.0700.020.nc: is cut short or damaged" in done.stdout
    assert (out / "nldas/2015-04.csv").is_file()
    assert not (out / "nldas/2015-05.csv").exists()


def test_from_an_address(project, archive):
    serve = functools.partial(Quiet, directory=archive)
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/"
        _, out = snakemake(project, "address", "retrieve", url=address, version="2.0")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    rows = read_rows(out / "nldas/2015-05.csv", ARRIVED)
    assert len(rows) == 20 + 9
    beside = (out / "nldas/2015-05.csv.json").read_text()
    assert address in beside


def test_an_address_with_a_login_is_refused_and_not_told(project):
    address = "https://somebody:hunter2@example.org/data?token=abc123"
    done, out = snakemake(project, "told", "retrieve", url=address, check=False)
    assert done.returncode == 1
    assert "carries a login" in done.stdout
    logs = "".join(p.read_text() for p in (project.folder / "results/told/logs").rglob("*.log"))
    for text in (done.stdout, logs):
        assert "hunter2" not in text
        assert "abc123" not in text


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Keep quiet."""
