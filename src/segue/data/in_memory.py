"""Playlists already in memory: tables, lists of tracks, a matrix."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from segue.data.formats.arrow_tables import arrow_format
from segue.data.formats.songs import alias_of, song
from segue.data.records import Format, Playlist, Reject, TableOptions, Track
from segue.data.source_file import SourceFile
from segue.data.text import shorten, spotify_uri
from segue.errors import InputError

_TRACK = "expected a track: an id, (artist, title), or a dict of these"
_FACTS = {"id", "title", "artist", "artists", "album", "isrc"}


def is_in_memory(source: Any) -> bool:
    """Whether `source` holds playlists itself: no path, list of paths or open file."""
    if isinstance(source, str | os.PathLike) or hasattr(source, "read"):
        return False
    paths = isinstance(source, list | tuple) and source
    return not (paths and all(isinstance(part, str | os.PathLike) for part in source))


def part_in_memory(
    source: Any, playlist_ids: Sequence[Any] | None, track_ids: Sequence[Any] | None
) -> tuple[SourceFile, Format]:
    """A source in memory as a file and its format.

    Raises
    ------
    InputError
        If it is not a source of playlists.
    """
    name = type(source).__name__
    if hasattr(source, "tocsr"):
        if len(source.shape) != 2:
            raise InputError("a matrix has 1 dimension, expected playlists × tracks")
        format_, size = _matrix_format(source.tocsr(), playlist_ids, track_ids), source.nnz
        return SourceFile.of_memory(f"{name} in memory", size), format_
    if playlist_ids is not None or track_ids is not None:
        raise InputError("playlist_ids and track_ids are for a matrix")
    if isinstance(source, Mapping):
        return _listed(name, [(str(title), str(title), tracks) for title, tracks in source.items()])
    if isinstance(source, list | tuple):
        return _listed(name, [(str(row), None, tracks) for row, tracks in enumerate(source)])
    table = _table_of(source)
    if table is None:
        raise InputError(
            f"{name} is not a source of playlists, expected a path, a DataFrame, an Arrow table, a "
            "sparse matrix, or lists of tracks"
        )
    return SourceFile.of_memory(f"{name} in memory", table.nbytes), arrow_format(table)


def _table_of(source: Any) -> pa.Table | None:
    if isinstance(source, pa.Table):
        return source
    pandas = type(source).__module__.partition(".")[0] == "pandas"
    if not hasattr(source, "columns" if pandas else "__arrow_c_stream__"):
        return None
    try:
        return pa.Table.from_pandas(source, preserve_index=False) if pandas else pa.table(source)
    # Two columns of one name are a ValueError, a number of over 64 bits is an OverflowError.
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{type(source).__name__} is not a table with one type per column: {error}"
        ) from error


def _listed(name: str, playlists: list[tuple[str, str | None, Any]]) -> tuple[SourceFile, Format]:
    def read(
        file: SourceFile, options: TableOptions, reject: Reject
    ) -> Iterator[tuple[str, Playlist]]:
        for playlist_id, title, tracks in playlists:
            record = f"playlist {playlist_id!r}"
            if isinstance(tracks, str | tuple) or not isinstance(tracks, Sequence | np.ndarray):
                kind = type(tracks).__name__
                reject(file.name, record, f"is {kind}, expected a list of tracks", repr(tracks))
                continue
            try:
                named = None if title is None else _sound(title)
                yield record, Playlist(playlist_id, named, [_track(track) for track in tracks])
            except ValueError as error:
                reject(file.name, record, str(error), repr(tracks))

    size = sum(len(tracks) for _, _, tracks in playlists if hasattr(tracks, "__len__"))
    return SourceFile.of_memory(f"{name} in memory", size), Format(
        "lists in memory", lambda file: True, read
    )


def _is_id(an_id: Any) -> bool:
    return isinstance(an_id, str | int | np.integer) and not isinstance(an_id, bool) and an_id != ""


def _sound(text: str) -> str:
    """The text; ValueError for half of a surrogate pair, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, expected text") from None
    return text


def _track(track: Any) -> Track:
    if _is_id(track):
        track_id = _sound(str(track))
        if "spotify.com/" in track_id:
            track_id = spotify_uri(track_id) or track_id
        return Track(track_id, track_id)
    facts = {}
    if isinstance(track, Mapping):
        facts = dict(track)
    elif isinstance(track, tuple) and len(track) == 2:
        facts = {"artist": track[0], "title": track[1]}
    if not facts or facts.keys() - _FACTS or {"artist", "artists"} <= facts.keys():
        raise ValueError(f"holds {shorten(repr(track))}, {_TRACK}")
    artists = facts.get("artists", facts.get("artist", []))
    artists = [artists] if isinstance(artists, str) else artists
    title, track_id = facts.get("title", ""), facts.get("id", "")
    texts = [title, facts.get("album", ""), facts.get("isrc", "")]
    if isinstance(artists, list | tuple) and all(artists):
        texts += artists
    else:
        texts.append(None)
    named = all(isinstance(text, str) for text in texts) and title
    if not named or not (track_id == "" or _is_id(track_id)):
        raise ValueError(f"holds {shorten(repr(track))}, {_TRACK} that are text")
    _sound("".join((*texts, str(track_id))))
    alias = alias_of(facts.get("isrc", ""))
    return song(
        title,
        artists,
        facts.get("album"),
        track_id=str(track_id),
        aliases=[alias] if alias else [],
    )


def _stated_id(what: str, an_id: Any) -> str:
    """An id that came beside a matrix, as text (InputError if it is none)."""
    try:
        if _is_id(an_id):
            return _sound(str(an_id))
    except ValueError:
        pass
    raise InputError(f"{what}_ids: holds {an_id!r}, expected text or a whole number")


def _matrix_format(
    matrix: Any, playlist_ids: Sequence[Any] | None, track_ids: Sequence[Any] | None
) -> Format:
    try:
        matrix.check_format(full_check=True)
    except ValueError as error:
        raise InputError(f"{type(matrix).__name__} is not a sound matrix: {error}") from error
    ids: list[Sequence[Any]] = []
    for what, given, size in zip(
        ("playlist", "track"), (playlist_ids, track_ids), matrix.shape, strict=True
    ):
        ids.append(range(size) if given is None else [_stated_id(what, an_id) for an_id in given])
        if len(ids[-1]) != size:
            raise InputError(
                f"a matrix of {matrix.shape[0]} playlists × {matrix.shape[1]} tracks came with "
                f"{len(ids[-1])} {what} ids"
            )
    # Of the columns that hold anything: there may be far more.
    tracks = {
        at: Track(str(ids[1][at]), str(ids[1][at])) for at in np.unique(matrix.indices).tolist()
    }

    def read(
        file: SourceFile, options: TableOptions, reject: Reject
    ) -> Iterator[tuple[str, Playlist]]:
        for row, playlist_id in enumerate(ids[0]):
            part = slice(*matrix.indptr[row : row + 2])
            held = np.sort(matrix.indices[part][matrix.data[part] != 0])
            yield (
                f"row {row}",
                Playlist(str(playlist_id), None, [tracks[at] for at in held.tolist()]),
            )

    return Format("matrices in memory", lambda file: True, read, ordered=False)
