"""For whom to recommend: playlists of the bundle by id, or new ones from a file."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from segue.data.playlists import TrackLists
from segue.errors import InputError, NameLookupError
from segue.recommend.recommender import Recommender
from segue.scoring.query import Query


@dataclass(frozen=True, eq=False)
class Asked:
    """Playlists to continue.

    Attributes
    ----------
    ids : sequence of str
    titles : sequence of str or None
        None for a playlist without.
    query : Query
        A list for each of them.
    """

    ids: Sequence[str]
    titles: Sequence[str | None]
    query: Query


def asked_of_rows(recommender: Recommender, rows: Sequence[int]) -> Asked:
    """Playlists of the bundle, by row (InputError if it has none)."""
    playlists = recommender.playlists
    places = pa.array(rows, pa.int64())
    ids, titles = (column.take(places).to_pylist() for column in (playlists.ids, playlists.titles))
    return Asked(ids, titles, recommender.queries.of_rows(np.array(rows, dtype=np.int64)))


class _Asked(msgspec.Struct):
    playlist_id: str | int
    tracks: list[str]
    ordered: bool = False
    title: str | None = None


class _Shown(msgspec.Struct):
    track_uri: str
    pos: int = 0


class _Incomplete(msgspec.Struct):
    pid: str | int
    tracks: list[_Shown]
    name: str | None = None

    def asked(self) -> _Asked:
        tracks = sorted(self.tracks, key=lambda track: track.pos)
        # Else they are random ones of the playlist, and its end is not what is shown.
        from_the_start = all(track.pos < len(tracks) for track in tracks)
        return _Asked(self.pid, [each.track_uri for each in tracks], from_the_start, self.name)


class _ChallengeSet(msgspec.Struct):
    playlists: list[_Incomplete]


def read_playlists(path: Path, recommender: Recommender) -> tuple[Asked, int]:
    """Read playlists that training never saw: ``[{"playlist_id": …, "tracks": [ids]}, …]``.

    With ``"ordered": true`` the order of the tracks is meaningful; a ``"title"`` counts where the
    bundle has learned words. A challenge set of the RecSys Challenge 2018 is read, too.

    Returns
    -------
    asked : Asked
        A track that is repeated counts once.
    num_unknown
        Tracks that the bundle does not have; they are ignored.

    Raises
    ------
    InputError
        Naming the file, the record and what was expected.
    """
    try:
        content = path.read_bytes().removeprefix(BOM_UTF8)
        found = msgspec.json.decode(content, type=list[_Asked] | _ChallengeSet)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f'{path}: {error}, expected a list of {{"playlist_id": …, "tracks": [track ids]}}, or '
            "a challenge set"
        ) from error
    asked = found if isinstance(found, list) else [each.asked() for each in found.playlists]
    index_of = recommender.bundle.catalog.tracks.index_of
    rows = [[index_of.get(track, -1) for track in playlist.tracks] for playlist in asked]
    known = [list(dict.fromkeys(t for t in tracks if t >= 0)) for tracks in rows]
    ids = [str(playlist.playlist_id) for playlist in asked]
    _refuse_repeats(path, ids, [f"record {number}" for number in range(len(ids))])
    if not ids:
        raise InputError(f"{path}: contains no playlists, expected at least one")
    num_unknown = sum(track < 0 for tracks in rows for track in tracks)
    titles = [playlist.title for playlist in asked]
    ordered = np.array([playlist.ordered for playlist in asked])
    query = recommender.queries.of_lists(TrackLists.from_lists(known), ordered, titles)
    return Asked(ids, titles, query), num_unknown


def read_ids(path: Path, recommender: Recommender) -> tuple[Asked, list[str]]:
    """Read ids of the bundle's playlists, one per line; empty lines are ignored.

    Returns
    -------
    asked : Asked
    unknown
        Lines that are no playlist of the bundle; they are passed over.

    Raises
    ------
    InputError
        If the file cannot be read, none of its lines is a playlist of the bundle, or one repeats.
    """
    ids, rows, places, unknown = [], [], [], []
    first: NameLookupError | None = None
    for number, line in read_lines(path):
        try:
            rows.append(recommender.rows.playlist(line))
        except NameLookupError as error:
            first = first or NameLookupError(f"{path}: line {number}: {error.message}")
            unknown.append(line)
            continue
        ids.append(line)
        places.append(f"line {number}")
    _refuse_repeats(path, ids, places)
    if not rows:
        raise first or InputError(f"{path}: contains no playlist ids, expected one per line")
    return asked_of_rows(recommender, rows), unknown


def read_lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a text file that are not empty, trimmed, with their numbers from 1.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error})") from error
    return [(at, line.strip()) for at, line in enumerate(lines, start=1) if line.strip()]


def _refuse_repeats(path: Path, ids: list[str], places: list[str]) -> None:
    seen: set[str] = set()
    for playlist_id, place in zip(ids, places, strict=True):
        if playlist_id in seen:
            raise InputError(f"{path}: {place}: playlist {playlist_id!r} repeats, expected it once")
        seen.add(playlist_id)
