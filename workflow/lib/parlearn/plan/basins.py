"""Sources of basins: which there are, what of their files is pinned, how basins may be sampled.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from parlearn.plan.places import OF_BASINS

#: what a twin of basins publishes, and how it is read
TWIN = {"forcing": "daymet", "basins": None}
#: product of CAMELS that can be fetched file by file
PINNED = "maurer_extended"
#: signatures of streamflow (camels_hydro.txt): never an input of a model of ungauged basins
SIGNATURES = (
    "q_mean",
    "runoff_ratio",
    "slope_fdc",
    "baseflow_index",
    "stream_elas",
    "q5",
    "q95",
    "high_q_freq",
    "high_q_dur",
    "low_q_freq",
    "low_q_dur",
    "zero_q_freq",
    "hfd_mean",
)
#: what tells one kind of sampling from another
KINDS = ("fold", "region", "without")


def basins_of(config: Mapping, record) -> dict:
    """How the basins of a configuration are read; empty for a source of cells.

    Parameters
    ----------
    record : first and last day of the source

    Returns
    -------
    ``source`` (its name and what tells its reader which files it reads), ``folder`` of the files,
    ``fetched`` (whether they are fetched into it), ``record`` (ISO)
    """
    source = config["source"]
    if source["name"] not in OF_BASINS:
        return {}
    chosen = {
        key: value
        for key, value in source.items()
        if key in ("name", "forcing", "files", "collections", "basins")
    }
    folder = source.get("mirror")
    if source["name"] == "twin_basins":
        chosen = {"name": source["name"], **TWIN}
        folder = f"{config['results']}/{config['study']}/twin/camels"
    return {
        "source": chosen,
        "folder": folder or "resources/raw/camels",
        "fetched": folder is None,
        "record": [day.isoformat() for day in record],
    }


def read_sums(path) -> dict[str, str]:
    """Pinned files, path relative to the data -> sha256, from a list as sha256sum writes it."""
    sums = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or {*digest} - {*"0123456789abcdef"} or not name or name in sums:
            raise ValueError(f"{path}, line {number}: is not 'sha256  file', or stands twice")
        sums[name] = digest
    return sums


def source_problems(source: Mapping, root) -> Iterator[str]:
    """What is wrong with a source of basins beyond its schema, a sentence each."""
    mirror, basins = source.get("mirror"), source.get("basins")
    if mirror and not (Path(root) / mirror).is_dir():
        yield f"source.mirror: there is no folder {mirror}: name the folder that holds the basins"
    if source["name"] == "camels" and not mirror and source["forcing"] != PINNED:
        yield (
            f"source.forcing: {source['forcing']} cannot be fetched file by file: name the folder "
            f"that has it as source.mirror, or take {PINNED}"
        )
    if isinstance(basins, str) and not (Path(root) / basins).is_file():
        yield f"source.basins: there is no list {basins}: write the gauges there, one a line"


def sampling_problems(config: Mapping) -> Iterator[str]:
    """Samplings that are none of basins, a sentence each."""
    source = config["source"]
    for name, wanted in config["samplings"].items():
        key = f"samplings.{name}"
        if not isinstance(wanted, Mapping):
            yield (
                f"{key}: {wanted} is no sampling of basins: write {{}} for all basins, "
                f"{{share: {wanted}}}, {{fold: 1, of: 10}}, {{region: 1, of: 7}} or "
                "{without: [names of regions]}"
            )
            continue
        kinds = [kind for kind in KINDS if kind in wanted]
        if len(kinds) > 1:
            yield f"{key}: {', '.join(kinds)} exclude each other: keep one"
        elif ("of" in wanted) != bool({*kinds} & {"fold", "region"}):
            yield f"{key}: 'of' says how many folds or regions there are: give both or neither"
        elif "of" in wanted and wanted[kinds[0]] > wanted["of"]:
            kind, of = kinds[0], wanted["of"]
            yield f"{key}: there is no {kind} {wanted[kind]} of {of}: give 1 to {of}"
        elif isinstance(number := source.get("basins"), int) and wanted.get("of", 0) > number:
            yield f"{key}: {number} basins cannot be parted into {wanted['of']}: give more basins"
