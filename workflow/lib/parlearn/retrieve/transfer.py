"""Fetches the granules of one chunk over several connections and reports progress."""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from parlearn.plan import products
from parlearn.retrieve.checks import Expected
from parlearn.retrieve.delivery import Retrieved
from parlearn.retrieve.formats import expected_format
from parlearn.retrieve.listing import Listed
from parlearn.retrieve.logins import AccessError, RetrievalError

log = logging.getLogger(__name__)

ARRIVED = ("name", "date", "path", "size", "sha256")
#: seconds between two words on the progress
PACE = 30.0
#: failures after which a chunk is given up, and how many of them are told
FAILURES, TOLD = 20, 5


def bring(
    product: str,
    granules: Sequence[Listed],
    folder,
    store,
    *,
    connections=4,
    pace=PACE,
    clock=time.monotonic,
) -> list[dict[str, str]]:
    """Fetch granules into a folder, a subfolder for each year; what is there already stays.

    Returns
    -------
    A row with the columns of :data:`ARRIVED` for each granule, in the order given.

    Raises
    ------
    RetrievalError
        with the first failures, after the others have been fetched; at once where the login is at
        fault or the disk cannot be written.
    """
    targets = [Path(folder) / f"{_start(product, one):%Y}" / one.name for one in granules]
    done, failures, stop = {}, [], threading.Event()

    def get(one, target):
        if stop.is_set():
            return None
        try:
            return store.get(one.url, target, _expected(one))
        except (AccessError, OSError):  # the others would fare no better
            stop.set()
            raise

    start = told = clock()
    number = 0
    with ThreadPoolExecutor(connections) as pool:
        jobs = {pool.submit(get, one, target): one for one, target in zip(granules, targets)}
        try:
            for job in as_completed(jobs):
                try:
                    got = job.result()
                except AccessError:
                    raise
                except RetrievalError as error:
                    log.error("%s", error)
                    failures.append(error)
                    if len(failures) >= FAILURES:
                        raise _failed(failures, len(granules)) from None
                    continue
                if got is not None:
                    done[jobs[job].name] = got
                    number += got.size
                if clock() - told >= pace:
                    told = clock()
                    log.info("%s", progress(len(done), len(granules), number, told - start))
        except BaseException:
            stop.set()
            raise
    if failures:
        raise _failed(failures, len(granules))
    log.info("%s", progress(len(done), len(granules), number, clock() - start))
    return [_row(product, done[one.name]) for one in granules]


def progress(files: int, of: int, size: int, seconds: float) -> str:
    """How far it is: files, bytes, rate, and what the rest will take at this rate."""
    rate = size / seconds if seconds > 0 else 0.0
    text = f"{files} of {of} files, {size / 1e6:.1f} MB, {rate / 1e6:.2f} MB/s"
    if 0 < files < of:
        text += f", about {seconds / files * (of - files) / 60:.1f} min left"
    return text


def _expected(one):
    return Expected(one.size, one.algorithm, one.checksum, expected_format(one.name))


def _start(product, one):
    return products.parse(product, one.name).start


def _row(product, got: Retrieved):
    start = products.parse(product, got.path.name).start
    return {
        "name": got.path.name,
        "date": start.isoformat(timespec="minutes") if start.hour else f"{start:%Y-%m-%d}",
        "path": str(got.path),
        "size": str(got.size),
        "sha256": got.sha256,
    }


def _failed(failures, of):
    told = "\n  ".join(str(error) for error in failures[:TOLD])
    more = f"\n  and {len(failures) - TOLD} more, see the log" if len(failures) > TOLD else ""
    return RetrievalError(
        f"{len(failures)} of {of} granules could not be had; the others are kept:\n  {told}{more}"
    )
