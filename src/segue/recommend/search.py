"""Names and the words in them: an index of both, kept in the bundle as one SQLite file.

Each kind of thing (track, artist, playlist) has three tables in ``names.sqlite``:

- ``track`` holds the catalogue's row of each *rank*: 0 is the best-known track.
- ``track_key`` finds ranks by the hash of an id or of a whole name. Hashes may collide: what is
  found is compared with the catalogue.
- ``track_words`` is a full-text index (FTS5) of the words of each name, a track's artist included.
  Its rowids are ranks, so the best-known matches come first and a query may stop early, and it
  holds every beginning of one to three letters, of which many names have one.

Text is folded here before SQLite sees it, so its own idea of case and accents does not matter.
"""

from __future__ import annotations

import difflib
import sqlite3
import string
import threading
import weakref
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue.data.playlists import Catalog, Int32Array, Int64Array, Playlists
from segue.errors import ArtefactError, InputError
from segue.recommend.words import fold, query_words, words_of

Kind = Literal["artist", "track", "playlist"]
KINDS: tuple[Kind, ...] = ("artist", "track", "playlist")
NAMES_FILE = "names.sqlite"

_VERSION = 1
_CHUNK = 50_000  # Names that are held at once while an index is written.
_CACHE_KIB = 64 << 10  # Of SQLite while it writes one.
_MAX_JOINED = 4  # Words of a query of which two may be one.
_LIKE_LIMIT, _LIKE_CUTOFF, _LIKE_LENGTH = 100, 0.6, 100


def _key(what: str, text: str) -> int:
    """A hash of an id or a name, the same in every process: int32."""
    number = zlib.crc32(f"{what}:{text}".encode("utf-8", "surrogatepass"))
    return number - (1 << 31)


def _name_key(folded: str) -> int:
    return _key("name", folded.replace(" ", ""))


# Every character is part of a word for SQLite: spaces stand between words, nothing else does.
_PUNCTUATION = string.punctuation.replace("'", "''").replace('"', '""')
_TOKENIZER = f"ascii tokenchars '{_PUNCTUATION}'"
_SCHEMA = (
    "CREATE TABLE {kind} (rank INTEGER PRIMARY KEY, row INTEGER NOT NULL)",
    "CREATE TABLE {kind}_key (key INTEGER, rank INTEGER, PRIMARY KEY (key, rank)) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE {kind}_words USING fts5(words, content='', detail='none', "
    """columnsize=0, prefix='1 2 3', tokenize="{tokenizer}")""",
)


@dataclass(frozen=True, eq=False)
class _Things:
    """Ids and names of all things of a kind: Arrow string [num_things]."""

    ids: pa.Array
    names: pa.Array


def _things_of(catalog: Catalog, playlists: Playlists | None) -> dict[Kind, _Things]:
    things: dict[Kind, _Things] = {
        "artist": _Things(catalog.artist_ids, catalog.artist_names),
        "track": _Things(catalog.track_ids, catalog.track_names),
    }
    if playlists is not None:
        things["playlist"] = _Things(playlists.ids, playlists.titles)
    return things


def write_names(
    folder: Path, catalog: Catalog, popularity: Int64Array, playlists: Playlists | None = None
) -> None:
    """Write ``names.sqlite`` into a folder: the same bytes for the same names, by one SQLite.

    Parameters
    ----------
    folder
    catalog
    popularity : int64 [num_tracks]
        Well-known tracks come first among equals, and artists with well-known tracks.
    playlists
        Among these the longest come first. Without them no title is in the file.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    unpacked = folder / f"{NAMES_FILE}.unpacked"
    try:
        with closing(sqlite3.connect(unpacked, isolation_level=None)) as connection:
            _fill(connection, catalog, popularity, playlists)
            # Without the holes that merging the index left.
            connection.execute("VACUUM INTO ?", [str(folder / NAMES_FILE)])
    except sqlite3.Error as error:  # a full disk, among others
        raise OSError(f"{NAMES_FILE}: {error}") from error
    finally:
        unpacked.unlink(missing_ok=True)


def _fill(
    connection: sqlite3.Connection,
    catalog: Catalog,
    popularity: Int64Array,
    playlists: Playlists | None,
) -> None:
    for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("BEGIN")
    known = catalog.track_artist >= 0
    by = catalog.track_artist[known]
    renown: dict[Kind, NDArray[Any]] = {
        "artist": np.bincount(by, popularity[known], catalog.num_artists),
        "track": popularity,
    }
    if playlists is not None:
        renown["playlist"] = playlists.tracks.lengths
    words_of_artist = lru_cache(_CHUNK)(words_of)
    for kind, things in _things_of(catalog, playlists).items():
        for statement in _SCHEMA:
            connection.execute(statement.format(kind=kind, tokenizer=_TOKENIZER))
        row_of_rank = np.argsort(-renown[kind], kind="stable").astype(np.int32)
        keys = np.zeros((len(row_of_rank), 2), dtype=np.int32)
        has_name = np.zeros(len(row_of_rank), dtype=bool)
        for start in range(0, len(row_of_rank), _CHUNK):
            rows = row_of_rank[start : start + _CHUNK]
            ranks = range(start, start + len(rows))
            place = pa.array(rows)
            ids, names = (part.take(place).to_pylist() for part in (things.ids, things.names))
            artists = catalog.artist_of(rows).to_pylist() if kind == "track" else [""] * len(rows)
            lines = []
            for rank, an_id, name, artist in zip(ranks, ids, names, artists, strict=True):
                keys[rank, 0] = _key("id", an_id)
                if name is not None:
                    has_name[rank], keys[rank, 1] = True, _name_key(fold(name))
                lines.append((rank, " ".join([*words_of(name or ""), *words_of_artist(artist)])))
            connection.executemany(f"INSERT INTO {kind}_words(rowid, words) VALUES (?, ?)", lines)
        connection.execute(f"INSERT INTO {kind}_words({kind}_words) VALUES ('optimize')")
        _insert(connection, kind, np.arange(len(row_of_rank)), row_of_rank)
        named = np.flatnonzero(has_name)
        key = np.concatenate([keys[:, 0], keys[named, 1]])
        rank_of_key = np.concatenate([np.arange(len(keys)), named])
        in_order = np.lexsort((rank_of_key, key))
        _insert(connection, f"{kind}_key", key[in_order], rank_of_key[in_order])
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, table: str, *columns: NDArray[np.integer]) -> None:
    for start in range(0, len(columns[0]), _CHUNK):
        values = (column[start : start + _CHUNK].tolist() for column in columns)
        rows = zip(*values, strict=True)
        connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", rows)


class NameIndex:
    """Finds tracks, artists and playlists by their ids, names, or the words in them.

    Its file is opened on the first search; where there is none (a bundle that was made in memory,
    or by an older version), the index is then built in memory. Threads may share it.

    Parameters
    ----------
    catalog, popularity, playlists
        As for `write_names`.
    folder
        Where `write_names` may have written its file.

    Raises
    ------
    ArtefactError
        By any search, if the file is damaged or was written for another catalogue.
    """

    def __init__(
        self,
        catalog: Catalog,
        popularity: Int64Array,
        playlists: Playlists | None = None,
        folder: Path | None = None,
    ) -> None:
        self.catalog, self.popularity, self._playlists = catalog, popularity, playlists
        self._things = _things_of(catalog, playlists)
        self._path = folder / NAMES_FILE if folder is not None else None
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it finds: playlists only where it has any."""
        return tuple(kind for kind in KINDS if kind in self._things)

    def tracks(self, text: str, n: int) -> Int32Array:
        """Rows of the `n` tracks that match best; see `search`."""
        return self.search("track", text, n)

    def artists(self, text: str, n: int) -> Int32Array:
        """Rows of the `n` artists that match best; see `search`."""
        return self.search("artist", text, n)

    def playlists(self, text: str, n: int) -> Int32Array:
        """Rows of the `n` playlists whose titles match best; see `search`."""
        return self.search("playlist", text, n)

    def search(self, kind: Kind, text: str, n: int) -> Int32Array:
        """What has all words of a text, or words that begin so, in its name, best first.

        A track is also found by words of its artist. First come those whose whole name is the
        text, then those that hold its words, then those where the last word is a beginning, then
        those where any is, and where that is not enough, those that write two words as one; each
        with the best-known first.

        Parameters
        ----------
        kind
        text
            Anything: nothing in it is a command.
        n
            Length of the list, at least 1.

        Returns
        -------
        row : int32 [num_found]
            At most n rows of the catalogue or of the playlists.

        Raises
        ------
        InputError
            If n is less than 1, or there are no playlists.
        """
        if n < 1:
            raise InputError(f"the length of a list must be at least 1, not {n}")
        self._of(kind)
        folded, words = fold(text), query_words(text)
        found = dict.fromkeys(self._spelt(kind, folded, n)) if folded else {}
        begun = [f"{_quoted(word)} *" for word in words]
        whole = [_quoted(word) for word in words]
        ways = [whole, [*whole[:-1], *begun[-1:]], begun]
        for cut in range(len(words) - 1 if len(words) <= _MAX_JOINED else 0):
            joined = _quoted(words[cut] + words[cut + 1])
            ways.append([*begun[:cut], f"{joined} *", *begun[cut + 2 :]])
        for way in dict.fromkeys(" AND ".join(way) for way in ways):
            if len(found) >= n:
                break
            found.update(dict.fromkeys(row for _, row in self._matching(kind, way, n)))
        return np.array(list(found)[:n], dtype=np.int32)

    def with_id(self, kind: Kind, an_id: str) -> int | None:
        """Row of what has this id, None where nothing has it."""
        ids = self.ids(kind)
        rows = self._by_key(kind, _key("id", an_id))
        return next((row for row in rows if ids[row].as_py() == an_id), None)

    def named(self, kind: Kind, text: str) -> list[int]:
        """Rows of all whose folded name is that of `text`, best-known first."""
        folded = fold(text)
        rows = self._spelt(kind, folded) if folded else []
        return [row for row in rows if fold(self._name(kind, row)) == folded]

    def spelt_like(self, kind: Kind, text: str, n: int = 5) -> list[int]:
        """Rows of those whose names are spelt much like the text, the most alike first.

        Of a track also title and artist together. Looked at are some hundred well-known ones that
        share the beginnings of words with it, or all words but one.
        """
        wanted, words = fold(text)[:_LIKE_LENGTH], query_words(text)
        near: dict[int, int] = {}  # row → rank
        for way in dict.fromkeys(_loosened(words)):
            near.update((row, rank) for rank, row in self._matching(kind, way, _LIKE_LIMIT))
        matcher = difflib.SequenceMatcher(autojunk=False)
        matcher.set_seq2(wanted)
        alike = []
        for row, rank in near.items():
            likeness = max(_likeness(matcher, label) for label in self._labels(kind, row))
            if likeness >= _LIKE_CUTOFF:
                alike.append((-likeness, rank, row))
        return [row for *_, row in sorted(alike)[:n]]

    def _labels(self, kind: Kind, row: int) -> Iterator[str]:
        name = fold(self._name(kind, row))
        yield name
        if kind == "track" and self.catalog.track_artist[row] >= 0:
            artist = fold(str(self.catalog.artist_names[int(self.catalog.track_artist[row])]))
            yield f"{name} {artist}"
            yield f"{artist} {name}"

    def ids(self, kind: Kind) -> pa.Array:
        """Arrow string [num_things]."""
        return self._of(kind).ids

    def names(self, kind: Kind) -> pa.Array:
        """Arrow string [num_things]; null where a playlist has no title."""
        return self._of(kind).names

    def _of(self, kind: Kind) -> _Things:
        if kind not in self._things:
            raise InputError(
                f"this bundle was made without {kind}s (--no-playlists), so none can be named"
            )
        return self._things[kind]

    def _name(self, kind: Kind, row: int) -> str:
        return self.names(kind)[row].as_py() or ""

    def _spelt(self, kind: Kind, folded: str, n: int = -1) -> list[int]:
        """Those with this name, wherever its spaces are."""
        rows, bare = self._by_key(kind, _name_key(folded), n), folded.replace(" ", "")
        return [row for row in rows if fold(self._name(kind, row)).replace(" ", "") == bare]

    def _by_key(self, kind: Kind, key: int, n: int = -1) -> list[int]:
        query = f"SELECT row FROM {kind}_key JOIN {kind} USING (rank) WHERE key = ? ORDER BY rank"
        return [row for (row,) in self._select(f"{query} LIMIT ?", key, n)]

    def _matching(self, kind: Kind, way: str, n: int) -> list[tuple[int, int]]:
        """(rank, row) of the best-known that match an expression of FTS5."""
        query = (
            f"SELECT {kind}.rank, row FROM {kind}_words CROSS JOIN {kind} ON {kind}.rank = "
            f"{kind}_words.rowid WHERE {kind}_words MATCH ? ORDER BY {kind}_words.rowid LIMIT ?"
        )
        return self._select(query, way, n) if way else []

    def _select(self, query: str, *values: Any) -> list[Any]:
        # A connection does one thing at a time; SQLite itself lets other threads run meanwhile.
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                    weakref.finalize(self, self._connection.close)
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise ArtefactError(
                    f"{self._path or 'names'}: cannot be read as an index of names ({error})"
                ) from error

    def _open(self) -> sqlite3.Connection:
        if self._path is None or not self._path.is_file():
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            _fill(connection, self.catalog, self.popularity, self._playlists)
            return connection
        where = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(where, uri=True, check_same_thread=False)
        try:
            self._check(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        # Pages come from the file's cache, which processes share; what the file defines may call
        # no functions.
        connection.execute("PRAGMA mmap_size = 2147418112")
        connection.execute("PRAGMA trusted_schema = OFF")
        ((version,),) = connection.execute("PRAGMA user_version")
        if version == _VERSION:
            sizes = {
                kind: connection.execute(f"SELECT max(rank) + 1 FROM {kind}").fetchone()[0] or 0
                for kind in self._things
            }
        if version != _VERSION or sizes != {k: len(part.ids) for k, part in self._things.items()}:
            raise sqlite3.DatabaseError("it was written for another catalogue or version")


def _quoted(word: str) -> str:
    """A word as a string of FTS5's query language, in which nothing is a command."""
    return '"' + word.replace('"', '""') + '"'


def _loosened(words: list[str]) -> Iterator[str]:
    """Queries for what may have been meant: words cut short or left out."""

    def cut(word: str) -> str:
        return f"{_quoted(word[: max(1, min(3, len(word) // 2))])} *"

    begun = [f"{_quoted(word)} *" for word in words]
    for at, word in enumerate(words):
        rest = [*begun[:at], *begun[at + 1 :]]
        yield " AND ".join([*rest, cut(word)])
        yield " AND ".join(rest)
    yield " AND ".join(map(cut, words))
    if len(words) == 1 and len(words[0]) > 2:
        # The mistake may be at the very beginning: a letter too many, or two in the wrong order.
        (word,) = words
        yield cut(word[1:])
        yield cut(word[1] + word[0] + word[2:])


def _likeness(matcher: difflib.SequenceMatcher[str], label: str) -> float:
    """From 0 to 1; 0 where a look at length and letters shows that it is low."""
    matcher.set_seq1(label[: 2 * _LIKE_LENGTH])
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < _LIKE_CUTOFF:
        return 0.0
    return matcher.ratio()
