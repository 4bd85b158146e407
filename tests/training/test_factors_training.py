"""The factors are weighted matrix factorisation, solved row by row."""

import numpy as np
import pytest

import segue
from segue import memory
from segue.data.playlists import TrackLists
from segue.errors import InputError, ResourceError
from segue.scoring.factors import Factors
from segue.scoring.query import Query
from segue.training.factors import FactorsConfig

CONFIG = FactorsConfig(dim=8, regularization=3.0, alpha=20.0, iterations=4)


def solved(pairs: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The vector of each row of the pairs, one row at a time: float64 [num_rows, dim]."""
    found = []
    for row in pairs:
        weight = np.where(row > 0, CONFIG.alpha, 1.0)
        system = (vectors.T * weight) @ vectors + CONFIG.regularization * np.eye(vectors.shape[1])
        found.append(np.linalg.solve(system, CONFIG.alpha * vectors.T @ row))
    return np.array(found)


def dense(graph) -> np.ndarray:
    tracks = graph.playlists.tracks
    pairs = np.zeros((len(tracks), graph.catalog.num_tracks))
    pairs[tracks.list_index(), tracks.track_index] = 1
    return pairs


def test_half_a_step_solves_each_row(planted_graph):
    vectors = np.random.default_rng(0).normal(size=(160, 8)).astype(np.float32)
    found = CONFIG._solved(planted_graph.playlists.tracks, vectors)
    np.testing.assert_allclose(found, solved(dense(planted_graph), vectors), atol=2e-4, rtol=2e-3)


def test_a_list_is_answered_as_by_the_factorisation():
    """Turned vectors predict the same as those that they were turned from."""
    vectors = np.random.default_rng(0).normal(size=(160, 8)).astype(np.float32)
    alpha, scale = (np.array([value], dtype=np.float32) for value in (CONFIG.alpha, 1))
    term = Factors(CONFIG._turned(vectors)[0], alpha, scale)
    found = term.prepare(Query(TrackLists.from_lists([[3, 50, 7], [159]]))) @ term.factors.T
    listed = np.zeros((2, 160))
    listed[0, [3, 50, 7]] = listed[1, 159] = 1
    np.testing.assert_allclose(found, solved(listed, vectors) @ vectors.T, atol=1e-4)


def test_it_is_nearly_there_after_the_steps_of_the_default(planted_graph):
    """From its start; each further step lowers the loss, and by less and less."""
    pairs = dense(planted_graph)

    def loss(iterations: int) -> float:
        config = FactorsConfig(dim=8, regularization=3.0, alpha=20.0, iterations=iterations)
        term = config.fit(planted_graph)
        # What is predicted for each playlist does not depend on how the vectors are turned.
        every = term.prepare(Query(planted_graph.playlists.tracks)) / term.scale
        weight = np.where(pairs > 0, 20.0, 1.0)
        return float((weight * (pairs - every @ term.factors.T) ** 2).sum())

    first, default, last = map(loss, (1, FactorsConfig.iterations, 40))
    assert first > default > last
    assert default - last < 0.05 * last


def test_it_finds_the_community(planted_graph):
    term = CONFIG.fit(planted_graph)
    query = Query(TrackLists.from_lists([[0, 1, 2]]))
    scores = np.zeros((1, 160), dtype=np.float32)
    term.add_to(scores, slice(0, 160), term.prepare(query))
    together = dense(planted_graph)[:, [0, 1, 2]].sum(axis=1) @ dense(planted_graph)
    assert np.corrcoef(scores[0], together)[0, 1] > 0.6


def test_it_is_fitted_in_a_training(planted_graph):
    split = segue.split(planted_graph, "random")
    system = segue.SystemConfig({"factors": FactorsConfig(dim=4)})
    bundle = segue.train(split, dim=4, epochs=1, system=system, refit=False, device="cpu")
    expected = FactorsConfig(dim=4).fit(split.train).arrays()
    for name, array in bundle.terms["factors"].items():
        np.testing.assert_array_equal(array, expected[name])


def test_of_many_playlists_some_are_learned_from(planted_graph):
    few = FactorsConfig(dim=8, max_playlists=40)
    again, every = few.fit(planted_graph), FactorsConfig(dim=8).fit(planted_graph)
    np.testing.assert_array_equal(few.fit(planted_graph).factors, again.factors)
    assert np.abs(again.factors - every.factors).max() > 1e-3


def test_more_numbers_than_tracks(planted_graph):
    term = FactorsConfig(dim=200, iterations=1).fit(planted_graph)
    assert term.factors.shape == (160, 200)
    assert np.isfinite(term.factors).all()


def test_what_does_not_fit_is_refused(planted_graph, monkeypatch):
    assert FactorsConfig(dim=64).memory(planted_graph) > 4 * 64 * 160
    assert FactorsConfig(dim=64).stored_bytes(planted_graph) == 4 * 64 * 160
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    with pytest.raises(ResourceError, match="the matrix factorisation of 160 tracks needs"):
        CONFIG.fit(planted_graph)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dim": 0}, "dim of the factors is 0"),
        ({"iterations": 0}, "iterations of the factors is 0"),
        ({"max_playlists": 0}, "max_playlists of the factors is 0"),
        ({"weight": 0.0}, "above 0"),
        ({"regularization": 0.0}, "above 0"),
        ({"alpha": 0.5}, "alpha at least 1"),
    ],
)
def test_values_out_of_range_are_refused(change, says):
    with pytest.raises(InputError, match=says):
        FactorsConfig(**change)
