"""The two files that say for whom to recommend."""

import json

import pytest

from segue.errors import InputError
from segue.recommend.asked import read_ids, read_playlists
from segue.recommend.recommender import Recommender


@pytest.fixture(scope="module")
def recommender(small_bundle) -> Recommender:
    return Recommender(small_bundle)


# Playlists by id.


def test_ids_in_their_order(recommender, tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("twelve\n\n  13 \r\n10")
    asked, unknown = read_ids(path, recommender)
    assert (asked.ids, unknown) == (["twelve", "13", "10"], [])
    assert asked.titles == [recommender.playlists.titles[row].as_py() for row in (2, 3, 0)]
    assert [asked.query.tracks[row].tolist() for row in range(3)] == [[], [3, 0], [2, 0, 5]]


def test_ids_that_are_not_there_are_passed_over(recommender, tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("10\n99\n13\nnothing")
    asked, unknown = read_ids(path, recommender)
    assert (asked.ids, unknown) == (["10", "13"], ["99", "nothing"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\n\n99\n98", r"ids.txt: line 3: '99' is not a playlist of this bundle"),
        (b"10\n11\n10\n", r"ids.txt: line 3: playlist '10' repeats"),
        (b"", r"ids.txt: contains no playlist ids, expected one per line"),
        (b"\n \n", r"ids.txt: contains no playlist ids"),
        (b"\xff\xfe1", r"ids.txt: cannot be read as text"),
    ],
)
def test_ids_that_are_refused(recommender, tmp_path, content, says):
    path = tmp_path / "ids.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_ids(path, recommender)


def test_a_file_that_is_not_there(recommender, tmp_path):
    for read in (read_ids, read_playlists):
        with pytest.raises(InputError, match=r"missing: cannot be read"):
            read(tmp_path / "missing", recommender)
        with pytest.raises(InputError, match=r"cannot be read"):
            read(tmp_path, recommender)


# Playlists that training never saw.


def test_new_playlists(recommender, tmp_path):
    path = tmp_path / "new.json"
    a, c, f = "segue:track:a", "segue:track:c", "segue:track:f"
    content = [
        {"playlist_id": "mine", "tracks": [f, "unknown:1", a, f]},
        {"playlist_id": 7, "tracks": ["unknown:1", "unknown:2"], "name": "more than is needed"},
        {"playlist_id": "10", "tracks": [c]},
    ]
    path.write_text(json.dumps(content))
    asked, num_unknown = read_playlists(path, recommender)
    assert asked.ids == ["mine", "7", "10"]
    assert [asked.query.tracks[row].tolist() for row in range(3)] == [[5, 0], [], [2]]
    assert num_unknown == 3


def test_a_challenge_set(recommender, tmp_path):
    path = tmp_path / "challenge_set.json"
    a, c, f = ({"track_uri": f"segue:track:{letter}"} for letter in "acf")
    content = {
        "version": "v1",
        "playlists": [
            {"pid": 1000000, "name": "rock", "num_tracks": 20, "tracks": []},
            {"pid": 1000001, "num_tracks": 9, "tracks": [{**f, "pos": 1}, {**a, "pos": 0}]},
            {"pid": 1000002, "tracks": [{**c, "pos": 3}, {"track_uri": "new:1", "pos": 5}]},
        ],
    }
    path.write_text(json.dumps(content))
    asked, num_unknown = read_playlists(path, recommender)
    assert (asked.ids, asked.titles) == (["1000000", "1000001", "1000002"], ["rock", None, None])
    assert [asked.query.tracks[row].tolist() for row in range(3)] == [[], [0, 5], [2]]
    assert [asked.query.ordered(row) for row in range(3)] == [True, True, False]
    assert num_unknown == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[", r"new.json: .*expected a list of"),
        ("not json", r"new.json: .*expected a list of"),
        ('{"playlist_id": "a", "tracks": []}', r"new.json: .*`playlists`, expected a list of"),
        ('[{"playlist_id": "a"}]', r"tracks.*\$\[0\]"),
        ('[{"playlist_id": "a", "tracks": []}, {"tracks": []}]', r"playlist_id.*\$\[1\]"),
        ('[{"playlist_id": "a", "tracks": ["t", 5]}]', r"\$\[0\]\.tracks\[1\]"),
        ('[{"playlist_id": 1.5, "tracks": []}]', r"\$\[0\]\.playlist_id"),
        (
            '[{"playlist_id": 1, "tracks": []}, {"playlist_id": "1", "tracks": []}]',
            r"record 1: playlist '1' repeats",
        ),
    ],
)
def test_new_playlists_that_are_refused(recommender, tmp_path, content, says):
    path = tmp_path / "new.json"
    path.write_text(content)
    with pytest.raises(InputError, match=says) as caught:
        read_playlists(path, recommender)
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_playlists(recommender, tmp_path):
    path = tmp_path / "new.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([{"playlist_id": 1, "tracks": []}]).encode())
    assert read_playlists(path, recommender)[0].ids == ["1"]
