"""`read`: every kind of source, the choice among formats, and what a table's columns come to."""

import io
import json
import zipfile
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp

from segue.data import in_memory, reading
from segue.data.formats import text_rows
from segue.data.formats.dialect import CleanText, Dialect
from segue.data.reading import find, read
from segue.data.records import Format, Playlist, SetAside, Track
from segue.errors import ArtefactError, InputError

TABLE = {"playlist": [7, 7, 8], "track": ["b", "a", "a"], "artist": ["x", "y", "y"]}
LISTS = {"7": ["b", "a"], "8": ["a"]}


def lists(found) -> dict[str, list[str]]:
    ids = found.catalog.track_ids.to_pylist()
    named = zip(found.playlists.ids.to_pylist(), found.playlists.tracks, strict=True)
    return {name: [ids[t] for t in tracks] for name, tracks in named}


class InArrow:
    """As polars and others hand their tables over."""

    def __arrow_c_stream__(self, requested_schema=None):
        return pa.table(TABLE).__arrow_c_stream__(requested_schema)


class TestInMemory:
    @pytest.mark.parametrize("table", [pd.DataFrame(TABLE), pa.table(TABLE), InArrow()])
    def test_tables(self, table):
        found = read(table)
        assert lists(found) == LISTS
        assert found.catalog.artists.ids.to_pylist() == ["x", "y"]
        assert (found.report.rows, found.report.files) == (3, 1)
        assert found.report.columns == "playlist = playlist, track = track, artist = artist"

    def test_an_index_is_not_a_column(self):
        frame = pd.DataFrame(TABLE, index=pd.Index([5, 6, 9], name="pos"))
        assert lists(read(frame)) == LISTS

    def test_columns_may_be_stated(self):
        frame = pd.DataFrame(TABLE).rename(columns={"playlist": "list"})
        with pytest.raises(InputError, match=r"^DataFrame in memory: has no column recognised"):
            read(frame)
        assert lists(read(frame, columns={"playlist": "list"})) == LISTS
        with pytest.raises(InputError, match="matrices in memory, but --columns is for"):
            read(sp.csr_matrix([[1]]), columns={"playlist": "list"})

    def test_a_bad_row_is_named(self):
        table = pa.table(TABLE | {"track": ["b", None, "a"]})
        with pytest.raises(InputError, match=r"^Table in memory: row 2: `track` is empty"):
            read(table)
        report = read(table, skip_bad=True).report
        assert (report.skipped, report.first_skipped[:26]) == (1, "Table in memory: row 2: `t")

    def test_lists_of_tracks(self):
        found = read([["b", "a"], np.array([3, 1]), []])
        assert lists(found) == {"0": ["b", "a"], "1": ["3", "1"], "2": []}
        assert found.playlists.titles.to_pylist() == [None] * 3
        assert len(found.catalog.artists) == 0

    def test_artists_and_titles(self):
        found = read(
            {"mine": [("Queen", "Innuendo"), (["Queen", "David Bowie"], "Under Pressure")]}
        )
        assert found.playlists.titles.to_pylist() == ["mine"]
        assert lists(found) == {"mine": ["Innuendo - Queen", "Under Pressure - Queen"]}
        assert found.catalog.track_names.to_pylist() == ["Innuendo", "Under Pressure"]
        assert found.catalog.artists.names.to_pylist() == ["Queen", "David Bowie"]

    def test_tracks_as_dictionaries(self):
        found = read(
            {
                "mine": [
                    {"title": "Innuendo", "artist": "Queen", "isrc": "GB-UM7-10-29604"},
                    {"id": 7, "title": "Under Pressure", "artists": ["Queen", "David Bowie"],
                     "album": "Hot Space"},
                    {"title": "Intro"},
                ]
            }
        )  # fmt: skip
        assert lists(found) == {"mine": ["Innuendo - Queen", "7", "Intro"]}
        assert found.catalog.artists.names.to_pylist() == ["Queen", "David Bowie"]
        assert found.catalog.albums.ids.to_pylist() == ["Hot Space - Queen"]
        assert found.catalog.tracks.aliases.to_pylist() == [["isrc:GBUM71029604"], [], []]

    def test_whole_numbers_and_links_are_ids(self):
        link = "https://open.spotify.com/track/4u7EnebtmKWzUH433cf5Qv?si=1"
        assert lists(read({"a": [7, np.int64(8), link]})) == {
            "a": ["7", "8", "spotify:track:4u7EnebtmKWzUH433cf5Qv"]
        }

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ([("Queen", "Innuendo")], "playlist '0': is tuple, expected a list of tracks"),
            ({"mine": "ab"}, "playlist 'mine': is str, expected a list"),
            ([[None]], "holds None, expected a track: an id, "),
            ([[("Queen", "")]], "expected a track"),
            ([[("a", "b", "c")]], "expected a track"),
            ([[{"title": "a", "artiste": "b"}]], "expected a track: an id, .* or a dict of these"),
            ([[{"artist": "b"}]], "expected a track.* that are text"),
            ([[{"title": "a", "artist": ["b", ""]}]], "expected a track.* that are text"),
            ([[{"title": "a", "id": 1.5}]], "expected a track.* that are text"),
            ([], "list: holds no playlist with a track"),
            (5, "int is not a source of playlists"),
        ],
    )
    def test_what_is_not_a_list_of_tracks(self, source, message):
        with pytest.raises(InputError, match=message):
            read(source)

    def test_a_matrix(self):
        matrix = sp.coo_matrix([[0, 2, 1], [1, 0, 0], [0, 0, 0]])
        found = read(matrix)
        assert lists(found) == {"0": ["1", "2"], "1": ["0"], "2": []}
        found = read(matrix, playlist_ids=["p", "q", "r"], track_ids=[30, 20, 10])
        assert lists(found) == {"p": ["20", "10"], "q": ["30"], "r": []}
        assert not found.playlists.order_known.any(), "columns have no order of a playlist's own"
        with pytest.raises(InputError, match=r"3 playlists × 3 tracks came with 2 track ids"):
            read(matrix, track_ids=["a", "b"])
        with pytest.raises(InputError, match="are for a matrix"):
            read([["a"]], track_ids=["a"])

    def test_a_column_by_its_number(self):
        frame = pd.DataFrame(TABLE).rename(columns={"playlist": "list"})
        assert lists(read(frame, columns={"playlist": 1})) == LISTS
        with pytest.raises(InputError, match="has no column '9' for the playlist"):
            read(frame, columns={"playlist": 9})

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (pd.DataFrame([["p", "t", "u"]], columns=["playlist", "track", "track"]), "Duplicate"),
            (pd.DataFrame(TABLE | {"track": [2**70, 1, 2]}), "too large"),
            (pd.Series(["a"]), "^Series is not a source of playlists"),
            ([["a", ""]], "holds '', expected a track"),
            ([[True]], "holds True, expected a track"),
            ([["\ud800"]], "playlist '0': holds half of a surrogate pair, expected text"),
            ([[("\ud800", "Innuendo")]], "half of a surrogate pair"),
            ({"\ud800": ["a"]}, "half of a surrogate pair"),
        ],
    )
    def test_what_no_table_and_no_track_can_be(self, source, message):
        with pytest.raises(InputError, match=message):
            read(source)

    @pytest.mark.parametrize("column", [9, -1])
    def test_a_matrix_whose_columns_are_out_of_bounds(self, column):
        matrix = sp.csr_matrix([[1, 0], [0, 1]])
        matrix.indices[0] = column
        with pytest.raises(InputError, match=r"^csr_matrix is not a sound matrix: "):
            read(matrix)

    def test_a_matrix_has_rows_and_columns(self):
        with pytest.raises(InputError, match="has 1 dimension, expected playlists × tracks"):
            read(sp.coo_array(np.array([1, 0, 1])))

    def test_columns_that_nothing_is_in_cost_nothing(self, monkeypatch):
        made = []
        monkeypatch.setattr(in_memory, "Track", lambda *of: made.append(of) or Track(*of))
        assert lists(read(sp.csr_matrix(([1], ([0], [99_999]))))) == {"0": ["99999"]}
        assert len(made) == 1

    @pytest.mark.parametrize("track_ids", [["a", None], ["a", float("nan")], ["a", ""]])
    def test_ids_of_a_matrix_are_text_or_numbers(self, track_ids):
        with pytest.raises(InputError, match=r"^track_ids: holds .*, expected text or a whole"):
            read(sp.csr_matrix([[1, 1]]), track_ids=track_ids)

    def test_the_order_is_one_of_three(self):
        with pytest.raises(InputError, match="order is 'sorted', expected auto, known or unknown"):
            read([["a"]], order="sorted")

    def test_fingerprints_tell_contents_apart(self):
        prints = [read(source).report.fingerprint for source in ([["a"]], [["a"]], [["b"]])]
        assert prints[0] == prints[1] != prints[2]


def test_a_collection_shows_its_sizes():
    assert repr(read([["b", "a"]])) == "Collection(1 playlists, 2 pairs, 2 tracks, 0 artists)"


def test_a_further_format_is_one_object(tmp_path, monkeypatch):
    """Whatever a file is called, what it holds decides."""

    def read_lines(file, options, reject):
        title, *tracks = file.read().decode().split("\n")[1:]
        yield title, Playlist(title, title, [Track(t, t) for t in tracks if t])
        if "" in tracks:
            reject(file.name, title, "holds an empty line", None)

    lines = Format("lines", lambda file: file.head.startswith(b"LINES"), read_lines)
    monkeypatch.setattr(reading, "FORMATS", (lines, *reading.FORMATS))
    (tmp_path / "a.csv").write_text("LINES\none\nb\na")
    (tmp_path / "b.json").write_text("LINES\ntwo\nc\n\nd")
    (tmp_path / "c.csv").write_text("playlist,track,artist\n1,a,x\n")
    found = read(tmp_path, skip_bad=True)
    assert lists(found) == {"one": ["b", "a"], "two": ["c", "d"]}
    assert (found.report.form, found.report.passed_over, found.report.skipped) == ("lines", 1, 1)


class TestFilesThatNamePlaylists:
    """What happens to playlists without ids and to what is no song, whatever the format."""

    @pytest.fixture(autouse=True)
    def lines(self, monkeypatch):
        def read_lines(file, options, reject):
            kept = [line for line in file.read().decode().split("\n")[1:] if line != "-"]
            yield SetAside("local file", file.read().count(b"\n-"))
            if kept:
                yield "whole file", Playlist(file.stem, file.stem, [Track(t, t) for t in kept])
            else:
                yield SetAside("empty playlist")

        lines = Format("lines", lambda file: file.head.startswith(b"LINES"), read_lines, named=True)
        monkeypatch.setattr(reading, "FORMATS", (lines, *reading.FORMATS))

    @pytest.fixture
    def folder(self, tmp_path):
        for name, content in {
            "a/Mix.txt": "LINES\nb\na",
            "b/Mix.txt": "LINES\nc\n-\n-\nd",
            "b/Vol. 2": "LINES\nd",
            "c/Mix.txt": "LINES\nd",
            "empty.txt": "LINES\n-",
            "Read_Me_First.pdf": "%PDF",
            "table.csv": "playlist,track,artist\n1,a,x\n",
        }.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content)
        return tmp_path

    def test_namesakes_are_told_apart(self, folder):
        found = read(folder)
        assert lists(found) == {
            "Mix": ["b", "a"], "Mix (2)": ["c", "d"], "Vol. 2": ["d"], "Mix (3)": ["d"]
        }  # fmt: skip
        assert found.playlists.titles.to_pylist() == ["Mix", "Mix", "Vol. 2", "Mix"]
        assert found.report.told_apart == 2

    def test_all_that_was_not_read_is_said(self, folder, capsys):
        report = read(folder, progress=True).report
        assert report.set_aside == {"local file": 3, "empty playlist": 1}
        said = capsys.readouterr().err
        assert "set aside: 3 local files, 1 empty playlist\n" in said
        assert "2 playlists renamed, as in 'mix (2)': the name was taken" in said
        assert "1 table not read beside whole playlists: table.csv\n" in said
        assert "1 other file ignored: Read_Me_First.pdf\n" in said

    def test_a_source_of_nothing_else_says_what_it_held(self, folder):
        with pytest.raises(InputError, match=r"no playlist with a track; set aside: 1 local file,"):
            read(folder / "empty.txt")

    def test_an_open_file(self, folder):
        text = io.StringIO("LINES\nb\na")
        assert lists(read(text)) == {"pasted text": ["b", "a"]}
        with (folder / "b" / "Mix.txt").open("rb") as stream:
            found = read(stream)
        assert lists(found) == {"Mix": ["c", "d"]}
        assert found.report.fingerprint == read(folder / "b" / "Mix.txt").report.fingerprint
        with pytest.raises(InputError, match=r"cannot be read \(.*closed file"):
            read(stream)

    def test_an_open_zip(self, folder):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as content:
            content.write(folder / "a" / "Mix.txt", "in/Mix.txt")
        archive.seek(0)
        assert lists(read(archive)) == {"Mix": ["b", "a"]}


class TestSeveralArtists:
    COLUMNS = ("playlist", "track", "artist", "artist_name")

    def artists_of(self, found) -> list[str]:
        return found.catalog.artists.ids.to_pylist(), found.catalog.artists.names.to_pylist()

    def test_lists_of_parquet(self, tmp_path):
        values = [
            [1, 1, 2],
            ["a", "b", "a"],
            [["x", "y"], ["z"], ["x"]],
            [["X", "Y"], ["Z"], ["X"]],
        ]
        pq.write_table(pa.table(dict(zip(self.COLUMNS, values, strict=True))), tmp_path / "t.pq")
        found = read(tmp_path)
        assert self.artists_of(found) == (["x", "y", "z"], ["X", "Y", "Z"])
        assert found.report.disputed_tracks == 0, "the main artist is the same"

    def test_json_lists_of_text(self, tmp_path):
        (tmp_path / "t.csv").write_text('pid,track,artist\n1,a,"[""x"", ""y""]"\n1,b,[z\n')
        assert read(tmp_path).catalog.artists.ids.to_pylist() == ["x", "y", "[z"]

    def test_a_separator(self, tmp_path):
        (tmp_path / "t.tsv").write_text(
            "pid\tartist\tartist_name\ttrack_name\n1\tx; y\tX;Y;\tA\n1\tx\tX\tB\n1\tx\tX;Z\tC\n"
        )
        with pytest.raises(
            InputError, match="line 4: `artist` and `artist_name` do not hold the same number"
        ):
            read(tmp_path, artist_separator=";")
        found = read(tmp_path, artist_separator=";", skip_bad=True)
        assert self.artists_of(found) == (["x", "y"], ["X", "Y"])
        assert lists(found) == {"1": ["A - X", "B - X"]}
        assert read(tmp_path).catalog.artists.ids.to_pylist() == ["x; y", "x"]

    def test_a_row_without_any_is_refused(self, tmp_path):
        pq.write_table(
            pa.table({"playlist": [1, 1], "track": ["a", "b"], "artist": [["x"], [""]]}),
            tmp_path / "t.parquet",
        )
        with pytest.raises(InputError, match="row 2: `artist` is empty"):
            read(tmp_path)

    def test_an_artist_who_is_named_twice_counts_once(self):
        found = read([[(["x", "x", "y"], "a")]])
        assert found.catalog.artists.ids.to_pylist() == ["x", "y"]


@pytest.fixture
def of_text(tmp_path):
    def call(content: str, name: str = "t.csv", **options):
        (tmp_path / name).write_text(content)
        return read(tmp_path / name, **options)

    return call


class TestHeaders:
    def test_numbers_are_places_even_where_the_first_row_holds_them(self, of_text):
        columns = {"playlist": "1", "track": "2"}
        found = of_text("alice,2,1\nalice,7,5\nbob,2,4\n", columns=columns)
        assert lists(found) == {"alice": ["2", "7"], "bob": ["2"]}

    def test_numbers_are_places_under_a_header_too(self, of_text):
        found = of_text("user,item,list\n1,a,p\n1,b,p\n", columns={"playlist": "3"})
        assert lists(found) == {"p": ["a", "b"]}

    def test_a_header_is_known_by_one_name(self, of_text):
        columns = {"playlist": "user", "artist": ""}
        found = of_text("user,thing,track\n1,a,b\n", columns=columns)
        assert lists(found) == {"1": ["b"]}

    def test_no_column_is_assumed_for_what_was_named_otherwise(self, of_text):
        columns = {"playlist": "1", "track_name": "2", "artist": "3"}
        found = of_text("1,Intro,M83\n1,Outro,M83\n", columns=columns)
        assert lists(found) == {"1": ["Intro - M83", "Outro - M83"]}
        with pytest.raises(InputError, match="no column recognised as the playlist"):
            of_text("5,1\n6,2\n", columns={"track": "1"})

    def test_no_column_is_stated_for_two_things(self, of_text):
        message = "column 'a' is given for both the playlist and the track"
        with pytest.raises(InputError, match=message):
            of_text("a,b\n1,2\n", columns={"playlist": "a", "track": "a", "artist": ""})
        columns = {"playlist": "a", "title": "a", "track": "b", "artist": ""}
        found = of_text("a,b\nroad trip,2\n", columns=columns)
        assert found.playlists.titles.to_pylist() == ["road trip"], "but an id may be the name"

    def test_a_message_is_no_longer_than_a_screen(self, of_text):
        for first in (",".join(f"column {n}" for n in range(9000)), "x" * 300_000):
            with pytest.raises(InputError) as caught:
                of_text(first + "\n1,2\n")
            assert len(str(caught.value)) < 1200

    def test_a_cell_longer_than_pythons_reader_takes(self, of_text):
        long = "b" * 140_000
        found = of_text(f'pid,track,artist\n1,a,x\n1,"{long}",x\n')
        assert lists(found) == {"1": ["a", long]}


class TestWhatSpreadsheetsSave:
    ROWS = "playlist;track;artist\nroad;Déjà vu;Élodie\nroad;Creep;Radio\n"

    @pytest.mark.parametrize(
        ("content", "options"),
        [
            (ROWS.encode("utf-16"), {}),
            (ROWS.replace(";", "\t").encode("utf-16"), {}),
            (ROWS.encode("utf-16-be"), {"encoding": "utf-16-be"}),
            (ROWS.encode("latin-1"), {"encoding": "latin-1"}),
            (ROWS.encode("mac-roman"), {"encoding": "MacRoman"}),
            (("sep=;\r\n" + ROWS.replace("\n", "\r\n")).encode("utf-8-sig"), {}),
            (("sep=;\r\n" + ROWS).encode("utf-16"), {}),
            (("# exported\n#\n" + ROWS).encode(), {}),
            (ROWS.replace("\n", "\r").encode(), {}),
            (ROWS.replace("\n", ";\n").encode(), {}),
            (ROWS.replace("road;", "1;road;").replace("pla", ";pla").encode(), {}),
            (ROWS.replace(";", ", ").encode(), {}),
            (ROWS.replace(";", " ").replace("Déjà vu", "Déjà_vu").encode(), {}),
            (ROWS.replace(";", "<SEP>").encode(), {}),
        ],
    )
    def test_all_say_the_same(self, tmp_path, content, options):
        (tmp_path / "t.csv").write_bytes(content)
        found = read(tmp_path / "t.csv", **options)
        assert lists(found) in ({"road": [song, "Creep"]} for song in ("Déjà vu", "Déjà_vu"))
        assert found.catalog.artists.ids.to_pylist() == ["Élodie", "Radio"]

    @pytest.mark.parametrize(
        ("content", "dialect", "expected"),
        [
            (ROWS.encode("utf-16"), Dialect(";", encoding="utf-16"), ROWS),
            (("#\r\n" + ROWS).encode(), Dialect(";", preamble=1), ROWS),
            (b"a <SEP>b<SEP>\r\nc<SEP>", Dialect("<SEP>"), "a \x1fb\x1f\r\nc\x1f"),
            (b" a  b \r\n \r\nc d", Dialect(" "), "a\x1fb\r\n\r\nc\x1fd"),
            (b'a, b,  "c, d"\n', Dialect(",", spaced=True), 'a, b,"c, d"\n'),
        ],
    )
    @pytest.mark.parametrize("size", [5, 6, 7, -1])
    def test_in_blocks_of_any_size(self, content, dialect, expected, size):
        text = CleanText(io.BytesIO(content), dialect)
        parts = iter(lambda: text.read(size), b"")
        assert b"".join(parts).decode() == expected

    def test_the_line_of_a_bad_row_counts_what_comes_before_the_header(self, of_text):
        with pytest.raises(InputError, match="line 4: has 2 cells, expected 3"):
            of_text("sep=;\nplaylist;track;artist\nroad;a;b\nroad;c\n")

    def test_blanks_within_quotation_marks_stay(self, of_text):
        found = of_text('pid, track, artist\n1, "a, b", x\n1, c "d" , "y"\n')
        assert lists(found) == {"1": ["a, b", 'c "d" ']}
        assert found.catalog.artists.ids.to_pylist() == ["x", "y"]

    def test_another_encoding_is_asked_for(self, tmp_path):
        # Of a table that has other text in UTF-8.
        content = self.ROWS.encode() + self.ROWS.encode("latin-1").partition(b"\n")[2]
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(InputError, match=r"`track` is not UTF-8 text.*--encoding latin"):
            read(tmp_path / "t.csv")
        with pytest.raises(InputError, match="encoding is 'latin-99', expected one that Python"):
            read(tmp_path / "t.csv", encoding="latin-99")


class TestWithoutHeader:
    def test_a_header_is_one_only_where_it_is_recognised(self, of_text):
        rows = "ann\tSOAAA1\t1\nann\tSOAAA2\t3\n"
        assert lists(of_text(rows)) == {"ann": ["SOAAA1", "SOAAA2"]}
        with pytest.raises(InputError, match=r"no column recognised.*no header: --no-header"):
            of_text("ann,song a\nbob,song b\n")
        assert lists(of_text("ann,song a\nbob,song b\n", header=False))["bob"] == ["song b"]
        found = of_text("song,track\nbob,b\n", header=False)
        assert lists(found) == {"song": ["track"], "bob": ["b"]}
        columns = {"playlist": 1, "track": 2, "artist": ""}
        assert lists(of_text("who,what\nbob,b\n", columns=columns, header=True)) == {"bob": ["b"]}

    def test_a_column_of_times_is_no_track(self, of_text):
        clicks = "1,2020-01-01T10:54:09.868Z,5,0\n1,2020-01-01T10:51:09.277Z,7,0\n"
        found = of_text(clicks)
        assert lists(found) == {"1": ["7", "5"]}
        assert found.report.columns == "playlist = 1, track = 3, position = 2; no artists"

    def test_artists_of_a_listener(self, of_text, tmp_path):
        """Last.fm 360K: a MusicBrainz id may be missing, and quotation marks are letters."""
        mbid = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
        rows = f'aa\t{mbid}\talpha band\t21\naa\t\tbeta "the" band\t99\n'
        assert lists(of_text(rows, "plays.tsv")) == {"aa": ["alpha band", 'beta "the" band']}
        assert find(tmp_path / "plays.tsv").advice == [
            "the tracks are artists: there are no others"
        ]
        assert lists(of_text(rows, "plays.tsv", top=1, min_length=1)) == {"aa": ['beta "the" band']}

    def test_artists_of_users_are_taken_for_tracks_and_others_are_told_how(self, of_text):
        found = of_text("user_id,artist_id,plays\n1,a,2\n")
        assert lists(found) == {"1": ["a"]}
        assert found.report.columns == "playlist = user_id, track = artist_id; no artists"
        with pytest.raises(InputError, match="take artists for tracks: --columns track=artist_id"):
            of_text("pid,artist_id,plays\n1,a,2\n")

    def test_tables_of_something_else_in_a_folder(self, tmp_path, capsys):
        (tmp_path / "a.csv").write_text("pid,track,artist\n1,a,x\n")
        (tmp_path / "b.csv").write_text("id,url\n1,http://x\n")
        found = read(tmp_path, progress=True)
        assert lists(found) == {"1": ["a"]}
        assert "1 file skipped:\n    b.csv: has no column recognised" in capsys.readouterr().err
        (tmp_path / "a.csv").unlink()
        with pytest.raises(InputError, match=r"b\.csv: has no column recognised as the playlist"):
            read(tmp_path)


class TestValues:
    RATINGS = "user_id,item_id,rating\nu1,i1,5\nu1,i2,-1\nu1,i3,0\nu2,i1,0.5\nu2,i2,\n"

    def test_rows_below_a_least_value_are_left_out(self, of_text):
        found = of_text(self.RATINGS, at_least={"rating": 0.5})
        assert lists(found) == {"u1": ["i1"], "u2": ["i1"]}
        assert found.report.set_aside == {"filtered-out row": 3}
        assert (found.report.rows, found.report.pairs) == (5, 2)
        frame = pd.DataFrame({"msno": ["a", "a"], "song_id": ["s", "t"], "target": [1, 0]})
        assert lists(read(frame, at_least={"target": 1})) == {"a": ["s"]}

    def test_by_number_and_not_a_number(self, of_text):
        assert lists(of_text("1\t5\t4\n1\t7\t2\n", at_least={"3": 3})) == {"1": ["5"]}
        with pytest.raises(InputError, match="line 2: `rating` is not a number, but rows from 3"):
            of_text("user_id,item_id,rating\n1,5,good\n", at_least={"rating": 3})
        with pytest.raises(InputError, match="has no column 'stars' for the least value"):
            of_text(self.RATINGS, at_least={"stars": 3})


class TestSeveralPlaylistsOfOneName:
    def test_files_that_count_from_0_hold_different_playlists(self, tmp_path):
        header = "pid,pos,track_uri,artist_uri\n"
        for number in range(3):
            rows = f"0,0,t{number},a\n0,1,t9,a\n1,0,t5,a\n"
            (tmp_path / f"songs{number}.csv").write_text(header + rows)
        found = read(tmp_path)
        assert lists(found)["0 (3)"] == ["t2", "t9"]
        assert (found.report.playlists, found.report.told_apart, found.report.merged) == (6, 4, 0)
        # Others are one playlist each, which is said.
        (tmp_path / "songs2.csv").write_text(header + "0,2,t7,a\n5,0,t5,a\n")
        found = read(tmp_path)
        assert (found.report.playlists, found.report.told_apart, found.report.merged) == (3, 0, 2)

    def test_users_are_the_same_in_every_file(self, tmp_path):
        for number in range(2):
            (tmp_path / f"{number}.csv").write_text(f"user_id,item_id\n0,{number}\n1,7\n")
        found = read(tmp_path)
        assert (found.report.playlists, found.report.merged) == (2, 0)

    RATINGS: ClassVar = {
        "one/ratings.csv": "userId,movieId,rating\n1,1,4\n2,3,4\n",
        "two/ratings.dat": "1::661::5::978300760\n2::661::3::978302109\n",
        "three/ratings.csv": "userId,movieId,rating\n1,7,4\n2,1,4\n",
        "four/train.txt": "0 10 11 12\n1 10 13\n2 11 12 13\n",
        "five/train.txt": "0 1 5\n1 4 5 6\n2 3\n",
        "six/plays.json": '{"user_id": "1", "item_id": "9", "n": 1}\n',
    }

    @pytest.mark.parametrize(
        "names",
        [
            ("one/ratings.csv", "two/ratings.dat"),
            ("one/ratings.csv", "three/ratings.csv"),
            ("four/train.txt", "five/train.txt"),
            ("two/ratings.dat", "six/plays.json"),
        ],
    )
    @pytest.mark.parametrize("zipped", [False, True])
    def test_different_data_sets_in_one_folder(self, tmp_path, names, zipped):
        folder = tmp_path / "sets"
        for name in names:
            (folder / name).parent.mkdir(parents=True)
            (folder / name).write_text(self.RATINGS[name])
        source = folder
        if zipped:
            source = tmp_path / "sets.zip"
            with zipfile.ZipFile(source, "w") as archive:
                for name in names:
                    archive.write(folder / name, name)
        with pytest.raises(InputError, match=r"both have a playlist [01] and look like different"):
            read(source)
        # What someone names belongs together; where the columns differ, that is said.
        found = read([folder / name for name in names])
        alike = names[1] in ("three/ratings.csv", "five/train.txt")
        assert bool(found.report.merged) is not alike

    def test_folders_of_one_data_set(self, tmp_path):
        for year in ("2023", "2024"):
            (tmp_path / year).mkdir()
            (tmp_path / year / f"plays-{year}.csv").write_text("user_id,item_id\n1,a\n2,b\n")
        assert read(tmp_path).report.playlists == 2

    def test_positions_that_begin_anew_under_one_title(self, of_text):
        rows = "Chill,1,a,x\nChill,2,b,x\nRoad,1,a,x\nChill,1,c,x\nChill,2,a,x\n"
        found = of_text("playlist_name,position,track,artist\n" + rows)
        assert lists(found) == {"Chill": ["a", "b"], "Road": ["a"], "Chill (2)": ["c", "a"]}
        assert (found.report.told_apart, found.report.merged) == (1, 0)

    def test_without_positions_they_are_one_which_is_said(self, of_text):
        rows = "Chill,a,x\nRoad,a,x\nChill,c,x\n"
        found = of_text("playlist_name,track,artist\n" + rows)
        assert lists(found) == {"Chill": ["a", "c"], "Road": ["a"]}
        assert found.report.merged == 1

    def test_users_may_each_have_one_of_the_same_name(self, of_text):
        """As in #nowplaying, which has blanks in its header only, and AOTM."""
        rows = '"9cc0","Elvis, C","Shoes","Rock"\n"07f0","Cave","Tupelo","Rock"\n'
        found = of_text('"user_id", "artistname", "trackname", "playlistname"\n' + rows)
        assert lists(found) == {
            "9cc0 / Rock": ["Shoes - Elvis, C"],
            "07f0 / Rock": ["Tupelo - Cave"],
        }
        assert found.playlists.titles.to_pylist() == ["Rock", "Rock"]

    def test_columns_may_be_joined(self, of_text):
        columns = {"playlist": "who+list", "track": "song", "artist": ""}
        found = of_text("who,list,song\na,1,x\nb,1,y\n", columns=columns)
        assert lists(found) == {"a / 1": ["x"], "b / 1": ["y"]}
        assert found.report.columns == "playlist = who + list, track = song; no artists"
        with pytest.raises(InputError, match="line 2: `who` is empty, expected a name"):
            of_text("who,list,song\n,1,x\n", columns=columns)
        with pytest.raises(InputError, match="no column 'owner' for the playlist"):
            of_text("who,list,song\n,1,x\n", columns={**columns, "playlist": "owner+list"})


class TestHistoriesBesidePlaylists:
    @pytest.fixture
    def account(self, tmp_path):
        """What Spotify sends: playlists and streams."""
        track = {"trackName": "Innuendo", "artistName": "Queen", "albumName": "Innuendo"}
        uri = "spotify:track:5W3cjX2J3tjhG8zb6u0qHn"
        items = [{"track": {**track, "trackUri": uri}, "episode": None, "localTrack": None}]
        played = [
            {"endTime": f"2024-05-01 10:{minute}", "artistName": "Queen", "trackName": name,
             "msPlayed": 90_000}
            for minute, name in ((10, "Innuendo"), (15, "Delilah"), (20, "Innuendo"))
        ]  # fmt: skip
        path = tmp_path / "my_spotify_data.zip"
        with zipfile.ZipFile(path, "w") as archive:
            lists = {
                "playlists": [{"name": "Mix", "lastModifiedDate": "2024-01-01", "items": items}]
            }
            archive.writestr("Spotify Account Data/Playlist1.json", json.dumps(lists))
            name = "Spotify Account Data/StreamingHistory_music_0.json"
            archive.writestr(name, json.dumps(played))
        return path

    def test_are_left_out_which_is_said(self, account, capsys):
        assert lists(read(account, progress=True)) == {
            "Mix": ["spotify:track:5W3cjX2J3tjhG8zb6u0qHn"]
        }
        said = capsys.readouterr().err
        assert "  1 file of what was heard not read: StreamingHistory_music_0.json\n" in said
        assert "(--with-history makes sessions of them, too)" in said
        with pytest.raises(InputError, match=r"--top is for .*; --with-history reads the listen"):
            find(account, top=5)

    def test_are_read_if_asked_for(self, account, tmp_path):
        uri = "spotify:track:5W3cjX2J3tjhG8zb6u0qHn"
        found = read(account, with_history=True)
        assert lists(found) == {
            "Mix": [uri],
            "2024-05-01T10:10:00": [uri, "Delilah - Queen"],
        }
        assert found.playlists.order_known.tolist() == [True, True]
        found = read(account, with_history=True, top=1, min_length=1)
        assert lists(found) == {"Mix": [uri], "most played": [uri]}
        (tmp_path / "a.m3u").write_text("Queen/1.mp3")
        with pytest.raises(InputError, match="holds no listening history, but --with-history"):
            find(tmp_path / "a.m3u", with_history=True)

    def test_tables_of_listens_too(self, tmp_path):
        (tmp_path / "a.m3u").write_text("Queen/Innuendo/01 Innuendo.mp3")
        (tmp_path / "b.csv").write_text("user_id,item_id\n1,a\n")
        rows = "Queen,Delilah,1700000000\nQueen,Jealousy,1700000300\n"
        (tmp_path / "scrobbles.csv").write_text("artist,track,uts\n" + rows)
        source = find(tmp_path, with_history=True)
        assert [file.stem for file, _ in source.files] == ["a", "scrobbles"]
        assert len(source.left_out) == 1
        assert len(source.read().playlists) == 2


class TestIds:
    def test_links_and_bare_ids_are_uris(self, of_text):
        code = "4u7EnebtmKWzUH433cf5Qv"
        link = f"https://open.spotify.com/intl-de/track/{code}?si=1"
        found = of_text(f"pid,track_id,artist\n1,{code},x\n2,{link},x\n3,x{code},x\n")
        assert found.catalog.track_ids.to_pylist() == [f"spotify:track:{code}", f"x{code}"]

    def test_further_identifiers(self, of_text):
        rows = "1,a,x,gb-um7-10-29604,B1A9C0E9-D987-4042-AE91-78D6A3267D69\n1,b,x,none,\n"
        aliases = of_text("pid,track,artist,ISRC,Recording MBID\n" + rows).catalog.nodes["track"]
        assert aliases.aliases.to_pylist() == [
            ["isrc:GBUM71029604", "mbid:b1a9c0e9-d987-4042-ae91-78d6a3267d69"], [],
        ]  # fmt: skip

    def test_a_plain_title_is_that_of_the_song(self, of_text):
        found = of_text("playlist,artist,title\np,Queen,Jealousy\n")
        assert lists(found) == {"p": ["Jealousy - Queen"]}
        found = of_text("playlist_id,title,track_id,artist\n1,Mix,t,x\n")
        assert found.playlists.titles.to_pylist() == ["Mix"]


class TestOrder:
    @pytest.mark.parametrize(
        ("times", "order"),
        [
            (["1.3e9", "1.1e9", "1200000000.5"], "bca"),
            (["2024-01-03 10:00:00", "2024-01-01 10:00", "2024-01-02"], "bca"),
            (["2020-01-01T10:54:09.868Z", "2020-01-01T10:51:09.277Z", "2020-01-01T12:53:00+02:00"],
             "bca"),
            (["-1", "-2", "-1.5"], "bca"),
            (["9007199254740993", "1", "2"], "bca"),
        ],
    )  # fmt: skip
    def test_floats_dates_and_times(self, of_text, tmp_path, times, order):
        rows = [f"1,{track},x,{time}" for track, time in zip("abc", times, strict=True)]
        found = of_text("\n".join(["pid,track,artist,pos", *rows]))
        assert lists(found) == {"1": list(order)}

    def test_the_order_is_known_where_a_column_holds_it(self, of_text):
        """Also where the ids happen to be sorted."""
        rows = "u,i3,2024-01-03 10:00:00\nu,i1,2024-01-01 10:00:00\nu,i2,2024-01-02 10:00:00\n"
        columns = {"position": "timestamp"}
        found = of_text("user_id,item_id,timestamp\n" + rows, columns=columns)
        assert lists(found) == {"u": ["i1", "i2", "i3"]}
        assert found.playlists.order_known.all()
        found = of_text("pid,track,artist,pos\n1,a,x,1\n1,b,x,2\n")
        assert found.playlists.order_known.all(), "a column says it, though the ids ascend"
        found = of_text("pid,track,artist\n1,a,x\n1,b,x\n")
        assert not found.playlists.order_known.any(), "may have been a set"

    def test_dates_of_parquet(self):
        times = pd.to_datetime(["2024-01-03", "2024-01-01", "2024-01-02"])
        for values in (times, times.tz_localize("UTC"), times.date, times.strftime("%Y-%m-%d")):
            frame = pd.DataFrame({"pid": 1, "track": list("abc"), "artist": "x", "pos": values})
            assert lists(read(frame)) == {"1": list("bca")}

    def test_interactions_without_a_position_are_of_unknown_order(self, of_text):
        """As RecBole's ml-100k.inter, whose rows stand in random order."""
        rows = "1\t5\t7\n1\t3\t9\n1\t4\t8\n"
        header = "user_id:token\titem_id:token\ttimestamp:float\n"
        assert of_text(header + rows, "t.inter").report.ordered_playlists == 0
        assert of_text(rows, "u.data").report.ordered_playlists == 0
        columns = {"position": "timestamp"}
        assert of_text(header + rows, "t.inter", columns=columns).report.ordered_playlists == 1
        assert of_text(header + rows, "t.inter", order="known").report.ordered_playlists == 1
        assert of_text("pid,track,artist\n1,5,x\n1,3,x\n1,4,x\n").report.ordered_playlists == 1

    def test_a_source_of_descending_ids_was_sorted(self):
        falling = [[f"t{n}" for n in range(high, high - 4, -1)] for high in (5, 6, 7)]
        assert not read([*falling, ["b", "a"]]).playlists.order_known.any()
        # A few come out so by chance.
        mixed = [["t1", "t3", "t2", "t0"], ["t2", "t0", "t3", "t1"], falling[0], ["b", "a"]]
        assert read(mixed).playlists.order_known.tolist() == [True] * 4


class TestEscapes:
    def test_quotation_marks_escaped_by_backslashes(self, of_text):
        found = of_text(
            'pid,track,artist\n1,"a \\"b\\", c",x\n1,"\\"d\\"",x\n1,"e ""f""",x\n1,"g \\\\",x\n'
        )
        assert lists(found) == {"1": ['a "b", c', '"d"', 'e "f"', "g \\"]}

    def test_bad_rows_are_found_among_them(self, of_text):
        with pytest.raises(InputError, match="line 3: has 2 cells, expected 3"):
            of_text('pid,track,artist\n1,"a \\"b\\", c",x\n1,b\n')

    def test_those_that_come_late_are_refused(self, of_text, monkeypatch):
        monkeypatch.setattr(text_rows, "_BLOCK", 100_000)
        rows = "".join(f"{n},t{n},x\n" for n in range(20_000))
        with pytest.raises(InputError, match="and what follows: a quotation mark is escaped by"):
            of_text(f'pid,track,artist\n{rows}1,"a \\"b\\"",x\n')

    def test_a_backslash_at_the_end_of_a_cell_is_one(self, of_text):
        found = of_text('pid,track,artist\n1,"C:\\",x\n1,"D:\\",x\n1,E\\,x\n')
        assert lists(found) == {"1": ["C:\\", "D:\\", "E\\"]}


def test_bad_records_go_to_a_path_or_a_file(tmp_path):
    (tmp_path / "t.csv").write_text("pid,track,artist\n1,a,x\n1,,x\n")
    read(tmp_path / "t.csv", skip_bad=tmp_path / "aside.jsonl")
    assert json.loads((tmp_path / "aside.jsonl").read_text())["content"] == "1,,x"


def test_options_are_for_their_formats(tmp_path):
    (tmp_path / "t.csv").write_text("pid,track,artist\n1,a,x\n")
    with pytest.raises(InputError, match="holds text tables, but --slices is for Million"):
        find(tmp_path, slices=(0, 0))
    (tmp_path / "mpd.slice.0-0.json").write_text('{"playlists": []}')
    with pytest.raises(InputError, match=r"Million.* slices, but --artist-separator is"):
        find(tmp_path, artist_separator=";")


def test_bad_records_that_cannot_be_written_are_said(tmp_path):
    with pytest.raises(ArtefactError, match=r"skipped\.jsonl: cannot be written"):
        read([["a", "b"]], skip_bad=tmp_path / "no" / "such" / "skipped.jsonl")


class TestSongsWithoutIds:
    def test_are_those_of_the_same_name_that_have_one(self, tmp_path, capsys):
        (tmp_path / "a.m3u").write_text("Queen/Innuendo/01 Innuendo.mp3\nQueen/05 Delilah.mp3\n")
        uri = "spotify:track:5W3cjX2J3tjhG8zb6u0qHn"
        header = "Track URI,Track Name,Artist URI(s),Artist Name(s)\n"
        artist = "spotify:artist:1dfeR4HaWDbWqFHLkxsg1d"
        (tmp_path / "b.csv").write_text(f"{header}{uri},INNUENDO,{artist},Queen\n")
        (tmp_path / "c.txt").write_text(f"{uri}\nQueen - Innuendo\nQueen - Innuendo\n")
        found = read(tmp_path, progress=True)
        assert lists(found) == {"a": [uri, "Delilah - Queen"], "b": [uri], "c": [uri]}
        assert found.report.known_by_id == 1
        assert "1 song without an id taken for the one of the same name" in capsys.readouterr().err

    def test_by_somebody_else_are_others(self):
        cover = {"id": "7", "title": "Hurt", "artist": "Johnny Cash"}
        found = read([[cover], [("Nine Inch Nails", "Hurt")], ["Hurt"]])
        assert lists(found) == {"0": ["7"], "1": ["Hurt - Nine Inch Nails"], "2": ["Hurt"]}


def test_several_artists_as_python_writes_a_list(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        'playlist,track,artist\np,a,"[\'Queen\', \'David Bowie\']"\np,b,"[""X""]"\np,c,[odd\n'
    )
    found = read(path)
    artists = found.catalog.artists.names.to_pylist()
    by = [[artists[at] for at in those] for those in found.catalog.relations["artist"]]
    assert by == [["Queen", "David Bowie"], ["X"], ["[odd"]]


def test_a_table_of_tracks_in_playlists_of_a_service(tmp_path):
    header = "track_id,track_name,track_artist,track_album_id,track_album_name,playlist_name,"
    row = "t1,Memories,Maroon 5,a1,Jordi,Pop,p1\n"
    (tmp_path / "t.csv").write_text(header + "playlist_id\n" + row)
    found = read(tmp_path / "t.csv")
    assert lists(found) == {"p1": ["t1"]}
    assert found.playlists.titles.to_pylist() == ["Pop"]
    assert found.catalog.albums.names.to_pylist() == ["Jordi"]
    assert found.catalog.artists.names.to_pylist() == ["Maroon 5"]
