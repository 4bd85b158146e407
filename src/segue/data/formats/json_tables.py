"""Tables as JSON: an object for each row, one per line (JSON lines) or all in one list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from segue.data.formats.arrow_tables import ArrowRows
from segue.data.formats.cells import sound_rows
from segue.data.formats.columns import Columns
from segue.data.formats.find_columns import find_columns
from segue.data.formats.header_names import TIMES, key_of
from segue.data.formats.json_lists import is_song
from segue.data.records import TABLE, Format, Reject, Rows, SetAside, TableOptions
from segue.data.source_file import SourceFile
from segue.errors import InputError

_BLANKS = b" \t\r\n"
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_list = msgspec.json.Decoder(list[dict[str, Any]]).decode
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _first(file: SourceFile) -> dict[str, Any]:
    """The first object of a list, or of a line; empty if there is none."""
    head = file.head.lstrip(_BLANKS)
    text = head.decode("utf-8", "replace").removeprefix("[").lstrip()
    try:
        first, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return first if isinstance(first, dict) else {}


def _recognises(file: SourceFile) -> bool:
    """Whether the first object holds cells, in a folder under names that are known."""
    if file.head.lstrip(_BLANKS)[:1] not in (b"{", b"["):
        return False
    first = _first(file)
    if len(first) < 2 or "tracks" in first or not all(map(_is_cell, first.values())):
        return False
    if all(isinstance(value, list) for value in first.values()):
        return False  # Lists of songs by their names.
    if is_song(first) and not {key_of(key) for key in first} & {*TIMES}:
        return False  # songs of one playlist
    if file.alone:
        return True
    try:
        find_columns(file.name, list(first), TableOptions())
    except InputError:
        return False
    return True


def _is_cell(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(entry, str) for entry in value)
    return not isinstance(value, dict)


def _records(file: SourceFile, reject: Reject) -> list[dict[str, Any]]:
    text = file.json()
    records: list[dict[str, Any]] = []
    if text.lstrip(_BLANKS)[:1] == b"[":
        try:
            return _decode_list(text)
        except _UNDECODABLE as error:
            reject(file.name, "whole file", f"is not a list of rows ({error})", None)
            return records
    for number, line in enumerate(text.split(b"\n"), start=1):
        if line.strip(_BLANKS):
            try:
                records.append(_decode(line))
            except _UNDECODABLE as error:
                shown = line.decode("utf-8", "replace")
                reject(file.name, f"line {number}", f"is not a row ({error})", shown)
    return records


def _columns(file: SourceFile, options: TableOptions) -> Columns:
    return find_columns(file.name, list(_first(file)), options)


def _read(file: SourceFile, options: TableOptions, reject: Reject) -> Iterator[Rows | SetAside]:
    columns = _columns(file, options)
    records = _records(file, reject)
    names = [columns.header[at] for at in columns.used]
    table = pa.table({name: _column([row.get(name) for row in records]) for name in names})
    rows = ArrowRows(columns, iter(table.to_batches()), len(records), file.size)
    yield from sound_rows(columns, rows, reject)


def _column(values: list[Any]) -> pa.Array:
    """Cells of one type; text where they are of several."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        texts = [value if value is None else str(value) for value in values]
        return pa.array(texts, pa.string())


JSON_TABLES = Format(
    "tables as JSON",
    _recognises,
    _read,
    gives="rows",
    describe=lambda file, options: str(_columns(file, options)),
    advise=lambda file, options: _columns(file, options).unused,
    options=TABLE,
)
