"""Search for tracks, artists and playlists by words of their names, best match first."""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rapidfuzz.distance import Indel

from segue.data.playlists import Catalog, Int32Array, Int64Array, Playlists
from segue.data.relations import Nodes
from segue.data.text import fold, query_words, words_of
from segue.errors import ArtefactError, InputError
from segue.names.name_file import (
    NAMES_FILE,
    NUM_INDEXED_LETTERS,
    VERSION,
    Kind,
    create_tables,
    fill_names,
    hash_of,
    name_key,
    nodes_by_kind,
)

KINDS: tuple[Kind, ...] = ("artist", "track", "playlist")
_MAX_TERMS = 128  # A prefix expands to at most this many words.
_MAX_JOINED = 4  # A query of at most this many words may have two of them joined.
_MOST_RANKS = 250_000  # Several words are matched whole among at most this many names.
_MAX_RANK = 2**31
_MOST_SECONDS = 5.0  # A query of millions of names takes milliseconds.
_MOST_TO_CHECK = 600.0
_FUZZY_LIMIT, _FUZZY_CUTOFF, _FUZZY_SPREAD, _FUZZY_LENGTH = 300, 0.6, 0.15, 100


class NameIndex:
    """Finds tracks, artists and playlists by their ids, names, or the words in them.

    Its file is opened on the first search; if there is none (a bundle made in memory), or one of an
    older version, the index is built in memory then. Threads may share it; a process must fork
    before the first search.

    Parameters
    ----------
    catalog, popularity, playlists
        As for `write_names`.
    folder
        The folder in which `write_names` may have written its file.

    Raises
    ------
    ArtefactError
        From any search, if the file is damaged or was written for another catalogue.
    """

    def __init__(
        self,
        catalog: Catalog,
        popularity: Int64Array,
        playlists: Playlists | None = None,
        folder: Path | None = None,
    ) -> None:
        self.catalog, self.popularity, self._playlists = catalog, popularity, playlists
        self._nodes = nodes_by_kind(catalog, playlists)
        self._path = folder / NAMES_FILE if folder is not None else None
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds it finds: playlists only if there are any."""
        return tuple(kind for kind in KINDS if kind in self._nodes)

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
        """Names that contain all words of a text, or words with those prefixes, best first.

        A track is also found by words of its artist. First come names equal to the text, then those
        that contain its words, then those that match the last word as a prefix, then any word as a
        prefix, and if that is not enough, those that write two words as one; the best-known first
        in each group. For several very frequent words, whole-word matches come first only among the
        250,000 best-known names.

        Parameters
        ----------
        kind
        text
            Any text: no part of it is interpreted as query syntax.
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
        found = dict.fromkeys(self._with_name(kind, folded, n)) if folded else {}
        begun, whole = self._expand(kind, words), [_quoted(word) for word in words]
        loose = self._matching(kind, begun, n)
        if len(loose) < n:  # there are no more
            found.update(dict.fromkeys(sorted(loose, key=lambda row: self._tier(kind, row, words))))
            for at, pair in enumerate(pairwise(words if len(words) <= _MAX_JOINED else ())):
                if max(map(len, pair)) > 1:  # half of all words may begin with two given letters
                    joined = self._expand(kind, ["".join(pair)])
                    joined = [*begun[:at], *joined, *begun[at + 2 :]]
                    found.update(dict.fromkeys(self._matching(kind, joined, n)))
        else:
            # Several frequent words that no single name combines would take long.
            among = _MOST_RANKS if len(words) > 1 else len(self.ids(kind))
            for way in (whole, [*whole[:-1], begun[-1]]):
                found.update(dict.fromkeys(self._matching(kind, way, n, among)))
            found.update(dict.fromkeys(loose))
        return np.array(list(found)[:n], dtype=np.int32)

    def with_id(self, kind: Kind, an_id: str) -> int | None:
        """Row of the one with this id, None if there is none."""
        ids = self.ids(kind)
        rows = self._by_key(kind, hash_of("id", an_id))
        return next((row for row in rows if ids[row].as_py() == an_id), None)

    def named(self, kind: Kind, text: str) -> list[int]:
        """Rows of all names that fold to the same as `text`, best-known first."""
        folded = fold(text)
        rows = self._with_name(kind, folded) if folded else []
        return [row for row in rows if fold(self._name(kind, row)) == folded]

    def keyed(self, kind: Kind, keys: Sequence[str], n: int) -> list[int]:
        """Rows of at most `n` names that may have one of these keys, best-known first.

        Keys are those of `segue.names.titles`; as hashes may collide, compare them again.
        """
        hashes = sorted({name_key(key) for key in keys if key})
        places = ", ".join("?" * len(hashes))
        query = (
            f"SELECT DISTINCT rank, row FROM {kind}_key JOIN {kind} USING (rank) "
            f"WHERE key IN ({places}) ORDER BY rank LIMIT ?"
        )
        return [row for _, row in self._rows(kind, query, *hashes, n)] if hashes else []

    def with_alias(self, alias: str) -> list[int]:
        """Rows of the tracks with an alias, best-known first."""
        aliases = self.catalog.tracks.aliases
        if aliases is None:
            return []
        rows = self._by_key("track", hash_of("alias", alias))
        return [row for row in rows if alias in aliases[row].as_py()]

    def is_word(self, kind: Kind, word: str, more_than: int = 0) -> bool:
        """Whether more than `more_than` names of this kind have a word."""
        query = f"SELECT 1 FROM {kind}_words WHERE {kind}_words MATCH ? LIMIT ?"
        return bool(word) and len(self._select(query, _quoted(word), more_than + 1)) > more_than

    def fuzzy(self, kind: Kind, text: str, n: int = 5) -> list[int]:
        """Rows of the names spelt most like the text, the most similar first.

        For tracks, title and artist together count as well. About 300 well-known candidates that
        share word prefixes with it, or all words but one, are considered.
        """
        wanted, words = fold(text)[:_FUZZY_LENGTH], query_words(text)
        near: dict[int, int] = {}  # row → rank
        ways = dict.fromkeys(_relaxed(words))
        for way in ways:
            begun = self._expand(kind, way)
            limit = _FUZZY_LIMIT // len(ways)
            near.update((row, rank) for rank, row in self._ranked(kind, begun, limit))
        alike = []
        for row, rank in near.items():
            # The share of letters that both contain in the same order; 0 below the cutoff.
            likeness = max(
                Indel.normalized_similarity(wanted, label, score_cutoff=_FUZZY_CUTOFF)
                for label in self._labels(kind, row)
            )
            if likeness:
                alike.append((-likeness, rank, row))
        alike.sort()
        # Next to a close match, a much weaker one is hardly meant.
        return [row for less, _, row in alike[:n] if less <= alike[0][0] + _FUZZY_SPREAD]

    def _labels(self, kind: Kind, row: int) -> Iterator[str]:
        name = fold(self._name(kind, row))[: 2 * _FUZZY_LENGTH]
        yield name
        for artist_row in self.catalog.relations["artist"][row] if kind == "track" else ():
            artist = fold(str(self.catalog.artists.names[int(artist_row)]))
            yield f"{name} {artist}"
            yield f"{artist} {name}"

    def ids(self, kind: Kind) -> pa.Array:
        """Arrow string [num_nodes of the kind]."""
        return self._of(kind).ids

    def names(self, kind: Kind) -> pa.Array:
        """Arrow string [num_nodes of the kind]; null where a playlist has no title."""
        return self._of(kind).names

    def _of(self, kind: Kind) -> Nodes:
        if kind not in self._nodes:
            raise InputError(
                f"this bundle was made without {kind}s (--no-playlists), so none can be named"
            )
        return self._nodes[kind]

    def _name(self, kind: Kind, row: int) -> str:
        return self.names(kind)[row].as_py() or ""

    def _with_name(self, kind: Kind, folded: str, n: int = -1) -> list[int]:
        """Those with this name, ignoring spaces."""
        rows, bare = self._by_key(kind, name_key(folded), n), folded.replace(" ", "")
        return [row for row in rows if fold(self._name(kind, row)).replace(" ", "") == bare]

    def _by_key(self, kind: Kind, key: int, n: int = -1) -> list[int]:
        query = f"SELECT row FROM {kind}_key JOIN {kind} USING (rank) WHERE key = ? ORDER BY rank"
        return [row for (row,) in self._rows(kind, f"{query} LIMIT ?", key, n)]

    def _matching(self, kind: Kind, words: list[str], n: int, among: int = _MAX_RANK) -> list[int]:
        """Rows of the best-known names that match all of these FTS5 expressions."""
        return [row for _, row in self._ranked(kind, words, n, among)]

    def _ranked(
        self, kind: Kind, words: list[str], n: int, among: int = _MAX_RANK
    ) -> list[tuple[int, int]]:
        query = (
            f"SELECT {kind}.rank, row FROM {kind}_words CROSS JOIN {kind} ON {kind}.rank = "
            f"{kind}_words.rowid WHERE {kind}_words MATCH ? AND {kind}_words.rowid < ? "
            f"ORDER BY {kind}_words.rowid LIMIT ?"
        )
        if not words or not all(words):
            return []
        return self._rows(kind, query, " AND ".join(words), among, n)

    def _expand(self, kind: Kind, words: Sequence[str]) -> list[str]:
        """FTS5 expressions for all words with these prefixes; empty where there are none."""
        return [self._prefix(kind, word) for word in words]

    def _prefix(self, kind: Kind, word: str) -> str:
        if len(word) > NUM_INDEXED_LETTERS:
            query = f"SELECT word FROM {kind}_word WHERE word BETWEEN ? AND ? LIMIT ?"
            terms = self._select(query, word, word + chr(0x10FFFF), _MAX_TERMS + 1)
            if len(terms) <= _MAX_TERMS:
                each = " OR ".join(_quoted(term) for (term,) in terms)
                return f"({each})" if each else ""
        return f"{_quoted(word)} *"

    def _tier(self, kind: Kind, row: int, words: list[str]) -> int:
        """0 if a name contains all words, 1 if the last one matches as a prefix, else 2."""
        held = set(words_of(self._name(kind, row)))
        if kind == "track":
            held.update(words_of(self.catalog.artist_of(np.array([row]))[0].as_py()))
        return 0 if held.issuperset(words) else 1 if held.issuperset(words[:-1]) else 2

    def _rows(self, kind: Kind, query: str, *values: Any) -> list[Any]:
        """What a query finds, of which the last column is rows of a kind."""
        found, number = self._select(query, *values), len(self._nodes[kind])
        if not all(type(row) is int and 0 <= row < number for *_, row in found):
            raise self._unreadable(f"it names {kind}s that do not exist")
        return found

    def _select(self, query: str, *values: Any, seconds: float = _MOST_SECONDS) -> list[Any]:
        # A connection runs one query at a time; SQLite lets other threads run meanwhile.
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                    weakref.finalize(self, self._connection.close)
                self._deadline = time.monotonic() + seconds
                return self._connection.execute(query, values).fetchall()
            except (sqlite3.Error, UnicodeError) as error:
                raise self._unreadable(error) from error
            except MemoryError as error:  # A damaged page may state any length.
                raise self._unreadable("it asks for more memory than there is") from error

    def _unreadable(self, reason: object) -> ArtefactError:
        where = self._path or "names"
        return ArtefactError(f"{where}: cannot be read as an index of names ({reason})")

    def _open(self) -> sqlite3.Connection:
        if self._path is None or not self._path.is_file():
            return self._in_memory()
        where = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(where, uri=True, check_same_thread=False)
        try:
            # No function is called that a file names, and cells are looked at before they are used
            # (https://sqlite.org/security.html).
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.set_progress_handler(self._is_late, 100_000)
            self._deadline = time.monotonic() + _MOST_SECONDS
            ((version,),) = connection.execute("PRAGMA user_version")
            if 0 < version < VERSION:
                connection.close()
                return self._in_memory()
            self._check(connection, version)
        except (sqlite3.Error, UnicodeError):
            connection.close()
            raise
        return connection

    def _in_memory(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        fill_names(connection, self.catalog, self.popularity, self._playlists)
        return connection

    def check(self) -> None:
        """Look at all of the file, where there is one (ArtefactError if something is wrong)."""
        for kind in self.kinds:
            rows = self._select(f"SELECT row FROM {kind} ORDER BY row", seconds=_MOST_TO_CHECK)
            if rows != [(row,) for row in range(len(self._nodes[kind]))]:
                raise self._unreadable(f"its {kind}s are not those of the catalogue")
        if self._select("PRAGMA integrity_check(1)", seconds=_MOST_TO_CHECK) != [("ok",)]:
            raise self._unreadable("its pages do not fit together")

    def _is_late(self) -> bool:
        """Whether a query takes longer than any should: one over a table that leads in circles."""
        return time.monotonic() > self._deadline

    def _check(self, connection: sqlite3.Connection, version: int) -> None:
        # Tables as they are written here, and nothing else: no view, no computed column.
        stated = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
        with closing(sqlite3.connect(":memory:")) as empty:
            create_tables(empty, KINDS)
            ours = {row for row in empty.execute(stated) if row[2].split("_")[0] in self._nodes}
        theirs = {
            row for row in connection.execute(stated) if str(row[2]).split("_")[0] in self._nodes
        }
        if version == VERSION and ours != theirs:
            raise sqlite3.DatabaseError("its tables are others")
        if version == VERSION:
            sizes = {
                kind: connection.execute(f"SELECT max(rank) + 1 FROM {kind}").fetchone()[0] or 0
                for kind in self._nodes
            }
        if version != VERSION or sizes != {k: len(part.ids) for k, part in self._nodes.items()}:
            raise sqlite3.DatabaseError("it was written for another catalogue or version")


def _quoted(word: str) -> str:
    """A word as an FTS5 string literal, so that nothing in it is query syntax."""
    return '"' + word.replace('"', '""') + '"'


def _relaxed(words: list[str]) -> Iterator[tuple[str, ...]]:
    """Variants that may have been meant: words cut short or left out."""

    def cut(word: str, most: int = 3) -> str:
        return word[: max(1, min(most, len(word) // 2))]

    for at, word in enumerate(words):
        before, after = words[:at], words[at + 1 :]
        yield (*before, cut(word), *after)
        yield (*before, cut(word, len(word)), *after)
        if len(words) > 1:
            yield (*before, *after)
    if len(words) > 1:
        yield tuple(cut(word) for word in words)
        yield from ((cut(word),) for word in words if len(word) > 3)
    elif words and len(words[0]) > 2:
        # The mistake may be at the very beginning: an extra letter, or two swapped.
        (word,) = words
        yield (cut(word[1:]),)
        yield (cut(word[1] + word[0] + word[2:]),)
