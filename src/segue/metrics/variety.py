"""How varied the listed tracks are: their artists.

A track counts for its main artist; one whose artist is not known shares it with no other. Wrong
shapes and dtypes, a track_index outside the catalogue and a k below 1 raise ValueError.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.metrics.csr import IntArray, check_integers, check_offsets, entry_rows, ratio
from segue.metrics.popularity import first_of


def artist_share(
    offsets: IntArray,
    track_index: IntArray,
    query_offsets: IntArray,
    query_index: IntArray,
    artist: IntArray,
) -> NDArray[np.float64]:
    """The share of each list's tracks that are by an artist of its playlist's known tracks.

    Returns float64 [num_playlists], 0 to 1, NaN for an empty list.

    Parameters
    ----------
    offsets, track_index
        The lists: those recommended (see `listed`), or the held-out tracks.
    query_offsets, query_index
        The tracks of each playlist that the list was made from.
    artist : integer [num_tracks]
        Main artist of each track, −1 where none is known.
    """
    _check_lists(offsets, track_index, artist)
    _check_lists(query_offsets, query_index, artist)
    width = np.int64(artist.max(initial=0)) + 1
    row, by = entry_rows(offsets), artist[track_index]
    ours = artist[query_index]
    known = (entry_rows(query_offsets) * width + ours)[ours >= 0]
    same = (by >= 0) & np.isin(row * width + by, known)
    lengths = np.diff(offsets)
    return ratio(np.bincount(row[same], minlength=len(lengths)), lengths)


def artist_diversity(
    offsets: IntArray, track_index: IntArray, artist: IntArray
) -> NDArray[np.float64]:
    """The share of the pairs of tracks in each list that are by different artists.

    It is the intra-list diversity (C.-N. Ziegler and others: "Improving Recommendation Lists
    Through Topic Diversification", WWW 2005) with a distance of 1 between artists, so it can be
    compared between models. Returns float64 [num_playlists], 0 to 1, NaN for fewer than two tracks.
    Parameters are as for `artist_share`.
    """
    _check_lists(offsets, track_index, artist)
    width = np.int64(artist.max(initial=0)) + 1
    row, by = entry_rows(offsets), artist[track_index]
    group, size = np.unique((row * width + by)[by >= 0], return_counts=True)
    lengths = np.diff(offsets)
    equal = np.bincount(group // width, weights=size * (size - 1), minlength=len(lengths))
    pairs = lengths * (lengths - 1)
    return ratio(pairs - equal, pairs)


def listed(
    top_index: IntArray, num_tracks: int, k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first k of recommended lists as offsets and track_index.

    `top_index` (integer [num_playlists, n]) has the recommended track_index, best first; −1 pads a
    short list.
    """
    top = first_of(top_index, num_tracks, k)
    found = top >= 0
    offsets = np.concatenate([[0], np.cumsum(found.sum(axis=1))]).astype(np.int64)
    return offsets, top[found].astype(np.int64)


def _check_lists(offsets: IntArray, track_index: IntArray, artist: IntArray) -> None:
    check_integers("track_index", track_index, 0, len(artist), ndim=1)
    check_offsets("offsets", offsets, len(track_index))
