"""Training sees nothing of what is held out, whatever the kind of split.

Two graphs differ only in held-out edges. All that is learned on one must be what is learned on the
other, bit for bit, and tracks must be as popular: that is what the odds of a negative rest on.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from segue.data.playlists import TrackLists
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitKind, SplitRecipe
from segue.training.config import TrainConfig
from segue.training.objectives import (
    BPR,
    HardestNegatives,
    HardNegatives,
    PooledSoftmax,
    RandomNegatives,
    SampledSoftmax,
    Triples,
)
from segue.training.train import TrainResult, train

KINDS = get_args(SplitKind)
CONFIG = TrainConfig(dim=8, epochs=2, batch_size=80, learning_rate=0.02, rng_seed=3)
NODE: dict[str, Any] = {"readout": "node", "options": {"playlist_vectors": True}}
OBJECTIVES: list[tuple[type[SampledSoftmax | BPR | Triples], dict[str, Any]]] = [
    (SampledSoftmax, {}),
    (BPR, {}),
    (Triples, NODE),
]
NEGATIVES = [
    RandomNegatives(),
    HardNegatives(share=(0.5, 0.1), refresh_every=1),
    HardestNegatives(),
]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., TrainResult]:
    def run(split: Split, *, validated: bool = False, config: TrainConfig = CONFIG) -> TrainResult:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        validation = split.validation if validated else None
        return train(split.train, validation, config, folder=folder, identity=split.fingerprint)

    return run


def with_other_held_out(graph: PlaylistGraph, split: Split, parts: list[str]) -> PlaylistGraph:
    """Every held-out edge of some parts leads to another track; all other edges stay."""
    rng = np.random.default_rng(5)
    lists = [tracks.tolist() for tracks in graph.playlists.tracks]
    held_out = [getattr(split, part) for part in parts]
    targets = np.unique(np.concatenate([part.targets.track_index for part in held_out]))
    for part in held_out:
        for row, playlist in enumerate(part.playlist_index):
            old = lists[playlist]
            gone = set(old if split.recipe.kind == "playlists" else part.targets[row].tolist())
            if split.recipe.kind == "tracks":
                # Another held-out track: any other would be one that training sees.
                allowed = np.intersect1d(targets, part.targets.track_index)
            else:
                allowed = np.arange(graph.catalog.num_tracks)
            free = iter(rng.permutation(np.setdiff1d(allowed, old)).tolist())
            lists[playlist] = [next(free) if track in gone else track for track in old]
    return graph.with_tracks(TrackLists.from_lists(lists))


def assert_same(one: TrainResult, other: TrainResult) -> None:
    np.testing.assert_array_equal(one.track_vectors, other.track_vectors)
    np.testing.assert_array_equal(one.query_weight, other.query_weight)
    np.testing.assert_array_equal(
        one.structural_vectors["artist"], other.structural_vectors["artist"]
    )
    assert [e["loss"] for e in one.history] == [e["loss"] for e in other.history]


@pytest.mark.parametrize("kind", KINDS)
def test_changing_held_out_edges_changes_nothing_that_is_learned(planted_graph, run, kind) -> None:
    split = split_graph(planted_graph, SplitRecipe(kind, rng_seed=1))
    changed = with_other_held_out(planted_graph, split, ["validation", "test"])
    other = split_graph(changed, split.recipe)
    for part in ("validation", "test"):
        before, after = (getattr(s, part).targets for s in (split, other))
        np.testing.assert_array_equal(before.offsets, after.offsets)
        assert (before.track_index != after.track_index).mean() > 0.9
    assert other.train.fingerprint == split.train.fingerprint
    np.testing.assert_array_equal(other.train.popularity, split.train.popularity)
    assert_same(run(split), run(other))


@pytest.mark.parametrize("negatives", NEGATIVES, ids=lambda negatives: negatives.name)
@pytest.mark.parametrize(("objective", "fields"), OBJECTIVES)
def test_no_negative_knows_of_held_out_edges(
    planted_graph, run, objective, fields, negatives
) -> None:
    """Held-out tracks are drawn as if nobody held them: neither avoided nor looked for."""
    split = split_graph(planted_graph, SplitRecipe(rng_seed=1))
    changed = with_other_held_out(planted_graph, split, ["validation", "test"])
    other = split_graph(changed, split.recipe)
    config = replace(CONFIG, objective=objective(negatives=negatives), **fields)
    assert_same(run(split, config=config), run(other, config=config))


def test_no_pool_knows_of_held_out_edges(planted_graph, run) -> None:
    split = split_graph(planted_graph, SplitRecipe(rng_seed=1))
    changed = with_other_held_out(planted_graph, split, ["validation", "test"])
    other = split_graph(changed, split.recipe)
    config = replace(CONFIG, objective=PooledSoftmax(pool_size=40))
    assert_same(run(split, config=config), run(other, config=config))


@pytest.mark.parametrize("kind", KINDS)
def test_changing_test_edges_changes_nothing_at_all(planted_graph, run, kind) -> None:
    """Not even which epoch is chosen."""
    split = split_graph(planted_graph, SplitRecipe(kind, rng_seed=1))
    other = split_graph(with_other_held_out(planted_graph, split, ["test"]), split.recipe)
    assert other.fingerprint != split.fingerprint
    one, two = run(split, validated=True), run(other, validated=True)
    assert_same(one, two)
    clock = {"seconds"}
    for ours, theirs in zip(one.history, two.history, strict=True):
        assert "ndcg@20" in ours
        assert {k: ours[k] for k in ours.keys() - clock} == {
            k: theirs[k] for k in theirs.keys() - clock
        }


def test_changing_what_is_trained_on_changes_what_is_learned(planted_graph, run) -> None:
    """The tests above could otherwise not fail."""
    split = split_graph(planted_graph, SplitRecipe())
    other = split_graph(planted_graph, replace(split.recipe, rng_seed=9))
    assert not np.array_equal(run(split).track_vectors, run(other).track_vectors)


def test_how_many_tracks_are_given_changes_nothing_that_is_learned(planted_graph, run) -> None:
    results = [
        run(split_graph(planted_graph, SplitRecipe("playlists", num_given=given)))
        for given in (1, 5)
    ]
    assert_same(*results)


@pytest.mark.parametrize("kind", KINDS)
def test_playlists_and_tracks_without_training_pairs_get_finite_vectors(
    planted_graph, run, kind
) -> None:
    split = split_graph(planted_graph, SplitRecipe(kind, 0.4, 0.2))
    result = run(split, validated=True)
    assert np.isfinite(result.track_vectors).all()
    assert (result.query_weight > 0).all()
    alone = np.flatnonzero(split.train.popularity == 0)
    if kind == "tracks":
        assert len(alone) == 96
        # What they have is their artist's: nearer to it than to other artists.
        artist = planted_graph.catalog.main_artist[alone]
        cosines = result.track_vectors[alone] @ result.structural_vectors["artist"].T
        own = cosines[np.arange(len(alone)), artist]
        assert (own > np.median(cosines, axis=1)).mean() > 0.8
