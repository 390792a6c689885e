"""What jobs print goes aside, so that the terminal belongs to the display."""

import os
import sys
import tempfile
from typing import TextIO


class StandardErrorAside:
    """Sends the standard error of this process and of all that it starts to a temporary file.

    ``terminal`` still writes to where standard error went before. A job of parlearn prints nothing
    there once its log is open; what comes earlier, such as an import that fails, can be read from
    the file by :meth:`since`.
    """

    def __init__(self):
        sys.stderr.flush()
        self.terminal: TextIO = os.fdopen(os.dup(2), "w")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open until the end of the run
        os.dup2(self._file.fileno(), 2)

    def size(self) -> int:
        """Bytes so far."""
        return os.fstat(self._file.fileno()).st_size

    def since(self, start: int) -> str:
        """What was printed after the first ``start`` bytes."""
        return os.pread(self._file.fileno(), self.size() - start, start).decode(errors="replace")

    def restore(self) -> None:
        """Give standard error back; the file is gone."""
        sys.stderr.flush()
        os.dup2(self.terminal.fileno(), 2)
        self.terminal.close()
        self._file.close()
