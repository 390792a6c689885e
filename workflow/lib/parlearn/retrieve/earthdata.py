"""Searches NASA's archives for the granules of a product, through earthaccess.

The search needs no login; the bytes come through our own downloader.
"""

import logging
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from parlearn.geometry.grids import MODIS_CORNER, MODIS_RADIUS, MODIS_TILE, Box
from parlearn.plan import products
from parlearn.retrieve.checks import algorithm_named
from parlearn.retrieve.delivery import TransientError, retrying
from parlearn.retrieve.listing import Listed
from parlearn.retrieve.logins import AccessError, Login, RetrievalError

log = logging.getLogger(__name__)


def search(
    product: str, settings: Mapping, times, box: Box, find: Callable[..., Iterable] | None = None
) -> list[Listed]:
    """All granules of a product between two times (UTC) that its archive knows.

    Parameters
    ----------
    find : takes short_name, version, temporal and, where a region matters, bounding_box; gives
        records in the form of CMR's ``umm_json``. By default that of earthaccess.
    """
    find = find or find_granules
    found = []
    begin, end = times[0] - timedelta(days=1), times[1] + timedelta(days=1)
    while begin < end:  # a year at a time: records are long
        until = min(end, begin + timedelta(days=366))
        query = {
            "short_name": products.short_name(product, settings),
            "version": products.version(product, settings),
            "temporal": (begin.isoformat(), until.isoformat()),
        }
        if product == "mod16":
            query["bounding_box"] = (box.west, box.south, box.east, box.north)
        records = list(find(**query))
        log.info("%s: %d granules from %s to %s", product, len(records), begin.date(), until.date())
        found += filter(None, (read_record(product, record) for record in records))
        begin = until
    return list(dict.fromkeys(found))


def find_granules(*, cmr=None, attempts=5, backoff=1.0, **query) -> list[Mapping]:
    """Records of granules from CMR, through earthaccess.

    Parameters
    ----------
    cmr : base address of the search service, where it is not NASA's
    """
    import requests
    from earthaccess.search import DataGranules

    what = f"search of {query['short_name']} {query['version']}"

    def ask():
        asked = DataGranules().parameters(**query)
        if cmr:
            asked.mode(cmr)
        try:
            with warnings.catch_warnings():  # of earthaccess, about itself
                warnings.simplefilter("ignore", FutureWarning)
                return asked.get_all()
        except requests.exceptions.RequestException as error:
            raise TransientError(type(error).__name__) from None
        except RuntimeError as error:  # earthaccess has put the answer's text in place of its code
            answer = getattr(error.__cause__, "response", None)
            code = getattr(answer, "status_code", 0)
            if code == 429 or code >= 500:
                raise TransientError(f"HTTP {code}") from None
            raise RetrievalError(f"{what}: was refused (HTTP {code}): {str(error)[:300]}") from None

    try:
        return retrying(what, attempts, backoff)(ask)
    except TransientError as error:
        raise RetrievalError(
            f"{what}: {error}, {attempts} times: is there a connection to cmr.earthdata.nasa.gov?"
        ) from None


def read_record(product: str, record: Mapping) -> Listed | None:
    """The data file of a granule's record (UMM-G), with size and checksum where they are told."""
    umm = record["umm"]
    pattern = products.product(product).pattern
    addresses = [
        link["URL"]
        for link in umm.get("RelatedUrls", ())
        if link.get("Type") == "GET DATA" and link["URL"].startswith(("https://", "http://"))
    ]
    for url in sorted(addresses):
        name = url.rpartition("/")[2]
        if not pattern.fullmatch(name):
            continue
        size, algorithm, checksum = _told(umm, name)
        return Listed(name, url, size, algorithm, checksum)
    log.warning("%s: %s has no address of a data file", product, umm.get("GranuleUR"))
    return None


def _told(umm, name):
    files = list(umm.get("DataGranule", {}).get("ArchiveAndDistributionInformation", ()))
    files += [inner for one in files for inner in one.get("Files", ())]
    for one in files:
        if one.get("Name") != name:
            continue
        size = one.get("SizeInBytes")
        told = one.get("Checksum", {})
        algorithm = algorithm_named(told.get("Algorithm", ""), told.get("Value", ""))
        return size, algorithm, told["Value"].lower() if algorithm else ""
    return None, "", ""


def check_login(login: Login) -> None:
    """Log in at Earthdata, so that a wrong password is told before any file is asked for."""
    import earthaccess
    import requests
    from earthaccess.exceptions import LoginAttemptFailure, LoginStrategyUnavailable

    # it logs the server's answer
    logging.getLogger("earthaccess").setLevel(logging.CRITICAL)
    strategy = "environment" if login.origin == "the environment" else "netrc"
    try:
        earthaccess.Auth().login(strategy=strategy)
    except (LoginAttemptFailure, LoginStrategyUnavailable):
        raise AccessError(
            f"the Earthdata login of {login.origin} is refused: correct user name and password"
        ) from None
    except (requests.exceptions.RequestException, ValueError) as error:
        raise RetrievalError(
            f"urs.earthdata.nasa.gov does not answer ({type(error).__name__}): run again later"
        ) from None


def tiles(box: Box) -> set[str]:
    """Tiles of the MODIS sinusoidal grid that a region touches, as h08v05.

    x = R lon cos(lat): the easting of a meridian is largest where the parallel is nearest to the
    equator.
    """
    found = set()
    left, top = MODIS_CORNER
    height = math.degrees(MODIS_TILE / MODIS_RADIUS)  # of a row of tiles, degrees
    first_row = math.degrees(top / MODIS_RADIUS)
    for v in range(18):
        north, south = first_row - v * height, first_row - (v + 1) * height
        south, north = max(south, box.south), min(north, box.north)
        if north - south < 1e-6:  # a box may end where a row does, to the rounding of metres
            continue
        near = 0.0 if south <= 0 <= north else min(abs(south), abs(north))
        wide, narrow = (math.cos(math.radians(lat)) for lat in (near, max(abs(south), abs(north))))
        edges = [
            MODIS_RADIUS * math.radians(lon) * scale
            for lon in (box.west, box.east)
            for scale in (wide, narrow)
        ]
        start = math.floor((min(edges) - left) / MODIS_TILE + 1e-6)
        stop = math.ceil((max(edges) - left) / MODIS_TILE - 1e-6)
        found |= {f"h{h:02d}v{v:02d}" for h in range(max(0, start), min(36, stop))}
    return found
