"""Whatever is read, reading ends well or with a sentence: Hypothesis looks for what does not.

Requests over HTTP are in tests/service/test_document.py.
"""

import copy
import csv
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segue
from segue.bundle import Bundle
from segue.errors import SegueError
from segue.graph.playlist_graph import PlaylistGraph
from segue.recommend.recommender import Recommender

sys.path.insert(0, str(Path(__file__).parent))
import fuzz

TRACK = {
    "pos": 0,
    **{f"{kind}_uri": f"spotify:{kind}:x" for kind in ("track", "artist", "album")},
    **{f"{kind}_name": kind for kind in ("track", "artist", "album")},
}
SLICE = {
    "info": {"version": "v1", "slice": "0-1"},
    "playlists": [
        {
            "pid": pid,
            "name": f"list {pid}",
            "modified_at": 1,
            "tracks": [TRACK, {**TRACK, "pos": 1}],
        }
        for pid in range(2)
    ],
}
# Halves of characters too, which JSON can spell.
text = st.text(st.characters(), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


def read_or_complain(path: Path, skip_bad: bool) -> Any:
    """What is read; None after a sentence of at most a screen."""
    try:
        return segue.read(path, skip_bad=skip_bad)
    except SegueError as error:
        assert path.name in str(error)  # noqa: PT017 - or nothing is raised
        assert len(str(error)) < 1500  # noqa: PT017
        return None


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each value anywhere inside, as a container and a key."""
    found = []
    for key in value if isinstance(value, dict) else range(len(value)):
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


@given(st.data(), values, st.booleans())
@settings(max_examples=60, deadline=None, database=None)
def test_a_slice_with_any_value_anywhere(folder: Path, data: Any, value: Any, skip: bool) -> None:
    changed = copy.deepcopy(SLICE)
    for _ in range(data.draw(st.integers(1, 3))):
        every = places(changed)
        inside, key = every[data.draw(st.integers(0, len(every) - 1))]
        inside[key] = copy.deepcopy(value)
    path = folder / "mpd.slice.0-1.json"
    path.write_text(json.dumps(changed), encoding="utf-8")
    found = read_or_complain(path, skip)
    if found is not None and found.report.form == "Million Playlist Dataset slices":
        report = found.report
        counted = len(found.playlists) + report.skipped - report.skipped_tracks
        assert counted + report.set_aside.get("empty playlist", 0) == len(changed["playlists"])


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 60), st.booleans())
@settings(max_examples=60, deadline=None, database=None)
def test_a_slice_with_any_bytes_anywhere(
    folder: Path, content: bytes, at: int, gone: int, skip: bool
) -> None:
    path, whole = folder / "mpd.slice.0-1.json", json.dumps(SLICE).encode()
    path.write_bytes(whole[:at] + content + whole[at + gone :])
    read_or_complain(path, skip)


@given(
    st.lists(
        st.sampled_from(["playlist", "track", "position", "artist", "title", "added_at", "?", ""]),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.lists(text | st.sampled_from(["1", "1e400", "a", '"', "9" * 400]), max_size=6)),
    st.sampled_from([",", "\t", ";"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None, database=None)
def test_a_table_of_any_cells(
    folder: Path,
    header: list[str],
    rows: list[list[str]],
    delimiter: str,
    encoding: str,
    skip: bool,
) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows([header, *rows])
    path = folder / "table.csv"
    path.write_bytes(written.getvalue().encode(encoding, "replace"))
    read_or_complain(path, skip)


@given(st.binary(max_size=300), st.sampled_from(["csv", "tsv", "parquet", "zip", "txt", "m3u8"]))
@settings(max_examples=60, deadline=None, database=None)
def test_a_file_of_any_bytes(folder: Path, content: bytes, ending: str) -> None:
    path = folder / f"lists.{ending}"
    path.write_bytes(content)
    read_or_complain(path, skip_bad=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    fuzz.write_artefacts(folder)
    return folder


@given(st.data())
@settings(max_examples=80, deadline=None, database=None)
def test_a_bundle_or_graph_with_any_bytes_anywhere(whole: Path, folder: Path, data: Any) -> None:
    """With valid checksums."""
    name = data.draw(st.sampled_from(["bundle", "bare", "graph"]))
    changed = folder / name
    shutil.rmtree(changed, ignore_errors=True)
    shutil.copytree(whole / name, changed)
    path = changed / data.draw(st.sampled_from(sorted(file.name for file in changed.iterdir())))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content)))
    gone = data.draw(st.sampled_from([0, 1, 8, 100]))
    new = data.draw(st.binary(max_size=16))
    path.write_bytes(content[:at] + new + content[at + gone :])
    fuzz.restate(changed)
    try:
        if name == "graph":
            PlaylistGraph.load(changed)
        else:
            bundle = Bundle.load(changed)
            found = Recommender(bundle).complete(tracks=["segue:track:1"], n=5).tracks
            assert {track.track_id for track in found} <= set(bundle.catalog.track_ids.to_pylist())
    except SegueError as error:
        assert 0 < len(str(error)) < 2000  # noqa: PT017 - or nothing is raised
