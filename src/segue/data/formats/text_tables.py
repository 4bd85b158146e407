"""Tables of text: CSV, TSV, RecBole's ``.inter``, MovieLens' ``u.data`` and ``ratings.dat``.

A table may begin with lines that are none of its rows: ``sep=;``, which spreadsheets write, and
comments that begin with ``#``.

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from segue.console import count
from segue.data.encodings import not_text
from segue.data.formats.cells import SUBSTITUTE, sound_rows
from segue.data.formats.columns import Columns, find_columns
from segue.data.formats.header_names import names_columns
from segue.data.formats.headerless import known_layout, looks_like_header
from segue.data.playlists import Int64Array
from segue.data.records import ENCODED, TABLE, Format, Reject, Rows, SetAside, TableOptions
from segue.data.sources import UNREADABLE, SourceFile
from segue.errors import InputError

_SAMPLE = 50  # Rows at the beginning that show how a table is built.
_BLOCK = 16 * 2**20  # Bytes read at once; no row is longer.
# Delimiter by file extension.
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".data": "\t", ".dat": "::"}
# Further ones, the likeliest first; `<SEP>` is that of the Million Song Dataset.
_FURTHER = ("<SEP>", "\t", ",", ";", "|", "::")
# Replaces what is longer than one character, as CSV readers accept no such separator, and blanks.
_UNIT_SEPARATOR = "\x1f"
_LINE = re.compile("\r\n|\r|\n")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
# Such a mark does not end a quoted field: nothing that may follow a field comes after it.
_ESCAPED_QUOTE = re.compile(r'[^\\"]\\"[^\s"\\,;|\x1f]')
_QUOTED = re.compile('"[^"]*"')
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
        Between the cells of a row; a blank stands for one or more.
    quoted : bool
        Whether cells between tabs are quoted, too.
    escapes : bool
        Whether quotation marks within a cell are escaped by a backslash rather than doubled.
    spaced : bool
        Whether blanks follow each separator, and are part of no cell.
    encoding : str
    preamble : int
        Lines before the first row, or before the header.
    """

    delimiter: str
    quoted: bool = False
    escapes: bool = False
    spaced: bool = False
    encoding: str = "utf-8"
    preamble: int = 0

    @property
    def character(self) -> str:
        """The separator after `CleanText`: one character."""
        replaced = self.delimiter == " " or len(self.delimiter) > 1
        return _UNIT_SEPARATOR if replaced else self.delimiter

    @property
    def quotes(self) -> bool:
        """Whether cells may be quoted.

        With tabs, blanks and ``::`` they are literal: `"Heroes"` is a song title with its quotation
        marks, and an unclosed mark would swallow the rows after it. Where all of the first line is
        quoted, as R writes it, tabs are like commas.
        """
        return self.quoted or self.delimiter in (",", ";", "|")

    def separated(self, text: str) -> str:
        """Whole lines, or a part that ends in no separator, with `character` between the cells."""
        if self.delimiter == " ":
            return re.sub("(?<=[^\\s]) +(?=[^\\s])", _UNIT_SEPARATOR, text).replace(" ", "")
        if self.spaced:  # Not within a cell, where a quotation mark is doubled.
            return re.sub(
                f'{re.escape(self.delimiter)} +"(?!"[^{self.delimiter}\r\n])',
                f'{self.delimiter}"',
                text,
            )
        if len(self.delimiter) > 1:
            return text.replace(self.delimiter, _UNIT_SEPARATOR)
        return text

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

    A byte that is not text becomes `SUBSTITUTE`: Arrow would fail the whole block without saying
    where. Separators that Arrow does not take become a unit separator.

    Attributes
    ----------
    substituted
        Whether there was such a byte so far.
    failure
        Why the text ends where it does, if it could not be read further. It is not raised: after an
        exception on a thread of its own Arrow's reader may wait for ever.
    """

    def __init__(self, content: Any, dialect: Dialect) -> None:
        self._content, self._dialect = content, dialect
        self._decode = decoder(dialect.encoding)
        self._held = ""
        self._lines_to_skip = dialect.preamble
        self.substituted = False
        self.failure: Exception | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, none at the end."""
        if self.failure is None:
            try:
                return self._read(size)
            except Exception as error:  # Each decompressor has its own errors.
                self.failure = error
        return b""

    def _read(self, size: int) -> bytes:
        while True:
            block = self._content.read(max(1, size - 4) if size > 0 else None)
            text = self._held + self._decode(block, final=not block)
            self._held = ""
            if self._lines_to_skip:
                text = self._without_preamble(text, ended=not block)
            if self._dialect.spaced or self._dialect.character == _UNIT_SEPARATOR:
                if block:
                    text = self._whole_cells(text)
                text = self._dialect.separated(text)
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

    def _without_preamble(self, text: str, *, ended: bool) -> str:
        """The text after the lines to skip; if it ends before, it is held back."""
        ends = [line.end() for line in _LINE.finditer(text)][: self._lines_to_skip]
        # A "\r" at the end of a block may be half of "\r\n".
        if len(ends) < self._lines_to_skip or (ends[-1] == len(text) and not ended):
            self._held = text
            return ""
        self._lines_to_skip = 0
        return text[ends[-1] :]

    def _whole_cells(self, text: str) -> str:
        """The text up to its last character that is in no separator; the rest is held back."""
        whole = text.rstrip(self._dialect.delimiter + ' "\r\n')
        # Blanks count where a line begins or ends, too.
        if self._dialect.delimiter == " ":
            whole = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
        self._held = text[len(whole) :]
        return whole


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


def decoder(encoding: str) -> Callable[..., str]:
    """Bytes → text, block by block; bytes that are no text become lone surrogates."""
    # An odd byte of UTF-16 cannot become one.
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    return codecs.getincrementaldecoder(encoding)(errors).decode


def decoded(content: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """The text, with its line ends; bytes that are no text become lone surrogates."""
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    return io.TextIOWrapper(content, encoding, errors, newline="")


def is_text(text: str) -> bool:
    """Whether all its bytes were text."""
    return text.isascii() or not _NOT_UTF8.search(text)


def encoding_of(file: SourceFile) -> str:
    """The encoding of a text table (InputError if it was not text at all)."""
    encoding = file.table_encoding
    if file.encoding is not None or encoding.startswith("utf-16"):
        return encoding
    if file.head.startswith(b"PK\3\4"):
        raise InputError(f"{file.name}: is a spreadsheet or a zip, expected a table saved as CSV")
    if b"\0" in file.head:
        raise InputError(
            f"{file.name}: is not text, or in an encoding that has to be stated, such as "
            "--encoding utf-16-le"
        )
    return encoding


def beginning(file: SourceFile) -> tuple[list[str], list[list[str]], Dialect]:
    """The first line's cells, some rows after it, and the dialect.

    Raises
    ------
    InputError
        If it is no text, or the first line is not one of a table.
    """
    encoding = encoding_of(file)
    head = _head(file, encoding).removeprefix("\ufeff")
    if not head.strip():
        raise InputError(f"{file.name}: is empty, expected a table with the names of its columns")
    lines = _LINE.split(head)
    preamble, promised = _preamble(lines)
    line, rest = lines[preamble], lines[preamble + 1 :]
    place = f"{file.name}: line {preamble + 1}"
    if not is_text(line):
        raise InputError(f"{place}: {not_text(encoding)}; expected the names of the columns")
    if not line.strip():
        raise InputError(f"{place}: is empty, expected the names of the columns")
    if line.startswith("<"):
        raise InputError(f"{file.name}: is XML or HTML of an unknown form, expected playlists")
    if not rest and len(head) >= 2**16:
        raise InputError(f"{place}: is too long to hold the names of the columns")
    # The extension's delimiter is used if it occurs at all: some CSV has semicolons.
    promised = promised or _DELIMITERS.get(file.ending, ",")
    delimiter = next((d for d in (promised, *_FURTHER) if d in line), promised)
    sample = [row for row in rest[:_SAMPLE] if row.strip()]
    if delimiter not in line and _by_blanks(line, sample):
        delimiter = " "
    quoted = delimiter == "\t" and any(
        rows and all(_QUOTED.fullmatch(cell) for row in rows for cell in row.split("\t"))
        for rows in ([line], sample[:-1] or sample)
    )
    dialect = Dialect(delimiter, quoted, encoding=encoding, preamble=preamble)
    if dialect.quotes:
        escapes = _ESCAPED_QUOTE.search(head) is not None
        spaced = all(_is_spaced(row, delimiter) for row in (line, *sample[:-1]))
        dialect = replace(dialect, escapes=escapes, spaced=spaced)
    # Some put blanks into the header only.
    headed = replace(dialect, spaced=dialect.quotes and _is_spaced(line, delimiter))
    names = [cell.strip() for cell in _cells(line, headed, place)]
    rows = [_cells(row, dialect, place) for row in sample if not dialect.quotes or '"' not in row]
    return names, rows, dialect


def _columns(file: SourceFile, options: TableOptions) -> tuple[Columns, Dialect]:
    """The columns, from the first line, and the dialect."""
    names, rows, dialect = beginning(file)
    has_header = looks_like_header(names, options)
    columns = find_columns(file.name, names, options, has_header=has_header, sample=[names, *rows])
    return columns, dialect


def _preamble(lines: list[str]) -> tuple[int, str | None]:
    """How many lines come before the table, and the delimiter that they state."""
    for at, line in enumerate(lines):
        if stated := re.fullmatch(r'"?sep=(.)"?', line):
            return at + 1 if at + 1 < len(lines) else at, stated[1]
        if not line.startswith("#") or any(d in line for d in _FURTHER) or at + 1 == len(lines):
            return at, None
    return 0, None


def _is_spaced(line: str, delimiter: str) -> bool:
    """Whether a blank follows each separator."""
    cells = line.split(delimiter)
    return len(cells) > 1 and all(cell.startswith(" ") for cell in cells[1:])


def _by_blanks(line: str, sample: list[str]) -> bool:
    """Whether blanks separate the cells: of all rows equally many."""
    width = len(line.split())
    return width > 1 and all(len(row.split()) == width for row in sample[:-1])


def _cells(line: str, dialect: Dialect, place: str) -> list[str]:
    try:
        return next(csv.reader([dialect.separated(line)], **dialect.for_csv()), [])
    except csv.Error as error:
        raise InputError(f"{place}: is not cells ({error})") from error


def _head(file: SourceFile, encoding: str) -> str:
    if not file.head and file.size:
        raw, content = file.open_text()
        with raw, content:
            try:
                content.read(2**16)
            except UNREADABLE as error:
                raise file.unreadable(error) from error
    return decoder(encoding)(file.stored_head)


def _read(file: SourceFile, options: TableOptions, reject: Reject) -> Iterator[Rows | SetAside]:
    columns, dialect = _columns(file, options)
    return sound_rows(columns, TextRows(file, columns, dialect), reject)


def _recognises(file: SourceFile) -> bool:
    """Whether it may be a table; a file given by itself may be any text."""
    if file.alone or file.ending in _DELIMITERS:
        return True
    if file.ending not in (".txt", ""):
        return False
    try:
        names, rows, dialect = beginning(file)
    except InputError:
        return False
    width = len(names)
    sound = [row for row in rows[:-1] or rows if len(row) == width]
    if width < 2 or len(sound) < max(1, len(rows) - 1):
        return False
    numbers = any(all(cell.isdecimal() for cell in column) for column in zip(*sound, strict=True))
    clear = dialect.delimiter in ("\t", "::", "<SEP>") and width > 2 and numbers
    return clear or names_columns(names) or known_layout([names, *sound]) is not None


def _is_history(file: SourceFile, options: TableOptions) -> bool:
    try:
        return _columns(file, options)[0].listens
    except InputError:
        return False


TEXT = Format(
    "text tables",
    _recognises,
    _read,
    gives="rows",
    describe=lambda file, options: str(_columns(file, options)[0]),
    advise=lambda file, options: _columns(file, options)[0].unused,
    options=TABLE | ENCODED | {"header"},
    is_history=_is_history,
)
