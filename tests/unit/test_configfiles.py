"""What stands after --configfile is looked at before Snakemake opens it."""

import pytest
from snakemake_logger_plugin_parlearn.configfiles import is_snakemake, problem


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """A working directory with some files of settings and a result."""
    monkeypatch.chdir(tmp_path)
    for name in ("real.yaml", "more.yml", "plain", "figures.csv"):
        (tmp_path / name).write_text("name: x\n")
    (tmp_path / "tabs.json").write_text('{\n\t"name": "x"\n}\n')
    (tmp_path / "retrieve").mkdir()


@pytest.mark.parametrize(
    "command",
    [
        "snakemake -c2",
        "snakemake -c2 fig4 --configfile real.yaml",
        "snakemake -c2 --configfile real.yaml",
        "snakemake -c2 --configfile real.yaml -- fig4",
        "snakemake -c2 --configfile real.yaml more.yml --quiet -n fig4",
        "snakemake -c2 --configfiles real.yaml plain -n",
        "snakemake --configfile tabs.json -n",
        "snakemake --configfile=real.yaml fig4",
        "snakemake --configfile real.yaml --config name=none",
        "snakemake -- fig4 --configfile none",
    ],
)
def test_commands_that_are_right(command):
    assert problem(command.split()) == ""


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        ("-c2 --configfile real.yaml fig4", "snakemake fig4 -c2 --configfile real.yaml"),
        ("--configfile real.yaml more.yml fig4 -n", "snakemake fig4 --configfile real.yaml more."),
        ("--configfiles real.yaml figures.csv", "snakemake figures.csv --configfiles real.yaml"),
        ("--configfile real.yaml retrieve", "snakemake retrieve --configfile real.yaml"),
        ("--configfile none --configfile real.yaml fig4", "snakemake fig4 --configfile none --con"),
    ],
)
def test_a_target_behind_the_option(command, remedy):
    said = problem(["snakemake", *command.split()])
    assert "after --configfile: that option takes all words up to the next option" in said
    assert f"write: {remedy}" in said
    target = remedy.split()[1]
    assert said.startswith(f"'{target}' ")
    # what is proposed is right
    written = said.partition("write: ")[2].split()
    assert problem(written) == "" or "none" in written


def test_several_targets():
    said = problem(["snakemake", "--configfile", "real.yaml", "fig4", "claims", "-c2"])
    assert said.startswith("'fig4' and 'claims' after --configfile")
    assert said.endswith("write: snakemake fig4 claims --configfile real.yaml -c2")


def test_files_that_cannot_be_read(tmp_path):
    def said(name):
        return problem(["snakemake", "-n", "--configfile", "real.yaml", name])

    assert said("mine.yaml") == "mine.yaml: there is no such file: correct the path"
    assert problem(["snakemake", "--configfile", "none"]).startswith("none: there is no such file")
    (tmp_path / "mine.yaml").write_bytes(b"name: caf\xe9")
    assert said("mine.yaml").startswith("mine.yaml: line 1 is not in UTF-8: save the file in UTF-8")
    (tmp_path / "mine.yaml").write_text("name: a\nname: b\n")
    assert "mine.yaml: name: stands twice, in lines 1 and 2" in said("mine.yaml")
    (tmp_path / "mine.yaml").write_text("start: 2015-13-01\n")
    assert "is not valid YAML: month must be in 1..12" in said("mine.yaml")


def test_whose_command_line_it_is():
    assert is_snakemake(["/there/bin/snakemake", "-n"])
    assert is_snakemake(["/there/lib/python3.11/site-packages/snakemake/__main__.py"])
    assert not is_snakemake(["/there/bin/pytest"])
    assert not is_snakemake(["-c"])
