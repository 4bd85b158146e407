"""LightGCN on typed relations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.models import initial
from segue.models.encoder import Encoder, MessageGraph, NodeVectors


class LightGCN(Encoder):
    """LightGCN: propagation without weights or nonlinearity, layers averaged.

    X. He, K. Deng, X. Wang, Y. Li, Y. Zhang, M. Wang: "LightGCN: Simplifying and Powering Graph
    Convolution Network for Recommendation", SIGIR 2020, equations 3 to 8, with two changes.
    A playlist has no parameters: its state is the normalised sum of its visible tracks,

        h_p(l) = Σ_t h_t(l) / √(deg_p · deg_t)

    and each structural relation r has one learned weight s_r,

        h_t(l+1) = Σ_p h_p(l) / √(deg_t · deg_p) + Σ_r s_r Σ_a h_a(l) / √(deg_t · deg_a)
        h_a(l+1) = s_r Σ_t h_t(l) / √(deg_a · deg_t)

    or, if its source is playlists, h_w(l+1) = s_r Σ_p h_p(l) / √(deg_w · deg_p), with s_r Σ_w
    h_w(l) / √(deg_p · deg_w) as an additional term of h_p(l): a playlist without parameters is the
    sum of all its neighbours, and sends messages to all of them.

    With `playlist_vectors` the first change is undone: playlists have learned vectors h_p(0),
    and h_p(l+1) = Σ_t h_t(l) / √(deg_p · deg_t), as published. The result of a node is the mean of
    its h(l), l = 0 … num_layers.

    Parameters
    ----------
    num_nodes
        Number of nodes by type.
    relations
        The structural relations that the graph has.
    dim
        Length of a vector.
    num_layers
        How many times messages are passed.
    initial_std
        Standard deviation of the initial vectors.
    relation_weight
        Initial s_r.
    playlist_vectors
        Learn a vector for each playlist, for the node readout.
    edge_dropout
        Share of the interaction edges that each step of a training leaves out, besides those that
        it hides; the values of the others grow by as much.
    rng
        Draws the initial vectors.
    """

    def __init__(
        self,
        num_nodes: dict[str, int],
        relations: tuple[str, ...],
        *,
        dim: int,
        num_layers: int,
        initial_std: float,
        relation_weight: float = 0.5,
        playlist_vectors: bool = False,
        edge_dropout: float = 0.0,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        if not 0 <= edge_dropout < 1:
            raise InputError(f"edge_dropout is {edge_dropout}, expected 0 or more and less than 1")
        self.num_layers, self.edge_dropout = num_layers, edge_dropout

        def vectors(kind: str) -> nn.Parameter:
            return initial.vectors(rng, num_nodes[kind], dim, initial_std)

        self.track = vectors("track")
        self.structural = nn.ParameterDict({name: vectors(name) for name in relations})
        self.playlist = vectors("playlist") if playlist_vectors else None
        self.relation_weight = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(relation_weight)) for name in relations}
        )

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        """Vectors of tracks, of structural nodes, and of playlists if they have learned ones."""
        contains = message_graph.contains
        if self.training and self.edge_dropout:
            contains = contains.with_value(nn.functional.dropout(contains.value, self.edge_dropout))
        weight = self.relation_weight
        nodes: dict[str, Tensor] = dict(self.initial_vectors())
        sums = dict(nodes)
        for _ in range(self.num_layers):
            playlist = contains @ nodes["track"]
            for kind, edges in message_graph.starting_at("playlist").items():
                playlist = playlist + weight[kind] * (edges @ nodes[kind])
            # A playlist without parameters passes messages on within the same layer.
            source = {"track": nodes["track"], "playlist": nodes.get("playlist", playlist)}
            track = contains.transposed_matmul(source["playlist"])
            for kind, edges in message_graph.starting_at("track").items():
                track = track + weight[kind] * (edges @ nodes[kind])
            received = {"track": track, "playlist": playlist}
            for kind, edges in message_graph.structural.items():
                heard = edges.transposed_matmul(source[message_graph.source[kind]])
                received[kind] = weight[kind] * heard
            nodes = {kind: received[kind] for kind in nodes}
            sums = {kind: sums[kind] + state for kind, state in nodes.items()}
        mean = 1 / (self.num_layers + 1)
        return {kind: mean * total for kind, total in sums.items()}

    def initial_vectors(self) -> dict[str, nn.Parameter]:
        """See `Encoder`."""
        vectors = {"track": self.track, **self.structural}
        return vectors if self.playlist is None else {**vectors, "playlist": self.playlist}

    def diagnostics(self) -> dict[str, Any]:
        """The learned weight of each relation."""
        return {"relation_weight": {name: s.item() for name, s in self.relation_weight.items()}}
