"""What arrived is held against its size, its checksum and its format."""

import gzip

import h5py
import netCDF4
import numpy as np
import pytest
from pyhdf.SD import SD, SDC

from parlearn.retrieve.checks import Expected, algorithm_named, digests, expected_format
from parlearn.retrieve.logins import RetrievalError


def write_hdf5(path):
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(5000.0)


def write_classic(path):
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("x", 5000)
        file.createVariable("a", "f4", ("x",))[:] = 1.0


def write_hdf4(path):
    file = SD(str(path), SDC.WRITE | SDC.CREATE | SDC.TRUNC)
    data = file.create("ET_500m", SDC.INT16, (50, 50))
    data.setcompress(SDC.COMP_DEFLATE, 5)
    data[:] = np.random.default_rng(1).integers(0, 99, (50, 50)).astype(np.int16)
    data.endaccess()
    file.end()


def write_packed(path):
    write_classic(path.with_suffix(""))
    with gzip.open(path, "wb") as file:
        file.write(path.with_suffix("").read_bytes())


WRITERS = {
    "a.h5": write_hdf5,
    "a.nc4": write_hdf5,
    "b.nc": write_hdf5,
    "c.nc": write_classic,
    "a.hdf": write_hdf4,
    "d.nc.gz": write_packed,
}


@pytest.fixture(params=WRITERS)
def file(request, tmp_path):
    path = tmp_path / request.param
    WRITERS[request.param](path)
    return path


def check(path):
    return Expected(format=expected_format(path.name)).check(path, "https://host/file")


def test_good_files_pass(file):
    assert len(check(file)) == 64


@pytest.mark.parametrize("file", [name for name in WRITERS if name != "c.nc"], indirect=True)
def test_files_cut_short_are_told(file):
    # a classic netCDF file (c.nc) does not say how long it is
    whole = file.read_bytes()
    for part in (0.9, 0.5):
        file.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(RetrievalError, match="https://host/file: is cut short or damaged"):
            check(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" <!DOCTYPE HTML><p>Log in", "a web page in place of the file"),
        (b"<html lang=en>", "a web page in place of the file"),
        (b"Access denied", r"is not a file of \w+: it begins with b'Access d'"),
    ],
)
def test_other_content_is_told(file, content, words):
    file.write_bytes(content)
    with pytest.raises(RetrievalError, match=words):
        check(file)


def test_formats_by_name():
    names = ("a.h5", "a.NC", "a.hdf", "a.nc.gz", "a.csv", "a.grb")
    assert [expected_format(name) for name in names] == ["HDF5", "netCDF", "HDF4", "gzip", "", ""]


def test_checksums_of_the_textbooks(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"123456789")
    sums = digests(path, {"md5", "sha1", "crc32", "adler32"})
    assert sums["md5"] == "25f9e794323b453885f5181f1b624d0b"
    assert sums["sha1"] == "f7c3bc1d808e04732adf679965ccc34ca7ae3441"
    assert sums["crc32"] == "cbf43926"
    assert sums["adler32"] == "091e01de"
    Expected(9, "md5", "25F9E794323B453885F5181F1B624D0B").check(path, "a")
    with pytest.raises(RetrievalError, match="a: has crc32 cbf43926 .9 bytes., expected 00000000"):
        Expected(algorithm="crc32", checksum="00000000").check(path, "a")
    with pytest.raises(RetrievalError, match="a: has 9 bytes, expected 10"):
        Expected(10).check(path, "a")


@pytest.mark.parametrize(
    ("told", "checksum", "ours"),
    [
        ("MD5", "0" * 32, "md5"),
        ("SHA-256", "0" * 64, "sha256"),
        ("SHA-2", "0" * 128, "sha512"),
        ("Adler-32", "0" * 8, "adler32"),
        ("POSIX", "123", ""),
        ("", "", ""),
    ],
)
def test_names_of_checksums(told, checksum, ours):
    assert algorithm_named(told, checksum) == ours
