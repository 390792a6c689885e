"""What to say of a job that failed: which, why, and where to read on."""

import re
from pathlib import Path

from .progress import Job

#: lines of a log that are shown, and characters of a line
LINES, COLUMNS = 20, 200


def last_lines(text: str) -> list[str]:
    """The last lines that say something, at most :data:`LINES`, each cut to :data:`COLUMNS`.

    In a traceback Snakemake's first line of a script holds all that the job was given, thousands of
    characters, with as many carets below it.
    """
    lines = [line.rstrip() for line in text.splitlines() if line.strip(" ^~")]
    return [
        line if len(line) <= COLUMNS else f"{line[: COLUMNS - 4]} ..." for line in lines[-LINES:]
    ]


def killed(error: str) -> str:
    """What Snakemake's error says of the signal that ended a job's command; empty without one."""
    if "<Signals.SIGKILL: 9>" in error or "non-zero exit status 137" in error:
        return "It was killed (SIGKILL): perhaps the machine had no memory left."
    if name := re.search(r"died with <Signals\.(\w+): \d+>", error):
        return f"It was ended by the signal {name[1]}."
    return ""


def describe(job: Job, printed: str = "", signal: str = "") -> str:
    """The job by rule and wildcards, the end of its logs, and the logs' paths.

    Parameters
    ----------
    job : the job
    printed : what jobs have printed beside their logs since this one began
    signal : what is known of a signal that ended it; its log cannot say that
    """
    lines = [f"FAILED: {job.title}", *([f"  {signal}"] if signal else [])]
    fresh = []
    for log in job.logs:
        path = Path(log)
        # an older log is of an earlier run; clocks of file systems may be a little behind
        if not path.is_file() or path.stat().st_mtime < job.start - 2:
            continue
        # Snakemake leaves an empty log where a job wrote none
        if tail := last_lines(path.read_text(errors="replace")):
            fresh.append(log)
            lines += [f"  The last lines of {log}:", *(f"    {line}" for line in tail)]
    if tail := last_lines(printed):
        lines += ["  It printed outside of its log:" if fresh else "  It wrote no log. It printed:"]
        lines += [f"    {line}" for line in tail]
    elif not fresh:
        lines += ["  It wrote no log and printed nothing."]
    lines += [f"  All of it: {log}" for log in fresh]
    return "\n".join(lines)
