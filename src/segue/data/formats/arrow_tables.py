"""Tables that Arrow reads: Parquet files, and tables in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from segue.data.formats.cells import sound_rows
from segue.data.formats.columns import Columns
from segue.data.formats.find_columns import find_columns
from segue.data.records import TABLE, Format, Reject, Rows, SetAside, TableOptions
from segue.data.source_file import UNREADABLE, SourceFile
from segue.errors import InputError

_BATCH = 250_000  # Rows read at once.


class ArrowRows:
    """The rows of a table, from Arrow's batches.

    Parameters
    ----------
    columns
    batches
        Of the columns that are read, by name.
    num_rows, size
        Of the whole table: its rows, and their size in bytes for a progress bar.
    """

    encoding, substituted = "utf-8", False

    def __init__(
        self, columns: Columns, batches: Iterator[pa.RecordBatch], num_rows: int, size: int
    ) -> None:
        self.columns, self.bytes_read = columns, 0
        self._batches, self._num_rows, self._size = batches, max(1, num_rows), size

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The columns that are read, each named by its index."""
        read, done = self.columns.used, 0
        names = [self.columns.header[at] for at in read]
        for batch in self._batches:
            done += len(batch)
            self.bytes_read = self._size * done // self._num_rows
            arrays = [batch.column(name) for name in names]
            yield pa.RecordBatch.from_arrays(arrays, names=[str(at) for at in read])

    def row_name(self, row: int) -> str:
        """How messages name the row with this number, counted from 0."""
        return f"row {row + 1}"

    def reject_rows(
        self, first: int, batch: pa.RecordBatch, reasons: dict[int, str], reject: Reject
    ) -> None:
        """Reject some rows of the batch that begins with row `first`."""
        for row, reason in sorted(reasons.items()):
            cells = batch.slice(row, 1).to_pylist()[0]
            named = {self.columns.header[int(at)]: cell for at, cell in cells.items()}
            content = json.dumps(named, ensure_ascii=False, default=str)
            reject(self.columns.table, self.row_name(first + row), reason, content)

    def reject_rest(self, reject: Reject) -> None:
        """Nothing remains: Arrow has no ragged rows."""


def arrow_format(table: pa.Table) -> Format:
    """The format of one table in memory."""

    def columns_of(file: SourceFile, options: TableOptions) -> Columns:
        return find_columns(file.name, table.column_names, options)

    def read(file: SourceFile, options: TableOptions, reject: Reject) -> Iterator[Rows | SetAside]:
        columns = columns_of(file, options)
        batches = table.select(columns.used).to_batches(_BATCH)
        rows = ArrowRows(columns, iter(batches), table.num_rows, file.size)
        return sound_rows(columns, rows, reject)

    return Format(
        "tables in memory",
        lambda file: True,
        read,
        gives="rows",
        describe=lambda file, options: str(columns_of(file, options)),
        advise=lambda file, options: columns_of(file, options).unused,
        options=TABLE,
    )


def open_parquet(file: SourceFile) -> pq.ParquetFile:
    """A Parquet file (InputError if it cannot be read)."""
    try:
        return pq.ParquetFile(file.path or pa.BufferReader(file.read()))
    except UNREADABLE as error:
        raise file.unreadable(error) from error


def parquet_rows(file: SourceFile, table: pq.ParquetFile, columns: Columns) -> ArrowRows:
    """The rows of a Parquet file."""
    names = [columns.header[at] for at in columns.used]
    batches = table.iter_batches(_BATCH, columns=names)
    return ArrowRows(columns, batches, table.metadata.num_rows, file.size)


def _columns(file: SourceFile, table: pq.ParquetFile, options: TableOptions) -> Columns:
    names = table.schema_arrow.names
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{file.name}: has several columns {twice!r}, expected different names")
    return find_columns(file.name, names, options)


def _described(file: SourceFile, options: TableOptions) -> Columns:
    with open_parquet(file) as table:
        return _columns(file, table, options)


def _read(file: SourceFile, options: TableOptions, reject: Reject) -> Iterator[Rows | SetAside]:
    with open_parquet(file) as table:
        columns = _columns(file, table, options)
        yield from sound_rows(columns, parquet_rows(file, table, columns), reject)


PARQUET = Format(
    "Parquet tables",
    lambda file: file.head.startswith(b"PAR1") or Path(file.name).suffix in (".parquet", ".pq"),
    _read,
    gives="rows",
    describe=lambda file, options: str(_described(file, options)),
    advise=lambda file, options: _described(file, options).unused,
    options=TABLE,
)
