"""How long validation and evaluation take: from ranking for some playlists."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from segue.evaluation.evaluate import sample_rows
from segue.evaluation.validation import validate, validation_rows
from segue.graph.split import Split
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage

# Playlists that are ranked for.
_TIMED_ROWS = 200


def time_of_ranking(
    split: Split, sample: int | None = None, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, float]:
    """Seconds of one validation, and of the evaluation at the end with its own validation.

    Parameters
    ----------
    split
    sample
        How many playlists the evaluation measures at most; None: all.
    clock
        Returns seconds since some moment.
    """
    num_tracks = split.train.catalog.num_tracks
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((num_tracks, 64), dtype=np.float32)
    rows = validation_rows(split.validation)
    some = rows.rows(slice(None, None, max(1, len(rows.query) // _TIMED_ROWS)))
    even = np.ones(num_tracks, dtype=np.float32)
    started = clock()
    validate(FirstStage(Centroid(vectors, even)), some, split.train)
    seconds = (clock() - started) * len(rows.query) / len(some.query)
    num_test = len(sample_rows(split.test, sample))
    # An evaluation also makes lists, which takes the same time again.
    return seconds, seconds * (1 + 2 * num_test / len(rows.query))
