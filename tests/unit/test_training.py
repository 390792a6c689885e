"""The training loop's pieces: resume after a kill, early stopping, checkpoints, progress."""

import io
import logging
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from parlearn.networks import training
from parlearn.networks.training import Training, load_checkpoint, save_checkpoint

EPOCHS = 6


def start(path=None, epochs=EPOCHS, seed=0, **options):
    """A small regression whose batches, dropout and learning rate all carry state."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=EPOCHS)
    run = Training(
        module,
        optimizer,
        epochs,
        scheduler=scheduler,
        generator=torch.Generator().manual_seed(seed),
        checkpoint=path,
        identity={"seed": seed, "sizes": (3, 8)},
        **options,
    )
    return run


def train(run, stop_after=None):
    for epoch in run:
        x = torch.randn(32, 3, generator=run.generator)
        loss = (run.module(x)[:, 0] - x.sum(1)).square().mean()
        run.optimizer.zero_grad()
        loss.backward()
        run.optimizer.step()
        run.scheduler.step()
        run.record(
            loss.item(), loss.item() + 1, keep={"weight": run.module[0].weight}, runs=2 * epoch
        )
        if epoch == stop_after:
            return


def numbers(run):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]


def assert_same(a, b):
    assert numbers(a) == numbers(b)
    for ours, theirs in zip(a.module.parameters(), b.module.parameters()):
        assert torch.equal(ours, theirs)
    assert len(a.kept["weight"]) == len(b.kept["weight"]) == EPOCHS
    assert all(torch.equal(*pair) for pair in zip(a.kept["weight"], b.kept["weight"]))
    a.restore_best()
    b.restore_best()
    assert torch.equal(a.module[0].weight, b.module[0].weight)
    assert (a.best_epoch, a.best_loss) == (b.best_epoch, b.best_loss)


def test_resumed_run_gives_the_numbers_of_an_undisturbed_one(tmp_path):
    whole = start()
    train(whole)
    train(start(tmp_path / "run.pt"), stop_after=3)
    torch.manual_seed(99)
    second = start(tmp_path / "run.pt")
    assert second.epoch == 3
    train(second)
    assert_same(whole, second)
    assert [row["runs"] for row in second.history] == [2, 4, 6, 8, 10, 12]


def test_killed_run_resumes(tmp_path):
    """SIGKILL in the middle of an epoch, the optimiser having stepped already."""
    script = (
        "import os, signal, sys\n"
        f"sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        "import test_training as t\n"
        f"run = t.start({str(tmp_path / 'run.pt')!r})\n"
        "record = run.record\n"
        "def die(*args, **kwargs):\n"
        "    if run.epoch == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    record(*args, **kwargs)\n"
        "run.record = die\n"
        "t.train(run)\n"
    )
    library = str(Path(training.__file__).parents[2])
    killed = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": library}, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    whole = start()
    train(whole)
    second = start(tmp_path / "run.pt")
    assert second.epoch == 2
    train(second)
    assert_same(whole, second)
    second.discard_checkpoint()
    assert list(tmp_path.iterdir()) == []


def test_checkpoint_of_another_run_is_not_resumed(tmp_path, caplog):
    train(start(tmp_path / "run.pt"), stop_after=2)
    with caplog.at_level(logging.WARNING):
        other = start(tmp_path / "run.pt", seed=1)
    assert other.epoch == 0
    assert other.history == []
    assert "starting anew" in caplog.text


def test_early_stopping_keeps_the_best(tmp_path):
    run = start(patience=2)
    weights = {}
    losses = [5.0, 3.0, 4.0, 3.5, 1.0, 0.5]
    for epoch in run:
        with torch.no_grad():
            run.module[0].bias.fill_(epoch)
        run.record(10.0 - epoch, losses[epoch - 1])
        weights[epoch] = run.module[0].bias.clone()
    assert run.epoch == 4
    assert run.best_epoch == 2
    assert "2 without improvement" in run.stopped
    run.restore_best()
    assert torch.equal(run.module[0].bias, weights[2])


def test_finished_run_has_nothing_left_to_do(tmp_path):
    train(start(tmp_path / "run.pt"))
    again = start(tmp_path / "run.pt")
    assert list(again) == []
    assert len(again.history) == EPOCHS
    assert again.seconds >= again.history[-1]["seconds"]


def test_loss_that_is_not_finite_is_an_error(tmp_path):
    run = start(tmp_path / "run.pt")
    with pytest.raises(FloatingPointError, match="epoch 1.*learning rate"):
        run.record(math.nan)
    assert not (tmp_path / "run.pt").exists()


def test_epoch_without_record_is_an_error():
    with pytest.raises(RuntimeError, match="without a call of record"):
        list(start())


def test_checkpoints_hold_data_only(tmp_path, caplog):
    path = tmp_path / "a.pt"
    save_checkpoint(path, {"x": torch.ones(2), "n": 1, "rows": [{"loss": 0.5}]}, "a")
    content = load_checkpoint(path, "a")
    assert torch.equal(content["x"], torch.ones(2))
    assert content["rows"] == [{"loss": 0.5}]
    save_checkpoint(path, {"module": nn.Linear(1, 1)}, "a")
    assert load_checkpoint(path, "a") is None
    assert "weights_only" in caplog.text or "Weights only" in caplog.text


def flipped(path):
    """One bit of the first weight: all else, and what torch itself checks, stays as it is."""
    whole = bytearray(path.read_bytes())
    weights = start().module[0].weight.detach().numpy().tobytes()
    assert (at := bytes(whole).find(torch.load(path)["module"]["0.weight"].numpy().tobytes())) > 0
    whole[at + len(weights) - 1] ^= 0x40  # the exponent
    path.write_bytes(whole)


def cut(path):
    path.write_bytes(path.read_bytes()[:-300])


def emptied(path):
    path.write_bytes(b"")


def by_torch_alone(path):
    torch.save({"x": torch.ones(3)}, path)


def of_another(path):
    save_checkpoint(path, {"x": torch.ones(3)}, "another run")


def without_its_contents(path):
    save_checkpoint(path, {"x": torch.ones(3)}, "training")


DAMAGES = [flipped, cut, emptied, by_torch_alone, of_another, without_its_contents]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_checkpoint_that_does_not_verify_is_set_aside(tmp_path, caplog, damage):
    path = tmp_path / "run.pt"
    train(start(path), stop_after=3)
    damage(path)
    found = path.read_bytes()
    with caplog.at_level(logging.WARNING):
        again = start(path)
    assert again.epoch == 0
    assert str(path) in caplog.text
    assert "from the beginning" in caplog.text
    assert path.with_name("run.pt.unusable").read_bytes() == found
    train(again)
    whole = start()
    train(whole)
    assert_same(whole, again)


def test_failed_write_leaves_the_old_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    save_checkpoint(path, {"n": 1}, "a")
    with pytest.raises(Exception, match="pickle|local"):
        save_checkpoint(path, {"n": lambda: 1}, "a")
    assert load_checkpoint(path, "a") == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_log_is_not_flooded(caplog):
    with caplog.at_level(logging.INFO):
        train(start())
    lines = [r.message for r in caplog.records if "epoch" in r.message and "left" in r.message]
    assert len(lines) == 2
    assert "epoch 6 of 6, loss" in lines[-1]


def test_bar_on_a_terminal(monkeypatch, caplog):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with caplog.at_level(logging.INFO):
        train(start(label="dpl_a"))
    assert "dpl_a" in terminal.getvalue()
    assert "6/6" in terminal.getvalue()
    assert "loss" in terminal.getvalue()
    assert [r.message for r in caplog.records if "left" in r.message] == []
