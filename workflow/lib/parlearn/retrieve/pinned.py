"""Files of a pinned list, fetched one by one, or looked at where they lie in a user's folder."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx

from parlearn.retrieve.checks import Expected
from parlearn.retrieve.http import fetch
from parlearn.retrieve.logins import RetrievalError
from parlearn.retrieve.mirror import read_checksums
from parlearn.storage.files import sha256

log = logging.getLogger(__name__)

#: columns of the list of what is there
COLUMNS = ("name", "path", "size", "sha256", "note")
OTHER = "not the pinned file"


def fetch_all(sums: Mapping[str, str], url: str, folder, connections=4) -> list[dict]:
    """Fetch files into a folder; those that are there and right stay, so that it can be resumed.

    Parameters
    ----------
    sums : path relative to the folder -> sha256
    url : address that these paths are relative to

    Returns
    -------
    A row with :data:`COLUMNS` for each file, in their order.
    """
    folder = Path(folder)
    with httpx.Client(timeout=60.0, follow_redirects=False) as client:

        def get(name):
            address = f"{url.rstrip('/')}/{quote(name)}"
            return fetch(address, folder / name, Expected.sha256(sums[name]), client=client)

        with ThreadPoolExecutor(connections) as pool:
            done = []
            for got in pool.map(get, sums):
                done.append(got)
                if len(done) % 100 == 0:
                    log.info("%d of %d files", len(done), len(sums))
    return [
        {"name": n, "path": str(d.path), "size": d.size, "sha256": d.sha256, "note": ""}
        for n, d in zip(sums, done, strict=True)
    ]


def look_at(folder, names: Sequence[str], pinned: Mapping[str, str]) -> list[dict]:
    """Files of a user's folder as they are, with their checksums.

    The folder's own ``SHA256SUMS``, where it has one, says what they must be; one that is not the
    pinned file is noted.

    Raises
    ------
    RetrievalError
        naming the first file that is not what SHA256SUMS says.
    """
    folder, listed = Path(folder), Path(folder) / "SHA256SUMS"
    own = read_checksums(listed) if listed.is_file() else {}
    rows = []
    for name in names:
        path = folder / name
        digest = sha256(path)
        if own.get(name, digest) != digest:
            raise RetrievalError(
                f"{path}: has the sha256 {digest[:12]}..., {listed} says {own[name][:12]}...: it "
                "is damaged or was changed. Copy it again, or correct the list"
            )
        note = OTHER if pinned.get(name, digest) != digest else ""
        size = path.stat().st_size
        rows.append({"name": name, "path": str(path), "size": size, "sha256": digest, "note": note})
    return rows
