"""The display of ``--logger parlearn``: words, estimate, failures, and what it makes of records."""

import io
import logging
import os
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_parlearn import LogHandler
from snakemake_logger_plugin_parlearn.estimate import (
    Estimate,
    benchmark_seconds,
    seconds_in_advance,
)
from snakemake_logger_plugin_parlearn.failure import describe
from snakemake_logger_plugin_parlearn.progress import Job, Progress
from snakemake_logger_plugin_parlearn.rules import first_sentences
from snakemake_logger_plugin_parlearn.screens import SHOWN, Block, Lines
from snakemake_logger_plugin_parlearn.words import duration, job_title, remaining

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "printshellcmds": False,
    "nocolor": False,
    "quiet": None,
    "debug_dag": False,
    "verbose": False,
    "show_failed_logs": True,
    "stdout": False,
    "dryrun": False,
}


def test_times_and_jobs_in_words():
    assert duration(45.4) == "45 s"
    assert duration(59.7) == "1 min 00 s"
    assert duration(250) == "4 min 10 s"
    assert duration(7500) == "2 h 05 min"
    assert remaining(20, complete=True) == "less than a minute left (estimate)"
    assert remaining(400, complete=True) == "about 7 min left (estimate)"
    assert remaining(7500, complete=False) == "at least 2 h 05 min left (estimate)"
    assert job_title("audit", {}) == "audit"
    title = job_title("simulate_samples", {"round": "1", "run": "dpl_a"})
    assert title == "simulate_samples, round 1, dpl_a"


def test_what_rules_do_is_read_from_their_docstrings(tmp_path):
    about = first_sentences(ROOT / "Snakefile")
    assert about["retrieve_hydrodl"].startswith("Fetch one file of the hydroDL database")
    # a rule inside a condition
    assert about["build_twin"].startswith("Invent a region")
    (tmp_path / "Snakefile").write_text(
        'rule one:\n    """First, of version 1.2 and on.\n    Second."""\n\n'
        'rule two:\n    input: "a"\n\nrule three:\n    """Third."""\n'
    )
    assert first_sentences(tmp_path / "Snakefile") == {
        "one": "First, of version 1.2 and on",
        "three": "Third",
    }


def test_times_known_before_come_from_benchmarks_and_from_the_table(tmp_path):
    (tmp_path / "learn").mkdir()
    header = "s\th:m:s\tcpu_time\n"
    (tmp_path / "learn/a.tsv").write_text(header + "10.0\t0:00:10\t9\n")
    (tmp_path / "learn/b.tsv").write_text(header + "20.0\t0:00:20\t19\n")
    (tmp_path / "audit.tsv").write_text(header + "3.0\t0:00:03\tNA\n")
    assert benchmark_seconds(tmp_path) == {"learn": 15, "audit": 3}
    assert benchmark_seconds(tmp_path / "none") == {}

    table = ROOT / "resources/rule_seconds.csv"
    for config in ("config", "huaihe_twin"):
        known = seconds_in_advance(table, config)
        assert len(known) > 20
        assert all(seconds >= 0 for seconds in known.values())
    assert seconds_in_advance(table, "no_such") == {}
    assert seconds_in_advance(tmp_path / "none.csv", "config") == {}


def test_time_left_counts_waiting_and_running_jobs_on_all_cores():
    estimate = Estimate({"learn": 100, "draw": 10})
    waiting = Counter(learn=3, draw=2)
    assert estimate.left(waiting, [("learn", 40)], 2) == (pytest.approx(190), True)
    # not shorter than the job that runs longest
    assert estimate.left(Counter(), [("learn", 40), ("draw", 9)], 2) == (60, True)
    # two jobs keep no more than two cores busy
    assert estimate.left(Counter(draw=2), [], 16) == (10, True)
    assert estimate.left(Counter(), [], 2) == (0, True)


def test_a_slow_machine_makes_the_estimate_longer():
    estimate = Estimate({"learn": 100, "draw": 10})
    estimate.note("draw", 30)
    assert 10 < estimate.seconds("draw") < 30
    for _ in range(100):
        estimate.note("learn", 300)
    assert estimate.seconds("draw") == pytest.approx(30, rel=0.02)


def test_a_rule_of_which_nothing_is_known_is_said_to_be_missing():
    estimate = Estimate({"draw": 200})
    assert estimate.left(Counter(draw=1, new=1), [], 1) == (200, False)
    estimate.note("new", 7)
    estimate.note("new", 9)
    assert estimate.left(Counter(draw=1, new=1), [], 1) == (208, True)


@pytest.fixture
def progress():
    progress = Progress(1000.0, Estimate({"learn": 100, "draw": 10}), width=2)
    progress.planned.update(learn=2, draw=2)
    progress.begin(1, "draw", {"figure": "fig1"}, [], 1000)
    progress.begin(2, "learn", {"run": "dpl_a"}, ["learn.log"], 1000)
    progress.finish(1, 1010)
    return progress


def test_progress_counts_jobs_and_estimates_the_time_left(progress):
    assert progress.count == "1 of 4 jobs"
    # 90 s of the job that runs, 100 and 10 s that wait, on two cores
    assert progress.times(1010) == "10 s so far, about 2 min left (estimate)"
    progress.estimate = Estimate()
    assert progress.times(1010) == "10 s so far, time left not known yet"


def test_a_job_that_is_tried_again_is_no_longer_failed(progress):
    assert progress.fail(2).title == "learn, dpl_a"
    assert progress.failed == {2}
    progress.begin(2, "learn", {"run": "dpl_a"}, [], 1020)
    assert progress.failed == set()
    progress.finish(2, 1030)
    assert progress.count == "2 of 4 jobs"


def test_plain_lines_are_few_and_have_no_control_characters(progress):
    stream = io.StringIO()
    lines = Lines(stream, {"learn": "Learn parameters"})
    lines.show(progress, 1010)
    lines.show(progress, 1011)
    progress.begin(3, "draw", {"figure": "fig2"}, [], 1011)
    lines.show(progress, 1012)
    assert stream.getvalue() == (
        "  1 of 4 jobs, 10 s so far, about 2 min left (estimate): learn, dpl_a (Learn parameters)\n"
    )
    lines.show(progress, 1021)
    assert stream.getvalue().splitlines()[1].endswith("learn, dpl_a (Learn parameters) and 1 more")
    # nothing new: a line a minute says that it is alive
    lines.show(progress, 1050)
    assert len(stream.getvalue().splitlines()) == 2
    lines.show(progress, 1082)
    assert len(stream.getvalue().splitlines()) == 3
    assert "\r" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def drawn(block, progress, now, width=80):
    console = Console(file=io.StringIO(), width=width)
    block.console = console
    console.print(block.draw(progress, now))
    return console.file.getvalue().splitlines()


def test_block_shows_how_far_how_long_and_what_runs(progress):
    block = Block(io.StringIO(), {"learn": "Learn " + "very " * 40 + "much"})
    head, job = drawn(block, progress, 1010)
    assert "1 of 4 jobs" in head
    assert "about 2 min left (estimate)" in head
    assert job.strip().startswith("learn, dpl_a  Learn very very")
    assert job.rstrip().endswith("10 s")
    assert len(job.rstrip()) <= 76
    assert drawn(block, Progress(0.0), 1) == ["  planning ..."]


def test_block_of_many_jobs_stays_short(progress):
    for number in range(100):
        progress.begin(10 + number, "draw", {"figure": f"fig{number}"}, [], 1000)
    lines = drawn(Block(io.StringIO(), {}), progress, 1010)
    assert len(lines) == 1 + SHOWN + 1
    assert lines[-1].strip() == f"and {101 - SHOWN} more"


def test_failure_shows_the_end_of_the_log_and_its_path(tmp_path):
    log = tmp_path / "learn.log"
    log.write_text("".join(f"line {number}\n" for number in range(50)))
    job = Job("learn", "learn, dpl_a", log.stat().st_mtime - 1, [str(log)])
    text = describe(job)
    assert text.startswith("FAILED: learn, dpl_a\n")
    assert "line 29\n" not in text
    assert "line 30\n" in text
    assert "line 49\n" in text
    assert text.endswith(f"All of it: {log}")


def test_failure_before_the_log_shows_what_was_printed(tmp_path):
    log = tmp_path / "learn.log"
    log.write_text("of an earlier run\n")
    job = Job("learn", "learn, dpl_a", log.stat().st_mtime + 100, [str(log)])
    text = describe(job, "ImportError: no module named torch\n")
    assert "earlier run" not in text
    assert "wrote no log" in text
    assert "ImportError" in text
    (tmp_path / "empty.log").touch()
    for name in ("none.log", "empty.log"):
        job = Job("learn", "learn", 0, [str(tmp_path / name)])
        assert "wrote no log and printed nothing" in describe(job)


def test_the_long_line_that_snakemake_puts_into_tracebacks_is_cut(tmp_path):
    log = tmp_path / "learn.log"
    log.write_text("import sys; " + "x" * 9000 + "\n    " + "^" * 9000 + "\nValueError: wrong\n")
    lines = describe(Job("learn", "learn", 0, [str(log)])).splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) <= 210
    assert lines[3] == "    ValueError: wrong"


@pytest.fixture
def handler(tmp_path, monkeypatch):
    """Makes a handler whose run has begun: two rules, three jobs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text('rule learn:\n    """Learn."""\n')
    made = []

    def make(**settings):
        handler = LogHandler(SimpleNamespace(**SETTINGS | settings), None)
        made.append(handler)
        tell(
            handler,
            LogEvent.WORKFLOW_STARTED,
            snakefile_main=str(tmp_path / "Snakefile"),
            configfiles=[],
        )
        tell(handler, LogEvent.RESOURCES_INFO, cores=2)
        tell(handler, LogEvent.RUN_INFO, stats={"learn": 2, "draw": 1, "total": 3})
        return handler

    yield make
    for handler in made:
        handler.close()


def tell(handler, event, message="", level=logging.INFO, **fields):
    record = logging.LogRecord("snakemake", level, "x.py", 1, message, (), None)
    vars(record).update(fields, event=event)
    handler.handle(record)


def start(handler, number, rule="learn", log=(), **wildcards):
    tell(
        *(handler, LogEvent.JOB_INFO, "Rule"),
        jobid=number,
        rule_name=rule,
        wildcards=wildcards,
        log=list(log),
        benchmark=None,
        threads=1,
    )


def end(handler, capfd):
    handler.close()
    return capfd.readouterr().err


def test_a_run_without_trouble_ends_with_one_line(handler, capfd):
    shown = handler()
    for number, rule in enumerate(("learn", "learn", "draw")):
        tell(shown, LogEvent.JOB_STARTED, jobs=[number])
        start(shown, number, rule)
        tell(shown, LogEvent.JOB_FINISHED, job_id=number)
        tell(shown, LogEvent.PROGRESS, done=number + 1, total=3)
        tell(shown, None, "Select jobs to execute...")
    assert re.fullmatch(r"  3 of 3 jobs done in \d+ s", end(shown, capfd).splitlines()[-1])


def test_what_jobs_print_stays_out_of_the_terminal_until_the_end(handler, capfd):
    shown = handler()
    os.write(2, b"noise of a job\n")
    assert os.environ["PARLEARN_LOG_ONLY"]
    assert "noise" not in end(shown, capfd)
    assert "PARLEARN_LOG_ONLY" not in os.environ
    os.write(2, b"after it\n")
    assert capfd.readouterr().err == "after it\n"


def test_a_failure_is_shown_once_with_its_wildcards(handler, capfd):
    shown = handler()
    Path("learn.log").write_text("ERROR a wrong number\n")
    start(shown, 1, log=["learn.log"], run="dpl_a")
    tell(shown, LogEvent.ERROR, "RuleException: ...", logging.ERROR, exception="RuleException")
    tell(
        *(shown, LogEvent.JOB_ERROR, "Error in rule learn", logging.ERROR),
        jobid=1,
        rule_name="learn",
        log=["learn.log"],
    )
    last = "At least one job did not complete successfully."
    tell(shown, LogEvent.ERROR, f"WorkflowError:\n{last}", logging.ERROR, exception="WorkflowError")
    said = end(shown, capfd)
    assert said.count("FAILED: learn, dpl_a") == 1
    assert "ERROR a wrong number" in said
    assert "RuleException" not in said
    assert last not in said
    assert "the same command goes on from here" in said


def test_a_job_that_was_killed_is_said_to_be(handler, capfd):
    shown = handler()
    error = "RuleException:\nCalledProcessError in file 'x.smk', line 35:\nCommand 'python a.py' "
    for number, how in enumerate(("died with <Signals.SIGKILL: 9>.", "returned exit status 1.")):
        start(shown, number, run=f"run_{number}")
        tell(shown, LogEvent.ERROR, error + how, logging.ERROR, exception="RuleException")
        tell(shown, LogEvent.JOB_ERROR, jobid=number, rule_name="learn", log=[])
    first, second = end(shown, capfd).split("FAILED")[1:]
    assert "run_0" in first
    assert "perhaps the machine had no memory left" in first
    assert "run_1" in second
    assert "killed" not in second


def test_an_error_of_the_workflow_itself_and_warnings_are_shown(handler, capfd):
    shown = handler()
    wrong = "WorkflowError:\nconfig/config.yaml: periods: no such key"
    tell(shown, LogEvent.ERROR, wrong, logging.ERROR, exception="WorkflowError")
    tell(shown, None, "the disk is nearly full", logging.WARNING)
    said = end(shown, capfd)
    assert wrong in said
    assert "the disk is nearly full" in said


def test_jobs_that_an_interrupt_ended_are_no_failures(handler, capfd):
    shown = handler()
    start(shown, 1, run="dpl_a")
    tell(shown, LogEvent.JOB_ERROR, jobid=1, rule_name="learn", log=[])
    tell(shown, None, "Terminating processes on user request, this might take some time.")
    said = end(shown, capfd)
    assert "FAILED" not in said
    assert "Stopped by the user. What is done is kept" in said


def test_nothing_to_be_done_is_said(handler, capfd):
    shown = handler()
    tell(shown, None, "Nothing to be done (all requested files are present and up to date).")
    assert end(shown, capfd) == "  All of it is there already.\n"


def test_quiet_leaves_failures_alone(handler, capfd):
    shown = handler(quiet={"all"})
    start(shown, 1, run="dpl_a")
    tell(shown, LogEvent.JOB_ERROR, jobid=1, rule_name="learn", log=[])
    said = end(shown, capfd)
    assert said.startswith("FAILED: learn, dpl_a\n")
    assert "of 3 jobs" not in said


def test_an_error_of_the_display_is_shown_and_ends_nothing(handler, capfd):
    shown = handler()
    tell(shown, LogEvent.JOB_FINISHED, job_id=99)
    assert "KeyError: 99" in end(shown, capfd)


def test_dry_run_is_left_to_snakemake(handler, capfd):
    shown = handler(dryrun=True, stdout=True)
    tell(shown, None, "This was a dry-run")
    shown.close()
    assert "This was a dry-run" in capfd.readouterr().out
