"""The torch device of a job."""

import logging

import torch


def pick_device(wanted: str) -> str:
    """The torch device to run on: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.

    Raises
    ------
    RuntimeError
        When ``cuda`` was asked for and torch sees no GPU: a job never falls back to CPU unasked.
    """
    if wanted not in ("cpu", "cuda", "auto"):
        raise ValueError(f"device {wanted!r} is none of cpu, cuda, auto")
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise RuntimeError(
            "the configuration asks for device 'cuda' but torch sees no GPU: run on a machine with "
            "one and a CUDA build of torch, or set 'device: cpu' or 'device: auto'"
        )
    device = "cuda" if there and wanted != "cpu" else "cpu"
    logging.getLogger("parlearn").info(
        "device: %s", torch.cuda.get_device_name() if device == "cuda" else "cpu"
    )
    return device
