"""The interface of encoders: `MessageGraph` in, `NodeVectors` out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from segue.data.playlists import Int64Array
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.models.sparse import SparseMatrix

# What an encoder returns: by node kind one float vector per node, [num_nodes, dim]. Always tracks
# and the graph's structural kinds; playlists if they have learned vectors.
NodeVectors: TypeAlias = dict[str, Tensor]
# Rows whose edges are given values at a time.
_NORMALISED_ROWS = 16_384


@dataclass(frozen=True, eq=False)
class MessageGraph:
    """The torch view of a training graph: the edges that carry messages, and their weights.

    The structure is built once, in both directions; hiding an edge sets its value to zero and
    leaves the structure unchanged. Values are symmetrically normalised, 1/√(deg(row)·deg(column))
    with the degrees of the whole training graph in that relation, so that hiding one edge does not
    change others.

    Attributes
    ----------
    num_nodes : dict
        Number of nodes by kind, including kinds that take no part.
    contains : SparseMatrix [num_playlists, num_tracks]
        Interaction edges in the order of the training graph's pairs.
    structural : dict of SparseMatrix [num_sources, num_targets]
        Structural edges by target kind, such as ``"artist"``.
    source : dict of str
        Their source kind, ``"track"`` or ``"playlist"``, by the same keys.
    length, popularity : float32 [num_playlists], float32 [num_tracks]
        Number of training tracks of each playlist and of training playlists of each track, at least
        1.
    degree : dict of float32 [num_nodes]
        Number of training edges of each node, over all relations of this graph, by kind.
    """

    num_nodes: dict[str, int]
    contains: SparseMatrix
    structural: dict[str, SparseMatrix]
    source: dict[str, str]
    length: Tensor
    popularity: Tensor
    degree: dict[str, Tensor]

    @classmethod
    def from_graph(
        cls,
        graph: PlaylistGraph,
        relations: Iterable[str] = ("artist",),
        device: torch.device | str = "cpu",
    ) -> MessageGraph:
        """Build from a training graph.

        Parameters
        ----------
        graph
        relations
            The structural relations that carry messages, by target kind.
        device

        Raises
        ------
        InputError
            If the graph has no such relation.
        """
        tracks, num_nodes = graph.playlists.tracks, graph.num_nodes
        degree = {"playlist": tracks.lengths.copy(), "track": graph.popularity.copy()}
        structural, source = {}, {}
        for kind in relations:
            relation = graph.relation(kind)
            structural[kind] = _normalised(
                relation.offsets, relation.target_index, relation.num_targets, device
            )
            source[kind] = relation.source
            degree[relation.source] += relation.source_degree
            degree[kind] = relation.target_degree

        def floats(counts: Int64Array) -> Tensor:
            return torch.tensor(counts, dtype=torch.float32, device=device)

        return cls(
            num_nodes,
            _normalised(tracks.offsets, tracks.track_index, num_nodes["track"], device),
            structural,
            source,
            floats(np.maximum(tracks.lengths, 1)),
            floats(np.maximum(graph.popularity, 1)),
            {kind: floats(counts) for kind, counts in degree.items()},
        )

    @property
    def title_counts(self) -> Tensor:
        """Number of playlists titled with each word, at least 1: float32 [num_words]."""
        counts: Tensor = self.structural["word"].transposed_offsets.diff().clamp(min=1).float()
        return counts

    def starting_at(self, kind: str) -> dict[str, SparseMatrix]:
        """The structural edges of tracks, or of playlists, by target kind."""
        return {
            target: edges
            for target, edges in self.structural.items()
            if self.source[target] == kind
        }

    @property
    def homogeneous(self) -> HomogeneousView:
        """The visible edges of all relations in the form that PyTorch Geometric modules take."""
        kinds = ["playlist", "track", *self.structural]
        counts = [self.num_nodes[kind] for kind in kinds]
        first = dict(zip(kinds, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))
        relations = {"playlist": ("playlist", "track", self.contains)}
        relations |= {k: (self.source[k], k, edges) for k, edges in self.structural.items()}
        parts = []
        for source, target, edges in relations.values():
            visible = edges.value != 0
            row = edges.row()[visible] + first[source]
            there = torch.stack([row, edges.column[visible].long() + first[target]])
            parts += [there, there.flip(0)]
        sizes = torch.tensor([part.shape[1] for part in parts], device=self.popularity.device)
        types = torch.arange(len(parts), device=sizes.device)
        return HomogeneousView(
            dict(zip(kinds, counts, strict=True)),
            torch.cat(parts, dim=1),
            torch.repeat_interleave(types, sizes),
        )

    def hide(self, pairs: Tensor) -> MessageGraph:
        """The same graph with some interaction edges hidden.

        Parameters
        ----------
        pairs : int64 [num_hidden]
            Positions among the training graph's pairs.
        """
        return replace(self, contains=self.contains.without(pairs))

    def of_playlists(
        self,
        heard: Tensor,
        share: float,
        *,
        keep_nodes: bool = False,
        hidden: Tensor | None = None,
    ) -> MessageGraph:
        """The graph of some playlists, with all tracks and structural nodes.

        Values of the playlists' edges are divided by √share, as if degrees were those among these
        playlists: what a node hears from others by way of playlists, two edges, is then what it
        hears in the whole graph, on average over draws of the playlists.

        Parameters
        ----------
        heard : bool [num_playlists]
            Whose edges are kept.
        share
            The chance that each had to be.
        keep_nodes
            Whether the other playlists stay, without edges.
        hidden : int64 [num_hidden] or None
            Interaction edges to hide as by `hide`, which would copy the values of all edges first.
        """

        def some(edges: SparseMatrix, hidden: Tensor | None = None) -> SparseMatrix:
            kept = edges.of_rows(heard, keep_empty=keep_nodes, without=hidden)
            return kept.times(share**-0.5)

        edges = {
            kind: some(edges) if self.source[kind] == "playlist" else edges
            for kind, edges in self.structural.items()
        }
        graph = replace(self, contains=some(self.contains, hidden), structural=edges)
        if keep_nodes:
            return graph
        return replace(
            graph,
            num_nodes={**self.num_nodes, "playlist": graph.contains.shape[0]},
            length=self.length[heard],
            degree={**self.degree, "playlist": self.degree["playlist"][heard]},
        )


@dataclass(frozen=True, eq=False)
class HomogeneousView:
    """A message graph with the nodes of all kinds numbered consecutively, and typed edges.

    With it any PyTorch Geometric module that takes ``edge_index``, with or without ``edge_type``,
    can pass the messages of an encoder.

    Attributes
    ----------
    num_nodes : dict
        Number of nodes by kind, in the order of their numbers: playlists, tracks, then the
        structural kinds of the graph.
    edge_index : int64 [2, num_edges]
        The visible edges of each relation in both directions.
    edge_type : int64 [num_edges]
        2r for relation r, 2r + 1 for its reverse; relation 0 is playlist–contains–track, the others
        follow in the order of `num_nodes`.
    """

    num_nodes: dict[str, int]
    edge_index: Tensor
    edge_type: Tensor

    def split(self, x: Tensor) -> NodeVectors:
        """Rows of all nodes (float [num_nodes, dim]) by kind."""
        ends = np.cumsum(list(self.num_nodes.values())).tolist()
        return dict(zip(self.num_nodes, torch.tensor_split(x, ends[:-1]), strict=True))


def _normalised(
    offsets: Int64Array,
    column: np.ndarray[tuple[int], np.dtype[np.int32]],
    num_cols: int,
    device: torch.device | str,
) -> SparseMatrix:
    row_degree = np.diff(offsets)
    column_degree = np.bincount(column, minlength=num_cols)
    value = np.empty(len(column), dtype=np.float32)
    # In blocks: 66 million products of doubles and what they are made of would take 2.6 GB.
    for first in range(0, len(row_degree), _NORMALISED_ROWS):
        degree = row_degree[first : first + _NORMALISED_ROWS]
        begin, end = offsets[first], offsets[first + len(degree)]
        product = np.repeat(degree, degree) * column_degree[column[begin:end]]
        value[begin:end] = 1 / np.sqrt(product)
    return SparseMatrix.from_csr(offsets, column, value, num_cols, device)


class Encoder(nn.Module):
    """A graph neural network: from a `MessageGraph` to `NodeVectors`.

    A subclass is constructed as
    ``Mine(num_nodes, relations, *, dim, num_layers, initial_std, rng, **options)`` and has learned
    parameters for tracks and the structural kinds in `relations`; for playlists only when studying
    the node readout. Besides `forward`, training calls the methods below. Their defaults suit an
    encoder whose parameters all learn at the same rate and that has nothing to report.

    Examples
    --------
    >>> issubclass(segue.ENCODERS["lightgcn"], segue.Encoder)
    True
    """

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        """Vectors of all nodes, using only the visible edges of `message_graph`."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def learning_rate_shares(self) -> dict[str, float]:
        """Child modules that learn more slowly than the rest: name → share of the learning rate."""
        return {}

    def initial_vectors(self) -> dict[str, nn.Parameter]:
        """The learned initial vectors by node kind: an L2 penalty on triples applies to these."""
        return {}

    def diagnostics(self) -> dict[str, Any]:
        """Values worth keeping in the history after each epoch, ready for JSON."""
        return {}


def check_vectors(nodes: Any, graph: MessageGraph) -> None:
    """Refuse what is not the vectors of all nodes that training reads (InputError)."""
    expected = ", ".join(
        f"{kind} [{graph.num_nodes[kind]}, dim]" for kind in ("track", *graph.structural)
    )
    if not isinstance(nodes, Mapping):
        raise InputError(
            f"the encoder's forward returned a {type(nodes).__name__}, expected a dictionary of "
            f"{expected}"
        )
    for kind in ("track", *graph.structural):
        if kind not in nodes or len(nodes[kind]) != graph.num_nodes[kind]:
            given = ", ".join(f"{each} {list(vectors.shape)}" for each, vectors in nodes.items())
            raise InputError(f"the encoder's forward returned {given}, expected {expected}")
