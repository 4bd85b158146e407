"""The wide part of a bundle, fitted in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csr_array

from segue.baselines.ease import ease_weights, rows_with_side_information
from segue.memory import require_memory
from segue.scoring.wide import WidePart

if TYPE_CHECKING:
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.training.config import WideConfig

# Columns of a square matrix that are looked through at once.
_BLOCK_COLUMNS = 512


def require_wide(graph: PlaylistGraph, config: WideConfig) -> None:
    """Refuse a wide part that this machine's memory cannot hold (ResourceError)."""
    size = min(graph.catalog.num_tracks, config.max_tracks)
    require_memory(4 * size**2, f"a matrix of {size:,} by {size:,} tracks")


def fit_wide(graph: PlaylistGraph, config: WideConfig) -> WidePart:
    """EASE with side information, of which the strongest weights of each track are kept.

    Of what speaks for a track and of what speaks against it, `config.num_neighbours` each.

    Only the most popular `config.max_tracks` tracks take part: of the others too little is known
    for weights of their own, and the matrix of all could not be held.

    Parameters
    ----------
    graph
        The training graph.
    config

    Returns
    -------
    WidePart
        Times `config.weight`, so that it can be added to cosines.

    Raises
    ------
    ResourceError
        If the matrix does not fit into memory.
    """
    num_tracks = graph.catalog.num_tracks
    # Falling popularity, ties by index; in the catalogue's order again.
    order = np.lexsort((np.arange(num_tracks), -graph.popularity))
    taking_part = np.sort(order[: config.max_tracks])
    rows = rows_with_side_information(
        graph, artist_weight=config.artist_weight, album_weight=config.album_weight
    )
    weights = ease_weights(csr_array(rows[:, taking_part]), config.regularization)
    row, column, value = [], [], []
    kept = min(config.num_neighbours, len(taking_part))
    for start in range(0, len(taking_part), _BLOCK_COLUMNS):
        block = weights[:, start : start + _BLOCK_COLUMNS]
        given_to = taking_part[start : start + block.shape[1]]
        for sign in (1, -1):
            strongest = np.argpartition(-sign * block, kept - 1, axis=0)[:kept]
            found = np.take_along_axis(block, strongest, axis=0)
            speaks = sign * found > 0
            row.append(taking_part[strongest[speaks]])
            column.append(np.broadcast_to(given_to, strongest.shape)[speaks])
            value.append(found[speaks])
    entries = np.float32(config.weight) * np.concatenate(value)
    at = np.concatenate(row), np.concatenate(column)
    return WidePart.from_matrix(csr_array(coo_array((entries, at), (num_tracks, num_tracks))))
