"""Words of titles: one by one, and as a relation of playlists."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.data.title_words import title_words, with_title_words


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
    assert smaller.nodes["word"].ids.to_pylist() == ["trip"]
    assert fewer.relations["word"].target_degree.tolist() == [5]


def test_no_word_at_all(small_catalog):
    playlists, catalog = titled([None, "Playlist 2"], small_catalog, 1)
    assert len(catalog.nodes["word"]) == 0
    assert playlists.relations["word"].source_degree.tolist() == [0, 0]
    assert replace(catalog).nodes["track"] is small_catalog.nodes["track"]
