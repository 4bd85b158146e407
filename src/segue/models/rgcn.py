"""The relational graph convolutional network of Schlichtkrull and others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.models import initial
from segue.models.encoder import Encoder, MessageGraph, NodeVectors


class RGCN(Encoder):
    """RGCN: a transform per relation and direction, each a mix of a few bases.

    M. Schlichtkrull, T. N. Kipf, P. Bloem, R. van den Berg, I. Titov, M. Welling: "Modeling
    Relational Data with Graph Convolutional Networks", ESWC 2018, equations 2 and 3,

        h_i(l+1) = σ(W_0 h_i(l) + Σ_r Σ_{j ∈ N_i^r} W_r h_j(l) / c_i,r),   W_r = Σ_b a_rb V_b

    with c_i,r the number of visible neighbours. A layer is two hops: artists and albums receive
    from their tracks, then tracks receive from everything they belong to. A playlist is the mean of
    its visible tracks in that layer and has no parameters; with `playlist_vectors` it is a node
    like artists. The words of its title receive its previous state, as artists do from tracks, and
    are then added to it. The result of a node is the mean of its h(l), l = 0 … num_layers, which
    trains better; by default W_0 and the first basis start as the identity, the others with little
    weight, and there is no σ.

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
    num_bases
        Number of V_b per layer.
    start
        Initial transforms: ``"identity"`` or ``"glorot"``.
    relation_weight
        Initial a_r for messages from artists, albums and words.
    activation
        σ, such as `torch.relu`.
    transform_rate
        The learning rate of the transforms, as a share of that of the vectors.
    playlist_vectors
        Learn a vector for each playlist, for the node readout.
    rng
        Draws the initial values.

    Raises
    ------
    InputError
        If `num_bases` is not 1 or more.
    """

    def __init__(
        self,
        num_nodes: dict[str, int],
        relations: tuple[str, ...],
        *,
        dim: int,
        num_layers: int,
        initial_std: float,
        num_bases: int = 2,
        start: initial.Start = "identity",
        relation_weight: float = 2.0,
        activation: Callable[[Tensor], Tensor] | None = None,
        transform_rate: float = 0.03,
        playlist_vectors: bool = False,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        if num_bases < 1:
            raise InputError(f"num_bases is {num_bases}, expected 1 or more")
        self.activation = activation or nn.Identity()
        self.transform_rate = transform_rate

        def vectors(kind: str) -> nn.Parameter:
            return initial.vectors(rng, num_nodes[kind], dim, initial_std)

        self.track = vectors("track")
        self.structural = nn.ParameterDict({name: vectors(name) for name in relations})
        self.playlist = vectors("playlist") if playlist_vectors else None
        heard = (*relations, "playlist") if playlist_vectors else relations
        scales = {"from_playlist": 1.0, **{f"to_{kind}": 1.0 for kind in heard}}
        scales |= {f"from_{kind}": relation_weight for kind in relations}

        def coefficients(scale: float) -> nn.Parameter:
            # Not quite 0 compared with the first, or the other bases would have no gradient.
            values = initial.vectors(rng, 1, num_bases, 0.01)[0].detach()
            values[0] = scale
            return nn.Parameter(values)

        def bases() -> nn.Parameter:
            first = initial.transform(rng, dim, start)
            others = [initial.transform(rng, dim, "glorot") for _ in range(num_bases - 1)]
            return nn.Parameter(torch.stack([first, *others]).detach())

        self.transforms = nn.ModuleList(
            nn.ParameterDict(
                {
                    "own": initial.transform(rng, dim, start),
                    "bases": bases(),
                    **{name: coefficients(scale) for name, scale in scales.items()},
                }
            )
            for _ in range(num_layers)
        )

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        """Vectors of tracks, of structural nodes, and of playlists if they have learned ones."""
        hear = {"playlist": message_graph.contains.row_means()}
        tell = {"playlist": message_graph.contains.transpose().row_means()}
        for kind, edges in message_graph.structural.items():
            hear[kind], tell[kind] = edges.transpose().row_means(), edges.row_means()

        source = message_graph.source
        nodes: dict[str, Tensor] = dict(self.initial_vectors())
        sums = dict(nodes)
        for layer in cast(Iterable[nn.ParameterDict], self.transforms):
            held = hear["playlist"] @ nodes["track"]
            before = {"track": nodes["track"], "playlist": nodes.get("playlist", held)}
            message = {"track": nodes["track"] @ layer["own"], "playlist": held}
            if "playlist" in nodes:
                own = nodes["playlist"] @ layer["own"]
                message["playlist"] = own + held @ _mixed(layer, "to_playlist")
            for kind in source:
                heard = (hear[kind] @ before[source[kind]]) @ _mixed(layer, f"to_{kind}")
                nodes[kind] = self.activation(nodes[kind] @ layer["own"] + heard)
                told = (tell[kind] @ nodes[kind]) @ _mixed(layer, f"from_{kind}")
                message[source[kind]] = message[source[kind]] + told
            playlist = message["playlist"]
            if "playlist" in nodes:
                playlist = nodes["playlist"] = self.activation(playlist)
            told = (tell["playlist"] @ playlist) @ _mixed(layer, "from_playlist")
            nodes["track"] = self.activation(message["track"] + told)
            sums = {kind: sums[kind] + h for kind, h in nodes.items()}
        mean = 1 / (len(self.transforms) + 1)
        return {kind: mean * h for kind, h in sums.items()}

    def learning_rate_shares(self) -> dict[str, float]:
        """See `Encoder`."""
        return {"transforms": self.transform_rate}

    def initial_vectors(self) -> dict[str, nn.Parameter]:
        """See `Encoder`."""
        vectors = {"track": self.track, **self.structural}
        return vectors if self.playlist is None else {**vectors, "playlist": self.playlist}


def _mixed(layer: nn.ParameterDict, relation: str) -> Tensor:
    """W_r from the bases: float [dim, dim]."""
    return torch.einsum("b,bij->ij", layer[relation], layer["bases"])
