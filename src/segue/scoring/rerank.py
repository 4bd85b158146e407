"""Choosing otherwise than by score alone: less of the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from segue.data.playlists import Float32Array
from segue.errors import InputError


def check_dial(dial: float) -> None:
    """Refuse a dial from mainstream to deep cuts outside −1 … 1 (InputError)."""
    if not -1 <= dial <= 1:
        raise InputError(f"the dial is at {dial:g}, expected from -1 (mainstream) to 1 (deep cuts)")


def check_diversity(diversity: float) -> None:
    """Refuse a diversity outside 0 … 1 (InputError)."""
    if not 0 <= diversity <= 1:
        raise InputError(f"diversity is {diversity:g}, expected from 0 (none) to 1")


def diversified(
    vectors: Float32Array,
    score: Float32Array,
    n: int,
    diversity: float,
    *,
    admits: Callable[[int], bool] = lambda place: True,
    take: Callable[[int], None] = lambda place: None,
) -> list[int]:
    """Maximal marginal relevance: places of up to `n` tracks, in the order of choice.

        next = argmax_t (1 − diversity) · score_t − diversity · max_{c chosen} v_t · v_c

    (J. Carbonell, J. Goldstein: "The Use of MMR, Diversity-Based Reranking for Reordering
    Documents and Producing Summaries", SIGIR 1998). Ties go to the lower place.

    Parameters
    ----------
    vectors : float32 [num_ranked, dim]
        Of unit length.
    score : float32 [num_ranked]
        Best first.
    n
        Most places to choose.
    diversity
        From 0, the order of the scores, to 1, the score counts for nothing but the first choice.
    admits, take
        Whether a place may be chosen, given those that were; and what is called when it is.
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
