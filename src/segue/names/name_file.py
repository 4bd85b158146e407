"""The names file of a bundle: an SQLite database with the words of each name.

Each kind of node (track, artist, playlist) has four tables in ``names.sqlite``:

- ``track`` holds the catalogue's row of each *rank*: 0 is the best-known track.
- ``track_key`` finds ranks by the hash of an id, of an alias, of a whole name, and of what
  `segue.names.titles` makes of a name. Hashes may collide, so results are checked against the
  catalogue.
- ``track_words`` is a full-text index (FTS5) of the words of each name, a track's artist included.
  Its rowids are ranks, so the best-known matches come first and a query may stop early, and it
  indexes every prefix of one to four letters, as many names share those.
- ``track_word`` lists the words, so that a longer prefix expands to a few whole words. (FTS5 would
  collect all matches of a prefix before it returns the first.)

Text is folded before SQLite sees it, so SQLite's own handling of case and accents is irrelevant.
"""

from __future__ import annotations

import sqlite3
import string
import zlib
from collections.abc import Iterable
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue.data.playlists import Catalog, Int64Array, Playlists
from segue.data.relations import Nodes
from segue.data.text import fold, words_of
from segue.names.titles import artist_keys, title_of

Kind = Literal["artist", "track", "playlist"]
NAMES_FILE = "names.sqlite"
VERSION = 2
NUM_INDEXED_LETTERS = 4

_CHUNK = 50_000  # Names held in memory at a time while an index is written.
_CACHE_KIB = 64 << 10  # SQLite's cache while it writes one.


def hash_of(what: str, text: str) -> int:
    """A hash of an id or a name, the same in every process: int32."""
    number = zlib.crc32(f"{what}:{text}".encode("utf-8", "surrogatepass"))
    return number - (1 << 31)


def name_key(folded: str) -> int:
    """The hash of a folded name, ignoring spaces."""
    return hash_of("name", folded.replace(" ", ""))


def _further_keys(kind: Kind, name: str, folded: str) -> set[int]:
    """Hashes of the keys that other spellings of a name have, too."""
    if kind == "playlist":
        return set()
    if kind == "artist":
        keys = set(artist_keys(name))
    else:
        title = title_of(name)
        keys = {title.song, title.bare}
    return {name_key(key) for key in keys if key and key != folded.replace(" ", "")}


# For SQLite every character is part of a word: only spaces separate words.
_PUNCTUATION = string.punctuation.replace("'", "''").replace('"', '""')
_TOKENIZER = f"ascii tokenchars '{_PUNCTUATION}'"
_SCHEMA = (
    "CREATE TABLE {kind} (rank INTEGER PRIMARY KEY, row INTEGER NOT NULL)",
    "CREATE TABLE {kind}_key (key INTEGER, rank INTEGER, PRIMARY KEY (key, rank)) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE {kind}_words USING fts5(words, content='', detail='none', "
    """columnsize=0, prefix='1 2 3 4', tokenize="{tokenizer}")""",
    # How much is gathered in memory before it is written: merging many small parts is slow.
    "INSERT INTO {kind}_words({kind}_words, rank) VALUES ('hashsize', 33554432)",
    "CREATE TABLE {kind}_word (word TEXT PRIMARY KEY) WITHOUT ROWID",
)


def nodes_by_kind(catalog: Catalog, playlists: Playlists | None) -> dict[Kind, Nodes]:
    """Ids and names of each kind; playlists only if there are any."""
    nodes: dict[Kind, Nodes] = {"artist": catalog.artists, "track": catalog.nodes["track"]}
    if playlists is not None:
        nodes["playlist"] = Nodes(playlists.ids, playlists.titles)
    return nodes


def write_names(
    folder: Path, catalog: Catalog, popularity: Int64Array, playlists: Playlists | None = None
) -> None:
    """Write ``names.sqlite`` into a folder: the same bytes for the same names and SQLite version.

    Parameters
    ----------
    folder
    catalog
    popularity : int64 [num_tracks]
        Well-known tracks come first among equal matches, as do artists with well-known tracks.
    playlists
        The longest come first. Without playlists the file has no titles.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    unpacked = folder / f"{NAMES_FILE}.unpacked"
    try:
        with closing(sqlite3.connect(unpacked, isolation_level=None)) as connection:
            fill_names(connection, catalog, popularity, playlists)
            # Drops the free pages left by merging the index.
            connection.execute("VACUUM INTO ?", [str(folder / NAMES_FILE)])
    except sqlite3.Error as error:  # a full disk, among others
        raise OSError(f"{NAMES_FILE}: {error}") from error
    finally:
        unpacked.unlink(missing_ok=True)


def create_tables(connection: sqlite3.Connection, kinds: Iterable[Kind]) -> None:
    """Create the tables of some kinds in an empty database."""
    for kind in kinds:
        for statement in _SCHEMA:
            connection.execute(statement.format(kind=kind, tokenizer=_TOKENIZER))


def fill_names(
    connection: sqlite3.Connection,
    catalog: Catalog,
    popularity: Int64Array,
    playlists: Playlists | None,
) -> None:
    """Write all tables into an empty database; see `write_names`."""
    for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("BEGIN")
    by = catalog.relations["artist"]
    prominence: dict[Kind, NDArray[Any]] = {
        "artist": np.bincount(by.target_index, popularity[by.source_index], by.num_targets),
        "track": popularity,
    }
    if playlists is not None:
        prominence["playlist"] = playlists.tracks.lengths
    words_of_artist = lru_cache(_CHUNK)(words_of)
    of_kinds = nodes_by_kind(catalog, playlists)
    create_tables(connection, of_kinds)
    for kind, nodes in of_kinds.items():
        row_of_rank = np.argsort(-prominence[kind], kind="stable").astype(np.int32)
        keys = np.zeros((len(row_of_rank), 2), dtype=np.int32)
        has_name = np.zeros(len(row_of_rank), dtype=bool)
        further: list[tuple[int, int]] = []
        for start in range(0, len(row_of_rank), _CHUNK):
            rows = row_of_rank[start : start + _CHUNK]
            ranks = range(start, start + len(rows))
            place = pa.array(rows)
            ids, names = (part.take(place).to_pylist() for part in (nodes.ids, nodes.names))
            artists = catalog.artist_of(rows).to_pylist() if kind == "track" else [""] * len(rows)
            lines = []
            aliases = nodes.aliases.take(place).to_pylist() if nodes.aliases is not None else ()
            for rank, those in zip(ranks, aliases, strict=False):
                further += [(hash_of("alias", alias), rank) for alias in those]
            for rank, an_id, name, artist in zip(ranks, ids, names, artists, strict=True):
                keys[rank, 0] = hash_of("id", an_id)
                if name is not None:
                    folded = fold(name)
                    has_name[rank], keys[rank, 1] = True, name_key(folded)
                    further += [(key, rank) for key in _further_keys(kind, name, folded)]
                lines.append((rank, " ".join([*words_of(name or ""), *words_of_artist(artist)])))
            connection.executemany(f"INSERT INTO {kind}_words(rowid, words) VALUES (?, ?)", lines)
        connection.execute(f"INSERT INTO {kind}_words({kind}_words) VALUES ('optimize')")
        connection.execute(
            f"CREATE VIRTUAL TABLE temp.{kind}_terms USING fts5vocab(main, {kind}_words, row)"
        )
        connection.execute(f"INSERT INTO {kind}_word SELECT term FROM {kind}_terms")
        _insert(connection, kind, np.arange(len(row_of_rank)), row_of_rank)
        named = np.flatnonzero(has_name)
        more = np.array(further, dtype=np.int64).reshape(-1, 2).T
        key = np.concatenate([keys[:, 0], keys[named, 1], more[0]])
        rank_of_key = np.concatenate([np.arange(len(keys)), named, more[1]])
        in_order = np.lexsort((rank_of_key, key))
        _insert(connection, f"{kind}_key", key[in_order], rank_of_key[in_order])
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, table: str, *columns: NDArray[np.integer]) -> None:
    for start in range(0, len(columns[0]), _CHUNK):
        values = (column[start : start + _CHUNK].tolist() for column in columns)
        rows = zip(*values, strict=True)
        connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", rows)
