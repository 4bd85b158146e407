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
KINDS = ("playlist", "track", "artist", "album", "word")
Nodes = dict[str, torch.Tensor]

several_layers = pytest.mark.parametrize("num_layers", [0, 1, 3])
some_relations = pytest.mark.parametrize(
    "relations", [(), ("album",), ("artist", "album"), ("word",), ("artist", "word")]
)
either_playlist = pytest.mark.parametrize("playlist_vectors", [False, True])


@pytest.fixture
def graph(small_graph: PlaylistGraph, with_words: Callable[..., PlaylistGraph]) -> PlaylistGraph:
    """Track 4 is in no playlist, playlist 3 is empty, track 5 on no album.

    Track 1 is by two artists, playlists 0 and 2 have the same word, playlist 3 a word of its own.
    """
    lists = TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3], [3, 0], []])
    by = [[0], [2, 0], [1], [1], [1], [2]]
    return with_words(small_graph.with_tracks(lists), [[1], [], [0, 1], [2]], by)


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


def edges_of(
    graph: PlaylistGraph, relations: tuple[str, ...], hidden: torch.Tensor | None = None
) -> Nodes:
    """By kind: [2, num_edges], its nodes above the tracks or playlists that they are tied to."""
    playlist_track = torch.from_numpy(graph.edge_index(INTERACTION)).long()
    if hidden is not None:
        kept = torch.ones(playlist_track.shape[1], dtype=torch.bool)
        kept[hidden] = False
        playlist_track = playlist_track[:, kept]
    structural = {
        kind: torch.from_numpy(graph.edge_index(graph.relations[kind].key)).long().flip(0)
        for kind in relations
    }
    return {**structural, "playlist": playlist_track}


def tied_to(graph: PlaylistGraph, kind: str) -> str:
    return "track" if kind == "playlist" else graph.relations[kind].source


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
    assert set(result) == set(sums)
    for kind, total in sums.items():
        expected = (total / (num_layers + 1)).detach()
        assert expected.abs().max() > 0.1
        torch.testing.assert_close(result[kind].detach(), expected, rtol=0, atol=1e-5)


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
    every = edges_of(graph, relations)
    one_way = torch.cat(
        [
            edges + torch.tensor([[first[kind]], [first[tied_to(graph, kind)]]])
            for kind, edges in every.items()
        ],
        dim=1,
    )
    edge_index = torch.cat([one_way, one_way.flip(0)], dim=1)
    edge_weight = torch.full((one_way.shape[1],), relation_weight)
    edge_weight[-graph.playlists.tracks.num_pairs :] = 1

    def normalised(edges: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        ones = torch.zeros(shape).index_put((edges[0], edges[1]), torch.ones(edges.shape[1]))
        degrees = ones.sum(1, keepdim=True) * ones.sum(0, keepdim=True)
        return ones / degrees.clamp(min=1).sqrt()

    of_tracks = normalised(every["playlist"], (4, 6))
    of_words = normalised(every["word"].flip(0), (4, 3)) if "word" in relations else None

    nodes = initial_nodes(encoder)
    sums = dict(nodes)
    for transform in encoder.transforms:
        conv = GCNConv(DIM, DIM, bias=False)
        conv.lin.weight.data = transform.detach().T
        own = of_tracks @ nodes["track"]
        if of_words is not None:
            own = own + of_words @ nodes["word"]
        states = {"playlist": own} | nodes
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
        track, every = nodes["track"], edges_of(graph, relations, hidden)
        held = mean_of_neighbours(every["playlist"].flip(0), track, 4)
        before = {"track": track, "playlist": nodes.get("playlist", held)}
        told = {"track": 0, "playlist": 0}
        for kind in relations:
            end, hear = tied_to(graph, kind), conv(layer, f"to_{kind}", f"own_{kind}")
            nodes[kind] = torch.tanh(hear((before[end], nodes[kind]), every[kind].flip(0)))
            tell = conv(layer, f"from_{kind}", None)
            told[end] = told[end] + tell((nodes[kind], before[end]), every[kind])
        playlist = held + told["playlist"]
        if playlist_vectors:
            hear = conv(layer, "to_playlist", "own_playlist")
            heard = hear((track, nodes["playlist"]), every["playlist"].flip(0))
            playlist = nodes["playlist"] = torch.tanh(heard + told["playlist"])
        tell = conv(layer, "from_playlist", "own_track")
        nodes["track"] = torch.tanh(tell((playlist, track), every["playlist"]) + told["track"])
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
    every = edges_of(graph, relations, hidden)
    names, parts = [], []
    for kind, edges in every.items():
        there = edges + torch.tensor([[first[kind]], [first[tied_to(graph, kind)]]])
        names, parts = [*names, f"from_{kind}"], [*parts, there]
        if kind != "playlist" or playlist_vectors:
            names, parts = [*names, f"to_{kind}"], [*parts, there.flip(0)]
    edge_type = torch.arange(len(parts)).repeat_interleave(
        torch.tensor([part.shape[1] for part in parts])
    )

    nodes = initial_nodes(encoder)
    sums = dict(nodes)
    for layer in encoder.transforms:
        conv = RGCNConv(DIM, DIM, len(names), num_bases=num_bases, bias=False)
        conv.root.data, conv.weight.data = layer["own"].detach(), layer["bases"].detach()
        conv.comp.data = torch.stack([layer[name].detach() for name in names])

        def hop(states: Nodes, conv: RGCNConv = conv) -> Nodes:
            x = torch.cat([states[kind] for kind in kinds])
            out = conv(x, torch.cat(parts, dim=1), edge_type)
            return dict(zip(kinds, out.split([len(states[kind]) for kind in kinds]), strict=True))

        held = mean_of_neighbours(every["playlist"].flip(0), nodes["track"], 4)
        heard = hop({"playlist": held} | nodes)
        after = {kind: torch.tanh(heard[kind]) for kind in relations}
        # Without parameters a playlist's own row is zero, so that only its words are heard.
        told = hop({"playlist": torch.zeros(4, DIM)} | nodes | after)["playlist"]
        playlist = torch.tanh(told) if playlist_vectors else held + told
        track = torch.tanh(hop(nodes | after | {"playlist": playlist})["track"])
        nodes |= after | {"track": track}
        if playlist_vectors:
            nodes["playlist"] = playlist
        sums = added(sums, nodes)
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
            # Without parameters all neighbours have the same attention.
            conv.att_src.data.zero_()
            conv.att_dst.data.zero_()
            if "of_source" in parameters:
                conv.att_src.data = parameters["of_source"].detach()[None]
                conv.att_dst.data = parameters["of_target"].detach()[None]
        else:
            conv.lin_l.weight.data = source
            conv.att.data.zero_()
            if "of_pair" in parameters:
                conv.lin_r.weight.data = parameters["target"].detach().T
                conv.att.data = parameters["of_pair"].detach()[None]
        return conv

    nodes = initial_nodes(encoder)
    sums = dict(nodes)
    for layer in encoder.transforms:
        track, every = nodes["track"], edges_of(graph, relations, hidden)
        held = mean_of_neighbours(every["playlist"].flip(0), track, 4)
        before = {"track": track, "playlist": nodes.get("playlist", held)}
        told = {"track": 0, "playlist": 0}
        for kind in relations:
            end, edges = tied_to(graph, kind), every[kind]
            hear, tell = (conv(layer[name]) for name in (f"to_{kind}", f"from_{kind}"))
            heard = hear((before[end], nodes[kind]), edges.flip(0))
            nodes[kind] = torch.tanh(nodes[kind] + heard)
            told[end] = told[end] + tell((nodes[kind], before[end]), edges)
        heard = conv(layer["to_playlist"])((track, before["playlist"]), every["playlist"].flip(0))
        playlist = heard + told["playlist"]
        if playlist_vectors:
            playlist = nodes["playlist"] = torch.tanh(nodes["playlist"] + playlist)
        heard = conv(layer["from_playlist"])((playlist, track), every["playlist"])
        nodes["track"] = torch.tanh(track + heard + told["track"])
        sums = added(sums, nodes)
    seen = MessageGraph.from_graph(graph, relations).hide(hidden)
    assert_agrees(encoder(seen), sums, num_layers)
