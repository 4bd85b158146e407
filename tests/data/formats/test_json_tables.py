"""Tables as JSON: a row a line, and a list of rows."""

import io
import json

import pytest

from segue.data.reading import read
from segue.errors import InputError

ROWS = [
    {"playlist": "mix", "track": "x", "artist": ["A", "B"], "pos": 2},
    {"playlist": "mix", "track": "y", "artist": ["A"], "pos": 1},
]


@pytest.mark.parametrize(
    "text", ["\n".join(map(json.dumps, ROWS)) + "\n", json.dumps(ROWS, indent=1)]
)
def test_lines_and_a_list(text):
    found = read(io.StringIO(text))
    assert [found.catalog.track_ids.to_pylist()[track] for track in found.playlists.tracks[0]] == [
        "y", "x",
    ]  # fmt: skip
    assert found.catalog.artists.names.to_pylist() == ["A", "B"]
    assert found.report.form == "tables as JSON"


def test_ids_are_text_and_options_hold():
    rows = [{"user_id": 1, "item_id": "7", "rating": 4}, {"user_id": 1, "item_id": 9, "rating": 1}]
    text = "\n".join(map(json.dumps, rows))
    assert read(io.StringIO(text)).catalog.track_ids.to_pylist() == ["7", "9"]
    found = read(io.StringIO(text), at_least={"rating": 2})
    assert found.catalog.track_ids.to_pylist() == ["7"]
    columns = {"playlist": "user_id+rating"}
    assert read(io.StringIO(text), columns=columns).playlists.ids.to_pylist() == ["1 / 4", "1 / 1"]


def test_bad_rows():
    text = "\n".join(map(json.dumps, ROWS)) + '\n{"playlist": \n'
    with pytest.raises(InputError, match="line 3: is not a row"):
        read(io.StringIO(text))
    assert read(io.StringIO(text), skip_bad=True).report.skipped == 1
    with pytest.raises(InputError, match="whole file: is not a list of rows"):
        read(io.StringIO(json.dumps(ROWS)[:-1]))
    with pytest.raises(InputError, match="no column recognised as the playlist; its columns are a"):
        read(io.StringIO('{"a": 1, "b": 2}\n{"a": 1, "b": 3}\n'))


@pytest.mark.parametrize("least", ["4", None])
def test_a_least_value_is_a_number(least):
    with pytest.raises(InputError, match=r"at_least\['rating'\] is .*, expected a number"):
        read(io.StringIO("user_id,item_id,rating\n1,2,3\n"), at_least={"rating": least})
