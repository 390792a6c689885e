"""One random change of a value in one file, for each kind of file of the tiny instance."""

import json
import re
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
from PIL import Image
from pyhdf.SD import SD, SDC

RESULTS = "results/tiny"
#: parts of the results that are about them
NO_RESULTS = tuple(f"{RESULTS}/{part}/" for part in ("logs", "benchmarks", "audit"))
#: kind of file -> patterns of its files from the project's folder
KINDS = {
    "raw": ["smap/twin/raw/**/*.h5", "smap/twin/raw/**/*.hdf", "smap/twin/raw/**/*.nc"],
    "study": ["smap/*.nc", "smap/*.csv", "smap/line/**/*.json", "smap/regridded/**/*.nc"],
    "lists": ["smap/granules/**/*.csv"],
    "samples": ["smap/samples/**/*.nc", "smap/pilot/*.nc"],
    "surrogate": [
        "smap/surrogate/*/*.safetensors",
        "smap/surrogate/*/*.json",
        "smap/surrogate/*/*.nc",
    ],
    "runs": ["runs/*/*.nc", "runs/*/*.csv", "runs/*/*/*.nc", "runs/*/network/*", "runs.tsv"],
    "summaries": ["summaries/*.csv"],
    "figures": [
        "figures/*/*.png",
        "figures/*/*.pdf",
        "figures/*/*.csv",
        "figures/*/*.md",
        "claims.*",
    ],
    "sidecars": ["**/*.json"],
    "attributes": ["smap/*.nc", "smap/regridded/**/*.nc", "smap/samples/**/*.nc", "runs/*/*.nc"],
}
#: weights of regridding, which are kept for later jobs and are no results
WEIGHTS = "weights/*.npz"
#: tables that the workflow reads, and that git keeps
TABLES = [
    "config/*.yaml",
    "config/*.csv",
    "resources/elevation/*.csv",
    "resources/vegetation/*.csv",
]
#: attributes that HDF5 and netCDF keep of themselves, and what says nothing of a number
INNER = ("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_FillValue", "coordinates")


def files(folder: Path, kind: str) -> list[str]:
    """Files of a kind, from the project's folder, those of each pattern in a row."""
    found = [p for pattern in KINDS[kind] for p in sorted((folder / RESULTS).glob(pattern))]
    names = [p.relative_to(folder).as_posix() for p in found if p.is_file()]
    beside = {name for name in names if name.endswith(".json") and (folder / name[:-5]).is_file()}
    return [
        name
        for name in dict.fromkeys(names)
        if (name in beside) == (kind == "sidecars") and not name.startswith(NO_RESULTS)
    ]


def tables(folder: Path) -> list[str]:
    """Tables of the project, without those of other instances."""
    found = [p for pattern in TABLES for p in sorted(folder.glob(pattern))]
    return [
        p.relative_to(folder).as_posix()
        for p in found
        if p.suffix == ".csv" or p.stem in ("experiments", "figures", "claims", "presets")
    ]


def change(path: Path, rng: np.random.Generator) -> str:
    """Change one value of a file; what was changed, in words."""
    before = path.read_bytes()
    for _ in range(20):  # a draw may hit what cannot be changed
        told = _CHANGES.get(path.suffix, _change_text)(path, rng)
        if told and path.read_bytes() != before:
            return told
    raise ValueError(f"{path}: nothing in it could be changed")


def flip(path: Path, rng: np.random.Generator) -> str:
    """Turn over one bit, as a disk does."""
    content = bytearray(path.read_bytes())
    at, bit = int(rng.integers(len(content))), int(rng.integers(8))
    content[at] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {at}"


def _other(value):
    """Another value of the same kind of number."""
    if value.dtype.kind == "f":
        return value.dtype.type(value * 1.25 + 1) if np.isfinite(value) else None
    return value ^ value.dtype.type(1) if value.dtype.kind in "iu" else None


def _change_hdf5(path, rng):
    with h5py.File(path, "r+") as file:
        names = []
        file.visititems(lambda name, found: names.append(name) if _is_read(name, found) else None)
        found = file[names[rng.integers(len(names))]]
        at = tuple(int(rng.integers(size)) for size in found.shape)
        value = np.asarray(found[at])[()]
        if (new := _other(value)) is None:
            return ""
        found[at] = new
        return f"{found.name}{[*at]}: {value} to {new}"


def _is_read(name, found) -> bool:
    """Numbers that a reader reads: of SMAP the morning; no dimension without values of its own."""
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiu" or not found.size:
        return False
    label = found.attrs.get("NAME", b"")
    label = label.decode() if isinstance(label, bytes) else str(label)
    return "_PM/" not in name and not label.startswith("This is a netCDF dimension but not")


def change_attribute(path: Path, rng: np.random.Generator) -> str:
    """Change what a netCDF file says of its numbers or of its making; what, in words."""
    with h5py.File(path, "r+") as file:
        found = [("/", file), *((name, file[name]) for name in file)]
        places = [
            (name, place, key)
            for name, place in found
            for key in sorted(place.attrs)
            if key not in INNER and not key.startswith(("_NC", "_Netcdf"))
        ]
        name, place, key = places[rng.integers(len(places))]
        before = place.attrs[key]
        if isinstance(before, bytes):
            place.attrs[key] = np.bytes_(_other_json(before.decode()).encode())
        elif isinstance(before, str):
            place.attrs[key] = _other_json(before)
        elif np.asarray(before).dtype.kind == "O":
            place.attrs[key] = [_other_json(text) for text in before]
        else:
            place.attrs[key] = np.asarray(before) * 1.25 + 1
        return f"{key} of {name}: {str(before)[:40]!r} to {str(place.attrs[key])[:40]!r}"


def _change_hdf4(path, rng):
    file = SD(str(path), SDC.WRITE)
    try:
        data = file.select("ET_500m")
        values = data.get()
        at = tuple(int(rng.integers(size)) for size in values.shape)
        before, values[at] = values[at], _other(values[at])
        data[:] = values
        data.endaccess()
        return f"{at}: {before} to {values[at]}"
    finally:
        file.end()


def _change_arrays(path, rng):
    """Change a number of an archive of arrays, and leave the seal after it as it was."""
    *_, seal = path.read_bytes()[:-1].rpartition(b"\n")
    with np.load(path) as file:
        content = dict(file)
    name = sorted(content)[rng.integers(len(content))]
    values = content[name].reshape(-1)
    at = int(rng.integers(values.size)) if values.size else None
    if at is None or (new := _other(values[at])) is None:
        return ""
    before, values[at] = values[at], new
    content[name] = values.reshape(content[name].shape)
    np.savez(packed := BytesIO(), **content)
    path.write_bytes(packed.getvalue() + b"\n" + seal + b"\n")
    return f"{name}[{at}]: {before} to {new}"


def _change_picture(path, rng):
    with Image.open(path) as opened:
        picture = opened.copy()
    at = int(rng.integers(picture.width)), int(rng.integers(picture.height))
    pixel = picture.getpixel(at)
    picture.putpixel(at, (255 - pixel[0], *pixel[1:]))
    picture.save(path)
    return f"pixel {at}"


def _change_json(path, rng):
    content = json.loads(path.read_text(encoding="utf-8"))
    keys = sorted(content)
    key = keys[rng.integers(len(keys))]
    places = _leaves(content[key], (key,))
    *folders, last = places[rng.integers(len(places))]
    inner = content
    for key in folders:
        inner = inner[key]
    before = inner[last]
    inner[last] = _other_json(before)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return f"{'.'.join(map(str, (*folders, last)))}: {before!r} to {inner[last]!r}"


def _leaves(value, at=()):
    if isinstance(value, dict) and value:
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*at, key))]
    if isinstance(value, list) and value:
        return [leaf for key, inner in enumerate(value) for leaf in _leaves(inner, (*at, key))]
    return [at]


def _other_json(value):
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str) and value:
        return ("1" if value[0] != "1" else "2") + value[1:]
    return "1"


def _change_text(path, rng):
    """Another digit in a number of a line that is no comment and no heading; of a table without
    any number one row more."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    places = [
        (number, match.start())
        for number, line in enumerate(lines)
        if number and not line.lstrip().startswith("#")
        for match in re.finditer(r"\d", line.partition(" #")[0])
    ]
    if not places:
        row = ",".join("1" for _ in lines[0].split(","))
        path.write_text("".join([*lines, f"{row}\n"]), encoding="utf-8")
        return f"a row more: {row}"
    number, at = places[rng.integers(len(places))]
    line = lines[number]
    digit = (int(line[at]) + int(rng.integers(1, 10))) % 10
    lines[number] = f"{line[:at]}{digit}{line[at + 1 :]}"
    path.write_text("".join(lines), encoding="utf-8")
    return f"line {number + 1}: {line.strip()[:60]!r} to {lines[number].strip()[:60]!r}"


_CHANGES = {
    ".h5": _change_hdf5,
    ".nc": _change_hdf5,
    ".hdf": _change_hdf4,
    ".npz": _change_arrays,
    ".png": _change_picture,
    ".json": _change_json,
    ".safetensors": flip,
    ".pdf": flip,
}
