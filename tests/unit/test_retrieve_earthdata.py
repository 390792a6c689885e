"""The search of NASA's archives: through earthaccess against a server on the loopback address."""

import json
import threading
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import earthaccess
import pytest
from earthaccess.exceptions import LoginAttemptFailure

from parlearn.geometry.grids import Box
from parlearn.retrieve import earthdata
from parlearn.retrieve.listing import Listed
from parlearn.retrieve.logins import AccessError, Login, RetrievalError

CONUS = Box(25, 53, -125, -67)
TIMES = datetime(2015, 4, 1), datetime(2015, 4, 30)


def record(name, size=None, algorithm="", checksum="", more=()):
    """A granule's record as CMR gives it (UMM-G 1.6), as far as it matters."""
    told = {"Name": name}
    if size:
        told |= {"SizeInBytes": size, "Size": size / 1e6, "SizeUnit": "MB"}
    if algorithm:
        told["Checksum"] = {"Algorithm": algorithm, "Value": checksum}
    place = f"https://data.nsidc.earthdatacloud.nasa.gov/protected/SMAP/{name}"
    return {
        "meta": {"concept-id": "G1-NSIDC_CPRD", "provider-id": "NSIDC_CPRD"},
        "umm": {
            "GranuleUR": name,
            "DataGranule": {"ArchiveAndDistributionInformation": [told, {"Name": f"{name}.xml"}]},
            "RelatedUrls": [
                {"URL": place.replace("https", "s3"), "Type": "GET DATA VIA DIRECT ACCESS"},
                {"URL": f"{place}.xml", "Type": "EXTENDED METADATA"},
                {"URL": f"{place}.dmrpp", "Type": "GET DATA"},
                {"URL": place, "Type": "GET DATA"},
                *more,
            ],
        },
    }


def smap(day):
    return f"SMAP_L3_SM_P_E_2015{day:04d}_R19240_001.h5"


class Search(BaseHTTPRequestHandler):
    """Pages of records, the way of CMR: hits in a header, the next page by CMR-Search-After."""

    def do_GET(self):
        server = self.server
        asked = parse_qs(urlsplit(self.path).query)
        server.asked.append((urlsplit(self.path).path, asked))
        if server.troubles:
            return self.answer(server.troubles.pop(0), {"errors": ["Bad parameter"]})
        size = min(int(asked["page_size"][0]), 2)
        at = int(self.headers.get("cmr-search-after", 0))
        page = server.records[at : at + size]
        more = {"cmr-search-after": str(at + size)} if at + size < len(server.records) else {}
        return self.answer(200, {"items": page}, **more)

    def answer(self, status, content, **headers):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("CMR-Hits", str(len(self.server.records)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Keep quiet."""


@pytest.fixture
def cmr():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Search)
    server.records, server.asked, server.troubles = [], [], []
    server.find = partial(
        earthdata.find_granules,
        cmr=f"http://127.0.0.1:{server.server_port}/search/",
        attempts=3,
        backoff=0.001,
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_search_becomes_our_list(cmr):
    cmr.records = [record(smap(401), 1234, "MD5", "AB" * 16), record(smap(402), 99)]
    found = earthdata.search("smap", {"version": "006"}, TIMES, CONUS, cmr.find)
    place = "https://data.nsidc.earthdatacloud.nasa.gov/protected/SMAP/"
    assert found == [
        Listed(smap(401), place + smap(401), 1234, "md5", "ab" * 16),
        Listed(smap(402), place + smap(402), 99),
    ]
    path, asked = cmr.asked[-1]
    assert path == "/search/granules.umm_json"
    assert (asked["short_name"], asked["version"]) == (["SPL3SMP_E"], ["006"])
    # granules of a morning may begin the day before in UTC
    assert asked["temporal[]"] == ["2015-03-31T00:00:00Z,2015-05-01T00:00:00Z"]
    assert "bounding_box" not in asked


def test_tiles_are_searched_in_the_box_and_years_one_by_one(cmr):
    name = "MOD16A2GF.A2015097.h08v05.061.2022015012345.hdf"
    cmr.records = [record(name, 5000, "POSIX", "12345")]
    times = datetime(2015, 1, 1), datetime(2016, 12, 31)
    found = earthdata.search("mod16", {}, times, CONUS, cmr.find)
    # an algorithm that we have not is no checksum; a granule of two searches is one granule
    assert [(one.name, one.size, one.algorithm, one.checksum) for one in found] == [
        (name, 5000, "", "")
    ]
    boxes = {tuple(asked["bounding_box"]) for _, asked in cmr.asked}
    assert boxes == {("-125.0,25.0,-67.0,53.0",)}
    spans = sorted({asked["temporal[]"][0] for _, asked in cmr.asked})
    assert len(spans) == 2
    assert spans[0].startswith("2014-12-31")
    assert spans[-1].endswith("2017-01-01T00:00:00Z")


def test_troubles_of_a_search(cmr):
    cmr.records = [record(smap(401), 1)]
    cmr.troubles = [503, 429]
    assert len(earthdata.search("smap", {}, TIMES, CONUS, cmr.find)) == 1
    cmr.troubles = [500] * 9
    with pytest.raises(RetrievalError, match="search of SPL3SMP_E 006: HTTP 500, 3 times"):
        earthdata.search("smap", {}, TIMES, CONUS, cmr.find)
    cmr.troubles = [400]
    with pytest.raises(RetrievalError, match=r"was refused .HTTP 400.: .*Bad parameter"):
        earthdata.search("smap", {}, TIMES, CONUS, cmr.find)


def test_no_connection():
    find = partial(
        earthdata.find_granules, cmr="http://127.0.0.1:1/search/", attempts=2, backoff=0.001
    )
    with pytest.raises(RetrievalError, match="ConnectionError, 2 times: is there a connection"):
        earthdata.search("smap", {}, TIMES, CONUS, find)


def test_a_record_without_a_file_is_left_out(caplog):
    bare = record("a.h5")
    assert earthdata.search("smap", {}, TIMES, CONUS, lambda **_: [bare]) == []
    assert "smap: a.h5 has no address of a data file" in caplog.text


def test_a_refused_login_is_not_quoted(monkeypatch, caplog):
    def refuse(self, strategy):
        assert strategy == "netrc"
        raise LoginAttemptFailure("answer with hunter2")

    monkeypatch.setattr(earthaccess.Auth, "login", refuse)
    with pytest.raises(AccessError, match="login of /home/me/.netrc is refused") as caught:
        earthdata.check_login(Login("me", "hunter2", origin="/home/me/.netrc"))
    assert "hunter2" not in str(caught.value) + str(caught.value.__cause__) + caplog.text


def tile_of(lat, lon):
    """Tile of a point, from the equations of the projection: x = R lon cos(lat), y = R lat."""
    import math

    x, y = math.radians(lon) * math.cos(math.radians(lat)), math.radians(lat)
    side = math.pi / 18
    return f"h{int((x + math.pi) // side):02d}v{int((math.pi / 2 - y) // side):02d}"


@pytest.mark.parametrize(
    "box",
    [CONUS, Box(31, 36, 111, 121), Box(-5, 12, -60, 20), Box(-35, -22, 16, 33), Box(41, 42, 2, 3)],
)
def test_tiles_of_a_box_are_those_of_its_points(box):
    steps = range(1, 200)
    points = {
        tile_of(
            box.south + (box.north - box.south) * i / 200,
            box.west + (box.east - box.west) * j / 200,
        )
        for i in steps
        for j in steps
    }
    found = earthdata.tiles(box)
    assert points <= found
    # a tile more may be touched at an edge that the points do not reach
    assert len(found - points) <= 1


def test_a_box_that_ends_with_a_row_of_tiles_does_not_touch_the_next():
    rows = {name[3:] for name in earthdata.tiles(Box(30.0, 50.0, -125.0, -67.0))}
    assert rows == {"v04", "v05"}
    assert {name[3:] for name in earthdata.tiles(Box(30.0, 50.01, -125.0, -67.0))} > rows
