"""The wide part is EASE with artists and albums, of each track on its neighbours alone."""

import tracemalloc

import numpy as np
import pytest

import segue
from segue import memory
from segue.arrays import save_checked
from segue.baselines import EASE, SideEASE
from segue.baselines.ease import rows_with_side_information
from segue.data.collection import Collection
from segue.data.playlists import TrackLists
from segue.errors import ArtefactError, InputError, ResourceError
from segue.pipeline.tuned import PRESET_TERMS
from segue.scoring.query import Query
from segue.scoring.terms import STORED, load_terms
from segue.training import pace, terms
from segue.training.config import SecondStageConfig
from segue.training.terms import WideConfig
from segue.training.word_odds import WordOddsConfig

SIDE = {"regularization": 30.0, "artist_weight": 4.0, "album_weight": 2.0}


def plain(graph, num_neighbours: int, tracks: np.ndarray | None = None) -> np.ndarray:
    """The ridge regression of each track on those of the largest cosine, one by one in float64."""
    rows = rows_with_side_information(graph, artist_weight=4.0, album_weight=2.0).toarray()
    some = np.arange(rows.shape[1]) if tracks is None else tracks
    gram = (rows.T @ rows).astype(np.float64)
    weights = np.zeros_like(gram)
    for j in some:
        others = some[some != j]
        cosine = gram[j, others] / np.sqrt(np.maximum(gram[others, others], 1e-9))
        near = others[np.argsort(-cosine, kind="stable")[:num_neighbours]]
        ridge = gram[np.ix_(near, near)] + SIDE["regularization"] * np.eye(len(near))
        weights[near, j] = np.linalg.solve(ridge, gram[near, j])
    return weights


@pytest.mark.parametrize(("kept", "block"), [(8, 7), (40, 64), (159, 200)])
def test_each_track_is_a_regression_on_its_neighbours(planted_graph, kept, block):
    part = WideConfig(num_neighbours=kept, weight=2.0, block_size=block, **SIDE).fit(planted_graph)
    found, expected = part.matrix.toarray(), 2 * plain(planted_graph, kept)
    assert ((found != 0).sum(axis=0) <= kept).all()
    # Where two tracks are as near, either may be the last neighbour.
    clear = ((found != 0) == (expected != 0)).all(axis=0)
    assert clear.mean() > 0.7
    np.testing.assert_allclose(found[:, clear], expected[:, clear], atol=1e-5)
    assert (part.weight < 0).any()
    assert part.num_tracks == 160


@pytest.mark.parametrize("kept", [159, 999])
def test_with_every_track_as_neighbour_it_is_side_ease(planted_graph, kept):
    part = WideConfig(num_neighbours=kept, weight=1.0, **SIDE).fit(planted_graph)
    weights = SideEASE(planted_graph, **SIDE).weights
    np.testing.assert_allclose(part.matrix.toarray(), weights, atol=1e-5)
    query = TrackLists.from_lists([[3, 40, 8], [159]])
    expected = [weights[[3, 40, 8]].sum(axis=0), weights[159]]
    np.testing.assert_allclose(part.prepare(Query(query)).by_list.toarray(), expected, atol=1e-5)


def test_only_the_most_popular_take_part(planted_graph):
    """The others give and are given nothing, as if they were not there."""
    config = WideConfig(max_tracks=50, num_neighbours=49, weight=1.0, **SIDE)
    found = config.fit(planted_graph).matrix.toarray()
    degree = planted_graph.popularity
    # Ties at the cut go to the lower index.
    some = np.sort(np.argsort(-degree, kind="stable")[:50])
    assert degree[some].min() >= np.delete(degree, some).max()
    others = np.setdiff1d(np.arange(160), some)
    np.testing.assert_array_equal(found[others], 0)
    np.testing.assert_array_equal(found[:, others], 0)
    np.testing.assert_allclose(found, plain(planted_graph, 49, some), atol=1e-5)
    assert (found > 0).any()


def test_without_side_information_it_is_ease(planted_graph):
    side = {"artist_weight": 0.0, "album_weight": 0.0}
    config = WideConfig(num_neighbours=159, weight=1.0, regularization=30.0, **side)
    part = config.fit(planted_graph)
    expected = EASE(planted_graph, regularization=30.0).weights
    np.testing.assert_allclose(part.matrix.toarray(), expected, atol=1e-5)


def test_a_single_track_has_no_neighbours(planted_graph):
    assert WideConfig(max_tracks=1).fit(planted_graph).matrix.nnz == 0


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


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupted_fit_goes_on(planted_graph, tmp_path, monkeypatch, threads):
    config = WideConfig(num_neighbours=20, block_size=20, support_size=100, **SIDE)
    monkeypatch.setattr(terms, "granted_threads", lambda: threads)
    whole, solve = config.fit(planted_graph), np.linalg.solve
    begun, solved = tmp_path / "begun.safetensors", []

    def interrupted(*args):
        if len(solved) == 3:
            raise KeyboardInterrupt
        solved.append(args)
        return solve(*args)

    monkeypatch.setattr(pace, "SAVE_SECONDS", -1)
    monkeypatch.setattr(np.linalg, "solve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        config.fit(planted_graph, begun)
    solved.clear()
    monkeypatch.setattr(np.linalg, "solve", lambda *args: solved.append(args) or solve(*args))
    again = config.fit(planted_graph, begun)
    assert len(solved) == 8 - 3
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)


def test_a_damaged_beginning_is_refused(planted_graph, tmp_path):
    begun = tmp_path / "begun.safetensors"
    save_checked(begun, {"track": np.zeros(3, dtype=np.int32)})
    with pytest.raises(ArtefactError, match=r"begun\.safetensors: is of another version"):
        WideConfig().fit(planted_graph, begun)
    content = bytearray(begun.read_bytes())
    content[-1] ^= 1
    begun.write_bytes(content)
    with pytest.raises(ArtefactError, match=r"begun\.safetensors: is not as it was written"):
        WideConfig().fit(planted_graph, begun)


def test_weights_of_side_information_below_zero_are_refused(planted_graph):
    with pytest.raises(InputError, match="artist_weight is -1 and album_weight 5, expected 0 or"):
        WideConfig(artist_weight=-1).fit(planted_graph)


def test_what_is_fitted_is_what_a_bundle_can_hold(planted_graph):
    """The lists of terms agree, and what is fitted comes back from its arrays."""
    further = {name: type(config) for of in PRESET_TERMS.values() for name, config in of.items()}
    kinds = terms.TERMS | further
    assert kinds.keys() == STORED.keys()
    graph = segue.build(Collection(planted_graph.playlists, planted_graph.catalog))
    for name, kind in kinds.items():
        term = kind().fit(graph)
        (again,) = load_terms({name: term.arrays()}, graph.num_nodes).values()
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


def test_how_long_it_takes_is_told_from_the_first_blocks(planted_graph, monkeypatch):
    """With a clock that says a second for each block, and ten for what comes before them."""
    config = WideConfig(num_neighbours=9, block_size=20, support_size=40)
    blocks = list(config._regressions(planted_graph))
    assert len(blocks) == 8

    def seconds() -> float:
        ticks = iter([0.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 18.0])
        return config.seconds(planted_graph, clock=lambda: next(ticks))

    monkeypatch.setattr(terms, "_TRIED_SECONDS", 1.5)
    assert seconds() == pytest.approx(18)
    monkeypatch.setattr(terms, "_TRIED_SECONDS", 100)
    assert seconds() == 18
    assert WordOddsConfig().seconds(planted_graph) is None
