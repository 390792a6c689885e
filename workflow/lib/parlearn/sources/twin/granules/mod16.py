"""MOD16A2GF: a window of a sinusoidal tile and eight days, HDF4 in the form of HDF-EOS2.

HDF-EOS2 finds the grid by Vgroups (class GRID) and ``StructMetadata.0``; subsets of a tile have
corners and dimensions changed there.
"""

import tempfile
from pathlib import Path

import numpy as np
from pyhdf.HDF import HC, HDF
from pyhdf.SD import SD, SDC
from pyhdf.V import V  # noqa: F401  HDF.vgstart needs it loaded

from parlearn.geometry.grids import MODIS_RADIUS, SinusoidalGrid
from parlearn.storage.files import replacing

GRID, VERSION = "MOD_Grid_MOD16A2", "061"
#: layer -> type, long name, unit, scale, fill, valid range
LAYERS = {
    "ET_500m": ("ET", "kg/m^2/8day", 0.1),
    "LE_500m": ("LE", "J/m^2/day", 10000.0),
    "PET_500m": ("PET", "kg/m^2/8day", 0.1),
    "PLE_500m": ("PLE", "J/m^2/day", 10000.0),
}
TITLE = "MODIS Gridded 500m 8-day Composite "
QUALITY, QUALITY_FILL = "ET_QC_500m", 255
FILL, RANGE = 32767, (-32767, 32700)


def write(
    folder, starts, tile: str, grid: SinusoidalGrid, layers: dict, short_name="MOD16A2GF"
) -> list[Path]:
    """Write composites as ``YYYY.MM.DD/MOD16A2GF.AYYYYDDD.hHHvVV.061.<production>.hdf``.

    Parameters
    ----------
    starts : (time,) datetime64, first days of the composites
    tile : 'h10v05'
    grid : of the arrays, a window of that tile
    layers : name of :data:`LAYERS` -> (time, row, column) packed int16, classes above 32700
        included; a layer not given is fill all over. 'ET_QC_500m': uint8, 0 where not given

    Returns
    -------
    The files, in order of time.
    """
    paths = []
    for i, day in enumerate(np.asarray(starts).astype("datetime64[D]")):
        year = int(str(day)[:4])
        of_year = (day - np.datetime64(f"{year}-01-01")).astype(int) + 1
        # gap-filled granules are produced when their year is over
        name = f"{short_name}.A{year}{of_year:03d}.{tile}.{VERSION}.{year + 1}032120000.hdf"
        path = Path(folder) / str(day).replace("-", ".") / name
        content = _content(grid, {name: values[i] for name, values in layers.items()})
        with replacing(path) as temporary:
            temporary.write_bytes(content)
        paths.append(path)
    return paths


def _content(grid, layers) -> bytes:
    """Bytes of a granule. HDF4 notes in a file the path it was made at: that is blanked here."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "granule.hdf"
        _write(path, grid, layers)
        name = str(path).encode()
        return path.read_bytes().replace(name, b"granule".ljust(len(name)))


def _write(path, grid, layers):
    file = SD(str(path), SDC.WRITE | SDC.CREATE | SDC.TRUNC)
    references = []
    for name, (title, units, scale) in LAYERS.items():
        values = layers.get(name, np.full(grid.shape, FILL, dtype=np.int16))
        references.append(
            _layer(file, name, SDC.INT16, np.asarray(values, dtype=np.int16), FILL, RANGE,
                   f"{TITLE}{_words(title)} ({title})", units, scale)
        )  # fmt: skip
    quality = np.asarray(layers.get(QUALITY, np.zeros(grid.shape)), dtype=np.uint8)
    references.append(
        _layer(file, QUALITY, SDC.UINT8, quality, QUALITY_FILL, (0, 254),
               f"{TITLE}Quality Control (QC) for ET/LE", "none", None)
    )  # fmt: skip
    file.attr("StructMetadata.0").set(SDC.CHAR, struct_metadata(grid))
    file.end()
    _groups(path, references)


def _words(title):
    potential = "Potential " if title[0] == "P" else ""
    return potential + ("Evapotranspiration" if title[-1] == "T" else "Latent Heat Flux")


def _layer(file, name, kind, values, fill, valid, long_name, units, scale) -> int:
    layer = file.create(name, kind, values.shape)
    layer.setcompress(SDC.COMP_DEFLATE, 1)
    for place, dim in enumerate(("YDim", "XDim")):
        layer.dim(place).setname(f"{dim}:{GRID}")
    layer.attr("long_name").set(SDC.CHAR, long_name)
    layer.attr("units").set(SDC.CHAR, units)
    layer.attr("valid_range").set(kind, list(valid))
    layer.attr("_FillValue").set(kind, fill)
    if scale is not None:
        layer.attr("scale_factor").set(SDC.FLOAT64, scale)
        layer.attr("scale_factor_err").set(SDC.FLOAT64, 0.0)
        layer.attr("add_offset").set(SDC.FLOAT64, 0.0)
        layer.attr("add_offset_err").set(SDC.FLOAT64, 0.0)
        layer.attr("calibrated_nt").set(SDC.INT32, SDC.INT16)
    layer[:] = values
    reference = layer.ref()
    layer.endaccess()
    return reference


def _groups(path, references):
    """The Vgroups by which HDF-EOS2 finds the layers of a grid."""
    file = HDF(str(path), HC.WRITE)
    groups = file.vgstart()
    made = {}
    for name, kind in ((GRID, "GRID"), ("Data Fields", "GRID Vgroup"),
                       ("Grid Attributes", "GRID Vgroup")):  # fmt: skip
        made[name] = groups.create(name)
        made[name]._class = kind
    for name in ("Data Fields", "Grid Attributes"):
        made[GRID].insert(made[name])
    for reference in references:
        made["Data Fields"].add(HC.DFTAG_NDG, reference)
    for group in made.values():
        group.detach()
    groups.end()
    file.close()


def struct_metadata(grid: SinusoidalGrid) -> str:
    """``StructMetadata.0`` of a file with one sinusoidal grid."""
    x, y = grid.x_edges, grid.y_edges
    kinds = {**dict.fromkeys(LAYERS, "DFNT_INT16"), QUALITY: "DFNT_UINT8"}
    fields = "".join(
        f"\t\t\tOBJECT=DataField_{i}\n"
        f'\t\t\t\tDataFieldName="{name}"\n\t\t\t\tDataType={kind}\n'
        '\t\t\t\tDimList=("YDim","XDim")\n'
        "\t\t\t\tCompressionType=HDFE_COMP_DEFLATE\n\t\t\t\tDeflateLevel=1\n"
        f"\t\t\tEND_OBJECT=DataField_{i}\n"
        for i, (name, kind) in enumerate(kinds.items(), start=1)
    )
    return (
        "GROUP=SwathStructure\nEND_GROUP=SwathStructure\nGROUP=GridStructure\n\tGROUP=GRID_1\n"
        f'\t\tGridName="{GRID}"\n\t\tXDim={grid.cols}\n\t\tYDim={grid.rows}\n'
        f"\t\tUpperLeftPointMtrs=({x[0]:.6f},{y[0]:.6f})\n"
        f"\t\tLowerRightMtrs=({x[-1]:.6f},{y[-1]:.6f})\n"
        "\t\tProjection=GCTP_SNSOID\n"
        f"\t\tProjParams=({MODIS_RADIUS:.6f},0,0,0,0,0,0,0,0,0,0,0,0)\n\t\tSphereCode=-1\n"
        "\t\tGridOrigin=HDFE_GD_UL\n\t\tGROUP=Dimension\n\t\tEND_GROUP=Dimension\n"
        f"\t\tGROUP=DataField\n{fields}\t\tEND_GROUP=DataField\n"
        "\t\tGROUP=MergedFields\n\t\tEND_GROUP=MergedFields\n\tEND_GROUP=GRID_1\n"
        "END_GROUP=GridStructure\nGROUP=PointStructure\nEND_GROUP=PointStructure\nEND\n"
    )
