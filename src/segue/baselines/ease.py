"""EASE in closed form, with artists and albums as side information."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, vstack

from segue.baselines.cooccurrence import pair_matrix
from segue.data.playlists import Float32Array, Int32Array
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.memory import require_memory

# Rows of a square matrix that are worked on at once.
_BLOCK_ROWS = 1024


def rows_with_side_information(
    graph: PlaylistGraph, *, artist_weight: float, album_weight: float
) -> csr_array:
    """Playlists by tracks, and below them artists and albums as if each were a playlist.

    An artist's tracks, and an album's, count as those of one more playlist would that counts α
    times (O. Jeunen, J. Van Balen, B. Goethals: "Closed-Form Models for Collaborative Filtering
    with Side-Information", RecSys 2020: CEASE).

    Parameters
    ----------
    graph
        The training graph.
    artist_weight, album_weight
        α, 0 or more.

    Returns
    -------
    sparse float32 [num_playlists + num_artists + num_albums, num_tracks]

    Raises
    ------
    InputError
        If a weight is below 0.
    """
    if not (artist_weight >= 0 and album_weight >= 0):
        raise InputError(
            f"artist_weight is {artist_weight:g} and album_weight {album_weight:g}, "
            "expected 0 or more"
        )
    catalog = graph.catalog
    rows = [
        pair_matrix(graph.playlists.tracks, catalog.num_tracks),
        _members(catalog.main_artist, len(catalog.artists), artist_weight**0.5),
        _members(catalog.main_album, len(catalog.albums), album_weight**0.5),
    ]
    return csr_array(vstack(rows))


def ease_weights(pairs: csr_array, regularization: float) -> Float32Array:
    """EASE's weights in closed form.

        B = I − P · diag(1 / diag P),   P = (XᵀX + λ · I)⁻¹

    (H. Steck: "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, equation 8). One
    float32 matrix of tracks by tracks is worked on in place.

    Parameters
    ----------
    pairs : sparse [num_rows, num_tracks]
        X.
    regularization
        λ, above 0.

    Returns
    -------
    float32 [num_tracks, num_tracks]
        B, its diagonal 0; a row for each track of a query.

    Raises
    ------
    InputError
        If λ is not above 0, or too little to invert the matrix.
    ResourceError
        If the matrix does not fit into memory.
    """
    from scipy.linalg import lapack

    if not regularization > 0:
        raise InputError(f"regularization is {regularization:g}, expected more than 0")
    num_tracks = pairs.shape[1]
    require_memory(4 * num_tracks**2, f"EASE of {num_tracks:,} tracks")
    matrix = np.empty((num_tracks, num_tracks), dtype=np.float32)
    transposed = pairs.T.tocsr()
    for start in range(0, num_tracks, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        (transposed[rows] @ pairs).toarray(out=matrix[rows])
    diagonal = np.einsum("ii->i", matrix)  # a view that can be written
    diagonal += np.float32(regularization)
    # LAPACK counts by columns: the transpose is the same symmetric matrix, and is not copied.
    factor, failed = lapack.spotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if not failed:
        _, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise InputError(f"regularization is {regularization:g}, too little to invert the matrix")
    # Only the triangle above the diagonal was written.
    for start in range(0, num_tracks, _BLOCK_ROWS):
        stop = start + _BLOCK_ROWS
        square = matrix[start:stop, start:stop]
        square[:] = np.triu(square) + np.triu(square, 1).T
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T
    matrix /= -diagonal
    diagonal[:] = 0
    return matrix


def _members(group: Int32Array, num_groups: int, value: float) -> csr_array:
    """Groups by tracks: `value` where a track is of that group; a track of none is at −1."""
    track = np.flatnonzero(group >= 0)
    values = np.full(len(track), value, dtype=np.float32)
    return csr_array((values, (group[track], track)), shape=(num_groups, len(group)))
