"""LightGCN against PyG's layer and against the dense formula of its docstring."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.nn import LGConv

from segue.data.playlists import TrackLists
from segue.graph.playlist_graph import STRUCTURAL, PlaylistGraph
from segue.models.encoder import MessageGraph
from segue.models.lightgcn import LightGCN


@pytest.fixture
def graph(small_graph: PlaylistGraph) -> PlaylistGraph:
    """Track 4 is in no playlist, playlist 3 is empty, track 5 is on no album."""
    return small_graph.with_tracks(TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3], [3, 0], []]))


def make(graph: PlaylistGraph, relations: tuple[str, ...], **options: Any) -> LightGCN:
    options = {"dim": 5, "num_layers": 2, "initial_std": 1.0} | options
    return LightGCN(graph.num_nodes, relations, **options, rng=np.random.default_rng(4))


def normalised(matrix: np.ndarray) -> np.ndarray:
    """D_row^-1/2 · A · D_column^-1/2, with 0 where a degree is 0."""
    row, column = (np.maximum(matrix.sum(axis=axis), 1) for axis in (1, 0))
    return matrix / np.sqrt(np.outer(row, column))


def adjacency(graph: PlaylistGraph) -> np.ndarray:
    matrix = np.zeros((graph.num_nodes["playlist"], graph.num_nodes["track"]))
    for playlist in range(len(matrix)):
        matrix[playlist, graph.playlists.tracks[playlist]] = 1
    return normalised(matrix)


def relation_matrix(graph: PlaylistGraph, name: str) -> np.ndarray:
    matrix = np.zeros((graph.num_nodes["track"], graph.num_nodes[name]))
    source, target = graph.edge_index(STRUCTURAL[name])
    matrix[source, target] = 1
    return normalised(matrix)


@pytest.mark.parametrize("num_layers", [0, 1, 2, 3])
def test_a_layer_is_two_hops_of_pygs_lgconv(graph: PlaylistGraph, num_layers: int) -> None:
    lg_conv = LGConv(normalize=True)
    encoder = make(graph, (), num_layers=num_layers)
    num_playlists = graph.num_nodes["playlist"]
    playlist, track = torch.from_numpy(
        graph.edge_index(("playlist", "contains", "track")).astype(np.int64)
    )
    there = torch.stack([track + num_playlists, playlist])
    edge_index = torch.cat([there, there.flip(0)], dim=1)
    # Playlists come first and have nothing of their own.
    x = torch.cat([torch.zeros(num_playlists, 5), encoder.track.detach()])
    expected = x[num_playlists:].clone()
    for _ in range(num_layers):
        x = lg_conv(x, edge_index)  # tracks → playlists (and playlists → tracks, set aside)
        x[num_playlists:] = 0
        x = lg_conv(x, edge_index)  # playlists → tracks
        expected += x[num_playlists:]
        x[:num_playlists] = 0
    result = encoder(MessageGraph.from_graph(graph, ())).track
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_layers", [0, 1, 2, 3])
@pytest.mark.parametrize("relations", [(), ("artist",), ("album",), ("artist", "album")])
def test_agrees_with_the_dense_formula(
    graph: PlaylistGraph, relations: tuple[str, ...], num_layers: int
) -> None:
    encoder = make(graph, relations, num_layers=num_layers)
    for name, weight in {"artist": 0.85, "album": -0.3}.items():
        if name in relations:
            encoder.relation_weight[name].data.fill_(weight)
    result = encoder(MessageGraph.from_graph(graph, relations))

    A = adjacency(graph)
    R = {name: relation_matrix(graph, name) for name in relations}
    s = {name: encoder.relation_weight[name].item() for name in relations}
    h = encoder.track.detach().double().numpy()
    g = {name: encoder.structural[name].detach().double().numpy() for name in relations}
    track, nodes = h.copy(), {name: state.copy() for name, state in g.items()}
    for _ in range(num_layers):
        received = {name: s[name] * R[name].T @ h for name in relations}
        h = A.T @ (A @ h) + sum(s[name] * R[name] @ g[name] for name in relations)
        g = received
        track += h
        nodes = {name: nodes[name] + g[name] for name in relations}

    np.testing.assert_allclose(result.track.detach().numpy(), track, atol=1e-5)
    for name in ("artist", "album"):
        vectors = getattr(result, name)
        assert (vectors is None) == (name not in relations)
        if vectors is not None:
            np.testing.assert_allclose(vectors.detach().numpy(), nodes[name], atol=1e-5)


def test_the_weight_of_a_relation_is_learned(graph: PlaylistGraph) -> None:
    encoder = make(graph, ("artist",), relation_weight=0.5)
    weight = encoder.relation_weight["artist"]
    assert weight.item() == 0.5
    message_graph = MessageGraph.from_graph(graph)
    (encoder(message_graph).track ** 2).sum().backward()
    grad = weight.grad.item()

    encoder, in_double = encoder.double(), double(message_graph)

    @torch.no_grad()
    def energy(value: float) -> float:
        encoder.relation_weight["artist"].fill_(value)
        return (encoder(in_double).track ** 2).sum().item()

    finite_difference = (energy(0.5 + 1e-4) - energy(0.5 - 1e-4)) / 2e-4
    assert grad == pytest.approx(finite_difference, rel=1e-4)
    assert grad != 0


def double(graph: MessageGraph) -> MessageGraph:
    def cast(matrix: Any) -> Any:
        return replace(
            matrix,
            value=matrix.value.double(),
            transposed_value=matrix.transposed_value.double(),
        )

    structural = {name: cast(matrix) for name, matrix in graph.structural.items()}
    return replace(graph, contains=cast(graph.contains), structural=structural)


def test_parameters_are_of_tracks_and_structural_nodes_alone(graph: PlaylistGraph) -> None:
    shapes = {name: tuple(p.shape) for name, p in make(graph, ("artist",)).named_parameters()}
    assert shapes == {
        "track": (6, 5),
        "structural.artist": (3, 5),
        "relation_weight.artist": (),
    }


def test_initial_vectors_have_the_asked_deviation(planted_graph: PlaylistGraph) -> None:
    encoder = make(planted_graph, ("artist",), dim=64, initial_std=0.1)
    for vectors in (encoder.track, encoder.structural["artist"]):
        assert vectors.std().item() == pytest.approx(0.1, rel=0.05)
        assert vectors.mean().item() == pytest.approx(0, abs=0.01)
    first = encoder.structural["artist"].detach().flatten()
    assert not torch.equal(first, encoder.track.detach().flatten()[: len(first)])
