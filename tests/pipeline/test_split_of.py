"""A bundle's split is drawn again from the recipe that it states."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from segue.bundle import Bundle
from segue.errors import ArtefactError, MismatchError
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.pipeline.evaluate import split_of


@pytest.fixture(scope="module")
def make_bundle(planted_graph: PlaylistGraph):
    def make(recipe: SplitRecipe) -> Bundle:
        split = split_graph(planted_graph, recipe)
        vectors = np.eye(160, dtype=np.float32)
        return Bundle(
            catalog=planted_graph.catalog,
            vectors={"track": vectors, "artist": vectors[:20]},
            query_weight=np.ones(160, dtype=np.float32),
            popularity=split.train.popularity,
            playlists=None,
            config={},
            metrics={},
            split={"recipe": recipe.to_json(), "fingerprint": split.fingerprint},
            graph_fingerprint=planted_graph.fingerprint,
        )

    return make


@pytest.mark.parametrize(
    "recipe",
    [
        SplitRecipe("random", 0.3, 0.0, 5),
        SplitRecipe("last"),
        SplitRecipe("mixed", rng_seed=2),
        SplitRecipe("playlists", num_given=3),
        SplitRecipe("tracks"),
    ],
    ids=lambda recipe: recipe.kind,
)
def test_it_comes_out_the_same(make_bundle, planted_graph, recipe):
    split = split_of(make_bundle(recipe), planted_graph)
    expected = split_graph(planted_graph, recipe)
    assert split.recipe == recipe
    for part in ("validation", "test"):
        for column in ("query", "known", "targets"):
            ours, theirs = (getattr(getattr(s, part), column) for s in (split, expected))
            np.testing.assert_array_equal(ours.track_index, theirs.track_index)


def test_a_recipe_from_before_there_were_other_kinds(make_bundle, planted_graph):
    """The first bundles state these four facts and no more."""
    bundle = make_bundle(SplitRecipe())
    old = {"kind": "random", "test_share": 0.2, "validation_share": 0.1, "rng_seed": 0}
    assert bundle.split["recipe"] == old
    assert split_of(bundle, planted_graph).fingerprint == bundle.split["fingerprint"]


@pytest.mark.parametrize(
    "recipe",
    [
        None,
        "random",
        {"kind": "by moonlight"},
        {"kind": "random", "test_share": 0.2, "phase": "full"},
        {"kind": "random", "test_share": "0.2"},
        {"kind": "random", "test_share": 7},
    ],
)
def test_a_recipe_that_is_not_known(make_bundle, planted_graph, recipe: Any):
    bundle = make_bundle(SplitRecipe())
    for split in ({"recipe": recipe, "fingerprint": ""}, {}):
        with pytest.raises(ArtefactError, match="recipe of the bundle's split is not known"):
            split_of(replace(bundle, split=split), planted_graph)


def test_a_split_that_comes_out_otherwise(make_bundle, planted_graph):
    bundle = make_bundle(SplitRecipe())
    other = {"recipe": SplitRecipe(rng_seed=1).to_json()}
    with pytest.raises(MismatchError, match="cannot be reproduced"):
        split_of(replace(bundle, split=bundle.split | other), planted_graph)


def test_a_split_of_ones_own_under_the_same_recipe(make_bundle, planted_graph):
    """Its recipe says how a split is drawn, but this one was not drawn by it."""
    drawn, other = (split_graph(planted_graph, SplitRecipe(rng_seed=seed)) for seed in (0, 1))
    bundle = make_bundle(drawn.recipe)
    assert split_of(bundle, drawn) is drawn
    with pytest.raises(MismatchError, match="cannot be reproduced"):
        split_of(bundle, replace(other, recipe=drawn.recipe))


def test_another_number_of_tracks_given(make_bundle, planted_graph):
    """The training graph is the same, and so is what is held out of it."""
    recipe = SplitRecipe("playlists", num_given=3)
    asked = split_graph(planted_graph, recipe).given(5)
    assert split_of(make_bundle(recipe), asked) is asked
