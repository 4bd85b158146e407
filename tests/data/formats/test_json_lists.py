"""Lists of songs as JSON, in whatever way a program wrote them."""

import pytest

from segue.errors import InputError

TWO = [("Innuendo", "Queen"), ("Jóga", "Björk")]
URI = "spotify:track:5W3cjX2J3tjhG8zb6u0qHn"


@pytest.mark.parametrize(
    "content",
    [
        [{"title": "Innuendo", "artist": "Queen"}, {"title": "Jóga", "artist": "Björk"}],
        [{"trackName": "Innuendo", "artistName": "Queen"}, {"name": "Jóga", "artists": ["Björk"]}],
        [
            {"Titel": "Innuendo", "Interpret": "Queen"},
            {"song": "Jóga", "artist": {"name": "Björk"}},
        ],
        ["Queen - Innuendo", "Björk - Jóga"],
        [["Queen", "Innuendo"], ["Björk", "Jóga"]],
        {"name": "mix", "songs": [{"title": "Innuendo", "artist": "Queen"}, "Björk - Jóga"]},
        {"title": "mix", "tracks": ["Queen - Innuendo", "Björk - Jóga"]},
        [{"name": "mix", "tracks": ["Queen - Innuendo", "Björk - Jóga"]}],
        {"playlists": [{"name": "mix", "tracks": ["Queen - Innuendo", "Björk - Jóga"]}]},
        {"mix": ["Queen - Innuendo", "Björk - Jóga"]},
        {"items": [{"track": {"title": "Innuendo", "artist": "Queen"}}, "Björk - Jóga"]},
    ],
)
def test_ways_to_write_a_list(read_files, content):
    for found in (read_files({"mix.json": content}, only="mix.json"), read_files({})):
        assert found.songs == {"mix": TWO}
        assert found.report.form == "lists of songs as JSON"


def test_several_lists(read_files):
    content = {"Road": ["Queen - Innuendo"], "Rain": ["Björk - Jóga", URI, 7], "Empty": []}
    found = read_files({"all.json": content})
    assert found.titles == {"Road": "Road", "Rain": "Rain"}
    assert found.ids["Rain"] == ["Jóga - Björk", URI, "7"]
    assert found.report.set_aside == {"empty playlist": 1}


def test_what_an_object_says(read_files):
    track = {"title": "Under Pressure", "artists": [{"name": "Queen"}, {"name": "David Bowie"}],
             "album": {"name": "Hot Space"}, "isrc": "GBUM71029605", "url": URI}  # fmt: skip
    found = read_files({"a.json": [track, {"id": 5, "title": "Innuendo", "artist": "Queen"}]})
    assert found.ids == {"a": [URI, "5"]}
    assert found.songs["a"][0] == ("Under Pressure", "Queen", "David Bowie")
    assert found.albums == {"Hot Space - Queen": "Hot Space"}
    assert found.aliases == {URI: ["isrc:GBUM71029605"]}


@pytest.mark.parametrize(
    "content",
    [
        {"include": ["src"], "exclude": ["build", "x"]},
        [{"name": "a"}, {"name": "b"}],
        {"name": "package", "version": "1", "author": "x"},
        {"scrobbles": [{"time": 1, "track": {"artists": ["Queen"], "title": "Innuendo"}}]},
        [{"title": "Watched Innuendo", "titleUrl": "x", "subtitles": [{"name": "Queen"}]}],
        [], {}, [[]], [1.5], [None], 5,
    ],
)  # fmt: skip
def test_what_is_no_list_of_songs(read_files, content):
    with pytest.raises(InputError):
        read_files({"a.json": content})


def test_tables_of_several_playlists_stay_tables(read_files):
    rows = [{"playlist": "Road", "title": "Innuendo", "artist": "Queen"}]
    assert read_files({"a.json": rows}).report.form == "tables as JSON"


def test_utf16_as_powershell_writes_it(read_files):
    content = '{"mix": ["Queen - Innuendo", "Björk - Jóga"]}'.encode("utf-16")
    assert read_files({"a.json": content}).songs == {"mix": TWO}
