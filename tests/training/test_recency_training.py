"""How much the last tracks count is chosen on validation, by what is asked."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from segue.data.playlists import TrackLists
from segue.graph.holding_out import split_graph
from segue.graph.split import SplitRecipe
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.questions import Questions
from segue.training import recency
from segue.training.recency import RECENCIES, fit_recency

NUM_COMMUNITIES, LENGTH = 4, 12


@pytest.fixture(scope="module")
def graph(make_planted_graph):
    """Every playlist is in order, and turns to another community for its last third."""
    rng = np.random.default_rng(2)
    planted = make_planted_graph(rng, num_playlists=400)
    lists = []
    for _ in range(400):
        first, second = rng.choice(NUM_COMMUNITIES, 2, replace=False)
        kept = rng.choice(40, (2, LENGTH), replace=True)
        early = dict.fromkeys((first * 40 + kept[0]).tolist())
        late = dict.fromkeys((second * 40 + kept[1, :5]).tolist())
        lists.append([*early, *late])
    playlists = replace(planted.playlists, order_known=np.ones(400, dtype=bool))
    return replace(planted, playlists=playlists).with_tracks(TrackLists.from_lists(lists))


@pytest.fixture(scope="module")
def first_stage() -> FirstStage:
    """Vectors that know the communities."""
    vectors = np.repeat(np.eye(NUM_COMMUNITIES, dtype=np.float32), 40, axis=0)
    rng = np.random.default_rng(3)
    vectors = vectors + rng.normal(size=vectors.shape, scale=0.1).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return FirstStage(Centroid(vectors, np.ones(160, dtype=np.float32)))


def test_what_comes_next_is_near_the_end(graph, first_stage):
    found = fit_recency(split_graph(graph, SplitRecipe("mixed")), first_stage)
    assert found.next in RECENCIES
    assert found.next.strength > found.either.strength
    assert found == replace(Questions(), next=found.next, either=found.either)


def test_where_the_order_says_nothing_the_end_counts_little(graph, first_stage):
    rng = np.random.default_rng(5)
    lists = [rng.permutation(tracks).tolist() for tracks in graph.playlists.tracks]
    shuffled = graph.with_tracks(TrackLists.from_lists(lists))
    found = fit_recency(split_graph(shuffled, SplitRecipe("mixed")), first_stage)
    assert found.either.strength <= 2
    assert found.next.strength <= 4


@pytest.mark.parametrize("kind", ["random", "playlists"])
def test_where_nobody_asks_what_comes_next_all_is_as_usual(graph, first_stage, kind):
    assert fit_recency(split_graph(graph, SplitRecipe(kind)), first_stage) == Questions()


def test_where_nobody_asks_what_fits_either_is_as_usual(graph, first_stage):
    found = fit_recency(split_graph(graph, SplitRecipe("last")), first_stage)
    assert found.either == Questions().either
    assert found.next.strength > 0


@pytest.mark.filterwarnings("error")
def test_where_nothing_is_found_there_is_no_warning(graph, first_stage, monkeypatch):
    monkeypatch.setattr(recency, "_JUDGED_BY", SimpleNamespace(value=lambda ranks: 0.0))
    found = fit_recency(split_graph(graph, SplitRecipe("mixed")), first_stage)
    assert found.either in RECENCIES
