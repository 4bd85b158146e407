"""Where tables of playlists are, and which of their columns say what.

A table has a row for each track of a playlist. It is text (CSV, TSV, RecBole's ``.inter``,
MovieLens' ``ratings.csv``, ``ratings.dat`` and ``u.data``, each possibly compressed) or Parquet;
all of them pass through one mapping from *fields* to columns.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import InputError

# Fields and the names by which their columns are found, the likeliest first. Case, spaces and
# punctuation do not matter: `userId` is `user_id`. A column is found for one field only, so a
# plain `track` is an id, but beside a `track_id` it is the name.
FIELDS = {
    "playlist": ("playlistid", "playlisturi", "pid", "playlist", "userid", "user", "sessionid"),
    "track": ("trackid", "trackuri", "songid", "itemid", "movieid", "track", "song", "item"),
    "artist": ("artistid", "artisturi", "artist", "artistname"),
    "album": ("albumid", "albumuri", "album"),
    "title": ("title", "playlisttitle", "playlistname", "playlist"),
    "position": ("position", "pos"),
    "track_name": ("trackname", "songname", "track", "song"),
    "artist_name": ("artistname", "artist"),
    "album_name": ("albumname", "album"),
}
# A table of these holds interactions only: that it names no artist is no oversight.
_INTERACTIONS = {"item", "itemid", "movieid"}

_TEXT = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".data": "\t", ".dat": "::"}
_PARQUET = (".parquet", ".pq")
_COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
EXTENSIONS = (*_TEXT, *_PARQUET)
# Stands for `::`, as a reader of CSV knows separators of one character only.
UNIT_SEPARATOR = "\x1f"
SUBSTITUTE = "\x1a"  # the control character that means just this
_NO_UTF8 = re.compile("[\udc80-\udcff]")
_RECBOLE_TYPE = re.compile(r":(token|float)(_seq)?$")


@dataclass(frozen=True)
class TableFile:
    """One table: where it is and how it is to be read.

    Attributes
    ----------
    path : Path
    size : int
        Bytes on disk.
    header : list of str
        The names of its columns, or their numbers from 1 where it has no header.
    has_header : bool
    columns : dict of str to int
        Field → place of its column, counted from 0.
    delimiter : str
        Between the cells of a row; empty for Parquet.
    """

    path: Path
    size: int
    header: list[str]
    has_header: bool
    columns: dict[str, int]
    delimiter: str

    def open(self) -> tuple[pa.OSFile, CleanText]:
        """The bytes on disk, whose `tell` is the progress, and the text in them."""
        raw, content = _open(self.path)
        return raw, CleanText(content, self.delimiter)

    def in_words(self) -> str:
        """``playlist = userId, track = movieId``."""
        return ", ".join(f"{name} = {self.header[at]}" for name, at in self.columns.items())

    @property
    def has_ids(self) -> bool:
        """Whether tracks have ids; else they are told apart by name and artist."""
        return "track" in self.columns

    @property
    def has_quotes(self) -> bool:
        """Whether a cell may stand in quotation marks.

        Between tabs and ``::`` it stands as it is: `"Heroes"` is a song with its marks, and one
        that is never closed would swallow the rows after it.
        """
        return _quoting(self.delimiter) != csv.QUOTE_NONE

    @property
    def cell_delimiter(self) -> str:
        """What stands between cells in what `open` gives: one character."""
        return _one(self.delimiter)

    def records(self, *, strict: bool = False) -> Iterator[tuple[int, str]]:
        """The records of a text again, for messages: line on which each begins, and its text.

        Records and empty lines are told apart as Arrow does.

        Raises
        ------
        csv.Error
            Where a field is longer than Python's reader takes or, if `strict`, does not end.
        """
        taken: list[str] = []

        def lines() -> Iterator[str]:
            for line in text:
                taken.append(line)
                yield line.replace("::", UNIT_SEPARATOR) if self.delimiter == "::" else line

        with _text(self.path) as text:
            reader = csv.reader(
                lines(),
                delimiter=self.cell_delimiter,
                quoting=_quoting(self.delimiter),
                strict=strict,
            )
            line = 1
            for cells in reader:
                if cells:
                    yield line, "".join(taken).rstrip("\r\n").lstrip("\ufeff")
                line += len(taken)
                taken.clear()


def is_table(source: str) -> bool:
    """Whether `source` is a table, a pattern of tables, or a folder that holds tables only.

    A single file is one unless it is JSON or a zip, whatever it is called.
    """
    path = Path(source)
    if path.is_dir():
        names = [file.name for file in path.iterdir() if file.is_file()]
        return any(_form(name) for name in names) and not any(n.endswith(".json") for n in names)
    if _form(path.name) is not None:
        return True
    slices = path.suffix.lower() in (".json", ".zip")
    return path.is_file() and not slices and not zipfile.is_zipfile(path)


def find_tables(source: str, columns: Mapping[str, str] | None = None) -> list[TableFile]:
    """List the tables of a file, a folder or a pattern, by name, and find their columns.

    Parameters
    ----------
    source
        A path or glob pattern.
    columns
        Field → the name of its column, or its number from 1 if the table has no header; an empty
        ``"artist"`` says that no artists are known. What is not stated is looked for by the
        names in `FIELDS`.

    Raises
    ------
    InputError
        If there is none, if a column is missing, or if one cannot be read.
    """
    columns = columns or {}
    for field in columns:
        if field not in FIELDS:
            raise InputError(f"{field!r} is no field of a table, expected one of {_list(FIELDS)}")
    path = Path(source)
    if path.is_dir():
        found = [file for file in path.iterdir() if _form(file.name) and file.name[0] != "."]
    elif path.exists():
        found = [path]
    else:
        # Not Path.glob: the pattern may be absolute, and begins where it says.
        matches = glob.glob(source, recursive=True)  # noqa: PTH207
        found = [Path(file) for file in matches if _form(file)]
    if not found:
        raise InputError(
            f"{source}: no such file or folder, expected a table ({_list(EXTENSIONS)}), "
            "a folder of tables, or a pattern such as 'data/*.csv'"
        )
    return [_table(file, columns) for file in sorted(found)]


def _form(name: str) -> str | None:
    """The extension that says what a file is, in front of that of its compression."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        return suffixes[-2] if suffixes[-2:-1] and suffixes[-2] in _TEXT else None
    return suffixes[-1] if suffixes and suffixes[-1] in EXTENSIONS else None


def _table(path: Path, wanted: Mapping[str, str]) -> TableFile:
    form = _form(path.name)
    try:
        size = path.stat().st_size
        if form in _PARQUET:
            header, has_header, delimiter = pq.read_schema(path).names, True, ""
        else:
            header, has_header, delimiter = _header(path, _TEXT[form or ".csv"], wanted)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read ({reason_of(error)})") from error
    return TableFile(
        path, size, header, has_header, _columns(path, header, has_header, wanted), delimiter
    )


def _header(path: Path, delimiter: str, wanted: Mapping[str, str]) -> tuple[list[str], bool, str]:
    """The names of the columns, whether they stand in the file, and what stands between cells."""
    with _text(path) as text:
        line = text.readline(2**20).removeprefix("\ufeff").rstrip("\r\n")
    if line[:2] in ("\udcff\udcfe", "\udcfe\udcff") or "\0" in line:
        raise InputError(f"{path}: is UTF-16 or no text at all, expected UTF-8 text")
    if _NO_UTF8.search(line):
        raise InputError(f"{path}: line 1: is not UTF-8 text, expected the names of the columns")
    if not line.strip():
        raise InputError(f"{path}: line 1: is empty, expected the names of the columns")
    # What the extension promises is taken if it is there at all, as some CSV has semicolons.
    delimiter = next((d for d in (delimiter, "\t", ",", ";", "|", "::") if d in line), delimiter)
    cells = line.replace(delimiter, _one(delimiter))
    reader = csv.reader([cells], delimiter=_one(delimiter), quoting=_quoting(delimiter))
    names = [cell.strip() for cell in next(reader)]
    numbered = [value for value in wanted.values() if value]
    all_numbers = all(re.fullmatch(r"-?\d+(\.\d+)?", name) for name in names)
    by_number = all(value.isdecimal() and value not in names for value in numbered)
    if all_numbers or (numbered and by_number):
        return [str(number + 1) for number in range(len(names))], False, delimiter
    return names, True, delimiter


def _columns(
    path: Path, header: list[str], has_header: bool, wanted: Mapping[str, str]
) -> dict[str, int]:
    """Which column each field is, of those that are stated or found."""
    bare = [_RECBOLE_TYPE.sub("", name) for name in header]
    keys = [re.sub(r"[\W_]", "", name).lower() for name in bare]
    if has_header:
        there = f"its columns are {_list(header)}"
    else:
        there = f"it has no header, its columns are 1 to {len(header)}"
        # As MovieLens has it: playlist, track, and numbers about the pair.
        wanted = {"playlist": "1", "track": "2"} | dict(wanted)
    columns: dict[str, int] = {}
    for field in [field for field in FIELDS if wanted.get(field)]:
        name = wanted[field]
        places = [at for at, pair in enumerate(zip(header, bare, strict=True)) if name in pair]
        if not places:
            raise InputError(f"{path}: has no column {name!r} for the {field}; {there}")
        columns[field] = _only(path, header, places, field)
    for field, names in FIELDS.items() if has_header else ():
        free = ["" if at in columns.values() else key for at, key in enumerate(keys)]
        first = next((name for name in names if name in free), None)
        if first and field not in wanted:
            places = [at for at, key in enumerate(free) if key == first]
            columns[field] = _only(path, header, places, field)
    for field in ("playlist", "track", "artist"):
        if field in columns or (field in wanted and field == "artist"):
            continue
        if field == "track" and "track_name" in columns:
            continue
        if field == "artist" and (
            not has_header or ("track" in columns and keys[columns["track"]] in _INTERACTIONS)
        ):
            continue
        none = ", or that there is none: --columns artist=" if field == "artist" else ""
        raise InputError(
            f"{path}: has no column that is known as the {field}; {there}; "
            f"say which one it is: --columns {field}=…{none}"
        )
    return {field: columns[field] for field in FIELDS if field in columns}


def _only(path: Path, header: list[str], places: list[int], field: str) -> int:
    if len(places) > 1:
        raise InputError(
            f"{path}: has several columns {header[places[0]]!r}; "
            f"say which is the {field}: --columns {field}=…"
        )
    return places[0]


def _open(path: Path) -> tuple[pa.OSFile, pa.NativeFile]:
    raw = pa.OSFile(str(path))
    codec = _COMPRESSED.get(path.suffix.lower())
    return raw, pa.CompressedInputStream(raw, codec) if codec else raw


class CleanText(io.RawIOBase):
    """The bytes of a text as Arrow's reader can take them.

    A byte that is no UTF-8 becomes `SUBSTITUTE`: Arrow would fail a whole block for it without
    saying where. ``::`` becomes `UNIT_SEPARATOR` where that is what stands between cells.
    """

    def __init__(self, content: pa.NativeFile, delimiter: str) -> None:
        self._content = content
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._double = delimiter == "::"
        self._held = ""
        self.substituted = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, none at the end."""
        while True:
            block = self._content.read(max(1, size - 4) if size > 0 else None)
            text = self._held + self._decode(block, final=not block)
            self._held = ""
            if self._double:
                text = text.replace("::", UNIT_SEPARATOR)
                if block and text.endswith(":"):
                    text, self._held = text[:-1], ":"
            if text or not block:
                break
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.substituted = True
            return _NO_UTF8.sub(SUBSTITUTE, text).encode()


def _text(path: Path) -> io.TextIOWrapper:
    # Bytes that are no UTF-8 survive this as lone surrogates.
    return io.TextIOWrapper(_open(path)[1], "utf-8", "surrogateescape", newline="")


def _quoting(delimiter: str) -> Literal[0, 3]:
    return csv.QUOTE_NONE if delimiter in ("\t", "::") else csv.QUOTE_MINIMAL


def _one(delimiter: str) -> str:
    return UNIT_SEPARATOR if delimiter == "::" else delimiter


def reason_of(error: Exception) -> str:
    """What went wrong, in the first line of what the library says."""
    said = getattr(error, "strerror", None) or str(error)
    return said.partition("\n")[0].rstrip(".")


def _list(names: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    return ", ".join(names)
