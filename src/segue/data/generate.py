"""Draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.world import Float64Array, World

SLICE_SIZE = 1000
_LENGTHS = ((0, 5), (0.05, 10), (0.25, 25), (0.5, 47), (0.75, 88), (0.95, 184), (1, 250))
NUM_ANCHORS, NUM_FAVOURITES = 4, 4
import os
P=dict(run0=.2, runa=1.0, runb=3.0, foc=.10, focheavy=.06, anch=(2.0,1.5), stray=(1.0,14.0), comps=(.4,.35,.25), dirich=1.0, one=.04)
P.update(eval(os.environ.get("PP","{}")))

@dataclass(frozen=True, eq=False)
class Tastes:
    """What the makers of some playlists have in mind, one row each."""

    scene: NDArray[np.int64]
    scene_until: Float64Array
    anchor: NDArray[np.int64]
    anchored: Float64Array
    favourite: NDArray[np.int64]
    favoured: Float64Array
    runs: Float64Array
    stray: Float64Array
    drift: Float64Array
    one_each: Any


def draw_tastes(world: World, count: int, rng: np.random.Generator) -> Tastes:
    first = world.all_scenes.draw(np.zeros(count, dtype=np.int64), rng.random(count))
    others = [
        world.companions.draw(first, rng.random(count)) - first * len(world.scene_share)
        for _ in range(2)
    ]
    scene = np.stack([first, *others], axis=1)
    parts = rng.gamma(P['dirich'], size=(count, 3))
    num_scenes = 1 + (rng.random(count)[:, None] > np.cumsum(P['comps'])[:2]).sum(axis=1)
    parts[np.arange(3) >= num_scenes[:, None]] = 0
    until = np.cumsum(parts, axis=1) / parts.sum(axis=1, keepdims=True)

    anchor = world.scene_circles.draw(
        np.repeat(scene[:, :, None], NUM_ANCHORS, axis=2), rng.random((count, 3, NUM_ANCHORS))
    )
    entry = world.scenes.draw(
        scene[:, rng.integers(3, size=NUM_FAVOURITES)] * 0 + scene[:, :1], rng.random((count, NUM_FAVOURITES))
    )
    favoured = rng.beta(1.0, 1/P['foc']-1, count)
    heavy = rng.random(count) < P['focheavy']
    favoured[heavy] = rng.beta(6.0, 1.5, heavy.sum())
    runs = rng.beta(P['runa'], P['runb'], count)
    runs[rng.random(count) < P['run0']] = 0
    return Tastes(
        scene, until, anchor, rng.beta(*P['anch'], count),
        world.track_artist[world.billing_track[entry]], favoured, runs,
        rng.beta(*P['stray'], count),
        rng.random(count),
        rng.random(count) < P['one'],
    )


def draw_slots(world, tastes, row, rng, plain=False):
    count = len(row)
    u = rng.random((9, count))
    component = (u[0][:, None] >= tastes.scene_until[row, :2]).sum(axis=1)
    scene = tastes.scene[row, component]
    circle = tastes.anchor[row, component, (u[1] * NUM_ANCHORS).astype(np.int64)]
    anchored = u[2] < tastes.anchored[row]
    place = np.where(
        anchored, world.circles.draw(circle, u[3]), world.scenes.draw(scene, u[3])
    )
    stray = u[4] < tastes.stray[row]
    place[stray] = world.everything.draw(np.zeros(stray.sum(), dtype=np.int64), u[3][stray])
    track = world.billing_track[place]
    # A few favourites
    liked = ~stray & (u[5] < tastes.favoured[row])
    artist = tastes.favourite[row[liked], (u[1][liked] * NUM_FAVOURITES).astype(np.int64)]
    track[liked] = world.artists.draw(artist, u[3][liked])
    if plain:
        return track, np.arange(count), component, world.billing_circle[place]
    begins = (u[6] >= tastes.runs[row]) | (np.diff(row, prepend=-1) != 0)
    lead = np.maximum.accumulate(np.where(begins, np.arange(count), 0))
    follows = ~begins
    by_album = follows & (u[7][lead] < 0.4)
    by_artist = follows & ~by_album
    track[by_album] = world.albums.draw(world.track_album[track[lead[by_album]]], u[3][by_album])
    track[by_artist] = world.artists.draw(world.track_artist[track[lead[by_artist]]], u[3][by_artist])
    return track, lead, component[lead], world.billing_circle[place[lead]]


def draw_playlists(world, count, rng):
    share, length = np.array(_LENGTHS).T
    lengths = np.exp(np.interp(rng.random(count), share, np.log(length)))
    lengths = np.round(lengths).astype(np.int64)
    tastes = draw_tastes(world, count, rng)
    missing = lengths
    columns = [np.zeros((0), dtype=np.int64)] * 5
    for attempt in range(20):
        row = np.repeat(np.arange(count), (missing > 0) * (missing * (1.25) + 4).astype(np.int64))
        new = draw_slots(world, tastes, row, rng, attempt > 0)
        offset = len(columns[0])
        new = [row, new[0], new[1] + offset, new[2], new[3]]
        columns = [np.concatenate([a, b]) for a, b in zip(columns, new)]
        key = columns[0] * len(world.weight) + columns[1]
        one = tastes.one_each[columns[0]]
        key[one] = columns[0][one]*len(world.weight)+ world.track_artist[columns[1][one]]
        once = np.sort(np.unique(key, return_index=True)[1])
        # by row, in order of drawing
        once = once[np.argsort(columns[0][once], kind="stable")]
        start = np.searchsorted(columns[0][once], np.arange(count))
        r = columns[0][once]
        once = once[np.arange(len(once)) - start[r] < lengths[r]]
        columns = [c[once] for c in columns]
        missing = lengths - np.bincount(columns[0], minlength=count)
        if not missing.any():
            break
    row, track, lead, component, circle = columns
    key = tastes.drift[row]*(0.5 * component + ((circle * 0.6180339887) % 1)) 
    # lead's noise
    noise = rng.random(int(lead.max()) + 1)[lead]
    order = np.lexsort((np.arange(len(row)), key + noise, row))
    return tastes, lengths, row[order], track[order], attempt
