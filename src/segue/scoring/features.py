"""The second stage's features of a candidate track for a list."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from segue.data.playlists import BoolArray, Catalog, Float32Array, Int32Array, Int64Array
from segue.scoring.centroid import Centroid, unit_rows
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import NEXT, Query
from segue.scoring.questions import Questions
from segue.scoring.wide import WidePart

# Where it is asked what comes next: how many last tracks, and half-lives, in tracks, of earlier
# ones.
_LAST, _END, _HALF_LIVES = 3, 5, (2.0, 6.0)
_NUM_NEAREST = 3
# Steps of the coordinates of vectors from 0 to 1. Products of two such numbers are multiples of
# 2^−22, and sums of them of less than 4 are exact in float32.
_STEPS = np.float32(2**11)
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
        self._popularity = np.log1p(popularity).astype(np.float32)
        self._counts = popularity

    def asked(
        self, query: Query, asks: int, candidates: Int32Array, questions: Questions
    ) -> Float32Array:
        """Features of candidates for one list as if it asked one question.

        Parameters
        ----------
        query, candidates
            As for `features`.
        asks
            `FIT` or `NEXT`.
        questions
            How queries are made.

        Returns
        -------
        float32 [num_candidates, num_features]
        """
        if query.asked(0) != asks:
            query = questions.asked(query, asks)
        return self.features(query, candidates)

    def features(self, query: Query, candidates: Int32Array) -> Float32Array:
        """Features of the candidates for one list: float32 [num_candidates, num_features].

        Parameters
        ----------
        query
            A single list of at least one track. Features of the order are NaN unless it is asked
            what comes next.
        candidates : int32 [num_candidates]
        """
        tracks, in_order = query.tracks.track_index, query.asked(0) == NEXT
        vectors = self._centroid.track_vectors
        num_tracks = len(tracks)
        of_candidates = _coarse(vectors[candidates])
        cosine = _coarse(vectors[tracks]) @ of_candidates.T
        weight, group_weights = self._weights(tracks, candidates)
        even = weight.sum(axis=0)
        share = query.relative_emphasis
        wide = even if share is None else _weighted(share, weight)
        deep = of_candidates @ _coarse(self._centroid.prepare(query))[0]
        deep += self._further(query, candidates)
        score = deep + wide
        nearest, nearest_sum = _largest(cosine)
        heaviest, heaviest_sum = _largest(weight)
        # For each feature a column, or one number for all candidates.
        found: dict[str, Any] = dict.fromkeys(FEATURES, np.nan)
        found |= {
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
            "nearest cosine": nearest,
            "nearest cosines": nearest_sum / min(_NUM_NEAREST, num_tracks),
            "mean cosine": cosine.mean(axis=0),
            "least cosine": cosine.min(axis=0),
            "largest weight": heaviest,
            "largest weights": heaviest_sum,
            "share with weight": (weight > 0).mean(axis=0),
            "length": num_tracks,
            "asks next": in_order,
        }
        found |= group_weights
        found |= self._shared(tracks, in_order, candidates)
        found |= self._by_centroids(tracks, in_order, candidates, of_candidates)
        if in_order:
            recency = _recency(num_tracks, _HALF_LIVES[0])
            found |= {
                "cosine with last": cosine[-1],
                "cosine with last two": cosine[-2:].mean(axis=0),
                "cosine with last three": cosine[-_LAST:].mean(axis=0),
                "weight of last": weight[-1],
                "weights of last three": weight[-_LAST:].sum(axis=0),
                "weight by recency": _weighted(recency, weight),
                "weights of artist of last": found["weights of artist"] * found["artist of last"],
            }
        found |= self._of_popularity(tracks, candidates)
        features = np.empty((len(candidates), len(FEATURES)), dtype=np.float32)
        for column, name in enumerate(FEATURES):
            features[:, column] = found[name]
        return features

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
        parts = [slice(wide.offsets[track], wide.offsets[track + 1]) for track in tracks.tolist()]
        given_to = np.concatenate([wide.track_index[part] for part in parts])
        weight = np.concatenate([wide.weight[part] for part in parts])
        row = np.repeat(np.arange(len(tracks)), [part.stop - part.start for part in parts])
        order = np.argsort(candidates)
        place, among = _stand_in(candidates[order], given_to)
        weights[row[among], order[place[among]]] = weight[among]
        sums = {}
        for kind, name in _GROUP_WEIGHTS.items():
            group = self.catalog.relations[kind].main
            groups, of_candidate = np.unique(group[candidates], return_inverse=True)
            place, among = _stand_in(groups, group[given_to])
            total = np.bincount(place[among], weights=weight[among], minlength=len(groups))
            sums[name] = np.where(group[candidates] >= 0, total[of_candidate], 0)
        return weights, sums

    def _shared(self, tracks: Int32Array, in_order: bool, candidates: Int32Array) -> dict[str, Any]:
        """How many tracks of the list are by the candidate's artist and on its album."""
        found: dict[str, Any] = {}
        for kind, count, share in (
            ("artist", "tracks by artist", "share by artist"),
            ("album", "tracks on album", "share on album"),
        ):
            group = self.catalog.relations[kind].main
            ours, theirs = group[tracks], group[candidates]
            same = (ours[:, None] == theirs) & (theirs >= 0)
            found[count] = same.sum(axis=0, dtype=np.float32)
            found[share] = found[count] / np.float32(len(tracks))
            named = ours[ours >= 0]
            found[f"{kind}s by length"] = np.float32(len(np.unique(named)) / len(tracks))
            if in_order:
                found[f"{kind} of last"] = same[-1]
            if in_order and kind == "artist":
                found["tracks by artist at end"] = same[-_END:].sum(axis=0)
                found["artists at end"] = np.float32(len(np.unique(ours[-_END:])))
        album = self.catalog.main_album[candidates]
        found["album complete"] = found["tracks on album"] / self._album_length[album]
        return found

    def _further(self, query: Query, candidates: Int32Array) -> Float32Array:
        """What the terms besides the cosine and the wide part add to the score: float32."""
        added = np.zeros(len(candidates), dtype=np.float32)
        rows = candidates[None].astype(np.int64)
        for term in self.first_stage.terms:
            if not isinstance(term, Centroid | WidePart):
                added += term.pairs(rows, term.prepare(query, 0.0))[0]
        return added

    def _by_centroids(
        self,
        tracks: Int32Array,
        in_order: bool,
        candidates: Int32Array,
        of_candidates: Float32Array,
    ) -> dict[str, Any]:
        """Cosines with centroids of the list under different track weights."""
        vectors = self._centroid.track_vectors
        weighted = self._centroid.query_weight[tracks, None] * vectors[tracks]
        even = _coarse(unit_rows(weighted.sum(axis=0, keepdims=True)))[0]
        by = self.catalog.main_artist[candidates]
        found = {
            "even cosine": of_candidates @ even,
            "artist cosine": self._artist_vectors[by] @ even,
        }
        if in_order:
            names = ("cosine by recency", "cosine by slow recency")
            for name, half_life in zip(names, _HALF_LIVES, strict=True):
                late = _weighted(_recency(len(tracks), half_life), weighted)
                found[name] = of_candidates @ _coarse(unit_rows(late[None]))[0]
        return found

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


def _stand_in(ascending: Int32Array, values: Int32Array) -> tuple[Int64Array, BoolArray]:
    """Index of each value among ascending ones, and whether it is there."""
    place = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return place, ascending[place] == values


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
