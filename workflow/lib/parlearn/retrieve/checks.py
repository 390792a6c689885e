"""Checks of a retrieved file: size, checksum, and format."""

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from parlearn.retrieve.formats import check_format
from parlearn.retrieve.logins import RetrievalError

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
    format : one of :data:`parlearn.retrieve.formats.MAGIC`; where there is no checksum, all that
        the format itself can prove is read
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
            check_format(path, origin, self.format, contents=not self.checksum)
        return sums["sha256"]


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
