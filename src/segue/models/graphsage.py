"""GraphSAGE with mean aggregators on typed relations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import numpy as np
from torch import Tensor, nn

from segue.models import initial
from segue.models.encoder import Encoder, MessageGraph, NodeVectors
from segue.models.neighbours import check_fanout, neighbourhoods


class GraphSAGE(Encoder):
    """GraphSAGE: a node's own state and the mean of its neighbours' states, each transformed.

    W. L. Hamilton, R. Ying, J. Leskovec: "Inductive Representation Learning on Large Graphs",
    NIPS 2017, algorithm 1 with the mean aggregator. Each relation and direction has its own mean
    and transform, and with `fanout` its own sampled neighbours (one sample for all layers of a
    pass). A layer is two hops: artists and albums receive from their tracks, then tracks receive
    from everything they belong to,

        h_a(l+1) = σ(U_a h_a(l) + V_a mean_t h_t(l))
        h_t(l+1) = σ(U_t h_t(l) + W_p mean_p h_p + W_a h_a(l+1)),   h_p = mean_t h_t(l)

    (U, V and W belong to a layer). A playlist is the mean of its visible tracks and has no
    parameters; with `playlist_vectors` it is a node like artists. The words of its title receive
    its previous state, as artists do from tracks, and are then added to it: W_w mean_w h_w(l+1).
    The result of a node is the mean of its h(l), l = 0 … num_layers, which trains better; by
    default the transforms start as (shares of) the identity and there is no σ. The paper normalises
    h(l) to unit length, here the readout does.

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
    start
        Initial transforms: ``"identity"`` or ``"glorot"``.
    relation_weight
        Factor of the identity for messages from artists, albums and words.
    activation
        σ, such as `torch.relu`.
    fanout
        In training, how many visible neighbours of each node, relation and direction send messages
        at most, drawn again in each pass; None stands for all, as in evaluation.
    transform_rate
        The learning rate of the transforms, as a share of that of the vectors.
    playlist_vectors
        Learn a vector for each playlist, for the node readout.
    rng
        Draws the initial values.

    Raises
    ------
    InputError
        If `fanout` is below 1.
    """

    def __init__(
        self,
        num_nodes: dict[str, int],
        relations: tuple[str, ...],
        *,
        dim: int,
        num_layers: int,
        initial_std: float,
        start: initial.Start = "identity",
        relation_weight: float = 2.0,
        activation: Callable[[Tensor], Tensor] | None = None,
        fanout: int | None = None,
        transform_rate: float = 0.1,
        playlist_vectors: bool = False,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.activation = activation or nn.Identity()
        check_fanout(fanout)
        self.fanout = fanout
        self.transform_rate = transform_rate

        def vectors(kind: str) -> nn.Parameter:
            return initial.vectors(rng, num_nodes[kind], dim, initial_std)

        self.track = vectors("track")
        self.structural = nn.ParameterDict({name: vectors(name) for name in relations})
        self.playlist = vectors("playlist") if playlist_vectors else None
        heard = (*relations, "playlist") if playlist_vectors else relations
        scales = {"own_track": 1.0, "from_playlist": 1.0}
        scales |= {f"own_{kind}": 1.0 for kind in heard}
        scales |= {f"to_{kind}": 1.0 for kind in heard}
        scales |= {f"from_{kind}": relation_weight for kind in relations}
        self.transforms = nn.ModuleList(
            nn.ParameterDict(
                {name: initial.transform(rng, dim, start, scale) for name, scale in scales.items()}
            )
            for _ in range(num_layers)
        )

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        """Vectors of tracks, of structural nodes, and of playlists if they have learned ones."""
        hear, tell = neighbourhoods(message_graph, self.fanout if self.training else None)
        hear = {kind: edges.row_means() for kind, edges in hear.items()}
        tell = {kind: edges.row_means() for kind, edges in tell.items()}

        source = message_graph.source
        nodes: dict[str, Tensor] = dict(self.initial_vectors())
        sums = dict(nodes)
        for transforms in cast(Iterable[nn.ParameterDict], self.transforms):
            held = hear["playlist"] @ nodes["track"]
            before = {"track": nodes["track"], "playlist": nodes.get("playlist", held)}
            message = {"track": nodes["track"] @ transforms["own_track"], "playlist": held}
            if "playlist" in nodes:
                own = nodes["playlist"] @ transforms["own_playlist"]
                message["playlist"] = own + held @ transforms["to_playlist"]
            for kind in source:
                heard = (hear[kind] @ before[source[kind]]) @ transforms[f"to_{kind}"]
                own = nodes[kind] @ transforms[f"own_{kind}"]
                nodes[kind] = self.activation(own + heard)
                told = (tell[kind] @ nodes[kind]) @ transforms[f"from_{kind}"]
                message[source[kind]] = message[source[kind]] + told
            playlist = message["playlist"]
            if "playlist" in nodes:
                playlist = nodes["playlist"] = self.activation(playlist)
            told = (tell["playlist"] @ playlist) @ transforms["from_playlist"]
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
