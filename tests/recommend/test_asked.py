"""The file that says for whom of the bundle to recommend."""

import pytest

from segue.errors import InputError
from segue.recommend.asked import read_ids
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
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(InputError, match=rf"{path}: cannot be read"):
            read_ids(path, recommender)
