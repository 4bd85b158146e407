"""Tables of one playlist each: Exportify's forms, Soundiiz', Apple Music's."""

import csv
import io
from typing import Any

import pytest

from segue.errors import InputError

HEADER = [
    "Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Album URI", "Album Name",
    "Album Artist URI(s)", "Album Artist Name(s)", "Disc Number", "ISRC", "Added By", "Added At",
]  # fmt: skip
GERMAN = [
    "Track-URI", "Track-Name", "Künstler-URI(s)", "Künstlername(n)", "Album-URI", "Album-Name",
    "Album-Künstler-URI(s)", "Album-Künstlername(n)", "Disc-Nummer", "ISRC", "Hinzugefügt von",
    "Hinzugefügt am",
]  # fmt: skip
JAPANESE = [
    "トラックURI", "トラック名", "アーティストURI", "アーティスト名", "アルバムURI", "アルバム名",
    "アルバムアーティストURI", "アルバムアーティスト名",
    "ディスク番号", "コード", "追加者", "追加日時",
]  # fmt: skip


def row(number: int, title: str, artists: dict[str, str], **changes: str) -> list[str]:
    """A row as Exportify writes it: a comma in a name is protected by a backslash."""
    uris = ", ".join(f"spotify:artist:{artist}" for artist in artists)
    names = ", ".join(name.replace(",", "\\,") for name in artists.values())
    facts = {
        "uri": f"spotify:track:{number}", "name": title, "uris": uris, "names": names,
        "album": "spotify:album:b1", "album_name": "First", "by": "spotify:artist:a1",
        "an": "Alpha",
        "disc": "1", "isrc": f"GBUM7102960{number}", "who": "spotify:user:me",
        "when": "2024-01-01T00:00:00Z",
    } | changes  # fmt: skip
    return list(facts.values())


ROWS = [
    row(1, "Song One", {"a1": "Alpha"}),
    row(2, "Song, Two", {"a2": "Tyler, The Creator", "a1": "Alpha"}),
]


def table(header: list[str], rows: list[list[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return text.getvalue()


@pytest.mark.parametrize("header", [HEADER, GERMAN, JAPANESE])
def test_exportify(read_files, header):
    found = read_files({"road_trip.csv": table(header, ROWS), "rainy.csv": table(header, ROWS[1:])})
    assert found.titles == {"rainy": "rainy", "road_trip": "road_trip"}
    assert found.songs["road_trip"] == [
        ("Song One", "Alpha"), ("Song, Two", "Tyler, The Creator", "Alpha")
    ]  # fmt: skip
    assert found.ids["rainy"] == ["spotify:track:2"]
    assert found.artists == {
        "spotify:artist:a2": "Tyler, The Creator", "spotify:artist:a1": "Alpha"
    }  # fmt: skip
    assert found.albums == {"spotify:album:b1": "First"}
    if header != JAPANESE:
        assert found.aliases["spotify:track:1"] == ["isrc:GBUM71029601"]


@pytest.mark.parametrize("name", ["Name", "名前"])
def test_exportify_with_the_name_of_the_playlist(read_files, name):
    rows = [["Road trip!", *cells] for cells in ROWS]
    header = [name, *(HEADER if name == "Name" else JAPANESE)]
    assert read_files({"road_trip.csv": table(header, rows)}).titles == {"road_trip": "Road trip!"}


@pytest.mark.parametrize("separator", [";", ","])
def test_exportify_with_ids(read_files, separator):
    """https://exportify.net, as it was and as it is: ids, or URIs without those of artists."""
    tyler = "Tyler, The Creator"
    ids = ["1" * 22, "2" * 22, "3" * 22]
    columns = (
        "Spotify ID,Artist IDs,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms)"
    )
    rows = [
        [ids[0], "a1", "One", "First", "Alpha", "2020", "1"],
        [ids[1], "a1,a2", "Two", "First", f"Alpha{separator}{tyler}", "2020", "1"],
        [ids[2], "a2", "Three", "First", tyler, "2020", "1"],
    ]
    found = read_files({"a.csv": "\ufeff" + table(columns.split(","), rows)})
    assert found.songs["a"] == [("One", "Alpha"), ("Two", "Alpha", tyler), ("Three", tyler)]
    assert found.ids["a"] == [f"spotify:track:{an_id}" for an_id in ids]
    assert found.artists == {"spotify:artist:a1": "Alpha", "spotify:artist:a2": tyler}


def test_exportify_without_ids_of_artists(read_files):
    columns = (
        "Track URI,Track Name,Album Name,Artist Name(s),Release Date,Popularity,Added By,Added At"
    )
    rows = [
        ["spotify:track:1", "One", "First", "Alpha;Beta", "2020", "1", "me", "2024"],
        ["spotify:track:2", "Two", "First", "Tyler, The Creator", "2020", "1", "me", "2024"],
    ]
    found = read_files({"a.csv": table(columns.split(","), rows)})
    assert found.songs["a"] == [("One", "Alpha", "Beta"), ("Two", "Tyler, The Creator")]


@pytest.mark.parametrize(
    ("names", "num", "expected"),
    [
        ("Alpha, Beta", 2, ["Alpha", "Beta"]),
        ("Alpha,Beta", 2, ["Alpha", "Beta"]),
        ("Earth, Wind & Fire", 1, ["Earth, Wind & Fire"]),
        ("Tyler, The Creator, Kali Uchis", 2, ["Tyler, The Creator", "Kali Uchis"]),
        ("Kali Uchis, Tyler, The Creator", 2, ["Kali Uchis", "Tyler, The Creator"]),
        ("Tyler, The Creator,Kali Uchis", 2, ["Tyler, The Creator", "Kali Uchis"]),
        ("Earth\\, Wind & Fire, Alpha", 2, ["Earth, Wind & Fire", "Alpha"]),
    ],
)
def test_commas_in_names(read_files, names, num, expected):
    """There are as many artists as there are URIs, whatever version wrote the file."""
    uris = ", ".join(f"spotify:artist:x{n}" for n in range(num))
    cells = row(1, "Song", {}, uris=uris, names=names)
    assert read_files({"a.csv": table(HEADER, [cells])}).songs["a"] == [("Song", *expected)]


def test_a_name_that_another_row_tells(read_files):
    earth = "Earth, Wind & Fire"
    cells = [
        row(1, "Song", {}, uris="spotify:artist:x1", names=earth),
        row(2, "Other", {}, uris="spotify:artist:x1, spotify:artist:x2", names=f"{earth}, Alpha"),
    ]
    found = read_files({"a.csv": table(HEADER, cells)})
    assert found.songs["a"][1] == ("Other", earth, "Alpha")


def test_what_is_no_song_of_spotify(read_files):
    rows = [
        row(1, "Song One", {"a1": "Alpha"}),
        row(2, "Demo", {}, uri="spotify:local:Alpha::Demo:180", album=""),
        row(3, "Talk", {"a3": "Radio"}, uri="spotify:episode:e1"),
        row(4, "", {}, names="", uris=""),
        [""] * len(HEADER),
    ]
    found = read_files({"a.csv": table(HEADER, rows), "b.csv": table(HEADER, rows[1:3])})
    assert found.ids == {"a": ["spotify:track:1"]}
    assert found.report.set_aside == {
        "local file": 2, "podcast episode": 2, "removed track": 1, "empty playlist": 1
    }  # fmt: skip


@pytest.mark.parametrize("zipped", [False, True])
def test_several_files_of_one_name(read_files, zipped):
    content = table(HEADER, ROWS)
    found = read_files({"x/Mix.csv": content, "y/Mix.csv": content}, zipped=zipped)
    assert list(found.titles) == ["Mix", "Mix (2)"]


@pytest.mark.parametrize(
    ("name", "header", "delimiter", "encoding"),
    [
        ("Soundiiz.csv", "title;artist;album;isrc", ";", "utf-8-sig"),
        ("Apple.txt", "Name\tArtist\tAlbum\tTime\tPlays\tDate Added\tLocation", "\t", "utf-16"),
        ("mine.csv", "track,artist", ",", "utf-8"),
    ],
)
def test_other_programs(read_files, name, header, delimiter, encoding):
    names = header.split(delimiter)
    facts = {0: "Jóga", 1: "Björk"}
    rows = [[facts.get(at, "") for at in range(len(names))]]
    text = table(names, rows, delimiter)
    found = read_files(
        {name: (text.replace('"', "") if delimiter == "\t" else text).encode(encoding)}
    )
    assert list(found.songs.values()) == [[("Jóga", "Björk")]]
    assert found.report.form == "tables of one playlist each"


@pytest.mark.parametrize(
    "header",
    ["playlist,track,artist", "playlist_name,track name,artist name", "user,track,artist",
     "title,track,artist,session_id", "artist,track,timestamp", "uts,artist,album,track",
     "title,track_name,artist", "mixtape,track,artist", "folder,track uri,track,artist"],
)  # fmt: skip
def test_other_tables_are_none_of_these(read_files, header):
    content = table(header.split(","), [["a", "b", "c", "d"][: header.count(",") + 1]])
    try:
        form = read_files({"a.csv": content}).report.form
    except InputError as error:
        form = str(error)
    assert "one playlist each" not in form


def test_bad_rows(read_files):
    content = table(HEADER, [ROWS[0], ["spotify:track:9", "x"], ROWS[1]])
    with pytest.raises(InputError, match=r"a\.csv: line 3: has 2 cells, expected 12"):
        read_files({"a.csv": content})
    found = read_files({"a.csv": content}, skip_bad=True)
    assert len(found.ids["a"]) == 2
    assert (found.report.skipped, found.report.skipped_tracks) == (1, 1)


def test_a_cell_longer_than_pythons_reader_takes(read_files):
    content = table(HEADER, [ROWS[0], row(2, "x" * 140_000, {"a1": "Alpha"}), ROWS[1]])
    with pytest.raises(InputError, match=r"line 3: is not cells \(field larger than") as caught:
        read_files({"a.csv": content})
    assert len(str(caught.value)) < 300
    assert len(read_files({"a.csv": content}, skip_bad=True).ids["a"]) == 2


def test_columns_that_are_stated_make_an_ordinary_table(read_files):
    content = "track,artist,list\na,x,1\nb,y,1\n"
    options: dict[str, Any] = {"columns": {"playlist": "list"}}
    assert read_files({"t.csv": content}, **options).report.form == "text tables"
