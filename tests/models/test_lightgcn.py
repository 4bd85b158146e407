"""LightGCN against PyG's layer and its dense formula; steps of its training against NumPy."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch_geometric.nn import LGConv
from torch_geometric.nn.models import LightGCN as LightGCNOfPyG

from segue.data.playlists import TrackLists
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.models import ENCODERS
from segue.models.encoder import MessageGraph
from segue.models.lightgcn import LightGCN
from segue.training import steps
from segue.training.config import TrainConfig
from segue.training.hiding import hide
from segue.training.objectives import CatalogueSoftmax, Triples
from segue.training.train import train

ALL = ("artist", "album", "word")


@pytest.fixture
def graph(small_graph: PlaylistGraph, with_words: Callable[..., PlaylistGraph]) -> PlaylistGraph:
    """Track 4 is in no playlist, playlist 3 is empty, track 5 on no album, track 1 by two artists.

    Playlists 0 and 2 have the same word, playlist 3 one of its own.
    """
    lists = TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3], [3, 0], []])
    by = [[0], [2, 0], [1], [1], [1], [2]]
    return with_words(small_graph.with_tracks(lists), [[1], [], [0, 1], [2]], by)


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
    relation = graph.relations[name]
    matrix = np.zeros((graph.num_nodes[relation.source], graph.num_nodes[name]))
    source, target = graph.edge_index(relation.key)
    matrix[source, target] = 1
    return normalised(matrix)


def bipartite_edge_index(graph: PlaylistGraph) -> torch.Tensor:
    """Both directions in one set of nodes, playlists first."""
    playlist, track = torch.from_numpy(
        graph.edge_index(("playlist", "contains", "track")).astype(np.int64)
    )
    there = torch.stack([track + graph.num_nodes["playlist"], playlist])
    return torch.cat([there, there.flip(0)], dim=1)


@pytest.mark.parametrize("num_layers", [0, 1, 2, 3])
def test_a_layer_is_two_hops_of_pygs_lgconv(graph: PlaylistGraph, num_layers: int) -> None:
    lg_conv = LGConv(normalize=True)
    encoder = make(graph, (), num_layers=num_layers)
    num_playlists = graph.num_nodes["playlist"]
    edge_index = bipartite_edge_index(graph)
    # Playlists come first and have nothing of their own.
    x = torch.cat([torch.zeros(num_playlists, 5), encoder.track.detach()])
    expected = x[num_playlists:].clone()
    for _ in range(num_layers):
        x = lg_conv(x, edge_index)  # tracks → playlists (and playlists → tracks, set aside)
        x[num_playlists:] = 0
        x = lg_conv(x, edge_index)  # playlists → tracks
        expected += x[num_playlists:]
        x[:num_playlists] = 0
    result = encoder(MessageGraph.from_graph(graph, ()))["track"]
    torch.testing.assert_close(result, expected / (num_layers + 1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_layers", [0, 1, 2, 3])
def test_with_playlist_vectors_a_layer_is_pygs_lgconv(
    graph: PlaylistGraph, num_layers: int
) -> None:
    encoder = make(graph, (), num_layers=num_layers, playlist_vectors=True)
    expected = LightGCNOfPyG(sum(map(len, (encoder.playlist, encoder.track))), 5, num_layers)
    expected.embedding.weight.data = torch.cat([encoder.playlist, encoder.track]).detach()
    vectors = expected.get_embedding(bipartite_edge_index(graph))
    result = encoder(MessageGraph.from_graph(graph, ()))
    both = result["playlist"], result["track"]
    for found, wanted in zip(both, vectors.split([4, 6]), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_layers", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "relations", [(), ("artist",), ("album",), ("artist", "album"), ("word",), ALL]
)
def test_agrees_with_the_dense_formula(
    graph: PlaylistGraph, relations: tuple[str, ...], num_layers: int
) -> None:
    encoder = make(graph, relations, num_layers=num_layers)
    for name, weight in {"artist": 0.85, "album": -0.3, "word": 0.6}.items():
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
        told = {name: s[name] * R[name] @ g[name] for name in relations}
        playlist = A @ h + told.pop("word", 0)
        received = {
            name: s[name] * R[name].T @ (playlist if name == "word" else h) for name in relations
        }
        h = A.T @ playlist + sum(told.values())
        g = received
        track += h
        nodes = {name: nodes[name] + g[name] for name in relations}
    track /= num_layers + 1
    nodes = {name: vectors / (num_layers + 1) for name, vectors in nodes.items()}

    np.testing.assert_allclose(result["track"].detach().numpy(), track, atol=1e-5)
    assert set(result) == {"track", *relations}
    for name in relations:
        np.testing.assert_allclose(result[name].detach().numpy(), nodes[name], atol=1e-5)


def test_the_weight_of_a_relation_is_learned(graph: PlaylistGraph) -> None:
    encoder = make(graph, ("artist",), relation_weight=0.5)
    weight = encoder.relation_weight["artist"]
    assert weight.item() == 0.5
    message_graph = MessageGraph.from_graph(graph)
    (encoder(message_graph)["track"] ** 2).sum().backward()
    grad = weight.grad.item()

    encoder, in_double = encoder.double(), double(message_graph)

    @torch.no_grad()
    def energy(value: float) -> float:
        encoder.relation_weight["artist"].fill_(value)
        return (encoder(in_double)["track"] ** 2).sum().item()

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


# --- steps of the training, in NumPy ------------------------------------------------------------

Parameters = dict[str, np.ndarray]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def step_loss(
    parameters: Parameters,
    graph: PlaylistGraph,
    config: TrainConfig,
    rows: np.ndarray,
    hidden_pairs: np.ndarray,
) -> float:
    """Encoder, readout and loss of one step from the formulas, dense and in float64."""
    tracks = graph.playlists.tracks
    A, R = adjacency(graph), relation_matrix(graph, "artist")
    is_hidden = np.zeros_like(A, dtype=bool)
    is_hidden[tracks.list_index()[hidden_pairs], tracks.track_index[hidden_pairs]] = True
    visible_A = np.where(is_hidden, 0, A)
    h, g = parameters["encoder.track"], parameters["encoder.structural.artist"]
    s = parameters["encoder.relation_weight.artist"]
    track = h
    for _ in range(config.num_layers):
        h, g = visible_A.T @ (visible_A @ h) + s * R @ g, s * R.T @ h
        track = track + h
    degree = np.maximum((A > 0).sum(axis=0), 1)
    weight = np.exp(parameters["readout.salience"]) / np.sqrt(degree)
    total = norm = 0.0
    for row in rows:
        visible = visible_A[row] > 0
        query = unit((weight[visible, None] * track[visible]).sum(axis=0))
        p = np.where(visible, 0, np.exp(unit(track) @ query / config.objective.temperature))
        num_hidden = is_hidden[row].sum()
        total += np.sqrt(num_hidden) * -np.log(p[is_hidden[row]] / p.sum()).mean()
        norm += np.sqrt(num_hidden)
    return total / norm


def gradient(loss: Callable[[Parameters], float], parameters: Parameters) -> Parameters:
    """Central differences."""
    result = {name: np.zeros_like(value) for name, value in parameters.items()}
    for name, value in parameters.items():
        for place in np.ndindex(value.shape):
            sides = []
            for change in (1e-5, -1e-5):
                moved = np.array(value)
                moved[place] += change
                sides.append(loss(parameters | {name: moved}))
            result[name][place] = (sides[0] - sides[1]) / 2e-5
    return result


def test_edge_dropout_leaves_edges_out_while_it_trains(graph: PlaylistGraph) -> None:
    plain, encoder = make(graph, ("artist",)), make(graph, ("artist",), edge_dropout=0.5)
    whole = MessageGraph.from_graph(graph)
    torch.testing.assert_close(encoder.eval()(whole)["track"], plain(whole)["track"])
    torch.manual_seed(2)
    trained = encoder.train()(whole)["track"]
    torch.manual_seed(2)
    kept = torch.nn.functional.dropout(torch.ones(len(whole.contains.value)), 0.5)
    assert set(kept.tolist()) == {0.0, 2.0}
    some = replace(whole, contains=whole.contains.with_value(kept * whole.contains.value))
    torch.testing.assert_close(trained, plain(some)["track"])


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_of_edges_that_is_none_is_refused(graph: PlaylistGraph, share: float) -> None:
    with pytest.raises(InputError, match=f"edge_dropout is {share}"):
        make(graph, (), edge_dropout=share)


@pytest.mark.parametrize(
    ("epochs", "batch_size"), [(1, 10), (3, 10), (2, 2)], ids=["one step", "three", "four, batched"]
)
def test_steps_are_those_worked_in_numpy(
    small_graph: PlaylistGraph,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    epochs: int,
    batch_size: int,
) -> None:
    """Several steps too: gradients must not add up from one to the next (LensKit's once did)."""
    lists = [[2, 0, 5, 1], [0, 1, 2, 3, 4], [3], [3, 0, 5, 4, 2]]
    graph = small_graph.with_tracks(TrackLists.from_lists(lists))
    # Two tracks visible at least: the weight of a single one has no gradient but rounding, which
    # Adam would turn into a step.
    config = TrainConfig(
        dim=3,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=0.03,
        objective=CatalogueSoftmax(temperature=0.2, hidden_share=(0.3, 0.5), few_share=0.0),
        initial_std=0.5,
    )
    initial: list[Parameters] = []
    drawn_steps: list[tuple[np.ndarray, np.ndarray]] = []
    losses: list[float] = []

    def made(*args: Any, **options: Any) -> LightGCN:
        encoder = LightGCN(*args, **options)
        values = {f"encoder.{n}": p.detach().numpy() for n, p in encoder.named_parameters()}
        initial.append({name: value.astype(np.float64) for name, value in values.items()})
        return encoder

    def hidden(tracks: TrackLists, rows: np.ndarray, *rest: Any) -> Any:
        drawn = hide(tracks, rows, *rest)
        drawn_steps.append((rows, drawn[0]))
        return drawn

    monkeypatch.setitem(ENCODERS, "lightgcn", made)
    monkeypatch.setattr(steps, "hide", hidden)
    train(
        graph, None, config, folder=tmp_path, on_step=lambda done, total, loss: losses.append(loss)
    )

    parameters = initial[0] | {"readout.salience": np.zeros(6)}
    first = {name: np.zeros_like(value) for name, value in parameters.items()}
    second = {name: np.zeros_like(value) for name, value in parameters.items()}
    assert len(drawn_steps) == epochs * (1 if batch_size == 10 else 2)
    for t, (rows, hidden_pairs) in enumerate(drawn_steps, start=1):

        def loss(
            candidate: Parameters, rows: Any = rows, hidden_pairs: Any = hidden_pairs
        ) -> float:
            return step_loss(candidate, graph, config, rows, hidden_pairs)

        assert losses[t - 1] == pytest.approx(loss(parameters), abs=1e-5)
        grad = gradient(loss, parameters)
        rate = config.learning_rate * 0.5 * (1 + np.cos(np.pi * (t - 1) / len(drawn_steps)))
        for name, value in parameters.items():
            first[name] = 0.9 * first[name] + 0.1 * grad[name]
            second[name] = 0.999 * second[name] + 0.001 * grad[name] ** 2
            mean, variance = first[name] / (1 - 0.9**t), second[name] / (1 - 0.999**t)
            parameters[name] = value - rate * mean / (np.sqrt(variance) + 1e-8)

    saved = load_file(tmp_path / "checkpoint.safetensors")
    assert {f"model.{name}" for name in parameters} == {n for n in saved if n.startswith("model.")}
    for name, value in parameters.items():
        np.testing.assert_allclose(saved[f"model.{name}"].numpy(), value, rtol=0, atol=1e-5)


def test_twenty_steps_of_the_published_training_are_those_of_pyg(
    planted_graph: PlaylistGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Own playlist vectors, BPR, L2: from the same initial vectors, by the same triples."""
    num_pairs = planted_graph.playlists.tracks.num_pairs
    config = TrainConfig(
        objective=Triples(l2=1e-2),
        readout="node",
        relations=(),
        dim=8,
        num_layers=3,
        epochs=5,
        batch_size=num_pairs // 4 + 1,
        learning_rate=0.01,
        schedule="constant",
    )
    initial: list[torch.Tensor] = []
    triples: list[tuple[np.ndarray, ...]] = []
    losses: list[float] = []

    def made(*args: Any, **options: Any) -> LightGCN:
        encoder = LightGCN(*args, **options, playlist_vectors=True)
        initial.append(torch.cat([encoder.playlist, encoder.track]).detach().clone())
        return encoder

    draw = steps.TripleSteps.draw
    monkeypatch.setattr(
        steps.TripleSteps,
        "draw",
        lambda self, *step: triples.append(draw(self, *step)) or triples[-1],
    )
    result = train(
        planted_graph,
        None,
        config,
        folder=tmp_path,
        identity="",
        encoder=made,
        on_step=lambda done, total, loss: losses.append(loss),
    )

    peer = LightGCNOfPyG(240 + 160, 8, 3)
    peer.embedding.weight.data = initial[0]
    edge_index = bipartite_edge_index(planted_graph)
    optimizer = torch.optim.Adam(peer.parameters(), lr=0.01)
    for (rows, *sides), found in zip(triples, losses, strict=True):
        playlist, positive, negative = map(
            torch.from_numpy, (rows, *(tracks + 240 for tracks in sides))
        )
        ends = torch.stack([playlist.repeat(2), torch.cat([positive, negative])])
        ranks = peer(edge_index, ends).split(len(rows))
        # PyG's λ has no half.
        loss = peer.recommendation_loss(
            *ranks, torch.cat([playlist, positive, negative]), lambda_reg=0.5e-2
        )
        assert found == pytest.approx(loss.item(), abs=1e-5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert len(losses) == 20
    assert losses[-1] < losses[0] - 0.01, "something was learned on the way"
    vectors = peer.get_embedding(edge_index).detach()
    for found, wanted in zip(
        (result.playlist_vectors, result.track_vectors), vectors.split([240, 160]), strict=True
    ):
        np.testing.assert_allclose(found, wanted.numpy(), rtol=0, atol=1e-5)
