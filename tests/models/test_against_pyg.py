"""Each architecture is a stack of PyG's layers, from the same weights, to 1e-5."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch_geometric.nn import GATConv, GATv2Conv, GCNConv, RGCNConv, SAGEConv

from segue.data.playlists import TrackLists
from segue.graph.playlist_graph import INTERACTION, PlaylistGraph
from segue.models.encoder import MessageGraph, NodeVectors
from segue.models.gat import GAT
from segue.models.gcn import GCN
from segue.models.graphsage import GraphSAGE
from segue.models.rgcn import RGCN

DIM = 6
KINDS = ("playlist", "track", "artist", "album")
Nodes = dict[str, torch.Tensor]

several_layers = pytest.mark.parametrize("num_layers", [0, 1, 3])
some_relations = pytest.mark.parametrize("relations", [(), ("album",), ("artist", "album")])
either_playlist = pytest.mark.parametrize("playlist_vectors", [False, True])


@pytest.fixture
def graph(small_graph: PlaylistGraph) -> PlaylistGraph:
    """Track 4 is in no playlist, playlist 3 is empty, track 5 is on no album."""
    return small_graph.with_tracks(TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3], [3, 0], []]))


@pytest.fixture
def hidden(graph: PlaylistGraph) -> torch.Tensor:
    """Pairs to hide: track 5 of playlist 0, which leaves it without any, and 0 of playlist 1."""
    return torch.tensor([2, 3])


@pytest.fixture
def make() -> Callable[..., torch.nn.Module]:
    def make(
        encoder: type[torch.nn.Module],
        graph: PlaylistGraph,
        relations: tuple[str, ...],
        num_layers: int,
        **options: object,
    ) -> torch.nn.Module:
        rng = np.random.default_rng(4)
        options = {"start": "glorot", "activation": torch.tanh} | options
        return encoder(
            graph.num_nodes,
            relations,
            dim=DIM,
            num_layers=num_layers,
            initial_std=1.0,
            rng=rng,
            **options,
        )

    return make


def edges_to_tracks(
    graph: PlaylistGraph, relations: tuple[str, ...], hidden: torch.Tensor | None = None
) -> Nodes:
    """By the other end's type: [2, num_edges], the other end above the track."""
    playlist_track = torch.from_numpy(graph.edge_index(INTERACTION).astype(np.int64))
    if hidden is not None:
        kept = torch.ones(playlist_track.shape[1], dtype=torch.bool)
        kept[hidden] = False
        playlist_track = playlist_track[:, kept]
    return {
        "playlist": playlist_track,
        **{
            name: torch.from_numpy(
                graph.edge_index(graph.relations[name].key).astype(np.int64)
            ).flip(0)
            for name in relations
        },
    }


def initial_nodes(encoder: torch.nn.Module) -> Nodes:
    nodes = {"track": encoder.track, **dict(encoder.structural.items())}
    if encoder.playlist is not None:
        nodes["playlist"] = encoder.playlist
    return {kind: vectors.detach() for kind, vectors in nodes.items()}


def mean_of_neighbours(edges: torch.Tensor, source: torch.Tensor, count: int) -> torch.Tensor:
    conv = SAGEConv(DIM, DIM, root_weight=False, bias=False)
    conv.lin_l.weight.data = torch.eye(DIM)
    return conv((source, torch.zeros(count, DIM)), edges).detach()


def added(sums: Nodes, nodes: Nodes) -> Nodes:
    return {kind: total + nodes[kind] for kind, total in sums.items()}


def assert_agrees(result: NodeVectors, sums: Nodes, num_layers: int) -> None:
    found = {kind: vectors for kind, vectors in vars(result).items() if vectors is not None}
    assert set(found) == set(sums)
    for kind, total in sums.items():
        expected = (total / (num_layers + 1)).detach()
        assert expected.abs().max() > 0.1
        torch.testing.assert_close(found[kind].detach(), expected, rtol=0, atol=1e-5)


@several_layers
@some_relations
@either_playlist
@pytest.mark.parametrize("relation_weight", [1.0, 4.0])
def test_a_layer_of_gcn_is_gcnconv_on_the_union_graph(
    graph: PlaylistGraph,
    make: Callable[..., torch.nn.Module],
    relations: tuple[str, ...],
    num_layers: int,
    playlist_vectors: bool,
    relation_weight: float,
) -> None:
    options = {"playlist_vectors": playlist_vectors, "relation_weight": relation_weight}
    encoder = make(GCN, graph, relations, num_layers, **options)
    kinds = [kind for kind in KINDS if kind in ("playlist", "track", *relations)]
    counts = [graph.num_nodes[kind] for kind in kinds]
    first = dict(zip(kinds, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))
    one_way = torch.cat(
        [
            edges + torch.tensor([[first[kind]], [first["track"]]])
            for kind, edges in edges_to_tracks(graph, relations).items()
        ],
        dim=1,
    )
    edge_index = torch.cat([one_way, one_way.flip(0)], dim=1)
    edge_weight = torch.full((one_way.shape[1],), relation_weight)
    edge_weight[: graph.playlists.tracks.num_pairs] = 1
    degree = {
        kind: edges_to_tracks(graph, relations)["playlist"][row].bincount(minlength=count)
        for row, (kind, count) in enumerate(zip(("playlist", "track"), (4, 6), strict=True))
    }
    normalised = torch.zeros(4, 6)
    playlist, track = edges_to_tracks(graph, ())["playlist"]
    normalised[playlist, track] = (degree["playlist"][playlist] * degree["track"][track]) ** -0.5

    nodes = initial_nodes(encoder)
    sums = dict(nodes)
    for transform in encoder.transforms:
        conv = GCNConv(DIM, DIM, bias=False)
        conv.lin.weight.data = transform.detach().T
        states = {"playlist": normalised @ nodes["track"]} | nodes
        x = torch.cat([states[kind] for kind in kinds])
        received = torch.tanh(conv(x, edge_index, edge_weight.repeat(2))).split(counts)
        nodes = dict(zip(kinds, received, strict=True))
        if not playlist_vectors:
            del nodes["playlist"]
        sums = added(sums, nodes)
    assert_agrees(encoder(MessageGraph.from_graph(graph, relations)), sums, num_layers)


@several_layers
@some_relations
@either_playlist
def test_a_hop_of_graphsage_is_sageconv(
    graph: PlaylistGraph,
    hidden: torch.Tensor,
    make: Callable[..., torch.nn.Module],
    relations: tuple[str, ...],
    num_layers: int,
    playlist_vectors: bool,
) -> None:
    encoder = make(GraphSAGE, graph, relations, num_layers, playlist_vectors=playlist_vectors)

    def conv(layer: torch.nn.ParameterDict, neighbours: str, own: str | None) -> SAGEConv:
        conv = SAGEConv(DIM, DIM, root_weight=own is not None, bias=False)
        conv.lin_l.weight.data = layer[neighbours].detach().T
        if own is not None:
            conv.lin_r.weight.data = layer[own].detach().T
        return conv

    nodes = initial_nodes(encoder)
    sums = dict(nodes)
    for layer in encoder.transforms:
        track, message = nodes["track"], 0
        for kind, edges in edges_to_tracks(graph, relations, hidden).items():
            if kind in nodes:
                hear = conv(layer, f"track_to_{kind}", f"own_{kind}")
                state = nodes[kind] = torch.tanh(hear((track, nodes[kind]), edges.flip(0)))
            else:
                state = mean_of_neighbours(edges.flip(0), track, 4)
            own = "own_track" if kind == "playlist" else None
            message = message + conv(layer, f"{kind}_to_track", own)((state, track), edges)
        nodes["track"] = torch.tanh(message)
        sums = added(sums, nodes)
    seen = MessageGraph.from_graph(graph, relations).hide(hidden)
    assert_agrees(encoder(seen), sums, num_layers)


@several_layers
@some_relations
@either_playlist
@pytest.mark.parametrize("num_bases", [1, 3])
def test_a_hop_of_rgcn_is_rgcnconv(
    graph: PlaylistGraph,
    hidden: torch.Tensor,
    make: Callable[..., torch.nn.Module],
    relations: tuple[str, ...],
    num_layers: int,
    playlist_vectors: bool,
    num_bases: int,
) -> None:
    encoder = make(
        RGCN,
        graph,
        relations,
        num_layers,
        playlist_vectors=playlist_vectors,
        num_bases=num_bases,
    )
    kinds = ("track", "playlist", *relations)
    first = dict(zip(kinds, np.cumsum([0, *(graph.num_nodes[k] for k in kinds)]), strict=False))
    to_tracks = edges_to_tracks(graph, relations, hidden)
    names, parts = [], []
    for kind, edges in to_tracks.items():
        there = edges + torch.tensor([[first[kind]], [0]])
        names, parts = [*names, f"{kind}_to_track"], [*parts, there]
        if kind != "playlist" or playlist_vectors:
            names, parts = [*names, f"track_to_{kind}"], [*parts, there.flip(0)]
    edge_type = torch.arange(len(parts)).repeat_interleave(
        torch.tensor([part.shape[1] for part in parts])
    )

    nodes = initial_nodes(encoder)
    sums = dict(nodes)
    for layer in encoder.transforms:
        conv = RGCNConv(DIM, DIM, len(names), num_bases=num_bases, bias=False)
        conv.root.data, conv.weight.data = layer["own"].detach(), layer["bases"].detach()
        conv.comp.data = torch.stack([layer[name].detach() for name in names])

        def hop(nodes: Nodes, conv: RGCNConv = conv) -> Nodes:
            states = {"playlist": torch.zeros(4, DIM)} | nodes
            x = torch.cat([states[kind] for kind in kinds])
            out = torch.tanh(conv(x, torch.cat(parts, dim=1), edge_type))
            return dict(zip(kinds, out.split([len(states[kind]) for kind in kinds]), strict=True))

        heard = hop(nodes)
        nodes |= {kind: heard[kind] for kind in nodes if kind != "track"}
        if not playlist_vectors:
            nodes["playlist"] = mean_of_neighbours(to_tracks["playlist"].flip(0), nodes["track"], 4)
        nodes["track"] = hop(nodes)["track"]
        sums = added(sums, nodes)
        if not playlist_vectors:
            del nodes["playlist"]
    seen = MessageGraph.from_graph(graph, relations).hide(hidden)
    assert_agrees(encoder(seen), sums, num_layers)


@several_layers
@some_relations
@either_playlist
@pytest.mark.parametrize("num_heads", [1, 2])
@pytest.mark.parametrize("attention", ["v1", "v2"])
def test_a_hop_of_gat_is_gatconv(
    graph: PlaylistGraph,
    hidden: torch.Tensor,
    make: Callable[..., torch.nn.Module],
    relations: tuple[str, ...],
    num_layers: int,
    playlist_vectors: bool,
    num_heads: int,
    attention: str,
) -> None:
    encoder = make(
        GAT,
        graph,
        relations,
        num_layers,
        playlist_vectors=playlist_vectors,
        num_heads=num_heads,
        attention=attention,
    )

    def conv(parameters: torch.nn.ParameterDict) -> torch.nn.Module:
        make_conv = GATConv if attention == "v1" else GATv2Conv
        conv = make_conv(DIM, DIM // num_heads, heads=num_heads, add_self_loops=False, bias=False)
        source = parameters["source"].detach().T
        if attention == "v1":
            conv.lin.weight.data = source
            if "of_source" in parameters:  # over one neighbour at most any attention is 1
                conv.att_src.data = parameters["of_source"].detach()[None]
                conv.att_dst.data = parameters["of_target"].detach()[None]
        else:
            conv.lin_l.weight.data = source
            if "of_pair" in parameters:
                conv.lin_r.weight.data = parameters["target"].detach().T
                conv.att.data = parameters["of_pair"].detach()[None]
        return conv

    nodes = initial_nodes(encoder)
    sums = dict(nodes)
    for layer in encoder.transforms:
        track = message = nodes["track"]
        for kind, edges in edges_to_tracks(graph, relations, hidden).items():
            hear, tell = (conv(layer[name]) for name in (f"track_to_{kind}", f"{kind}_to_track"))
            if kind in nodes:
                heard = hear((track, nodes[kind]), edges.flip(0))
                state = nodes[kind] = torch.tanh(nodes[kind] + heard)
            else:
                asking = mean_of_neighbours(edges.flip(0), track, 4)
                state = hear((track, asking), edges.flip(0))
            message = message + tell((state, track), edges)
        nodes["track"] = torch.tanh(message)
        sums = added(sums, nodes)
    seen = MessageGraph.from_graph(graph, relations).hide(hidden)
    assert_agrees(encoder(seen), sums, num_layers)
