"""The second stage's features of a candidate track for a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.csr import entries_of
from segue.data.playlists import BoolArray, Catalog, Float32Array, Int32Array, Int64Array
from segue.scoring.centroid import Centroid, unit_rows
from segue.scoring.factors import Factors
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import NEXT, Query
from segue.scoring.wide import WidePart

# Where it is asked what comes next: how many last tracks, and half-lives, in tracks, of earlier
# ones.
_LAST, _END, _HALF_LIVES = 3, 5, (2.0, 6.0)
_NUM_NEAREST = 3
# Steps of the coordinates of vectors from 0 to 1. Products of two such numbers are multiples of
# 2^−22, and sums of them of less than 4 are exact in float32.
_STEPS = np.float32(2**11)
# Steps of the length of a vector from 0 to 1.
_LENGTH_STEPS = 2.0**8
# For each kind of group, the feature that sums the wide part over it.
_GROUP_WEIGHTS = {"artist": "weights of artist", "album": "weights of album"}

FEATURES = (
    # The first stage: its score, its parts, and the ranks by each.
    "score",
    "deep",
    "wide",
    "place",
    "deep place",
    "wide place",
    "score under best",
    "deep under best",
    "even wide",
    "wide by root of length",
    "wide by length",
    # How close the track is to single tracks of the list, by vectors and by the wide part.
    "nearest cosine",
    "nearest cosines",
    "mean cosine",
    "least cosine",
    "even cosine",
    "artist cosine",
    "factors",
    "factors place",
    "factors under best",
    "largest weight",
    "largest weights",
    "share with weight",
    "weights of artist",
    "weights of album",
    # The same, for the end of a list that is asked what comes next.
    "cosine with last",
    "cosine with last two",
    "cosine with last three",
    "cosine by recency",
    "cosine by slow recency",
    "weight of last",
    "weights of last three",
    "weight by recency",
    "artist of last",
    "album of last",
    "weights of artist of last",
    "tracks by artist at end",
    "artists at end",
    # Artist and album in the list.
    "tracks by artist",
    "share by artist",
    "tracks on album",
    "share on album",
    "album complete",
    # Popularity, in logarithms.
    "popularity",
    "popularity over mean",
    "artist popularity",
    "album popularity",
    # The list itself.
    "length",
    "asks next",
    "artists by length",
    "albums by length",
    "mean popularity",
    "deviation of popularity",
)


# The row of each, in an array of features by candidates.
_ROW = {name: row for row, name in enumerate(FEATURES)}


class FeatureMaker:
    """Computes features of candidates; a track with several artists counts for its main one.

    They are the same, to the bit, on every processor: trees compare them with thresholds, so a last
    bit could put a track on the other side, and in training change every later tree. Processors
    add products up in different orders, which rounds differently. So unit vectors are rounded to
    eleven bits, which moves a cosine by about .0002, and no sum of their products is rounded. All
    other sums are in an order that does not depend on the processor.

    Parameters
    ----------
    first_stage
    catalog
    popularity : int64 [num_tracks]
    """

    def __init__(self, first_stage: FirstStage, catalog: Catalog, popularity: Int64Array) -> None:
        self.first_stage, self.catalog = first_stage, catalog
        self._centroid, self._wide = first_stage.centroid, first_stage.term(WidePart)
        self._factors = first_stage.term(Factors)
        self._popularity = np.log1p(popularity).astype(np.float32)
        self._counts = popularity

    def features(self, query: Query, candidates: Iterable[Int32Array]) -> Iterator[Float32Array]:
        """Features of some candidates for each list.

        Parameters
        ----------
        query
            Lists of at least one track. Features of the order are NaN unless a list is asked what
            comes next.
        candidates : int32 [num_candidates], for each list

        Yields
        ------
        float32 [num_candidates, num_features]
            Of one list after another.
        """
        vectors = _coarse(self._centroid.prepare(query))
        for row, (vector, some) in enumerate(zip(vectors, candidates, strict=True)):
            one = query if len(query) == 1 else query.rows(slice(row, row + 1))
            features = np.full((len(FEATURES), len(some)), np.nan, dtype=np.float32)
            for name, values in self._features(one, vector, some).items():
                features[_ROW[name]] = values
            yield np.ascontiguousarray(features.T)

    def _features(
        self, query: Query, vector: Float32Array, candidates: Int32Array
    ) -> dict[str, Any]:
        """By name a value for each candidate, or one number for all; `vector` is the query's."""
        tracks, in_order = query.tracks.track_index, query.asked(0) == NEXT
        ours = self._centroid.track_vectors.take(tracks, axis=0)
        theirs = _coarse(self._centroid.track_vectors.take(candidates, axis=0))
        cosine = _coarse(ours) @ theirs.T
        weight, group_weights = self._weights(tracks, candidates)
        weighted = self._centroid.query_weight[tracks, None] * ours
        mean = _coarse(unit_rows(weighted.sum(axis=0, keepdims=True)))[0]
        same = {}
        for kind in ("artist", "album"):
            group = self.catalog.relations[kind].main
            of_list, of_candidates = group[tracks], group[candidates]
            same[kind] = (of_list[:, None] == of_candidates) & (of_candidates >= 0)
        found = {
            "asks next": in_order,
            "even cosine": theirs @ mean,
            "artist cosine": self._artist_vectors[self.catalog.main_artist[candidates]] @ mean,
            **self._of_score(query, vector, candidates, theirs, weight),
            **self._of_tracks(cosine, weight),
            **group_weights,
            **self._of_groups(tracks, candidates, same),
            **self._of_popularity(tracks, candidates),
        }
        if in_order:
            found |= self._of_the_end(tracks, cosine, weight, same)
            found["weights of artist of last"] = found["weights of artist"] * same["artist"][-1]
            names = ("cosine by recency", "cosine by slow recency")
            for name, half_life in zip(names, _HALF_LIVES, strict=True):
                late = _weighted(_recency(len(tracks), half_life), weighted)
                found[name] = theirs @ _coarse(unit_rows(late[None]))[0]
        return found

    def _of_score(
        self,
        query: Query,
        vector: Float32Array,
        candidates: Int32Array,
        theirs: Float32Array,
        weight: Float32Array,
    ) -> dict[str, Any]:
        """The score of the first stage and its parts."""
        num_tracks, share = query.tracks.num_pairs, query.relative_emphasis
        even = weight.sum(axis=0)
        wide = even if share is None else _weighted(share, weight)
        deep = theirs @ vector
        deep += self._further(query, candidates)
        factors, scale = self._of_factors(query, candidates)
        score = deep + wide + scale * factors
        return {
            "score": score,
            "deep": deep,
            "wide": wide,
            "place": _places(score, candidates),
            "deep place": _places(deep, candidates),
            "wide place": _places(wide, candidates),
            "score under best": score - score.max(),
            "deep under best": deep - deep.max(),
            "even wide": even,
            "wide by root of length": even / np.sqrt(num_tracks),
            "wide by length": even / num_tracks,
            "factors": factors,
            "factors place": 0.0 if self._factors is None else _places(factors, candidates),
            "factors under best": factors - factors.max(),
        }

    def _of_tracks(self, cosine: Float32Array, weight: Float32Array) -> dict[str, Any]:
        """How close the candidates are to single tracks of the list."""
        num_tracks = len(cosine)
        nearest, nearest_sum = _largest(cosine)
        heaviest, heaviest_sum = _largest(weight)
        return {
            "nearest cosine": nearest,
            "nearest cosines": nearest_sum / min(_NUM_NEAREST, num_tracks),
            "mean cosine": cosine.mean(axis=0),
            "least cosine": cosine.min(axis=0),
            "largest weight": heaviest,
            "largest weights": heaviest_sum,
            "share with weight": np.count_nonzero(weight > 0, axis=0) / num_tracks,
            "length": num_tracks,
        }

    def _of_the_end(
        self,
        tracks: Int32Array,
        cosine: Float32Array,
        weight: Float32Array,
        same: dict[str, BoolArray],
    ) -> dict[str, Any]:
        """How close the candidates are to the last tracks of the list."""
        return {
            "cosine with last": cosine[-1],
            "cosine with last two": cosine[-2:].mean(axis=0),
            "cosine with last three": cosine[-_LAST:].mean(axis=0),
            "weight of last": weight[-1],
            "weights of last three": weight[-_LAST:].sum(axis=0),
            "weight by recency": _weighted(_recency(len(tracks), _HALF_LIVES[0]), weight),
            "artist of last": same["artist"][-1],
            "album of last": same["album"][-1],
            "tracks by artist at end": np.count_nonzero(same["artist"][-_END:], axis=0),
            "artists at end": len(np.unique(self.catalog.main_artist[tracks[-_END:]])),
        }

    def _of_groups(
        self, tracks: Int32Array, candidates: Int32Array, same: dict[str, BoolArray]
    ) -> dict[str, Any]:
        """How many tracks of the list have the candidate's artist, or its album."""
        found: dict[str, Any] = {}
        for kind, count, share in (
            ("artist", "tracks by artist", "share by artist"),
            ("album", "tracks on album", "share on album"),
        ):
            found[count] = np.count_nonzero(same[kind], axis=0).astype(np.float32)
            found[share] = found[count] / np.float32(len(tracks))
            different = _num_different(self.catalog.relations[kind].main[tracks])
            found[f"{kind}s by length"] = np.float32(different / len(tracks))
        album = self.catalog.main_album[candidates]
        found["album complete"] = found["tracks on album"] / self._album_length[album]
        return found

    def _further(self, query: Query, candidates: Int32Array) -> Float32Array:
        """What the terms without features of their own add to the score: float32."""
        added = np.zeros(len(candidates), dtype=np.float32)
        rows = candidates[None].astype(np.int64)
        for term in self.first_stage.terms:
            if not isinstance(term, Centroid | WidePart | Factors):
                added += term.pairs(rows, term.prepare(query, 0.0))[0]
        return added

    def _of_factors(self, query: Query, candidates: Int32Array) -> tuple[Float32Array, np.float32]:
        """What the factors predict (float32 [num_candidates]), and their scale in the score."""
        if self._factors is None:
            return np.zeros(len(candidates), dtype=np.float32), np.float32(0)
        answer = self._factors.answers(query)
        # Its last bits depend on the processor.
        length = np.rint(np.linalg.norm(answer) * _LENGTH_STEPS) / _LENGTH_STEPS
        ours = _coarse(self._factors.factors.take(candidates, axis=0))
        cosines = ours @ _coarse(unit_rows(answer))[0]
        predicted: Float32Array = cosines * np.float32(length)
        return predicted, self._factors.scale[0]

    def _weights(
        self, tracks: Int32Array, candidates: Int32Array
    ) -> tuple[Float32Array, dict[str, Any]]:
        """W of the list's tracks and the candidates, and its sums over artists and albums.

        float32 [num_tracks_of_list, num_candidates]; each sum float32 [num_candidates], over the
        weights to all tracks by the candidate's artist, or on its album.
        """
        weights = np.zeros((len(tracks), len(candidates)), dtype=np.float32)
        wide = self._wide
        if wide is None:
            nothing = np.zeros(len(candidates), dtype=np.float32)
            return weights, dict.fromkeys(_GROUP_WEIGHTS.values(), nothing)
        entries = entries_of(wide.offsets, tracks)
        given_to, weight = wide.track_index.take(entries), wide.weight.take(entries)
        row = np.repeat(np.arange(len(tracks)), wide.offsets[tracks + 1] - wide.offsets[tracks])
        place = _places_among(candidates, self.catalog.num_tracks).take(given_to)
        among = np.flatnonzero(place >= 0)
        weights[row.take(among), place.take(among)] = weight.take(among)
        sums = {}
        for kind, name in _GROUP_WEIGHTS.items():
            group = self.catalog.relations[kind].main
            of_candidate = group.take(candidates)
            # One candidate stands for all of its group; at the end is the place of no group.
            standing = _places_among(of_candidate, len(self.catalog.nodes[kind]) + 1)
            standing[-1] = -1
            place = standing.take(group.take(given_to))
            among = np.flatnonzero(place >= 0)
            total = np.bincount(place.take(among), weight.take(among), minlength=len(candidates))
            sums[name] = np.where(of_candidate >= 0, total[standing.take(of_candidate)], 0)
        return weights, sums

    def _of_popularity(self, tracks: Int32Array, candidates: Int32Array) -> dict[str, Any]:
        ours, theirs = self._popularity[tracks], self._popularity[candidates]
        return {
            "popularity": theirs,
            "popularity over mean": theirs - ours.mean(),
            "artist popularity": self._artist_popularity[self.catalog.main_artist[candidates]],
            "album popularity": self._album_popularity[self.catalog.main_album[candidates]],
            "mean popularity": ours.mean(),
            "deviation of popularity": ours.std(),
        }

    # Each has one extra row at the end, for the index −1 of a track without.

    @cached_property
    def _album_length(self) -> Float32Array:
        album = self.catalog.main_album
        length = np.bincount(album[album >= 0], minlength=len(self.catalog.albums))
        return np.append(length, 1).astype(np.float32)

    @cached_property
    def _artist_vectors(self) -> Float32Array:
        """Unit centroids of the artists' tracks by popularity: float32 [num_artists + 1, dim]."""
        from scipy.sparse import csr_array

        known = np.flatnonzero(self.catalog.main_artist >= 0)
        shape = (len(self.catalog.artists) + 1, self.catalog.num_tracks)
        at = self.catalog.main_artist[known], known
        counts = (self._counts[known] + 1).astype(np.float32)
        sums = csr_array((counts, at), shape=shape) @ self._centroid.track_vectors
        return _coarse(unit_rows(sums))

    @cached_property
    def _artist_popularity(self) -> Float32Array:
        return self._summed(self.catalog.main_artist, len(self.catalog.artists))

    @cached_property
    def _album_popularity(self) -> Float32Array:
        return self._summed(self.catalog.main_album, len(self.catalog.albums))

    def _summed(self, group: Int32Array, num_groups: int) -> Float32Array:
        known = group >= 0
        sums = np.bincount(group[known], weights=self._counts[known], minlength=num_groups)
        return np.append(np.log1p(sums), np.nan).astype(np.float32)


def _places_among(values: Int32Array, size: int) -> NDArray[np.int16]:
    """For each number below `size` its place in `values`, −1 where it is not: int16 [size].

    A table is read several times faster than places are searched for.
    """
    place = np.full(size, -1, dtype=np.int16)
    place[values] = np.arange(len(values), dtype=np.int16)
    return place


def _num_different(group: Int32Array) -> int:
    """How many different groups there are; −1 is none."""
    found = np.unique(group)
    return len(found) - int(found[0] < 0)


def _recency(num_tracks: int, half_life: float) -> Float32Array:
    """Weight of each track, 1 for the last: float32 [num_tracks]."""
    # In float64: in float32 the last bit of a power depends on the processor.
    recency: Float32Array = np.exp2(-np.arange(num_tracks)[::-1] / half_life).astype(np.float32)
    return recency


def _coarse(unit_vectors: Float32Array) -> Float32Array:
    """Unit vectors whose cosines have no last bits to round."""
    rounded: Float32Array = np.rint(unit_vectors * _STEPS) / _STEPS
    return rounded


def _weighted(weights: Float32Array, rows: Float32Array) -> Float32Array:
    """The weighted sum of some rows, one after the other, unlike a product of matrices."""
    total: Float32Array = (weights[:, None] * rows).sum(axis=0)
    return total


def _largest(values: Float32Array) -> tuple[Float32Array, Float32Array]:
    """The largest of each column, and the sum of the few largest."""
    if len(values) > _NUM_NEAREST:
        values = np.partition(values, len(values) - _NUM_NEAREST, axis=0)[-_NUM_NEAREST:]
    # How they come out of a partition, and so are added up, depends on the processor.
    values = np.sort(values, axis=0)
    return values.max(axis=0), values.sum(axis=0)


def _places(values: Float32Array, tracks: Int32Array) -> Float32Array:
    """The rank of each track by its value in descending order, from 0, ties by index."""
    places = np.empty(len(values), dtype=np.float32)
    places[np.lexsort((tracks, -values))] = np.arange(len(values), dtype=np.float32)
    return places
