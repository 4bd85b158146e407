"""Lists of ids, one a line: with a user in front, and without."""

import gzip
import io

import pytest

from segue.data.reading import find, read
from segue.errors import InputError


def lists(found) -> dict[str, list[str]]:
    ids = found.catalog.track_ids.to_pylist()
    named = zip(found.playlists.ids.to_pylist(), found.playlists.tracks, strict=True)
    return {name: [ids[track] for track in tracks] for name, tracks in named}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 7 5\n1 7 9 4 \n4\n8 5 9\n", {"0": ["7", "5"], "1": ["7", "9", "4"], "8": ["5", "9"]}),
        ("0 7 5\n3 7 9\n", {"0": ["7", "5"], "3": ["7", "9"]}),
        ("u3 i7 i5\r\nu1 i7\r\n", {"u3": ["i7", "i5"], "u1": ["i7"]}),
    ],
)
def test_a_user_and_what_follows(text, expected):
    found = read(io.StringIO(text))
    assert lists(found) == expected
    assert not found.playlists.order_known.any(), "what a user has is a set"
    assert found.report.columns == "one user a line, then tracks"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7 5 6\n5 6\n5 9 1\n", {"1": ["7", "5", "6"], "2": ["5", "6"], "3": ["5", "9", "1"]}),
        # Yes.com: all songs, and how often each of them is played.
        ("3 5 8\n2 1 2\n8 3 \n5 8 3\n", {"3": ["8", "3"], "4": ["5", "8", "3"]}),
        ("t7 t5\nt5 t9 t1\n", {"1": ["t7", "t5"], "2": ["t5", "t9", "t1"]}),
    ],
)
def test_lists_of_tracks(text, expected):
    found = read(io.StringIO(text))
    assert lists(found) == expected
    assert found.report.columns == "one list of tracks a line"


def test_it_may_be_stated_what_the_first_id_is():
    text = "4 5 6\n9 5\n1 6 5\n"
    assert list(lists(read(io.StringIO(text)))) == ["1", "2", "3"]
    assert list(lists(read(io.StringIO(text), columns={"playlist": 1}))) == ["4", "9", "1"]
    with pytest.raises(InputError, match="no times"):
        read(io.StringIO(text), session_gap=3)


def test_rows_of_equal_length_are_a_table():
    found = read(io.StringIO("1 7 5.0\n1  9 3\n2 7 4\n"))
    assert lists(found) == {"1": ["7", "9"], "2": ["7"]}
    found = read(io.StringIO("1 7\n2 7\n"), columns={"playlist": 2, "track": 1})
    assert lists(found) == {"7": ["1", "2"]}


@pytest.mark.parametrize("text", ["99 Luftballons\n1979 b c\n", "5\n6\n", "a b\nc d e\n"])
def test_other_lines_are_none(tmp_path, text):
    (tmp_path / "lines.txt").write_text(text)
    (tmp_path / "train.txt").write_text("0 5 6\n1 5\n")
    assert [file.name[-9:] for file, _ in find(tmp_path).files if "train" in file.name] != []
    assert len([file for file, form in find(tmp_path).files if "one a line" in form.name]) == 1


def test_compressed_in_chunks_and_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr("segue.data.formats.line_lists._CHUNK", 7)
    text = "".join(f"{user} {user % 7} {user * 7919 % 99991} 99{user}\n" for user in range(9000))
    packed = gzip.compress(text.encode())
    (tmp_path / "train.txt.gz").write_bytes(packed)
    assert read(tmp_path / "train.txt.gz").report.playlists == 9000
    (tmp_path / "train.txt.gz").write_bytes(packed[:-500])
    with pytest.raises(InputError, match=r"line \d+ and what follows: "):
        read(tmp_path / "train.txt.gz")


def test_a_line_that_is_no_text():
    content = b"0 5 6\n1 5\n" + b"2 6 5 7\n" * 20_000 + b"3 \xff\n"
    with pytest.raises(InputError, match="line 20003: is not UTF-8 text"):
        read(io.BytesIO(content), columns={"playlist": 1})
