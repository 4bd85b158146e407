"""Lists as files: every form is read back in full, and says what players understand."""

import csv
import io
import json
from xml.etree import ElementTree

import msgspec
import pyarrow.parquet as pq
import pytest

import segue
from segue.data.records import Track
from segue.data.track_columns import Location
from segue.errors import ArtefactError, InputError
from segue.recommend.export import content_of, file_name, save, writer_of
from segue.recommend.exported import Exported, TrackRecords
from segue.recommend.recommender import Recommender
from segue.recommend.writers import WRITERS

# What files are made of, and what breaks them.
QUEEN, BOWIE = ("a:queen", "Queen"), ("a:bowie", 'David "Ziggy" Bowie, Sir')
MANY = Exported(
    'Rock & <roll> "now"\n,; – naïve',
    (
        Track(
            "spotify:track:2aibwv5hGXSgw7Yru8IYTO",
            "Under Pressure",
            (QUEEN, BOWIE),
            ("album:1", "Hot Space"),
            aliases=("isrc:GBUM71029604", "mbid:b1a9c0e9-d987-4042-ae91-78d6a3267d69"),
        ),
        Track("tt:2", '=HYPERLINK("x")', (QUEEN,), ("album:2", "-")),
        Track("tt:3", '\'=really, an "apostrophe"', (BOWIE,)),
        Track("Weiß - Ärzte", "Zwei\nZeilen\tund ]]> &amp;", (("Die Ärzte", "Die Ärzte"),)),
        Track("#5", "#1 Hit", (("a:x", "[Brackets]"),), ("album:5", "\x07 bell")),
        Track("6", "あなた", (("a:y", '["List"]'),), ("6", "+")),
        Track("7", "No one's"),
    ),
    (0.5, 0.25, 0.125, None, 0.0625, 0.03125, -0.5),
    "10",
)


def read_back(content: bytes, name: str, folder) -> segue.Collection:
    path = folder / name
    path.write_bytes(content)
    return segue.read(path)


def tracks_of(collection: segue.Collection, at: int = 0) -> list[Track]:
    rows = collection.playlists.tracks[at].tolist()
    return list(TrackRecords(collection.catalog).of_rows(rows))


def test_forms_go_by_their_endings():
    for name, form in {
        "a.m3u8": "m3u8", "b.M3U": "m3u8", "c.xspf": "xspf", "d.jspf": "jspf", "e.csv": "csv",
        "f.json": "json", "g.mpd.json": "mpd", "h.txt": "uris", "i.parquet": "parquet",
    }.items():  # fmt: skip
        assert writer_of(name).name == form
    assert writer_of("any.thing", "csv").name == "csv"
    for name in ("a.doc", "a", ".csv.exe"):
        with pytest.raises(InputError, match=r"its ending says no format.*\.m3u8.*parquet"):
            writer_of(name)
    with pytest.raises(InputError, match=r"'mp3' is not a format of playlists, expected one of m3"):
        writer_of("a.csv", "mp3")


READ_BACK = [form for form in WRITERS if form != "uris"]


@pytest.mark.parametrize("form", READ_BACK)
def test_nothing_is_lost(form, tmp_path):
    writer = WRITERS[form]
    name = f"list{writer.endings[0]}"
    collection = read_back(content_of(MANY, writer), name, tmp_path)
    assert len(collection.playlists) == 1
    # A title is a line of an M3U8.
    title = MANY.title.replace("\n", " ") if form == "m3u8" else MANY.title
    assert collection.playlists.titles.to_pylist() == [title]
    assert collection.playlists.ids.to_pylist() == [MANY.id]
    assert tracks_of(collection) == list(MANY.tracks)
    assert collection.playlists.order_known.all()


def test_links_keep_ids_or_names_and_the_order(tmp_path):
    """Nothing else has a place there; the file's name is the playlist."""
    collection = read_back(content_of(MANY, WRITERS["uris"]), "My list.txt", tmp_path)
    found = tracks_of(collection)
    assert collection.playlists.titles.to_pylist() == ["My list"]
    assert [found[at].id for at in (0, 1, 2)] == [MANY.tracks[at].id for at in (0, 1, 2)]
    assert [found[at].name for at in (3, 4, 5, 6)] == [
        "Zwei Zeilen und ]]> &amp;", "#1 Hit", "あなた", "No one's",
    ]  # fmt: skip


@pytest.mark.parametrize("form", WRITERS)
def test_two_lists_are_built_together(form, tmp_path):
    """Each once had the id 0, and the second was refused."""
    writer = WRITERS[form]
    for name, tracks in (("one", MANY.tracks[:3]), ("two", MANY.tracks[1:])):
        save([Exported("Same title", tracks)], tmp_path / f"{name}{writer.endings[0]}")
    read = segue.read(tmp_path)
    assert len({*read.playlists.ids.to_pylist()}) == 2
    assert sorted(len(tracks_of(read, at)) for at in (0, 1)) == [3, 6]


def test_lists_have_ids_of_their_own():
    """Far from those of the data set, whole in JavaScript, and the same for the same list."""
    others = [
        Exported("A", MANY.tracks),
        Exported("B", MANY.tracks),
        Exported("A", MANY.tracks[:2]),
        Exported("A", MANY.tracks[::-1]),
        Exported("A", MANY.tracks, continues="10"),
        MANY,
    ]
    ids = [one.id for one in others]
    assert len({*ids}) == len(ids)
    assert all(10**15 <= int(one) < 2**53 for one in ids)
    assert Exported("A", MANY.tracks, MANY.scores).id == others[0].id


def test_m3u8_for_players():
    lines = content_of(MANY, WRITERS["m3u8"]).decode().splitlines()
    assert lines[:2] == ["#EXTM3U", "#EXTENC:UTF-8"]
    assert lines[2] == '#PLAYLIST:Rock & <roll> "now" ,; – naïve'
    said = [line for line in lines if line.startswith("#EXTINF")]
    assert said[0] == '#EXTINF:-1,Queen, David "Ziggy" Bowie, Sir - Under Pressure'
    assert said[3] == "#EXTINF:-1,Die Ärzte - Zwei Zeilen und ]]> &amp;"
    assert said[6] == "#EXTINF:-1,No one's"
    locations = [line for line in lines if not line.startswith("#")]
    assert locations[0] == "spotify:track:2aibwv5hGXSgw7Yru8IYTO"
    assert locations[3] == "Die Ärzte - Zwei Zeilen und ]]_ &amp;", "no address of nobody's"
    assert len(locations) == len(MANY.tracks)
    assert lines.count("#SEGUE-NO-FILE") == len(MANY.tracks) - 1
    assert "#EXTALB:Hot Space" in lines


NO_FILE = (
    Track("segue:track:1", "Innuendo", (QUEEN,)),
    Track("7", "#1 / Re: A?", ()),
    Track("8", "\x07", ()),
    Track("spotify:track:2aibwv5hGXSgw7Yru8IYTO", "Four", (QUEEN,)),
    Track("https://example.org/5.mp3", "Five", (QUEEN,)),
)


@pytest.mark.parametrize(("form", "without"), [("m3u8", 4), ("xspf", 4), ("jspf", 0), ("csv", 0)])
def test_songs_without_a_file_are_counted_where_players_want_one(form, without, tmp_path):
    """An M3U8 said `segue:id:…` in place of a file, and nobody was told."""
    path = tmp_path / f"list.{form}"
    assert save([Exported("A", NO_FILE)], path).num_without_file == without
    assert tracks_of(segue.read(path)) == list(NO_FILE)
    located = msgspec.structs.replace(NO_FILE[0], location=Location("One.mp3", str(tmp_path)))
    saved = save([Exported("A", (located, *NO_FILE[1:]))], path, overwrite=True)
    assert saved.num_without_file == max(0, without - 1)


def test_an_m3u8_names_what_has_no_file(tmp_path):
    """As names of files that are not there, and not as files when it is read again."""
    save([Exported("A", NO_FILE)], tmp_path / "list.m3u8")
    read = segue.read(tmp_path / "list.m3u8")
    lines = (tmp_path / "list.m3u8").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "Queen - Innuendo",
        "./#1 _ Re_ A_",
        "Untitled",
        "spotify:track:2aibwv5hGXSgw7Yru8IYTO",
        "https://example.org/5.mp3",
    ]
    assert list(read.locations) == ["https://example.org/5.mp3"]


def test_xspf_is_xml():
    root = ElementTree.fromstring(content_of(MANY, WRITERS["xspf"]))
    space = "{http://xspf.org/ns/0/}"
    assert root.tag == f"{space}playlist"
    assert root.get("version") == "1"
    assert root.findtext(f"{space}title") == MANY.title
    tracks = root.findall(f"{space}trackList/{space}track")
    assert [track.findtext(f"{space}title") for track in tracks] == [t.name for t in MANY.tracks]
    first, album = tracks[0], tracks[4].findtext(f"{space}album")
    assert [one.text for one in first.findall(f"{space}identifier")] == [
        "spotify:track:2aibwv5hGXSgw7Yru8IYTO",
        "https://musicbrainz.org/recording/b1a9c0e9-d987-4042-ae91-78d6a3267d69",
    ]
    assert first.findtext(f"{space}info") == (
        "https://open.spotify.com/track/2aibwv5hGXSgw7Yru8IYTO"
    )
    assert album == "  bell", "XML holds no control characters"
    assert tracks[6].find(f"{space}creator") is None


def test_jspf_as_its_draft_says():
    playlist = json.loads(content_of(MANY, WRITERS["jspf"]))["playlist"]
    assert playlist["title"] == MANY.title
    first = playlist["track"][0]
    assert first["creator"] == 'Queen, David "Ziggy" Bowie, Sir'
    assert first["identifier"][0] == "spotify:track:2aibwv5hGXSgw7Yru8IYTO"
    assert isinstance(first["extension"]["urn:segue:track"], list)
    assert "creator" not in playlist["track"][6]


def test_csv_for_spreadsheets():
    content = content_of(MANY, WRITERS["csv"])
    assert content.startswith(b"\xef\xbb\xbfexport_id,")
    assert b"\r\n" in content
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["rank"] for row in rows] == [str(at) for at in range(1, 8)]
    assert {row["playlist_id"] for row in rows} == {"10"}
    assert rows[1]["track_name"] == '\'=HYPERLINK("x")', "no formula"
    assert rows[2]["track_name"] == "''=really, an \"apostrophe\""
    assert rows[1]["album_name"] == "'-"
    assert json.loads(rows[0]["artist_name"]) == [QUEEN[1], BOWIE[1]]
    assert rows[3]["score"] == ""
    assert rows[6]["score"] == "-0.5"


def test_parquet_for_programs(tmp_path):
    path = tmp_path / "list.parquet"
    save([MANY, Exported("B", MANY.tracks[:1])], path)
    rows = pq.read_table(path).to_pylist()
    assert [row["rank"] for row in rows] == [*range(1, 8), 1]
    assert rows[0]["artist_name"] == [QUEEN[1], BOWIE[1]]
    assert [row["score"] for row in rows] == [*MANY.scores, None]
    assert [row["playlist_id"] for row in rows] == ["10"] * 7 + [None]
    assert rows[6]["artist_id"] == []


def test_links_one_a_line():
    lines = content_of(MANY, WRITERS["uris"]).decode().splitlines()
    assert lines[:2] == ["spotify:track:2aibwv5hGXSgw7Yru8IYTO", "tt:2"]
    assert lines[3] == "Die Ärzte - Zwei Zeilen und ]]> &amp;", "a name is better than such an id"
    assert len(lines) == len(MANY.tracks)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Road trip (70s)!", "road-trip-70s.m3u8"),
        ("../../etc/passwd", "etc-passwd.m3u8"),
        ("あなた / Été", "あなた-été.m3u8"),
        ("...", "playlist.m3u8"),
        ("a" * 300, f"{'a' * 60}.m3u8"),
        ('x"\r\nSet-Cookie: a', "x-set-cookie-a.m3u8"),
    ],
)
def test_names_of_files_are_safe(title, name):
    assert file_name(title, WRITERS["m3u8"]) == name


def test_a_file_for_each_list_where_a_form_holds_one(tmp_path):
    lists = [Exported("Same", MANY.tracks[:1]), Exported("Same", MANY.tracks[1:2])]
    with pytest.raises(InputError, match="M3U8 holds one playlist a file; give a folder"):
        save(lists, tmp_path / "out.m3u8")
    saved = save(lists, tmp_path / "out", "m3u8")
    assert (saved.num_lists, saved.num_tracks) == (2, 2)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "same-2.m3u8",
        "same.m3u8",
    ]
    with pytest.raises(ArtefactError, match="exists already"):
        save(lists, tmp_path / "out", "m3u8")
    save(lists, tmp_path / "out", "m3u8", overwrite=True)
    save(lists, tmp_path / "both.json")
    assert len(segue.read(tmp_path / "both.json").playlists) == 2


def test_an_older_file_is_kept_unless_told_otherwise(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("older")
    with pytest.raises(ArtefactError, match=r"a\.csv: exists already"):
        save([MANY], path)
    assert path.read_text() == "older"


def test_a_list_saves_itself(small_bundle, tmp_path):
    found = Recommender(small_bundle).complete("10", 3)
    assert found.save(tmp_path / "next.json").num_tracks == 3
    (read,) = [segue.read(tmp_path / "next.json")]
    assert [track.id for track in tracks_of(read)] == [track.track_id for track in found.tracks]
    catalog = small_bundle.catalog
    for track, record in zip(found.tracks, tracks_of(read), strict=True):
        row = catalog.tracks.index_of[track.track_id]
        assert record == TrackRecords(catalog).of_rows([row])[0]
        assert track.artist_name == ", ".join(artist.name for artist in track.artists)


def test_given_songs_come_first():
    given = MANY.tracks[3:5]
    both = Exported("A", MANY.tracks[:4], (4.0, 3.0, 2.0, 1.0)).after(given)
    assert both.tracks == (*given, *MANY.tracks[:3])
    assert both.scores == (None, None, 4.0, 3.0, 2.0)


LISTS = {
    "in.m3u": "#EXTM3U\n#EXTINF:1,Queen - One\nQueen/01 One.mp3\n#EXTINF:1,Queen - Two\n"
    "/music/Two.mp3\n#EXTINF:1,Queen - Three\nhttps://example.org/3.mp3\n"
    "#EXTINF:1,Queen - Four\nspotify:track:2aibwv5hGXSgw7Yru8IYTO\n",
    "in.pls": "[playlist]\nFile1=Queen\\01 One.mp3\nTitle1=Queen - One\nFile2=/music/Two.mp3\n"
    "Title2=Queen - Two\nFile3=https://example.org/3.mp3\nTitle3=Queen - Three\n"
    "File4=spotify:track:2aibwv5hGXSgw7Yru8IYTO\nTitle4=Queen - Four\n",
    "in.xspf": '<playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>'
    + "".join(
        f"<track><title>{title}</title><creator>Queen</creator><location>{at}</location></track>"
        for title, at in {
            "One": "Queen/01%20One.mp3", "Two": "file:///music/Two.mp3",
            "Three": "https://example.org/3.mp3", "Four": "spotify:track:2aibwv5hGXSgw7Yru8IYTO",
        }.items()
    )
    + "</trackList></playlist>",
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("form", ["m3u8", "xspf", "jspf"])
def test_songs_keep_the_places_of_their_files(name, form, tmp_path):
    """A player could no longer open what was tidied: it said `segue:id:…`."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / name).write_text(LISTS[name])
    path = tmp_path / f"out.{form}"
    for source in (tmp_path / "lists" / name, path):  # and once more, what was written
        read = segue.read(source)
        records = TrackRecords(read.catalog, read.locations)
        rows = read.playlists.tracks[0].tolist()
        save([Exported("Tidied", records.of_rows(rows))], path, overwrite=True)
        text = path.read_text()
        escaped = form != "m3u8"
        expected = ["lists/Queen/01%20One.mp3" if escaped else "\nlists/Queen/01 One.mp3\n"]
        expected += ["file:///music/Two.mp3" if escaped else "\n/music/Two.mp3\n"]
        expected += ["https://example.org/3.mp3", "spotify:track:2aibwv5hGXSgw7Yru8IYTO"]
        assert [place for place in expected if place not in text] == []
        assert "segue:id:" not in text


@pytest.mark.parametrize("form", WRITERS)
def test_what_no_file_can_hold_does_not_spoil_one(form, tmp_path):
    """A NUL made a table unreadable, half a character could not be written."""
    writer = WRITERS[form]
    tracks = (Track("a", "One\0two", (("q", "Que\0en"),)), Track("b", "Three"))
    content = content_of(Exported("Half \ud83d, nothing \0", tracks), writer)
    read = read_back(content, f"list{writer.endings[0]}", tmp_path)
    assert len(tracks_of(read)) == 2
    if form != "uris":
        assert read.playlists.titles[0].as_py().startswith("Half ?, nothing")


def test_lists_without_a_song_in_the_library_are_not_written(tmp_path):
    """There were empty files, and no error."""
    (tmp_path / "music" / "Queen").mkdir(parents=True)
    (tmp_path / "music" / "Queen" / "One.mp3").write_bytes(b"")
    one = Exported("Found", (Track("a", "One", (QUEEN,)),))
    none = Exported("Missing", (Track("b", "Two", (QUEEN,)),))
    saved = save([one, none], tmp_path / "out", "m3u8", library=tmp_path / "music")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["found.m3u8"]
    assert (saved.num_lists, saved.num_lists_left_out, saved.num_left_out) == (1, 1, 1)
    with pytest.raises(InputError, match="has none of the 2 songs"):
        save([none, none], tmp_path / "no", "m3u8", library=tmp_path / "music")
    assert not (tmp_path / "no").exists()


def test_the_own_file_of_a_song_is_kept_beside_a_library(tmp_path):
    """A song was left out though the list that it came from named its file."""
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "Queen - One.mp3").write_bytes(b"")
    (tmp_path / "side a.flac").write_bytes(b"")
    named = {"Two": "side a.flac", "Three": "gone.flac", "Four": "https://example.org/4.mp3"}
    tracks = [Track("a", "One", (QUEEN,))] + [
        Track(name, name, (QUEEN,), location=Location(at, "" if ":" in at else str(tmp_path)))
        for name, at in named.items()
    ]
    path = tmp_path / "out.m3u8"
    saved = save([Exported("A", tuple(tracks))], path, library=tmp_path / "music")
    assert (saved.num_tracks, saved.num_left_out, saved.num_without_file) == (3, 1, 0)
    places = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert places == ["music/Queen - One.mp3", "side a.flac", "https://example.org/4.mp3"]


def test_a_song_that_looks_like_a_comment_is_a_line_of_a_text(tmp_path):
    lines = content_of(Exported("a", (Track("#1", "#1 Hit"), Track("b", "Two"))), WRITERS["uris"])
    assert [t.name for t in tracks_of(read_back(lines, "a.txt", tmp_path))] == ["#1 Hit", "Two"]
