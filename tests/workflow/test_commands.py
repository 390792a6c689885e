"""Every command that a page, a configuration, a rule or a docstring gives is taken up here and run.

Snakemake's own are planned (``-n``), those of make printed (``make -n``), those of Python asked for
their help, with all their words; what takes seconds runs as it stands.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    return make_project("commands")


@pytest.mark.parametrize("command", of("snakemake"))
def test_snakemake_takes_it(project, command):
    words = meant(command)[1:]
    if "--report" in words:
        # there is nothing to report on: that the instance can be planned has to do
        at = words.index("--report")
        del words[at : at + (2 if words[at + 1 : at + 2] else 1)]
    if "--unlock" not in words:
        words.insert(0, "-n")
    done = run([sys.executable, "-m", "snakemake", *words], project.folder)
    if said := next((said for target, said in OF_RESULTS.items() if target in words), None):
        assert said in done.stdout
        return
    assert done.returncode == 0, f"{command} ({COMMANDS[command]}):\n{done.stdout[-3000:]}"
    assert "--unlock" in words or "This was a dry-run" in done.stdout


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
@pytest.mark.parametrize("command", of("make"))
def test_make_knows_it(command):
    done = run(["make", "-n", *meant(command)[1:]], ROOT)
    assert done.returncode == 0, f"{command} ({COMMANDS[command]}):\n{done.stdout[-3000:]}"


@pytest.mark.parametrize("command", of("python"))
def test_python_takes_it(project, command):
    shutil.copytree(ROOT / "benchmarks", project.folder / "benchmarks", dirs_exist_ok=True)
    words, folder = meant(command)[1:], project.folder
    if words[0] != "-m" and not (folder / words[0]).is_file():
        folder /= Path(COMMANDS[command][0]).parent
    if command not in SHORT:
        words.append("--help")
    done = run([sys.executable, *words], folder)
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
