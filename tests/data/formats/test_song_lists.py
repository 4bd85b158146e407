"""Songs pasted as text: links, and "Artist - Title" in the ways people write it."""

import io

import pytest

from segue.data.formats import FORMATS
from segue.data.formats.line_lists import LISTS
from segue.data.formats.text_tables import TEXT
from segue.data.reading import read
from segue.data.sources import find_files

SPOTIFY = "4u7EnebtmKWzUH433cf5Qv"


def pasted(text: str) -> list[tuple[str, str]]:
    """(id, main artist) of each song."""
    found = read(io.StringIO(text)).catalog
    names = [*found.artists.names.to_pylist(), ""]
    return list(
        zip(found.track_ids.to_pylist(), [names[a] for a in found.main_artist], strict=True)
    )


def test_links(read_files):
    links = (
        f"https://open.spotify.com/track/{SPOTIFY}?si=1\r\nhttps://open.spotify.com/episode/{SPOTIFY}\n"
        f"\n# a remark\nspotify:track:{SPOTIFY[::-1]}\nspotify:local:a:b:c:1\n"
        "https://open.spotify.com/playlist/x\nsegue:track:queen:innuendo\nQueen - Delilah\n"
    )
    found = read_files({"mix.txt": links, "notes.txt": "nothing", "b.txt": "one\ntwo - x\n"})
    assert found.ids == {
        "mix": [
            f"spotify:track:{SPOTIFY}",
            f"spotify:track:{SPOTIFY[::-1]}",
            "segue:track:queen:innuendo",
            "Delilah - Queen",
        ]
    }
    assert found.report.set_aside == {"podcast episode": 1, "local file": 1, "other link": 1}
    assert found.report.passed_over == 2


def test_a_list_of_links_and_titles_alone(read_files):
    content = f"spotify:track:{SPOTIFY}\nThe xx - Intro\n=1+1\nsegue:track:a:b\n"
    assert len(read_files({"mix.txt": content}, only="mix.txt").ids["mix"]) == 4


def test_a_column_of_links_is_a_list(read_files):
    assert len(read_files({"a.csv": f"spotify:track:{SPOTIFY}\nspotify:track:x\n"}).ids["a"]) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Queen - Delilah\nAbba - SOS", [("Delilah - Queen", "Queen"), ("SOS - Abba", "Abba")]),
        ("1. Queen – Delilah (3:35)\n2. Abba – SOS",
         [("Delilah - Queen", "Queen"), ("SOS - Abba", "Abba")]),
        ("SOS by Abba\nStand by Me by Ben E. King",
         [("SOS - Abba", "Abba"), ("Stand - Me by Ben E. King", "Me by Ben E. King")]),
        ("Stand by Me", [("Stand by Me", "")]),
        ("#1 Crush\nSOS", [("#1 Crush", ""), ("SOS", "")]),
        ("Hello, Goodbye\nHelp!", [("Hello, Goodbye", ""), ("Help!", "")]),
        ("Queen - Delilah", [("Delilah - Queen", "Queen")]),
    ],
)  # fmt: skip
def test_names(text, expected):
    assert pasted(text) == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "playlist,track,artist\n1,Help! - Live,Queen\n"),
        ("t", "playlist,track,artist\n1,Help! - Live,Queen\n"),
        ("t.txt", "playlist;track;artist\n1;Help! - Live;Queen\n"),
        ("t.txt", "0 5 7\n1 9 4\n"),
        ("t.tsv", "alice\tx\tQueen - Delilah\t7\n"),
    ],
)
def test_tables_are_no_lists(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    (file,) = find_files(tmp_path / name)
    assert next(format_ for format_ in FORMATS if format_.recognises(file)) in (LISTS, TEXT)
