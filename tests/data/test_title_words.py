"""Words of titles: one by one, and as a relation of playlists."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.data.title_words import (
    Vocabulary,
    is_part,
    is_rare,
    is_shown,
    parts_of,
    title_words,
    with_title_words,
)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Road Trip!", ["road", "trip"]),
        ("ROAD   trip, road-trip", ["road", "trip"]),
        ("Été à la plage", ["ete", "a", "la", "plage"]),
        ("Don't stop", ["dont", "stop"]),
        ("80's & 90’s", ["80s", "90s"]),
        ("summer 2019", ["summer", "2019"]),
        ("Лето", ["лето"]),
        ("夏の歌", ["夏の", "の歌"]),
        ("🔥🔥 gym 🔥", ["gym", "🔥"]),
        ("❤️", ["❤"]),
        ("love❤love", ["love", "❤"]),
        ("👋🏽 hi 👋", ["hi", "👋"]),
        ("🇸🇪🇳🇴", ["🇸🇪", "🇳🇴"]),
        ("👩\u200d🎤 pop", ["pop", "👩\u200d🎤"]),
        ("my playlist for running", ["my", "playlist", "for", "running"]),
        ("!!!", []),
        ("…", []),
        ("", []),
        (None, []),
        ("Playlist 17", []),
        ("playlist #3", []),
        ("My Playlist", []),
        ("New playlist (2)", []),
        ("untitled", []),
        ("Untitled Playlist 4", []),
        ("Meine Playlist Nr. 2", []),
        ("Ma playlist n°1", []),
        ("Mi lista n.º 4", []),
        ("Mój playlista", ["moj", "playlista"]),
        ("Moja playlista", []),
        ("Мой плейлист № 1", []),
        ("マイプレイリスト #2", []),
        ("我的歌单", []),
        ("새 플레이리스트 3", []),
        ("17", ["17"]),
        ("Road trip, continued", ["road", "trip"]),
        ("Road, continued, continued", ["road"]),
        ("Playlist 9, continued", []),
    ],
)
def test_words_of_a_title(title, words):
    assert title_words(title) == words


@given(st.text(max_size=40))
def test_words_are_words(title):
    words = title_words(title)
    assert len(set(words)) == len(words)
    assert all(word and word == word.strip() for word in words)
    assert title_words(title.upper().lower()) == title_words(title.lower())


def titled(titles: list[str | None], small_catalog: Catalog, min_titles: int):
    playlists = Playlists(
        ids=pa.array([str(row) for row in range(len(titles))]),
        titles=pa.array(titles, pa.string()),
        order_known=np.zeros(len(titles), dtype=bool),
        tracks=TrackLists.from_lists([[row % 6] for row in range(len(titles))]),
    )
    return with_title_words(playlists, small_catalog, min_titles)


def test_a_word_stands_in_a_few_titles(small_catalog):
    titles = ["Road trip", None, "trip, trip", "ROAD TRIP", "road", "Playlist 1", "Road trip"]
    playlists, catalog = titled(titles, small_catalog, 3)
    catalog.check_holds(playlists)
    assert catalog.nodes["word"].names.to_pylist() == ["road", "trip"]
    relation = playlists.relations["word"]
    assert relation.key == ("playlist", "titled", "word")
    found = [relation[row].tolist() for row in range(len(titles))]
    assert found == [[0, 1], [], [1], [0, 1], [0], [], [0, 1]]
    fewer, smaller = titled([*titles, "rare trip"], small_catalog, 5)
    assert smaller.nodes["word"].ids.to_pylist() == ["trip", "~<road>"]
    assert fewer.relations["word"].target_degree.tolist() == [5, 4]


def test_a_rare_word_is_known_and_never_shown(small_catalog):
    """In two titles up to one too few: by itself, not by parts, and under an id nobody sees."""
    titles = ["gym one", "gym two", "gym 夏の", "夏の", "gymx 99", "gymx 99", "zephyr", "ヨガ"]
    playlists, catalog = titled(titles, small_catalog, 3)
    ids = catalog.nodes["word"].ids.to_pylist()
    assert ids == ["gym", "~<夏の>", "~<gymx>", "~<99>"]
    assert [is_shown(word) for word in ids] == [True, False, False, False]
    assert [is_rare(word) for word in ids] == [False, True, True, True]
    assert not any(map(is_part, ids))
    relation = playlists.relations["word"]
    assert [relation[row].tolist() for row in range(8)] == [
        [0], [0], [0, 1], [1], [2, 3], [2, 3], [], [],
    ]  # fmt: skip
    read = Vocabulary(catalog.nodes["word"])
    assert read.rows_of("GYMX, 99 夏の zephyr") == {
        "gymx": [2], "99": [3], "夏の": [1], "zephyr": [],
    }  # fmt: skip
    assert all(word in read for word in ("gym", "gymx", "夏の"))
    # Only a word that people may see is what a similar one is taken for.
    assert read.rows_of("gymxx") == {"gymxx": []}


def test_no_word_at_all(small_catalog):
    playlists, catalog = titled([None, "Playlist 2"], small_catalog, 1)
    assert len(catalog.nodes["word"]) == 0
    assert playlists.relations["word"].source_degree.tolist() == [0, 0]
    assert replace(catalog).nodes["track"] is small_catalog.nodes["track"]


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("gym", ["<gy", "gym", "ym>", "<gym", "gym>"]),
        ("80s", []),
        ("no", ["<no", "no>"]),
        ("2019", []),
        ("🔥", []),
        ("夏の", ["夏", "の"]),
        ("лето", ["<ле", "лет", "ето", "то>", "<лет", "лето", "ето>"]),
        ("summer17", ["<su", "sum", "umm", "mme", "mer", "er>"]),
    ],
)
def test_parts_of_a_word(word, parts):
    found = parts_of(word)
    assert all(map(is_part, found))
    assert [part[1:] for part in found][: len(parts)] == parts
    assert not any(map(is_part, title_words(word)))


def test_rare_words_are_replaced_by_their_parts(small_catalog):
    titles = ["gym gymx", "gymy gym", "GYM", "gymz", "nothing else"]
    playlists, catalog = titled(titles, small_catalog, 3)
    ids = catalog.nodes["word"].ids.to_pylist()
    assert ids == ["gym", "~<gy", "~gym", "~<gym"]
    relation = playlists.relations["word"]
    assert [relation[row].tolist() for row in range(5)] == [
        [0, 1, 2, 3], [1, 2, 3, 0], [0], [1, 2, 3], [],
    ]  # fmt: skip
    read = Vocabulary(catalog.nodes["word"])
    assert read.rows_of("Gymnastics, gym & 9 zzz") == {
        "gymnastics": [1, 2, 3], "gym": [0], "9": [], "zzz": [],
    }  # fmt: skip
    assert "gym" in read
    assert "gymx" not in read
    again = read.relation(titles)
    assert again.target_index.tolist() == relation.target_index.tolist()
    assert again.offsets.tolist() == relation.offsets.tolist()


def test_a_word_without_known_parts_is_taken_for_one_like_it(small_catalog):
    _, catalog = titled(["workout"] * 3 + ["working"] * 3, small_catalog, 3)
    read = Vocabulary(catalog.nodes["word"])
    asked = {"workoutt": [0], "wrkout": [], "work": [], "xylophone": [], "2019": []}
    for word, rows in asked.items():
        assert read.rows_of(word) == {word: rows}
