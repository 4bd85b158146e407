"""Names as they can be drawn: whatever is in them, without a warning and within its room."""

import unicodedata
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.pictures import text as module
from segue.pictures.text import (
    clean,
    drawable,
    families_of,
    font_families,
    shorten,
    text_width,
)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("line\nbreak\ttab\x00", "line break tab"),
        ("  a \u2028 b\u00a0 ", "a b"),
        ("lone \ud800 half", "lone half"),
        ("non\ufffecharacter", "noncharacter"),
        ("\ufeffmark", "mark"),
        ("宇多田 🎉", "宇多田 🎉"),
    ],
)
def test_clean(text, cleaned):
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Beyoncé", "Beyoncé"),
        ("Группа крови", "Группа крови"),
        ("宇多田 A", "□□□ A"),
        ("road 🧗🏽 trip", "road trip"),
        ("🧗", "□"),
        ("", ""),
    ],
)
def test_what_no_font_has_is_a_box_if_it_is_a_letter(dejavu_alone, text, drawn):
    assert drawable(text) == drawn


@given(st.text(max_size=40))
def test_whatever_is_drawn_has_a_glyph(text):
    drawn = drawable(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert text_width(drawn, 9.0) >= 0
    assert not any(unicodedata.category(character) == "Cc" for character in drawn)
    assert drawable(drawn) == drawn


@given(st.text(max_size=60), st.floats(5, 200))
def test_a_name_that_is_cut_fits(text, width):
    drawn = drawable(text)
    cut = shorten(drawn, width, 9.0)
    if text_width(drawn, 9.0) <= width:
        assert cut == drawn
    else:
        assert cut.endswith("…")
        assert len(cut) <= len(drawn)
        assert drawn.startswith(cut[:-1])
        assert text_width(cut, 9.0) <= max(width, text_width("…", 9.0)) + 1e-6


def test_a_cut_does_not_part_a_letter_from_its_mark():
    word = "e\u0301" * 20
    for width in range(10, 60):
        kept = shorten(word, width, 9.0)[:-1]
        assert len(kept) % 2 == 0


def test_width_grows_with_size_and_weight():
    assert text_width("Queen", 18.0) == pytest.approx(2 * text_width("Queen", 9.0))
    assert text_width("Queen", 9.0, bold=True) > text_width("Queen", 9.0)
    # Of DejaVu Sans, in thousandths of its size: Q 787, u 634, e 615, n 634.
    assert text_width("Queen", 10.0) == pytest.approx(
        0.01 * (787 + 634 + 615 + 615 + 634), rel=0.02
    )


def test_a_text_names_only_the_families_that_it_needs():
    assert font_families()[0] == "DejaVu Sans"
    assert families_of("Beyoncé") == ["DejaVu Sans", "sans-serif"]


def test_what_joined_emoji_is_no_text():
    assert module.drawable("\U0010fffd\u200d\ufe0f") == module.BOX


def test_a_number_stays_before_a_name_from_the_right():
    assert module.from_left("1. Queen") == "1. Queen"
    assert module.from_left("2. أم كلثوم") == "\u200e2. أم كلثوم"
