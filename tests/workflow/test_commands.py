"""Every command that a page, a configuration, a rule or a docstring gives is taken up here and run.

Snakemake's own are taken apart by its own parser, word by word, and planned (``-n``); those of make
are printed (``make -n``); programs of Python are asked for their help, and for every option; what
takes seconds runs as it stands. To read the rules is what takes time, so targets of one
configuration are planned together, and a program says its help once.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest
from snakemake.cli import parse_args

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = r"(?:snakemake|make|python) "
#: a command ends where an explanation begins: at a #, at two blanks, at a bracket or the quote
END = re.compile(r"\s#|\s{2,}|[`')]")
#: what stands for something of the reader's own, in the words of the pages
MEANT = {
    "FILE": "config/huaihe.yaml",
    "RUN": "dpl_z_s8_2y_1",
    "FOLDER": "tests/data/vic5-synthetic",
}
#: takes seconds, and needs nothing but the project
SHORT = ("python -m parlearn check-vic tests/data/vic5-synthetic",)
#: targets that take what is there, and what they say where nothing is
OF_RESULTS = {"audit_rerun": "there is no run in results/runs to repeat: make some first"}
#: short for what cannot be written down whole
LEFT_OUT = re.compile(r"\.\.\.|[{<]")


def texts() -> dict[str, str]:
    """Name -> text of all files of the project that may tell of a command, the tests apart."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    kinds = (".md", ".yaml", ".py", ".smk", ".rst", "Snakefile", "Makefile")
    return {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in listed
        if name.endswith(kinds) and not name.startswith("tests/") and (ROOT / name).is_file()
    }


def of_page(text: str) -> Iterator[str]:
    """Commands of a page in Markdown: lines of its blocks, and what stands in backticks."""
    for line in re.findall(rf"(?m)^(?:    |)({PROGRAM}.*)$", re.sub(r"\\\n\s*", "", text)):
        yield END.split(line)[0]
    for words in re.findall(rf"`({PROGRAM}[^`]+)`", text):
        yield " ".join(words.split())


def of_comments(text: str) -> Iterator[str]:
    """Commands at the head of a comment's line."""
    for line in re.findall(rf"(?m)^# +({PROGRAM}.*)$", text):
        yield END.split(line)[0]


def of_code(name: str, text: str) -> Iterator[str]:
    """Commands in comments, and in strings: a line of a docstring, or what stands in quotes."""
    yield from of_comments(text)
    with open(ROOT / name, "rb") as stream:
        strings = [
            t.string for t in tokenize.tokenize(stream.readline) if t.type == tokenize.STRING
        ]
    for string in strings:
        joined = re.sub(r"\\+\n\s*", "", string)
        for line in re.findall(rf"(?m)(?:^ *|alone: )({PROGRAM}.*)$", joined):
            yield END.split(line)[0]


def commands() -> dict[str, list[str]]:
    """Command -> names of the files that give it."""
    found: dict[str, list[str]] = {}
    for name, text in texts().items():
        if name.endswith((".md", ".rst")):
            given = of_page(text)
        elif name.endswith(".py"):
            given = of_code(name, text)
        else:
            given = of_comments(text)
        for command in given:
            if LEFT_OUT.search(command):
                continue
            # what may be left out stands in brackets
            command = re.sub(r"\[(-.*?)\]", r"\1", command).strip(" .,;:")
            found.setdefault(command, []).append(name)
    return found


COMMANDS = commands()


def meant(command: str) -> list[str]:
    """The words of a command, with something in place of what the reader fills in."""
    for word, value in MEANT.items():
        command = re.sub(rf"\b{word}\b", value, command)
    return shlex.split(command)


def run(words, folder) -> subprocess.CompletedProcess:
    return subprocess.run(
        words,
        cwd=folder,
        # the library of the copy, as .venv has that of the clone
        env=os.environ | {"PYTHONPATH": str(folder / "workflow/lib")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def of(program: str) -> list[str]:
    return [command for command in COMMANDS if command.startswith(f"{program} ")]


def test_commands_are_found_where_they_stand():
    files = {name for names in COMMANDS.values() for name in names}
    assert {
        "README.md",
        "config/README.md",
        "config/conus.yaml",
        "docs/cluster.md",
        "docs/quickstart.md",
        "Makefile",
        "Snakefile",
        "profiles/slurm/config.yaml",
        "workflow/rules/audit.smk",
        "workflow/scripts/preflight.py",
        "benchmarks/try_settings.py",
        "results/README.md",
    } <= files
    assert len(of("snakemake")) > 30
    assert len(of("make")) > 8
    assert len(of("python")) > 12


@pytest.fixture(scope="module")
def project(make_project):
    project = make_project("commands")
    for folder in ("benchmarks", "docs"):
        shutil.copytree(ROOT / folder, project.folder / folder)
    return project


class Asked(NamedTuple):
    """What a command of Snakemake asks for, as its own parser has it.

    ``settings`` are the words that decide what can be planned, ``ways`` those that say how.
    """

    settings: tuple[str, ...]
    targets: tuple[str, ...]
    ways: tuple[str, ...]


def asked(command: str) -> Asked:
    """SystemExit or an exception where Snakemake does not know a word."""
    _, given = parse_args(meant(command)[1:])
    # what makes something has to say on how many cores, or where
    assert given.cores or given.profile or given.dryrun or given.unlock or given.report, command
    settings = {"--configfile": given.configfile, "--config": given.config}
    ways = {"--profile": given.profile, "--logger": given.logger}
    words = [
        tuple(
            str(word) for option, values in options.items() if values for word in (option, *values)
        )
        for options in (settings, ways)
    ]
    # to report on what is not there, and to unlock what nobody holds, is to plan it
    return Asked(words[0], tuple(sorted(given.targets)) or ("all",), words[1])


@pytest.fixture(scope="module")
def plans(project):
    """Asked -> a dry run of it, and of all else that is asked for of the same settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        every = {asked(command) for command in of("snakemake")}

    @cache
    def of_one(one: Asked):
        words = ["-n", *one.targets, *one.ways, *one.settings]
        return run([sys.executable, "-m", "snakemake", *words], project.folder)

    @cache
    def of_settings(settings):
        here = [one for one in every if one.settings == settings]
        targets = {*chain.from_iterable(one.targets for one in here)} - {*OF_RESULTS}
        ways = chain.from_iterable(sorted({one.ways for one in here}))
        return of_one(Asked(settings, tuple(sorted(targets)), tuple(ways)))

    def plan(one: Asked):
        if one not in every or {*one.targets} & {*OF_RESULTS}:
            return of_one(one)
        done = of_settings(one.settings)
        # which of them it is that cannot be planned
        return done if done.returncode == 0 else of_one(one)

    return plan


@pytest.mark.parametrize("command", of("snakemake"))
def test_snakemake_takes_it(project, plans, monkeypatch, command):
    monkeypatch.chdir(project.folder)
    done = plans(one := asked(command))
    if said := next((said for target, said in OF_RESULTS.items() if target in one.targets), None):
        assert said in done.stdout
        return
    assert done.returncode == 0, f"{command} ({COMMANDS[command]}):\n{done.stdout[-3000:]}"
    assert "This was a dry-run" in done.stdout


def test_what_snakemake_does_not_know_is_told(project, plans, monkeypatch):
    """That the tests above can fail: an option, a target and a configuration that are not there."""
    monkeypatch.chdir(project.folder)
    with pytest.raises(SystemExit):
        asked("snakemake -c2 --no-such-option")
    done = plans(asked("snakemake -c2 no_such_figure"))
    assert done.returncode == 1
    assert "no_such_figure" in done.stdout


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
@pytest.mark.parametrize("command", of("make"))
def test_make_knows_it(command):
    done = run(["make", "-n", *meant(command)[1:]], ROOT)
    assert done.returncode == 0, f"{command} ({COMMANDS[command]}):\n{done.stdout[-3000:]}"


@pytest.fixture(scope="module")
def told(project):
    """Words of Python that name a program -> what it says of itself."""

    @cache
    def help_of(words, folder):
        return run([sys.executable, *words, "--help"], folder)

    return help_of


@pytest.mark.parametrize("command", of("python"))
def test_python_takes_it(project, told, command):
    words, folder = meant(command)[1:], project.folder
    if words[0] != "-m" and not (folder / words[0]).is_file():
        folder /= Path(COMMANDS[command][0]).parent
    if command in SHORT:
        done = run([sys.executable, *words], folder)
    else:
        # of the library the command is part of the name
        done = told(tuple(words[: 3 if words[0] == "-m" else 1]), folder)
    assert done.returncode == 0, f"{command} ({COMMANDS[command]}):\n{done.stdout[-3000:]}"
    if command not in SHORT:
        for option in (word for word in words if word.startswith("--")):
            assert option in done.stdout, f"{command} ({COMMANDS[command]}): there is no {option}"


def test_a_target_behind_configfile_is_told_in_a_sentence(project):
    words = ["-c2", "--configfile", "config/real.yaml", "tsai2021_tableS1"]
    done = run([sys.executable, "-m", "snakemake", *words], project.folder)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "'tsai2021_tableS1' after --configfile: that option takes all words up to the next option "
        "for configuration files; write: snakemake tsai2021_tableS1 -c2 --configfile "
        "config/real.yaml"
    )
    assert "Traceback" not in done.stdout
