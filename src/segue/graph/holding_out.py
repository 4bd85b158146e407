"""Holding pairs of a graph out, for validation and test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Int64Array, TrackLists
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import DEFAULT_NUM_GIVEN, HeldOut, Split, SplitRecipe, checked

# Of the titled playlists that validation asks about, the share whose title training does not see,
# and the most of them.
_UNSEEN_TITLES, _MOST_UNSEEN_TITLES = 0.1, 2000
_FOR_TITLES = 1
# The part that a pair or a track is assigned to.
_TRAIN, _VALIDATION, _TEST = 0, 1, 2


def split_graph(graph: PlaylistGraph, recipe: SplitRecipe) -> Split:
    """Split a graph's interaction edges.

    From a playlist of n tracks, round(n · test_share) go to test and round(n · validation_share) to
    validation, halves rounded up; at least one track stays for training. A playlist too short for
    that has nothing held out: an evaluation counts it but does not score it. For ``"playlists"`` n
    is the number of playlists with two tracks or more, for ``"tracks"`` the number of tracks in any
    playlist; a playlist may then end up without tracks.

    Raises
    ------
    InputError
        If no playlist's order is known and the recipe needs one, if nothing is held out for a share
        above 0, or nothing is left to train on.
    """
    rng = np.random.default_rng(recipe.rng_seed)
    if recipe.test_share == recipe.validation_share == 0:
        return _without_holding_out(graph, recipe)
    if recipe.kind == "playlists":
        return checked(_without_playlists(graph, recipe, rng))
    tracks = graph.playlists.tracks
    if recipe.kind == "tracks":
        standing = np.flatnonzero(graph.popularity)
        part = _drawn(standing, graph.catalog.num_tracks, recipe, rng)[tracks.track_index]
        asks_next = np.zeros(len(tracks), dtype=bool)
    else:
        part, asks_next = _some_of_each(graph, recipe, rng)
    train, validation = tracks.keep(part == _TRAIN), tracks.keep(part == _VALIDATION)
    every, known = np.arange(len(tracks)), train.joined(validation)
    return checked(
        Split(
            train=_without_some_titles(graph.with_tracks(train), validation, recipe),
            validation=HeldOut(train, train, validation, every, asks_next),
            test=HeldOut(
                known if recipe.in_order else train,
                known,
                tracks.keep(part == _TEST),
                every,
                asks_next,
            ),
            recipe=recipe,
            graph=graph,
        )
    )


def _without_holding_out(graph: PlaylistGraph, recipe: SplitRecipe) -> Split:
    """Train on everything: the training graph is the whole one."""
    tracks = graph.playlists.tracks
    none = tracks.keep(np.zeros(tracks.num_pairs, dtype=bool))
    every = np.arange(len(tracks))
    nothing = HeldOut(tracks, tracks, none, every, np.zeros(len(tracks), dtype=bool))
    if recipe.kind == "playlists":
        nothing = nothing.rows(np.arange(0))
    return checked(Split(graph, nothing, nothing, recipe, graph))


def _without_some_titles(
    train: PlaylistGraph, validation: TrackLists, recipe: SplitRecipe
) -> PlaylistGraph:
    """The training graph without the titles of a few of the playlists with validation tracks."""
    titled = train.playlists.relations.get("word")
    if titled is None:
        return train
    rows = np.flatnonzero((titled.source_degree > 0) & (validation.lengths > 0))
    rng = np.random.default_rng((recipe.rng_seed, _FOR_TITLES))
    number = min(round(_UNSEEN_TITLES * len(rows)), _MOST_UNSEEN_TITLES)
    unseen = np.zeros(len(validation), dtype=bool)
    unseen[rng.permutation(rows)[:number]] = True
    return train.without_relations_of(unseen)


def _some_of_each(
    graph: PlaylistGraph, recipe: SplitRecipe, rng: np.random.Generator
) -> tuple[NDArray[np.int8], BoolArray]:
    """Hold out a share of each playlist's tracks.

    Returns
    -------
    part : int8 [num_pairs]
        Of each pair.
    asks_next : bool [num_playlists]
        Of which playlists the last tracks go, rather than random ones.
    """
    tracks, order_known = graph.playlists.tracks, graph.playlists.order_known
    lengths = tracks.lengths
    # The first positions go to test, the next to validation.
    place = tracks.shuffled_positions(rng)
    free = np.maximum(lengths - 1, 0)
    num_test = np.minimum(_rounded(lengths * recipe.test_share), free)
    num_validation = np.minimum(_rounded(lengths * recipe.validation_share), free - num_test)
    in_order = np.zeros_like(order_known)
    if recipe.kind != "random":
        if not order_known.any():
            raise InputError(
                f"a split of kind {recipe.kind!r} needs playlists whose order is known, and the "
                "graph has none"
            )
        gives = num_test + num_validation > 0
        chosen = gives & order_known
        in_order = chosen.copy()
        if recipe.kind == "mixed":
            ordered, others = np.flatnonzero(chosen), np.flatnonzero(gives & ~order_known)
            count = min(len(ordered), len(others))
            chosen[rng.choice(others, count, replace=False)] = True
            # Where there are too few others, random tracks of ordered ones make up for it.
            if len(ordered) > len(others):
                count = (len(ordered) - len(others)) // 2
                in_order[rng.choice(ordered, count, replace=False)] = False
        num_test, num_validation = num_test * chosen, num_validation * chosen
        place = np.where(np.repeat(in_order, lengths), tracks.following(), place)
    part = np.full(tracks.num_pairs, _TRAIN, dtype=np.int8)
    part[place < np.repeat(num_test + num_validation, lengths)] = _VALIDATION
    part[place < np.repeat(num_test, lengths)] = _TEST
    return part, in_order


def _without_playlists(
    graph: PlaylistGraph, recipe: SplitRecipe, rng: np.random.Generator
) -> Split:
    """Hold out whole playlists."""
    tracks = graph.playlists.tracks
    # In a shorter one nothing is left to find, however few are given.
    part = _drawn(np.flatnonzero(tracks.lengths >= 2), len(tracks), recipe, rng)
    place = tracks.shuffled_positions(rng)
    in_place = np.arange(tracks.num_pairs)  # non-decreasing, like the position in a list
    place = np.where(np.repeat(graph.playlists.order_known, tracks.lengths), in_place, place)
    order = np.lexsort((place, tracks.list_index()))
    in_order = TrackLists(tracks.offsets, tracks.track_index[order])
    num_given = recipe.num_given or DEFAULT_NUM_GIVEN
    validation, test = (
        HeldOut.of_new_playlists(in_order.rows(rows), num_given, rows)
        for rows in (np.flatnonzero(part == _VALIDATION), np.flatnonzero(part == _TEST))
    )
    train = graph.with_tracks(tracks.keep(np.repeat(part == _TRAIN, tracks.lengths)))
    return Split(
        train=train.without_relations_of(part != _TRAIN),
        validation=validation,
        test=test,
        recipe=recipe,
        graph=graph,
    )


def _drawn(
    rows: Int64Array, num_rows: int, recipe: SplitRecipe, rng: np.random.Generator
) -> NDArray[np.int8]:
    """The part of each playlist or track, drawn among `rows`: int8 [num_rows]."""
    order = rng.permutation(rows)
    ends = np.cumsum(_rounded(len(rows) * np.array([recipe.test_share, recipe.validation_share])))
    part = np.full(num_rows, _TRAIN, dtype=np.int8)
    part[order[: ends[1]]] = _VALIDATION
    part[order[: ends[0]]] = _TEST
    return part


def _rounded(values: NDArray[np.floating[Any]]) -> Int64Array:
    """To the nearest integer, halves up; a product such as 90 · 0.35 counts as an exact half."""
    whole: Int64Array = np.floor(np.round(values, 9) + 0.5).astype(np.int64)
    return whole
