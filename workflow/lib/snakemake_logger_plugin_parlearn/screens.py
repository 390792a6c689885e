"""Two ways to show progress: a block that is drawn anew in a terminal, plain lines elsewhere."""

from typing import TextIO

from .progress import Progress
from .words import duration

#: jobs that the block shows by name; on a cluster there may be hundreds
SHOWN = 8
#: columns of the block, at most
WIDEST = 120
#: seconds between plain lines where something has changed, and where nothing has
OFTEN, SELDOM = 10.0, 60.0


class Lines:
    """Plain lines, for log files and CI: no carriage return, no colour."""

    def __init__(self, stream: TextIO, about: dict[str, str]):
        self.stream, self.about = stream, about
        self._last, self._shown = None, 0.0

    def say(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def show(self, progress: Progress, now: float) -> None:
        """One line on the state, unless there was one a short time ago."""
        if not progress.running:
            return
        state = (progress.done.total(), sorted(progress.running))
        if now - self._shown < (OFTEN if state != self._last else SELDOM):
            return
        self._last, self._shown = state, now
        job, *others = progress.running.values()
        what = job.title
        if job.rule in self.about:
            what += f" ({self.about[job.rule]})"
        if others:
            what += f" and {len(others)} more"
        self.say(f"  {progress.count}, {progress.times(now)}: {what}")

    def end(self) -> None:
        """Nothing has to be put back."""


class Block:
    """A few lines at the foot of a terminal that are drawn anew; what is said stands above them."""

    def __init__(self, stream: TextIO, about: dict[str, str], color: bool = True):
        # only here: Snakemake imports every plugin at each call
        from rich.console import Console
        from rich.live import Live

        self.about = about
        self.console = Console(file=stream, no_color=not color, highlight=False)
        self._live = Live(console=self.console, auto_refresh=False, transient=True)

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)

    def show(self, progress: Progress, now: float) -> None:
        if not self._live.is_started:
            self._live.start()
        self._live.update(self.draw(progress, now), refresh=True)

    def draw(self, progress: Progress, now: float):
        """The block: how far, how long, and the jobs that run."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if not progress.total:
            return Text("  planning ...")
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(f"  {progress.count}"),
            ProgressBar(total=progress.total, completed=progress.done.total(), width=16),
            Text(progress.times(now), overflow="ellipsis", no_wrap=True),
        )
        # room for the ^C that a terminal writes at the cursor: a new line would shift the block
        jobs = Table.grid(padding=(0, 2))
        jobs.width = min(self.console.width - 4, WIDEST)
        jobs.add_column(no_wrap=True)
        jobs.add_column(no_wrap=True, overflow="ellipsis", ratio=1, style="dim")
        jobs.add_column(no_wrap=True, justify="right")
        running = [*progress.running.values()]
        for job in running[:SHOWN]:
            about = self.about.get(job.rule, "")
            jobs.add_row(f"    {job.title}", about, duration(now - job.start))
        if len(running) > SHOWN:
            jobs.add_row(f"    and {len(running) - SHOWN} more", "", "")
        return Group(head, jobs)

    def end(self) -> None:
        """Take the block away and give the cursor back."""
        self._live.stop()
