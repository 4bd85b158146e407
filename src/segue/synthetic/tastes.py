"""The tastes of playlist makers, and the playlists that they put together.

All playlists of a slice are drawn at once: a row of `Tastes` for each, then slots for their tracks,
until each has as many different tracks as it needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segue.synthetic.world import Float64Array, World

Int64Array = NDArray[np.int64]

# Quantiles of playlist length. The published sample has 10, 24, 45, 84, 175 and a mean of 62, the
# whole Million Playlist Dataset a mean of 66.3: these lie in between.
_LENGTHS = ((0, 5), (0.05, 10), (0.25, 24.5), (0.5, 46), (0.75, 86), (0.95, 180), (1, 250))
_NUM_SCENES_ODDS = (0.40, 0.35, 0.25)
_NUM_CIRCLES, _NUM_FAVOURITES = 4, 4
# Shares of playlists: without runs, about one or a few artists, with no artist twice.
_NO_RUNS, _DEVOTED, _ONE_EACH = 0.4, 0.14, 0.04
# Shares of slots, as the two parameters of a beta distribution.
_RUNS, _ANCHORED, _STRAY = (1.0, 5.5), (1.4, 2.8), (0.7, 4.0)
_FAVOURED, _FAVOURED_BY_DEVOTED = (1.0, 24.0), (6.0, 1.5)
_RUN_ON_ALBUM = 0.4
# Attempts to draw by taste; tracks still missing after that come from anywhere.
_ATTEMPTS = 4


@dataclass(frozen=True, eq=False)
class Tastes:
    """The tastes of some playlist makers, one row each.

    Attributes
    ----------
    scene : int64 [num_playlists, 3]
    scene_until : float64 [num_playlists, 3]
        Where in [0, 1) each scene's part of the playlist ends.
    circle : int64 [num_playlists, 3, 4]
        The maker's circles in each scene.
    favourite : int64 [num_playlists, 4]
        Artists.
    anchored, favoured, stray, runs : float64 [num_playlists]
        Shares of the slots: from `circle` rather than anywhere in the scene; by a favourite; from
        anywhere at all; of the same album or artist as the slot before.
    drift, tidy : float64 [num_playlists]
        How strongly the order follows scenes and circles, and groups artists.
    one_each : bool [num_playlists]
        No artist twice.
    """

    scene: Int64Array
    scene_until: Float64Array
    circle: Int64Array
    favourite: Int64Array
    anchored: Float64Array
    favoured: Float64Array
    stray: Float64Array
    runs: Float64Array
    drift: Float64Array
    tidy: Float64Array
    one_each: NDArray[np.bool_]


def draw_tastes(world: World, count: int, rng: np.random.Generator) -> Tastes:
    """Draw the tastes of the makers of `count` playlists."""
    first = world.all_scenes.draw(np.zeros(count, dtype=np.int64), rng.random(count))
    scene = np.stack([first, world.companion(first, rng), world.companion(first, rng)], axis=1)
    parts = rng.gamma(1.0, size=(count, 3))
    num_scenes = 1 + (rng.random(count)[:, None] > np.cumsum(_NUM_SCENES_ODDS)[:2]).sum(axis=1)
    parts[np.arange(3) >= num_scenes[:, None]] = 0

    circle = world.scene_circles.draw(
        np.repeat(scene[:, :, None], _NUM_CIRCLES, axis=2), rng.random((count, 3, _NUM_CIRCLES))
    )
    at_home = np.repeat(first[:, None], _NUM_FAVOURITES, axis=1)
    liked = world.billing_track[world.scenes.draw(at_home, rng.random(at_home.shape))]
    favoured = rng.beta(*_FAVOURED, count)
    devoted = rng.random(count) < _DEVOTED
    favoured[devoted] = rng.beta(*_FAVOURED_BY_DEVOTED, int(devoted.sum()))
    return Tastes(
        scene=scene,
        scene_until=np.cumsum(parts, axis=1) / parts.sum(axis=1, keepdims=True),
        circle=circle,
        favourite=world.track_artist[liked].astype(np.int64),
        anchored=rng.beta(*_ANCHORED, count),
        favoured=favoured,
        stray=rng.beta(*_STRAY, count),
        runs=rng.beta(*_RUNS, count) * (rng.random(count) >= _NO_RUNS),
        drift=rng.random(count),
        tidy=rng.beta(0.4, 0.8, count),
        one_each=rng.random(count) < _ONE_EACH,
    )


@dataclass(frozen=True, eq=False)
class _Slots:
    """Draws for playlists, which may repeat: int64 [num_slots] each.

    `lead` is the slot that started a run, `part` and `circle` are where that one came from.
    """

    row: Int64Array
    track: Int64Array
    lead: Int64Array
    part: Int64Array
    circle: Int64Array

    def chosen(self, rows: Int64Array) -> _Slots:
        return _Slots(*(column[rows] for column in vars(self).values()))

    def followed_by(self, other: _Slots) -> _Slots:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return _Slots(*(np.concatenate(pair) for pair in pairs))


def _draw_slots(
    world: World, tastes: Tastes, row: Int64Array, rng: np.random.Generator, *, anywhere: bool
) -> _Slots:
    count = len(row)
    slot = np.arange(count)
    by_scene, by_circle, which, where, by_stray, by_favourite, by_run, by_album = rng.random(
        (8, count)
    )
    part = (by_scene[:, None] >= tastes.scene_until[row, :2]).sum(axis=1)
    circle = tastes.circle[row, part, (which * _NUM_CIRCLES).astype(np.int64)]
    place = np.where(
        by_circle < tastes.anchored[row],
        world.circles.draw(circle, where),
        world.scenes.draw(tastes.scene[row, part], where),
    )
    stray = by_stray < tastes.stray[row]
    if anywhere:
        stray[:] = True
    place[stray] = world.everything.draw(np.zeros(int(stray.sum()), dtype=np.int64), where[stray])
    track = world.billing_track[place].astype(np.int64)
    liked = ~stray & (by_favourite < tastes.favoured[row])
    # The square puts one favourite first.
    favoured = (which[liked] ** 2 * _NUM_FAVOURITES).astype(np.int64)
    favourite = tastes.favourite[row[liked], favoured]
    track[liked] = world.artists.draw(favourite, where[liked])
    if anywhere:
        return _Slots(row, track, slot, part, world.billing_circle[place].astype(np.int64))

    begins = (by_run >= tastes.runs[row]) | (np.diff(row, prepend=-1) != 0)
    lead = np.maximum.accumulate(np.where(begins, slot, 0))
    on_album = ~begins & (by_album[lead] < _RUN_ON_ALBUM)
    by_artist = ~begins & ~on_album
    track[on_album] = world.albums.draw(world.track_album[track[lead[on_album]]], where[on_album])
    track[by_artist] = world.artists.draw(
        world.track_artist[track[lead[by_artist]]], where[by_artist]
    )
    circles = world.billing_circle[place].astype(np.int64)
    return _Slots(row, track, lead, part[lead], circles[lead])


def draw_playlists(
    world: World, count: int, rng: np.random.Generator
) -> tuple[Tastes, Int64Array, Int64Array]:
    """Draw playlists.

    Returns
    -------
    tastes : Tastes
    lengths : int64 [count]
        From 5 to 250.
    tracks : int64 [sum of lengths]
        Rows of the world's tracks, playlist by playlist, in order, none twice in a playlist.
    """
    share, length = np.array(_LENGTHS).T
    lengths = np.exp(np.interp(rng.random(count), share, np.log(length))).round().astype(np.int64)
    tastes = draw_tastes(world, count, rng)
    nothing = np.zeros(0, dtype=np.int64)
    slots = _Slots(*([nothing] * 5))
    missing, attempt = lengths, 0
    while missing.any():
        # A few more than are missing, as some will repeat.
        row = np.repeat(np.arange(count), np.where(missing > 0, missing * 5 // 4 + 4, 0))
        drawn = _draw_slots(world, tastes, row, rng, anywhere=attempt >= _ATTEMPTS)
        unused = int(slots.lead.max(initial=-1)) + 1
        slots = slots.followed_by(replace(drawn, lead=drawn.lead + unused))
        slots = slots.chosen(_first_of_each(world, tastes, slots, lengths))
        missing = lengths - np.bincount(slots.row, minlength=count)
        attempt += 1
    return tastes, lengths, slots.track[_in_order(world, tastes, slots, rng)]


def _first_of_each(world: World, tastes: Tastes, slots: _Slots, lengths: Int64Array) -> Int64Array:
    """Slots by playlist in drawing order, without repeats, at most its length."""
    once_only = np.where(
        tastes.one_each[slots.row], -1 - world.track_artist[slots.track], slots.track
    )
    key = slots.row * (2 * len(world.track_artist)) + once_only
    first = np.sort(np.unique(key, return_index=True)[1])
    first = first[np.argsort(slots.row[first], kind="stable")]
    row = slots.row[first]
    begin = np.searchsorted(row, np.arange(len(lengths)))
    return first[np.arange(len(first)) - begin[row] < lengths[row]]


def _in_order(world: World, tastes: Tastes, slots: _Slots, rng: np.random.Generator) -> Int64Array:
    """The order of the playlists: drift from scene to scene and circle to circle, with runs."""
    # The golden ratio spreads the circles over [0, 1).
    drift = tastes.drift[slots.row] * (0.5 * slots.part + slots.circle * 0.6180339887 % 1)
    noise = rng.random(int(slots.lead.max(initial=0)) + 1)[slots.lead]
    of_artist = rng.random(2**16)
    together = rng.random(len(slots.row)) < tastes.tidy[slots.row]
    key = slots.row * 7919 + world.track_artist[slots.track]
    noise[together] = of_artist[key[together] % len(of_artist)]
    return np.lexsort((np.arange(len(slots.row)), drift + noise, slots.row))
