"""Recommendations for many playlists as one Parquet file."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segue.data.playlists import TrackLists
from segue.errors import InputError
from segue.files import atomic_file
from segue.recommend.filters import Filters
from segue.recommend.ranking import NO_FILTERS
from segue.recommend.recommender import Recommender
from segue.scoring.query import Query

# Lists written at a time.
_BATCH_LISTS = 1024

SCHEMA = pa.schema(
    [
        pa.field("playlist_id", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("track_id", pa.string(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
    ]
)


class _Asked(msgspec.Struct):
    playlist_id: str | int
    tracks: list[str]
    ordered: bool = False


def read_playlists(path: Path, recommender: Recommender) -> tuple[pa.Array, Query, int]:
    """Read playlists that training never saw: ``[{"playlist_id": …, "tracks": [ids]}, …]``.

    With ``"ordered": true`` the order of the tracks is meaningful.

    Returns
    -------
    ids : Arrow string [num_lists]
    query : Query
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
        asked = msgspec.json.decode(content, type=list[_Asked])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f'{path}: {error}, expected a list of {{"playlist_id": …, "tracks": [track ids]}}'
        ) from error
    index_of = recommender.bundle.catalog.tracks.index_of
    rows = [[index_of.get(track, -1) for track in playlist.tracks] for playlist in asked]
    known = [list(dict.fromkeys(t for t in tracks if t >= 0)) for tracks in rows]
    ids = [str(playlist.playlist_id) for playlist in asked]
    _refuse_repeats(path, ids, [f"record {number}" for number in range(len(ids))])
    if not ids:
        raise InputError(f"{path}: contains no playlists, expected at least one")
    num_unknown = sum(track < 0 for tracks in rows for track in tracks)
    lists, ordered = (
        TrackLists.from_lists(known),
        np.array([playlist.ordered for playlist in asked]),
    )
    return pa.array(ids, pa.string()), recommender.queries.of_lists(lists, ordered), num_unknown


def read_ids(path: Path, recommender: Recommender) -> tuple[pa.Array, Query]:
    """Read ids of the bundle's playlists, one per line; empty lines are ignored.

    Raises
    ------
    InputError
        If the file cannot be read, or a line is not a playlist of the bundle or repeats.
    """
    ids, rows, places = [], [], []
    for number, line in read_lines(path):
        try:
            rows.append(recommender.rows.playlist(line))
        except InputError as error:
            raise InputError(f"{path}: line {number}: {error}") from error
        ids.append(line)
        places.append(f"line {number}")
    _refuse_repeats(path, ids, places)
    if not rows:
        raise InputError(f"{path}: contains no playlist ids, expected one per line")
    return pa.array(ids, pa.string()), recommender.queries.of_rows(np.array(rows))


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


def write_recommendations(
    recommender: Recommender,
    ids: pa.Array,
    query: Query,
    n: int,
    path: Path,
    advance: Callable[[int], None],
    *,
    dial: float = 0.0,
    diversity: float = 0.0,
    filters: Filters = NO_FILTERS,
) -> int:
    """Write the `n` best tracks of each playlist, in batches, completely or not at all.

    Columns: ``playlist_id`` string, ``rank`` int32 from 1, ``track_id`` string, ``score`` float32.
    Returns the number of rows.
    """
    track_ids = recommender.bundle.catalog.track_ids
    n = min(n, recommender.bundle.catalog.num_tracks)
    num_rows = 0
    with atomic_file(path) as temporary, pq.ParquetWriter(temporary, SCHEMA) as writer:
        for start in range(0, len(query), _BATCH_LISTS):
            rows = slice(start, min(start + _BATCH_LISTS, len(query)))
            track_index, score = recommender.rank(
                query.rows(rows), n, dial=dial, diversity=diversity, filters=filters
            )
            found = track_index >= 0
            per_list = found.sum(axis=1)
            owner = np.repeat(np.arange(rows.start, rows.stop), per_list)
            rank = np.broadcast_to(np.arange(1, n + 1, dtype=np.int32), found.shape)[found]
            table = pa.table(
                [
                    ids.take(pa.array(owner)),
                    pa.array(rank),
                    track_ids.take(pa.array(track_index[found])),
                    pa.array(score[found]),
                ],
                schema=SCHEMA,
            )
            writer.write_table(table)
            num_rows += len(table)
            advance(rows.stop - rows.start)
    return num_rows
