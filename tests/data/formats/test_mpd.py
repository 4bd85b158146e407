"""Reading slices: every form of source, what a playlist becomes, and every kind of bad input."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.collection import Source
from segue.data.formats.mpd import MPD, write_slice
from segue.data.reading import find
from segue.data.reading import read as read_source
from segue.data.source_file import SourceFile
from segue.errors import InputError


def track(number: int, **changes: Any) -> dict[str, Any]:
    """A track with id ``t:<number>``; the option None leaves a key out."""
    facts = {
        "pos": 0,
        "track_uri": f"t:{number}",
        "track_name": f"Träck {number}",
        "artist_uri": f"a:{number % 3}",
        "artist_name": f"Artist {number % 3}",
        "album_uri": f"b:{number % 2}",
        "album_name": f"Album {number % 2}",
        "duration_ms": 1000,
    }
    return {key: value for key, value in (facts | changes).items() if value is not None}


def playlist(pid: Any, *numbers: int, **changes: Any) -> dict[str, Any]:
    tracks = [track(number, pos=pos) for pos, number in enumerate(numbers)]
    facts = {"pid": pid, "name": f"Größe {pid}", "num_followers": 1, "tracks": tracks} | changes
    return {key: value for key, value in facts.items() if value is not None}


def as_bytes(*playlists: Any) -> bytes:
    content = {"info": {"slice": "0-1"}, "playlists": playlists}
    return json.dumps(content, ensure_ascii=False).encode()


GOOD = as_bytes(playlist(7, 3, 1, 2), playlist(8, 2), playlist(9, 1, 4))


def read(*contents: bytes, skip: bool = False, **options: Any) -> Any:
    """Read slices from memory; with `skip`, the lines that were set aside come last."""
    files = [
        SourceFile(
            f"slice-{number}.json", len(content), lambda content=content: io.BytesIO(content)
        )
        for number, content in enumerate(contents)
    ]
    aside = io.StringIO()
    source = Source("memory", [(file, MPD) for file in files])
    found = source.read(skip_bad=aside if skip else False, **options)
    aside.getvalue().encode()  # It must be possible to write it to a file.
    lines = [json.loads(line) for line in aside.getvalue().splitlines()]
    return found.playlists, found.catalog, found.report, *([lines] if skip else [])


def tracks_by_id(playlists, catalog) -> dict[str, list[str]]:
    ids = catalog.track_ids.to_pylist()
    lists = [[ids[t] for t in tracks] for tracks in playlists.tracks]
    return dict(zip(playlists.ids.to_pylist(), lists, strict=True))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Slices of two playlists each at several depths, and what is none."""
    folder = tmp_path / "mpd"
    (folder / "data" / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for first, place in ((0, "data"), (2, "data/deep"), (10, "data"), (100, ".")):
        name = f"mpd.slice.{first}-{first + 1}.json"
        content = [playlist(first, first, 1), playlist(first + 1, first + 1)]
        write_slice(folder / place / name, content, first, first + 1)
    for junk in ("data/challenge_set.json", "readme.json", "data/mpd.slice.4-5.json.bak"):
        (folder / junk).write_bytes(b"not a slice")
    (folder / ".hidden" / "mpd.slice.6-7.json").write_bytes(b"not a slice")
    (folder / "README.md").write_bytes(b"text")
    return folder


@pytest.fixture
def archive(folder, tmp_path) -> Path:
    path = tmp_path / "mpd.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, Path("top", file.relative_to(folder)))
        archive.writestr("__MACOSX/top/data/mpd.slice.0-1.json", b"junk")
        archive.writestr("top/data/._mpd.slice.0-1.json", b"junk")
    return path


def slices_in(source: Any, slices: tuple[int, int] | None = None) -> list[SourceFile]:
    return [file for file, _ in find(source, slices=slices).files]


def names(files: list[SourceFile]) -> list[str]:
    return [Path(file.name).name for file in files]


IN_ORDER = [f"mpd.slice.{first}-{first + 1}.json" for first in (0, 2, 10, 100)]


class TestFind:
    def test_folder_and_zip_in_numerical_order(self, folder, archive):
        assert names(slices_in(folder)) == IN_ORDER
        assert names(slices_in(str(folder))) == IN_ORDER
        assert names(slices_in(archive)) == IN_ORDER
        for ours, zipped in zip(slices_in(folder), slices_in(archive), strict=True):
            assert ours.read() == zipped.read()
            assert ours.size == zipped.size == len(ours.read())

    def test_one_slice(self, folder):
        path = folder / "data" / "mpd.slice.10-11.json"
        assert [file.name for file in slices_in(path)] == [str(path)]

    def test_glob(self, folder):
        found = slices_in(folder / "data" / "mpd.slice.*.json")
        assert names(found) == [IN_ORDER[0], IN_ORDER[2]]
        assert names(slices_in(folder / "**" / "*.json")) == IN_ORDER
        with pytest.raises(InputError, match=r"mpd\.slice\.9\*.*no such file or folder"):
            slices_in(folder / "mpd.slice.9*")

    def test_a_source_below_a_hidden_folder(self, folder):
        (folder / ".hidden" / "mpd.slice.6-7.json").write_bytes(GOOD)
        assert names(slices_in(folder / ".hidden")) == ["mpd.slice.6-7.json"]

    def test_other_names_where_there_are_no_slices(self, tmp_path):
        for name in ("b.json", "a.json"):
            (tmp_path / name).write_bytes(GOOD)
        assert names(slices_in(tmp_path)) == ["a.json", "b.json"]

    def test_absolute_names_in_a_zip(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr("/data/mpd.slice.0-2.json", GOOD)
        assert names(slices_in(tmp_path / "x.zip")) == ["mpd.slice.0-2.json"]

    @pytest.mark.parametrize(("first", "last"), [(0, 0), (1, 2), (3, 3), (0, 3)])
    def test_some_slices(self, folder, first, last):
        assert names(slices_in(folder, (first, last))) == IN_ORDER[first : last + 1]

    @pytest.mark.parametrize("slices", [(0, 4), (4, 4), (2, 1), (-1, 2)])
    def test_slices_out_of_range(self, folder, slices):
        with pytest.raises(InputError, match=f"has slices 0 to 3.*{slices[0]} to {slices[1]}"):
            slices_in(folder, slices)

    def test_nothing_there(self, tmp_path):
        with pytest.raises(InputError, match="nowhere: no such file or folder"):
            slices_in(tmp_path / "nowhere")
        with pytest.raises(InputError, match="holds no playlists in a known format"):
            slices_in(tmp_path)
        with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
            pass
        with pytest.raises(InputError, match=r"empty\.zip: holds no playlists"):
            slices_in(tmp_path / "empty.zip")

    @pytest.mark.parametrize("content", [b"", b"no zip at all"])
    def test_not_a_zip(self, tmp_path, content):
        (tmp_path / "x.zip").write_bytes(content)
        with pytest.raises(InputError, match=r"x\.zip: is not a zip"):
            slices_in(tmp_path / "x.zip")

    @pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
    def test_a_zip_that_was_cut_off(self, archive, cut):
        content = archive.read_bytes()
        archive.write_bytes(content[: int(len(content) * cut)])
        with pytest.raises(InputError, match=r"mpd\.zip: begins as a zip, but is cut off"):
            slices_in(archive)

    def test_any_damaged_byte_of_a_zip_gives_nothing_but_input_errors(self, tmp_path):
        path = tmp_path / "damaged.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("dätä/mpd.slice.0-2.json", GOOD)
        whole, messages = path.read_bytes(), []
        for at in range(len(whole)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
            try:
                read_source(path)
            except InputError as error:
                messages.append(str(error))
        assert len(messages) > len(whole) / 2
        assert all("damaged.zip" in message for message in messages)

    def test_a_damaged_member(self, archive):
        content = bytearray(archive.read_bytes())
        start = content.index(b"top/data/mpd.slice.0-1.json") + 60
        content[start : start + 20] = bytes(20)
        archive.write_bytes(content)
        with pytest.raises(InputError, match=r"mpd\.zip/top/data/mpd\.slice\.0-1\.json"):
            read_source(archive)


class TestReadMpd:
    def test_a_folder_and_a_zip_of_it_are_the_same(self, folder, archive):
        ours, zipped = (read_source(source) for source in (folder, archive))
        listed = (tracks_by_id(found.playlists, found.catalog) for found in (ours, zipped))
        assert next(listed) == next(listed)
        assert ours.playlists.ids.to_pylist() == ["0", "1", "2", "3", "10", "11", "100", "101"]
        assert ours.report == zipped.report
        some = read_source(folder, slices=(0, 2)).report
        assert some.fingerprint != ours.report.fingerprint

    def test_playlists_and_catalogue(self):
        playlists, catalog, report = read(GOOD)
        assert tracks_by_id(playlists, catalog) == {
            "7": ["t:3", "t:1", "t:2"],
            "8": ["t:2"],
            "9": ["t:1", "t:4"],
        }
        assert playlists.titles.to_pylist() == ["Größe 7", "Größe 8", "Größe 9"]
        assert catalog.track_ids.to_pylist() == ["t:3", "t:1", "t:2", "t:4"]
        assert catalog.track_names.to_pylist() == [f"Träck {n}" for n in (3, 1, 2, 4)]
        assert catalog.artists.ids.to_pylist() == ["a:0", "a:1", "a:2"]
        assert catalog.main_artist.tolist() == [0, 1, 2, 1]
        assert catalog.artists.names.to_pylist() == ["Artist 0", "Artist 1", "Artist 2"]
        assert catalog.albums.ids.to_pylist() == ["b:1", "b:0"]
        assert catalog.main_album.tolist() == [0, 0, 1, 1]
        assert catalog.albums.names.to_pylist() == ["Album 1", "Album 0"]
        assert (report.files, report.playlists, report.skipped) == (1, 3, 0)
        assert (report.pairs, report.repeated_tracks) == (6, 0)

    def test_several_slices_share_one_catalogue(self):
        playlists, catalog, report = read(GOOD, as_bytes(playlist(1, 4, 5, 3)), as_bytes())
        assert tracks_by_id(playlists, catalog)["1"] == ["t:4", "t:5", "t:3"]
        assert catalog.track_ids.to_pylist() == ["t:3", "t:1", "t:2", "t:4", "t:5"]
        assert catalog.artists.ids[catalog.main_artist[4]].as_py() == "a:2"
        assert report.files == 3

    def test_a_repeated_track_counts_once_at_its_first_position(self):
        playlists, catalog, report = read(as_bytes(playlist(1, 5, 3, 5, 3, 4, 5), playlist(2, 5)))
        assert tracks_by_id(playlists, catalog) == {"1": ["t:5", "t:3", "t:4"], "2": ["t:5"]}
        assert (report.pairs, report.repeated_tracks) == (4, 3)

    def test_positions_out_of_order_are_honoured(self):
        tracks = [track(1, pos=2), track(2, pos=0), track(3, pos=1), track(1, pos=-1)]
        content = as_bytes(playlist(0, 9), playlist(1, tracks=tracks), playlist(2))
        lists = tracks_by_id(*read(content)[:2])
        assert lists == {"0": ["t:9"], "1": ["t:1", "t:2", "t:3"], "2": []}

    def test_without_positions_the_order_is_that_of_the_file(self):
        tracks = [track(n, pos=None) for n in (3, 1, 2)]
        playlists, catalog, _ = read(as_bytes(playlist(1, tracks=tracks)))
        assert tracks_by_id(playlists, catalog) == {"1": ["t:3", "t:1", "t:2"]}

    @pytest.mark.parametrize(
        ("numbers", "known"),
        [
            ((3, 1, 2), True),
            ((1, 2, 3), False),
            ((9, 10, 11), False),  # Ascending as numbers.
            ((10, 11, 9), False),  # Ascending as text.
            ((9, 10, 8), True),
            ((1,), False),
            ((), False),
            ((1, 2, 1), False),  # A repeated track counts once.
        ],
    )
    def test_order_auto(self, numbers, known):
        # Its neighbours must not matter.
        content = as_bytes(playlist(0, 50), playlist(1, *numbers), playlist(2, 0))
        assert read(content)[0].order_known.tolist() == [False, known, False]

    def test_order_auto_looks_at_positions(self):
        tracks = [track(1, pos=1), track(2, pos=0)]
        assert read(as_bytes(playlist(1, tracks=tracks)))[0].order_known.tolist() == [True]

    @pytest.mark.parametrize("order", ["known", "unknown"])
    def test_order_as_told(self, order):
        playlists, _, _ = read(GOOD, as_bytes(playlist(1)), order=order)
        assert playlists.order_known.tolist() == [order == "known"] * 4

    def test_the_first_description_wins(self):
        again = track(1, track_name="Other", artist_uri="a:9", album_uri="b:9")
        tracks = [track(1), track(4, artist_name="Other", album_uri="b:1", album_name="Other")]
        first, second = as_bytes(playlist(1, tracks=tracks)), as_bytes(playlist(2, tracks=[again]))
        playlists, catalog, _ = read(first, second)
        assert len(playlists) == 2
        assert catalog.track_names.to_pylist() == ["Träck 1", "Träck 4"]
        assert catalog.artists.ids.to_pylist() == ["a:1"]
        assert catalog.artists.names.to_pylist() == ["Artist 1"]
        assert catalog.albums.ids.to_pylist() == ["b:1"]
        assert catalog.albums.names.to_pylist() == ["Album 1"]

    def test_missing_albums_and_titles(self):
        nulls = track(3) | {"album_uri": None, "album_name": None}
        tracks = [track(1, album_uri=None), track(2, album_name=None), nulls]
        content = as_bytes(playlist(1, tracks=tracks, name=None), playlist(2, name=""))
        playlists, catalog, _ = read(content)
        assert catalog.main_album.tolist() == [-1, 0, -1]
        assert catalog.albums.names.to_pylist() == [""]
        assert playlists.titles.to_pylist() == [None, ""]

    def test_ids_may_be_numbers_or_text(self):
        assert read(as_bytes(playlist(12, 1), playlist("zwölf")))[0].ids.to_pylist() == [
            "12",
            "zwölf",
        ]

    def test_no_playlists(self):
        with pytest.raises(InputError, match=r"memory: holds no playlist with a track$"):
            read(as_bytes(playlist(1)))
        with pytest.raises(InputError, match=r"first of 2 bad records: slice-0.json: playlists\[0"):
            read(as_bytes(3, 4), skip=True)
        with pytest.raises(InputError, match=r"; a bad record: slice-0.json: playlists\[0"):
            read(as_bytes(3), skip=True)

    def test_progress(self):
        calls: list[tuple[int, int]] = []
        more = as_bytes(playlist(1))
        read(GOOD, more, advance=lambda size, done: calls.append((size, done)))
        assert calls == [(len(GOOD), 3), (len(more), 4)]


def without(key: str) -> dict[str, Any]:
    return playlist(1, tracks=[track(1), track(2, **{key: None})])


BAD_RECORDS = {
    "no pid": (playlist(None), "missing required field `pid`"),
    "no tracks": (playlist(1, tracks=None), "missing required field `tracks`"),
    "pid is a fraction": (playlist(1.5), r"pid: expected `int.*got `float`"),
    "pid is a boolean": (playlist(True), r"pid: expected `int.*got `bool`"),
    "name is a number": (playlist(1, name=3), r"name: expected `str.*got `int`"),
    "tracks is an object": (playlist(1, tracks={}), "tracks: expected `array`, got `object`"),
    "a number": (3, "expected `object`, got `int`"),
    "null": (None, "expected `object`, got `null`"),
    "repeated pid": (playlist(7, 5), "playlist 7 was read before"),
    "repeated pid as text": (playlist("7", 5), "playlist 7 was read before"),
}
BAD_TRACKS = {
    "no uri": (track(2, track_uri=None), "missing required field `track_uri`"),
    "no name": (track(2, track_name=None), "`track_name`"),
    "no artist": (track(2, artist_uri=None), "`artist_uri`"),
    "no artist name": (track(2, artist_name=None), "`artist_name`"),
    "text": ("t:1", "expected `object"),
    "uri is a number": (track(1, track_uri=4), "track_uri: expected"),
    "uri is null": (track(1) | {"track_uri": None}, "track_uri: .*got `null`"),
    "name is null": (track(1) | {"track_name": None}, "track_name: .*got `null`"),
    "pos is text": (track(1, pos="1"), r"pos: expected `int`"),
    "pos is huge": (track(1, pos=10**30), "pos"),
}
BAD_FILES = {
    "empty": (b"", "not complete JSON"),
    "text": (b"hello", "not complete JSON"),
    "list": (b"[]", "expected `object`, got `array`"),
    "null": (b"null", "expected `object`, got `null`"),
    "no playlists": (b'{"info": {}}', "missing required field `playlists`"),
    "playlists is an object": (b'{"playlists": {}}', "playlists: expected `array`, got `object`"),
    # Parsers give up on this at some depth.
    "deeply nested": (
        b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b', "playlists": []}',
        "nest|recurs",
    ),
}


class TestBadInput:
    @pytest.mark.parametrize(("bad", "reason"), BAD_RECORDS.values(), ids=BAD_RECORDS)
    def test_a_bad_record(self, bad, reason):
        content = as_bytes(playlist(7, 1, 2), bad, playlist(9, 1))
        with pytest.raises(InputError, match=rf"^slice-1\.json: playlists\[1\]: .*{reason}"):
            read(as_bytes(), content)
        playlists, catalog, report, aside = read(as_bytes(), content, skip=True)
        assert tracks_by_id(playlists, catalog) == {"7": ["t:1", "t:2"], "9": ["t:1"]}
        assert catalog.num_tracks == 2, "nothing of a bad record is kept"
        assert (report.playlists, report.skipped, len(aside)) == (2, 1, 1)
        assert aside[0]["file"] == "slice-1.json"
        assert aside[0]["record"] == "playlists[1]"
        assert re.search(reason, aside[0]["reason"])
        assert isinstance(json.loads(aside[0]["content"]), type(bad))

    @pytest.mark.parametrize(("bad", "reason"), BAD_TRACKS.values(), ids=BAD_TRACKS)
    def test_a_bad_track(self, bad, reason):
        """The rest of its playlist is kept."""
        content = as_bytes(playlist(7, 1), playlist(8, tracks=[track(3), bad, track(1)]))
        with pytest.raises(
            InputError, match=rf"^slice-0\.json: playlists\[1\]\.tracks\[1\]: .*{reason}"
        ):
            read(content)
        playlists, catalog, report, aside = read(content, skip=True)
        assert tracks_by_id(playlists, catalog) == {"7": ["t:1"], "8": ["t:3", "t:1"]}
        assert (report.playlists, report.skipped, report.skipped_tracks) == (2, 1, 1)
        assert [line["record"] for line in aside] == ["playlists[1].tracks[1]"]
        assert json.loads(aside[0]["content"]) == bad

    def test_a_removed_track_is_no_fault(self):
        tracks = [None, track(3), None]
        playlists, catalog, report = read(as_bytes(playlist(7, tracks=tracks), playlist(8, 1)))
        assert tracks_by_id(playlists, catalog) == {"7": ["t:3"], "8": ["t:1"]}
        assert (report.set_aside, report.skipped) == ({"removed track": 2}, 0)

    @pytest.mark.parametrize(("content", "reason"), BAD_FILES.values(), ids=BAD_FILES)
    def test_a_bad_file(self, content, reason):
        where = r"(whole file|playlists\[0\] and what follows)"
        with pytest.raises(InputError, match=rf"^slice-1\.json: {where}: .*{reason}"):
            read(GOOD, content)
        _, _, report, aside = read(GOOD, content, skip=True)
        assert (report.playlists, report.skipped, len(aside)) == (3, 1, 1)
        assert aside[0]["file"] == "slice-1.json"
        assert re.fullmatch(where, aside[0]["record"])

    def test_a_pid_of_an_earlier_slice(self):
        with pytest.raises(InputError, match=r"^slice-1\.json: playlists\[1\]: playlist 8 "):
            read(GOOD, as_bytes(playlist(1), playlist(8, 5)))

    @pytest.mark.parametrize("cut", [len(GOOD), -2], ids=["whole", "cut off"])
    def test_invalid_utf8(self, cut):
        """Also where the slice is cut off later on: no text is made up."""
        content = GOOD.replace("Größe 7".encode(), b"Gr\xff\xffe 7")[:cut]
        with pytest.raises(InputError, match=r"slice-0\.json: playlists\["):
            read(content)
        playlists, _, report, aside = read(content, skip=True)
        assert playlists.ids.to_pylist() == ["8", "9"]
        assert aside[0]["record"] == "playlists[0]"
        assert report.playlists + report.skipped == (3 if cut > 0 else 4)

    @pytest.mark.parametrize("value", ["NaN", "-Infinity"])
    def test_what_python_writes_for_no_number(self, value):
        """It says that there is nothing: no title, or a track without a name."""
        untitled = playlist(8, tracks=[track(2), track(3, track_name="?")], name="?")
        content = as_bytes(playlist(7, 1), untitled, playlist(9, 3))
        content = content.replace(b'"?"', value.encode())
        with pytest.raises(InputError, match=r"playlists\[1\]\.tracks\[1\]: track_name: .*null"):
            read(content)
        playlists, catalog, report, aside = read(content, skip=True)
        assert tracks_by_id(playlists, catalog) == {"7": ["t:1"], "8": ["t:2"], "9": ["t:3"]}
        assert playlists.titles.to_pylist()[1] is None
        assert [line["record"] for line in aside] == ["playlists[1].tracks[1]"], "no second one"
        assert report.skipped == 1

    def test_a_file_that_cannot_be_read(self, tmp_path):
        file = SourceFile("gone.json", 1, (tmp_path / "gone.json").open)
        with pytest.raises(InputError, match=r"gone\.json: cannot be read \(No such file"):
            Source("gone", [(file, MPD)]).read()

    @given(st.data())
    def test_a_slice_cut_off_anywhere_keeps_a_prefix(self, data):
        lengths = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
        records = [playlist(pid, *range(length)) for pid, length in enumerate(lengths)]
        content = as_bytes(*records)
        cut = data.draw(st.integers(0, len(content) - 1))
        whole = as_bytes(playlist("whole", 0))
        with pytest.raises(InputError, match=r"^slice-1\.json: .*JSON.*cut off"):
            read(whole, content[:cut])
        playlists, catalog, report, aside = read(whole, content[:cut], skip=True)
        # Two brackets follow the last playlist.
        ends = [len(as_bytes(*records[: n + 1])) - 2 for n in range(len(records))]
        kept = sum(end <= cut for end in ends)
        expected = {str(pid): [f"t:{t}" for t in range(lengths[pid])] for pid in range(kept)}
        assert tracks_by_id(playlists, catalog) == {"whole": ["t:0"]} | expected
        assert (report.playlists, report.skipped, len(aside)) == (kept + 1, 1, 1)
        if kept:
            assert aside[0]["record"] == f"playlists[{kept}] and what follows"

    @given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=3))
    def test_changed_bytes_give_nothing_but_input_errors(self, changes):
        content = bytearray(GOOD)
        for at, byte in changes:
            content[at] = byte
        whole = as_bytes(playlist("whole", 0))
        try:
            records = read(whole, bytes(content))[2].playlists
        except InputError:
            records = None
        _, _, report, aside = read(whole, bytes(content), skip=True)
        assert report.skipped == len(aside)
        assert (report.skipped == 0) == (records is not None)
        assert records in (None, report.playlists)
        assert report.playlists + report.skipped - report.skipped_tracks <= 5

    def test_the_counts_add_up(self):
        mixed = as_bytes(playlist(1), 3, playlist(7), playlist(None), playlist(3))
        cut = as_bytes(playlist(4), playlist(5), playlist(6))[:-10]
        _, _, report, aside = read(GOOD, mixed, b"", cut, skip=True)
        # 3 good; 2 good of 5; no JSON at all; 2 good and a break.
        assert (report.files, report.playlists, report.skipped) == (4, 7, 5)
        assert report.skipped_tracks == 0
        assert [line["file"] for line in aside] == [f"slice-{n}.json" for n in (1, 1, 1, 2, 3)]
        assert all(set(line) == {"file", "record", "reason", "content"} for line in aside)


def test_tracks_shown_at_random_have_no_order(tmp_path):
    """In the challenge's file, where some tracks are held out; else a gap is a removed track."""

    def playlist(pid: int, positions: list[int], **facts: int) -> dict[str, object]:
        track = {"track_name": "", "artist_uri": "a", "artist_name": ""}
        tracks = [
            track | {"pos": pos, "track_uri": f"t:{'52746819'[pos]}{pid}"} for pos in positions
        ]
        return {"pid": pid, "tracks": tracks, **facts}

    content = {
        "playlists": [
            playlist(1, [1, 0, 2, 4, 3], num_holdouts=5),
            playlist(2, [0, 3, 1, 7, 2], num_holdouts=5),
            playlist(3, [0, 3, 1, 7, 2]),
        ]
    }
    path = tmp_path / "challenge_set.json"
    path.write_text(json.dumps(content))
    assert read_source(path).playlists.order_known.tolist() == [True, False, True]
