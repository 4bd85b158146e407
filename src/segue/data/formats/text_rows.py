"""The rows of a text table: Arrow parses them in blocks.

This module finds out what Arrow does not report: the line and text of a bad row, which byte is not
text, and whether a quoted field ever ends.

DuckDB's reader (benchmarks/read_tables.py) takes about as long, names the lines of its rejects, and
knows more encodings. But it infers the dialect from a sample: a single unclosed quotation mark
turns quoting off for the file, or, if quoting is set explicitly, fails the file without a reject.
It would add 69 MB to the base install, and the checks of cells would still be needed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from segue.console import count
from segue.data.formats.columns import Columns
from segue.data.formats.dialect import CleanText, Dialect, decoded
from segue.data.playlists import Int64Array
from segue.data.records import Reject
from segue.data.source_file import SourceFile

_BLOCK = 16 * 2**20  # Bytes read at once; no row is longer.
_UNENDED = "a field that begins with a quotation mark does not end with one"


def _without_apostrophes(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Cells without the apostrophe that keeps a spreadsheet from taking them for formulas."""
    columns = [pc.replace_substring_regex(c, r"^'('*[=+\-@\t\r])", r"\1") for c in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


class TextRows:
    """The rows of a text; those with too few or too many cells are rejected in their turn."""

    def __init__(self, file: SourceFile, columns: Columns, dialect: Dialect) -> None:
        self.file, self.columns, self.dialect = file, columns, dialect
        self.encoding = dialect.encoding
        self.bytes_read = 0
        self.substituted = False
        # The number of each ragged row among all rows, from 0, and the reason.
        self._ragged: list[tuple[int, str]] = []
        self._num_refused = 0
        self._records = self._read_records()
        self._num_records = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The columns that are read, each named by its index: Arrow string."""
        names = [str(at) for at in range(len(self.columns.header))]
        # The last column shows whether a quoted field swallowed the end of the file.
        read = [names[at] for at in sorted({*self.columns.used, len(names) - 1})]
        raw, content = self.file.open_text()
        text = CleanText(content, self.dialect)
        last: pa.RecordBatch | None = None
        num_rows = 0
        with raw, content:
            try:
                reader = pyarrow.csv.open_csv(
                    text,
                    pyarrow.csv.ReadOptions(
                        # Arrow reports the number of a ragged row only without threads.
                        use_threads=False,
                        block_size=_BLOCK,
                        column_names=names,
                        skip_rows=int(self.columns.has_header),
                    ),
                    pyarrow.csv.ParseOptions(
                        **self.dialect.for_arrow(), invalid_row_handler=self._note_ragged
                    ),
                    pyarrow.csv.ConvertOptions(
                        column_types=dict.fromkeys(read, pa.string()),
                        include_columns=read,
                    ),
                )
                for batch in reader:
                    self.bytes_read = raw.tell()
                    self.substituted = text.substituted
                    if self.dialect.spaced:
                        trimmed = [pc.utf8_ltrim_whitespace(column) for column in batch.columns]
                        batch = pa.RecordBatch.from_arrays(trimmed, names=read)
                    if self.columns.exported:
                        batch = _without_apostrophes(batch)
                    if last is not None:
                        yield last
                    # An empty batch would hide the row before it.
                    last = batch if len(batch) else last
                    num_rows += len(batch)
            except pa.ArrowInvalid as error:
                if text.failure is None and "straddling" in str(error):
                    raise pa.ArrowInvalid(_UNENDED) from error
                raise text.failure or error from None
        if text.failure is not None:
            # It may have broken off within the last row, which then belongs to what follows.
            kept = int(np.searchsorted(self._sound_before(), num_rows - 1))
            del self._ragged[max(kept, self._num_refused) :]
            if last is not None and len(last) > 1:
                yield last.slice(0, len(last) - 1)
            raise text.failure
        if last is None:
            return
        if "\n" not in (last.column(read[-1])[-1].as_py() or "") or self._ends():
            yield last
        else:
            yield last.slice(0, len(last) - 1)
            raise pa.ArrowInvalid(_UNENDED)

    def _note_ragged(self, row: pyarrow.csv.InvalidRow) -> str:
        cells = f"has {count(row.actual_columns, 'cell')}, expected {row.expected_columns}"
        quote = "; a quotation mark may be missing" if "\n" in row.text else ""
        self._ragged.append((row.number - 1 - self.columns.has_header, cells + quote))
        return "skip"

    def _ends(self) -> bool:
        try:
            for _ in self._read_records(strict=True):
                pass
        except csv.Error as error:
            return "unexpected end of data" not in str(error)
        return True

    def row_name(self, row: int) -> str:
        """How messages name a row; `row` counts the rows that are not ragged, from 0."""
        return self._locate(self._number(row))[0]

    def reject_rows(
        self, first: int, batch: pa.RecordBatch, reasons: dict[int, str], reject: Reject
    ) -> None:
        """Reject rows of the batch that begins with row `first`, and ragged rows before them."""
        bad = [(self._number(first + row), reason) for row, reason in reasons.items()]
        self._reject(bad, first + len(batch), reject)

    def reject_rest(self, reject: Reject) -> None:
        """Reject the ragged rows after the last batch."""
        self._reject([], None, reject)

    def _reject(self, bad: list[tuple[int, str]], end: int | None, reject: Reject) -> None:
        ragged = self._ragged[self._num_refused :]
        if end is not None:
            before = self._sound_before()[self._num_refused :]
            ragged = ragged[: int(np.searchsorted(before, end))]
        self._num_refused += len(ragged)
        for number, reason in sorted(bad + ragged):
            place, content = self._locate(number)
            reject(self.file.name, place, reason, content)

    def _sound_before(self) -> Int64Array:
        """How many valid rows precede each ragged one, non-decreasing."""
        numbers = np.array([number for number, _ in self._ragged], dtype=np.int64)
        return numbers - np.arange(len(numbers))

    def _number(self, row: int) -> int:
        """The number of a valid row among all rows."""
        return row + int(np.searchsorted(self._sound_before(), row, side="right"))

    def _locate(self, number: int) -> tuple[str, str | None]:
        """The line of the row with this number, and its text. Numbers must not decrease."""
        try:
            while self._num_records <= number + self.columns.has_header:
                self._found = next(self._records)
                self._num_records += 1
        except (StopIteration, csv.Error, OSError, EOFError):
            return f"row {number + 1}", None
        line, content = self._found
        # Bytes that are not UTF-8 are shown as replacement characters.
        content = content.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return f"line {line}", content

    def _read_records(self, *, strict: bool = False) -> Iterator[tuple[int, str]]:
        """The records again, for messages: the line on which each begins, and its text.

        Records and empty lines are distinguished as in Arrow.

        Raises
        ------
        csv.Error
            If a field is longer than Python's reader allows or, if `strict`, does not end.
        """
        taken: list[str] = []

        def lines() -> Iterator[str]:
            for line in text:
                taken.append(line)
                yield self.dialect.separated(line)

        raw, content = self.file.open_text()
        with raw, decoded(content, self.dialect.encoding) as text:
            for _ in range(self.dialect.preamble):
                text.readline()
            line = 1 + self.dialect.preamble
            for cells in csv.reader(lines(), strict=strict, **self.dialect.for_csv()):
                if cells:
                    yield line, "".join(taken).rstrip("\r\n").lstrip("\ufeff")
                line += len(taken)
                taken.clear()
