"""The graph convolutional network of Kipf and Welling on the union of all relations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from segue.models import initial
from segue.models.encoder import Encoder, MessageGraph, NodeVectors


class GCN(Encoder):
    """GCN: one transform per layer for all nodes, whatever their types and relations.

    T. N. Kipf, M. Welling: "Semi-Supervised Classification with Graph Convolutional Networks",
    ICLR 2017, equation 2,

        H(l+1) = σ(D̃^−½ (A + I) D̃^−½ H(l) W(l))

    where A joins playlists, tracks, artists and so on along all relations and D̃ holds the row sums
    of A + I. In each layer a playlist is the normalised sum of its visible tracks,

        h_p = Σ_t h_t(l) / √(deg_p · deg_t)

    (and likewise of the words of its title, if any) and so has no parameters; with
    `playlist_vectors` it is a node like any other. Two more things differ from the paper, because
    they train better: the result of a node is the mean of its h(l), l = 0 … num_layers, and by
    default W starts as the identity and there is no σ.

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
        The weight of structural edges in A; playlist–track edges have 1. A track has many playlists
        but one artist, whose message would otherwise hardly count.
    start
        Initial transforms: ``"identity"`` or ``"glorot"``.
    activation
        σ, such as `torch.relu`.
    transform_rate
        The learning rate of the transforms, as a share of that of the vectors.
    playlist_vectors
        Learn a vector for each playlist, for the node readout.
    rng
        Draws the initial values.
    """

    def __init__(
        self,
        num_nodes: dict[str, int],
        relations: tuple[str, ...],
        *,
        dim: int,
        num_layers: int,
        initial_std: float,
        relation_weight: float = 100.0,
        start: initial.Start = "identity",
        activation: Callable[[Tensor], Tensor] | None = None,
        transform_rate: float = 0.01,
        playlist_vectors: bool = False,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.relation_weight = relation_weight
        self.activation = activation or nn.Identity()
        self.transform_rate = transform_rate

        def vectors(kind: str) -> nn.Parameter:
            return initial.vectors(rng, num_nodes[kind], dim, initial_std)

        self.track = vectors("track")
        self.structural = nn.ParameterDict({name: vectors(name) for name in relations})
        self.playlist = vectors("playlist") if playlist_vectors else None
        self.transforms = nn.ParameterList(
            [initial.transform(rng, dim, start) for _ in range(num_layers)]
        )

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        """Vectors of tracks, of structural nodes, and of playlists if they have learned ones."""
        contains, structural = message_graph.contains, message_graph.structural
        source, weight = message_graph.source, self.relation_weight
        degree = dict(message_graph.degree)
        for kind, edges in structural.items():
            degree[source[kind]] = degree[source[kind]] + (weight - 1) * edges.offsets.diff()
            degree[kind] = weight * degree[kind]
        root = {kind: (1 + count).rsqrt()[:, None] for kind, count in degree.items()}
        # The graph's values are 1/√(deg·deg) within each relation; with these factors at both ends
        # they become those of the union, 1/√(d̃·d̃).
        of_playlist = message_graph.length.sqrt()[:, None] * root["playlist"]
        of_track = message_graph.popularity.sqrt()[:, None] * root["track"]
        start = {
            kind: edges.offsets.diff().sqrt()[:, None] * root[source[kind]]
            for kind, edges in structural.items()
        }
        end = {
            kind: edges.transposed_offsets.diff().sqrt()[:, None] * root[kind]
            for kind, edges in structural.items()
        }

        nodes: dict[str, Tensor] = dict(self.initial_vectors())
        sums = dict(nodes)
        for transform in self.transforms:
            states = {"playlist": self._from_its_own(message_graph, nodes), **nodes}
            received = {kind: root[kind] ** 2 * state for kind, state in states.items()}
            received["track"] = received["track"] + of_track * contains.transposed_matmul(
                of_playlist * states["playlist"]
            )
            if "playlist" in nodes:
                from_tracks = contains @ (of_track * states["track"])
                received["playlist"] = received["playlist"] + of_playlist * from_tracks
            for kind, edges in structural.items():
                told = start[kind] * (edges @ (end[kind] * states[kind]))
                heard = end[kind] * edges.transposed_matmul(start[kind] * states[source[kind]])
                received[source[kind]] = received[source[kind]] + weight * told
                received[kind] = received[kind] + weight * heard
            nodes = {kind: self.activation(received[kind] @ transform) for kind in nodes}
            sums = {kind: sums[kind] + h for kind, h in nodes.items()}
        mean = 1 / (len(self.transforms) + 1)
        return {kind: mean * h for kind, h in sums.items()}

    @staticmethod
    def _from_its_own(message_graph: MessageGraph, nodes: dict[str, Tensor]) -> Tensor:
        """h_p of playlists without parameters."""
        playlist = message_graph.contains @ nodes["track"]
        for kind, edges in message_graph.starting_at("playlist").items():
            playlist = playlist + edges @ nodes[kind]
        return playlist

    def learning_rate_shares(self) -> dict[str, float]:
        """See `Encoder`."""
        return {"transforms": self.transform_rate}

    def initial_vectors(self) -> dict[str, nn.Parameter]:
        """See `Encoder`."""
        vectors = {"track": self.track, **self.structural}
        return vectors if self.playlist is None else {**vectors, "playlist": self.playlist}
