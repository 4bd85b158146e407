"""The audio files of a music folder, and which of them is a track.

Files are known by their tags where mutagen is installed (`pip install mutagen`), else by their
names: ``artist/album/nn title.mp3``, ``artist - title.mp3`` and the like.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segue.data.records import Track
from segue.data.text import fold
from segue.errors import InputError
from segue.names.titles import title_of

AUDIO = {
    ".aac", ".aif", ".aiff", ".alac", ".ape", ".dsf", ".flac", ".m4a", ".m4b", ".mka", ".mp2",
    ".mp3", ".mp4", ".mpc", ".oga", ".ogg", ".opus", ".tta", ".wav", ".webm", ".wma", ".wv",
}  # fmt: skip
# The number of a track, or of disc and track: "07 ", "1-07. ", "107 - ".
_NUMBER = re.compile(r"^\s*\(?\d{1,3}(?:[-.]\d{1,3})?\)?(?:\s*[-._–]\s*|\s+)(?=\S)")
_DASH = re.compile(r"\s+[-–—]\s+")
# The tags' names where mutagen's simple ones are not had: ID3 in WAV and AIFF, WMA.
_TAGS = {
    "title": ("title", "TIT2", "Title"),
    "artist": ("artist", "TPE1", "Author"),
    "albumartist": ("albumartist", "TPE2", "WM/AlbumArtist"),
    "album": ("album", "TALB", "WM/AlbumTitle"),
}
# Between the artists of one tag.
_SEVERAL = re.compile(
    r"\s*[;,&/]\s*|\s+(?:feat\.?|ft\.?|featuring|with|and|x|vs\.?)\s+", re.IGNORECASE
)


class MusicFolder:
    """The audio files in a folder, at any depth.

    Parameters
    ----------
    folder

    Raises
    ------
    InputError
        If there is no audio file in it.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        tags = _tag_reader()
        # (artist, title) and (artist, song without its version) → files, both folded.
        self._titled: dict[tuple[str, str], list[tuple[Path, str]]] = {}
        self._song: dict[tuple[str, str], list[tuple[Path, str]]] = {}
        self.num_files = 0
        for file in sorted(self.folder.rglob("*")):
            if file.suffix.lower() not in AUDIO or not file.name.isprintable():
                continue
            self.num_files += 1
            for artists, title, album in self._names_of(file, tags):
                entry = (file, fold(album))
                for artist in {fold(artists), fold(_SEVERAL.split(artists)[0])}:
                    self._titled.setdefault((artist, fold(title)), []).append(entry)
                    self._song.setdefault((artist, title_of(title).song), []).append(entry)
        if not self.num_files:
            raise InputError(f"{folder}: holds no audio files, expected some such as .mp3 or .flac")

    def find(self, track: Track) -> Path | None:
        """The file of a track by any of its artists, from the same album if there are several."""
        names = [name for _, name in track.artists]
        album = fold(track.album[1]) if track.album else ""
        for files, title in (
            (self._titled, fold(track.name)),
            (self._song, title_of(track.name).song),
        ):
            found = [entry for name in names for entry in files.get((fold(name), title), ())]
            if found:
                return next((file for file, on in found if on == album), found[0][0])
        return None

    def _names_of(self, file: Path, tags: Any) -> Iterator[tuple[str, str, str]]:
        """(artist, title, album) of a file, as its tags say or as its name may mean."""
        found = list(_tagged(file, tags)) if tags is not None else []
        yield from found or _named(file.relative_to(self.folder))


def _tag_reader() -> Any:
    """Mutagen's reader of tags; None if it is not installed."""
    try:
        import mutagen
    except ImportError:
        return None
    return mutagen.File


def _tagged(file: Path, read: Any) -> Iterator[tuple[str, str, str]]:
    try:
        tags = read(file, easy=True) or {}
        titles, albums = _texts(tags, "title"), _texts(tags, "album") or [""]
        artists = _texts(tags, "artist") + _texts(tags, "albumartist")
    except Exception:  # Damaged files: mutagen has an error for each format.
        return
    for title in titles[:1]:
        for artist in dict.fromkeys(artists):
            yield artist, title, albums[0]


def _texts(tags: Any, name: str) -> list[str]:
    found = next((tags[key] for key in _TAGS[name] if key in tags), ())
    # An ID3 frame holds its texts; elsewhere they are the value.
    return [str(text) for text in getattr(found, "text", found)]


def _named(file: Path) -> Iterator[tuple[str, str, str]]:
    """What a path can mean; its folders are those inside the music folder."""
    *folders, _ = file.parts
    album = folders[-1] if folders else ""
    stem = _NUMBER.sub("", file.stem)
    for artist in folders[-2:]:
        yield artist, stem, album
        yield artist, file.stem, album
    first, *rest = _DASH.split(stem)
    if rest:
        # "artist - title", "artist - album - nn - title", or "artist - title - live".
        yield first, rest[-1], album
        yield first, " - ".join(rest), album
        for artist in folders[-2:]:
            yield artist, rest[-1], album
