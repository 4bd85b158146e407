"""What a title and an artist's name say: the song, its version, who plays it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.names.titles import all_artist_keys, artist_keys, key_of, title_of


@pytest.mark.parametrize(
    ("title", "song"),
    [
        ("Help!", "help"),
        ("Help! - Remastered 2009", "help"),
        ("Help! (Live at the Hollywood Bowl) [2016 Mix]", "help"),
        ("Don\u2019t Stop Me Now - 2011 Mix - Live", "dont stop me now"),
        ("Crazy in Love (feat. JAY-Z)", "crazy in love"),
        ("Crazy in Love feat. JAY-Z", "crazy in love"),
        ("Live and Let Die", "live and let die"),
        ("Live", "live"),
        ("(Live)", "live"),
        ("Anti-Hero", "anti hero"),
        ("Mixed Emotions", "mixed emotions"),
        ("(I Can't Get No) Satisfaction - Mono Version", "i cant get no satisfaction"),
        ("夜に駆ける - Live", "夜に駆ける"),
        ("Song 2", "song 2"),
        ("Song (Lyric Video) HD", "song"),
        ("Song [Album Version (Explicit)]", "song"),
        ("Song - Music From The Motion Picture", "song"),
        ("Full HD", "full hd"),
        ("Alive (Single Edit)", "alive"),
        ("Remix (I Like The)", "remix i like the"),
        ("", ""),
    ],
)
def test_versions_of_a_song(title, song):
    assert title_of(title).song == key_of(song)


@pytest.mark.parametrize(
    ("title", "kind", "words"),
    [
        ("Help!", "plain", set()),
        ("Help! - Remastered 2009", "same", set()),
        ("Help! Remastered", "same", set()),
        ("Help! (2015 Stereo Mix)", "same", set()),
        ("Help! - Single Version; 2014 Remaster", "same", set()),
        ("Help! (Official Video)", "plain", set()),
        ("Help! - Live", "live", {"live"}),
        ("Help! (Live at the Hollywood Bowl) [2016 Mix]", "live", {"live", "hollywood", "bowl"}),
        ("Help! - MTV Unplugged", "live", {"mtv", "live"}),
        ("Help! (Hardfloor Remix)", "other", {"hardfloor", "remix"}),
        ("Help! - Hardfloor Mix", "other", {"hardfloor", "remix"}),
        ("Help! (Acoustic Version)", "other", {"acoustic"}),
        ("Help! (Taylor's Version)", "other", {"taylors"}),
        ('Help! (From "Jaws")', "same", {"jaws"}),
        ("Help! (Theme from Jaws)", "same", {"jaws"}),
        ("Help! (Take Me Home)", "plain", set()),
        ("Help! (We Live for Love)", "plain", set()),
        ("Live and Let Die", "plain", set()),
    ],
)
def test_the_version_of_a_title(title, kind, words):
    version = title_of(title).version
    assert (version.kind, version.words) == (kind, words)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("The Beatles", ("beatles",)),
        ("Beatles, The", ("beatles",)),
        ("Prince & The Revolution", ("princeandtherevolution", "prince")),
        ("Florence + The Machine", ("florenceandthemachine", "florence")),
        ("Queen/David Bowie", ("queendavidbowie", "queen")),
        ("AC/DC", ("acdc",)),
        ("Guns N' Roses", ("gunsandroses",)),
        ("A$AP Rocky", ("asaprocky",)),
        ("P!nk", ("pink",)),
        ("Beyoncé feat. JAY-Z", ("beyoncefeatjayz", "beyonce")),
        ("The Dave Brubeck Quartet", ("davebrubeckquartet", "davebrubeck")),
        ("Кино", ("kino",)),
        ("The The", ("the",)),
        ("!!!", ("!!!",)),
        ("", ()),
    ],
)
def test_the_keys_of_an_artist(name, keys):
    assert artist_keys(name) == keys


def test_everyone_in_a_credit():
    assert {"simon", "garfunkel"} < all_artist_keys(("Simon & Garfunkel",))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rock & Roll", "Rock and Roll"),
        ("Rock 'n' Roll", "Rock and Roll"),
        ("Stayin' Alive", "Staying Alive"),
        ("Another Brick in the Wall, Pt. 2", "Another Brick in the Wall (Part II)"),
        ("Don’t Stop", "Dont Stop"),
        ("Группа крови", "Gruppa krovi"),
        ("Straße", "STRASSE"),
    ],
)
def test_equal_titles(one, other):
    assert title_of(one).song == title_of(other).song


@given(st.text(max_size=40))
def test_any_text_has_a_key_as_long_as_it_says_something(text):
    assert bool(title_of(text).song) == bool(key_of(text))
    assert len(artist_keys(text)) <= 3
