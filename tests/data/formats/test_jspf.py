"""JSPF, as ListenBrainz exports it."""

import pytest

from segue.errors import InputError

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
CREDIT = {"artists": [{"artist_credit_name": "Queen"}, {"artist_credit_name": "David Bowie"}]}
TRACKS = [
    {
        "title": "Under Pressure",
        "creator": "Queen & David Bowie",
        "album": "Hot Space",
        "identifier": [f"https://musicbrainz.org/recording/{MBID}"],
        "extension": {"https://musicbrainz.org/doc/jspf#track": {"additional_metadata": CREDIT}},
    },
    {"title": "Delilah", "creator": "Queen", "identifier": "deezer:track:7", "location": []},
    {"title": None, "creator": 5, "identifier": [None]},
    "nonsense",
]
LIST = {"playlist": {"title": "mix", "creator": "me", "track": TRACKS}}


@pytest.mark.parametrize("content", [LIST, [LIST], {"playlists": [LIST]}])
def test_what_a_list_says(read_files, content):
    found = read_files({"weekly.jspf": content, "other.txt": "nothing"})
    assert found.titles == {"weekly": "mix"}
    assert found.songs["weekly"] == [
        ("Under Pressure", "Queen", "David Bowie"), ("Delilah", "Queen")
    ]  # fmt: skip
    assert found.ids["weekly"] == ["Under Pressure - Queen & David Bowie", "deezer:track:7"]
    assert list(found.aliases.values()) == [[f"mbid:{MBID}"]]
    assert found.report.set_aside == {"nameless track": 2}


def test_any_name(read_files):
    assert read_files({"weekly.json": LIST}).titles == {"weekly": "mix"}


def test_what_is_none(read_files):
    with pytest.raises(InputError, match=r'a\.jspf: playlist 1: has no tracks, expected \{"play'):
        read_files({"a.jspf": {"playlist": {"title": "x"}}})
    with pytest.raises(InputError, match=r"a\.jspf: line 1: not complete JSON"):
        read_files({"a.jspf": '{"playlist": {"track": ['})


def test_a_playlist_without_its_wrapping(read_files):
    found = read_files({"a.jspf": {"title": "Mix", "track": [{"title": "A", "creator": "B"}]}})
    assert found.titles == {"a": "Mix"}
    assert found.songs == {"a": [("A", "B")]}
