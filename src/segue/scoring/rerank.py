"""Choosing tracks not only by score: more diverse lists."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np

from segue.data.playlists import Float32Array
from segue.errors import InputError


def check_dial(dial: float) -> None:
    """Raise InputError for a dial outside −1 … 1."""
    if not isinstance(dial, Real) or not -1 <= dial <= 1:
        raise InputError(f"the dial is at {dial!r}, expected from -1 (mainstream) to 1 (deep cuts)")


def check_diversity(diversity: float) -> None:
    """Raise InputError for a diversity outside 0 … 1."""
    if not isinstance(diversity, Real) or not 0 <= diversity <= 1:
        raise InputError(f"diversity is {diversity!r}, expected from 0 (none) to 1")


def diversified(
    vectors: Float32Array,
    score: Float32Array,
    n: int,
    diversity: float,
    *,
    admits: Callable[[int], bool] = lambda place: True,
    take: Callable[[int], None] = lambda place: None,
) -> list[int]:
    """Maximal marginal relevance: indices of up to `n` tracks, in the order of choice.

        next = argmax_t (1 − diversity) · score_t − diversity · max_{c chosen} v_t · v_c

    (J. Carbonell, J. Goldstein: "The Use of MMR, Diversity-Based Reranking for Reordering
    Documents and Producing Summaries", SIGIR 1998). Ties go to the lower index.

    Parameters
    ----------
    vectors : float32 [num_ranked, dim]
        Unit length.
    score : float32 [num_ranked]
        Best first.
    n
        Maximum number to choose.
    diversity
        From 0, the order of the scores, to 1, where the score only decides the first choice.
    admits, take
        `admits` says whether an index may be chosen, given those already chosen; `take` is called
        when it is.
    """
    likeness = np.full(len(score), -np.inf, dtype=np.float32)
    left = np.ones(len(score), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < n and left.any():
        value = score if not chosen else (1 - diversity) * score - diversity * likeness
        place = int(np.where(left, value, -np.inf).argmax())
        left[place] = False
        if admits(place):
            take(place)
            chosen.append(place)
            np.maximum(likeness, vectors @ vectors[place], out=likeness)
    return chosen
