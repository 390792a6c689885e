"""Provenance: what a file says of its making."""

import json
import re
from pathlib import Path

import torch

from parlearn.storage import provenance
from parlearn.storage.files import sha256


def test_stamp_names_what_decides_a_result(tmp_path):
    source = tmp_path / "in.nc"
    source.write_bytes(b"abc")
    given = {"code": "1234", "hidden": 64, "targets": ["a"]}
    stamp = provenance.stamp("learn_dpl", [source], given, seed=3, device="cpu")
    assert all(isinstance(value, str) for value in stamp.values())
    assert stamp["provenance_rule"] == "learn_dpl"
    assert stamp["provenance_code"] == "1234"
    assert json.loads(stamp["provenance_config"]) == {"hidden": 64, "targets": ["a"]}
    assert json.loads(stamp["provenance_inputs"]) == {str(source): sha256(source)}
    assert stamp["provenance_seed"] == "3"
    assert "torch" in json.loads(stamp["provenance_versions"])


def test_stamp_has_every_field_and_settings_no_place():
    stamp = provenance.stamp("r", config={"code": "1", "weights": "folder", "a": 1})
    assert [*stamp] == [f"provenance_{name}" for name in provenance.FIELDS]
    assert stamp["provenance_config"] == '{"a": 1}'
    assert stamp["provenance_machine"]


def test_long_settings_are_stamped_by_their_digest():
    short, long, other = (
        json.loads(provenance.settings({"plan": value}))["plan"]
        for value in (["a"], ["a"] * 10_000, ["b"] * 10_000)
    )
    assert short == ["a"]
    assert long.startswith("sha256:")
    assert long != other


def test_config_digest_knows_settings_and_not_their_order():
    one, two, other = (
        provenance.stamp("r", config=c)["provenance_config_digest"]
        for c in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 3})
    )
    assert one == two != other


def test_peak_memory_is_that_of_the_device(monkeypatch):
    status = Path("/proc/self/status").read_text()
    kibibytes = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
    resident = float(provenance.stamp("r", device="cpu")["provenance_peak_memory_mb"])
    assert 0.9 < resident * 1e6 / (1024 * kibibytes) < 10
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3_000_000)
    assert provenance.stamp("r", device="cuda")["provenance_peak_memory_mb"] == "3.0"


def test_pairs_will_do_as_config():
    assert json.loads(provenance.stamp("r", config={"a": 1}.items())["provenance_config"]) == {
        "a": 1
    }


def test_sidecar_holds_the_checksum_of_its_file(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a\n1\n")
    provenance.write_sidecar(table, provenance.stamp("r", [table], {"a": 1}))
    beside = json.loads((tmp_path / "t.csv.json").read_text())
    assert beside["sha256"] == sha256(table)
    assert beside["config"] == {"a": 1}
    assert beside["rule"] == "r"


def test_sidecar_holds_the_checksum_of_itself(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a\n1\n")
    # keys that are numbers are texts in JSON
    more = {"changed_ns": {10: 1.5, 9: None}, "spans": (("a", "b"),)}
    provenance.write_sidecar(table, provenance.stamp("r", [table], {"a": 1}) | more)
    beside = provenance.read_sidecar(table)
    assert beside[provenance.STAMP] == provenance.stamp_digest(beside)
    for name in [name for name in beside if name != provenance.STAMP]:
        assert provenance.stamp_digest(beside | {name: "another"}) != beside[provenance.STAMP]


def test_outside_a_checkout_the_commit_is_unknown(tmp_path):
    assert provenance.commit_of(tmp_path) == ("unknown", "unknown")
