"""Tables of text: CSV, TSV, RecBole's ``.inter``, MovieLens' ``u.data`` and ``ratings.dat``.

A table may begin with lines that are none of its rows: ``sep=;``, which spreadsheets write, and
comments that begin with ``#``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace

from segue.data.encodings import not_text
from segue.data.formats.cells import sound_rows
from segue.data.formats.columns import Columns
from segue.data.formats.dialect import ESCAPED_QUOTE, LINE, Dialect, decoder, is_text
from segue.data.formats.find_columns import find_columns
from segue.data.formats.header_names import names_columns
from segue.data.formats.headerless import known_layout, looks_like_header
from segue.data.formats.text_rows import TextRows
from segue.data.records import ENCODED, TABLE, Format, Reject, Rows, SetAside, TableOptions
from segue.data.source_file import UNREADABLE, SourceFile
from segue.errors import InputError

_SAMPLE = 50  # Rows at the beginning that show how a table is built.
# Delimiter by file extension.
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".data": "\t", ".dat": "::"}
# Further ones, the likeliest first; `<SEP>` is that of the Million Song Dataset.
_FURTHER = ("<SEP>", "\t", ",", ";", "|", "::")
_QUOTED = re.compile('"[^"]*"')


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
        If it is not text, or its first line is not that of a table.
    """
    encoding = encoding_of(file)
    head = _head(file, encoding).removeprefix("\ufeff")
    if not head.strip():
        raise InputError(f"{file.name}: is empty, expected a table with the names of its columns")
    lines = LINE.split(head)
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
        escapes = ESCAPED_QUOTE.search(head) is not None
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
