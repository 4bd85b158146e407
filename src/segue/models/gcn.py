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

    where A joins playlists, tracks, artists and albums along all relations and D̃ holds the sums of
    the rows of A + I. In each layer a playlist enters as the normalised sum of its visible tracks,

        h_p = Σ_t h_t(l) / √(deg_p · deg_t)

    and so has no parameters; with `playlist_vectors` it is a node like any other. Two more things
    differ from the paper, because it trains better so: the result of a node is the mean of its
    h(l), l = 0 … num_layers, and by default W starts as the identity and there is no σ.

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
        The weight in A of edges to artists and albums, where those to playlists have 1. A track
        has many playlists but one artist, so that without it the artist is hardly heard.
    start
        Of the transforms: ``"identity"`` or ``"glorot"``.
    activation
        σ, as `torch.relu`.
    transform_rate
        The learning rate of the transforms, as a share of that of the vectors.
    playlist_vectors
        Learn a vector of each playlist, for the node readout.
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
        """Vectors of tracks, of the structural nodes, and of playlists that have learned ones."""
        contains, structural = message_graph.contains, message_graph.structural
        weight = self.relation_weight
        degree = dict(message_graph.degree)
        for name, edges in structural.items():
            degree["track"] = degree["track"] + (weight - 1) * edges.offsets.diff()
            degree[name] = weight * degree[name]
        root = {kind: (1 + count).rsqrt()[:, None] for kind, count in degree.items()}
        # The graph's values are 1/√(deg·deg) within each relation; with these factors on both
        # sides they become the union's, 1/√(d̃·d̃).
        track_factor = message_graph.popularity.sqrt()[:, None] * root["track"]
        factor = {
            kind: message_graph.degree[kind].sqrt()[:, None] * root[kind]
            for kind in ("playlist", *structural)
        }

        track: Tensor = self.track
        nodes: dict[str, Tensor] = dict(self.structural.items())
        if self.playlist is not None:
            nodes["playlist"] = self.playlist
        sums = {"track": track, **nodes}
        for transform in self.transforms:
            playlist = nodes["playlist"] if "playlist" in nodes else contains @ track
            to_track = root["track"] ** 2 * track + track_factor * contains.transposed_matmul(
                factor["playlist"] * playlist
            )
            for name, edges in structural.items():
                heard = edges @ (factor[name] * nodes[name])
                to_track = to_track + weight * root["track"] * heard
            received = {"track": to_track}
            for kind, state in nodes.items():
                if kind == "playlist":
                    from_tracks = contains @ (track_factor * track)
                else:
                    from_tracks = weight * structural[kind].transposed_matmul(root["track"] * track)
                received[kind] = root[kind] ** 2 * state + factor[kind] * from_tracks
            nodes = {kind: self.activation(h @ transform) for kind, h in received.items()}
            sums = {kind: sums[kind] + h for kind, h in nodes.items()}
            track = nodes.pop("track")
        mean = 1 / (len(self.transforms) + 1)
        return NodeVectors(**{kind: mean * h for kind, h in sums.items()})

    def learning_rate_shares(self) -> dict[str, float]:
        """See `Encoder`."""
        return {"transforms": self.transform_rate}

    def initial_vectors(self) -> dict[str, nn.Parameter]:
        """See `Encoder`."""
        vectors = {"track": self.track, **self.structural}
        return vectors if self.playlist is None else {**vectors, "playlist": self.playlist}
