"""The commands of the library: what they say when they are given too little."""

import pytest

from parlearn.__main__ import main
from parlearn.storage import provenance


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


@pytest.mark.parametrize("name", ["network.safetensors", "card.json"])
def test_a_network_that_was_changed_is_refused(tmp_path, capsys, name):
    for part in ("network.safetensors", "card.json"):
        (tmp_path / part).write_text("as it was trained")
        provenance.write_sidecar(tmp_path / part, provenance.stamp("learn_dpl"))
    (tmp_path / name).write_text("as nobody trained it")
    arguments = [str(tmp_path), str(tmp_path / "domain.nc"), str(tmp_path / "out.nc")]
    assert main(["apply-network", *arguments]) == 2
    assert f"{tmp_path / name} is not what it was when it was made" in capsys.readouterr().err
