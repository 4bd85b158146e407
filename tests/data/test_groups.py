"""Large sources are read in groups: by several processes, kept, and resumed, always the same."""

import io
import os
import pickle
import signal
import zipfile
from pathlib import Path

import pytest

from segue.data import groups
from segue.data.collection import Collection
from segue.data.formats.mpd import MPD, write_slice
from segue.data.formats.own import OWN
from segue.data.groups import FileGroup, GroupRead, GroupStore, read_groups
from segue.data.reading import find, read
from segue.data.records import Format, Playlist, TableOptions, Track
from segue.data.source_file import SourceFile
from segue.data.sources import find_files
from segue.data.track_columns import Location
from segue.errors import InputError, ResourceError


def track(number: int, position: int, **more: object) -> dict[str, object]:
    return {
        "track_uri": f"t:{number}",
        "track_name": f"Track {number}",
        "artist_uri": f"a:{number % 7}" if number % 5 else "",
        "artist_name": f"Artist {number % 7}",
        "album_uri": f"b:{number % 11}",
        "album_name": f"Album {number % 11}",
        "pos": position,
        **more,
    }


def slices(folder: Path, num_files: int = 5) -> Path:
    """Slices of three playlists that share tracks, some out of order, some with repeats."""
    folder.mkdir()
    for first in range(0, 3 * num_files, 3):
        playlists = []
        for pid in range(first, first + 3):
            tracks = [track((pid * 3 + at * at) % 13, at) for at in range(pid % 9)]
            tracks = tracks[:: 1 - 2 * (pid % 2)]
            playlists.append({"pid": pid, "name": f"List {pid}", "tracks": tracks})
        write_slice(folder / f"mpd.slice.{first}-{first + 2}.json", playlists, first, first + 2)
    return folder


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read counts as large, and every file is a group."""
    monkeypatch.setattr(groups, "WORTH", 1)
    monkeypatch.setattr(groups, "GROUP_SIZE", 1)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return slices(tmp_path / "slices")


def content(found: Collection) -> dict[str, object]:
    catalog, playlists = found.catalog, found.playlists
    return {
        "report": found.report,
        "ids": playlists.ids.to_pylist(),
        "titles": playlists.titles.to_pylist(),
        "order": playlists.order_known.tolist(),
        "tracks": [
            tracks.tolist() for tracks in map(playlists.tracks.__getitem__, range(len(playlists)))
        ],
        "nodes": {
            kind: (nodes.ids.to_pylist(), nodes.names.to_pylist())
            for kind, nodes in catalog.nodes.items()
        },
        "aliases": catalog.tracks.aliases and catalog.tracks.aliases.to_pylist(),
        "artist": catalog.main_artist.tolist(),
        "album": catalog.main_album.tolist(),
    }


def zipped(folder: Path, to: Path) -> Path:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return to


def told(source: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read(source, **options)
    return str(caught.value)


def test_groups_give_the_same(source, tmp_path, large, monkeypatch):
    in_groups = read(source, folder=tmp_path / "kept")
    monkeypatch.undo()
    assert content(read(source)) == content(in_groups)
    assert in_groups.report.repeated_tracks > 0
    assert len(list((tmp_path / "kept").iterdir())) == 5


def test_two_processes_give_the_same(source, tmp_path, large):
    alone = content(read(source, folder=tmp_path / "alone"))
    assert content(read(source, workers=2)) == alone
    assert content(read(source, workers=2, folder=tmp_path / "kept")) == alone
    names = [sorted(path.name for path in (tmp_path / at).iterdir()) for at in ("alone", "kept")]
    assert names[0] == names[1]
    packed = zipped(source, tmp_path / "slices.zip")
    assert content(read(packed, workers=2)) == alone


def test_a_small_source_starts_no_process_and_keeps_nothing(source, tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "ProcessPoolExecutor", pytest.fail)
    read(source, workers=8, folder=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("packed", [False, True])
def test_an_interrupted_reading_goes_on(source, tmp_path, large, monkeypatch, packed):
    source = zipped(source, tmp_path / "slices.zip") if packed else source
    folder, was_read = tmp_path / "kept", []
    whole = FileGroup.read

    def watched(group: FileGroup) -> GroupRead:
        was_read.append(Path(group.files[0].name).name)
        if len(was_read) == 3:
            raise KeyboardInterrupt
        return whole(group)

    monkeypatch.setattr(FileGroup, "read", watched)
    with pytest.raises(KeyboardInterrupt):
        read(source, folder=folder)
    said: list[str] = []
    resumed = find(source).read(folder=folder, say=said.append)
    # What was in progress is read again, what was finished is not.
    assert was_read == [f"mpd.slice.{first}-{first + 2}.json" for first in (0, 3, 6, 6, 9, 12)]
    assert said == ["Going on: 2 of 5 groups of files read before"]
    monkeypatch.undo()
    assert content(resumed) == content(read(source))


def test_a_slice_that_has_changed_is_read_again(source, tmp_path, large):
    folder = tmp_path / "kept"
    read(source, folder=folder)
    path = source / "mpd.slice.6-8.json"
    path.write_bytes(path.read_bytes().replace(b"List 7", b"Tsil 7"))
    assert "Tsil 7" in read(source, folder=folder).playlists.titles.to_pylist()
    packed = zipped(source, tmp_path / "slices.zip")
    read(packed, folder=folder)
    path.write_bytes(path.read_bytes().replace(b"Tsil 7", b"Sitl 7"))
    zipped(source, packed)
    assert "Sitl 7" in read(packed, folder=folder).playlists.titles.to_pylist()


def test_a_kept_file_that_is_damaged_is_read_again(source, tmp_path, large):
    folder = tmp_path / "kept"
    before = content(read(source, folder=folder))
    path = min(folder.iterdir())
    stored = path.read_bytes()
    for damaged in (b"", stored[:20], stored[:-1], stored[:100] + b"\xff" + stored[101:]):
        path.write_bytes(damaged)
        assert content(read(source, folder=folder)) == before
        assert path.read_bytes() == stored


def test_bad_records_are_the_same(source, tmp_path, large, monkeypatch):
    bad = source / "mpd.slice.3-5.json"
    bad.write_bytes(bad.read_bytes().replace(b'"pid":4', b'"pid":[]').replace(b'"t:9"', b"9"))
    (source / "mpd.slice.9-11.json").write_bytes(b"{")
    asides = [io.StringIO() for _ in range(3)]
    ways = ({}, {"workers": 2}, {"folder": tmp_path / "kept"})
    skipped = [
        content(read(source, skip_bad=aside, **way))
        for aside, way in zip(asides, ways, strict=True)
    ]
    again = io.StringIO()
    skipped.append(content(read(source, skip_bad=again, folder=tmp_path / "kept")))
    refused = [told(source, **way) for way in ways]
    monkeypatch.undo()
    aside = io.StringIO()
    skipped.append(content(read(source, skip_bad=aside)))
    assert skipped.count(skipped[0]) == len(skipped)
    assert skipped[0]["report"].skipped >= 3
    assert {each.getvalue() for each in (*asides, again, aside)} == {aside.getvalue()}
    assert set(refused) == {told(source)}
    assert "mpd.slice.3-5.json: playlists[" in refused[0]


def test_a_playlist_in_two_groups_is_the_same(source, tmp_path, large, monkeypatch):
    again = source / "mpd.slice.6-8.json"
    again.write_bytes(again.read_bytes().replace(b'"pid":7', b'"pid":2'))
    ways = ({}, {"folder": tmp_path / "kept"}, {"folder": tmp_path / "kept"})
    asides = [io.StringIO() for _ in range(4)]
    skipped = [content(read(source, skip_bad=asides[at], **way)) for at, way in enumerate(ways)]
    refused = [told(source, **way) for way in ways]
    monkeypatch.undo()
    assert skipped == [content(read(source, skip_bad=asides[3]))] * 3
    assert len({aside.getvalue() for aside in asides}) == 1
    assert set(refused) == {told(source)}
    assert "mpd.slice.6-8.json: playlists[1]: playlist 2 was read before" in refused[0]


def test_a_file_that_cannot_be_read_is_the_same(source, tmp_path, large, monkeypatch):
    (source / "mpd.slice.6-8.json").unlink()
    (source / "mpd.slice.6-8.json").symlink_to(tmp_path / "nowhere")
    ways = ({}, {"folder": tmp_path / "kept"}, {"folder": tmp_path / "kept"})
    skipped = [content(read(source, skip_bad=True, **way)) for way in ways]
    refused = {told(source, **way) for way in ways}
    monkeypatch.undo()
    assert skipped == [content(read(source, skip_bad=True))] * 3
    assert skipped[0]["report"].skipped == 1
    assert refused == {told(source)}


def some_lists(file: SourceFile, options: TableOptions, reject: object) -> object:
    place = Location("one.mp3", "/music")
    tracks = [
        Track("x", "X", (("a", "A"), ("b", "B"), ("a", "A")), ("c", "C"), 1, ("isrc:1",), place),
        Track("y", "Y"),
    ]
    yield "record", Playlist(file.stem, None, tracks, ordered=False)


def ends_its_process(file: SourceFile, options: TableOptions, reject: object) -> object:
    os.kill(os.getpid(), signal.SIGKILL)
    yield from ()


def group_of(source: Path, read_file: object) -> list[FileGroup]:
    form = Format("lists", MPD.recognises, read_file, certain=True)
    return [FileGroup((file,), form, TableOptions(), skip_bad=False) for file in find_files(source)]


def test_what_is_packed_is_all_there(source):
    [group, *_] = group_of(source, some_lists)
    before = group.read()
    after, facts = GroupRead.unpacked(before.packed(more=[1]))
    assert facts["more"] == [1]
    assert after.ids == before.ids
    assert after.chunk.tracks.aliases == {0: ["isrc:1"]}
    assert after.chunk.tracks.locations == before.chunk.tracks.locations != {}
    for name, column in before.chunk.tracks.columns.items():
        assert after.chunk.tracks.columns[name].to_pylist() == column.to_pylist()
    assert after.chunk.unordered.tolist() == [0]
    assert after.chunk.certain.tolist() == []
    assert after.digests == before.digests


def test_a_killed_process_is_one_sentence(source):
    found = read_groups(group_of(source, ends_its_process), workers=2, folder=None)
    with pytest.raises(ResourceError, match="was killed, perhaps out of memory; fewer --workers"):
        list(found)


def test_what_others_have_removed_is_read_again(source, tmp_path, large, monkeypatch):
    monkeypatch.setattr(GroupStore, "load", lambda *args, **options: None)
    assert len(read(source, workers=2, folder=tmp_path / "kept").playlists) == 15


def test_which_files_other_processes_can_open(source, tmp_path):
    packed = zipped(source, tmp_path / "slices.zip")
    outer = tmp_path / "outer.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(packed, packed.name)
    for place in (source, packed, outer):
        assert all(file.on_disk for file in find_files(place))
    assert not any(file.on_disk for file in find_files(io.BytesIO(packed.read_bytes())))


@pytest.mark.parametrize("form", [MPD, OWN])
def test_formats_that_other_processes_read_can_be_sent(form):
    assert pickle.loads(pickle.dumps(form)) == form
    assert not form.named


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2"])
def test_a_wrong_number_of_processes(source, workers):
    with pytest.raises(InputError, match=r"workers is .*, expected a whole number from 1"):
        read(source, workers=workers)
