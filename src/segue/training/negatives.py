"""Samplers of negatives: tracks that a playlist does not hold."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from segue.data.playlists import Int64Array
from segue.graph.negatives import RandomSampler, Sample
from segue.training.pairs import pool_scores


class Scored(NamedTuple):
    """The vectors that a step scores with: query ``at[i]`` belongs to the i-th list drawn for.

    ``query`` [num_queries, dim], ``track`` [num_tracks, dim], ``at`` int64 [num].
    """

    query: Tensor
    track: Tensor
    at: Tensor


class Sampler(Protocol):
    """Draws negatives."""

    def sample(
        self, rows: Int64Array, size: int, scored: Scored, rng: np.random.Generator
    ) -> Sample:
        """The same number of negatives for each of some lists, int64 [num], which may repeat."""
        ...


class HardestSampler:
    """Draws the highest scoring of a pool of random allowed tracks, by the vectors of the step.

    W. Zhang, T. Chen, J. Wang, Y. Yu: "Optimizing Top-N Collaborative Filtering via Dynamic
    Negative Item Sampling", SIGIR 2013, section 4.

    The probability q of such a draw cannot be computed, but that of the pool can: with weights
    A/|pool| its sum is unbiased. The highest ones keep that weight, so the sum lacks only the
    smallest terms of an unbiased one.

    Parameters
    ----------
    random
        Draws the pool.
    times
        Number of tracks in the pool per negative.
    """

    def __init__(self, random: RandomSampler, times: int) -> None:
        self.random, self.times = random, times

    def sample(
        self, rows: Int64Array, size: int, scored: Scored, rng: np.random.Generator
    ) -> Sample:
        """See `Sampler`."""
        pool = self.random.draw_sets(rows, size * self.times, rng)
        device = scored.query.device
        scores = pool_scores(
            scored.query, scored.track, scored.at, torch.from_numpy(pool).to(device).long()
        )
        best = scores.topk(size, dim=1, sorted=False).indices.cpu().numpy()
        weight = self.random.even_weight(rows, size) / np.float32(self.times)
        return Sample(np.take_along_axis(pool, best, axis=1), weight)
