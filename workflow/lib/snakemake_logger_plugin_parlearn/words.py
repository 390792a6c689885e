"""Times and jobs in words."""

from collections.abc import Mapping


def duration(seconds: float) -> str:
    """A time as a person says it: ``45 s``, ``4 min 10 s``, ``2 h 05 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def remaining(seconds: float, complete: bool) -> str:
    """An estimated time until the end; ``complete``: it counts all jobs, not only known ones."""
    if seconds < 60 and complete:
        return "less than a minute left (estimate)"
    minutes = max(1, round(seconds / 60))
    time = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{'about' if complete else 'at least'} {time} left (estimate)"


def job_title(rule: str, wildcards: Mapping[str, str]) -> str:
    """A job by its rule and wildcards: ``simulate_samples, round 1, batch 0``."""
    parts = [
        f"{name} {value}" if str(value).isdigit() else str(value)
        for name, value in (wildcards or {}).items()
    ]
    return ", ".join([rule, *parts])
