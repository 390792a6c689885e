"""The findings of one check of the audit."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps


@dataclass(frozen=True)
class Problem:
    """Something that is wrong: the file or place, and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass
class Check:
    """One question of the audit.

    Attributes
    ----------
    name, question : for messages, and for people
    problems : what is wrong; a check without any has passed
    notes : what a reader should know, and nothing wrong
    looked_at : number of things that were looked at; a check that saw nothing has not passed
    table : rows for the page, the first one the head; None: no table
    """

    name: str
    question: str
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    looked_at: int = 0
    table: list[tuple] | None = None

    @property
    def passed(self) -> bool:
        return not self.problems

    def wrong(self, where, what: str) -> None:
        self.problems.append(Problem(str(where), what))

    @contextmanager
    def at(self, where):
        """Look at one place: whatever is raised there is told, and the check goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self.wrong(where, f"cannot be checked, since it raises {type(error).__name__}: {error}")


def asks(name: str, question: str) -> Callable:
    """Make a check of a function that looks at a tree: it gives the check, whatever it raised.

    The function takes an empty :class:`Check` and the tree, and fills in what it finds.
    """

    def decorate(look: Callable) -> Callable[..., Check]:
        @wraps(look)
        def check_of(tree, *given) -> Check:
            check = Check(name, question)
            with check.at(tree.results):
                look(check, tree, *given)
            return check

        return check_of

    return decorate


class AuditError(RuntimeError):
    """The audit found something wrong with the results."""
