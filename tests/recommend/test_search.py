"""A track is found by id, by name, by name and artist; else what is near is named."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import Catalog
from segue.errors import NameLookupError
from segue.recommend.search import MAX_CANDIDATES, TrackNames, fold

# name, artist, popularity
TRACKS = [
    ("Halo", "Beyoncé", 90),
    ("Hurt", "Nine Inch Nails", 20),
    ("Hurt", "Johnny Cash", 80),
    ("Don't Stop Me Now", "Queen", 70),
    ("Stop - Wait - Go", "The - Dashes", 1),
    ("???", "Punctuation", 3),
    ("!!!", "!!!", 2),
    ("あなた", "宇多田ヒカル", 10),
    ("Группа крови", "Кино", 12),
    ("انت عمري", "أم كلثوم", 11),
    ("Intro", "The xx", 50),
    ("Hurting", "Nobody", 5),
    ("track:0", "A Name That Is An Id", 1),
    ("", "Nameless", 1),
    ("[bold]Loud[/bold]", "[red]Band[/red]", 1),
    ("Straße", "Bänd", 4),
] + [(f"Common Song part {i:02}", "Many", i) for i in range(20)]


def catalog_of(tracks: list[tuple[str, str, int]]) -> Catalog:
    artists = sorted({artist for _, artist, _ in tracks})
    return Catalog(
        pa.array([f"track:{i}" for i in range(len(tracks))], pa.string()),
        pa.array([name for name, _, _ in tracks], pa.string()),
        pa.array([f"artist:{i}" for i in range(len(artists))], pa.string()),
        pa.array(artists, pa.string()),
        pa.array([], pa.string()),
        pa.array([], pa.string()),
        np.array([artists.index(artist) for _, artist, _ in tracks], dtype=np.int32),
        np.full(len(tracks), -1, dtype=np.int32),
    )


def names_of(tracks: list[tuple[str, str, int]]) -> TrackNames:
    return TrackNames(catalog_of(tracks), np.array([p for _, _, p in tracks], dtype=np.int64))


@pytest.fixture(scope="module")
def names() -> TrackNames:
    return names_of(TRACKS)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Beyoncé – Halo!", "beyonce halo"),
        ("  Don’t   STOP ", "dont stop"),
        ("Straße", "strasse"),
        ("ＦＵＬＬ　width", "full width"),
        ("Ünïcödé", "unicode"),
        ("あなた", "あなた"),
        ("Группа крови", "группа крови"),
        (" !!! ", "!!!"),
        ("", ""),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded


@given(st.text(max_size=30))
def test_fold_of_folded_changes_nothing_and_case_does_not_matter(text):
    assert fold(fold(text)) == fold(text)
    assert fold(f"  {text} ") == fold(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("track:3", 3),
        (" track:3 ", 3),
        ("track:0", 0),  # an id goes before a name that looks like one
        ("Halo", 0),
        ("hALO", 0),
        ("dont stop me now", 3),
        ("Don’t stop, me now!", 3),
        ("???", 5),
        ("!!!", 6),
        ("あなた", 7),
        ("группа КРОВИ", 8),
        ("انت عمري", 9),
        ("[bold]Loud[/bold]", 14),
        ("STRASSE", 15),
        ("halo - beyonce", 0),
        ("BEYONCÉ - halo", 0),
        ("Hurt - Johnny Cash", 2),
        ("johnny cash – hurt", 2),
        ("Hurt — Nine Inch Nails", 1),
        ("宇多田ヒカル - あなた", 7),
        ("Stop - Wait - Go", 4),
        ("Stop - Wait - Go - The - Dashes", 4),
        ("The - Dashes - Stop - Wait - Go", 4),
        ("!!! - !!!", 6),
    ],
)
def test_find(names, text, expected):
    if expected is None:
        with pytest.raises(NameLookupError):
            names.find(text)
    else:
        assert names.find(text) == expected


def test_an_ambiguous_name_lists_the_most_popular_first(names):
    with pytest.raises(NameLookupError, match="'Hurt' is the name of 2 tracks") as caught:
        names.find("Hurt")
    assert caught.value.candidates == (
        "Hurt - Johnny Cash  (track:2)",
        "Hurt - Nine Inch Nails  (track:1)",
    )


def test_what_a_candidate_says_can_be_typed(names):
    with pytest.raises(NameLookupError) as caught:
        names.find("hurt")
    for candidate in caught.value.candidates:
        described, track_id = candidate.rstrip(")").split("  (")
        assert names.find(described) == names.find(track_id)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("hurtin", ["Hurting - Nobody  (track:11)"]),  # holds the text
        ("Hallo", ["Halo - Beyoncé  (track:0)"]),  # spelt alike
        ("johnny", ["Hurt - Johnny Cash  (track:2)"]),  # an artist's name holds it
        ("hurt - nine inch nales", []),
        ("nothing like that whatsoever", []),
        ("", []),
        ("   ", []),
        ("track:999", ["track:0 - A Name That Is An Id  (track:12)"]),
    ],
)
def test_an_unknown_name_lists_what_is_near(names, text, near):
    with pytest.raises(NameLookupError, match="is no track of this bundle") as caught:
        names.find(text)
    assert list(caught.value.candidates) == near
    assert ("the closest are" in str(caught.value)) == bool(near)


def test_no_more_candidates_than_can_be_read(names):
    with pytest.raises(NameLookupError) as caught:
        names.find("common song")
    candidates = caught.value.candidates
    assert len(candidates) == MAX_CANDIDATES
    assert candidates[0].startswith("Common Song part 19")
    assert candidates[-1].startswith("Common Song part 10")


@given(st.text(max_size=20))
def test_any_text_finds_or_says_that_it_does_not(names, text):
    try:
        found, candidates = names.find(text), ()
    except NameLookupError as error:
        found, candidates = 0, error.candidates
    assert 0 <= found < len(TRACKS)
    assert len(candidates) <= MAX_CANDIDATES


def test_an_empty_catalogue_finds_nothing():
    with pytest.raises(NameLookupError):
        names_of([]).find("anything")


@pytest.mark.parametrize(("one", "other"), [("हिन्दी", "हुन्दा"), ("กิน", "กัน"), ("バス", "ハス")])
def test_words_that_differ_in_a_vowel_sign_stay_different(one, other):
    assert fold(one) != fold(other)


def test_an_exact_name_goes_before_one_that_is_folded_alike():
    names = names_of([("Help", "One", 5), ("Help!", "Other", 1)])
    assert names.find("Help!") == 1


def test_advice_that_helps():
    names = names_of([("Song", "Band", 5), ("Song", "Band", 1)])
    with pytest.raises(NameLookupError) as caught:
        names.find("Song - Band")
    assert "'name - artist'" not in str(caught.value)
