"""What arrived is held against its size, its checksum and its format."""

import gzip

import h5py
import netCDF4
import numpy as np
import pytest
from pyhdf.SD import SD, SDC

from parlearn.retrieve.checks import Expected, algorithm_named, digests
from parlearn.retrieve.formats import expected_format
from parlearn.retrieve.logins import RetrievalError


def write_hdf5(path):
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(5000.0)


def write_packed_chunks(path):
    random = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        for name in ("group/a", "group/b"):
            values = random.integers(0, 99, (40, 500)).astype("i2")
            file.create_dataset(name, data=values, chunks=(10, 500), compression="gzip")


def write_classic(path, form="NETCDF3_CLASSIC"):
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.createDimension("x", 5000)
        file.setncattr("title", "a file")
        file.createVariable("b", "i1", ("x",))[:] = 1
        file.createVariable("a", "f4", ("x",))[:] = 1.0


def write_records(path, form="NETCDF3_64BIT_OFFSET", names="ab"):
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.createDimension("time", None)
        file.createDimension("x", 333)
        file.createVariable("x", "f8", ("x",))[:] = 1.0
        for name in names:  # of an odd number of bytes
            file.createVariable(name, "i2", ("time", "x"))[:] = np.ones((7, 333))


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
    "r.nc": write_records,
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


def test_files_cut_short_are_told(file):
    whole = file.read_bytes()
    for part in (0.9, 0.5):
        file.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(RetrievalError, match="https://host/file: is cut short or damaged"):
            check(file)


@pytest.mark.parametrize("write", [write_classic, write_records])
@pytest.mark.parametrize("names", ["a", "ab"])
@pytest.mark.parametrize("form", ["CLASSIC", "64BIT_OFFSET", "64BIT_DATA"])
def test_a_classic_file_without_its_last_values(tmp_path, write, names, form):
    """The netCDF library reads what is not there as zeros."""
    path = tmp_path / "a.nc"
    write(path, f"NETCDF3_{form}", **({"names": names} if write is write_records else {}))
    check(path)
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        assert (file["a"][:] == 1).all()
    whole = path.read_bytes()
    # a record's end may be padding, of which nothing is read
    path.write_bytes(whole[: len(whole) - 4])
    with pytest.raises(RetrievalError, match=rf"it should have \d+ bytes and has {len(whole) - 4}"):
        check(path)


def test_a_classic_header_that_has_no_end(tmp_path):
    path = tmp_path / "a.nc"
    path.write_bytes(b"CDF\x01" + b"\xff" * 4 + b"\0\0\0\x0a" + b"\x7f" * 400)
    with pytest.raises(RetrievalError, match="is cut short or damaged"):
        check(path)


@pytest.mark.parametrize("name", ["group/a", "group/b"])
def test_a_file_put_together_from_two_opens_and_is_told(tmp_path, name):
    path = tmp_path / "a.h5"
    write_packed_chunks(path)
    check(path)
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(3)
        assert file[name].id.get_num_chunks() == 4
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 50 : chunk.byte_offset + chunk.size] = bytes(chunk.size - 50)
    path.write_bytes(content)
    with h5py.File(path) as file:
        assert file[name].shape == (40, 500)
    with pytest.raises(RetrievalError, match="https://host/file: is cut short or damaged, HDF5"):
        check(path)


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
