"""EASE, a linear model in closed form, also with artists and albums as side information."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array, vstack

from segue.baselines.baseline import SearchSpace
from segue.baselines.cooccurrence import pair_matrix
from segue.data.playlists import Float32Array, TrackLists
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.memory import require_memory

# Rows of a square matrix processed at a time.
_BLOCK_ROWS = 1024


class EASE:
    """A linear model of tracks by tracks with a zero diagonal, in closed form.

        B = I − P · diag(1 / diag P),   P = (XᵀX + λ · I)⁻¹,   score(j) = Σ_{i in query} B_ij

    with X the playlists by tracks: it minimises |X − X · B|² + λ · |B|² where diag B = 0 (H. Steck:
    "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019). Works in place on one float32
    matrix of tracks by tracks.

    Parameters
    ----------
    graph
        The training graph.
    regularization
        λ, above 0.

    Raises
    ------
    ResourceError
        If that matrix does not fit into memory; the message says how much it needs.
    """

    search_space: ClassVar[SearchSpace] = {
        "regularization": (100.0, 12.5, 25.0, 50.0, 200.0, 400.0, 800.0),
    }

    def __init__(self, graph: PlaylistGraph, *, regularization: float = 100.0) -> None:
        pairs = pair_matrix(graph.playlists.tracks, graph.catalog.num_tracks)
        self.weights = ease_weights(pairs, regularization)

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        dense: Float32Array = pair_matrix(query, len(self.weights)) @ self.weights
        return dense


class SideEASE:
    """EASE that also reconstructs each track's artists and album.

        P = (XᵀX + α_artist · AᵀA + α_album · DᵀD + λ · I)⁻¹

    with A the artists by tracks and D the albums by tracks; B and the scores are those of `EASE`.
    The tracks of an artist or album co-occur as in an additional playlist that counts α times (O.
    Jeunen, J. Van Balen, B. Goethals: "Closed-Form Models for Collaborative Filtering with
    Side-Information", RecSys 2020: CEASE).

    Parameters
    ----------
    graph
        The training graph.
    regularization
        λ, above 0.
    artist_weight, album_weight
        α, 0 or more.

    Raises
    ------
    ResourceError
        As for `EASE`.
    """

    search_space: ClassVar[SearchSpace] = {
        "artist_weight": (10.0, 0.0, 2.5, 5.0, 20.0, 40.0),
        "album_weight": (5.0, 0.0, 2.5, 10.0, 20.0, 40.0),
        "regularization": (200.0, 12.5, 25.0, 50.0, 100.0, 400.0, 800.0),
    }

    def __init__(
        self,
        graph: PlaylistGraph,
        *,
        regularization: float = 200.0,
        artist_weight: float = 10.0,
        album_weight: float = 5.0,
    ) -> None:
        rows = rows_with_side_information(
            graph, artist_weight=artist_weight, album_weight=album_weight
        )
        self.weights = ease_weights(rows, regularization)

    def scores(self, query: TrackLists) -> Float32Array:
        """Scores of all tracks: float32 [num_lists, num_tracks]."""
        dense: Float32Array = pair_matrix(query, len(self.weights)) @ self.weights
        return dense


def rows_with_side_information(
    graph: PlaylistGraph, *, artist_weight: float, album_weight: float
) -> csr_array:
    """Playlists by tracks, with artists and albums appended as if each were a playlist.

    The tracks of an artist or album count as an additional playlist that counts α times (O. Jeunen,
    J. Van Balen, B. Goethals: "Closed-Form Models for Collaborative Filtering with
    Side-Information", RecSys 2020: CEASE).

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
        csr_array(catalog.relations["artist"].matrix.T * np.float32(artist_weight**0.5)),
        csr_array(catalog.relations["album"].matrix.T * np.float32(album_weight**0.5)),
    ]
    return csr_array(vstack(rows))


def ease_weights(pairs: csr_array, regularization: float) -> Float32Array:
    """EASE's weights in closed form.

        B = I − P · diag(1 / diag P),   P = (XᵀX + λ · I)⁻¹

    (H. Steck: "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, equation 8). Works
    in place on one float32 matrix of tracks by tracks.

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
        If λ is not above 0, or too small to invert the matrix.
    ResourceError
        If the matrix does not fit into memory.
    """
    from scipy.linalg import lapack

    check_regularization(regularization)
    num_tracks = pairs.shape[1]
    require_memory(4 * num_tracks**2, f"EASE of {num_tracks:,} tracks")
    matrix = np.empty((num_tracks, num_tracks), dtype=np.float32)
    transposed = pairs.T.tocsr()
    for start in range(0, num_tracks, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        (transposed[rows] @ pairs).toarray(out=matrix[rows])
    diagonal = np.einsum("ii->i", matrix)  # a writable view
    diagonal += np.float32(regularization)
    # LAPACK is column-major: the transpose is the same symmetric matrix, and is not copied.
    factor, failed = lapack.spotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if not failed:
        _, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise not_invertible(regularization)
    # Only the triangle above the diagonal was written.
    for start in range(0, num_tracks, _BLOCK_ROWS):
        stop = start + _BLOCK_ROWS
        square = matrix[start:stop, start:stop]
        square[:] = np.triu(square) + np.triu(square, 1).T
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T
    matrix /= -diagonal
    diagonal[:] = 0
    return matrix


def check_regularization(regularization: float) -> None:
    """Raise InputError unless λ is above 0."""
    if not regularization > 0:
        raise InputError(f"regularization is {regularization:g}, expected more than 0")


def not_invertible(regularization: float) -> InputError:
    """The error for a λ with which rounding leaves a matrix without a Cholesky factor."""
    return InputError(f"regularization is {regularization:g}, too small to invert the matrix")
