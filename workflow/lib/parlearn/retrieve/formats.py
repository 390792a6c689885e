"""Formats of granules: how their files begin, and whether one is whole."""

import gzip
import math
import struct
import zlib
from pathlib import Path

from parlearn.retrieve.logins import RetrievalError

HDF5, HDF4, GZIP = b"\x89HDF\r\n\x1a\n", b"\x0e\x03\x13\x01", b"\x1f\x8b"
CLASSIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")  # netCDF before version 4
#: how a format's files begin
MAGIC = {"HDF5": (HDF5,), "netCDF": (HDF5, *CLASSIC), "HDF4": (HDF4,), "gzip": (GZIP,)}
#: end of a name -> format
ENDINGS = {".h5": "HDF5", ".nc4": "HDF5", ".nc": "netCDF", ".hdf": "HDF4", ".gz": "gzip"}
PIECE = 1 << 20
#: what readers raise at a damaged file
_DAMAGE = (OSError, EOFError, zlib.error, struct.error, ValueError, LookupError, RuntimeError)


def expected_format(name: str) -> str:
    """Format by a file's name; empty where the name does not tell."""
    return ENDINGS.get(Path(name).suffix.lower(), "")


def looks_like_page(start: bytes) -> bool:
    """Whether a file begins as a web page does."""
    return start[:256].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def web_page(origin) -> RetrievalError:
    return RetrievalError(
        f"{origin}: the server sent a web page in place of the file, often a login or an error "
        "page. Open the address in a browser to see what it wants"
    )


def check_format(path, origin, format, *, contents=True) -> None:
    """Raise RetrievalError unless a file is one of its format, to the end.

    Parameters
    ----------
    contents : whether what is packed or has sums in a file of HDF5 is read as well. A file put
        together from two of the same length opens and is found out in this way alone
    """
    with open(path, "rb") as stream:
        start = stream.read(512)
    if not start:
        raise RetrievalError(f"{origin}: is empty")
    if looks_like_page(start):
        raise web_page(origin)
    if not start.startswith(MAGIC[format]):
        raise RetrievalError(
            f"{origin}: is not a file of {format}: it begins with {start[:8]!r}. If it is what the "
            "archive sends today, the reader of this product has to be adapted"
        )
    try:
        if start.startswith(HDF5):
            _read_hdf5(path, contents)
        else:
            {"HDF4": _walk_hdf4, "gzip": _unpack, "netCDF": _walk_classic}[format](path)
    except _DAMAGE as error:
        raise RetrievalError(
            f"{origin}: is cut short or damaged, {format} cannot be read ({error})".replace(
                "\n", " "
            )
        ) from error


def _read_hdf5(path, contents):
    """Open it, since it knows its own length, and read each chunk of each variable.

    What is packed, or has a checksum, tells damage itself.
    """
    import h5py

    def read(_, found):
        if isinstance(found, h5py.Dataset) and found.chunks and not found.is_virtual:
            for place in found.iter_chunks():
                found[place]

    with h5py.File(path, "r") as file:
        if contents:
            file.visititems(read)


def _unpack(path):
    with gzip.open(path) as stream:  # its end holds length and CRC
        while stream.read(PIECE):
            pass


def _walk_hdf4(path):
    """Follow the table of contents: blocks of (tag, reference, offset, length), linked.

    HDF4 Specification, chapter 2: each block starts with its number of entries and the offset of
    the next block; tag 1 is an entry not used.
    """
    size, at = path.stat().st_size, len(HDF4)
    with open(path, "rb") as stream:
        while at:
            stream.seek(at)
            count, at = struct.unpack(">HI", stream.read(6))
            entries = struct.iter_unpack(">HHII", _exactly(stream, 12 * count))
            for tag, _, offset, length in entries:
                used = tag != 1 and 0xFFFFFFFF not in (offset, length)
                if used and offset + length > size:
                    raise ValueError(f"it should have {offset + length} bytes and has {size}")


def _exactly(stream, number):
    found = stream.read(number)
    if len(found) < number:
        raise EOFError("its table of contents is not whole")
    return found


class _Classic:
    """The numbers of a classic netCDF file's header, one after the other.

    NetCDF Classic and 64-bit Offset Format Specifications (Unidata), and CDF-5 of PnetCDF:
    header = magic numrecs dimensions attributes variables, all big-endian and padded to 4 bytes.
    """

    #: bytes of a value of each type, from NC_BYTE (1) to NC_UINT64 (11)
    BYTES = dict(enumerate((1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8), 1))

    def __init__(self, stream):
        self.stream = stream
        kind = _exactly(stream, 4)[3]
        self.count = ">Q" if kind == 5 else ">I"
        self.offset = ">I" if kind == 1 else ">Q"

    def number(self, form=">I") -> int:
        return struct.unpack(form, _exactly(self.stream, struct.calcsize(form)))[0]

    def text(self):
        _exactly(self.stream, _padded(self.number(self.count)))

    def several(self, read) -> list:
        self.number()  # says what kind of list it is
        return [read() for _ in range(self.number(self.count))]

    def dimension(self) -> int:
        self.text()
        return self.number(self.count)

    def attribute(self):
        self.text()
        value = self.BYTES[self.number()]
        _exactly(self.stream, _padded(value * self.number(self.count)))

    def variable(self) -> tuple[list[int], int, int]:
        """Dimensions by number, bytes of a value, first byte in the file."""
        self.text()
        dimensions = [self.number(self.count) for _ in range(self.number(self.count))]
        self.several(self.attribute)
        value = self.BYTES[self.number()]
        self.number(self.count)  # its size, which we count ourselves
        return dimensions, value, self.number(self.offset)


def _walk_classic(path):
    """Hold a classic netCDF file's length against its header: the library reads on in zeros."""
    with open(path, "rb") as stream:
        header = _Classic(stream)
        records = header.number(header.count)
        if records == (1 << 8 * struct.calcsize(header.count)) - 1:
            raise ValueError("its number of records was never written: its writer was stopped")
        lengths = header.several(header.dimension)
        header.several(header.attribute)
        variables = header.several(header.variable)
    fixed, recorded = [], []  # (first byte, bytes); of one record where the first length is 0
    for dimensions, value, begin in variables:
        shape = [lengths[k] for k in dimensions]
        grows = bool(shape) and shape[0] == 0
        (recorded if grows else fixed).append((begin, value * math.prod(shape[grows:])))
    ends = [begin + size for begin, size in fixed]
    if records:
        # records lie one after the other, each variable's part padded, unless it is alone
        record = sum(_padded(size) for _, size in recorded)
        record = recorded[0][1] if len(recorded) == 1 else record
        ends += [begin + (records - 1) * record + size for begin, size in recorded]
    size = path.stat().st_size
    if max(ends, default=0) > size:
        raise ValueError(f"it should have {max(ends)} bytes and has {size}")


def _padded(number):
    return -number % 4 + number
