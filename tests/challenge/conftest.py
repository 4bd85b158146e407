"""A small source of playlists, a challenge made of it, and a bundle of what is left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.bundle import Bundle
from segue.challenge.kinds import KINDS
from segue.challenge.making import make
from segue.data.formats.mpd import write_slice
from segue.data.reading import read
from segue.graph.playlist_graph import PlaylistGraph

NUM_TRACKS, NUM_ARTISTS = 900, 60


def track(row: int, position: int) -> dict[str, Any]:
    artist = row % NUM_ARTISTS
    return {
        "pos": position,
        "artist_name": f"Artist {artist}",
        "track_uri": f"spotify:track:{row:022d}",
        "artist_uri": f"spotify:artist:{artist:022d}",
        "track_name": f"Song {row}",
        "album_uri": f"spotify:album:{row // 3:022d}",
        "duration_ms": 200_000 + row,
        "album_name": f"Album {row // 3}",
    }


@pytest.fixture(scope="session")
def write_source() -> Callable[..., Path]:
    """Writes slices of random playlists, 40 for each kind's lengths."""

    def write(folder: Path, *, title: str | None = "songs for the {}", each: int = 40) -> Path:
        rng = np.random.default_rng(7)
        folder.mkdir()
        playlists = []
        for kind in KINDS:
            for _ in range(each):
                length = int(rng.integers(kind.shortest, kind.longest + 1))
                rows = rng.choice(NUM_TRACKS, length, replace=False).tolist()
                pid = len(playlists)
                playlists.append(
                    {
                        **({} if title is None else {"name": title.format(pid % 9)}),
                        "pid": pid,
                        "modified_at": 1_500_000_000,
                        "num_tracks": length,
                        "tracks": [track(row, place) for place, row in enumerate(rows)],
                    }
                )
        write_slice(folder / "mpd.slice.0-199.json", playlists[:200], 0, 199)
        write_slice(folder / "mpd.slice.200-399.json", playlists[200:], 200, 399)
        return folder

    return write


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory, write_source: Callable[..., Path]) -> Path:
    return write_source(tmp_path_factory.mktemp("source") / "slices")


@pytest.fixture(scope="session")
def made(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A challenge with three playlists of each kind."""
    folder = tmp_path_factory.mktemp("made") / "challenge"
    make(source, folder, per_kind=3)
    return folder


@pytest.fixture(scope="session")
def of_training(made: Path, bare_bundle: Callable[..., Bundle]) -> Bundle:
    """Random vectors for the music of the training part."""
    found = read(made / "training")
    return bare_bundle(PlaylistGraph(found.playlists, found.catalog), np.random.default_rng(3))


@pytest.fixture(scope="session")
def set_of(made: Path) -> list[dict[str, Any]]:
    """The playlists of the challenge set, as plain JSON."""
    playlists: list[dict[str, Any]] = json.loads((made / "challenge_set.json").read_text())[
        "playlists"
    ]
    return playlists
