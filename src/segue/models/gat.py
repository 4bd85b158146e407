"""The graph attention network on typed relations, and its second version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.models import initial
from segue.models.attention import additive_scores, attention_sums, pair_sums, row_softmax
from segue.models.encoder import Encoder, MessageGraph, NodeVectors
from segue.models.neighbours import check_fanout, neighbourhoods
from segue.models.sparse import SparseMatrix

SLOPE = 0.2  # of LeakyReLU, in both papers


class GAT(Encoder):
    """GAT: messages from neighbours are weighted by learned attention.

    P. Veličković, G. Cucurull, A. Casanova, A. Romero, P. Liò, Y. Bengio: "Graph Attention
    Networks", ICLR 2018, equations 3 to 5. For one relation and direction,

        m_i = Σ_{j ∈ N_i} α_ij W h_j,   α_ij = softmax_j LeakyReLU(a · [W h_i ‖ W h_j])

    or with `attention` ``"v2"``, S. Brody, U. Alon, E. Yahav: "How Attentive are Graph Attention
    Networks?", ICLR 2022, equation 7, α_ij = softmax_j a · LeakyReLU(W' h_i + W h_j). The softmax
    is over visible neighbours. The vectors of `num_heads` heads are concatenated.

    A layer is two hops: playlists, artists and albums receive from their tracks, then tracks
    receive from everything they belong to, and messages are added to a node's own state. A playlist
    has no parameters: its attention query is the mean of its visible tracks, and its state is the
    message that it receives; with `playlist_vectors` it is a node like artists. The words of its
    title receive that query from it, as artists do from tracks, and are then added to it. Tracks
    rarely have more than one artist or album, and titles few words: among these attention is equal.
    The result of a node is the mean of its h(l), l = 0 … num_layers, which trains better; by
    default the transforms start as (shares of) the identity, attention as nearly equal, and there
    is no σ.

    Parameters
    ----------
    num_nodes
        Number of nodes by type.
    relations
        The structural relations that the graph has.
    dim
        Length of a vector, a multiple of `num_heads`.
    num_layers
        How many times messages are passed.
    initial_std
        Standard deviation of the initial vectors.
    num_heads
        Attention heads per relation, each with its part of the vector.
    attention
        ``"v1"`` or ``"v2"``.
    start
        Initial transforms: ``"identity"`` or ``"glorot"``.
    relation_weight
        Factor of the identity for messages from artists, albums and words.
    activation
        σ, such as `torch.nn.functional.elu`.
    fanout
        In training, how many visible neighbours of each node, relation and direction send messages
        at most, drawn again in each pass; None stands for all, as in evaluation.
    transform_rate
        The learning rate of transforms and attention, as a share of that of the vectors.
    playlist_vectors
        Learn a vector for each playlist, for the node readout.
    rng
        Draws the initial values.

    Raises
    ------
    InputError
        If `dim` is not a multiple of `num_heads`, the attention is unknown, or `fanout` is below 1.
    """

    def __init__(
        self,
        num_nodes: dict[str, int],
        relations: tuple[str, ...],
        *,
        dim: int,
        num_layers: int,
        initial_std: float,
        num_heads: int = 2,
        attention: Literal["v1", "v2"] = "v1",
        start: initial.Start = "identity",
        relation_weight: float = 1.0,
        activation: Callable[[Tensor], Tensor] | None = None,
        fanout: int | None = None,
        transform_rate: float = 0.01,
        playlist_vectors: bool = False,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        if num_heads < 1 or dim % num_heads:
            raise InputError(f"dim is {dim}, expected a multiple of num_heads, {num_heads}")
        if attention not in ("v1", "v2"):
            raise InputError(f"attention {attention!r} is not known, expected v1 or v2")
        self.attention = attention
        self.activation = activation or nn.Identity()
        check_fanout(fanout)
        self.fanout = fanout
        self.transform_rate = transform_rate

        def vectors(kind: str) -> nn.Parameter:
            return initial.vectors(rng, num_nodes[kind], dim, initial_std)

        self.track = vectors("track")
        self.structural = nn.ParameterDict({name: vectors(name) for name in relations})
        self.playlist = vectors("playlist") if playlist_vectors else None

        def attending() -> nn.ParameterDict:
            transforms = {"source": initial.transform(rng, dim, start)}
            if attention == "v2":
                transforms["target"] = initial.transform(rng, dim, start)
            # Small, so that attention is nearly equal at the start; not 0, or there would be no
            # gradient.
            ends = ("of_source", "of_target") if attention == "v1" else ("of_pair",)
            shape = (num_heads, dim // num_heads)
            vectors = {end: initial.vectors(rng, *shape, 0.1) for end in ends}
            return nn.ParameterDict({**transforms, **vectors})

        def layer() -> nn.ModuleDict:
            heard = [f"to_{kind}" for kind in ("playlist", *relations)]
            told = {
                f"from_{kind}": nn.ParameterDict(
                    {"source": initial.transform(rng, dim, start, relation_weight)}
                )
                for kind in relations
            }
            return nn.ModuleDict({name: attending() for name in ("from_playlist", *heard)} | told)

        self.transforms = nn.ModuleList(layer() for _ in range(num_layers))

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        """Vectors of tracks, of structural nodes, and of playlists if they have learned ones."""
        hear, tell = neighbourhoods(message_graph, self.fanout if self.training else None)
        playlist_means = hear["playlist"].row_means()
        told_equally = {kind: tell[kind].row_means() for kind in message_graph.structural}

        source = message_graph.source
        nodes: dict[str, Tensor] = dict(self.initial_vectors())
        sums = dict(nodes)
        for layer in cast(Iterable[Mapping[str, nn.ParameterDict]], self.transforms):
            track = nodes["track"]
            asking = nodes["playlist"] if "playlist" in nodes else playlist_means @ track
            before = {"track": track, "playlist": asking}
            message = {
                "track": track,
                "playlist": self._heard(hear["playlist"], track, asking, layer["to_playlist"]),
            }
            if "playlist" in nodes:
                message["playlist"] = asking + message["playlist"]
            for kind in source:
                own = nodes[kind]
                heard = self._heard(hear[kind], before[source[kind]], own, layer[f"to_{kind}"])
                nodes[kind] = self.activation(own + heard)
                told = told_equally[kind] @ (nodes[kind] @ layer[f"from_{kind}"]["source"])
                message[source[kind]] = message[source[kind]] + told
            playlist = message["playlist"]
            if "playlist" in nodes:
                playlist = nodes["playlist"] = self.activation(playlist)
            told = self._heard(tell["playlist"], playlist, track, layer["from_playlist"])
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

    def _heard(
        self,
        edges: SparseMatrix,
        source: Tensor,
        target: Tensor,
        parameters: nn.ParameterDict,
    ) -> Tensor:
        """m_i of one relation: float [num_targets, dim]."""
        transform = parameters["source"]
        if self.attention == "v2":
            source, target = source @ transform, target @ parameters["target"]
            scores = additive_scores(edges, target, source, parameters["of_pair"], SLOPE)
        else:
            # a · (W h) as (W a) · h: the target's own W h is not needed.
            of_target = target @ _by_head(transform, parameters["of_target"])
            of_source = source @ _by_head(transform, parameters["of_source"])
            source = source @ transform
            scores = nn.functional.leaky_relu(pair_sums(edges, of_target, of_source), SLOPE)
        weights = row_softmax(edges, scores)
        heads = zip(weights.unbind(1), source.chunk(weights.shape[1], dim=1), strict=True)
        return torch.cat(
            [attention_sums(edges, w.contiguous(), part.contiguous()) for w, part in heads], dim=1
        )


def _by_head(vectors: Tensor, attention: Tensor) -> Tensor:
    """The product of each head's part of each row with its vector: float [num_rows, heads]."""
    return (vectors.view(-1, *attention.shape) * attention).sum(dim=-1)
