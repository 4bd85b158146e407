"""The audio files of a music folder, and which of them is a track.

Files are known by their tags, where those are missing by their names:
``artist/album/nn title.mp3``, ``artist - title.mp3`` and the like.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from segue.data.formats.songs import song_of_path
from segue.data.records import Track
from segue.errors import InputError
from segue.names.titles import Version, artist_keys, key_of, title_of

AUDIO = {
    ".aac", ".aif", ".aiff", ".alac", ".ape", ".dsf", ".flac", ".m4a", ".m4b", ".mka", ".mp2",
    ".mp3", ".mp4", ".mpc", ".oga", ".ogg", ".opus", ".tta", ".wav", ".webm", ".wma", ".wv",
}  # fmt: skip
# Of several files, the version that is wanted, else in this order.
_VERSIONS = ("plain", "same", "live", "other")


@dataclass(frozen=True)
class _File:
    """A file, and what it holds."""

    path: Path
    album: str
    version: Version


class MusicFolder:
    """The audio files in a folder, at any depth.

    Parameters
    ----------
    folder

    Attributes
    ----------
    songs : list of (artists, title)
        What the files hold, as far as that is known.
    num_files

    Raises
    ------
    InputError
        If there is no audio file in it.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        # (artist, song without its version), as keys → files.
        self._files: dict[tuple[str, str], list[_File]] = {}
        self.songs: list[tuple[list[str], str]] = []
        self.num_files = 0
        for path in sorted(self.folder.rglob("*")):
            if path.suffix.lower() not in AUDIO or not path.name.isprintable():
                continue
            self.num_files += 1
            artists, titled, album = self._names_of(path)
            if artists and titled:
                self.songs.append((artists, titled))
            title = title_of(titled)
            file = _File(path, key_of(album), title.version)
            for artist in {key for name in artists for key in artist_keys(name)}:
                for song in {title.song, title.bare}:
                    self._files.setdefault((artist, song), []).append(file)
        if not self.num_files:
            raise InputError(f"{folder}: holds no audio files, expected some such as .mp3 or .flac")

    def find(self, track: Track) -> Path | None:
        """The file of a track: by any of its artists, best of the same version and album."""
        title, album = title_of(track.name), key_of(track.album[1]) if track.album else ""
        artists = [key for _, name in track.artists for key in artist_keys(name)]
        found = [
            file
            for song in dict.fromkeys((title.song, title.bare))
            for artist in dict.fromkeys(artists)
            for file in self._files.get((artist, song), ())
        ]

        def likeness(file: _File) -> tuple[bool, int, bool]:
            place = _VERSIONS.index(file.version.kind)
            return file.version != title.version, place, file.album != album

        return min(found, key=likeness).path if found else None

    def _names_of(self, file: Path) -> tuple[list[str], str, str]:
        """Artists, title and album of a file, as its tags say or else its path."""
        return _tagged(file) or _named(file.relative_to(self.folder))


def _named(file: Path) -> tuple[list[str], str, str]:
    """Artists, title and album, as far as a path inside the music folder tells."""
    title, artists, album = song_of_path(file.as_posix())
    # What looks like "artist - title" is "title - live" in a folder of another artist.
    before, dash, after = file.stem.partition(" - ")
    folders = {key for folder in file.parts[:-1] for key in artist_keys(folder)}
    if dash and folders and folders.isdisjoint(key for a in artists for key in artist_keys(a)):
        plain = file.with_name(f"{before} ({after}){file.suffix}")
        by_folder = song_of_path(plain.as_posix())
        if title_of(by_folder[0]).version.kind != "plain":
            title, artists, album = by_folder
    return artists, title, album


def _tagged(file: Path) -> tuple[list[str], str, str] | None:
    """Artists, title and album; None where the tags lack one of the first two."""
    from tinytag import TinyTag, TinyTagException

    try:
        tags = TinyTag.get(file, duration=False)
    except (TinyTagException, OSError):  # damaged, or a kind of file without tags
        return None
    # The first artist of several, then the others.
    artists = [tags.artist, *tags.other.get("artist", ()), tags.albumartist]
    named = [str(artist) for artist in artists if artist]
    return (named, tags.title, tags.album or "") if named and tags.title else None
