"""Segue's own lists in JSON, and its notes in the slices that it writes."""

import json

import pytest

import segue
from segue.data.formats.own import note_of, track_of_note
from segue.data.records import Track
from segue.errors import InputError

FULL = Track(
    "t:1",
    "Under\nPressure",
    (("a:1", "Queen"), ("a:2", "Bowie")),
    ("b:1", "Hot Space"),
    aliases=("isrc:GBUM71029604",),
)


def read(tmp_path, content, **options) -> segue.Collection:
    path = tmp_path / "lists.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return segue.read(path, **options)


def test_tracks_as_ids_and_as_objects(tmp_path):
    tracks = ["t:9", {"id": "t:1", "name": "One", "artists": [{"id": "a:1", "name": "A"}]}]
    more = {"playlist_id": 7, "tracks": ["t:9", "t:1"], "ordered": True, "name": "x"}
    found = read(tmp_path, [{"playlist_id": "mine", "title": "Mine", "tracks": tracks}, more])
    assert found.report.form == "Segue's lists"
    assert found.playlists.ids.to_pylist() == ["mine", "7"]
    assert found.playlists.titles.to_pylist() == ["Mine", None]
    assert found.playlists.order_known.tolist() == [False, True]
    stated = [{"playlist_id": 7, "tracks": ["t:1", "t:9"], "ordered": True}]
    assert read(tmp_path, stated).playlists.order_known.all(), "though the ids ascend"
    assert found.catalog.track_ids.to_pylist() == ["t:9", "t:1"]
    assert found.catalog.track_names.to_pylist() == ["t:9", "One"]
    assert found.catalog.artists.names.to_pylist() == ["A"]


def test_numbers_as_ids_become_text(tmp_path):
    found = read(tmp_path, [{"playlist_id": 5, "tracks": [5, "6"]}])
    assert found.catalog.track_ids.to_pylist() == ["5", "6"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('[{"playlist_id": 1, "tracks": []', "whole file: .*truncated.*expected a JSON list"),
        ([{"playlist_id": "a", "tracks": [5.5]}], r"record 0: .*tracks.*expected"),
        ([{"playlist_id": "a", "tracks": ["t"]}, {"tracks": []}], "record 1: .*playlist_id"),
        ([{"playlist_id": 1.5, "tracks": []}], "record 0: .*playlist_id"),
        ([{"playlist_id": "a", "tracks": [{"name": "no id"}]}], "record 0: .*`id`"),
    ],
)
def test_what_is_refused(tmp_path, content, says):
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path, content)
    assert "lists.json" in str(caught.value)


def test_a_bad_record_may_be_passed_over(tmp_path):
    content = [{"playlist_id": "a", "tracks": [5.5]}, {"playlist_id": "b", "tracks": ["t"]}]
    found = read(tmp_path, content, skip_bad=True)
    assert found.playlists.ids.to_pylist() == ["b"]
    assert found.report.skipped == 1


def test_notes_are_one_line_of_ascii():
    note = note_of(FULL)
    assert note.isascii()
    assert note.isprintable()
    assert track_of_note(note) == FULL
    assert track_of_note(note_of(Track("t", "あ"))) == Track("t", "あ")
    for broken in ("", "{", '{"name": "no id"}', "[]"):
        assert track_of_note(broken) is None


def test_ids_of_any_kind(tmp_path):
    track = {"id": 5, "name": "One", "artists": [{"id": 7, "name": "A"}],
             "album": {"id": 9, "name": "B"}}  # fmt: skip
    found = read(tmp_path, [{"playlist_id": 1, "tracks": [track, 6, "7"]}])
    assert found.catalog.track_ids.to_pylist() == ["5", "6", "7"]
    assert found.catalog.artists.ids.to_pylist() == ["7"]
    assert found.catalog.albums.ids.to_pylist() == ["9"]
