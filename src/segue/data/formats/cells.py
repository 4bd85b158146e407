"""From batches of a table's cells to `Rows`; bad rows are rejected one by one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.data.collect import name_with_artist
from segue.data.encodings import not_text
from segue.data.formats.columns import Columns
from segue.data.playlists import BoolArray
from segue.data.records import LOW_ROW, Reject, Rows, SetAside
from segue.data.source_file import UNREADABLE, reason_of
from segue.data.text import spotify_uri
from segue.data.vocabulary import empty_to_null
from segue.errors import InputError

SUBSTITUTE = "\x1a"  # The control character that stands for a byte that is not text.

_TEXT_TYPES = {"string", "large_string", "string_view", "binary", "large_binary", "binary_view"}
# Values allowed in a position column.
_DATE = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?"
_SCROBBLED = r"^\d\d [A-Z][a-z]{2} \d{4},? \d\d:\d\d$"  # "06 Jan 2024 12:34", Last.fm
_MOMENTS: tuple[tuple[str, Callable[[pa.Array], pa.Array]], ...] = (
    (r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$", lambda cells: cells.cast(pa.float64())),
    (f"^{_DATE}$", lambda cells: cells.cast(pa.timestamp("us"))),
    (rf"^{_DATE}(Z|[+-]\d\d(:?\d\d)?)$", lambda cells: cells.cast(pa.timestamp("us", "UTC"))),
    (
        _SCROBBLED,
        lambda cells: pc.strptime(
            pc.replace_substring(cells, ",", ""), format="%d %b %Y %H:%M", unit="us"
        ),
    ),
)
_json_list = msgspec.json.Decoder(list[str]).decode


class Batches(Protocol):
    """A table that is read batch by batch, and can locate a row."""

    bytes_read: int
    encoding: str
    substituted: bool  # whether some byte so far was not in it and became `SUBSTITUTE`

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The columns that are read, each named by its index."""

    def row_name(self, row: int) -> str:
        """How messages name a row, counted from 0 among the rows of `batches`."""

    def reject_rows(
        self, first: int, batch: pa.RecordBatch, reasons: dict[int, str], reject: Reject
    ) -> None:
        """Reject some rows of the batch that begins with row `first`."""

    def reject_rest(self, reject: Reject) -> None:
        """Reject the bad rows after the last batch."""


def sound_rows(columns: Columns, source: Batches, reject: Reject) -> Iterator[Rows | SetAside]:
    """The valid rows of a table; empty rows are skipped, those below a least value set aside."""
    done = 0
    try:
        for batch in source.batches():
            checked = _Checked(columns, batch, source.encoding if source.substituted else "")
            source.reject_rows(done, batch, checked.reasons, reject)
            done += len(batch)
            good = ~checked.without_values
            good[list(checked.reasons)] = False
            if (low := good & checked.low).any():
                good &= ~low
                yield SetAside(LOW_ROW, int(low.sum()))
            cells, position, plays = checked.cells, checked.position, checked.plays
            if not good.all():
                cells = {name: cell.filter(pa.array(good)) for name, cell in cells.items()}
                position = None if position is None else position[good]
                plays = None if plays is None else plays[good]
            if "track" not in cells:
                cells["track"] = name_with_artist(cells["track_name"], cells)
            yield Rows(
                cells,
                position,
                columns.ordered,
                source.bytes_read,
                plays,
                columns.listens,
                columns.users,
                columns.named,
                columns.order_stated,
                str(columns),
            )
        source.reject_rest(reject)
    except UNREADABLE as error:
        source.reject_rest(reject)
        reject(columns.table, f"{source.row_name(done)} and what follows", reason_of(error), None)


class _Checked:
    """A batch as strings and positions, with the first fault of each bad row."""

    def __init__(self, columns: Columns, batch: pa.RecordBatch, encoding: str) -> None:
        # `encoding` if there may be what is not text in it.
        self.columns = columns
        self.reasons: dict[int, str] = {}
        # A spreadsheet may end in rows of nothing but separators.
        self.without_values = np.ones(len(batch), dtype=bool)
        for column in batch.columns if len(batch) else ():
            if not self.without_values.any():
                break
            self.without_values &= _mask(_is_empty(column))
        needed = ["playlist", "track" if columns.has_ids else "track_name"]
        needed += [] if columns.exported else ["artist"]
        self.cells: dict[str, pa.Array] = {}
        self.position: NDArray[np.float64] | None = None
        self.plays: NDArray[np.float64] | None = None
        aliases: list[pa.Array] = []
        for field, at in columns.column_index.items():
            column = batch.column(str(at))
            shown = columns.shown(field)
            if field == "position":
                self.position, bad = moments(column, f"{columns.table}: {shown}")
                self._refuse(bad, f"{shown} is neither a number nor a date, expected a position")
                continue
            if field == "plays":
                self.plays, bad = moments(column, f"{columns.table}: {shown}")
                self._refuse(bad, f"{shown} is not a number, expected how often a track was played")
                continue
            if field in _ALIASES:
                aliases.append(_ALIASES[field](_strings(column, f"{columns.table}: {shown}")))
                continue
            cell = self._artists(field, column) if field in ("artist", "artist_name") else column
            if cell is column or not pa.types.is_list(cell.type):
                cell = _strings(cell, f"{columns.table}: {shown}")
                if encoding:
                    wrong = pc.match_substring(cell, SUBSTITUTE)
                    self._refuse(_mask(wrong.fill_null(False)), f"{shown} {not_text(encoding)}")
            if field == "track":
                cell = spotify_uris(cell)
            elif field == "artist" and not pa.types.is_list(cell.type):
                cell = empty_to_null(cell)
            self.cells[field] = cell
            if field in needed:
                what = "a name" if field == "track_name" else f"the id of the {field}"
                self._refuse(_mask(_is_empty(cell)), f"{shown} is empty, expected {what}")
        self._match_names()
        if "playlist" not in self.cells:  # one person's history
            self.cells["playlist"] = pa.array([""] * len(batch), pa.string())
        if columns.owner:
            self._add_owner(batch)
        if aliases:
            self.cells["aliases"] = _joined_aliases(aliases)
        self.low = np.zeros(len(batch), dtype=bool)
        for at, least in columns.at_least.items():
            shown = columns.shown_column(at)
            column = batch.column(str(at))
            values, bad = moments(column, f"{columns.table}: {shown}")
            empty = _mask(_is_empty(column))
            said = f"{shown} is not a number, but rows from {least:g} are wanted"
            self._refuse(bad & ~empty, said)
            self.low |= empty | (values < least)

    def _add_owner(self, batch: pa.RecordBatch) -> None:
        """Make the playlist's id of all its columns: ``"user / name"``."""
        parts = []
        for at in self.columns.owner:
            shown = self.columns.shown_column(at)
            parts.append(_strings(batch.column(str(at)), f"{self.columns.table}: {shown}"))
            self._refuse(_mask(_is_empty(parts[-1])), f"{shown} is empty, expected a name")
        name = self.cells["playlist"]
        self.cells["playlist"] = pc.binary_join_element_wise(*parts, name, " / ")
        self.cells.setdefault("title", name)

    def _artists(self, field: str, column: pa.Array) -> pa.Array:
        """Several artists per row as lists of strings; single ones unchanged."""
        shown = f"{self.columns.table}: {self.columns.shown(field)}"
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            try:
                return _without_empty(column.cast(pa.list_(pa.string())))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise InputError(f"{shown} holds {column.type}, expected lists of text") from error
        if str(column.type) not in _TEXT_TYPES:
            return column
        column = _strings(column, shown)
        separator = self.columns.artist_separator
        if separator:
            return _without_empty(pc.split_pattern(column.fill_null(""), separator))
        # As JSON writes them, and as Python does.
        if pc.any(pc.match_substring_regex(column, r"^\[['\"]")).as_py():
            return _without_empty(pa.array(map(_listed, column.to_pylist()), pa.list_(pa.string())))
        return column

    def _match_names(self) -> None:
        """A row with ids and names of several artists must have as many of each."""
        both = [self.cells[field] for field in ("artist", "artist_name") if field in self.cells]
        if len(both) < 2 or not any(pa.types.is_list(cell.type) for cell in both):
            return
        listed = next(cell for cell in both if pa.types.is_list(cell.type))
        ids, names = (
            cell if pa.types.is_list(cell.type) else _alone(cell, listed) for cell in both
        )
        self.cells["artist"], self.cells["artist_name"] = ids, names
        lengths = (pc.list_value_length(cell).fill_null(0) for cell in (ids, names))
        shown = " and ".join(self.columns.shown(field) for field in ("artist", "artist_name"))
        reason = f"{shown} do not hold the same number of artists"
        self._refuse(_mask(pc.not_equal(*lengths)), reason)

    def _refuse(self, bad: BoolArray, reason: str) -> None:
        for row in np.flatnonzero(bad & ~self.without_values).tolist():
            self.reasons.setdefault(row, reason)


def _listed(cell: str | None) -> list[str]:
    if cell and cell.startswith("["):
        try:
            return _json_list(cell)
        except msgspec.DecodeError:
            pass
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            values = ast.literal_eval(cell)
            if isinstance(values, list) and all(isinstance(value, str) for value in values):
                return values
    return [cell] if cell else []


def _without_empty(lists: pa.Array) -> pa.Array:
    """Lists with trimmed entries, empty ones dropped."""
    flat = pc.utf8_trim_whitespace(pc.list_flatten(lists))
    if flat.null_count or pc.any(pc.equal(flat, "")).as_py():
        kept = [[e.strip() for e in entry or () if e and e.strip()] for entry in lists.to_pylist()]
        return pa.array(kept, pa.list_(pa.string()))
    offsets = np.zeros(len(lists) + 1, dtype=np.int32)
    np.cumsum(pc.list_value_length(lists).fill_null(0).to_numpy(), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), flat)


def _alone(cells: pa.Array, beside: pa.Array) -> pa.Array:
    """Each cell as a list of length one; an empty one beside an empty list as such a list."""
    held = ~(_mask(_is_empty(cells)) & _mask(_is_empty(beside)))
    offsets = np.zeros(len(cells) + 1, dtype=np.int32)
    np.cumsum(held, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), cells.filter(pa.array(held)))


def _is_empty(column: pa.Array) -> pa.Array:
    """Where a cell is null, text without a character, or a list without an entry."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.equal(pc.list_value_length(column).fill_null(0), 0)
    if str(column.type) not in _TEXT_TYPES:
        return pc.is_null(column)
    return pc.or_kleene(pc.is_null(column), pc.equal(pc.binary_length(column), 0))


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


def spotify_uris(tracks: pa.Array) -> pa.Array:
    """Ids of tracks; Spotify's links and bare ids become URIs, as `spotify_uri` has them."""
    lengths = pc.binary_length(tracks)
    likely = pc.or_kleene(pc.equal(lengths, 22), pc.starts_with(tracks, "http"))
    if not pc.any(likely).as_py():
        return tracks
    distinct = tracks.dictionary_encode()
    ids = distinct.dictionary.to_pylist()
    # A number is the id of another source, however long.
    uris = [None if not track or track.isdecimal() else spotify_uri(track) for track in ids]
    named = [uri or track for uri, track in zip(uris, ids, strict=True)]
    return pa.array(named, pa.string()).take(distinct.indices)


def _isrcs(cells: pa.Array) -> pa.Array:
    codes = pc.utf8_upper(pc.replace_substring(pc.utf8_trim_whitespace(cells), "-", ""))
    sound = pc.match_substring_regex(codes, r"^[A-Z]{2}[A-Z0-9]{3}\d{7}$")
    return _with_scheme("isrc:", codes, sound)


def _mbids(cells: pa.Array) -> pa.Array:
    codes = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    sound = pc.match_substring_regex(codes, r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    return _with_scheme("mbid:", codes, sound)


def _with_scheme(scheme: str, codes: pa.Array, sound: pa.Array) -> pa.Array:
    named = pc.binary_join_element_wise(pa.scalar(scheme), codes, "")
    return pc.if_else(sound.fill_null(False), named, pa.scalar(None, pa.string()))


_ALIASES = {"isrc": _isrcs, "mbid": _mbids}


def _joined_aliases(columns: list[pa.Array]) -> pa.Array:
    """The aliases of each row: lists of strings, never null."""
    # Row after row, as they follow each other in the lists.
    beside = pa.concat_arrays(columns).take(
        pa.array(np.arange(len(columns) * len(columns[0])).reshape(len(columns), -1).T.ravel())
    )
    known = beside.is_valid().to_numpy(zero_copy_only=False).reshape(-1, len(columns))
    offsets = np.append(0, np.cumsum(known.sum(axis=1))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), beside.drop_null())


def _mask(values: pa.Array) -> BoolArray:
    mask: BoolArray = values.fill_null(True).to_numpy(zero_copy_only=False)
    return mask


def moments(column: pa.Array, place: str) -> tuple[NDArray[np.float64], BoolArray]:
    """A column of positions as increasing numbers, and where it has none.

    Numbers are kept (to 53 bits beyond 2^53), dates and times become microseconds.

    Returns
    -------
    values : float64 [num_rows]
    bad : bool [num_rows]
    """
    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("us"))
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
    if str(column.type) in _TEXT_TYPES:
        values = _from_text(_strings(column, place))
    elif pa.types.is_timestamp(column.type):
        values = _as_float(column.cast(pa.timestamp("us", column.type.tz), safe=False))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
        values = _as_float(column)
    else:
        raise InputError(f"{place} holds {kind}, expected numbers, dates or times")
    bad = ~np.isfinite(values)
    values[bad] = 0
    return values, bad


def _from_text(column: pa.Array) -> NDArray[np.float64]:
    try:
        return _as_float(column.cast(pa.float64()))
    except pa.ArrowInvalid:
        values = np.full(len(column), np.nan)
    for pattern, parsed in _MOMENTS:
        rows = np.flatnonzero(~_mask(pc.invert(pc.match_substring_regex(column, pattern))))
        if len(rows):
            values[rows] = _cast(column.take(pa.array(rows)), parsed)
    return values


def _cast(column: pa.Array, parsed: Callable[[pa.Array], pa.Array]) -> NDArray[np.float64]:
    try:
        return _as_float(parsed(column))
    except pa.ArrowInvalid:
        if len(column) == 1:  # "2024-13-01"
            return np.array([np.nan])
        half = len(column) // 2
        return np.concatenate([_cast(column[:half], parsed), _cast(column[half:], parsed)])


def _as_float(column: pa.Array) -> NDArray[np.float64]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    column = column.cast(pa.float64(), safe=False)
    values: NDArray[np.float64] = column.fill_null(np.nan).to_numpy(zero_copy_only=False).copy()
    return values
