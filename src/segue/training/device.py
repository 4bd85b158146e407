"""Where a training runs."""

from __future__ import annotations

import torch

from segue.errors import InputError


def device_named(name: str) -> str:
    """The device that ``auto`` stands for here; a GPU that is not there is refused (InputError)."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: PyTorch finds no CUDA device here, use --device cpu")
    return name
