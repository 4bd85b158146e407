"""Scores of tracks for playlists, and of what they are the sum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from segue.data.playlists import BoolArray, Float32Array, Int32Array, Int64Array, TrackLists
from segue.scoring.wide import WidePart

# What one standard deviation of log-popularity costs, as a cosine, where the dial stands at 1.
FULL_DIAL = 0.1
# The less a list tells, the more speaks for what everyone knows: for a list of so many tracks the
# dial stands half a turn further to the mainstream, for twice as many a quarter, and so on.
PRIOR_HALF_LIFE = 3.5


def unit_rows(vectors: Float32Array) -> Float32Array:
    """Rows made unit; a row of zeros stays."""
    length: Float32Array = np.linalg.norm(vectors, axis=1, keepdims=True)
    length[length == 0] = 1
    made_unit: Float32Array = vectors / length
    return made_unit


@dataclass(frozen=True, eq=False)
class Query:
    """What some lists are asked with: their tracks, and beside them artists.

    Attributes
    ----------
    tracks : TrackLists
        Rows of the catalogue.
    emphasis : float32 [num_pairs] or None
        What each track's query weight is multiplied with, at least 0; None: nothing.
    artists : TrackLists or None
        Rows of artists, one list for each list of tracks.
    order_known : bool [num_lists] or None
        Whether the order of a list's tracks means something; None: of no list.
    """

    tracks: TrackLists
    emphasis: Float32Array | None = None
    artists: TrackLists | None = None
    order_known: BoolArray | None = None

    def __post_init__(self) -> None:
        """Refuse columns that do not fit together (ValueError)."""
        if self.emphasis is not None and self.emphasis.shape != self.tracks.track_index.shape:
            raise ValueError("emphasis must hold one number a track of the query")
        if self.artists is not None and len(self.artists) != len(self.tracks):
            raise ValueError("artists and tracks differ in the number of lists")
        if self.order_known is not None and self.order_known.shape != (len(self.tracks),):
            raise ValueError("order_known must hold one value a list")

    def __len__(self) -> int:
        """Number of lists."""
        return len(self.tracks)

    def rows(self, rows: slice) -> Query:
        """Some of the lists, one after the other."""
        start, stop, _ = rows.indices(len(self))
        offsets = self.tracks.offsets
        return Query(
            self.tracks.rows(slice(start, stop)),
            None if self.emphasis is None else self.emphasis[offsets[start] : offsets[stop]],
            None if self.artists is None else self.artists.rows(slice(start, stop)),
            None if self.order_known is None else self.order_known[start:stop],
        )

    def ordered(self, row: int) -> bool:
        """Whether the order of one list's tracks means something."""
        return self.order_known is not None and bool(self.order_known[row])

    @property
    def share(self) -> Float32Array | None:
        """The emphasis over its mean in each list: float32 [num_pairs]; None where it is 1."""
        if self.emphasis is None:
            return None
        lengths = self.tracks.lengths
        total = np.bincount(self.tracks.list_index(), self.emphasis, minlength=len(lengths))
        mean = total / np.maximum(lengths, 1)
        mean[mean == 0] = 1  # nothing in it counts
        share: Float32Array = (self.emphasis / np.repeat(mean, lengths)).astype(np.float32)
        return share

    @property
    def lengths_with_artists(self) -> Int64Array:
        """How many tracks and artists each list holds: int64 [num_lists]."""
        lengths = self.tracks.lengths
        return lengths if self.artists is None else lengths + self.artists.lengths

    @property
    def empty(self) -> BoolArray:
        """Lists that hold nothing: bool [num_lists]."""
        empty: BoolArray = self.lengths_with_artists == 0
        return empty


TermKind = Literal["track", "artist", "popularity", "list"]


@dataclass(frozen=True, eq=False)
class Contributions:
    """The terms of which some scores are the sum.

    Attributes
    ----------
    terms : tuple of (kind, row)
        ``("track", row)`` and ``("artist", row)`` for what stands in the query, in its order, then
        ``("popularity", -1)`` for the prior and the dial, where popularity is known, and
        ``("list", -1)`` for what a second stage adds.
    parts : float64 [num_tracks_asked, num_terms]
        Each row sums to a score.
    """

    terms: tuple[tuple[TermKind, int], ...]
    parts: NDArray[np.float64]

    def lifted(self, lift: NDArray[np.float64]) -> Contributions:
        """The same with what a second stage adds to each score (float64 [num_tracks_asked])."""
        return Contributions((*self.terms, ("list", -1)), np.column_stack([self.parts, lift]))


@dataclass(frozen=True, eq=False)
class CentroidScorer:
    """A playlist is the centroid of what is in it; a score is a cosine.

        q = unit(Σ_t e_t · w_t · v_t + w̄ · Σ_a v_a)
        score(u) = q · v_u + Σ_t (e_t / ē) · W_tu + (p − dial) · FULL_DIAL · f_u
        p = 2^(−n / PRIOR_HALF_LIFE)

    over the n tracks t and artists a of the query, with e their emphasis (1 unless it is given) and
    ē its mean over the tracks, w̄ the mean query weight, v_a the unit centroid of the artist's
    tracks by popularity (it finds more than the artist's trained vector does, see
    `benchmarks/artist_seeds.py`), W the wide part (0 without one), and f the fame of a track: its
    log(1 + popularity), standardised over the catalogue. p, the prior, fades as a list grows
    (`benchmarks/prior.py`).

    Attributes
    ----------
    track_vectors : float32 [num_tracks, dim]
        v, of unit length.
    query_weight : float32 [num_tracks]
        w, at least 0.
    popularity : int64 [num_tracks] or None
        Playlists of each track; without it there is no prior, and queries with artists and a dial
        that is not at 0 are refused.
    track_artist : int32 [num_tracks] or None
        Only queries with artists need it.
    wide : WidePart or None
        W.
    """

    track_vectors: Float32Array
    query_weight: Float32Array
    popularity: Int64Array | None = None
    track_artist: Int32Array | None = None
    wide: WidePart | None = None

    @cached_property
    def fame(self) -> Float32Array:
        """f: float32 [num_tracks], of mean 0 and standard deviation 1 (0 where all are alike)."""
        if self.popularity is None:
            raise ValueError("a dial that is not at 0 needs the popularity of the tracks")
        fame = np.log1p(self.popularity.astype(np.float64))
        fame -= fame.mean()
        fame /= fame.std() or 1.0
        return fame.astype(np.float32)

    @cached_property
    def dial_offset(self) -> Float32Array:
        """What is added to the score of each track where the dial stands at 1: float32."""
        return np.float32(-FULL_DIAL) * self.fame

    def dials(self, query: TrackLists | Query, dial: float = 0.0) -> Float32Array:
        """Where the dial stands for each list, the prior included: float32 [num_lists].

        From −2 to 1. An empty list, which has no score to correct, has no prior.
        """
        if self.popularity is None:
            return np.full(len(query), dial, dtype=np.float32)
        lengths = query.lengths if isinstance(query, TrackLists) else query.lengths_with_artists
        prior = np.where(lengths > 0, np.exp2(-lengths / PRIOR_HALF_LIFE), 0)
        dials: Float32Array = (dial - prior).astype(np.float32)
        return dials

    def artist_vectors(self, artists: Int32Array) -> Float32Array:
        """v_a of some artists: float32 [num_artists, dim], 0 for one without tracks."""
        if self.popularity is None or self.track_artist is None:
            raise ValueError("a query with artists needs the popularity and artists of the tracks")
        vectors = np.zeros((len(artists), self.track_vectors.shape[1]), dtype=np.float32)
        for place, artist in enumerate(artists):
            own = np.flatnonzero(self.track_artist == artist)
            # One more, so that an artist whose tracks nobody holds has a vector, too.
            vectors[place] = (self.popularity[own] + 1) @ self.track_vectors[own]
        return unit_rows(vectors)

    @cached_property
    def _artist_weight(self) -> np.float32:
        return np.float32(self.query_weight.mean())

    def query_vectors(self, query: TrackLists | Query) -> Float32Array:
        """Unit vectors of some lists: float32 [num_lists, dim]; 0 for an empty one."""
        if isinstance(query, TrackLists):
            query = Query(query)
        tracks = query.tracks
        weight = self.query_weight[tracks.track_index]
        if query.emphasis is not None:
            weight = weight * query.emphasis
        shape = (len(query), len(self.track_vectors))
        vectors: Float32Array = (
            csr_array((weight, tracks.track_index, tracks.offsets), shape=shape)
            @ self.track_vectors
        )
        if query.artists is not None and query.artists.num_pairs:
            named, column = np.unique(query.artists.track_index, return_inverse=True)
            weight = np.full(len(column), self._artist_weight, dtype=np.float32)
            shape = (len(query), len(named))
            vectors += csr_array(
                (weight, column, query.artists.offsets), shape=shape
            ) @ self.artist_vectors(named)
        return unit_rows(vectors)

    def wide_scores(self, query: TrackLists | Query) -> csr_array | None:
        """What W adds to the scores: sparse [num_lists, num_tracks]; None without a wide part."""
        if self.wide is None:
            return None
        if isinstance(query, TrackLists):
            return self.wide.scores(query)
        return self.wide.scores(query.tracks, query.share)

    def scores(self, query: TrackLists | Query, dial: float = 0.0) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks].

        At dial 0 and without a prior and a wide part they are cosines, from −1 to 1.
        """
        scores: Float32Array = self.query_vectors(query) @ self.track_vectors.T
        wide = self.wide_scores(query)
        if wide is not None:
            pairs = wide.tocoo()
            scores[pairs.coords] += pairs.data
        dials = self.dials(query, dial)
        if dials.any():
            scores += dials[:, None] * self.dial_offset
        return scores

    def contributions(
        self, query: TrackLists | Query, tracks: Int32Array, dial: float = 0.0
    ) -> Contributions:
        """What each term of one query adds to the scores of some tracks.

        Parameters
        ----------
        query
            A single list.
        tracks : int32 [num_tracks_asked]
        dial
            From −1 to 1.
        """
        if isinstance(query, TrackLists):
            query = Query(query)
        if len(query) != 1:
            raise ValueError(f"contributions are of one list, not of {len(query)}")
        rows = query.tracks.track_index
        weight = self.query_weight[rows].astype(np.float64)
        if query.emphasis is not None:
            weight *= query.emphasis
        vectors = weight[:, None] * self.track_vectors[rows]
        terms: list[tuple[TermKind, int]] = [("track", int(row)) for row in rows]
        if query.artists is not None and query.artists.num_pairs:
            artists = query.artists.track_index
            own = np.float64(self._artist_weight) * self.artist_vectors(artists).astype(np.float64)
            vectors = np.concatenate([vectors, own])
            terms += [("artist", int(row)) for row in artists]
        length = np.linalg.norm(vectors.sum(axis=0))
        asked = self.track_vectors[tracks].astype(np.float64)
        parts = asked @ vectors.T / (length if length > 0 else 1.0)
        if self.wide is not None:
            weights = self.wide.matrix[rows][:, tracks].toarray().T
            parts[:, : len(rows)] += weights if query.share is None else weights * query.share
        dials = self.dials(query, dial)
        if dials.any():
            parts = np.column_stack([parts, dials[0] * self.dial_offset[tracks]])
            terms.append(("popularity", -1))
        return Contributions(tuple(terms), parts)
