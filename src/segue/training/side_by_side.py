"""Several trainings, which differ in their seed, side by side in one vector.

With vectors v₁ … v_S of S trainings and query weights w₁ … w_S, each divided by its mean,

    v = [v₁, …, v_S] / √S,   w = (w₁ + … + w_S) / S

The cosine of two such vectors is the mean of the S cosines, and so nearly is that of a vector and a
list's centroid: the sums of a list are about equally long in all trainings. What they share stays,
and what chance put into each is averaged out. Nothing that serves, stores or updates vectors has to
know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from segue.data.playlists import Float32Array
from segue.scoring.centroid import unit_rows
from segue.training.config import TrainConfig
from segue.training.vectors import TrainedVectors

# How far apart the seeds of two trainings are, so that none is that of a neighbouring `rng_seed`.
_SEED_STEP = 1_000_000


def each_training(config: TrainConfig) -> list[TrainConfig]:
    """The configuration of each training: the first has the seed of all."""
    return [
        replace(config, num_trainings=1, rng_seed=config.rng_seed + place * _SEED_STEP)
        for place in range(config.num_trainings)
    ]


def folder_of(folder: Path | None, place: int) -> Path | None:
    """Where the checkpoints of a training are, counted from 0: the first has the folder itself."""
    return folder if folder is None or not place else folder / f"training-{place + 1}"


def folders_in(folder: Path) -> list[Path]:
    """Those folders that are there, `folder` last."""
    return [*sorted(folder.glob("training-*")), folder]


def side_by_side(trainings: Sequence[TrainedVectors]) -> TrainedVectors:
    """The vectors of one or more trainings, as one.

    Parameters
    ----------
    trainings
        At least one, of the same nodes; without vectors of playlists.
    """
    first, *others = trainings
    if not others:
        return first
    shares = [1 / (float(each.query_weight.mean()) or 1.0) for each in trainings]

    def weight(name: str) -> Float32Array:
        columns = zip(shares, (getattr(each, name) for each in trainings), strict=True)
        mean: Float32Array = np.mean([s * each for s, each in columns], axis=0, dtype=np.float32)
        return mean

    growths = [each.title_growth for each in trainings if each.title_growth is not None]
    return TrainedVectors(
        _joined([each.track_vectors for each in trainings]),
        weight("query_weight"),
        {
            kind: _joined([each.structural_vectors[kind] for each in trainings])
            for kind in first.structural_vectors
        },
        None,
        None if first.word_weight is None else weight("word_weight"),
        np.mean(growths, axis=0, dtype=np.float32) if growths else None,
    )


def _joined(vectors: Sequence[Float32Array]) -> Float32Array:
    """Unit rows side by side, unit again: float32 [num_nodes, num_trainings · dim]."""
    return unit_rows(np.concatenate(vectors, axis=1))
