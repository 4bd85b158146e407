"""The device that training runs on."""

from __future__ import annotations

import torch

from segue.errors import InputError


def device_named(name: str) -> str:
    """The device that ``auto`` stands for here.

    Raises
    ------
    InputError
        If the name is unknown, or stands for a GPU that is not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise InputError(f"device {name!r} is not known, expected auto, cpu or cuda")
    if name != "cpu" and not torch.cuda.is_available():
        raise InputError(f"device {name}: PyTorch finds no CUDA device here, use cpu")
    return name
