"""Units as data producers spell them: ``kg/m^2``, ``kg m-2``, ``cm**3/cm**3``, ``mm.day-1``."""

import re
from collections import Counter

ALIASES = {
    "hr": "h",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
    "sec": "s",
    "kelvin": "K",
    "Kelvin": "K",
    "degK": "K",
    "Pascal": "Pa",
    "watt": "W",
    "-": "",
}
_TERM = re.compile(r"(/?)\s*([^\W\d]+|\d*[^\W\d]+|-|1)(?:\*\*|\^)?([+-]?\d+)?")


def same_unit(one: str, other: str) -> bool:
    """Whether two spellings mean one unit; nothing is converted.

    >>> same_unit("kg/m^2", "kg m-2"), same_unit("mm/hr", "mm/day")
    (True, False)
    """
    return _powers(one) == _powers(other)


def _powers(text: str) -> dict:
    """Symbol -> power, without those that cancel."""
    text = text.strip().replace("·", " ")
    powers = Counter()
    place = 0
    while place < len(text):
        match = _TERM.match(text, place)
        if not match:
            if text[place] not in " .*()":
                return {text: 1}
            place += 1
            continue
        slash, symbol, power = match.groups()
        symbol = ALIASES.get(symbol, symbol)
        if symbol not in ("", "1"):
            powers[symbol] += (-1 if slash else 1) * int(power or 1)
        place = match.end()
    return {symbol: power for symbol, power in powers.items() if power}
