"""Names are found by the beginnings of their words, the best match first, whatever is typed."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.data.text import fold, query_words, words_of
from segue.errors import ArtefactError, InputError
from segue.names import search
from segue.names.name_file import NAMES_FILE, write_names
from segue.names.search import NameIndex

# name, artist, popularity
TRACKS = [
    ("Yesterday", "The Beatles", 90),
    ("Yesterday Once More", "Carpenters", 40),
    ("Let It Be", "The Beatles", 80),
    ("Back in Black", "AC/DC", 70),
    ("Thunderstruck", "AC/DC", 75),
    ("Love", "Nobody", 1),
    ("Love Story", "Taylor Swift", 60),
    ("All You Need Is Love", "The Beatles", 55),
    ("Lovely Day", "Bill Withers", 99),
    ("Café del Mar", "Energy 52", 5),
    ("First Love", "宇多田ヒカル", 33),
    ("残酷な天使のテーゼ", "高橋洋子", 20),
    ("Группа крови", "Кино", 12),
    ("انت عمري", "أم كلثوم", 11),
    ("ความรัก", "บอดี้สแลม", 9),
    ("강남스타일", "싸이", 66),
    ("!!!", "!!!", 2),
    ("AND OR NOT", "NEAR", 3),
    ("", "Nameless", 1),
    ("Blink-182 Is \"Great\" (Live)", "$ign*", 4),
    ("In the End", "Linkin Park", 88),
    ("In Theory Everything", "Anyone", 98),
]  # fmt: skip
TITLES = ["Road Trip", None, "trip hop", "夏の歌", "Trip"]


def catalog_of(tracks: list[tuple[str, str, int]]) -> Catalog:
    artists = list(dict.fromkeys(artist for _, artist, _ in tracks))
    return Catalog.of_columns(
        pa.array([f"t:{i}" for i in range(len(tracks))], pa.string()),
        pa.array([name for name, _, _ in tracks], pa.string()),
        pa.array([f"a:{i}" for i in range(len(artists))], pa.string()),
        pa.array(artists, pa.string()),
        pa.array([], pa.string()),
        pa.array([], pa.string()),
        np.array([artists.index(artist) for _, artist, _ in tracks], dtype=np.int32),
        np.full(len(tracks), -1, dtype=np.int32),
    )


CATALOG = catalog_of(TRACKS)
POPULARITY = np.array([popularity for *_, popularity in TRACKS], dtype=np.int64)
PLAYLISTS = Playlists(
    pa.array([f"p:{i}" for i in range(len(TITLES))]),
    pa.array(TITLES),
    np.zeros(len(TITLES), dtype=bool),
    TrackLists.from_lists([list(range(i + 1)) for i in range(len(TITLES))]),
)


IN_MEMORY = NameIndex(CATALOG, POPULARITY, PLAYLISTS)


@pytest.fixture(scope="module", params=["file", "memory"])
def index(request, tmp_path_factory) -> NameIndex:
    if request.param == "memory":
        return IN_MEMORY
    folder = tmp_path_factory.mktemp("names ?#%")  # what a URI would read otherwise
    write_names(folder, CATALOG, POPULARITY, PLAYLISTS)
    assert [path.name for path in folder.iterdir()] == [NAMES_FILE]
    return NameIndex(CATALOG, POPULARITY, PLAYLISTS, folder)


def titles(index: NameIndex, text: str, n: int = 10) -> list[str]:
    return [TRACKS[row][0] for row in index.tracks(text, n)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("yesterday beatles", ["Yesterday"]),
        ("beatles yesterday", ["Yesterday"]),
        ("yes beat", ["Yesterday"]),
        ("beat les yes", ["Yesterday"]),  # two words that are one
        ("acdc", ["Thunderstruck", "Back in Black"]),  # one word that is two
        ("ac/dc black", ["Back in Black"]),
        ("blink182", ['Blink-182 Is "Great" (Live)']),
        ("CAFE DEL", ["Café del Mar"]),
        ("cáfè", ["Café del Mar"]),
        ("ヒカル", ["First Love"]),  # within a name without spaces
        ("宇", ["First Love"]),
        ("多田 first", ["First Love"]),
        ("天使", ["残酷な天使のテーゼ"]),
        ("天子", []),
        ("рак", []),
        ("КРОВ", ["Группа крови"]),
        ("عمر", ["انت عمري"]),
        ("รัก", ["ความรัก"]),
        ("강남", ["강남스타일"]),
        ("!!!", ["!!!"]),
        ("esterday", []),  # no beginning of a word
        ("", []),
        ("  ", []),
    ],
)
def test_tracks_by_words_of_title_and_artist(index, text, found):
    assert titles(index, text) == found


def test_the_best_match_comes_first_and_among_equals_the_best_known(index):
    assert titles(index, "love") == [
        "Love",  # just this name, though hardly known
        "Love Story",  # this word
        "All You Need Is Love",
        "First Love",
        "Lovely Day",  # a word that begins so, though best known of all
    ]
    assert titles(index, "love", 2) == ["Love", "Love Story"]
    assert titles(index, "in the e") == ["In the End", "In Theory Everything"]
    assert titles(index, "yesterday") == ["Yesterday", "Yesterday Once More"]


def test_one_letter_finds_the_best_known(index):
    assert titles(index, "l", 3) == ["Lovely Day", "In the End", "Let It Be"]


def test_artists_and_playlists(index):
    def artists(text: str) -> list[str]:
        return [str(CATALOG.artists.names[int(row)]) for row in index.artists(text, 10)]

    assert artists("beat les") == ["The Beatles"]
    assert artists("ac dc") == artists("AcDc") == ["AC/DC"]
    assert artists("b") == ["The Beatles", "Bill Withers"]
    assert artists("yesterday") == [], "a title is not an artist's name"
    assert index.playlists("trip", 10).tolist() == [4, 2, 0], "just so, then the longest first"
    assert index.playlists("夏", 10).tolist() == [3]


def test_by_id_and_by_whole_name(index):
    assert index.with_id("track", "t:3") == 3
    assert index.with_id("playlist", "p:1") == 1, "one without a title, too"
    assert index.with_id("track", "a:0") is None
    assert index.with_id("track", "Yesterday") is None, "a name is no id"
    assert index.named("track", "YESTERDAY!") == [0]
    assert index.named("track", "t:3") == [], "an id is no name"
    assert index.named("artist", "ac dc") == [2]
    assert index.named("artist", "acdc") == [], "as it is spelt"
    assert index.named("track", "") == []


@pytest.mark.parametrize(
    ("kind", "text", "first"),
    [
        ("track", "yestreday", 0),
        ("track", "eysterday", 0),
        ("track", "yyesterday", 0),
        ("track", "yesterday beetles", 0),
        ("track", "yestreday beetles", 0),
        ("track", "let it bee beatles", 2),
        ("track", "残酷な天子のテーゼ", 11),
        ("artist", "the beatels", 0),
        ("artist", "carpentres", 1),
        ("playlist", "raod trip", 0),
    ],
)
def test_what_is_spelt_much_alike(index, kind, text, first):
    assert index.search(kind, text, 5).tolist() == []
    assert index.fuzzy(kind, text)[0] == first


def test_beside_a_close_one_no_other_is_named(index):
    assert index.fuzzy("track", "love storry") == [6]


@pytest.mark.parametrize(
    "text",
    [
        '"', '""', "'", "*", "yes*", "^yes", "words: yes", "words : \"a\"", "AND", "OR", "NOT",
        "yes AND", "NEAR(a b)", "(", ")", "{words} : a", "-yes", "+", "a + b", "; DROP TABLE track",
        "%", "_", "\\", "\x00", "a\x00b", "\ud800", "🎵", "\u200d", "a" * 100_000, "a " * 5_000,
    ],
)  # fmt: skip
def test_nothing_that_is_typed_is_a_command(index, text):
    for kind in index.kinds:
        index.search(kind, text, 5)
        index.named(kind, text)
        index.fuzzy(kind, text)
        assert index.with_id(kind, text) is None


def test_what_looks_like_a_query_is_text(index):
    assert titles(index, "and or not") == ["AND OR NOT"]
    assert titles(index, "NEAR(") == ["AND OR NOT"]
    assert titles(index, "-yesterday") == titles(index, "yesterday")
    assert titles(index, "ye*") == titles(index, "ye")
    assert titles(index, "words:yesterday") == []
    assert titles(index, '"great" (live)') == ['Blink-182 Is "Great" (Live)']


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8), st.data())
def test_every_name_is_found_by_itself_and_by_its_beginnings(names, data):
    tracks = [(name, "By", 0) for name in names]
    index = NameIndex(catalog_of(tracks), np.zeros(len(tracks), dtype=np.int64))
    at = data.draw(st.integers(0, len(names) - 1))
    by_itself = index.tracks(names[at], len(names)).tolist()
    if any(character.isprintable() and not character.isspace() for character in names[at]):
        assert at in by_itself
        assert at in index.named("track", names[at])
    words = names[at].split()
    begun = [word[: data.draw(st.integers(1, len(word)))] for word in words]
    if words and all(word.isascii() and word.isalnum() for word in words):
        assert at in index.tracks(" ".join(begun), len(names))


def by_reading_all(text: str) -> list[int]:
    """What a search finds by the rules, read from all tracks; two words as one left out."""
    asked = query_words(text)
    order = []
    for row, (name, artist, popularity) in enumerate(TRACKS):
        held = {*words_of(name), *words_of(artist)}
        if not all(any(word.startswith(begun) for word in held) for begun in asked):
            continue
        just_so = fold(name).replace(" ", "") == fold(text).replace(" ", "")
        looseness = 0 if held >= {*asked} else 1 if held >= {*asked[:-1]} else 2
        order.append((not just_so, looseness, -popularity, row))
    return [row for *_, row in sorted(order)]


WORDS = sorted({word for name, artist, _ in TRACKS for word in words_of(f"{name} {artist}")})


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.data(), st.integers(1, 3))
def test_a_search_finds_what_reading_all_names_would(words, data, n):
    text = " ".join(word[: data.draw(st.integers(1, len(word)))] for word in words)
    expected = by_reading_all(text)
    assert IN_MEMORY.tracks(text, 100)[: len(expected)].tolist() == expected
    if len(expected) >= n:
        assert IN_MEMORY.tracks(text, n).tolist() == expected[:n]


@pytest.mark.parametrize("text", ["yesterday beatles", "lovel", "thunde", "beatle", "linki endxx"])
def test_a_beginning_of_very_many_words_finds_the_same(index, text, monkeypatch):
    few = index.tracks(text, 5).tolist()
    monkeypatch.setattr(search, "_MAX_TERMS", 0)
    assert index.tracks(text, 5).tolist() == few


def test_of_very_many_tracks_only_the_best_known_are_looked_at_for_whole_words(monkeypatch):
    assert titles(IN_MEMORY, "in the", 1) == ["In the End"]
    monkeypatch.setattr(search, "_MOST_RANKS", 1)
    assert titles(IN_MEMORY, "in the", 1) == ["In Theory Everything"]


@given(st.text(max_size=20), st.integers(1, 4))
def test_a_short_list_is_the_beginning_of_a_long_one(text, n):
    for kind in IN_MEMORY.kinds:
        long = IN_MEMORY.search(kind, text, 100)
        assert len(set(long.tolist())) == len(long)
        assert IN_MEMORY.search(kind, text, n).tolist() == long[:n].tolist()


def test_the_same_names_give_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_names(tmp_path / name, CATALOG, POPULARITY, PLAYLISTS)
    one, other = ((tmp_path / name / NAMES_FILE).read_bytes() for name in ("one", "other"))
    assert one == other


def test_without_playlists_no_title_is_in_the_file(tmp_path):
    write_names(tmp_path, CATALOG, POPULARITY)
    content = (tmp_path / NAMES_FILE).read_bytes()
    assert b"playlist" not in content
    assert b"yesterday" in content
    index = NameIndex(CATALOG, POPULARITY, None, tmp_path)
    assert titles(index, "yes beat") == ["Yesterday"]
    with pytest.raises(InputError, match="made without playlists"):
        index.playlists("trip", 3)


@pytest.mark.parametrize("n", [0, -1])
def test_a_list_has_a_length(index, n):
    with pytest.raises(InputError, match=f"must be at least 1, not {n}"):
        index.tracks("yesterday", n)


def test_where_there_is_no_file_the_index_is_built_in_memory(tmp_path):
    """A bundle of an older version."""
    index = NameIndex(CATALOG, POPULARITY, PLAYLISTS, tmp_path)
    assert titles(index, "yes beat") == ["Yesterday"]
    assert list(tmp_path.iterdir()) == []


def damaged(content: bytes) -> bytes:
    """Pages of zeros but for the first."""
    return content[:4096] + bytes(len(content) - 4096)


DAMAGE = {
    "no database": lambda content: b"Not a database, whatever its name says. " * 200,
    "empty": lambda content: b"",
    "cut": lambda content: content[:5000],
    "zeros": damaged,
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_named_in_one_sentence(tmp_path, case):
    write_names(tmp_path, CATALOG, POPULARITY, PLAYLISTS)
    path = tmp_path / NAMES_FILE
    path.write_bytes(DAMAGE[case](path.read_bytes()))
    index = NameIndex(CATALOG, POPULARITY, PLAYLISTS, tmp_path)
    for _ in range(2):
        with pytest.raises(ArtefactError) as caught:
            index.tracks("yesterday", 5)
        assert str(caught.value).startswith(f"{path}: cannot be read as an index of names (")
        assert "\n" not in str(caught.value)


LOOP = (
    "WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM c) "
    "SELECT x AS rank, x AS row FROM c"
)
CHANGES = {
    "a row that does not exist": ["UPDATE track SET row = 1000"],
    "a negative row": ["UPDATE track SET row = -1"],
    "text for a row": ["UPDATE track SET row = 'x'"],
    "a view that never ends": ["DROP TABLE track", f"CREATE VIEW track AS {LOOP}"],
    "a computed column": [
        "DROP TABLE track",
        "CREATE TABLE track (rank INTEGER PRIMARY KEY, row AS (zeroblob(1000000000)))",
    ],
    "another table's index": ["CREATE INDEX track_more ON track (abs(row))"],
    "a table gone": ["DROP TABLE track_key"],
    "a name that is no UTF-8": [
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = CAST(x'ff41' AS TEXT) WHERE name = 'track'",
    ],
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_database_made_to_harm_is_refused(tmp_path, case):
    """As a stranger's bundle may hold, with a checksum that is right."""
    write_names(tmp_path, CATALOG, POPULARITY, PLAYLISTS)
    with closing(sqlite3.connect(tmp_path / NAMES_FILE, isolation_level=None)) as connection:
        for statement in CHANGES[case]:
            connection.execute(statement)
    index = NameIndex(CATALOG, POPULARITY, PLAYLISTS, tmp_path)
    started = time.process_time()
    for ask in (lambda: index.tracks("yesterday", 5), index.check):
        with pytest.raises(ArtefactError, match=r"names\.sqlite: cannot be read as an index"):
            ask()
    assert time.process_time() - started < 1


def test_a_length_that_asks_for_all_memory_is_refused(tmp_path):
    write_names(tmp_path, CATALOG, POPULARITY, PLAYLISTS)
    index = NameIndex(CATALOG, POPULARITY, PLAYLISTS, tmp_path)

    class Greedy:
        def execute(self, *_: object) -> None:
            raise MemoryError

        def close(self) -> None:
            pass

    index._connection = Greedy()
    with pytest.raises(ArtefactError, match="it asks for more memory than there is"):
        index.tracks("yesterday", 5)


def test_a_whole_file_is_checked_and_so_is_an_index_in_memory(tmp_path):
    write_names(tmp_path, CATALOG, POPULARITY, PLAYLISTS)
    NameIndex(CATALOG, POPULARITY, PLAYLISTS, tmp_path).check()
    IN_MEMORY.check()


def test_the_file_of_another_catalogue_or_version_is_refused(tmp_path):
    write_names(tmp_path, catalog_of(TRACKS[1:]), POPULARITY[1:], PLAYLISTS)
    index = NameIndex(CATALOG, POPULARITY, PLAYLISTS, tmp_path)
    with pytest.raises(ArtefactError, match="written for another catalogue"):
        index.tracks("yesterday", 5)
    (tmp_path / NAMES_FILE).unlink()
    write_names(tmp_path, CATALOG, POPULARITY)
    with sqlite3.connect(tmp_path / NAMES_FILE) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ArtefactError, match="another catalogue or version"):
        NameIndex(CATALOG, POPULARITY, None, tmp_path).tracks("yesterday", 5)


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(OSError, match=NAMES_FILE):
        write_names(tmp_path / "gone", CATALOG, POPULARITY)


def test_threads_share_it(tmp_path):
    write_names(tmp_path, CATALOG, POPULARITY, PLAYLISTS)
    index = NameIndex(CATALOG, POPULARITY, PLAYLISTS, tmp_path)
    start, found = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        found.extend(titles(index, "beat les yes") for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["Yesterday"]] * 400


def test_nothing_is_written_beside_a_file_that_is_read(index):
    path = index._path
    if path is not None:
        index.tracks("yesterday", 1)
        assert [Path(file).name for file in path.parent.iterdir()] == [NAMES_FILE]


def test_an_empty_catalogue(tmp_path):
    write_names(tmp_path, catalog_of([]), np.zeros(0, dtype=np.int64))
    index = NameIndex(catalog_of([]), np.zeros(0, dtype=np.int64), None, tmp_path)
    assert index.tracks("a", 3).tolist() == []
    assert index.tracks("a", 3).dtype == np.int32
