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
    """By which vectors a step scores: query ``at[i]`` is that of the i-th list drawn for.

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
        """As many negatives for each of some lists, int64 [num]; a list may stand in it often."""
        ...


class HardestSampler:
    """Of a pool of random allowed tracks the highest scoring, by the vectors of the step.

    W. Zhang, T. Chen, J. Wang, Y. Yu: "Optimizing Top-N Collaborative Filtering via Dynamic
    Negative Item Sampling", SIGIR 2013, section 4.

    Such a draw has no q that could be computed. The pool has one: its weighted sum is unbiased,
    each track of it counting A/|pool|. Its highest ones keep that weight, so the sum falls short
    of an unbiased one by its smallest terms and nothing else.

    Parameters
    ----------
    random
        Draws the pool.
    times
        Tracks of the pool for each negative.
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
