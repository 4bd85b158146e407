"""What does not belong to the names of songs."""

import pytest

from segue.names.asked import Asked
from segue.names.cleaning import cleaned, cleaned_song


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Simon &amp; Garfunkel - Mrs. Robinson", "Simon & Garfunkel - Mrs. Robinson"),
        ("Don&#39;t Stop Me Now", "Don't Stop Me Now"),
        ("Queen%20-%20Innuendo", "Queen - Innuendo"),
        ("100% Pure Love", "100% Pure Love"),
        ("Queen - Innuendo.mp3", "Queen - Innuendo"),
        ("queen_-_innuendo", "queen - innuendo"),
        ("03-queen-innuendo", "03 - queen - innuendo"),
        ("Jay-Z", "Jay - Z"),
        ("BeyoncÃ©", "Beyoncé"),
        ("ÐšÐ¸Ð½Ð¾", "Кино"),
        ("Björk", "Björk"),
        ("Suzanne [3:49]", "Suzanne"),
        ("Suzanne 3:49", "Suzanne"),
        ("Leonard Cohen (1984)", "Leonard Cohen"),
        ("1979", "1979"),
        ("R&B; Soul", "R&B; Soul"),
    ],
)
def test_texts(text, clean):
    assert cleaned(text) == clean


def test_songs():
    assert cleaned_song(Asked("Queen - Innuendo", title="Innuendo", artists=("Queen",))) is None
    turned = cleaned_song(Asked("x", title="Hurt", artists=("Cash, Johnny", "Beatles, The")))
    assert turned is not None
    assert turned.artists == ("Johnny Cash", "Beatles, The")
