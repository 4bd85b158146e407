"""The device that training runs on."""

from __future__ import annotations

import torch

from segue.engine import Engine, gpus_of_ray
from segue.errors import InputError


def device_named(name: str, engine: Engine = "local") -> str:
    """The device that ``auto`` stands for here, or on the machines of Ray, while connected.

    Raises
    ------
    InputError
        If the name is unknown, or stands for a GPU that is not there.
    """
    has_gpu = gpus_of_ray() > 0 if engine == "ray" else torch.cuda.is_available()
    if name == "auto":
        return "cuda" if has_gpu else "cpu"
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise InputError(f"device {name!r} is not known, expected auto, cpu or cuda")
    if name != "cpu" and not has_gpu:
        whose = "Ray has no GPU" if engine == "ray" else "PyTorch finds no CUDA device"
        raise InputError(f"device {name}: {whose} here, use cpu")
    return name
