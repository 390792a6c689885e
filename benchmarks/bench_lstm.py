"""A training step of our LSTM against a plain torch.nn.LSTM of the same size, in one run.

    python benchmarks/bench_lstm.py [--json FILE] [--device cuda]

412 cells, hidden 256, batches of 100 cells, windows of 30 and 240 days (Tsai et al. 2021 train
networks of this kind). Ours has the variational dropout of eqs. 2-5 and static inputs apart; the
plain one the same input and output layers, statics repeated each day, and no dropout. Both draw the
same batches, and step with Adam. Medians over repeats, one thread.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from torch import nn

from parlearn.networks import LSTM

CELLS, DAYS, SERIES, STATIC = 412, 731, 10, 20
HIDDEN, BATCH = 256, 100
WINDOWS = (30, 240)
REPEATS = 7


class PlainLSTM(nn.Module):
    """Eqs. 1-8 without D: Linear and ReLU, torch's LSTM, Linear."""

    def __init__(self):
        super().__init__()
        self.input = nn.Linear(SERIES + STATIC, HIDDEN)
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, batch_first=True)
        self.output = nn.Linear(HIDDEN, 1)

    def forward(self, series, static):
        repeated = static[:, None].expand(-1, series.shape[1], -1)
        hidden, _ = self.lstm(torch.relu(self.input(torch.cat([series, repeated], -1))))
        return self.output(hidden), None


def make_step(network: nn.Module, window: int, device: str):
    """A function that does one training step on a fresh batch."""
    generator = torch.Generator(device=device).manual_seed(0)
    series, static, target = (
        torch.randn(shape, generator=generator, device=device)
        for shape in ((CELLS, DAYS, SERIES), (CELLS, STATIC), (CELLS, DAYS, 1))
    )
    network = network.to(device).train()
    optimizer = torch.optim.Adam(network.parameters())
    offsets = torch.arange(window, device=device)

    def step():
        cell = torch.randint(CELLS, (BATCH,), generator=generator, device=device)
        first = torch.randint(DAYS - window, (BATCH,), generator=generator, device=device)
        day = first[:, None] + offsets
        answer, _ = network(series[cell[:, None], day], static[cell])
        loss = (answer - target[cell[:, None], day]).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def time_step(step, device: str) -> float:
    """Seconds of one step."""
    if device == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def measure(repeats: int = REPEATS, device: str = "cpu") -> list[dict]:
    """Seconds of a training step, one dict for each window."""
    rows = []
    for window in WINDOWS:
        torch.manual_seed(0)
        ours = make_step(LSTM(SERIES, 1, HIDDEN, n_static=STATIC, dropout=0.5), window, device)
        plain = make_step(PlainLSTM(), window, device)
        for _ in range(2):
            ours(), plain()
        times = [(time_step(ours, device), time_step(plain, device)) for _ in range(repeats)]
        seconds = [statistics.median(column) for column in zip(*times)]
        rows.append(
            {
                "window": window,
                "hidden": HIDDEN,
                "batch": BATCH,
                "device": device,
                "parlearn_seconds": seconds[0],
                "torch_seconds": seconds[1],
                "ratio": statistics.median(a / b for a, b in times),
                "repeats": repeats,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = measure(device=arguments.device)
    print(f"LSTM, hidden {HIDDEN}, batch {BATCH}: seconds of a training step, medians")
    print(f"{'window':<8}{'parlearn':>10}{'nn.LSTM':>10}{'ratio':>8}")
    for row in rows:
        print(
            f"{row['window']:<8}{row['parlearn_seconds']:>10.4f}{row['torch_seconds']:>10.4f}"
            f"{row['ratio']:>8.2f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
