"""What is measured is what answers: a system ranks held-out tracks as a recommender does."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from segue.bundle import Bundle, MeasuredVectors
from segue.evaluation.evaluate import evaluate
from segue.evaluation.scorers import HeldOutScorer
from segue.graph.holding_out import split_graph
from segue.graph.split import Split, SplitRecipe
from segue.metrics import rank_held_out
from segue.pipeline.system import SystemScorer
from segue.recommend.recommender import Recommender
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.popularity import Popularity
from segue.scoring.wide import WidePart
from segue.training import second_stage
from segue.training.cases import cases_of
from segue.training.config import SecondStageConfig


def unit(rows: int, rng: np.random.Generator) -> np.ndarray:
    vectors = rng.normal(size=(rows, 8))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def vectors_of(split: Split, rng_seed: int = 2) -> MeasuredVectors:
    rng = np.random.default_rng(rng_seed)
    num_tracks = split.train.catalog.num_tracks
    weights = rng.uniform(0, 0.3, (num_tracks, num_tracks)).astype(np.float32)
    weights *= rng.random(weights.shape) < 0.1
    return MeasuredVectors(
        unit(num_tracks, rng),
        rng.uniform(0.1, 2, num_tracks).astype(np.float32),
        split.train.popularity,
        {"wide": WidePart.from_matrix(csr_array(weights)).arrays()},
    )


def bundle_of(split: Split, vectors: MeasuredVectors, text: str | None) -> Bundle:
    catalog = split.train.catalog
    return Bundle(
        catalog=catalog,
        vectors={
            "track": vectors.track_vectors,
            "artist": unit(len(catalog.artists), np.random.default_rng(0)),
        },
        query_weight=vectors.query_weight,
        popularity=vectors.popularity,
        terms=vectors.terms,
        playlists=split.train.playlists,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
        second_stage=text,
    )


@pytest.mark.parametrize("pool_size", [20, 200])
@pytest.mark.parametrize("kind", ["last", "random", "mixed", "playlists"])
def test_it_ranks_as_a_recommender(planted_graph, second_stage_arrays, kind, pool_size):
    """Where the order says something, and where it does not; with tracks outside the pool."""
    split = split_graph(planted_graph, SplitRecipe(kind))
    vectors = vectors_of(split)
    system = SystemScorer.of_vectors(vectors, second_stage_arrays, split)
    recommender = Recommender(bundle_of(split, vectors, second_stage_arrays))
    system.stages.second.pool_size = pool_size
    recommender.stages.second.pool_size = pool_size
    held_out = split.validation
    asked = recommender.queries.of_lists(held_out.query, held_out.asks_next, question="next")
    expected, score = recommender.rank(asked, 160)
    found = system.held_out_scores(held_out)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    for row, query in enumerate(held_out.query):
        allowed = np.setdiff1d(np.arange(160), query)
        ranked = allowed[np.lexsort((allowed, -found[row, allowed]))]
        assert ranked.tolist() == expected[row][expected[row] >= 0].tolist()
        np.testing.assert_allclose(found[row, ranked], score[row, : len(ranked)], atol=1e-6)
    # And so are its targets.
    ranks = rank_held_out(
        found,
        *(held_out.known.offsets, held_out.known.track_index),
        *(held_out.targets.offsets, held_out.targets.track_index),
    )
    by_hand = [
        sorted(list(row).index(track) + 1 for track in targets)
        for row, targets in zip(expected, held_out.targets, strict=True)
    ]
    of_row = np.split(ranks.rank, held_out.targets.offsets[1:-1])
    assert [sorted(rank.tolist()) for rank in of_row] == by_hand


def test_the_measured_parts_are_measured_and_not_those_that_ship(
    planted_graph, second_stage_arrays
):
    split = split_graph(planted_graph, SplitRecipe("mixed"))
    ours, others = vectors_of(split), vectors_of(split, 3)
    expected = SystemScorer.of_vectors(ours, second_stage_arrays, split)
    shipped = bundle_of(split, others, second_stage_arrays)
    refitted = replace(shipped, measured=ours)
    for bundle, equal in ((refitted, True), (shipped, False)):
        system = SystemScorer.of_bundle(bundle, split)
        scores = system.held_out_scores(split.test)
        assert np.array_equal(scores, expected.held_out_scores(split.test)) == equal
    alone = SystemScorer.of_bundle(bundle_of(split, ours, second_stage_arrays), split)
    np.testing.assert_array_equal(
        alone.held_out_scores(split.test), expected.held_out_scores(split.test)
    )


def test_without_order_wide_part_and_second_stage_it_is_the_vectors_alone(planted_graph):
    split = split_graph(planted_graph, SplitRecipe("random"))
    vectors = replace(vectors_of(split), terms={})
    system = SystemScorer.of_vectors(vectors, None, split)
    assert isinstance(system, HeldOutScorer)
    plain = FirstStage(
        Centroid(vectors.track_vectors, vectors.query_weight), Popularity(vectors.popularity)
    )
    found, expected = (evaluate(one, split.test, split.train) for one in (system, plain))
    assert found.to_json()["values"] == expected.to_json()["values"]


def test_training_sees_what_serving_sees(planted_graph, second_stage_arrays, monkeypatch):
    """The same features of the same candidates for a case and for a list."""
    split = split_graph(planted_graph, SplitRecipe("mixed"))
    system = SystemScorer.of_vectors(vectors_of(split), second_stage_arrays, split)
    served, seen, maker = [], [], system.stages.second.maker
    make = type(maker).features

    def watched(self, query, candidates):
        candidates = list(candidates)
        for row, found in enumerate(make(self, query, candidates)):
            kept.append((query.tracks[row].tolist(), candidates[row].tolist(), found))
            yield found

    monkeypatch.setattr(type(maker), "features", watched)
    kept = served
    system.held_out_scores(split.validation)
    kept = seen
    cases = next(cases_of(split, SecondStageConfig(), titles=False))
    list(second_stage._pools(cases, system.stages.first, maker, system.stages.questions))
    assert len(seen) > 100
    answers = {tuple(tracks): (candidates, features) for tracks, candidates, features in served}
    for tracks, candidates, features in seen:
        assert answers[tuple(tracks)][0] == candidates
        np.testing.assert_allclose(answers[tuple(tracks)][1], features, atol=1e-5)
