"""The commands of the library: what they say when they are given too little."""

import pytest

from parlearn.__main__ import main


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for command in ("check-vic", "export-vic5", "apply-network"):
        assert command in shown


def test_a_missing_network_is_named(tmp_path, capsys):
    arguments = [str(tmp_path / "network"), str(tmp_path / "domain.nc"), str(tmp_path / "out.nc")]
    assert main(["apply-network", *arguments]) == 2
    assert "network" in capsys.readouterr().err
    assert not (tmp_path / "out.nc").exists()
