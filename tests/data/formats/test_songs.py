"""Songs as people and programs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.formats.songs import (
    alias_of,
    artists_of,
    identified,
    no_song,
    song,
    song_of_line,
    song_of_path,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Queen - Innuendo", ("Innuendo", "Queen")),
        ("Queen – Innuendo", ("Innuendo", "Queen")),
        ("Queen — Innuendo", ("Innuendo", "Queen")),
        ("Queen–Innuendo", ("Innuendo", "Queen")),
        ("Queen -- Innuendo", ("Innuendo", "Queen")),
        ("Queen\tInnuendo", ("Innuendo", "Queen")),
        ("1. Queen - Innuendo", ("Innuendo", "Queen")),
        ("  12) Queen - Innuendo (6:31)", ("Innuendo", "Queen")),
        ("[3] Queen - Innuendo 6:31", ("Innuendo", "Queen")),
        ("#4. Queen - Innuendo", ("Innuendo", "Queen")),
        ("- Queen - Innuendo", ("Innuendo", "Queen")),
        ("• Queen - Innuendo", ("Innuendo", "Queen")),
        ("7 - Queen - Innuendo", ("Innuendo", "Queen")),
        ("1:02:33 Queen - Innuendo", ("Innuendo", "Queen")),
        ("[00:00] Queen - Innuendo", ("Innuendo", "Queen")),
        ('"Innuendo" by Queen', ("Innuendo", "Queen")),
        ("“Innuendo” by Queen", ("Innuendo", "Queen")),
        ("Queen feat. David Bowie - Under Pressure", ("Under Pressure", "Queen", "David Bowie")),
        ("Queen - Help! - Remastered 2009", ("Help! - Remastered 2009", "Queen")),
        ("Jay-Z - 99 Problems", ("99 Problems", "Jay-Z")),
        # A number, a time, a "by" may be part of the names.
        ("50 Cent - In da Club", ("In da Club", "50 Cent")),
        ("311 - Amber", ("Amber", "311")),
        ("2:54 - Creeping", ("Creeping", "2:54")),
        ("1999", ("1999",)),
        ("99 Luftballons", ("99 Luftballons",)),
        ("Stand by Me", ("Stand by Me",)),
        ("Anti-Hero", ("Anti-Hero",)),
        ("- ", ("",)),
        ("", ("",)),
    ],
)
def test_lines(line, expected):
    title, artists = song_of_line(line)
    assert (title, *artists) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Queen/Innuendo/01 Delilah.mp3", ("Delilah", ["Queen"], "Innuendo")),
        ("Queen/Innuendo/1-08 - Delilah.flac", ("Delilah", ["Queen"], "Innuendo")),
        ("Queen/Innuendo/CD 2/08. Delilah.flac", ("Delilah", ["Queen"], "Innuendo")),
        ("/home/me/Music/Queen/Innuendo/08_Delilah.ogg", ("Delilah", ["Queen"], "Innuendo")),
        (r"C:\Users\me\Music\Queen\Innuendo\12 Delilah.mp3", ("Delilah", ["Queen"], "Innuendo")),
        (r"\\nas\music\Queen\Delilah.mp3", ("Delilah", ["Queen"], "")),
        ("Queen/Delilah.mp3", ("Delilah", ["Queen"], "")),
        ("../Queen - Delilah.mp3", ("Delilah", ["Queen"], "")),
        ("Queen - Innuendo - 08 - Delilah.mp3", ("Delilah", ["Queen"], "Innuendo")),
        ("08 Queen - Delilah.mp3", ("Delilah", ["Queen"], "")),
        ("Rap/50 Cent - In da Club.mp3", ("In da Club", ["50 Cent"], "")),
        ("file:///music/Bj%C3%B6rk/Post/02%20Joga-1.mp3", ("Joga-1", ["Björk"], "Post")),
        ("Bj%C3%B6rk/Post/02%20Hyperballad.mp3", ("Hyperballad", ["Björk"], "Post")),
        ("100% Pure Love.mp3", ("100% Pure Love", [], "")),
        ("Music/Delilah.mp3", ("Delilah", [], "")),
        ("Delilah", ("Delilah", [], "")),
        ("Various Artists/Hits/Delilah.mp3", ("Delilah", ["Hits"], "")),
        ("", ("", [], "")),
    ],
)  # fmt: skip
def test_paths(path, expected):
    assert song_of_path(path) == expected


@given(st.text(max_size=60))
def test_any_line_and_path_is_some_song(text):
    for title, artists in (song_of_line(text), song_of_path(text)[:2]):
        assert title.strip() == title
        assert all(artists)


def test_several_artists():
    assert artists_of("Queen ft. David Bowie") == ["Queen", "David Bowie"]
    assert artists_of("Queen; David Bowie ;") == ["Queen", "David Bowie"]
    for one in ("Tyler, The Creator", "Simon & Garfunkel", "Earth, Wind & Fire", "Daft Punk"):
        assert artists_of(one) == [one]


MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


@pytest.mark.parametrize(
    ("identifier", "alias"),
    [
        (f"https://musicbrainz.org/recording/{MBID}", f"mbid:{MBID}"),
        (f"http://beta.musicbrainz.org/recording/{MBID.upper()}/", f"mbid:{MBID}"),
        ("GB-UM7-10-29604", "isrc:GBUM71029604"),
        ("urn:isrc:gbum71029604", "isrc:GBUM71029604"),
        (f"https://musicbrainz.org/artist/{MBID}", None),
        ("https://musicbrainz.org/recording/1", None),
        ("GBUM7102960", None),
        ("", None),
    ],
)
def test_aliases(identifier, alias):
    assert alias_of(identifier) == alias


def test_what_identifies_a_track():
    spotify = "https://open.spotify.com/track/4u7EnebtmKWzUH433cf5Qv?si=1"
    found = identified(["deezer:track:1", f"mbid:{MBID}", spotify, "USRC17607839"])
    assert found == ("spotify:track:4u7EnebtmKWzUH433cf5Qv", (f"mbid:{MBID}", "isrc:USRC17607839"))
    assert identified(["segue:track:queen:innuendo"]) == ("segue:track:queen:innuendo", ())
    for none in ("http://x.example/1", "file:///1.mp3", r"C:\1.mp3", "1.mp3", "spotify:album:1"):
        assert identified([none]) == (None, ())


def test_a_song_without_an_id_is_known_by_its_names():
    """As in tables."""
    found = song("Intro", ["The xx", "Guest"], "xx")
    assert (found.id, found.album) == ("Intro - The xx", ("xx - The xx", "xx"))
    assert found.artists == (("The xx", "The xx"), ("Guest", "Guest"))
    assert song("Intro").id == "Intro"
    assert song("", track_id="spotify:track:1").name == "spotify:track:1"


def test_what_of_spotify_is_no_song():
    assert no_song("spotify:local:Queen::Delilah:215") == "local file"
    assert no_song("https://open.spotify.com/episode/4u7EnebtmKWzUH433cf5Qv") == "podcast episode"
    assert no_song("spotify:track:4u7EnebtmKWzUH433cf5Qv") is None
    assert no_song("Queen - Delilah") is None
