"""The conformance suite: what every encoder in `ENCODERS` must do."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segue import metrics
from segue.data.playlists import TrackLists
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.models import ENCODERS
from segue.models.encoder import Encoder, MessageGraph, NodeVectors
from segue.models.sparse import SparseMatrix
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.training.config import TrainConfig
from segue.training.objectives import Triples
from segue.training.train import train

ALL = ("artist", "album", "word")
RELATIONS = [(), ("artist",), ("artist", "album"), ("word",), ALL]
DIM = 8

Make = Callable[..., Encoder]


@pytest.fixture(params=ENCODERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(name: str) -> Make:
    def make(
        graph: PlaylistGraph,
        relations: tuple[str, ...] = ("artist",),
        seed: int = 3,
        **options: Any,
    ) -> Encoder:
        options = {"dim": DIM, "num_layers": 2, "initial_std": 0.5} | options
        rng = np.random.default_rng(seed)
        return ENCODERS[name](graph.num_nodes, relations, **options, rng=rng)

    return make


@pytest.fixture
def isolated(small_graph: PlaylistGraph, with_words: Callable[..., PlaylistGraph]) -> PlaylistGraph:
    """Tracks 1, 3 and 4 in no playlist, playlists 1 and 3 empty, track 5 on no album.

    Words 0 and 1 on a playlist without tracks, word 2 on none.
    """
    lists = TrackLists.from_lists([[2, 0, 5], [], [0], []])
    return with_words(small_graph.with_tracks(lists), [[], [0, 1], [3], []])


def assert_equal(left: NodeVectors, right: NodeVectors, atol: float = 0) -> None:
    assert set(left) == set(right)
    for kind, tensor in left.items():
        torch.testing.assert_close(tensor, right[kind], rtol=0, atol=atol)


def absent(matrix: SparseMatrix, entries: np.ndarray) -> SparseMatrix:
    """A matrix built anew from the other entries and the same values."""
    kept = np.ones(len(matrix.value), dtype=bool)
    kept[entries] = False
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.offsets.numpy()))
    counts = np.bincount(row[kept], minlength=matrix.shape[0])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    column, value = matrix.column.numpy()[kept], matrix.value.numpy()[kept]
    return SparseMatrix.from_csr(offsets, column, value, matrix.shape[1])


@pytest.mark.parametrize("num_layers", [0, 1, 2, 3])
@pytest.mark.parametrize("relations", RELATIONS)
def test_shapes(
    tied_graph: PlaylistGraph, make: Make, relations: tuple[str, ...], num_layers: int
) -> None:
    graph = MessageGraph.from_graph(tied_graph, relations)
    nodes = make(tied_graph, relations, num_layers=num_layers)(graph)
    for kind in ("track", *relations):
        tensor = nodes[kind]
        assert tensor.shape == (tied_graph.num_nodes[kind], DIM)
        assert tensor.dtype == torch.float32
        assert torch.isfinite(tensor).all()


@pytest.mark.parametrize("relations", RELATIONS)
@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_gradients_are_finite_and_reach_every_parameter(
    tied_graph: PlaylistGraph, make: Make, relations: tuple[str, ...], num_layers: int
) -> None:
    encoder = make(tied_graph, relations, num_layers=num_layers)
    track = encoder(MessageGraph.from_graph(tied_graph, relations))["track"]
    target = torch.from_numpy(np.random.default_rng(0).standard_normal(track.shape)).float()
    (torch.nn.functional.normalize(track) * target).sum().backward()
    for parameter_name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name
        assert parameter.grad.any(), parameter_name


def test_what_training_asks_beside_the_vectors(planted_graph: PlaylistGraph, make: Make) -> None:
    encoder = make(planted_graph, ("artist", "album"), playlist_vectors=True)
    start = encoder.initial_vectors()
    assert {kind: len(vectors) for kind, vectors in start.items()} == planted_graph.num_nodes
    assert "playlist" not in make(planted_graph).initial_vectors()
    learned = {id(parameter) for parameter in encoder.parameters()}
    assert all(id(vectors) in learned for vectors in start.values())
    for child, share in encoder.learning_rate_shares().items():
        assert 0 < share < 1
        assert list(encoder.get_submodule(child).parameters())
    json.dumps(encoder.diagnostics())


def test_seeded_determinism(planted_graph: PlaylistGraph, make: Make) -> None:
    graph = MessageGraph.from_graph(planted_graph)
    torch.manual_seed(1)
    first = make(planted_graph)(graph)
    torch.manual_seed(2)  # nothing may come from torch's own generator
    assert_equal(first, make(planted_graph)(graph))
    assert not torch.equal(first["track"], make(planted_graph, seed=4)(graph)["track"])


def test_loaded_parameters_give_the_same_vectors(
    tied_graph: PlaylistGraph, make: Make, tmp_path: Path
) -> None:
    graph = MessageGraph.from_graph(tied_graph, ALL)
    saved = make(tied_graph, ALL)
    torch.save(saved.state_dict(), tmp_path / "state")
    loaded = make(tied_graph, ALL, seed=4)
    loaded.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert_equal(saved(graph), loaded(graph))


def test_isolated_nodes(isolated: PlaylistGraph, make: Make) -> None:
    encoder = make(isolated, ALL)
    nodes = encoder(MessageGraph.from_graph(isolated, ALL))
    for tensor in nodes.values():
        assert torch.isfinite(tensor).all()
    assert (torch.linalg.vector_norm(nodes["track"], dim=1) > 0).all()
    torch.nn.functional.normalize(nodes["track"]).sum().backward()
    for parameter in encoder.parameters():
        assert torch.isfinite(parameter.grad).all()


def test_a_graph_without_pairs(isolated: PlaylistGraph, make: Make) -> None:
    empty = isolated.with_tracks(TrackLists.from_lists([[]] * 4))
    for relations in RELATIONS:
        nodes = make(empty, relations)(MessageGraph.from_graph(empty, relations))
        assert torch.isfinite(nodes["track"]).all()


def test_order_of_playlists_and_of_their_tracks_means_nothing(
    tied_graph: PlaylistGraph, make: Make
) -> None:
    rng = np.random.default_rng(0)
    old = tied_graph.playlists
    rows = rng.permutation(len(old))
    lists = [rng.permutation(old.tracks[row]).tolist() for row in rows]
    shuffled = old.rows(rows).with_tracks(TrackLists.from_lists(lists))
    other = PlaylistGraph(shuffled, tied_graph.catalog)
    encoder = make(tied_graph, ALL)
    before = encoder(MessageGraph.from_graph(tied_graph, ALL))
    after = encoder(MessageGraph.from_graph(other, ALL))
    assert_equal(before, after, atol=1e-5)


def test_words_are_heard(tied_graph: PlaylistGraph, make: Make) -> None:
    """By the tracks of the playlists that they stand on, and only with two layers by others."""
    graph = MessageGraph.from_graph(tied_graph, ALL)
    encoder = make(tied_graph, ALL, num_layers=1)
    before = encoder(graph)
    with torch.no_grad():
        encoder.structural["word"][3] += 1
    after = encoder(graph)
    titled = tied_graph.relations["word"].sources_of(np.array([3]))
    held = np.unique(tied_graph.playlists.tracks.rows(titled).track_index)
    assert 0 < len(held) < 160
    moved = (after["track"] - before["track"]).abs().sum(dim=1).detach().numpy()
    assert (moved[held] > 1e-4).all()
    np.testing.assert_array_equal(np.delete(moved, held), 0)


def test_hidden_equals_absent(tied_graph: PlaylistGraph, make: Make) -> None:
    tracks = tied_graph.playlists.tracks
    chosen = np.random.default_rng(0).random(tracks.num_pairs) < 0.4
    chosen[tracks.track_index == 7] = True  # a track left without playlists
    chosen[tracks.offsets[5] : tracks.offsets[6]] = True  # a playlist left without tracks
    hidden = np.flatnonzero(chosen)
    graph = MessageGraph.from_graph(tied_graph, ALL)
    built_without = replace(graph, contains=absent(graph.contains, hidden))
    assert len(built_without.contains.value) == tracks.num_pairs - len(hidden)

    encoder = make(tied_graph, ALL)
    target = torch.from_numpy(np.random.default_rng(1).standard_normal((160, DIM))).float()
    results = []
    for seen in (graph.hide(torch.from_numpy(hidden)), built_without):
        nodes = encoder(seen)
        encoder.zero_grad()
        (nodes["track"] * target).sum().backward()
        results.append((nodes, [p.grad.clone() for p in encoder.parameters()]))
    (with_hidden, hidden_grads), (without, absent_grads) = results
    assert_equal(with_hidden, without, atol=1e-6)
    torch.testing.assert_close(hidden_grads, absent_grads, rtol=1e-5, atol=1e-5)
    change = encoder(graph)["track"] - with_hidden["track"]
    assert change.abs().max() > 1e-3, "hiding does something"


def test_learns(planted_graph: PlaylistGraph, name: str, tmp_path: Path) -> None:
    split = split_graph(planted_graph, SplitRecipe(rng_seed=1))
    config = TrainConfig(model=name, dim=16, epochs=12, batch_size=64, learning_rate=0.02)
    result = train(split.train, None, config, folder=tmp_path, identity="planted")

    def recall(scores: np.ndarray) -> float:
        known, targets = split.test.known, split.test.targets
        ranks = metrics.rank_held_out(
            scores, known.offsets, known.track_index, targets.offsets, targets.track_index
        )
        return metrics.mean_over_scored(metrics.recall(ranks, 20))[0]

    popularity = np.tile(split.train.popularity.astype(np.float32), (240, 1))
    scorer = FirstStage(Centroid(result.track_vectors, result.query_weight))
    # A playlist's own community has about 30 tracks left, which hold 85% of its held-out ones:
    # who knows the communities and nothing more finds 0.85 · 20/30 of them.
    found = recall(scorer.scores(split.test.query))
    assert found > 3 * recall(popularity)
    assert found > 0.45
    # What was learned is the communities: near in the vectors are tracks of the same one.
    cosine = result.track_vectors @ result.track_vectors.T
    np.fill_diagonal(cosine, -1)
    same = np.argsort(-cosine, axis=1)[:, :10] // 40 == np.arange(160)[:, None] // 40
    assert same.mean() > 0.9
    assert result.history[-1]["loss"] < result.history[0]["loss"] - 0.3


def test_learns_with_vectors_of_its_own_for_playlists(
    planted_graph: PlaylistGraph, name: str, tmp_path: Path
) -> None:
    """By triples, read out as nodes: for studies."""
    split = split_graph(planted_graph, SplitRecipe(rng_seed=1))
    config = TrainConfig(
        model=name,
        objective=Triples(l2=1e-4),
        readout="node",
        dim=16,
        epochs=20,
        batch_size=512,
        learning_rate=0.02,
    )
    make = partial(ENCODERS[name], playlist_vectors=True)
    result = train(split.train, None, config, folder=tmp_path, identity="planted", encoder=make)
    known, targets = split.test.known, split.test.targets

    def recall(scores: np.ndarray) -> float:
        ranks = metrics.rank_held_out(
            scores, known.offsets, known.track_index, targets.offsets, targets.track_index
        )
        return metrics.mean_over_scored(metrics.recall(ranks, 20))[0]

    popularity = np.tile(split.train.popularity.astype(np.float32), (240, 1))
    found = recall(result.scorer.held_out_scores(split.test))
    assert found > 2.5 * recall(popularity)
