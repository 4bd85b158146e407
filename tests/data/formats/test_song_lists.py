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
         [("SOS - Abba", "Abba"), ("Stand by Me - Ben E. King", "Ben E. King")]),
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


TWO = [("Innuendo", "Queen"), ("Jóga", "Björk")]


@pytest.mark.parametrize(
    "lines",
    [
        ("Queen: Innuendo", "Björk: Jóga"),
        ("Queen, Innuendo", "Björk, Jóga"),
        ("Queen / Innuendo", "Björk / Jóga"),
        ("Queen | Innuendo", "Björk | Jóga"),
        ("Queen\tInnuendo", "Björk\tJóga"),
        ("Queen;Innuendo", "Björk;Jóga"),
        ("🎵 Queen - Innuendo", "♫ Björk - Jóga"),
        ("“Innuendo” – Queen", "“Jóga” – Björk"),
        ("Queen – “Innuendo”", "Björk – “Jóga”"),
        ("1 Queen - Innuendo", "2 Björk - Jóga"),
        ("Innuendo by Queen", "Jóga by Björk"),
        ("[12.05.24, 10:13:12] Ann: Queen - Innuendo", "[12.05.24, 10:14:12] Bob: Björk - Jóga"),
        ("5/12/24, 10:13 - Ann: Queen - Innuendo", "5/12/24, 10:14 - Bob: Björk - Jóga"),
        (
            "1",
            "Innuendo",
            "Queen",
            "Innuendo",
            "6:31",
            "2",
            "Jóga",
            "E",
            "Björk",
            "Homogenic",
            "5:05",
        ),
    ],
)
def test_what_stands_between_and_around(read_files, lines):
    found = read_files({"mix.txt": "\n".join(lines)}, only="mix.txt")
    assert found.songs["mix"] == TWO


def test_numbers_that_belong_to_names(read_files):
    content = "10cc - Dreadlock Holiday\n50 Cent - In da Club\n99 Luftballons - Nena\n"
    found = read_files({"mix.txt": content}, only="mix.txt")
    assert [song[1] for song in found.songs["mix"]] == ["10cc", "50 Cent", "99 Luftballons"]


def test_by_within_a_title(read_files):
    found = read_files({"a.txt": "Stand by Me by Ben E. King\nDelilah by Queen\n"}, only="a.txt")
    assert found.songs["a"] == [("Stand by Me", "Ben E. King"), ("Delilah", "Queen")]


def test_links_among_words(read_files):
    one, other = "5W3cjX2J3tjhG8zb6u0qHn", "2aoo2jlRnM3A0NyLQqMN2f"
    address = "https://open.spotify.com/track/"
    content = (
        f"Queen - Innuendo {address}{one}?si=1\n- [Delilah]({address}{other}) by Queen\n"
        f"{address}{one[::-1]} {address}{other[::-1]}\nQueen - Jealousy https://youtu.be/x\n"
        "https://youtu.be/y\n"
    )
    found = read_files({"mix.txt": content}, only="mix.txt")
    codes = (one, other, one[::-1], other[::-1])
    assert found.ids["mix"] == [*(f"spotify:track:{code}" for code in codes), "Jealousy - Queen"]
    assert found.songs["mix"][:2] == [("Innuendo", "Queen"), ("Delilah", "Queen")]
    assert found.report.set_aside == {"other link": 1}
