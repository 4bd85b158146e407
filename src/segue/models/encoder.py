"""What every encoder takes and gives: `MessageGraph` in, `NodeVectors` out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue.data.playlists import Int64Array
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.models.sparse import SparseMatrix


@dataclass(frozen=True, eq=False)
class MessageGraph:
    """The torch view of a training graph: along which edges messages go, and how heavy they are.

    The structure is built once, in both directions; hiding an edge sets its value to zero and
    leaves the structure alone. Values are symmetrically normalised, 1/√(deg(row)·deg(column))
    with the degrees of the whole training graph, so that hiding one edge changes no other.

    Attributes
    ----------
    num_nodes : dict
        Number of nodes by type: playlist, track, artist, album.
    contains : SparseMatrix [num_playlists, num_tracks]
        Interaction edges in the order of the training graph's pairs.
    structural : dict
        By name (``"artist"``, ``"album"``), each [num_tracks, number of that type].
    popularity : float32 [num_tracks]
        Training playlists of each track, 1 for a track without any.
    degree : dict of float32 [number of that type]
        Training edges of each node, over all relations of this graph, by type.
    """

    num_nodes: dict[str, int]
    contains: SparseMatrix
    structural: dict[str, SparseMatrix]
    popularity: Tensor
    degree: dict[str, Tensor]

    @classmethod
    def from_graph(
        cls,
        graph: PlaylistGraph,
        relations: Iterable[str] = ("artist",),
        device: torch.device | str = "cpu",
    ) -> MessageGraph:
        """Build from a training graph, with the structural relations that are named.

        Raises
        ------
        InputError
            If a relation is not known.
        """
        tracks, num_nodes = graph.playlists.tracks, graph.num_nodes
        structural = {}
        degree = {"playlist": tracks.lengths, "track": graph.popularity.copy()}
        for name in relations:
            if name not in graph.relations:
                raise InputError(
                    f"relation {name!r} is not known, expected some of: "
                    + ", ".join(graph.relations)
                )
            relation = graph.relations[name]
            structural[name] = _normalised(
                relation.offsets, relation.target_index, relation.num_targets, device
            )
            degree["track"] += relation.source_degree
            degree[name] = relation.target_degree
        return cls(
            num_nodes,
            _normalised(tracks.offsets, tracks.track_index, num_nodes["track"], device),
            structural,
            torch.tensor(np.maximum(graph.popularity, 1), dtype=torch.float32, device=device),
            {
                kind: torch.tensor(counts, dtype=torch.float32, device=device)
                for kind, counts in degree.items()
            },
        )

    def hide(self, pairs: Tensor) -> MessageGraph:
        """The same graph with some interaction edges absent.

        Parameters
        ----------
        pairs : int64 [num_hidden]
            Positions among the training graph's pairs.
        """
        return replace(self, contains=self.contains.without(pairs))


def _normalised(
    offsets: Int64Array,
    column: np.ndarray[tuple[int], np.dtype[np.int32]],
    num_cols: int,
    device: torch.device | str,
) -> SparseMatrix:
    row_degree = np.diff(offsets)
    column_degree = np.bincount(column, minlength=num_cols)
    row = np.repeat(np.arange(len(row_degree)), row_degree)
    value = 1 / np.sqrt(row_degree[row] * column_degree[column])
    return SparseMatrix.from_csr(offsets, column, value.astype(np.float32), num_cols, device)


@dataclass(frozen=True, eq=False)
class NodeVectors:
    """What an encoder returns: one float row of length dim per node, None for types it lacks.

    ``track`` [num_tracks, dim], ``artist`` [num_artists, dim], ``album`` [num_albums, dim],
    ``playlist`` [num_playlists, dim] (for the `node` readout alone).
    """

    track: Tensor
    artist: Tensor | None = None
    album: Tensor | None = None
    playlist: Tensor | None = None


class Encoder(nn.Module):
    """A graph neural network: from a `MessageGraph` to `NodeVectors`.

    A subclass is made as
    ``Mine(num_nodes, relations, *, dim, num_layers, initial_std, rng, **options)`` and has learned
    parameters for tracks, artists and other structural nodes; for playlists only where the node
    readout is studied. Besides `forward`, training calls the methods below. Their defaults suit an
    encoder whose parameters all learn at the same rate and that has nothing to report.
    """

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        """Vectors of all nodes, from the visible edges of `message_graph` alone."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def learning_rate_shares(self) -> dict[str, float]:
        """Child modules that learn more slowly than the rest: name → share of the learning rate."""
        return {}

    def initial_vectors(self) -> dict[str, nn.Parameter]:
        """The learned initial vectors by node kind: what an L2 penalty on triples applies to."""
        return {}

    def diagnostics(self) -> dict[str, Any]:
        """Values worth keeping in the history after each epoch, ready for JSON."""
        return {}
