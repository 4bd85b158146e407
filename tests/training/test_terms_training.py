"""The wide part is EASE with artists and albums, cut to what is strongest."""

import tracemalloc

import numpy as np
import pytest

from segue import memory
from segue.baselines import EASE, SideEASE
from segue.baselines.ease import ease_weights, rows_with_side_information
from segue.data.playlists import TrackLists
from segue.errors import InputError, ResourceError
from segue.scoring.query import Query
from segue.scoring.terms import STORED, load_terms
from segue.training import terms
from segue.training.config import SecondStageConfig
from segue.training.terms import WideConfig

SIDE = {"regularization": 30.0, "artist_weight": 4.0, "album_weight": 2.0}


def cut(weights: np.ndarray, kept: int) -> np.ndarray:
    """Of what each track is given the `kept` largest weights above 0 and smallest below."""
    rising = np.sort(weights, axis=0)
    large, small = weights >= rising[-kept], weights <= rising[kept - 1]
    return np.where((large & (weights > 0)) | (small & (weights < 0)), weights, 0)


@pytest.mark.parametrize(("kept", "block"), [(5, 7), (40, 512), (160, 64), (999, 512)])
def test_it_is_ease_cut_to_the_strongest(planted_graph, monkeypatch, kept, block):
    monkeypatch.setattr(terms, "_BLOCK_COLUMNS", block)
    part = WideConfig(num_neighbours=kept, weight=2.0, **SIDE).fit(planted_graph)
    expected = cut(SideEASE(planted_graph, **SIDE).weights, min(kept, 160))
    np.testing.assert_allclose(part.matrix.toarray(), 2 * expected, atol=1e-6)
    for one_sign in (part.matrix > 0, part.matrix < 0):
        assert (one_sign.sum(axis=0) <= kept).all()
    assert (part.weight < 0).any()
    assert part.num_tracks == 160


def test_it_scores_as_side_ease_where_nothing_is_cut(planted_graph):
    part = WideConfig(num_neighbours=160, weight=1.0, **SIDE).fit(planted_graph)
    query = TrackLists.from_lists([[3, 40, 8], [159]])
    weights = SideEASE(planted_graph, **SIDE).weights
    expected = [weights[[3, 40, 8]].sum(axis=0), weights[159]]
    np.testing.assert_allclose(part.prepare(Query(query)).by_list.toarray(), expected, atol=1e-6)


def test_only_the_most_popular_take_part(planted_graph):
    """The others give and are given nothing, as if they were not there."""
    config = WideConfig(max_tracks=50, num_neighbours=50, weight=1.0, **SIDE)
    found = config.fit(planted_graph).matrix.toarray()
    degree = planted_graph.popularity
    # Ties at the cut go to the lower index.
    some = np.sort(np.argsort(-degree, kind="stable")[:50])
    assert degree[some].min() >= np.delete(degree, some).max()
    others = np.setdiff1d(np.arange(160), some)
    np.testing.assert_array_equal(found[others], 0)
    np.testing.assert_array_equal(found[:, others], 0)
    rows = rows_with_side_information(planted_graph, artist_weight=4.0, album_weight=2.0)
    weights = ease_weights(rows[:, some], 30.0)
    np.testing.assert_allclose(found[np.ix_(some, some)], weights, atol=1e-6)
    assert (found > 0).any()


def test_without_side_information_it_is_ease(planted_graph):
    side = {"artist_weight": 0.0, "album_weight": 0.0}
    config = WideConfig(num_neighbours=160, weight=1.0, regularization=30.0, **side)
    part = config.fit(planted_graph)
    expected = EASE(planted_graph, regularization=30.0).weights
    np.testing.assert_allclose(part.matrix.toarray(), expected, atol=1e-6)


def test_what_does_not_fit_is_refused_in_one_sentence(planted_graph, monkeypatch):
    needed = WideConfig().memory(planted_graph)
    monkeypatch.setattr(memory, "available_memory", lambda: needed - 1)
    for refused in (lambda: WideConfig().require(planted_graph),
                    lambda: WideConfig().fit(planted_graph)):  # fmt: skip
        with pytest.raises(ResourceError, match=r"160 tracks needs .* of memory, of which") as e:
            refused()
        assert "\n" not in str(e.value)
    for less in (WideConfig(max_tracks=50), WideConfig(block_size=20, support_size=60)):
        less.require(planted_graph)
        assert less.fit(planted_graph).num_tracks == 160


def test_the_estimate_of_memory_holds(make_planted_graph):
    """Fitting in blocks takes no more than is asked for, and not much less."""
    graph = make_planted_graph(np.random.default_rng(1), communities=30, num_playlists=3000)
    config = WideConfig(num_neighbours=20, block_size=50, support_size=400, **SIDE)
    config.fit(graph)  # imports, and what stays
    tracemalloc.start()
    config.fit(graph)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert config.memory(graph) / 2 < peak < config.memory(graph)


def test_in_blocks_it_is_close_to_the_whole(planted_graph):
    whole = WideConfig(num_neighbours=40, weight=1.0, **SIDE).fit(planted_graph).matrix.toarray()
    blocks = WideConfig(
        num_neighbours=40, weight=1.0, block_size=20, support_size=100, **SIDE
    ).fit(planted_graph).matrix.toarray()  # fmt: skip
    assert np.corrcoef(whole.ravel(), blocks.ravel())[0, 1] > 0.95
    assert (blocks.diagonal() == 0).all()


def test_weights_of_side_information_below_zero_are_refused(planted_graph):
    with pytest.raises(InputError, match="artist_weight is -1 and album_weight 5, expected 0 or"):
        WideConfig(artist_weight=-1).fit(planted_graph)


def test_what_is_fitted_is_what_a_bundle_can_hold(planted_graph):
    """The two lists of terms agree, and what is fitted comes back from its arrays."""
    assert terms.TERMS.keys() == STORED.keys()
    for name, config in terms.TERMS.items():
        term = config().fit(planted_graph)
        (again,) = load_terms({name: term.arrays()}, planted_graph.catalog.num_tracks).values()
        assert type(again) is STORED[name]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: WideConfig(num_neighbours=0), "num_neighbours is 0, expected 1 or more"),
        (lambda: WideConfig(max_tracks=0), "max_tracks is 0"),
        (lambda: WideConfig(block_size=0), "block_size is 0"),
        (lambda: WideConfig(support_size=9), "support_size is 9, expected at least 200, the block"),
        (lambda: WideConfig(regularization=0), "must be above 0"),
        (lambda: SecondStageConfig(num_trees=()), "expected whole numbers, ascending"),
        (lambda: SecondStageConfig(num_trees=(50, 20)), "expected whole numbers, ascending"),
        (lambda: SecondStageConfig(negative_share=0), "negative_share must lie above 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused_when_it_is_asked_for(make, says):
    with pytest.raises(InputError, match=says):
        make()
