"""The first term of the score: the cosine of a track with the centroid of a list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Float32Array, Int32Array, Int64Array
from segue.data.relations import Relation
from segue.scoring.query import Query, title_shares
from segue.scoring.term import ScoreParts, Source, Term, Tracks


def unit_rows(vectors: Float32Array) -> Float32Array:
    """Rows scaled to unit length; zero rows stay zero."""
    length: Float32Array = np.linalg.norm(vectors, axis=1, keepdims=True)
    length[length == 0] = 1
    made_unit: Float32Array = vectors / length
    return made_unit


@dataclass(frozen=True, eq=False)
class Words:
    """The words of titles, as a query takes them.

    Attributes
    ----------
    vectors : float32 [num_words, dim]
        Unit length.
    weight : float32 [num_words]
        At least 0.
    is_part : bool [num_words]
        Which are parts of rare words.
    growth
        c: how much more a title counts beside more tracks; 0 as much beside many as beside few.
    """

    vectors: Float32Array
    weight: Float32Array
    is_part: BoolArray
    growth: float

    def scale(self, query: Query, without: int = 0) -> NDArray[np.float64]:
        """(1 + n)^c of each list with `without` of its tracks left out: float64 [num_lists]."""
        scale: NDArray[np.float64] = query.beside_title(without) ** self.growth
        return scale

    def weights(self, query: Query) -> Float32Array:
        """The weight of each word of the titles of a query: float32 [num_pairs]."""
        if query.words is None:
            return self.weight[:0]
        scale = np.repeat(self.scale(query), query.words.lengths)
        weights: Float32Array = (
            self.weight[query.words.track_index] * title_shares(query.words, self.is_part) * scale
        ).astype(np.float32)
        return weights


@dataclass(frozen=True, eq=False)
class Centroid(Term[Float32Array]):
    """A playlist is the centroid of its contents; this term is the cosine with that centroid.

        q = unit(Σ_t e_t · w_t · v_t + w̄ · Σ_a v_a + (1 + n)^c · Σ_x w_x · v_x / k_x)
        cosine(u) = q · v_u

    over the tracks t, artists a and title words x of the query, with e the emphasis of the tracks,
    w̄ the mean query weight and v_a the unit centroid of the artist's tracks weighted by popularity
    (which finds more than the artist's trained vector, see `benchmarks/artist_seeds.py`). In a list
    with words e is divided by its mean, so that it does not change what the title counts; there n
    is the number of tracks and artists, and k as in `title_shares`. 0 for an empty list.

    Attributes
    ----------
    track_vectors : float32 [num_tracks, dim]
        v, unit length.
    query_weight : float32 [num_tracks]
        w, at least 0.
    popularity : int64 [num_tracks] or None
        Playlists of each track.
    by : Relation or None
        From tracks to artists. Only queries with artists need `popularity` and `by`.
    words : Words or None
        Only queries with words need them.
    """

    track_vectors: Float32Array
    query_weight: Float32Array
    popularity: Int64Array | None = None
    by: Relation | None = None
    words: Words | None = None

    def artist_vectors(self, artists: Int32Array) -> Float32Array:
        """v_a of some artists: float32 [num_artists, dim], 0 for one without tracks."""
        if self.popularity is None or self.by is None:
            raise ValueError("a query with artists needs the popularity and artists of the tracks")
        vectors = np.zeros((len(artists), self.track_vectors.shape[1]), dtype=np.float32)
        for place in range(len(artists)):
            own = self.by.sources_of(artists[place : place + 1])
            # Plus one, so that an artist whose tracks are in no playlist has a vector, too.
            vectors[place] = (self.popularity[own] + 1) @ self.track_vectors[own]
        return unit_rows(vectors)

    def _emphasis(self, query: Query) -> Float32Array | None:
        return query.emphasis if query.words is None else query.relative_emphasis

    def _words(self) -> Words:
        if self.words is None:
            raise ValueError("a query with words needs their vectors")
        return self.words

    @cached_property
    def _artist_weight(self) -> np.float32:
        return np.float32(self.query_weight.mean())

    def prepare(self, query: Query, dial: float = 0.0) -> Float32Array:
        """The queries' unit vectors, 0 for an empty list: float32 [num_lists, dim]."""
        return unit_rows(self._sums(query))

    def _sums(self, query: Query) -> Float32Array:
        """The same before they are made unit."""
        from scipy.sparse import csr_array  # it takes a while to load

        tracks = query.tracks
        weight, emphasis = self.query_weight[tracks.track_index], self._emphasis(query)
        if emphasis is not None:
            weight = weight * emphasis
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
        if query.words is not None:
            vectors += self._title_sums(query)
        return vectors

    def _title_sums(self, query: Query) -> Float32Array:
        """What the titles add to the sums: float32 [num_lists, dim]."""
        if query.words is None or not query.words.num_pairs:
            return np.zeros((len(query), self.track_vectors.shape[1]), dtype=np.float32)
        rows, words = query.words.track_index, self._words()
        if len(query) == 1:  # several times as fast, and added in the order of the sparse product
            weighted = words.weights(query)[:, None] * words.vectors[rows]
            single: Float32Array = weighted.sum(axis=0, keepdims=True)
            return single
        from scipy.sparse import csr_array

        shape = (len(query), len(words.vectors))
        of_lists = csr_array((words.weights(query), rows, query.words.offsets), shape=shape)
        sums: Float32Array = of_lists @ words.vectors
        return sums

    def add_to(self, scores: Float32Array, tracks: Tracks, prepared: Float32Array) -> None:
        """Add the cosines."""
        vectors = self.track_vectors[tracks]
        if len(scores) == 1 or not scores.flags.c_contiguous:
            scores += prepared @ vectors.T
        elif scores.size:
            from scipy.linalg.blas import sgemm

            # In place: NumPy would allocate a second array for the products.
            sgemm(1.0, vectors.T, prepared.T, 1.0, scores.T, trans_a=True, overwrite_c=True)

    def pairs(self, tracks: Int64Array, prepared: Float32Array) -> Float32Array:
        """Cosines of given tracks."""
        cosines: Float32Array = np.einsum("qd,qwd->qw", prepared, self.track_vectors[tracks])
        return cosines

    def left_out(self, query: Query, dial: float = 0.0) -> Float32Array:
        """Cosine of each track with the centroid of its list without it."""
        tracks, sums = query.tracks, self._sums(query)
        if query.words is not None:
            # With a track less, the title counts otherwise.
            words = self._words()
            ratio = words.scale(query, without=1) / words.scale(query)
            sums += (ratio - 1)[:, None].astype(np.float32) * self._title_sums(query)
        found = np.empty(tracks.num_pairs, dtype=np.float32)
        for row in range(len(tracks)):
            pairs = slice(tracks.offsets[row], tracks.offsets[row + 1])
            own = self.track_vectors[tracks.track_index[pairs]]
            others = sums[row] - self.query_weight[tracks.track_index[pairs], None] * own
            found[pairs] = np.einsum("td,td->t", unit_rows(others), own)
        return found

    def parts(self, query: Query, tracks: Int32Array, dial: float = 0.0) -> ScoreParts:
        """The exact part of each track, artist and word of the query."""
        rows, emphasis = query.tracks.track_index, self._emphasis(query)
        weight = self.query_weight[rows].astype(np.float64)
        if emphasis is not None:
            weight *= emphasis
        vectors = weight[:, None] * self.track_vectors[rows]
        sources: list[Source] = [("track", row) for row in rows.tolist()]
        if query.artists is not None and query.artists.num_pairs:
            artists = query.artists.track_index
            own = np.float64(self._artist_weight) * self.artist_vectors(artists).astype(np.float64)
            vectors = np.concatenate([vectors, own])
            sources += [("artist", row) for row in artists.tolist()]
        if query.words is not None and query.words.num_pairs:
            rows, words = query.words.track_index, self._words()
            own = words.weights(query)[:, None].astype(np.float64) * words.vectors[rows]
            vectors = np.concatenate([vectors, own])
            sources += [("word", row) for row in rows.tolist()]
        length = np.linalg.norm(vectors.sum(axis=0))
        asked = self.track_vectors[tracks].astype(np.float64)
        return ScoreParts(tuple(sources), asked @ vectors.T / (length if length > 0 else 1.0))
