"""Where vectors start from: the spectrum of the graph."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_array

from segue.baselines.cooccurrence import pair_matrix
from segue.baselines.spectral import leading_vectors, memory_of_leading_vectors, normalised
from segue.data.playlists import Float32Array
from segue.graph.playlist_graph import PlaylistGraph


def spectral_start(
    graph: PlaylistGraph, relations: Iterable[str], dim: int, std: float
) -> dict[str, Float32Array]:
    """Vectors of tracks and structural nodes in which neighbours are alike.

        v_t = std · √num_tracks · V_t,   v_a = Σ_{t by a} v_t / √(deg_a · deg_t)

    with V the `dim` leading right singular vectors of the symmetrically normalised matrix of
    playlists by tracks (see `segue.baselines.spectral.Spectral`): of all vectors of that length,
    those that change least along the edges of the graph. A structural node, such as an artist or a
    word, is the normalised sum of its neighbours, playlists among them.

    Parameters
    ----------
    graph
        The training graph.
    relations
        The structural relations that carry messages.
    dim
        Length of a vector. Where there are fewer tracks or playlists, the rest is 0.
    std
        Root of the mean square of the numbers of the tracks' vectors.

    Returns
    -------
    dict of float32 [num_nodes, dim]
        By node kind: tracks and the targets of the relations.
    """
    num_tracks = graph.num_nodes["track"]
    contains = normalised(pair_matrix(graph.playlists.tracks, num_tracks))
    leading, _ = leading_vectors(contains, dim)
    track = np.zeros((num_tracks, dim), dtype=np.float32)
    track[:, : leading.shape[1]] = leading * np.float32(std * num_tracks**0.5)
    states = {"track": track, "playlist": contains @ track}
    vectors = {"track": track}
    for kind in relations:
        relation = graph.relation(kind)
        edges = normalised(csr_array(relation.matrix, dtype=np.float32))
        vectors[kind] = np.asarray(edges.T @ states[relation.source], dtype=np.float32)
    return vectors


def memory_of_start(graph: PlaylistGraph, dim: int) -> int:
    """Bytes that `spectral_start` needs at its peak, roughly, besides the graph."""
    num_tracks, num_playlists = graph.num_nodes["track"], len(graph.playlists)
    # The pairs with their values: as they are, normalised, and transposed.
    pairs = 3 * 8 * graph.playlists.tracks.num_pairs
    return pairs + memory_of_leading_vectors(num_playlists, num_tracks, dim)
