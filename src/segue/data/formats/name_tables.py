"""Tables with names for the ids of tracks: MovieLens' ``movies.csv``, a ``songs.csv``.

They hold no playlists. One is stated (``--names``), or lies beside a table that has the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import pyarrow as pa

from segue.data.formats.arrow_tables import PARQUET, open_parquet, parquet_rows
from segue.data.formats.cells import Batches, sound_rows
from segue.data.formats.columns import Columns
from segue.data.formats.dialect import decoded
from segue.data.formats.find_columns import name_columns
from segue.data.formats.header_names import FIELDS, key_of
from segue.data.formats.text_rows import TextRows
from segue.data.formats.text_tables import TEXT, beginning
from segue.data.records import Format, Rows, TableOptions
from segue.data.source_file import UNREADABLE, SourceFile
from segue.data.sources import find_files
from segue.data.vocabulary import Numbering, Vocabulary
from segue.errors import InputError

# Files that come with a data set beside its playlists, and are none.
_BESIDE = {
    "ratings.csv": {"movies.csv", "links.csv", "tags.csv", "genome-scores.csv", "genome-tags.csv"},
    "ratings.dat": {"movies.dat", "users.dat", "tags.dat"},
    "user_artists.dat": {
        "artists.dat", "tags.dat", "user_friends.dat", "user_taggedartists.dat",
        "user_taggedartists-timestamps.dat",
    },
    "u.data": {"u.item", "u.user", "u.genre", "u.info", "u.occupation"},
    "userid-timestamp-artid-artname-traid-traname.tsv": {"userid-profile.tsv"},
    "usersha1-artmbid-artname-plays.tsv": {"usersha1-profile.tsv"},
}  # fmt: skip
_NAMES = {"movies.csv", "movies.dat", "u.item", "artists.dat"}
_LATIN = {"movies.dat", "u.item"}  # as their READMEs say
_FIELDS = ("track_name", "artist_name", "album_name", "aliases")


@dataclass(frozen=True, eq=False)
class TrackNames:
    """What is known of tracks, by their ids.

    Attributes
    ----------
    known : Vocabulary
        The ids.
    cells : dict of str to Arrow array
        By field, a row for each id.
    """

    known: Vocabulary
    cells: dict[str, pa.Array]

    def of(self, ids: pa.Array) -> dict[str, pa.Array]:
        """By field, a row for each of these ids; null where nothing is known."""
        rows = self.known.find(ids)
        places = pa.array(rows, mask=rows < 0)
        found = {field: cells.take(places) for field, cells in self.cells.items()}
        if "artist_name" in found:
            found["artist"] = found["artist_name"]
        return found


def find_names(path: str, encoding: str | None) -> SourceFile:
    """The table of names at a path (InputError if there is none, or it has no names)."""
    files = find_files(path)
    for file in files:
        file.encoding = encoding
    if len(files) != 1:
        raise InputError(f"{path}: holds {len(files)} files, expected a table with names of tracks")
    _opened(files[0])
    return files[0]


def read_names(file: SourceFile) -> TrackNames:
    """Read a table of names; the first row of an id counts.

    Raises
    ------
    InputError
        If it cannot be read, or a row is bad.
    """

    def reject(file: str, record: str, reason: str, content: str | None, **_: bool) -> None:
        raise InputError(f"{file}: {record}: {reason}")

    known, parts = Vocabulary(), []
    if _base(file) == "movies.dat":
        return _movies(file)
    columns, batches = _opened(file)
    for part in sound_rows(columns, batches, reject):
        if isinstance(part, Rows):
            _, new = known.codes(part.cells["track"])
            parts.append({f: part.cells[f].take(pa.array(new)) for f in _FIELDS if f in part.cells})
    fields = parts[0] if parts else {}
    return TrackNames(known, {f: pa.concat_arrays([part[f] for part in parts]) for f in fields})


def _movies(file: SourceFile) -> TrackNames:
    """MovieLens' id::title::genres, whose titles may hold colons, too."""
    movies: dict[str, str] = {}
    raw, content = file.open_text()
    try:
        with raw, decoded(content, file.encoding or "latin-1") as lines:
            for number, line in enumerate(lines, start=1):
                movie, _, rest = line.rstrip("\r\n").partition("::")
                title, separator, _ = rest.rpartition("::")
                if not separator and line.strip():
                    raise InputError(f"{file.name}: line {number}: is not id::title::genres")
                movies.setdefault(movie, title)
    except UNREADABLE as error:
        raise file.unreadable(error) from error
    known = Vocabulary(Numbering((movie, row) for row, movie in enumerate(movies)))
    return TrackNames(known, {"track_name": pa.array(movies.values(), pa.string())})


def _opened(file: SourceFile) -> tuple[Columns, Batches]:
    if PARQUET.recognises(file):
        table = open_parquet(file)
        columns = name_columns(file.name, table.schema_arrow.names, has_header=True)
        return columns, parquet_rows(file, table, columns)
    file.encoding = file.encoding or _encoding(file)
    names, sample, dialect = beginning(file)
    has_header = any(key_of(name) in _KNOWN for name in names)
    columns = name_columns(file.name, names, has_header=has_header, sample=[names, *sample])
    return columns, TextRows(file, columns, dialect)


_KNOWN = {key for field in ("track", "track_name", "artist_name") for key in FIELDS[field]}


def _encoding(file: SourceFile) -> str | None:
    return "latin-1" if _base(file) in _LATIN else None


def _base(file: SourceFile) -> str:
    path = PurePath(file.name.lower())
    return path.stem if path.suffix in (".gz", ".bz2", ".zst") else path.name


def beside(
    files: Sequence[SourceFile], found: Sequence[tuple[SourceFile, Format]], options: TableOptions
) -> tuple[list[tuple[SourceFile, Format]], SourceFile | None, list[str]]:
    """Tables of playlists apart from tables that lie beside them.

    Returns
    -------
    found
        The tables of playlists.
    names
        A table with names for their tracks, if there is one.
    passed_over
        The names of the others.
    """
    main = {(Path(file.name).parent, _base(file)) for file, _ in found}
    others = {
        (folder, other) for folder, base in main for other in _BESIDE.get(base, ())
    }  # fmt: skip
    named = [file for file in files if (Path(file.name).parent, _base(file)) in others]
    names = next((file for file in named if _base(file) in _NAMES), None)
    kept = [(file, form) for file, form in found if file not in named]
    passed_over = [file.name for file, _ in found if file in named and file is not names]
    tables = [file for file, form in kept if form in (TEXT, PARQUET)]
    if len(tables) < 2:
        return kept, names, passed_over
    described = set(_headers(kept, options))
    for file in tables:
        header = _describes_tracks(file)
        if header is not None and header in described:
            kept = [(other, form) for other, form in kept if other is not file]
            if names is None and len(_opened(file)[0].column_index) > 1:
                names = file
            else:
                passed_over.append(file.name)
    return kept, names, passed_over


def _headers(found: Sequence[tuple[SourceFile, Format]], options: TableOptions) -> Iterator[str]:
    """What the column of the tracks is called in each table of playlists."""
    for file, form in found:
        try:
            said = form.describe(file, options) if form.describe else ""
        except InputError:
            continue
        parts = said.partition(";")[0].split(", ")
        yield from (part[8:] for part in parts if part.startswith("track = "))


def _describes_tracks(file: SourceFile) -> str | None:
    """What the column of its tracks is called, if it has a row for each and no playlists."""
    try:
        names, sample, _ = (
            beginning(file) if TEXT.recognises(file) else (_parquet_header(file), [], None)
        )
    except InputError:
        return None
    keys = [key_of(name) for name in names]
    if {*FIELDS["playlist"]} & {*keys}:
        return None
    at = next((keys.index(key) for key in FIELDS["track"] if key in keys), None)
    if at is None:
        return None
    ids = [row[at] for row in sample if len(row) == len(names)]
    return names[at].strip() if len(set(ids)) == len(ids) else None


def _parquet_header(file: SourceFile) -> list[str]:
    with open_parquet(file) as table:
        return list(table.schema_arrow.names)
