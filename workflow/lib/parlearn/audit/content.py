"""Whether two files hold the same: numbers by their values, pictures by their pixels."""

import hashlib
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import xarray as xr

from parlearn.storage.checksums import content_digest
from parlearn.storage.files import sha256

#: How far numbers of a table may lie apart where sums are rounded otherwise, as a share of the
#: largest number in their column, and what share of a picture's pixels may differ then.
NUMBERS, PIXELS = 1e-3, 1e-3
#: How far numbers of a PDF may lie apart at any time, in points of 1/72 inch: a layout that is
#: solved a second time may end in another last digit.
POINTS = 1e-3

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
#: an object that is a number alone, as the length of a stream is
_LENGTH = re.compile(rb"obj\s+\d+\s+endobj")


def same(one, two, without: Sequence[str] = ()) -> bool:
    """Whether two files hold the same to the last bit: numbers of netCDF files and of tables,
    pixels of pictures, words and colours of a PDF with places to :data:`POINTS`, and of all others
    every byte.

    Parameters
    ----------
    without : variables and columns that are not compared
    """
    suffix = Path(one).suffix
    if suffix == ".pdf":
        return _pdfs_same(one, two)
    if suffix == ".nc":
        digests = [_of_dataset(path, without) for path in (one, two)]
    elif suffix == ".csv":
        digests = [_of_table(path, without) for path in (one, two)]
    elif suffix == ".png":
        digests = [_of_picture(path) for path in (one, two)]
    else:
        digests = [sha256(path) for path in (one, two)]
    return digests[0] == digests[1]


def near(one, two) -> bool | None:
    """Whether two tables or pictures are the same but for rounding; None of other files, of which
    nobody can tell."""
    compare = {".csv": _tables_near, ".png": _pictures_near}.get(Path(one).suffix)
    return compare(one, two) if compare else None


def _of_dataset(path, without) -> str:
    with xr.open_dataset(path, engine="netcdf4") as ds:
        return content_digest(ds.drop_vars(without, errors="ignore"))


def _of_table(path, without) -> str:
    text = pd.read_csv(path).drop(columns=[*without], errors="ignore").to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _of_picture(path) -> str:
    pixels = matplotlib.image.imread(path)
    return f"{pixels.shape} {hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()}"


def _pdfs_same(one, two) -> bool:
    (frame, streams), (other_frame, others) = _parts_of_pdf(one), _parts_of_pdf(two)
    return (
        frame == other_frame
        and len(streams) == len(others)
        and all(map(_streams_same, streams, others))
    )


def _parts_of_pdf(path) -> tuple[bytes, list[bytes]]:
    """What is around the streams of a PDF, its byte counts left out, and the streams."""
    content = Path(path).read_bytes()
    streams = [_unpacked(stream) for stream in _STREAM.findall(content)]
    frame = _LENGTH.sub(b"obj 0 endobj", _STREAM.sub(b"stream", content))
    body, mark, places = frame.partition(b"\nxref\n")
    return body + mark + re.sub(rb"\d+", b"0", places), streams


def _unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def _streams_same(one: bytes, two: bytes) -> bool:
    words, others = one.split(), two.split()
    return len(words) == len(others) and all(map(_words_same, words, others))


def _words_same(one: bytes, two: bytes) -> bool:
    try:
        return one == two or abs(float(one) - float(two)) <= POINTS
    except ValueError:
        return False


def _tables_near(one, two) -> bool:
    first, second = pd.read_csv(one), pd.read_csv(two)
    if [*first] != [*second] or len(first) != len(second):
        return False
    return all(_column_near(first[name], second[name]) for name in first)


def _column_near(first: pd.Series, second: pd.Series) -> bool:
    if not all(pd.api.types.is_numeric_dtype(column) for column in (first, second)):
        return first.equals(second)
    a, b = first.to_numpy(float), second.to_numpy(float)
    largest = np.abs(a[np.isfinite(a)]).max(initial=0.0)
    return np.allclose(a, b, rtol=0, atol=NUMBERS * largest, equal_nan=True)


def _pictures_near(one, two) -> bool:
    first, second = (matplotlib.image.imread(path) for path in (one, two))
    if first.shape != second.shape:
        return False
    return float((first != second).any(axis=-1).mean()) <= PIXELS
