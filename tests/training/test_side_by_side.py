"""Vectors of several trainings side by side: what is scored with them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from segue.data.playlists import TrackLists
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.scoring.centroid import Centroid, Words, unit_rows
from segue.scoring.query import Query
from segue.training.config import TrainConfig
from segue.training.side_by_side import each_training, side_by_side
from segue.training.train import train
from segue.training.vectors import TrainedVectors


def drawn(rng: np.random.Generator, scale: float = 1.0, **changes: Any) -> TrainedVectors:
    """Unit vectors of 30 tracks, 5 artists and 4 words, with query weights around `scale`."""

    def vectors(num: int) -> Any:
        return unit_rows(rng.standard_normal((num, 8)).astype(np.float32))

    def weights(num: int) -> Any:
        return np.float32(scale) * (0.5 + rng.random(num, dtype=np.float32))

    made = TrainedVectors(
        vectors(30),
        weights(30),
        {"artist": vectors(5), "word": vectors(4)},
        None,
        weights(4),
        np.array([scale], dtype=np.float32),
    )
    return replace(made, **changes)


def centroid(of: TrainedVectors) -> Centroid:
    words = Words(of.structural_vectors["word"], of.word_weight, np.zeros(4, dtype=bool), 0.0)
    return Centroid(of.track_vectors, of.query_weight, words=words)


def cosines(of: TrainedVectors, query: Query) -> Any:
    term, scores = centroid(of), np.zeros((len(query), 30), dtype=np.float32)
    term.add_to(scores, slice(0, None), term.prepare(query))
    return scores


def test_the_cosine_is_the_mean_of_the_cosines() -> None:
    rng = np.random.default_rng(0)
    trainings = [drawn(rng) for _ in range(3)]
    joined = side_by_side(trainings)
    for kind in ("artist", "word"):
        vectors = joined.structural_vectors[kind]
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
        every = [each.structural_vectors[kind] for each in trainings]
        np.testing.assert_allclose(
            vectors @ vectors.T, np.mean([v @ v.T for v in every], axis=0), atol=1e-6
        )
    one = Query(TrackLists.from_lists([[3], [7]]))
    expected = np.mean([cosines(each, one) for each in trainings], axis=0)
    np.testing.assert_allclose(cosines(joined, one), expected, atol=1e-6)


def test_no_training_counts_more_because_its_weights_are_larger() -> None:
    """Only what weights are relative to each other says anything."""
    rng = np.random.default_rng(1)
    first, second = drawn(rng), drawn(rng, scale=2.0)
    larger = replace(
        second, query_weight=50 * second.query_weight, word_weight=50 * second.word_weight
    )
    query = Query(
        TrackLists.from_lists([[1, 2, 3], [4, 5]]), words=TrackLists.from_lists([[0], [1, 2]])
    )
    np.testing.assert_allclose(
        cosines(side_by_side([first, larger]), query),
        cosines(side_by_side([first, second]), query),
        atol=1e-6,
    )
    np.testing.assert_allclose(side_by_side([first, second]).title_growth, [1.5])


def test_the_same_training_twice_scores_as_once() -> None:
    once = drawn(np.random.default_rng(2), scale=3.0)
    query = Query(
        TrackLists.from_lists([[1, 2, 3], [4, 5]]), words=TrackLists.from_lists([[0], []])
    )
    np.testing.assert_allclose(
        cosines(side_by_side([once, once]), query), cosines(once, query), atol=1e-6
    )
    assert side_by_side([once]) is once


def test_models_without_words_have_none_side_by_side() -> None:
    rng = np.random.default_rng(3)
    without = [drawn(rng, word_weight=None, title_growth=None) for _ in range(2)]
    joined = side_by_side(without)
    assert joined.word_weight is None
    assert joined.title_growth is None


def test_each_training_has_a_seed_of_its_own() -> None:
    config = TrainConfig(num_trainings=3, rng_seed=5)
    each = each_training(config)
    assert [one.rng_seed for one in each] == [5, 1_000_005, 2_000_005]
    assert {one.num_trainings for one in each} == {1}
    assert each_training(replace(config, num_trainings=1)) == [replace(config, num_trainings=1)]


def test_a_number_that_is_none_is_refused(planted_graph: PlaylistGraph) -> None:
    with pytest.raises(InputError, match="num_trainings is 0, expected 1 or more"):
        TrainConfig(num_trainings=0)
    with pytest.raises(ValueError, match="this is one training"):
        train(planted_graph, None, TrainConfig(num_trainings=2, dim=4, epochs=1))
