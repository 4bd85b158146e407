"""The randomness of a training depends only on (seed, purpose, epoch, step)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

# The purpose is part of the key. All keys have the same length, as NumPy pads shorter ones with
# zeros: (seed, 2, epoch) and (seed, 2, epoch, 0) would be the same stream.
FOR_VECTORS, FOR_ORDER, FOR_HIDING, FOR_TRIPLES, FOR_NEGATIVES = 1, 2, 3, 4, 5
# Which playlists show their title, and which nothing else.
FOR_TITLES = 9
# Which playlists pass messages.
FOR_MESSAGES = 10
# For an encoder that draws: in a training step, for a ranking of hard negatives, and when its
# vectors are read out.
FOR_ENCODER, FOR_RANKING, FOR_READING = 6, 7, 8


def generator(rng_seed: int, purpose: int, epoch: int = 0, step: int = 0) -> np.random.Generator:
    """The generator for one purpose in one step."""
    return np.random.default_rng((rng_seed, purpose, epoch, step))


@contextmanager
def torch_draws(
    device: torch.device, rng_seed: int, purpose: int, epoch: int = 0, step: int = 0
) -> Iterator[None]:
    """Seed torch's generators within the context, and restore them afterwards."""
    seed = int(generator(rng_seed, purpose, epoch, step).integers(2**63))
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng([device] if on_gpu else []):
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
