"""Modules of PyTorch Geometric as encoders, by the homogeneous view of a message graph."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import FastRGCNConv, LGConv

from segue import metrics
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.models.encoder import Encoder, MessageGraph, NodeVectors
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.training.config import TrainConfig
from segue.training.train import train

ALL = ("artist", "album", "word")


class OfPyG(Encoder):
    """Layers of PyG over all edges; a playlist starts as the sum of its visible tracks."""

    def __init__(
        self,
        num_nodes: dict[str, int],
        relations: tuple[str, ...],
        *,
        dim: int,
        num_layers: int,
        initial_std: float,
        rng: np.random.Generator,
        layer: Any = LGConv,
    ) -> None:
        super().__init__()
        self.nodes = nn.ParameterDict(
            {
                kind: nn.Parameter(
                    torch.from_numpy(rng.normal(0, initial_std, (num_nodes[kind], dim))).float()
                )
                for kind in ("track", *relations)
            }
        )
        self.layers = nn.ModuleList(layer() for _ in range(num_layers))

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        view = message_graph.homogeneous
        nodes = {"playlist": message_graph.contains @ self.nodes["track"], **self.nodes}
        x = total = torch.cat([nodes[kind] for kind in view.num_nodes])
        for layer in self.layers:
            x = layer(x, view.edge_index)
            total = total + x
        return view.split(total)


def test_every_edge_stands_in_it_with_its_type(tied_graph: PlaylistGraph) -> None:
    view = MessageGraph.from_graph(tied_graph, ALL).homogeneous
    assert list(view.num_nodes) == ["playlist", "track", *ALL]
    assert view.num_nodes == {kind: tied_graph.num_nodes[kind] for kind in view.num_nodes}
    first = dict(zip(view.num_nodes, np.cumsum([0, *view.num_nodes.values()]), strict=False))
    contains = ("playlist", "contains", "track")
    keys = [contains, *(tied_graph.relations[kind].key for kind in ALL)]
    for number, key in enumerate(keys):
        source, _, target = key
        expected = tied_graph.edge_index(key) + np.array([[first[source]], [first[target]]])
        there = view.edge_index[:, view.edge_type == 2 * number].numpy()
        np.testing.assert_array_equal(there, expected)
        back = view.edge_index[:, view.edge_type == 2 * number + 1].numpy()
        np.testing.assert_array_equal(back, expected[::-1])
    assert view.edge_type.max() == 2 * len(keys) - 1


def test_hidden_edges_are_absent(tied_graph: PlaylistGraph) -> None:
    graph = MessageGraph.from_graph(tied_graph, ("word",))
    hidden = torch.tensor([3, 40, 41])
    found, whole = graph.hide(hidden).homogeneous, graph.homogeneous
    assert whole.edge_index.shape[1] - found.edge_index.shape[1] == 6
    kept = torch.ones(len(graph.contains.value), dtype=torch.bool)
    kept[hidden] = False
    there = whole.edge_index[:, whole.edge_type == 0][:, kept]
    assert torch.equal(found.edge_index[:, found.edge_type == 0], there)


def test_types_are_those_of_rgcn(tied_graph: PlaylistGraph) -> None:
    view = MessageGraph.from_graph(tied_graph, ALL).homogeneous
    conv = FastRGCNConv(4, 4, num_relations=8)
    x = torch.randn(sum(view.num_nodes.values()), 4)
    parts = view.split(conv(x, view.edge_index, view.edge_type))
    assert {kind: len(part) for kind, part in parts.items()} == view.num_nodes


@pytest.mark.parametrize("relations", [("artist",), ALL])
def test_a_module_of_pyg_learns(
    tied_graph: PlaylistGraph, relations: tuple[str, ...], tmp_path: Path
) -> None:
    split = split_graph(tied_graph, SplitRecipe(rng_seed=1))
    config = TrainConfig(
        model="of-pyg", relations=relations, dim=16, epochs=12, batch_size=64, learning_rate=0.02
    )
    result = train(split.train, None, config, folder=tmp_path, identity="planted", encoder=OfPyG)
    known, targets = split.test.known, split.test.targets
    scores = FirstStage(Centroid(result.track_vectors, result.query_weight)).scores(
        split.test.query
    )
    ranks = metrics.rank_held_out(
        scores, known.offsets, known.track_index, targets.offsets, targets.track_index
    )
    assert metrics.mean_over_scored(metrics.recall(ranks, 20))[0] > 0.45
