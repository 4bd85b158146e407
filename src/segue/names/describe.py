"""A track in words for people, and as plain values for programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from segue.data.playlists import Catalog, Int64Array


def artist_of(catalog: Catalog, row: int) -> str:
    """The names of a track's artists, joined; empty where none is known."""
    return str(catalog.artist_of(np.array([row], dtype=np.int32))[0].as_py())


def describe_track(catalog: Catalog, row: int) -> str:
    """A track as a printable line, ending with its id in brackets."""
    artist, album = artist_of(catalog, row), int(catalog.main_album[row])
    by = f" - {artist}" if artist else ""
    place = f", {catalog.albums.names[album]}" if album >= 0 else ""
    return f"{catalog.track_names[row]}{by}{place}  ({catalog.track_ids[row]})"


def track_facts(catalog: Catalog, popularity: Int64Array, row: int) -> dict[str, Any]:
    """A track as ``type``, ``id``, ``name``, ``artist_name`` and ``num_playlists``."""
    return {
        "type": "track",
        "id": catalog.track_ids[row].as_py(),
        "name": catalog.track_names[row].as_py(),
        "artist_name": artist_of(catalog, row),
        "num_playlists": int(popularity[row]),
    }
