"""Lists of tracks as files for players, services and programs."""

from __future__ import annotations

import io
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from segue.data.formats.songs import is_stream
from segue.data.records import Track
from segue.data.track_columns import Location
from segue.errors import ArtefactError, InputError
from segue.files import atomic_file, refuse_file
from segue.recommend.exported import Exported, Writer
from segue.recommend.music_folder import MusicFolder
from segue.recommend.writers import WRITERS

_NAME_LENGTH = 60


@dataclass
class Saved:
    """What was written: lists and tracks; and what was left out because `library` has none of it.

    A list is left out if all its tracks are. In a form for players, `num_without_file` of the
    tracks written have neither a file nor an address on the web: players pass over them.
    """

    num_lists: int = 0
    num_tracks: int = 0
    num_left_out: int = 0
    num_lists_left_out: int = 0
    num_without_file: int = 0


def writer_of(
    path: str | os.PathLike[str],
    form: str | None = None,
    library: str | os.PathLike[str] | None = None,
) -> Writer:
    """The writer of a format or, if none is given, of the ending of a file's name.

    Raises
    ------
    InputError
        If there is no such format, or the ending says nothing; or if files of `library` are to be
        named, and there is no such folder, or the format names none.
    """
    writer = _writer_of(path, form)
    if library is not None and not writer.holds_locations:
        fit = " and ".join(w.name for w in WRITERS.values() if w.holds_locations)
        raise InputError(f"{writer.title} names no files; --library is for {fit}")
    if library is not None and not Path(library).is_dir():
        raise InputError(f"{library}: there is no such folder, expected one with audio files")
    return writer


def _writer_of(path: str | os.PathLike[str], form: str | None) -> Writer:
    if form is not None:
        if form not in WRITERS:
            known = ", ".join(WRITERS)
            raise InputError(f"{form!r} is not a format of playlists, expected one of {known}")
        return WRITERS[form]
    name = Path(path).name.lower()
    found = [(ending, w) for w in WRITERS.values() for ending in w.endings if name.endswith(ending)]
    if not found:
        endings = ", ".join(ending for w in WRITERS.values() for ending in w.endings)
        raise InputError(
            f"{path}: its ending says no format of playlists, expected one of {endings}; "
            f"or give the format: {', '.join(WRITERS)}"
        )
    return max(found, key=lambda pair: len(pair[0]))[1]  # .mpd.json before .json


def content_of(exported: Exported, writer: Writer) -> bytes:
    """The content of a file with one list."""
    file = io.BytesIO()
    writer.write([exported], file)
    return file.getvalue()


def file_name(title: str, writer: Writer) -> str:
    """A name for a list's file: letters and digits of any script, of at most 60 characters."""
    text = unicodedata.normalize("NFKC", title)
    plain = re.sub(r"[\W_]+", "-", text).strip("-").lower()
    return f"{plain[:_NAME_LENGTH].strip('-') or 'playlist'}{writer.endings[0]}"


def save(
    lists: Iterable[Exported],
    path: str | os.PathLike[str],
    form: str | None = None,
    *,
    library: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    single: bool = False,
) -> Saved:
    """Write lists, each file completely or not at all.

    Parameters
    ----------
    lists
    path
        The file; or a folder, which gets a file for each list, named by its title.
    form
        A key of `WRITERS`; by default the ending of `path` decides.
    library
        A music folder: the lists then name the tracks' files in it, relative to where they are
        written, and leave out tracks that are not in it; but a file that a list of somebody's own
        named, and that is there, stays.
    overwrite
        Replace older files.
    single
        Whether an iterator gives one list, which any form can hold in one file; of a sequence
        this is known.

    Raises
    ------
    InputError
        If the format is unknown, holds one list where there are several, or names no files though
        `library` is given; or if none of the tracks is in `library`.
    ArtefactError
        If a file is in the way or cannot be written.
    """
    path = Path(path)
    writer = writer_of(path, form, library)
    single = single or (isinstance(lists, Sequence) and len(lists) == 1)
    in_folder = path.is_dir() or not (writer.holds_many or single)
    is_file_name = not path.is_dir() and path.name.lower().endswith(writer.endings)
    if in_folder and (form is None or is_file_name):
        folder = path.with_suffix("") if is_file_name else path
        raise InputError(
            f"{path}: {writer.title} holds one playlist a file; give a folder, and the format: "
            f"--out {folder} --format {writer.name}"
        )
    saved, given, start = Saved(), lists, path if in_folder else path.parent
    if library is not None:
        given = _in_library(lists, MusicFolder(library), start, saved)
    elif writer.holds_locations:
        given = (_located(exported, start) for exported in lists)
    counted = _counted(given, writer, saved)
    if in_folder:
        _write_folder(writer, counted, path, overwrite=overwrite)
        _check_any(saved, library)
    else:
        refuse_file(path, overwrite=overwrite)
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            writer.write(counted, file)
            _check_any(saved, library)
    return saved


def _counted(lists: Iterable[Exported], writer: Writer, saved: Saved) -> Iterator[Exported]:
    for exported in lists:
        saved.num_lists += 1
        saved.num_tracks += len(exported.tracks)
        if writer.for_players:
            locations = exported.locations or [None] * len(exported.tracks)
            places = zip(exported.tracks, locations, strict=True)
            saved.num_without_file += sum(
                location is None and not is_stream(track.id) for track, location in places
            )
        yield exported


def _in_library(
    lists: Iterable[Exported], library: MusicFolder, start: Path, saved: Saved
) -> Iterator[Exported]:
    for exported in lists:
        places = [_place(track, library, start) for track in exported.tracks]
        here = [at for at, place in enumerate(places) if place is not None]
        saved.num_left_out += len(places) - len(here)
        if places and not here:
            saved.num_lists_left_out += 1
            continue
        scores = exported.scores
        yield replace(
            exported,
            tracks=tuple(exported.tracks[at] for at in here),
            scores=None if scores is None else tuple(scores[at] for at in here),
            locations=tuple(places[at] for at in here),
        )


def _place(track: Track, library: MusicFolder, start: Path) -> str | None:
    """Where a track's file is: in the library, or else where its own list said, if it is there."""
    file = library.find(track)
    if file is not None:
        return _relative(file, start)
    own = track.location
    if own is None or not (is_stream(own.place) or Path(own.folder, own.place).is_file()):
        return None
    return _own_place(own, start)


def _located(exported: Exported, start: Path) -> Exported:
    """The list with the places where its tracks said that their files are."""
    places = tuple(
        track.location and _own_place(track.location, start) for track in exported.tracks
    )
    return replace(exported, locations=places) if any(places) else exported


def _own_place(own: Location, start: Path) -> str:
    return _relative(Path(own.folder, own.place), start) if own.folder else own.place


def _relative(file: Path, start: Path) -> str:
    """The path of a file as seen from a folder, with slashes."""
    try:
        location = Path(os.path.relpath(file, start)).as_posix()
    except ValueError:  # on another drive
        location = file.absolute().as_posix()
    return f"./{location}" if location.startswith("#") else location  # else a comment


def _check_any(saved: Saved, library: str | os.PathLike[str] | None) -> None:
    if saved.num_left_out and not saved.num_tracks:
        raise InputError(
            f"{library}: has none of the {saved.num_left_out} songs, expected files with their "
            "tags, or named artist/album/title"
        )


def _write_folder(
    writer: Writer, lists: Iterable[Exported], folder: Path, *, overwrite: bool
) -> None:
    """A file for each list; files of the same name are told apart by a number."""
    taken: set[str] = set()
    for exported in lists:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise ArtefactError(f"{folder}: cannot be written ({reason})") from error
        name, number = file_name(exported.title, writer), 1
        while name in taken:
            number += 1
            name = file_name(f"{exported.title[:50]} {number}", writer)
        taken.add(name)
        refuse_file(folder / name, overwrite=overwrite)
        with atomic_file(folder / name) as temporary:
            temporary.write_bytes(content_of(exported, writer))
