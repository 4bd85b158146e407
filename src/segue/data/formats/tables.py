"""Playlists from tables of one's own: text (CSV and its kin) or Parquet, a row for each track.

Tables are read in batches: what is held is one batch and the arrays made so far. The strings of
a batch become codes in one pass through Arrow. The rows of a playlist may stand anywhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.data.collect import Collected, Order, ReadReport, Reject, rejecting
from segue.data.formats.table_files import SUBSTITUTE, TableFile, reason_of
from segue.data.formats.table_rows import UNENDED, ParquetRows, TextRows
from segue.data.playlists import BoolArray, Catalog, Int32Array, Int64Array, Playlists
from segue.errors import InputError
from segue.files import sha256_of

_SLAB = 4_000_000  # Rows put in order at once.


def read_tables(
    files: list[TableFile],
    *,
    order: Order = "auto",
    skipped: IO[str] | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> tuple[Playlists, Catalog, ReadReport]:
    """Read tables into playlists and a catalogue, as `read_mpd` reads slices.

    The tracks of a playlist come by `position` where there is such a column, else in the order
    of the rows. A track that is repeated in a playlist counts once, at its first position. Where
    a playlist, track, artist or album is described twice, its first row counts. What has no name
    is called by its id; a track or album that has a name and no id is told from its namesakes by
    its artist (``"Creep - Radiohead"``). A track of a table without artists has the artist −1.
    Rows without any value are passed over.

    Parameters
    ----------
    files
        What `find_tables` gave.
    order
        Whether the order of the tracks is ``"known"`` or ``"unknown"``; ``"auto"`` takes it as
        unknown for the playlists whose track ids ascend: those were stored as sets.
    skipped
        Where to set bad rows aside, one JSON object a line (``file``, ``record``, ``reason``,
        ``content``); without it the first bad row is an error.
    advance
        Called after each batch with (bytes read, playlists met so far).

    Raises
    ------
    InputError
        Naming the file, the line and what was expected.
    """
    collected, report, digest = Collected(), ReadReport(), hashlib.sha256()
    reject = rejecting(skipped, report)
    rows: list[Int32Array] = []
    codes: list[Int32Array] = []
    positions: list[Int64Array | None] = []
    disputed: set[int] = set()
    for file in files:
        digest.update(_digest(file))
        done = 0
        for cells, position, read in _sound_rows(file, report, reject):
            playlist, new = collected.playlists.codes(cells["playlist"])
            if "title" in cells:
                collected.titles += _empty_to_null(cells["title"].take(pa.array(new))).to_pylist()
            else:
                collected.titles += [None] * len(new)
            track, new = collected.tracks.codes(cells["track"])
            _describe(collected, {name: cell.take(pa.array(new)) for name, cell in cells.items()})
            if "artist" in cells:
                first = collected.artists.relation("by", "artist").main[track]
                differs = collected.artists.known.find(cells["artist"]) != first
                disputed.update(track[differs].tolist())
            rows.append(playlist.astype(np.int32))
            codes.append(track.astype(np.int32))
            positions.append(position)
            if advance is not None:
                advance(read - done, len(collected.titles))
            done = read
        report.slices += 1
    _add_lists(collected, rows, codes, positions)
    report.playlists = len(collected.titles)
    report.repeated_tracks = collected.repeated_tracks
    report.disputed_tracks = len(disputed)
    report.fingerprint = digest.hexdigest()
    playlists, catalog = collected.finish(order)
    report.pairs = playlists.tracks.num_pairs
    return playlists, catalog, report


def _describe(collected: Collected, new: dict[str, pa.Array]) -> None:
    """Add what the first rows of new tracks say."""
    nothing = pa.nulls(len(new["track"]), pa.string())
    ids = {kind: new.get(kind, nothing) for kind in ("track", "artist", "album")}
    names = {}
    for kind, values in ids.items():
        name = new.get(f"{kind}_name", nothing)
        names[kind] = pc.coalesce(_empty_to_null(name), values, "")
    album = _empty_to_null(ids["album"])
    if "album" not in new and "album_name" in new:
        # Many an album is called "Greatest Hits".
        album = _told_apart(_empty_to_null(new["album_name"]), new)
    collected.describe(names["track"], ids["artist"], names["artist"], album, names["album"])


def _empty_to_null(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def _add_lists(
    collected: Collected,
    row_parts: list[Int32Array],
    code_parts: list[Int32Array],
    position_parts: list[Int64Array | None],
) -> None:
    """Bring the rows of each playlist together and add the lists, some millions of rows at once."""
    nothing = np.zeros(0, dtype=np.int32)
    rows, codes = np.concatenate([nothing, *row_parts]), np.concatenate([nothing, *code_parts])
    position = None
    if any(part is not None for part in position_parts):
        # In a table without positions all are 0: its rows keep their order.
        parts = zip(position_parts, row_parts, strict=True)
        position = np.concatenate(
            [np.zeros(len(rows), dtype=np.int64) if part is None else part for part, rows in parts]
        )
    if (rows[1:] < rows[:-1]).any():
        together = np.argsort(rows, kind="stable")
        rows, codes = rows[together], codes[together]
        position = None if position is None else position[together]
    ends = np.cumsum(np.bincount(rows, minlength=len(collected.titles)))
    first = 0
    while first < len(ends):
        start = ends[first - 1] if first else 0
        # As many whole playlists as fit, at least one.
        last = max(int(np.searchsorted(ends, start + _SLAB, side="right")), first + 1)
        part = slice(start, ends[last - 1])
        place = None if position is None else position[part]
        collected.add_lists(rows[part] - first, last - first, codes[part], place)
        first = last


def _digest(file: TableFile) -> bytes:
    try:
        return bytes.fromhex(sha256_of(file.path))
    except OSError as error:
        raise InputError(f"{file.path}: cannot be read ({reason_of(error)})") from error


def _sound_rows(
    file: TableFile, report: ReadReport, reject: Reject
) -> Iterator[tuple[dict[str, pa.Array], Int64Array | None, int]]:
    """The sound rows of a table, batch by batch: cells by field, positions, bytes read so far.

    The cells are Arrow strings without nulls in ``playlist``, ``track`` (which is made of the name
    and the artist where the table has no ids) and ``artist``.
    """
    source = TextRows(file) if file.delimiter else ParquetRows(file)
    done, num_empty = 0, 0
    try:
        for batch in source.batches():
            checked = _Checked(file, batch, source.substituted)
            source.reject_rows(done, batch, checked.reasons, reject)
            done += len(batch)
            num_empty += int(checked.without_values.sum())
            cells, position = checked.cells, checked.position
            good = ~checked.without_values
            good[list(checked.reasons)] = False
            if not good.all():
                cells = {name: cell.filter(pa.array(good)) for name, cell in cells.items()}
                position = None if position is None else position[good]
            if "track" not in cells:
                cells["track"] = _told_apart(cells["track_name"], cells)
            yield cells, position, source.bytes_read
        source.reject_rest(reject)
    except (OSError, pa.ArrowException) as error:
        source.reject_rest(reject)
        reason = reason_of(error)
        if "straddling object" in reason:
            reason = UNENDED
        report.rows += 1
        reject(str(file.path), f"{source.place(done)} and what follows", reason, None)
    report.rows += done + source.num_ragged - num_empty


def _told_apart(names: pa.Array, cells: dict[str, pa.Array]) -> pa.Array:
    """``"name - artist"``: what a name is told from its namesakes by; null where there is none."""
    artist = cells.get("artist_name", cells.get("artist"))
    if artist is None:
        return names
    # Null where either is; an option of Arrow's that leaves nulls out leaves out whole rows too.
    return pc.coalesce(pc.binary_join_element_wise(names, _empty_to_null(artist), " - "), names)


class _Checked:
    """A batch as strings and positions, with what is wrong in which row (the first reason)."""

    def __init__(self, file: TableFile, batch: pa.RecordBatch, substituted: bool) -> None:
        self.reasons: dict[int, str] = {}
        # A spreadsheet may end in rows of nothing but separators.
        self.without_values = np.ones(len(batch), dtype=bool)
        for column in batch.columns if len(batch) else ():
            if not self.without_values.any():
                break
            self.without_values &= _mask(_is_empty(column))
        needed = ("playlist", "track" if file.has_ids else "track_name", "artist")
        self.cells: dict[str, pa.Array] = {}
        self.position: Int64Array | None = None
        for name, at in file.columns.items():
            column = batch.column(str(at))
            shown = f"`{file.header[at]}`" if file.has_header else f"column {at + 1}"
            if name == "position":
                self.position, bad = _whole_numbers(column, f"{file.path}: {shown}")
                self._refuse(bad, f"{shown} is no whole number, expected a position")
                continue
            cell = self.cells[name] = _strings(column, f"{file.path}: {shown}")
            if substituted:
                wrong = pc.match_substring(cell, SUBSTITUTE)
                self._refuse(_mask(wrong.fill_null(False)), f"{shown} is not UTF-8 text")
            if name in needed:
                what = "a name" if name == "track_name" else f"the id of the {name}"
                self._refuse(_mask(_is_empty(cell)), f"{shown} is empty, expected {what}")

    def _refuse(self, bad: BoolArray, reason: str) -> None:
        for row in np.flatnonzero(bad & ~self.without_values).tolist():
            self.reasons.setdefault(row, reason)


def _is_empty(column: pa.Array) -> pa.Array:
    """Where a cell is null or text without a character."""
    if str(column.type) not in _TEXT_TYPES:
        return pc.is_null(column)
    return pc.or_kleene(pc.is_null(column), pc.equal(pc.binary_length(column), 0))


_TEXT_TYPES = {"string", "large_string", "string_view", "binary", "large_binary", "binary_view"}


def _strings(column: pa.Array, place: str) -> pa.Array:
    """A column as Arrow string."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if not (str(kind) in _TEXT_TYPES or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise InputError(f"{place} holds {kind}, expected text or whole numbers")
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise InputError(f"{place} holds bytes that are not UTF-8 text") from error


def _mask(values: pa.Array) -> BoolArray:
    mask: BoolArray = values.fill_null(True).to_numpy(zero_copy_only=False)
    return mask


def _whole_numbers(column: pa.Array, place: str) -> tuple[Int64Array, BoolArray]:
    """A column as int64, 0 where it is none, and where that is: int64 and bool [num_rows]."""
    kind = column.type
    if str(kind) in _TEXT_TYPES:
        try:
            column = column.cast(pa.string()).cast(pa.int64())
        except pa.ArrowInvalid:
            values = column.cast(pa.string()).to_pylist()
            column = pa.array([_int64(value) for value in values], pa.int64())
    elif pa.types.is_floating(kind):
        whole = pc.and_(pc.equal(column, pc.floor(column)), pc.less(pc.abs(column), 2.0**63))
        column = pc.if_else(whole, column, None).cast(pa.int64())
    elif pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_null(kind):
        column = column.cast(pa.int64())
    else:
        raise InputError(f"{place} holds {kind}, expected whole numbers")
    return column.fill_null(0).to_numpy(zero_copy_only=False), _mask(column.is_null())


def _int64(value: str | None) -> int | None:
    # RecBole may write a time as 978300760.0.
    found = re.fullmatch(r"(-?[0-9]{1,19})(\.0*)?", value or "")
    if not found:
        return None
    number = int(found[1])
    return number if -(2**63) <= number < 2**63 else None
