"""Tables without a header."""

import pytest

from segue.data.formats.headerless import by_place, known_layout


def test_an_index_is_no_playlist(read_files):
    rows = "0,7,Innuendo,Queen\n1,7,Delilah,Queen\n2,8,Jóga,Björk\n"
    found = read_files({"t.csv": rows})
    assert found.ids == {"7": ["Innuendo", "Delilah"], "8": ["Jóga"]}
    found = read_files({"t.csv": rows}, columns={"playlist": 1, "track": 3})
    assert list(found.ids) == ["0", "1", "2"]


@pytest.mark.parametrize("first", ["113", "012", "0 1 2", "12"])
def test_what_is_no_index(first):
    cells = first.split() if " " in first else list(first)
    rows = [[cell, "a"] if " " in first else [cell, "a", "b"] for cell in cells]
    assert by_place({}, {}, len(rows[0]), rows)[0] == {"playlist": 0, "track": 1} or first == "012"


def test_cells_that_give_the_layout_away():
    assert known_layout([["7", "2014-04-07T10:51:09.277Z", "214536502", "0"]]) == {
        "playlist": 0, "position": 1, "track": 2,
    }  # fmt: skip
    assert known_layout([["a", "b"]]) is None
    assert known_layout([]) is None
