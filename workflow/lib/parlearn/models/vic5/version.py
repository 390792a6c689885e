"""Which VIC an executable is."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from parlearn.models.program import Program, ProgramError


@dataclass(frozen=True)
class Version:
    """What an executable says of itself: its driver, its number, its commit."""

    driver: str
    number: str
    tag: str

    def __str__(self):
        return f"VIC {self.number} ({self.driver} driver, {self.tag})"

    def is_of(self, wanted: str) -> bool:
        """Whether number or tag is ``wanted``, or begins with it and goes on with another part.

        VIC 5.1.0 calls itself 5.0.1; its tag is right.
        """
        return any(
            text == wanted or re.match(rf"{re.escape(wanted)}[.\- ]", text)
            for text in (self.number, self.tag.removeprefix("VIC."))
        )


def version_of(program: Program, wanted: str | None = None) -> Version:
    """The version of an executable, which must be the image driver of VIC 5.

    Raises
    ------
    ProgramError
        It is not, cannot be run, or is none that ``wanted`` begins.
    """
    found = _asked(program)
    if found.driver.lower() != "image" or not found.number.startswith("5."):
        raise ProgramError(
            f"{program.path} is {found}: the image driver of VIC 5 is needed, vic_image.exe"
        )
    if wanted and not found.is_of(wanted):
        raise ProgramError(
            f"{program.path} is {found}, and model.program.version asks for {wanted}: name the "
            "executable of that version, or change the key"
        )
    return found


@cache
def _asked(program: Program) -> Version:
    with TemporaryDirectory() as folder:
        printed = Path(folder) / "printed"
        program.run(["-v"], Path(folder), printed, ranks=1)
        text = printed.read_text(encoding="utf-8", errors="replace")
    fields = dict(re.findall(r"^VIC (Driver|Version|Git Tag)\s*: *(.*?) *$", text, re.MULTILINE))
    if {"Driver", "Version"} - {*fields}:
        raise ProgramError(
            f"{program.path} does not say which VIC it is (asked with -v): name vic_image.exe of "
            "VIC 5"
        )
    return Version(fields["Driver"], fields["Version"].split()[0], fields.get("Git Tag", "no tag"))
