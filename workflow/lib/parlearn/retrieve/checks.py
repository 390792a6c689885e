"""Checks of a retrieved file: size, checksum, and the structure of its format."""

import gzip
import hashlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from parlearn.retrieve.logins import RetrievalError

HDF5, HDF4, GZIP = b"\x89HDF\r\n\x1a\n", b"\x0e\x03\x13\x01", b"\x1f\x8b"
CLASSIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")  # netCDF before version 4
#: how a format's files begin
MAGIC = {"HDF5": (HDF5,), "netCDF": (HDF5, *CLASSIC), "HDF4": (HDF4,), "gzip": (GZIP,)}
#: end of a name -> format
ENDINGS = {".h5": "HDF5", ".nc4": "HDF5", ".nc": "netCDF", ".hdf": "HDF4", ".gz": "gzip"}
#: checksums that archives give, by their names in small letters without signs
ALGORITHMS = ("md5", "sha1", "sha256", "sha384", "sha512", "crc32", "adler32")
PIECE = 1 << 20


@dataclass(frozen=True)
class Expected:
    """What is known of a file before it is here; whatever is not known is not checked.

    Attributes
    ----------
    size : bytes
    algorithm, checksum : one of :data:`ALGORITHMS`, and hexadecimal digits
    format : one of :data:`MAGIC`
    """

    size: int | None = None
    algorithm: str = ""
    checksum: str = ""
    format: str = ""

    @classmethod
    def sha256(cls, checksum, size=None):
        return cls(size, "sha256", checksum)

    @property
    def anything(self) -> bool:
        return bool(self.size is not None or self.checksum or self.format)

    def check(self, path, origin) -> str:
        """The file's sha256.

        Raises
        ------
        RetrievalError
            naming the origin, where the file is not what was expected.
        """
        path = Path(path)
        found = path.stat().st_size
        if self.size is not None and found != self.size:
            raise RetrievalError(f"{origin}: has {found} bytes, expected {self.size}")
        sums = digests(path, {"sha256", self.algorithm} - {""})
        if self.checksum and sums[self.algorithm] != self.checksum.lower():
            raise RetrievalError(
                f"{origin}: has {self.algorithm} {sums[self.algorithm]} ({found} bytes), expected "
                f"{self.checksum}: the file was changed or damaged on the way. If its publisher "
                "changed it, pin its new checksum or make a new list of granules"
            )
        if self.format:
            check_format(path, origin, self.format)
        return sums["sha256"]


def expected_format(name: str) -> str:
    """Format by a file's name; empty where the name does not tell."""
    return ENDINGS.get(Path(name).suffix.lower(), "")


def algorithm_named(name: str, checksum: str) -> str:
    """An archive's name of a checksum ("MD5", "SHA-256") as we have it; empty where we have not."""
    plain = name.lower().replace("-", "").replace("_", "")
    if plain == "sha2":  # its length tells which
        plain = f"sha{len(checksum) * 4}"
    return plain if plain in ALGORITHMS else ""


def digests(path, algorithms) -> dict[str, str]:
    """Checksums of a file, read once."""
    hashes = {name: hashlib.new(name) for name in algorithms if name.startswith(("sha", "md5"))}
    sums = {"crc32": (zlib.crc32, 0), "adler32": (zlib.adler32, 1)}
    running = {name: sums[name][1] for name in algorithms if name in sums}
    with open(path, "rb") as stream:
        while piece := stream.read(PIECE):
            for one in hashes.values():
                one.update(piece)
            for name in running:
                running[name] = sums[name][0](piece, running[name])
    return {name: one.hexdigest() for name, one in hashes.items()} | {
        name: f"{value:08x}" for name, value in running.items()
    }


def looks_like_page(start: bytes) -> bool:
    """Whether a file begins as a web page does."""
    return start[:256].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def web_page(origin) -> RetrievalError:
    return RetrievalError(
        f"{origin}: the server sent a web page in place of the file, often a login or an error "
        "page. Open the address in a browser to see what it wants"
    )


def check_format(path, origin, format) -> None:
    """Raise RetrievalError unless a file is one of its format, to the end."""
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
        {"HDF5": _open_hdf5, "netCDF": _open_netcdf, "HDF4": _walk_hdf4, "gzip": _unpack}[format](
            path
        )
    except (OSError, EOFError, zlib.error, struct.error, ValueError) as error:
        raise RetrievalError(
            f"{origin}: is cut short or damaged, {format} cannot be read ({error})".replace(
                "\n", " "
            )
        ) from error


def _open_hdf5(path):
    import h5py

    with h5py.File(path, "r"):  # knows its own length
        pass


def _open_netcdf(path):
    with open(path, "rb") as stream:
        if stream.read(8) == HDF5:
            return _open_hdf5(path)
    import netCDF4

    netCDF4.Dataset(path).close()


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
