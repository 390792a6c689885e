"""Runs the chain, and kills it outright at random moments."""

import os
import random
import signal
import threading

KILLS, SEED = 20, 12


def killed_run(project, seconds: float, stop: threading.Event) -> list[int]:
    """Kill the chain :data:`KILLS` times and let it end; how many netCDF files each kill met.

    Parameters
    ----------
    seconds : what the chain takes undisturbed, on two cores
    stop : set where nobody waits for the end any more
    """
    draws, met = random.Random(SEED), []
    for _ in range(KILLS):
        if stop.is_set():
            return met
        process = project.start("-c1", "--quiet", "rules")
        # on one core it takes twice as long, and each start some seconds of its own
        delay = draws.uniform(2, seconds / 7)
        timer = threading.Timer(delay, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        said = process.stdout.read()  # ends when the last process of the group is dead
        code = process.wait()
        timer.cancel()
        if code == 0:  # it was over before
            return met
        assert code == -signal.SIGKILL, said[-6000:]
        made = [p for p in (project.folder / "results").rglob("*.nc") if "/twin/" not in str(p)]
        met.append(len(made))
        # as the documentation has it; before the first job there is no lock yet
        project.snakemake("--unlock", config=None)
    if not stop.is_set():
        project.snakemake("-c1", "--quiet", "rules")
    return met
