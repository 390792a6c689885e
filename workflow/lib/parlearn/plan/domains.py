"""What a domain.nc describes of its units, and what process models need of it."""

#: kinds of description, each with all that those before it have
DOMAINS = {
    "place": "latitude, longitude and elevation",
    "land": "soil and vegetation",
}
#: source of a study -> what its domain.nc describes
DESCRIBED = {
    "twin": "land",
    "hydrodl": "land",
    "archives": "land",
    "camels": "land",
    "caravan": "place",
    "twin_basins": "land",
    "vic5": "land",
}


def describes(source: str, needed: str) -> bool:
    """Whether the domain.nc of a source has what a process model needs."""
    kinds = list(DOMAINS)
    return kinds.index(DESCRIBED[source]) >= kinds.index(needed)
