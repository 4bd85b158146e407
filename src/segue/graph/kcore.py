"""The k-core of playlists and tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.data.playlists import BoolArray, TrackLists


@dataclass(frozen=True, eq=False)
class KCore:
    """Which playlists (bool [num_playlists]) and tracks (bool [num_tracks]) the k-core keeps."""

    playlists: BoolArray
    tracks: BoolArray


def k_core(tracks: TrackLists, num_tracks: int, k: int) -> KCore:
    """Remove playlists and tracks with fewer than `k` pairs until none is left.

    The k-core of the bipartite graph of interactions (S. B. Seidman: "Network structure and
    minimum degree", Social Networks 5, 1983). It does not depend on the order of removal.
    Structural edges do not count, so an artist stays as long as one of its tracks does.

    With `k` of 0 everything stays; with 1, all but empty playlists and tracks.
    """
    playlist_row, track_row = tracks.list_index(), tracks.track_index
    keep_playlist = np.ones(len(tracks), dtype=bool)
    keep_track = np.ones(num_tracks, dtype=bool)
    while True:
        thin_playlist = np.bincount(playlist_row, minlength=len(tracks)) < k
        thin_track = np.bincount(track_row, minlength=num_tracks) < k
        if not (thin_playlist & keep_playlist).any() and not (thin_track & keep_track).any():
            return KCore(keep_playlist, keep_track)
        keep_playlist &= ~thin_playlist
        keep_track &= ~thin_track
        # The pairs shrink with every round, so late rounds are cheap.
        pairs = keep_playlist[playlist_row] & keep_track[track_row]
        playlist_row, track_row = playlist_row[pairs], track_row[pairs]
