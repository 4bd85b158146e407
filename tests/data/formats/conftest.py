"""Files of playlists, written and read."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segue.data.collection import Collection
from segue.data.reading import read as read_source


@dataclass
class Found:
    """What was read, as plain values."""

    collection: Collection

    @property
    def report(self):
        return self.collection.report

    @property
    def titles(self) -> dict[str, str | None]:
        playlists = self.collection.playlists
        return dict(zip(playlists.ids.to_pylist(), playlists.titles.to_pylist(), strict=True))

    def _lists(self, facts: list[Any]) -> dict[str, list[Any]]:
        playlists = self.collection.playlists
        listed = [[facts[t] for t in tracks] for tracks in playlists.tracks]
        return dict(zip(playlists.ids.to_pylist(), listed, strict=True))

    @property
    def ids(self) -> dict[str, list[str]]:
        return self._lists(self.collection.catalog.track_ids.to_pylist())

    @property
    def songs(self) -> dict[str, list[tuple[str, ...]]]:
        """(title, main artist, other artists …) of each track of each playlist."""
        catalog = self.collection.catalog
        names = catalog.artists.names.to_pylist()
        artists = [[names[a] for a in those] for those in catalog.relations["artist"]]
        titles = catalog.track_names.to_pylist()
        return self._lists([(t, *a) for t, a in zip(titles, artists, strict=True)])

    @property
    def artists(self) -> dict[str, str]:
        artists = self.collection.catalog.artists
        return dict(zip(artists.ids.to_pylist(), artists.names.to_pylist(), strict=True))

    @property
    def albums(self) -> dict[str, str]:
        albums = self.collection.catalog.albums
        return dict(zip(albums.ids.to_pylist(), albums.names.to_pylist(), strict=True))

    @property
    def aliases(self) -> dict[str, list[str]]:
        tracks = self.collection.catalog.tracks
        known = tracks.aliases.to_pylist() if tracks.aliases is not None else []
        named = zip(tracks.ids.to_pylist(), known, strict=False)
        return {an_id: those for an_id, those in named if those}


@pytest.fixture
def read_files(tmp_path):
    """Writes files by name (values other than text and bytes as JSON) and reads their folder.

    With `only`, that file alone; with `zipped`, a zip of them.
    """

    def call(
        files: dict[str, Any], *, only: str = "", zipped: bool = False, **options: Any
    ) -> Found:
        folder = tmp_path / "files"
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not isinstance(content, str | bytes):
                content = json.dumps(content)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        source: Path = folder / only
        if zipped:
            source = tmp_path / "files.zip"
            with zipfile.ZipFile(source, "w") as archive:
                for name in files:
                    archive.write(folder / name, name)
        return Found(read_source(source, **options))

    return call
