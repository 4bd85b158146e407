"""`Metric`: a named figure, and `Rankings`: what it is computed from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segue.metrics.csr import FloatArray, IntArray
from segue.metrics.popularity import popularity_buckets
from segue.metrics.ranks import HeldOutRanks


@dataclass(frozen=True, eq=False)
class Rankings:
    """The full rankings that a recommender gave some playlists: everything that a metric sees.

    Every playlist has at least one held-out track. Row i of each array is about the same playlist.

    Attributes
    ----------
    playlist_index : int64 [num_playlists]
        Rows of the graph.
    ranks : HeldOutRanks
        Ranks of the held-out tracks among all candidates, and the AUC of each playlist.
    held_out_index : int32 [num_held_out]
        The held-out tracks, in the order of `ranks`.
    top_index : int32 [num_playlists, list_length]
        The recommended tracks, best first; −1 pads a list that has fewer candidates.
    popularity : int64 [num_tracks]
        Number of training playlists of each track.
    positive_scores, negative_scores : float32 [num_pooled]
        Scores of the held-out pairs, and of as many pairs drawn at random, the same for every
        model. Playlists that hold the whole catalogue have none.
    pooled_row : int64 [num_pooled]
        The row of each of these pairs.
    asks_next : bool [num_playlists]
        Which question each playlist asks: what comes next, or what fits.
    query_offsets, query_index : int64 [num_playlists + 1], int32
        The tracks that each list was made from.
    artist : int32 [num_tracks]
        Main artist of each track, −1 where none is known.
    """

    playlist_index: NDArray[np.int64]
    ranks: HeldOutRanks
    held_out_index: IntArray
    top_index: IntArray
    popularity: IntArray
    positive_scores: FloatArray
    negative_scores: FloatArray
    pooled_row: NDArray[np.int64]
    asks_next: NDArray[np.bool_]
    query_offsets: IntArray
    query_index: IntArray
    artist: IntArray

    def __len__(self) -> int:
        """Number of playlists."""
        return len(self.playlist_index)

    @property
    def num_tracks(self) -> int:
        """Size of the catalogue."""
        return len(self.popularity)

    def rows(self, chosen: NDArray[np.bool_]) -> Rankings:
        """Those of some playlists (bool [num_playlists])."""
        pooled, place = chosen[self.pooled_row], np.cumsum(chosen) - 1
        lengths = np.diff(self.query_offsets)
        return Rankings(
            self.playlist_index[chosen],
            self.ranks.rows(chosen),
            self.held_out_index[np.repeat(chosen, self.ranks.num_held_out)],
            self.top_index[chosen],
            self.popularity,
            self.positive_scores[pooled],
            self.negative_scores[pooled],
            place[self.pooled_row[pooled]],
            self.asks_next[chosen],
            np.concatenate([[0], np.cumsum(lengths[chosen])]),
            self.query_index[np.repeat(chosen, lengths)],
            self.artist,
        )

    @cached_property
    def popularity_bucket(self) -> NDArray[np.int64]:
        """Five buckets with equal numbers of training pairs: int64 [num_tracks], 0 to 4.

        Bucket 0 holds the most popular tracks.
        """
        return popularity_buckets(self.popularity)


@dataclass(frozen=True)
class Metric:
    """One figure of an evaluation.

    A metric of your own is an object of this class, passed to
    `segue.evaluation.evaluate.evaluate`; a built-in one is a line in `segue.metrics.METRICS`.

    >>> def hits(rankings):
    ...     return (rankings.ranks.rank <= 10).sum()
    >>> metrics = [*segue.METRICS, segue.Metric("hits@10", hits, "higher", 0)]
    >>> segue.evaluate(bundle, split, metrics=metrics)["bundle"].values["hits@10"] > 0
    True

    Attributes
    ----------
    name
        Its name in tables and files.
    function
        From `Rankings` to the figure, or to one value per playlist (float [num_playlists], NaN for
        a playlist that has none), whose mean is the figure.
    direction
        Which values are better: ``"higher"``, ``"lower"`` or ``"neither"``.
    decimals
        Digits after the decimal point in tables.
    topic
        The table of a report that shows it: ``"accuracy"``, ``"popularity"`` or ``"variety"``.
    """

    name: str
    function: Callable[[Rankings], FloatArray | float]
    direction: Literal["higher", "lower", "neither"] = "higher"
    decimals: int = 4
    topic: Literal["accuracy", "popularity", "variety"] = "accuracy"

    def __repr__(self) -> str:
        """``Metric(ndcg@20)``."""
        return f"Metric({self.name})"

    def value(self, rankings: Rankings) -> float:
        """The figure; NaN if no playlist has a value.

        Raises
        ------
        ValueError
            If the function returns anything but a number or one number per playlist.
        """
        found = self._found(rankings)
        return float(found) if found.ndim == 0 else mean_over_scored(found)[0]

    def value_and_error(self, rankings: Rankings, share: float) -> tuple[float, float]:
        """The figure on a sample of playlists, and its standard error.

        Parameters
        ----------
        rankings
            Of the sample.
        share
            The sample's share of all playlists, from which it was drawn without replacement: the
            error is s/√n · √(1 − share), with s the standard deviation of the n values (W. G.
            Cochran: "Sampling Techniques", 1977, section 2.5). It is NaN where there are no values
            of single playlists, or fewer than two.
        """
        found = self._found(rankings)
        if found.ndim == 0:
            return float(found), math.nan
        values = found[~np.isnan(found)]
        error = math.nan
        if len(values) > 1:
            error = float(values.std(ddof=1)) * math.sqrt((1 - share) / len(values))
        return mean_over_scored(found)[0], error

    def _found(self, rankings: Rankings) -> NDArray[np.float64]:
        """What the function gives: a number, or one for each playlist."""
        given = self.function(rankings)
        if given is None:
            raise ValueError(f"metric {self.name!r} gave nothing: its function returns None")
        found = np.asarray(given, dtype=np.float64)
        if found.ndim and found.shape != (len(rankings),):
            raise ValueError(
                f"metric {self.name!r} gave an array of shape {found.shape}, expected a number "
                f"or one for each of {len(rankings)} playlists"
            )
        return found

    def format(self, value: float | None) -> str:
        """A figure formatted for tables; a dash if there is none."""
        if value is None or not math.isfinite(value):
            return "–"
        return f"{value:.{self.decimals}f}"

    def best(self, values: Iterable[float]) -> float | None:
        """The best of some figures; None if neither direction is better, or all are NaN."""
        known = [value for value in values if math.isfinite(value)]
        if self.direction == "neither" or not known:
            return None
        return max(known) if self.direction == "higher" else min(known)


def mean_over_scored(values: FloatArray) -> tuple[float, int]:
    """Mean of the values that are not NaN (NaN if there are none), and how many are NaN."""
    scored = values[~np.isnan(values)]
    mean = float(np.mean(scored, dtype=np.float64)) if scored.size else float("nan")
    return mean, values.size - scored.size
