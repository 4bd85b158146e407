"""Tables, a row for each track of each list: CSV and Parquet.

Columns: ``export_id``, the list's own id, by which it is read again as a playlist; ``playlist_id``,
the id of the playlist that it continues, if any; ``title``; ``rank`` from 1; ``track_id`` and
``track_name``; ``artist_id`` and ``artist_name``, in Parquet lists, the main one first;
``album_id`` and ``album_name``; ``isrc`` and ``mbid`` (of MusicBrainz); and ``score``.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from segue.data.records import Track
from segue.recommend.exported import Exported, Writer

_TEXTS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        pa.field("export_id", pa.string(), nullable=False),
        pa.field("playlist_id", pa.string()),
        pa.field("title", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("track_id", pa.string(), nullable=False),
        pa.field("track_name", pa.string(), nullable=False),
        pa.field("artist_id", _TEXTS, nullable=False),
        pa.field("artist_name", _TEXTS, nullable=False),
        pa.field("album_id", pa.string()),
        pa.field("album_name", pa.string()),
        pa.field("isrc", pa.string()),
        pa.field("mbid", pa.string()),
        pa.field("score", pa.float32()),
    ]
)
_ROWS = 500_000  # Of a Parquet row group, about.
# What a spreadsheet would take for a formula, or has been told not to.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def _write_csv(lists: Iterable[Exported], file: IO[bytes]) -> None:
    # Excel reads CSV as UTF-8 only with a byte order mark.
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    rows = csv.writer(text)  # lines end as RFC 4180 says
    rows.writerow(SCHEMA.names)
    made: dict[str, list[str]] = {}
    for exported in lists:
        start = [exported.id, _cell(exported.continues), _cell(exported.title)]
        for at, track in enumerate(exported.tracks):
            cells = made.get(track.id) or made.setdefault(track.id, _cells(track))
            score = None if exported.scores is None else exported.scores[at]
            shown = "" if score is None else f"{score:.6g}"
            rows.writerow([*start, str(at + 1), *cells, shown])
    text.flush()
    text.detach()


def _cells(track: Track) -> list[str]:
    album_id, album_name = track.album or ("", "")
    return [
        _cell(track.id),
        _cell(track.name),
        _several([an_id for an_id, _ in track.artists]),
        _several([name for _, name in track.artists]),
        _cell(album_id),
        _cell(album_name),
        _alias(track, "isrc") or "",
        _alias(track, "mbid") or "",
    ]


def _alias(track: Track, scheme: str) -> str | None:
    """The first identifier of a scheme, without its name."""
    found = (alias for alias in track.aliases if alias.startswith(f"{scheme}:"))
    return next(found, f"{scheme}:").removeprefix(f"{scheme}:") or None


def _several(texts: Sequence[str]) -> str:
    """Several texts in one cell, as a JSON list; one as it is."""
    if len(texts) == 1 and not texts[0].startswith("["):
        return _cell(texts[0])
    return json.dumps(texts, ensure_ascii=False) if texts else ""


def _cell(text: str) -> str:
    """A text that a spreadsheet does not take for a formula: then an apostrophe precedes it.

    A NUL is left out: a file with one is not text.
    """
    text = text.replace("\0", " ")
    return f"'{text}" if _FORMULA.match(text) else text


def _write_parquet(lists: Iterable[Exported], file: IO[bytes]) -> None:
    with pq.ParquetWriter(file, SCHEMA) as writer:
        waiting: list[Exported] = []
        for exported in lists:
            waiting.append(exported)
            if sum(len(one.tracks) for one in waiting) >= _ROWS:
                writer.write_table(_table(waiting))
                waiting.clear()
        if waiting:
            writer.write_table(_table(waiting))


def _table(lists: Sequence[Exported]) -> pa.Table:
    place: dict[str, int] = {}
    distinct: list[Track] = []
    rows: list[int] = []
    owner: list[int] = []
    rank: list[int] = []
    scores: list[float | None] = []
    for number, exported in enumerate(lists):
        for at, track in enumerate(exported.tracks):
            row = place.setdefault(track.id, len(distinct))
            if row == len(distinct):
                distinct.append(track)
            rows.append(row)
            owner.append(number)
            rank.append(at + 1)
        scores += exported.scores or [None] * len(exported.tracks)
    of_list = {
        "export_id": [one.id for one in lists],
        "playlist_id": [one.continues or None for one in lists],
        "title": [one.title for one in lists],
    }
    of_track = {
        "track_id": [track.id for track in distinct],
        "track_name": [track.name for track in distinct],
        "artist_id": [[an_id for an_id, _ in track.artists] for track in distinct],
        "artist_name": [[name for _, name in track.artists] for track in distinct],
        "album_id": [track.album[0] if track.album else None for track in distinct],
        "album_name": [track.album[1] if track.album else None for track in distinct],
        "isrc": [_alias(track, "isrc") for track in distinct],
        "mbid": [_alias(track, "mbid") for track in distinct],
    }
    columns = {"rank": pa.array(rank, pa.int32()), "score": pa.array(scores, pa.float32())}
    for values, places in ((of_list, owner), (of_track, rows)):
        for name, column in values.items():
            texts = pa.array(column, SCHEMA.field(name).type)
            columns[name] = texts.take(pa.array(places, pa.int64()))
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


CSV = Writer("csv", "CSV", (".csv",), "text/csv", _write_csv)
PARQUET = Writer(
    "parquet", "Parquet", (".parquet",), "application/vnd.apache.parquet", _write_parquet
)
