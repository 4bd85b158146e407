"""Which of some playlists a song belongs to, as probabilities: scores, calibrated.

A score ranks songs for one playlist; it is not a probability, and scores of different playlists
are not comparable: a long or a narrow playlist gives higher ones. Here they become

    P(playlist p | song u) = exp(z_up) / (1 + Σ_q exp(z_uq))
    P(none | song u)       =         1 / (1 + Σ_q exp(z_uq))
    z_up = β · (cosine, √wide, log length of p, middle of p, log-popularity of u, 1)

over the playlists that do not hold the song yet. The *middle* of a playlist is the mean cosine of
its own songs, each left out of it. β is fitted to the playlists themselves: each of their songs,
left out of its playlist, belongs there; where that playlist is taken away as well, none fits; and
none fits songs from elsewhere. The fewer the songs, the nearer β stays to `BETA`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Float32Array, Int64Array
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query

Float64Array = NDArray[np.float64]

# Fitted by `benchmarks/sort_and_tidy.py` to validation playlists; it prints them.
BETA = np.array([8.1, 7.0, 0.5, -4.0, -0.75, -4.9])
# How firmly a fit is held to them: not very, the songs of two short playlists overrule them.
_FIRMNESS = 1.0
# Of long playlists this many songs are enough for a fit.
_MOST_SONGS = 2000


@dataclass(frozen=True, eq=False)
class Cases:
    """Songs to place, with the features of each for each playlist.

    Attributes
    ----------
    features : float64 [num_songs, num_playlists, num_features]
    open : bool [num_songs, num_playlists]
        The playlists that come into question: those that have songs, but not this one.
    """

    features: Float64Array
    open: BoolArray


@dataclass(frozen=True)
class OwnSongs:
    """How the songs that playlists hold already would be placed.

    Attributes
    ----------
    num_songs
        Songs that were left out of their playlist and placed again.
    share_right
        The share of them that their own playlist gets rather than another; 0 where there is none.
    """

    num_songs: int
    share_right: float


class Placing:
    """Places songs in some playlists.

    Parameters
    ----------
    first
        The score.
    query
        The playlists, without emphasis.
    rng_seed
        Seed of the draw of songs from elsewhere.

    Attributes
    ----------
    beta : float64 [num_features]
    own : OwnSongs
    """

    def __init__(self, first: FirstStage, query: Query, rng_seed: int = 0) -> None:
        self._first, self._query = first, query
        tracks = query.tracks
        self._own_cosine = first.centroid.left_out(query)
        total = np.bincount(tracks.list_index(), self._own_cosine, minlength=len(tracks))
        # A playlist of one song has no middle: no song is left when it is left out.
        lengths = tracks.lengths
        middle = np.where(lengths > 1, total / np.maximum(lengths, 1), 0.0)
        self._of_playlist = np.stack([np.log(np.maximum(lengths, 1)), middle], axis=-1)
        rng = np.random.default_rng(rng_seed)
        cases, own = self.own_cases(rng)
        self.beta = fitted(cases, own, self.from_elsewhere(len(own), rng))
        right = (_logits(cases, self.beta).argmax(axis=1) == own).sum() if len(own) else 0
        self.own = OwnSongs(len(own), float(right) / max(1, len(own)))

    def probabilities(self, songs: Int64Array) -> tuple[Float64Array, Float64Array]:
        """How likely songs (rows, int64) belong to each playlist, and to none.

        Returns
        -------
        playlist : float64 [num_songs, num_playlists]
            0 where the playlist holds the song.
        none : float64 [num_songs]
        """
        cases = self.cases(songs)
        logits = _logits(cases, self.beta)
        total = _log_total(logits)
        return np.exp(logits - total[:, None]), np.exp(-total)

    def cases(self, songs: Int64Array) -> Cases:
        """The features of songs (rows, int64)."""
        asked, column = np.unique(songs, return_inverse=True)
        shape = (len(self._query), len(asked))
        cosine, wide = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        if len(asked):
            centroid = self._first.centroid
            centroid.add_to(cosine, asked, centroid.prepare(self._query))
            for term in self._first.further:
                term.add_to(wide, asked, term.prepare(self._query, 0.0))
        tracks = self._query.tracks
        place = np.searchsorted(asked, tracks.track_index)
        place[place == len(asked)] = 0
        held = np.zeros(shape, dtype=bool)
        if len(asked):
            found = asked[place] == tracks.track_index
            held[tracks.list_index()[found], place[found]] = True
        # Nothing is known of an empty playlist.
        is_open = ~held & (tracks.lengths > 0)[:, None]
        return Cases(
            self._features(asked[column], cosine[:, column].T, wide[:, column].T),
            is_open[:, column].T,
        )

    def _features(
        self, songs: Int64Array, cosine: Float32Array, wide: Float32Array
    ) -> Float64Array:
        """float64 [num_songs, num_playlists, num_features]; the others are without the last."""
        fame = np.zeros(len(songs), dtype=np.float32)
        if self._first.popularity is not None:
            fame = self._first.popularity.log_popularity[songs]
        features = np.ones((*cosine.shape, len(BETA)))
        features[..., 0] = cosine
        features[..., 1] = np.sqrt(np.maximum(wide, 0))
        features[..., 2:4] = self._of_playlist
        features[..., 4] = fame[:, None]
        return features

    def own_cases(self, rng: np.random.Generator) -> tuple[Cases, Int64Array]:
        """The songs of the playlists, each left out of its own, and which that is."""
        tracks, query = self._query.tracks, self._query
        owner = tracks.list_index()
        chosen = np.flatnonzero(tracks.lengths[owner] > 1)
        if len(chosen) > _MOST_SONGS:
            chosen = np.sort(rng.choice(chosen, _MOST_SONGS, replace=False))
        own = owner[chosen]
        cases = self.cases(tracks.track_index[chosen].astype(np.int64))
        wide = sum(
            (term.left_out(query, 0.0) for term in self._first.further),
            np.zeros(tracks.num_pairs, dtype=np.float32),
        )
        each = np.arange(len(chosen))
        cases.features[each, own, 0] = self._own_cosine[chosen]
        cases.features[each, own, 1] = np.sqrt(np.maximum(wide[chosen], 0))
        cases.features[each, own, 2] = np.log(tracks.lengths[own] - 1)
        cases.open[each, own] = True
        return cases, own

    def from_elsewhere(self, count: int, rng: np.random.Generator) -> Cases:
        """Songs that no playlist holds, drawn from the catalogue by popularity."""
        odds = np.ones(self._first.num_tracks)
        if self._first.popularity is not None:
            odds += self._first.popularity.popularity
        odds[self._query.tracks.track_index] = 0
        count = min(count, int((odds > 0).sum()))
        if not count:
            return self.cases(np.zeros(0, dtype=np.int64))
        ends = np.cumsum(odds)
        drawn = np.searchsorted(ends, rng.random(count) * ends[-1], side="right")
        return self.cases(drawn.astype(np.int64))


def fitted(own: Cases, playlist: Int64Array, elsewhere: Cases) -> Float64Array:
    """The β of greatest likelihood, held to `BETA`.

    Parameters
    ----------
    own
        Songs, each left out of its playlist.
    playlist : int64 [num_songs]
        Their playlists.
    elsewhere
        Songs that belong to none of the playlists.

    Returns
    -------
    float64 [num_features]
    """
    from scipy.optimize import minimize  # takes a while to load

    def held(beta: Float64Array) -> tuple[float, Float64Array]:
        value, slope = loss(own, playlist, elsewhere, beta)
        off = beta - BETA
        return value + _FIRMNESS * float(off @ off) / 2, slope + _FIRMNESS * off

    if not len(playlist):
        return BETA.copy()
    found: Float64Array = minimize(held, BETA, jac=True, method="L-BFGS-B").x
    return found


def loss(
    own: Cases, playlist: Int64Array, elsewhere: Cases, beta: Float64Array
) -> tuple[float, Float64Array]:
    """Minus the logarithm of the likelihood of β, and its gradient; as for `fitted`."""
    taken_away, each = own.open.copy(), np.arange(len(playlist))
    taken_away[each, playlist] = False
    several = own.open.shape[1] > 1
    # Half of the songs belong to a playlist, half to none; of these half are from elsewhere.
    groups = [(own, 1.0)]
    if several:
        groups.append((Cases(own.features, taken_away), 0.5))
    if len(elsewhere.open):
        weight = len(playlist) / len(elsewhere.open)
        groups.append((elsewhere, weight * (0.5 if several else 1.0)))
    right = own.features[each, playlist]
    value, slope = -float((right @ beta).sum()), -right.sum(axis=0)
    for cases, weight in groups:
        logits = _logits(cases, beta)
        total = _log_total(logits)
        value += weight * float(total.sum())
        share = np.exp(logits - total[:, None])
        slope = slope + weight * np.tensordot(share, cases.features, axes=2)
    return value, slope


def _logits(cases: Cases, beta: Float64Array) -> Float64Array:
    """z of each song and playlist, −inf where the playlist is out of the question."""
    return np.where(cases.open, cases.features @ beta, -np.inf)


def _log_total(logits: Float64Array) -> Float64Array:
    """log(1 + Σ exp(z)) of each song: float64 [num_songs]."""
    highest = np.maximum(logits.max(axis=1, initial=0.0), 0.0)
    total: Float64Array = highest + np.log(
        np.exp(-highest) + np.exp(logits - highest[:, None]).sum(axis=1)
    )
    return total
