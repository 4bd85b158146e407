"""The rows of one table, batch by batch, and where a row stands in its file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from segue.data.collect import Reject
from segue.data.formats.table_files import TableFile
from segue.data.playlists import Int64Array

_BLOCK = 16 * 2**20  # Bytes of text read at once; no row is longer.
_BATCH = 250_000  # Rows of Parquet read at once.
UNENDED = "a field that begins with a quotation mark does not end with one"


class ParquetRows:
    """The rows of a Parquet file."""

    def __init__(self, file: TableFile) -> None:
        self.file = file
        self.bytes_read = 0
        self.num_ragged = 0
        self.substituted = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The columns that are read, each named by its place."""
        with pq.ParquetFile(self.file.path) as table:
            places = sorted(set(self.file.columns.values()))
            names = [self.file.header[at] for at in places]
            done, total = 0, max(1, table.metadata.num_rows)
            for batch in table.iter_batches(_BATCH, columns=names):
                done += len(batch)
                self.bytes_read = self.file.size * done // total
                arrays = [batch.column(name) for name in names]
                yield pa.RecordBatch.from_arrays(arrays, names=[str(at) for at in places])

    def place(self, row: int) -> str:
        """How people find the row with this number, counted from 0."""
        return f"row {row + 1}"

    def reject_rows(
        self, first: int, batch: pa.RecordBatch, reasons: dict[int, str], reject: Reject
    ) -> None:
        """Refuse some rows of the batch that begins with row `first`."""
        for row, reason in sorted(reasons.items()):
            cells = batch.slice(row, 1).to_pylist()[0]
            named = {self.file.header[int(at)]: cell for at, cell in cells.items()}
            content = json.dumps(named, ensure_ascii=False, default=str)
            reject(str(self.file.path), self.place(first + row), reason, content)

    def reject_rest(self, reject: Reject) -> None:
        """Nothing is left: Parquet has no ragged rows."""


class TextRows:
    """The rows of a text; those with too few or too many cells are refused between the others."""

    def __init__(self, file: TableFile) -> None:
        self.file = file
        self.bytes_read = 0
        self.substituted = False  # whether some byte was no UTF-8, see `CleanText`
        # Of each ragged row its number among all rows, from 0, and the reason.
        self._ragged: list[tuple[int, str]] = []
        self._num_refused = 0
        self._records = file.records()
        self._num_records = 0

    @property
    def num_ragged(self) -> int:
        """Rows met so far that have too few or too many cells."""
        return len(self._ragged)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The columns that are read, each named by its place: Arrow string."""
        names = [str(at) for at in range(len(self.file.header))]
        # The last column shows whether a quoted field swallowed the end of the file.
        read = [names[at] for at in sorted({*self.file.columns.values(), len(names) - 1})]
        raw, content = self.file.open()
        with raw, content:
            reader = pyarrow.csv.open_csv(
                content,
                pyarrow.csv.ReadOptions(
                    # Only so does a ragged row say its number.
                    use_threads=False,
                    block_size=_BLOCK,
                    column_names=names,
                    skip_rows=int(self.file.has_header),
                ),
                pyarrow.csv.ParseOptions(
                    delimiter=self.file.cell_delimiter,
                    quote_char='"' if self.file.has_quotes else False,
                    newlines_in_values=self.file.has_quotes,
                    invalid_row_handler=self._note_ragged,
                ),
                pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(read, pa.string()),
                    include_columns=read,
                ),
            )
            last: pa.RecordBatch | None = None
            for batch in reader:
                self.bytes_read = raw.tell()
                self.substituted = content.substituted
                if last is not None:
                    yield last
                # An empty batch would hide the row before it.
                last = batch if len(batch) else last
        if last is None:
            return
        if "\n" not in (last.column(read[-1])[-1].as_py() or "") or self._ends():
            yield last
        else:
            yield last.slice(0, len(last) - 1)
            raise pa.ArrowInvalid(UNENDED)

    def _note_ragged(self, row: pyarrow.csv.InvalidRow) -> str:
        cells = f"has {row.actual_columns} cells, expected {row.expected_columns}"
        quote = "; a quotation mark may be missing" if "\n" in row.text else ""
        self._ragged.append((row.number - 1 - self.file.has_header, cells + quote))
        return "skip"

    def _ends(self) -> bool:
        try:
            for _ in self.file.records(strict=True):
                pass
        except csv.Error as error:
            return "unexpected end of data" not in str(error)
        return True

    def place(self, row: int) -> str:
        """How people find a row; `row` counts those that are not ragged, from 0."""
        return self._locate(self._number(row))[0]

    def reject_rows(
        self, first: int, batch: pa.RecordBatch, reasons: dict[int, str], reject: Reject
    ) -> None:
        """Refuse some rows of the batch that begins with row `first`, and the ragged before it."""
        bad = [(self._number(first + row), reason) for row, reason in reasons.items()]
        self._reject(bad, first + len(batch), reject)

    def reject_rest(self, reject: Reject) -> None:
        """Refuse the ragged rows after the last batch."""
        self._reject([], None, reject)

    def _reject(self, bad: list[tuple[int, str]], end: int | None, reject: Reject) -> None:
        ragged = self._ragged[self._num_refused :]
        if end is not None:
            before = self._sound_before()[self._num_refused :]
            ragged = ragged[: int(np.searchsorted(before, end))]
        self._num_refused += len(ragged)
        for number, reason in sorted(bad + ragged):
            place, content = self._locate(number)
            reject(str(self.file.path), place, reason, content)

    def _sound_before(self) -> Int64Array:
        """How many sound rows stand before each ragged one, never falling."""
        numbers = np.array([number for number, _ in self._ragged], dtype=np.int64)
        return numbers - np.arange(len(numbers))

    def _number(self, row: int) -> int:
        """The number among all rows of a row that is not ragged."""
        return row + int(np.searchsorted(self._sound_before(), row, side="right"))

    def _locate(self, number: int) -> tuple[str, str | None]:
        """Where the row with this number stands, and its text. Numbers must not fall."""
        try:
            while self._num_records <= number + self.file.has_header:
                self._found = next(self._records)
                self._num_records += 1
        except (StopIteration, csv.Error, OSError):
            return f"row {number + 1}", None
        line, content = self._found
        # Bytes that are no UTF-8 are shown as such.
        content = content.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return f"line {line}", content
