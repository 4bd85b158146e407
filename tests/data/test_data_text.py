"""Names as words: case, accents and punctuation fall away, every script stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.text import fold, query_words, shorten, spotify_uri, words_of


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Beyoncé – Halo!", "beyonce halo"),
        ("  Don’t   STOP ", "dont stop"),
        ("Straße", "strasse"),
        ("ＦＵＬＬ　width", "full width"),
        ("Ünïcödé", "unicode"),
        ("𝞐 α", "α α"),
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


@pytest.mark.parametrize(("one", "other"), [("हिन्दी", "हुन्दा"), ("กิน", "กัน"), ("バス", "ハス")])
def test_words_that_differ_in_a_vowel_sign_stay_different(one, other):
    assert fold(one) != fold(other)


@given(st.text(st.characters(max_codepoint=127), max_size=30))
def test_text_of_ascii_alone_takes_no_other_way(text):
    """A letter beyond ASCII takes the long way; what stands before it folds as by the short one."""
    alone = fold(text)
    if any(character.isalnum() for character in text):
        assert fold(f"{text} é") == f"{alone} e"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Yesterday", ["yesterday"]),
        ("The Beat, the Beat", ["the", "beat"]),
        ("AC/DC", ["ac", "dc", "acdc"]),
        ("R.E.M. - Live", ["r", "e", "m", "live", "rem"]),
        ("宇多田ヒカル", ["宇多", "多田", "田ヒ", "ヒカ", "カル", "ル"]),
        ("Aimer残響 2", ["aimer", "残響", "響", "2"]),
        ("夢", ["夢"]),
        ("รัก", ["รั", "ัก", "ก"]),
        ("!!!", ["!!!"]),
        ("\x00\x01 \u200b", []),
        ("", []),
    ],
)
def test_words_that_a_name_is_found_by(name, words):
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("beat les", ["beat", "les"]),
        ("AC/DC", ["ac", "dc"]),
        ("ヒカル", ["ヒカ", "カル"]),
        ("宇", ["宇"]),
        ("", []),
    ],
)
def test_words_that_a_query_asks_for(text, words):
    assert query_words(text) == words


@given(st.text(max_size=40))
def test_words_hold_nothing_that_ends_one(name):
    for word in words_of(name):
        assert word
        assert not any(character.isspace() or not character.isprintable() for character in word)
    assert set(query_words(name)) <= set(words_of(name))


def test_a_long_text_is_shortened_in_its_middle():
    assert shorten("short") == "short"
    shown = shorten("a" * 500 + "the end")
    assert len(shown) == 300
    assert shown.endswith("the end")


@pytest.mark.parametrize(
    "text",
    [
        "spotify:track:4u7EnebtmKWzUH433cf5Qv",
        " spotify:track:4u7EnebtmKWzUH433cf5Qv\n",
        "https://open.spotify.com/track/4u7EnebtmKWzUH433cf5Qv",
        "https://open.spotify.com/intl-de/track/4u7EnebtmKWzUH433cf5Qv?si=12ab&nd=1",
        "https://open.spotify.com/embed/track/4u7EnebtmKWzUH433cf5Qv/",
        "open.spotify.com/track/4u7EnebtmKWzUH433cf5Qv#0:30",
        "4u7EnebtmKWzUH433cf5Qv",
    ],
)
def test_what_means_a_spotify_track(text):
    assert spotify_uri(text) == "spotify:track:4u7EnebtmKWzUH433cf5Qv"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spotify:episode:4u7EnebtmKWzUH433cf5Qv",
        "spotify:local:Queen:Innuendo:Delilah:215",
        "https://open.spotify.com/album/4u7EnebtmKWzUH433cf5Qv",
        "https://open.spotify.com.example/track/4u7EnebtmKWzUH433cf5Qv",
        "Supercalifragilisticex",  # 22 letters
        "4u7EnebtmKWzUH433cf5Q",
        "segue:track:queen:innuendo",
    ],
)
def test_what_means_none(text):
    assert spotify_uri(text) is None


def test_spotify_uris_of_other_kinds():
    assert spotify_uri("https://open.spotify.com/album/1a", "album") == "spotify:album:1a"
    assert spotify_uri("spotify:user:x:playlist:1a", "playlist") == "spotify:playlist:1a"
