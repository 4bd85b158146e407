"""Tables of text: CSV, TSV, RecBole's ``.inter``, MovieLens' ``u.data`` and ``ratings.dat``.

Arrow parses them in blocks. This module finds out what Arrow does not report: the line and text of
a bad row, which byte is not UTF-8, and whether a quoted field ever ends.

DuckDB's reader (benchmarks/read_tables.py) takes about as long, names the lines of its rejects, and
knows more encodings. But it infers the dialect from a sample: a single unclosed quotation mark
turns quoting off for the file, or, if quoting is set explicitly, fails the file without a reject.
It would add 69 MB to the base install, and the checks of cells would still be needed.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv

from segue.data.formats.cells import SUBSTITUTE, sound_rows
from segue.data.formats.columns import Columns, find_columns, looks_like_header
from segue.data.playlists import Int64Array
from segue.data.records import TABLE, Format, Reject, Rows, SetAside, TableOptions
from segue.data.sources import UNREADABLE, SourceFile
from segue.errors import InputError

_BLOCK = 16 * 2**20  # Bytes read at once; no row is longer.
# Delimiter by file extension.
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".data": "\t", ".dat": "::"}
# Replaces `::`, since CSV readers accept only single-character separators.
_UNIT_SEPARATOR = "\x1f"
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
# Such a mark does not end a quoted field: nothing that may follow a field comes after it.
_ESCAPED_QUOTE = re.compile(r'[^\\"]\\"[^\s"\\,;|\x1f]')
_UNENDED = "a field that begins with a quotation mark does not end with one"
_ESCAPED = (
    "a quotation mark is escaped by a backslash, but none at the beginning of the file; "
    "expected it doubled, as there"
)


@dataclass(frozen=True)
class Dialect:
    """How a text is split into cells.

    Attributes
    ----------
    delimiter : str
        Between the cells of a row.
    escapes : bool
        Whether quotation marks within a cell are escaped by a backslash rather than doubled.
    """

    delimiter: str
    escapes: bool = False

    @property
    def character(self) -> str:
        """The separator after `CleanText`: one character."""
        return _UNIT_SEPARATOR if self.delimiter == "::" else self.delimiter

    @property
    def quotes(self) -> bool:
        """Whether cells may be quoted.

        With tabs and ``::`` they are literal: `"Heroes"` is a song title with its quotation marks,
        and an unclosed mark would swallow the rows after it.
        """
        return self.delimiter not in ("\t", "::")

    def for_csv(self) -> dict[str, Any]:
        """Options for Python's reader."""
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
        escape = "\\" if self.escapes else None
        return {"delimiter": self.character, "quoting": quoting, "escapechar": escape}

    def for_arrow(self) -> dict[str, Any]:
        """Options for Arrow's reader."""
        return {
            "delimiter": self.character,
            "quote_char": '"' if self.quotes else False,
            "newlines_in_values": self.quotes,
            "escape_char": "\\" if self.escapes else False,
        }


class CleanText(io.RawIOBase):
    """The bytes of a text in a form that Arrow's reader accepts.

    A byte that is not UTF-8 becomes `SUBSTITUTE`: Arrow would fail the whole block without saying
    where. If cells are separated by ``::``, it becomes a unit separator.
    """

    def __init__(self, content: Any, dialect: Dialect) -> None:
        self._content, self._dialect = content, dialect
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._held = ""
        self.substituted = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, none at the end (ArrowInvalid at an unexpected escape)."""
        while True:
            block = self._content.read(max(1, size - 4) if size > 0 else None)
            text = self._held + self._decode(block, final=not block)
            self._held = ""
            if self._dialect.delimiter == "::":
                text = text.replace("::", _UNIT_SEPARATOR)
                if block and text.endswith(":"):
                    text, self._held = text[:-1], ":"
            if text or not block:
                break
        unexpected = self._dialect.quotes and not self._dialect.escapes
        if unexpected and '\\"' in text and _ESCAPED_QUOTE.search(text):
            raise pa.ArrowInvalid(_ESCAPED)
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.substituted = True
            return _NOT_UTF8.sub(SUBSTITUTE, text).encode()


class TextRows:
    """The rows of a text; those with too few or too many cells are rejected in their turn."""

    def __init__(self, file: SourceFile, columns: Columns, dialect: Dialect) -> None:
        self.file, self.columns, self.dialect = file, columns, dialect
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
        with raw, content:
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
            try:
                for batch in reader:
                    self.bytes_read = raw.tell()
                    self.substituted = text.substituted
                    if last is not None:
                        yield last
                    # An empty batch would hide the row before it.
                    last = batch if len(batch) else last
            except pa.ArrowInvalid as error:
                if "straddling" in str(error):
                    raise pa.ArrowInvalid(_UNENDED) from error
                raise
        if last is None:
            return
        if "\n" not in (last.column(read[-1])[-1].as_py() or "") or self._ends():
            yield last
        else:
            yield last.slice(0, len(last) - 1)
            raise pa.ArrowInvalid(_UNENDED)

    def _note_ragged(self, row: pyarrow.csv.InvalidRow) -> str:
        cells = f"has {row.actual_columns} cells, expected {row.expected_columns}"
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
                double = self.dialect.delimiter == "::"
                yield line.replace("::", _UNIT_SEPARATOR) if double else line

        raw, content = self.file.open_text()
        with raw, _decoded(content) as text:
            line = 1
            for cells in csv.reader(lines(), strict=strict, **self.dialect.for_csv()):
                if cells:
                    yield line, "".join(taken).rstrip("\r\n").lstrip("\ufeff")
                line += len(taken)
                taken.clear()


def _decoded(content: IO[bytes]) -> io.TextIOWrapper:
    # Bytes that are not UTF-8 survive this as lone surrogates.
    return io.TextIOWrapper(content, "utf-8", "surrogateescape", newline="")


def _columns(file: SourceFile, options: TableOptions) -> tuple[Columns, Dialect]:
    """The columns, from the first line, and the dialect."""
    head = _head(file)
    line, *rest = re.split("[\r\n]", head.removeprefix("\ufeff"), maxsplit=1)
    if line[:2] in ("\udcff\udcfe", "\udcfe\udcff") or "\0" in line:
        raise InputError(f"{file.name}: is UTF-16 or not text at all, expected UTF-8 text")
    if _NOT_UTF8.search(line):
        raise InputError(
            f"{file.name}: line 1: is not UTF-8 text, expected the names of the columns"
        )
    if not line.strip():
        raise InputError(f"{file.name}: line 1: is empty, expected the names of the columns")
    if not rest and len(head) >= 2**16:
        raise InputError(f"{file.name}: line 1: is too long to hold the names of the columns")
    # The extension's delimiter is used if it occurs at all: some CSV has semicolons.
    promised = _DELIMITERS.get(file.ending, ",")
    delimiter = next((d for d in (promised, "\t", ",", ";", "|", "::") if d in line), promised)
    dialect = Dialect(delimiter)
    if dialect.quotes and _ESCAPED_QUOTE.search(head):
        dialect = Dialect(delimiter, escapes=True)
    try:
        cells = next(csv.reader([line.replace(delimiter, dialect.character)], **dialect.for_csv()))
    except csv.Error as error:
        raise InputError(f"{file.name}: line 1: is not cells ({error})") from error
    names = [cell.strip() for cell in cells]
    has_header = looks_like_header(names, options)
    return find_columns(file.name, names, options, has_header=has_header), dialect


def _head(file: SourceFile) -> str:
    if not file.head and file.size:
        raw, content = file.open_text()
        with raw, content:
            try:
                content.read(1)
            except UNREADABLE as error:
                raise file.unreadable(error) from error
    return file.head.decode("utf-8", "surrogateescape")


def _read(file: SourceFile, options: TableOptions, reject: Reject) -> Iterator[Rows | SetAside]:
    columns, dialect = _columns(file, options)
    return sound_rows(columns, TextRows(file, columns, dialect), reject)


TEXT = Format(
    "text tables",
    # In a folder only by extension; a file given by itself may be any text.
    lambda file: file.alone or file.ending in _DELIMITERS,
    _read,
    gives="rows",
    describe=lambda file, options: str(_columns(file, options)[0]),
    options=TABLE | {"header", "encoding"},
)
