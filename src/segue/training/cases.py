"""The cases that the validation part of a split makes for choosing and learning how to answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Int64Array, TrackLists
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.scoring.query import FIT, NEXT, Query
from segue.scoring.questions import Questions
from segue.training.config import SecondStageConfig

# Purposes of generators: part of the seed, as NumPy pads seeds with zeros.
_FOR_SHORT, _FOR_GIVEN, _FOR_ROWS, _FOR_AHEAD = 1, 2, 4, 5
# How many times playlists held out whole are used, each time with other tracks given.
_TIMES_GIVEN = 2


@dataclass(frozen=True, eq=False)
class Cases:
    """Playlists with some tracks shown and others to be found.

    Attributes
    ----------
    held_out : HeldOut
    asks : int8 [num_rows]
        What each asks, see `segue.scoring.query`: never more than its held-out tracks answer.
    words : TrackLists or None
        Those of each title; None: no titles.
    """

    held_out: HeldOut
    asks: NDArray[np.int8]
    words: TrackLists | None = None

    @classmethod
    def of(cls, split: Split, held_out: HeldOut, *, titles: bool) -> Cases:
        """Held-out rows of a split."""
        asks = np.where(split.order_known(held_out) & held_out.asks_next, NEXT, FIT)
        words = split.title_words(held_out) if titles else None
        return cls(held_out, asks.astype(np.int8), words)

    def __len__(self) -> int:
        return len(self.asks)

    def query(self, questions: Questions) -> Query:
        """The query, as in serving."""
        return questions.query(self.held_out.query, self.asks, self.words)

    def rows(self, rows: slice | Int64Array) -> Cases:
        """Some of the cases."""
        words = None if self.words is None else self.words.rows(rows)
        return Cases(self.held_out.rows(rows), self.asks[rows], words)


def cases_of(split: Split, config: SecondStageConfig, *, titles: bool) -> Iterator[Cases]:
    """All validation cases, then some again with other tracks shown, and without their titles."""
    validation = split.validation
    if split.recipe.kind == "playlists":
        in_order = validation.query.joined(validation.targets)
        at = _some(np.flatnonzero(in_order.lengths >= 2), config.max_questions, config)
        in_order, rows = in_order.rows(at), validation.playlist_index[at]
        rng = np.random.default_rng((config.rng_seed, _FOR_GIVEN))
        for time in range(_TIMES_GIVEN):
            given = _log_uniform(in_order.lengths, rng)
            shown = in_order.positions() < np.repeat(given, in_order.lengths)
            query = in_order.keep(shown)
            half = HeldOut(query, query, in_order.keep(~shown), rows, validation.asks_next[at])
            cases = Cases.of(split, half, titles=titles)
            yield cases if time == 0 else replace(cases, words=None)
        return
    rows = _some(np.flatnonzero(validation.targets.lengths > 0), config.max_questions, config)
    answered = Cases.of(split, validation, titles=titles).rows(rows)
    yield answered
    rng = np.random.default_rng((config.rng_seed, _FOR_SHORT))
    long_enough = np.flatnonzero(answered.held_out.query.lengths >= 2)
    some = _some(long_enough, round(config.short_share * len(long_enough)), config)
    if len(some):
        # Without titles: a few songs are mostly asked with alone.
        yield replace(_shortened(answered.rows(some), rng), words=None)
    if split.recipe.in_order:
        ahead = further_ahead(answered.held_out, split.recipe, config.rng_seed)
        if len(ahead.query):
            yield Cases.of(split, ahead, titles=titles)


def _some(rows: Int64Array, number: int, config: SecondStageConfig) -> Int64Array:
    """At most this many of the rows, drawn at random, ascending."""
    rng = np.random.default_rng((config.rng_seed, _FOR_ROWS))
    drawn: Int64Array = np.sort(rng.permutation(rows)[:number])
    return drawn


def _shortened(cases: Cases, rng: np.random.Generator) -> Cases:
    """The same cases with few tracks shown: the last ones if the question is what comes next."""
    query = cases.held_out.query
    at_random = query.shuffled_positions(rng)
    place = np.where(np.repeat(cases.asks == NEXT, query.lengths), query.following(), at_random)
    shown = place < np.repeat(_log_uniform(query.lengths, rng), query.lengths)
    held_out = replace(cases.held_out, query=query.keep(shown))
    return replace(cases, held_out=held_out)


def further_ahead(held_out: HeldOut, recipe: SplitRecipe, rng_seed: int = 0) -> HeldOut:
    """Rows that ask what comes next, without the last of the tracks shown.

    Test tracks are up to `test_share` of a playlist ahead, validation tracks only half as far by
    default. A random number of tracks is left out to make up the difference; too short rows are.
    """
    share = (recipe.test_share - recipe.validation_share) / (
        1 - recipe.test_share - recipe.validation_share
    )
    lengths = held_out.query.lengths
    most = np.minimum(np.rint(share * lengths).astype(np.int64), lengths - 1)
    rows = np.flatnonzero(held_out.asks_next & (most > 0))
    asked, most = held_out.rows(rows), most[rows]
    left_out = np.random.default_rng((rng_seed, _FOR_AHEAD)).integers(1, most + 1)
    shown = asked.query.following() >= np.repeat(left_out, asked.query.lengths)
    return replace(asked, query=asked.query.keep(shown))


def _log_uniform(lengths: Int64Array, rng: np.random.Generator) -> Int64Array:
    """A number from 1 to each length − 1, log-uniformly."""
    drawn = np.floor(np.exp(rng.random(len(lengths)) * np.log(lengths))).astype(np.int64)
    return np.clip(drawn, 1, lengths - 1)
