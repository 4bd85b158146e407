"""Initial values of parameters, drawn with NumPy: the same on every device and torch version."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from torch import nn

Start = Literal["identity", "glorot"]


def vectors(rng: np.random.Generator, count: int, dim: int, std: float) -> nn.Parameter:
    """Normal numbers: float32 [count, dim]."""
    values = rng.standard_normal((count, dim), dtype=np.float32) * np.float32(std)
    return nn.Parameter(torch.from_numpy(values))


def transform(rng: np.random.Generator, dim: int, start: Start, scale: float = 1.0) -> nn.Parameter:
    """A square matrix: float32 [dim, dim].

    Parameters
    ----------
    rng
        Draws the values, unless it is the identity.
    dim
        Rows and columns.
    start
        ``"identity"``, or ``"glorot"``: uniform within ±√(6 / (dim + dim)) (X. Glorot, Y. Bengio:
        "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010,
        equation 16).
    scale
        Factor of the identity.

    Raises
    ------
    ValueError
        If `start` is neither.
    """
    if start == "identity":
        return nn.Parameter(scale * torch.eye(dim))
    if start != "glorot":
        raise ValueError(f"start {start!r} is not known, expected identity or glorot")
    bound = math.sqrt(3 / dim)
    return nn.Parameter(torch.from_numpy(rng.uniform(-bound, bound, (dim, dim)).astype(np.float32)))
