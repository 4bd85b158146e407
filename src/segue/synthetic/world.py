"""A made-up world of music: who made what, how popular it is, and what goes with what.

It is drawn from a seed in a second or two, the same for collections of every size. Its parts are
nested, and each can be drawn from on its own:

- An *artist* has albums, an *album* has tracks.
- A *scene* is an audience with a genre and a decade; a *circle* is a close-knit group within one. A
  track belongs to one scene, a well-known one to several: each membership is a *billing*. Within a
  scene a track's circle is that of its artist, or of its album, or its own.

All draws are in proportion to one weight per track, whichever part is drawn from, so that a track's
overall popularity does not depend on how playlists combine the parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.synthetic.vocabulary import GENRES, MOODS

Float64Array = NDArray[np.float64]
IntArray = NDArray[np.int32]

NUM_ARTISTS = 340_000
NUM_GENRES, NUM_SCENES = len(GENRES), 480
DECADES = (1960, 1970, 1980, 1990, 2000, 2010)
_DECADE_ODDS = (0.04, 0.07, 0.09, 0.14, 0.22, 0.44)
# The laws were fitted to the published figures of the Million Playlist Dataset that
# benchmarks/generated_shape.py prints. Each is piecewise linear in log-log, by rank: how much a
# track is drawn,
_POPULARITY = (
    (1, 130e3), (10, 112e3), (100, 65e3), (1_000, 20.5e3), (10_000, 2_000), (31_600, 270),
    (100_000, 50), (1_000_000, 2.3), (4_000_000, 0.6),
)  # fmt: skip
# … an artist's share of all draws, before the law of the tracks shifts it,
_RENOWN = (
    (1, 8e-3), (3, 5e-3), (10, 3.2e-3), (100, 1.15e-3), (1_000, 2.1e-4), (10_000, 1.2e-5),
    (100_000, 2.0e-7), (NUM_ARTISTS, 2e-8),
)  # fmt: skip
# … and its number of tracks.
_TRACKS = (
    (1, 1300), (10, 900), (100, 440), (1_000, 170), (10_000, 52), (100_000, 10), (300_000, 2.8),
    (NUM_ARTISTS, 1.7),
)  # fmt: skip
# How much an artist's tracks differ in weight, varying from artist to artist: gamma's shape and
# scale.
_SPREAD = (6.0, 0.3)
_OTHER_AUDIENCE = 0.2
# Shares of all draws: the maximum of a billing, the typical one of a circle (and its variation from
# scene to scene: sigma of a log-normal).
_BILLING_WEIGHT, _CIRCLE_WEIGHT, _UNEVENNESS = 3e-5, 4e-4, 1.2
# A track's further billings: in nearby scenes, in its genre's mainstream.
_NEARBY, _MAINSTREAM = 0.4, 0.2
# Shares of tracks in the circle of their artist, and of their album; the others have their own.
_BY_ARTIST, _BY_ALBUM = 0.12, 0.23


@dataclass(frozen=True, eq=False)
class Parts:
    """Intervals of rows to draw from by weight.

    Attributes
    ----------
    start : int32 [num_parts + 1]
        Part p is rows ``start[p]`` to ``start[p + 1] - 1``; none is empty.
    sums : float64 [num_rows + 1]
        Cumulative sums of the weights of all previous rows.
    """

    start: IntArray
    sums: Float64Array

    def draw(self, part: NDArray[np.integer], chance: Float64Array) -> NDArray[np.int64]:
        """A row from each `part`, by weight; `chance` in [0, 1) decides."""
        first, end = self.start[part], self.start[part + 1]
        low = self.sums[first]
        place = low + chance * (self.sums[end] - low)
        # The sum may round up to the end of the part.
        found: NDArray[np.int64] = np.searchsorted(self.sums, place, side="right") - 1
        last: NDArray[np.int64] = np.minimum(found, end - 1)
        return last


def _at_rank(points: tuple[tuple[float, float], ...], rank: NDArray[np.int64]) -> Float64Array:
    at, value = np.log(np.array(points)).T
    found: Float64Array = np.exp(np.interp(np.log(rank), at, value))
    return found


def _starts(counts: NDArray[np.integer]) -> IntArray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)


def _sums(weight: Float64Array) -> Float64Array:
    return np.concatenate([[0.0], np.cumsum(weight)])


class World:
    """The world of a seed."""

    def __init__(self, rng_seed: int) -> None:
        rng = np.random.default_rng(rng_seed)
        self._make_catalogue(rng)
        self._make_scenes(rng)
        self._make_billings(rng)

    def _make_catalogue(self, rng: np.random.Generator) -> None:
        rank = 1 + rng.permutation(NUM_ARTISTS)
        many = _at_rank(_TRACKS, rank) * rng.lognormal(-0.1, 0.5, NUM_ARTISTS)
        num_tracks = np.maximum(1, np.round(many)).astype(np.int32)
        artist = np.repeat(np.arange(NUM_ARTISTS, dtype=np.int32), num_tracks)
        first = _starts(num_tracks)

        # Cut the tracks of an artist into singles and albums of one to twenty.
        size = np.where(rng.random(len(artist)) < 0.5, 1, rng.integers(2, 21, len(artist)))
        cut = np.cumsum(size)
        new_album = np.zeros(len(artist), dtype=bool)
        new_album[cut[cut < len(artist)]] = True
        new_album[first[:-1]] = True
        album = np.cumsum(new_album) - 1

        # Some artists live off a hit or two, others off everything.
        spread = rng.gamma(*_SPREAD, NUM_ARTISTS)[artist]
        fame = 0.6 * rng.standard_normal(album[-1] + 1)[album]
        fame += 0.8 * rng.standard_normal(len(artist))
        weight = np.exp(spread * fame)
        weight *= (_at_rank(_RENOWN, rank) / np.add.reduceat(weight, first[:-1]))[artist]
        by_weight = np.argsort(-weight, kind="stable")
        weight[by_weight] = _at_rank(_POPULARITY, np.arange(1, len(weight) + 1))
        weight /= weight.sum()

        self.weight = weight
        self.track_artist = artist
        self.track_album = album.astype(np.int32)
        sums = _sums(weight)
        self.artists = Parts(first, sums)
        self.albums = Parts(
            np.append(np.flatnonzero(new_album), len(artist)).astype(np.int32), sums
        )

    def _make_scenes(self, rng: np.random.Generator) -> None:
        # Genres are points in a taste space with their scenes around them; decades add a dimension.
        genre = np.concatenate(
            [np.arange(NUM_GENRES), rng.integers(NUM_GENRES, size=NUM_SCENES - NUM_GENRES)]
        )
        decade = rng.choice(len(DECADES), NUM_SCENES, p=_DECADE_ODDS)
        place = rng.normal(0, 1.0, (NUM_GENRES, 3))[genre] + rng.normal(0, 0.35, (NUM_SCENES, 3))
        place = np.column_stack([place, 0.5 * decade])
        away = ((place[:, None] - place) ** 2).sum(axis=2)
        self.scene_genre, self.scene_decade = genre, decade
        self.scene_mood = rng.integers(len(MOODS), size=NUM_SCENES)
        self.nearness = np.exp(-away / 0.5) + 1e-3
        # The first scene of a genre is its mainstream.
        size = rng.gamma(1.0, size=NUM_GENRES)[genre] * rng.lognormal(0, 1.0, NUM_SCENES)
        size[:NUM_GENRES] *= 3
        self.scene_size = size / size.sum()

    def _make_billings(self, rng: np.random.Generator) -> None:
        """The billings: (scene, circle, track, weight)."""
        num_tracks, num_artists = len(self.weight), len(self.artists.start) - 1
        near = self.nearness * self.scene_size
        np.fill_diagonal(near, 0)
        rows = np.cumsum(near / near.sum(axis=1, keepdims=True), axis=1)
        rows += np.arange(NUM_SCENES)[:, None]

        def neighbour(scene: NDArray[np.integer]) -> NDArray[np.int64]:
            found = np.searchsorted(rows.ravel(), scene + rng.random(len(scene)), side="right")
            return np.clip(found - scene * NUM_SCENES, 0, NUM_SCENES - 1)

        home = rng.choice(NUM_SCENES, num_artists, p=self.scene_size)
        second = neighbour(home)
        # Some albums are for the artist's other audience.
        other = rng.random(len(self.albums.start) - 1) < _OTHER_AUDIENCE
        by, on = self.track_artist, self.track_album
        scene = np.where(other[on], second[by], home[by])

        # No circle gives a track more than its share: well-known tracks have many billings.
        num_billings = np.ceil(self.weight / _BILLING_WEIGHT).astype(np.int64)
        track_all = np.repeat(np.arange(num_tracks), num_billings)
        weight = (self.weight / num_billings)[track_all]
        scene_all = scene[track_all]
        again = np.flatnonzero(np.diff(track_all, prepend=-1) == 0)
        where = rng.random(len(again))
        at_home = scene_all[again]
        scene_all[again] = np.where(
            where < _NEARBY,
            neighbour(at_home),
            np.where(where < _NEARBY + _MAINSTREAM, self.scene_genre[at_home], at_home),
        )

        # Some scenes consist of close-knit circles, others of large loose ones, and within each,
        # circles vary in size. How closely things belong together is what a good recommender finds
        # out.
        total = np.bincount(scene_all, weight, NUM_SCENES)
        circle_weight = _CIRCLE_WEIGHT * rng.lognormal(0, _UNEVENNESS, NUM_SCENES)
        num_circles = np.clip(np.round(total / circle_weight), 1, 400).astype(np.int64)
        who = rng.random(num_tracks)
        seat = rng.random(num_tracks)
        seat = np.where(who < _BY_ARTIST + _BY_ALBUM, rng.random(len(other))[on], seat)
        seat = np.where(who < _BY_ARTIST, rng.random(num_artists)[by], seat)
        seats = seat[track_all]
        seats[again] = rng.random(len(again))
        circle = (seats**2 * num_circles[scene_all]).astype(np.int64)
        circle += np.concatenate([[0], np.cumsum(num_circles)])[scene_all]
        # Circles without tracks get no number.
        order = np.argsort(circle, kind="stable")
        circle = circle[order]
        new = np.append(True, circle[1:] != circle[:-1])
        self.billing_track = track_all[order].astype(np.int32)
        sums = _sums(weight[order])
        self.billing_circle = (np.cumsum(new) - 1).astype(np.int32)
        self.circles = Parts(np.append(np.flatnonzero(new), len(new)).astype(np.int32), sums)
        self.scenes = Parts(_starts(np.bincount(scene_all, minlength=NUM_SCENES)), sums)
        # Circles within a scene, by weight.
        circle_scene = scene_all[order][self.circles.start[:-1]]
        self.scene_circles = Parts(
            _starts(np.bincount(circle_scene, minlength=NUM_SCENES)),
            sums[self.circles.start],
        )
        self.everything = Parts(np.array([0, len(sums) - 1], dtype=np.int32), sums)

        # Pairs of scenes, near ones more often, such that each scene is drawn by its weight.
        share = np.diff(sums[self.scenes.start]) / sums[-1]
        joint = self.nearness.copy()
        factor = np.ones(NUM_SCENES)
        for _ in range(200):
            factor = np.sqrt(factor * share / (joint @ factor))
        joint *= factor[:, None] * factor
        pairs = np.arange(0, NUM_SCENES**2 + 1, NUM_SCENES, dtype=np.int32)
        self.companions = Parts(pairs, _sums(joint.ravel()))
        self.all_scenes = Parts(np.array([0, NUM_SCENES], dtype=np.int32), _sums(share))

    def companion(self, scene: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """A companion for each scene."""
        return self.companions.draw(scene, rng.random(len(scene))) - scene * NUM_SCENES
