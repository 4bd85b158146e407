"""Reading tables: every form, how columns are found, what rows become, every kind of bad row."""

import bz2
import csv
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data import table_rows
from segue.data.collection import Source
from segue.data.formats import text_rows
from segue.data.formats.dialect import CleanText, Dialect
from segue.data.formats.mpd import write_slice
from segue.data.formats.text_tables import TEXT
from segue.data.reading import find
from segue.data.reading import read as read_source
from segue.data.source_file import SourceFile
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph


@pytest.fixture
def read(tmp_path):
    """Writes a table and reads it; with `skip`, the lines that were set aside come last."""

    def call(content: Any, name: str = "t.csv", *, columns=None, skip: bool = False, **options):
        path = tmp_path / name
        if isinstance(content, dict):
            pq.write_table(pa.table(content), path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        aside = io.StringIO()
        options["skip_bad"] = aside if skip else False
        found = read_source(path, columns=columns, **options)
        lines = [json.loads(line) for line in aside.getvalue().splitlines()]
        return found.playlists, found.catalog, found.report, *([lines] if skip else [])

    return call


def lists(playlists, catalog) -> dict[str, list[str]]:
    ids = catalog.track_ids.to_pylist()
    named = zip(playlists.ids.to_pylist(), playlists.tracks, strict=True)
    return {name: [ids[t] for t in tracks] for name, tracks in named}


def found_size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.csv"))


HEADER = "playlist,track,artist\n"


class TestForms:
    @pytest.mark.parametrize(
        ("name", "content", "expected"),
        [
            ("t.csv", "playlist,track,artist\n7,b,x\n7,a,y\n8,a,y\n", None),
            ("t.csv", "Playlist ID, Track_URI ,artist-name\r\n7,b,x\r\n7,a,y\r\n8,a,y", None),
            ("t.csv", '\ufeffpid;track;artist\n7;b;x\n\n7;"a";y\n8;a;y\n', None),
            ("t.tsv", "artist\tother\ttrack\tplaylist\nx\t1\tb\t7\ny\t2\ta\t7\ny\t3\ta\t8\n", None),
            (
                "t.inter",
                "user_id:token\titem_id:token\trating:float\n7\tb\t1\n7\ta\t2\n8\ta\t.5\n",
                0,
            ),
            (
                "ratings.csv",
                "userId,movieId,rating\n7,31,2.5\n7,4,3\n8,4,1\n",
                {"b": "31", "a": "4"},
            ),
            ("u.data", "7\t31\t3\t881250949\n7\t4\t3\t1\n8\t4\t3\t1\n", {"b": "31", "a": "4"}),
            ("ratings.dat", "7::31::5::9\n7::4::5::9\n8::4::3::9\n", {"b": "31", "a": "4"}),
        ],
    )
    def test_all_say_the_same(self, read, name, content, expected):
        playlists, catalog, report = read(content, name)
        called = expected or {"b": "b", "a": "a"}
        assert lists(playlists, catalog) == {"7": [called["b"], called["a"]], "8": [called["a"]]}
        if expected is None:
            assert catalog.artists.ids.to_pylist() == ["x", "y"]
            assert catalog.artists.names.to_pylist() == ["x", "y"]
            assert catalog.main_artist.tolist() == [0, 1]
        else:
            assert len(catalog.artists) == 0
            assert catalog.main_artist.tolist() == [-1, -1]
        assert catalog.track_names.to_pylist() == [called["b"], called["a"]]
        assert (report.files, report.rows, report.pairs, report.playlists) == (1, 3, 3, 2)

    @pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
    def test_compressed(self, read, suffix, pack):
        content = f"{HEADER}1,a,x\n1,ä,y\n"
        playlists, catalog, _ = read(pack(content.encode()), f"t.csv{suffix}")
        assert lists(playlists, catalog) == {"1": ["a", "ä"]}
        # A bad row is found again in there.
        with pytest.raises(InputError, match=r"t\.csv\.\w+: line 3: has 1 cell, expected 3"):
            read(pack(f"{HEADER}1,a,x\n1\n".encode()), f"t.csv{suffix}")

    def test_ids_stay_as_they_are_written(self, read):
        big = "9007199254740993000000"
        playlists, catalog, _ = read(f"{HEADER}007,{big},1.0\n7,1e3,1\nNA,null,nan\n")
        assert lists(playlists, catalog) == {"007": [big], "7": ["1e3"], "NA": ["null"]}
        assert catalog.artists.ids.to_pylist() == ["1.0", "1", "nan"]

    def test_quoted_fields(self, read):
        content = f'{HEADER}1,"a ""b"", c\r\nd",x\r\n1,12" mix,x\r\n1,"Her" oes,x\r\n'
        playlists, catalog, _ = read(content)
        assert lists(playlists, catalog) == {"1": ['a "b", c\r\nd', '12" mix', "Her oes"]}

    @pytest.mark.parametrize("separator", ["\t", "::"])
    def test_between_tabs_and_colons_a_quotation_mark_is_a_letter(self, read, separator):
        """One that is never closed would swallow the rows after it."""
        rows = ["user_id,item_id", '1,"Heroes"', '1,"Weird', "2,x,y", '1,a"b"', '"2,Weird"']
        content = "\n".join(rows).replace(",", separator)
        playlists, catalog, report, aside = read(content, "t.inter", skip=True)
        assert lists(playlists, catalog) == {
            "1": ['"Heroes"', '"Weird', 'a"b"'], '"2': ['Weird"'],
        }  # fmt: skip
        assert report.rows == 5
        assert [(line["record"], line["content"]) for line in aside] == [
            ("line 4", "2,x,y".replace(",", separator))
        ]

    def test_parquet_of_any_sensible_type(self, read):
        columns = {
            "playlist": pa.array([2**53 + 1, 3, 3]),
            "track": pa.array(["a", "b", "a"]).dictionary_encode(),
            "artist": pa.array([b"x", b"y", b"x"], pa.large_binary()),
            "album": pa.array(["p", None, "q"], pa.large_string()),
            "pos": pa.array([0.0, 5.0, 4.0]),
        }
        playlists, catalog, report = read(columns, "t.parquet")
        assert lists(playlists, catalog) == {str(2**53 + 1): ["a"], "3": ["a", "b"]}
        assert catalog.main_album.tolist() == [0, -1]
        assert report.rows == 3

    def test_a_folder_and_a_pattern_of_tables(self, tmp_path):
        for number in (1, 2):
            (tmp_path / f"{number}.csv").write_text(f"{HEADER}7,t{number},x\n{number},t1,x\n")
        (tmp_path / "notes.txt").write_text("nothing")
        for source in (str(tmp_path), str(tmp_path / "*.csv")):
            found = read_source(source)
            lists_found = lists(found.playlists, found.catalog)
            assert lists_found == {"7": ["t1", "t2"], "1": ["t1"], "2": ["t1"]}
            assert found.report.files == 2
        assert read_source(tmp_path).report.passed_over == 1
        assert find([tmp_path / "1.csv", str(tmp_path / "2.csv")]).size == found_size(tmp_path)
        (tmp_path / "mpd.slice.0-0.json").write_text("{}")
        source = find(tmp_path)
        assert [len(source.passed_over), len(source.left_out)] == [1, 2], "tables are left out"

    def test_a_zip_of_tables(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("deep/1.csv", f"{HEADER}7,t1,x\n")
            archive.writestr("2.tsv.gz", gzip.compress(HEADER.replace(",", "\t").encode()))
            pq.write_table(pa.table({"playlist": [7], "track": ["t2"], "artist": ["y"]}),
                           tmp_path / "3")  # fmt: skip
            archive.write(tmp_path / "3", "3")
            archive.writestr("notes.txt", "nothing")
        found = read_source(tmp_path / "t.zip")
        assert lists(found.playlists, found.catalog) == {"7": ["t2", "t1"]}
        assert (found.report.files, found.report.passed_over) == (3, 1)
        assert found.report.form == "Parquet tables and text tables"

    def test_a_zip_in_a_folder_is_read(self, tmp_path, capsys):
        (tmp_path / "1.csv").write_text(f"{HEADER}7,t1,x\n")
        (tmp_path / "a.mp3").write_bytes(b"ID3")
        with zipfile.ZipFile(tmp_path / "inner.zip", "w") as archive:
            archive.writestr("3.csv", f"{HEADER}9,t3,x\n")
        with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
            archive.write(tmp_path / "1.csv", "deep/1.csv")
            archive.writestr("2.csv", f"{HEADER}8,t2,x\n")
            archive.write(tmp_path / "inner.zip", "inner2.zip")
        (tmp_path / "inner.zip").write_bytes(b"PK\x03\x04 cut")
        found = read_source(tmp_path, progress=True)
        read = {"7": ["t1"], "8": ["t2"], "9": ["t3"]}
        assert lists(found.playlists, found.catalog) == read
        assert found.report.rows == 3, "what lies unpacked beside the zip counts once"
        said = capsys.readouterr().err
        assert "1 other file ignored: a.mp3\n" in said
        assert "1 file skipped:\n    inner.zip: cannot be read (begins as" in said

    def test_a_file_of_any_name_unless_it_is_json_or_a_zip(self, read, tmp_path):
        playlists, catalog, _ = read("playlist|track|artist\n1|a|x\n", "my lists.txt")
        assert lists(playlists, catalog) == {"1": ["a"]}
        forms = {"lists.txt": b"pid,track,artist", "x.json": b"", "x": b' {"playlists": []}'}
        for name, content in forms.items():
            (tmp_path / name).write_bytes(content)
        found = [find(tmp_path / name).files[0][1].name for name in forms]
        assert found == ["text tables", *["Million Playlist Dataset slices"] * 2]
        for name, content in {"x.ZIP": b"", "y": b"PK\x05\x06" + bytes(18)}.items():
            (tmp_path / name).write_bytes(content)
            with pytest.raises(
                InputError, match=r"is not a zip|holds no playlists in a known format"
            ):
                find(tmp_path / name)

    def test_double_colons_across_blocks(self):
        content = CleanText(pa.BufferReader(b"a::b:c::\xe2\x82\xac::d:"), Dialect("::"))
        parts = iter(lambda: content.read(5), b"")
        assert b"".join(parts) == "a\x1fb:c\x1f€\x1fd:".encode()
        assert not content.substituted

    def test_a_failure_within_arrows_threads_is_kept_not_raised(self):
        """Arrow's reader would now and then wait for ever."""
        content = CleanText(_Broken(b"pid,track,artist\n1,a,x\n"), Dialect(","))
        assert content.read(40) == b"pid,track,artist\n1,a,x\n"
        assert [content.read(40), content.read(40)] == [b"", b""]
        assert str(content.failure) == "broken"

    @pytest.mark.parametrize("start", [b"", b"1,b,y\n", b'1,"b', b"1,b"])
    def test_a_text_that_breaks_off_keeps_the_rows_before(self, start):
        header = b"pid,track,artist\n1,a,x\n1,c,x\n"
        file = SourceFile("t.csv", 60, lambda: _Broken(header + start))
        aside = io.StringIO()
        source = Source("t", [(file, TEXT)])
        with pytest.raises(InputError, match=r"t\.csv: line \d and what follows: broken"):
            source.read()
        with pytest.raises(InputError, match="cannot be read"):
            source.read(skip_bad=aside)  # what cannot be read has no fingerprint
        (line,) = map(json.loads, aside.getvalue().splitlines())
        assert line["record"] in ("line 3 and what follows", "line 4 and what follows")


class _Broken(io.BytesIO):
    """A file that breaks off with an error where its content ends."""

    def read(self, size=-1):
        found = super().read(size)
        if not found:
            raise OSError("broken")
        return found


class TestColumns:
    def test_stated_ones_win(self, read):
        content = "playlist,track,artist,list,song,by\n1,a,x,2,b,y\n"
        columns = {"playlist": "list", "track": "song", "artist": "by"}
        playlists, catalog, _ = read(content, columns=columns)
        assert lists(playlists, catalog) == {"2": ["b"]}
        assert catalog.artists.ids.to_pylist() == ["y"]

    def test_a_plain_word_is_an_id_but_beside_an_id_the_name(self, read):
        """Playlists, songs and artists of one name are not one."""
        content = (
            "playlist,playlist_id,track,track_id,artist,artist_id,album,album_id\n"
            "Chill,1,Intro,t1,The xx,a1,Hits,b1\nChill,2,Intro,t2,M83,a2,Hits,b2\n"
        )
        playlists, catalog, report = read(content)
        assert lists(playlists, catalog) == {"1": ["t1"], "2": ["t2"]}
        assert playlists.titles.to_pylist() == ["Chill", "Chill"]
        assert catalog.track_names.to_pylist() == ["Intro", "Intro"]
        assert catalog.artists.ids.to_pylist() == ["a1", "a2"]
        assert catalog.artists.names.to_pylist() == ["The xx", "M83"]
        assert catalog.albums.ids.to_pylist() == ["b1", "b2"]
        assert catalog.albums.names.to_pylist() == ["Hits", "Hits"]
        assert report.disputed_tracks == 0

    def test_a_stated_column_is_not_found_for_another_field(self, read):
        content = "playlist,track,artist,pos\n1,a,x,2\n1,b,x,1\n"
        playlists, catalog, _ = read(content, columns={"track_name": "track", "position": ""})
        assert lists(playlists, catalog) == {"1": ["a - x", "b - x"]}
        # Unless that is stated.
        both = {"track": "track", "track_name": "track"}
        assert lists(*read(content, columns=both)[:2]) == {"1": ["b", "a"]}

    def test_names_without_ids_are_told_apart_by_their_artists(self, read):
        content = (
            "playlist,track_name,artist_name,album_name\np,Intro,The xx,Hits\np,Intro,M83,Hits\n"
            "q,Intro,The xx,Other\nq,Outro,M83,\n"
        )
        playlists, catalog, report = read(content)
        assert lists(playlists, catalog) == {
            "p": ["Intro - The xx", "Intro - M83"], "q": ["Intro - The xx", "Outro - M83"],
        }  # fmt: skip
        assert catalog.track_names.to_pylist() == ["Intro", "Intro", "Outro"]
        assert catalog.artists.names.to_pylist() == ["The xx", "M83"]
        assert catalog.albums.ids.to_pylist() == ["Hits - The xx", "Hits - M83"]
        assert catalog.albums.names.to_pylist() == ["Hits", "Hits"]
        assert catalog.main_album.tolist() == [0, 1, -1]
        assert report.disputed_tracks == 0
        _, catalog, _ = read("playlist,track_name\np,Intro\n", columns={"artist": ""})
        assert catalog.track_ids.to_pylist() == ["Intro"]
        with pytest.raises(InputError, match="line 2: `track_name` is empty, expected a name"):
            read("playlist,track_name,artist\np,,x\n")

    def test_tracks_that_come_with_several_artists_are_counted(self, read, monkeypatch):
        monkeypatch.setattr(text_rows, "_BLOCK", 60)
        rows = "p,Intro,The xx\np,b,x\nq,Intro,M83\nr,Intro,The xx\nr,Intro,M83\nr,b,x\nr,c,M83\n"
        _, catalog, report = read(HEADER + rows)
        assert report.disputed_tracks == 1
        assert catalog.artists.ids.to_pylist() == ["The xx", "x", "M83"]
        assert catalog.main_artist.tolist() == [0, 1, 2]

    def test_by_number_where_there_is_no_header(self, read):
        columns = {"playlist": "3", "track": "1", "artist": "2"}
        playlists, catalog, _ = read("a,x,p\nb,y,p\n", columns=columns)
        assert lists(playlists, catalog) == {"p": ["a", "b"]}
        assert catalog.artists.ids.to_pylist() == ["x", "y"]

    def test_without_artists_only_if_that_is_said(self, read):
        with pytest.raises(
            InputError, match=r"recognised as the artist; its columns are playlist, t.*"
        ):
            read("playlist,track\n1,a\n")
        _, catalog, _ = read("playlist,track\n1,a\n", columns={"artist": ""})
        assert catalog.main_artist.tolist() == [-1]

    def test_names_of_everything(self, read):
        content = (
            "playlist,title,track,track_name,artist,artist_name,album,album_name\n"
            "1,Größe,a,Alpha,x,Xenia,p,Première\n1,other,b,,x,other,,\n2,,c,,y,,q,\n"
        )
        playlists, catalog, _ = read(content)
        assert playlists.titles.to_pylist() == ["Größe", None]
        assert catalog.track_names.to_pylist() == ["Alpha", "b", "c"]
        assert catalog.artists.names.to_pylist() == ["Xenia", "y"]
        assert catalog.albums.names.to_pylist() == ["Première", "q"]
        assert catalog.main_album.tolist() == [0, -1, 1]

    @pytest.mark.parametrize(
        ("content", "columns", "message"),
        [
            (
                "a,b\n1,2\n",
                None,
                "has no column recognised as the playlist; its columns are a, b",
            ),
            ("a,b\n1,2\n", {"playlist": "c"}, "has no column 'c' for the playlist; its columns"),
            ("1,2\n", {"track": "3"}, "has no column '3' for the track; it has no header"),
            ("pid,track,track,artist\n", None, "has several columns 'track'"),
            ("", None, "is empty, expected a table"),
            ("\nplaylist,track,artist\n", None, "line 1: is empty"),
            (HEADER.encode() + b"\0", None, "is not text, or in an encoding that has to be"),
            (b"PK\3\4", None, "is a spreadsheet or a zip"),
            ("playlist,träck".encode() + b",k\xfcnstler\n", None, "line 1: is not UTF-8"),
        ],
    )
    def test_a_bad_header(self, read, content, columns, message):
        with pytest.raises(InputError, match=rf"t\.csv: {message}"):
            read(content, columns=columns, skip=True)

    def test_nothing_there(self, tmp_path):
        with pytest.raises(InputError, match="no such file or folder"):
            find(tmp_path / "none.csv")
        (tmp_path / "t.parquet").write_bytes(b"PAR1")
        with pytest.raises(InputError, match=r"t\.parquet: cannot be read"):
            find(tmp_path / "t.parquet")


class TestRows:
    @pytest.mark.parametrize("slab", [1, 3, 4_000_000])
    def test_playlists_in_pieces_repeats_and_positions(self, read, monkeypatch, slab):
        monkeypatch.setattr(table_rows, "_SLAB", slab)
        content = "playlist,track,artist,position\n"
        content += "1,a,x,9\n2,b,x,0\n1,b,x,-1\n2,b,x,-5\n3,c,y,0\n1,a,z,3\n1,c,y,3\n"
        playlists, catalog, report = read(content)
        assert lists(playlists, catalog) == {"1": ["b", "a", "c"], "2": ["b"], "3": ["c"]}
        assert catalog.artists.ids.to_pylist() == ["x", "y"], "the first description counts"
        assert (report.rows, report.pairs, report.repeated_tracks) == (7, 5, 2)

    @pytest.mark.parametrize(
        ("order", "known"),
        [("auto", [True, False]), ("known", [True] * 2), ("unknown", [False] * 2)],
    )
    def test_order(self, read, order, known):
        playlists, _, _ = read(f"{HEADER}1,b,x\n2,t:9,x\n1,a,x\n2,t:10,x\n", order=order)
        assert playlists.order_known.tolist() == known

    @given(st.data())
    def test_slices_and_a_table_of_them_give_the_same_graph(self, tmp_path_factory, data):
        folder = tmp_path_factory.mktemp("same")
        text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
        contents = data.draw(
            st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=8), min_size=1, max_size=5)
        )
        name = data.draw(text)
        playlists = [
            {
                "pid": pid,
                "name": f"{name}{pid}",
                "tracks": [
                    {
                        "pos": data.draw(st.integers(-3, 3)),
                        "track_uri": f"t:{number}",
                        "track_name": f"{name}{number}",
                        "artist_uri": f"a:{number % 3}",
                        "artist_name": name,
                        **({"album_uri": f"b:{number % 4}"} if number % 4 else {}),
                    }
                    for number in numbers
                ],
            }
            for pid, numbers in enumerate(contents)
        ]
        write_slice(folder / "mpd.slice.0-9.json", playlists, 0, 9)
        keys = ["track_uri", "artist_uri", "album_uri", "pos", "track_name", "artist_name"]
        with (folder / "t.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["pid", "title", *keys])
            for playlist in playlists:
                for track in playlist["tracks"]:
                    row = [track.get(key, "") for key in keys]
                    writer.writerow([playlist["pid"], playlist["name"], *row])
        # Sorted ids are a set in slices, and in a table with positions they are not.
        ours, theirs = (read_source(at, order="known") for at in (folder / "t.csv", folder))
        graphs = [PlaylistGraph(found.playlists, found.catalog) for found in (ours, theirs)]
        assert graphs[0].fingerprint == graphs[1].fingerprint
        assert ours.playlists.titles == theirs.playlists.titles
        assert ours.report.repeated_tracks == theirs.report.repeated_tracks

    def test_many_blocks_are_as_one(self, read, monkeypatch):
        rng = np.random.default_rng(0)
        rows = [f"{p},t{t},a{t % 9}" for p, t in rng.integers(0, 50, (2000, 2)).tolist()]
        for at in (1900, 700, 3):
            rows.insert(at, "ragged")
        rows[1000] += "\n"  # an empty line after it
        rows[1500] = "1,,a"
        content = HEADER + "\n".join(rows)
        whole = read(content, skip=True)
        monkeypatch.setattr(text_rows, "_BLOCK", 700)
        blocks = read(content, skip=True)
        assert PlaylistGraph(*whole[:2]).fingerprint == PlaylistGraph(*blocks[:2]).fingerprint
        assert whole[2:] == blocks[2:]
        lines = [entry["record"] for entry in blocks[3]]
        assert lines == ["line 5", "line 703", "line 1503", "line 1905"]
        report = blocks[2]
        assert report.rows == 2003 == report.pairs + report.repeated_tracks + report.skipped

    @pytest.mark.parametrize("text", [True, False])
    def test_rows_without_any_value_are_passed_over(self, read, text):
        content: Any = "playlist,track,artist,pos\n,,,\n1,a,x,2\n\n,,,\n1,b,x,1.0\n,,,\n"
        if not text:
            values = [
                [None, 1, 1, None],
                ["", "a", "b", None],
                [None, "x", "x", ""],
                [None, 2, 1, None],
            ]
            content = dict(zip(("playlist", "track", "artist", "pos"), values, strict=True))
        playlists, catalog, report = read(content, "t.csv" if text else "t.parquet")
        assert lists(playlists, catalog) == {"1": ["b", "a"]}
        assert (report.rows, report.pairs, report.skipped) == (2, 2, 0)

    def test_progress(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_text(f"{HEADER}1,a,x\n2,a,x\n")
        calls: list[tuple[int, int]] = []
        find(path).read(advance=lambda size, done: calls.append((size, done)))
        assert calls == [(path.stat().st_size, 2), (0, 2)]


BAD_ROWS = {
    "too few": (b"1,a", "has 2 cells, expected 4"),
    "too many": (b"1,a,x,1,5", "has 5 cells, expected 4"),
    "ragged and no UTF-8": (b"1,\xff", "has 2 cells, expected 4"),
    "no playlist": (b",a,x,1", "`playlist` is empty"),
    "no track": (b"1,,x,1", "`track` is empty"),
    "no artist": (b'1,a,"",1', "`artist` is empty"),
    "no UTF-8": (b"1,K\xfcnstler,x,1", "`track` is not UTF-8 text"),
    "no position": (b"1,a,x,", "`pos` is neither a number nor a date"),
    "no number": (b"1,a,x,nan", "`pos` is neither a number nor a date"),
    "a word": (b"1,a,x,one", "`pos` is neither a number nor a date"),
    "no date": (b"1,a,x,2024-13-01", "`pos` is neither a number nor a date"),
}


class TestBadRows:
    @pytest.mark.parametrize(("bad", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
    @pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
    def test_a_bad_row(self, read, bad, reason, ending):
        lines = [
            b"playlist,track,artist,pos",
            b'1,"t\n\xc3\xa9",x,1',
            b"",
            b"2,t2,y,0",
            bad,
            b"3,t3,z,-7",
        ]
        content = ending.join(lines)
        with pytest.raises(InputError, match=rf"t\.csv: line 6: {reason}"):
            read(content)
        playlists, catalog, report, aside = read(content, skip=True)
        assert lists(playlists, catalog) == {"1": ["t\né"], "2": ["t2"], "3": ["t3"]}
        assert catalog.artists.ids.to_pylist() == ["x", "y", "z"], "nothing of a bad row is kept"
        assert (report.rows, report.skipped, len(aside)) == (4, 1, 1)
        assert aside[0]["file"].endswith("t.csv")
        assert aside[0]["record"] == "line 6"
        assert reason in aside[0]["reason"]
        assert aside[0]["content"] == bad.decode("utf-8", "replace")

    def test_a_bad_row_of_parquet(self, read):
        columns = {"playlist": [1, 2, 3], "track": ["a", None, ""], "artist": ["x"] * 3}
        with pytest.raises(InputError, match=r"t\.parquet: row 2: `track` is empty"):
            read(columns, "t.parquet")
        _, _, report, aside = read(columns, "t.parquet", skip=True)
        assert (report.rows, report.skipped, report.pairs) == (3, 2, 1)
        assert aside[0]["content"] == '{"playlist": 2, "track": null, "artist": "x"}'

    @pytest.mark.parametrize("values", [[1.0, 2.0], [True, False], [[1], [2]]])
    def test_ids_of_a_type_that_is_none(self, read, values):
        columns = {"playlist": ["1", "2"], "track": values, "artist": ["x"] * 2}
        with pytest.raises(InputError, match=r"`track` holds .*, expected text or whole numbers"):
            read(columns, "t.parquet", skip=True)

    @pytest.mark.parametrize("last", ["1,c,x,y\n", "1\n"])
    def test_a_quotation_mark_that_is_missing(self, read, last):
        content = f'playlist,track,artist,name\n1,a,x,y\n1,b,x,"oh\n1,c,x,y\n{last}'
        with pytest.raises(InputError, match="line 3 and what follows: a field that begins with a"):
            read(content)
        playlists, catalog, report, aside = read(content, skip=True)
        assert lists(playlists, catalog) == {"1": ["a"]}
        assert (report.skipped, len(aside)) == (1, 1)

    def test_a_field_without_an_end_in_a_large_file(self, read, monkeypatch):
        monkeypatch.setattr(text_rows, "_BLOCK", 300)
        content = HEADER + "1,a,x\n" * 90 + '1,"b,x\n' + "1,c,x\n" * 300
        with pytest.raises(InputError, match=r"and what follows: a field that begins with a quot"):
            read(content)

    def test_a_file_that_was_cut_off(self, read, monkeypatch):
        monkeypatch.setattr(text_rows, "_BLOCK", 50_000)
        rng = np.random.default_rng(0)
        rows = "".join(f"{p},t{t},a\n" for p, t in rng.integers(0, 10**6, (200_000, 2)).tolist())
        packed = gzip.compress((HEADER + rows).encode(), 1)
        with pytest.raises(InputError, match=r"t\.csv\.gz: .*and what follows: "):
            read(packed[:-2000], "t.csv.gz")
        report = read(packed[:-2000], "t.csv.gz", skip=True)[2]
        assert (report.skipped, 0 < report.pairs < 200_000) == (1, True)

    @given(changes=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 255)), max_size=3))
    def test_changed_bytes_give_nothing_but_input_errors(self, tmp_path_factory, changes):
        content = bytearray(f"{HEADER}1,a,x\n1,b,y\n2,a,x\n".encode())
        for at, byte in changes:
            content[at % len(content)] = byte
        path: Path = tmp_path_factory.mktemp("bytes") / "t.csv"
        path.write_bytes(content)
        try:
            report = read_source(path, skip_bad=True).report
        except InputError:
            return
        assert report.rows == report.pairs + report.repeated_tracks + report.skipped


def test_a_list_of_segue_without_an_artist_reads_as_one_in_any_form(tmp_path):
    """An empty cell is no artist, as a null of Parquet is."""
    cells = {"export_id": ["1", "1"], "track_id": ["t:2", "t:1"], "track_name": ["B", "A"]}
    cells |= {"artist_id": [None, "a:1"], "artist_name": [None, "Queen"]}
    table = pa.table(cells)
    pacsv.write_csv(table, tmp_path / "list.csv")
    pq.write_table(table, tmp_path / "list.parquet")
    for name in ("list.csv", "list.parquet"):
        catalog = read_source(tmp_path / name).catalog
        assert catalog.artists.ids.to_pylist() == ["a:1"]
        assert [list(of_track) for of_track in catalog.relations["artist"]] == [[], [0]]


def test_names_of_playlists_are_their_titles(read):
    """Numbers, addresses and keys are not, nor is anything beside a column of titles."""
    cells = ["rock list a0", "Chill", "90s", "été", "17", "p17", "spotify:playlist:x", "ab-1f2e"]
    cells += ["0af31b4e-0af3-1b4e-0af3-1b4e0af31b4e", "abcdefabcdefabcdefabcdefabcdefab"]
    rows = "".join(f"{cell},One,Queen\n" for cell in cells)
    playlists, _, _ = read("playlist,track_name,artist\n" + rows)
    assert playlists.titles.to_pylist() == [*cells[:4], *[None] * 6]
    playlists, _, _ = read("playlist,title,track_name,artist\nmix,,One,Queen\n")
    assert playlists.titles.to_pylist() == [None]
    playlists, _, _ = read("playlist_id,track_name,artist\nmix,One,Queen\n")
    assert playlists.titles.to_pylist() == [None]


def test_only_the_column_that_was_asked_for_holds_the_artists(read):
    content = "playlist,track,band,artist\n1,a,Queen,someone else\n"
    _, catalog, report = read(content, columns={"artist": 3})
    assert catalog.artists.names.to_pylist() == ["Queen"]
    assert "someone" not in report.columns
    _, catalog, _ = read(content.replace("band", "artist_ref_id"), columns={"artist": 3})
    assert catalog.artists.names.to_pylist() == ["someone else"]
