"""Make conus.json from the npm packages world-atlas 2.0.2 and us-atlas 3.0.1 (see README.md).

    npm pack world-atlas@2.0.2 us-atlas@3.0.1
    python make_borders.py world-atlas-2.0.2.tgz us-atlas-3.0.1.tgz conus.json

Kept are polylines in degrees, [longitude, latitude], clipped to a box around the contiguous United
States and thinned by Douglas and Peucker's rule. Needs numpy alone.
"""

import argparse
import json
import tarfile

import numpy as np

BOX = (-130.0, 20.0, -60.0, 54.0)  # west, south, east, north
TOLERANCE = 0.02  # degrees: a hundredth of a state's width, less than a line's width in print
SHORTEST = 0.15  # degrees: smaller islands and lakes are left out


def read_topology(package, member):
    with tarfile.open(package) as archive:
        return json.load(archive.extractfile(f"package/{member}"))


def decode_arcs(topology):
    """Arcs of a quantised TopoJSON topology as (n, 2) arrays of degrees."""
    scale, shift = (np.array(topology["transform"][k]) for k in ("scale", "translate"))
    return [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in topology["arcs"]]


def arc_users(topology, layer):
    """Which features use each arc: {arc index: set of feature ids}."""
    users = {}

    def visit(node, name):
        for item in node:
            if isinstance(item, list):
                visit(item, name)
            else:
                users.setdefault(item if item >= 0 else ~item, set()).add(name)

    for feature in topology["objects"][layer]["geometries"]:
        visit(feature.get("arcs", []), feature.get("id") or feature["properties"]["name"])
    return users


def clip(line):
    """Pieces of a line inside BOX; a segment is kept when both its ends are inside."""
    west, south, east, north = BOX
    lon, lat = line.T
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    runs = np.split(np.arange(len(line)), np.flatnonzero(np.diff(inside.astype(int))) + 1)
    return [line[run] for run in runs if inside[run[0]] and len(run) > 1]


def thin(line):
    """Douglas and Peucker: leave out points nearer than TOLERANCE to the line that remains."""
    if len(line) < 3:
        return line
    start, chord = line[0], line[-1] - line[0]
    away = line - start
    length = np.hypot(*chord)
    if length > 0:
        distance = np.abs(chord[0] * away[:, 1] - chord[1] * away[:, 0]) / length
    else:  # a closed ring
        distance = np.hypot(*away.T)
    far = int(distance.argmax())
    if distance[far] <= TOLERANCE:
        return line[[0, -1]]
    return np.concatenate([thin(line[: far + 1])[:-1], thin(line[far:])])


def prepare(arcs):
    pieces = [thin(piece) for arc in arcs for piece in clip(arc)]
    return [p.round(3).tolist() for p in pieces if np.ptp(p, axis=0).max() >= SHORTEST]


def main(world_package, states_package, output):
    world = read_topology(world_package, "countries-50m.json")
    states = read_topology(states_package, "states-10m.json")
    world_arcs, state_arcs = decode_arcs(world), decode_arcs(states)
    neighbours = [world_arcs[k] for k, u in arc_users(world, "countries").items() if "840" not in u]
    state_users = arc_users(states, "states")
    layers = {
        "nation": prepare(state_arcs[k] for k, u in state_users.items() if len(u) == 1),
        "states": prepare(state_arcs[k] for k, u in state_users.items() if len(u) > 1),
        "neighbours": prepare(neighbours),
    }
    with open(output, "w", encoding="utf-8") as stream:
        json.dump(layers, stream, separators=(",", ":"))
    for name, lines in layers.items():
        print(f"{name}: {len(lines)} lines, {sum(map(len, lines))} points")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("world_package", help="world-atlas-2.0.2.tgz")
    parser.add_argument("states_package", help="us-atlas-3.0.1.tgz")
    parser.add_argument("output", help="conus.json")
    main(**vars(parser.parse_args()))
