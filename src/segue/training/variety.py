"""How far tracks by a list's own artists are held back: as playlists have them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Float32Array, Int32Array
from segue.graph.split import HeldOut, Split
from segue.metrics import artist_share
from segue.scoring.query import Query
from segue.scoring.two_stages import TwoStages
from segue.scoring.variety import Variety, held_back, same_artist

# The numbers of tracks given, and the length of the lists whose artists are counted.
NUM_GIVEN, LIST_LENGTH = (1, 2, 3, 5), 10
# With this many tracks and more, nothing is held back. Lists for long playlists hold more of their
# artists than playlists do, too, but there it would cost a fifth of MAP@10 (docs/experiments.md).
NOTHING_FROM = 10
# The most and the fewest playlists for each number.
_MOST_PLAYLISTS, _FEWEST_PLAYLISTS = 500, 50
# Purpose of a generator: part of the seed, as NumPy pads seeds with zeros.
_FOR_GIVEN = 7
# The shares that are tried.
_SHARES = np.linspace(0, 0.99, 100)


def fit_variety(split: Split, stages: TwoStages, rng_seed: int = 0) -> Variety:
    """The least with which lists hold no more of their own artists than playlists do.

    For each number of tracks given, some playlists of the validation part show that many: their
    first ones, or where no order is known any. How many of the tracks held out are by the artists
    of those shown is what the first ten of their lists are held to, without tracks that are known:
    these were learned from, and say nothing about the others. Nothing is held back from lists that
    do not exceed it, and from those of ten tracks and more.

    Parameters
    ----------
    split
    stages
        Trained on the split's training graph.
    rng_seed
        Of the draws.

    Returns
    -------
    Variety
        For numbers with which enough playlists can be asked; empty if there is none.
    """
    artist = split.train.catalog.main_artist
    plain = replace(stages, questions=replace(stages.questions, variety=Variety()))
    numbers, shares = [], []
    for number in NUM_GIVEN:
        rng = np.random.default_rng((rng_seed, _FOR_GIVEN, number))
        asked = _showing(split, number, rng)
        if len(asked.query) < _FEWEST_PLAYLISTS:
            continue
        query, targets = Query(asked.query), asked.targets
        real = np.nanmean(
            artist_share(
                targets.offsets,
                targets.track_index,
                query.tracks.offsets,
                query.tracks.track_index,
                artist,
            )
        )
        pool, score = plain.best(query, plain.pool_size)
        unknown = (pool >= 0) & ~_among(pool, asked)
        same = same_artist(query, pool, artist)
        enough = (
            taken
            for taken in _SHARES.tolist()
            if _share_of_lists(
                held_back(score, same, np.full(len(query), taken, np.float32)), same, unknown
            )
            <= real
        )
        numbers.append(number)
        shares.append(round(next(enough, _SHARES[-1]), 2))
    if not numbers:
        return Variety()
    return Variety((*numbers, NOTHING_FROM), (*shares, 0.0))


def _share_of_lists(score: Float32Array, same: BoolArray, candidate: BoolArray) -> float:
    """The share of tracks by their own artists in the first ten candidates of some pools."""
    score = np.where(candidate, score, -np.inf)
    top = np.argsort(-score, axis=1, kind="stable")[:, :LIST_LENGTH]
    listed = np.isfinite(np.take_along_axis(score, top, axis=1))
    theirs = np.take_along_axis(same, top, axis=1) & listed
    return float(theirs.sum() / max(1, listed.sum()))


def _showing(split: Split, number: int, rng: np.random.Generator) -> HeldOut:
    """Playlists of the validation part with `number` tracks shown, and others held out."""
    part = split.validation
    lists = part.query
    if split.recipe.kind == "playlists":
        # Training has seen none of their tracks: any may be shown, and the others are held out.
        lists = part.query.joined(part.targets)
    whole = lists is not part.query
    rows = np.flatnonzero((lists.lengths >= number + whole) & (part.targets.lengths > 0))
    rows = np.sort(rng.permutation(rows)[:_MOST_PLAYLISTS])
    chosen, part = lists.rows(rows), part.rows(rows)
    at_random = chosen.shuffled_positions(rng)
    in_order = np.repeat(split.order_known(part), chosen.lengths)
    shown = np.where(in_order, chosen.positions(), at_random) < number
    query = chosen.keep(shown)
    if whole:
        return replace(part, query=query, known=query, targets=chosen.keep(~shown))
    return replace(part, query=query)


def _among(pool: Int32Array, asked: HeldOut) -> BoolArray:
    """Which tracks of each pool are known: bool, shaped like `pool`."""
    width = np.int64(max(pool.max(initial=0), asked.known.track_index.max(initial=0))) + 1
    known = asked.known.list_index() * width + asked.known.track_index
    row: NDArray[np.int64] = np.arange(len(pool), dtype=np.int64)[:, None]
    found: BoolArray = (pool >= 0) & np.isin(row * width + pool, known)
    return found
