"""`segue find`: songs, artists and playlists by words of their names."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.graph.playlist_graph import PlaylistGraph
from segue.names.name_file import NAMES_FILE
from segue.recommend.recommender import Recommender

pytestmark = pytest.mark.usefixtures("in_the_folder")
NAMES = ["[bold]Loud[/bold]", "Halo", "Hurt", "Hurt", "あなた", "Halo Road"]
ARTISTS = ["Beyoncé", "[red]Band[/red]", "Johnny Cash", "Nine Inch Nails"]


@pytest.fixture(scope="module")
def folder(bare_bundle, tmp_path_factory) -> Path:
    catalog = Catalog.of_columns(
        pa.array([f"t:{i}" for i in range(6)]),
        pa.array(NAMES),
        pa.array([f"a:{i}" for i in range(4)]),
        pa.array(ARTISTS),
        pa.array([], pa.string()),
        pa.array([], pa.string()),
        np.array([1, 0, 3, 2, 0, 1], dtype=np.int32),
        np.full(6, -1, dtype=np.int32),
    )
    playlists = Playlists(
        pa.array(["10", "11"]),
        pa.array(["[i]road[/i] trip", None]),
        np.ones(2, dtype=bool),
        TrackLists.from_lists([[1, 2], [0]]),
    )
    bundle = bare_bundle(
        PlaylistGraph(playlists, catalog),
        np.random.default_rng(0),
        vectors={"track": np.eye(6, dtype=np.float32), "artist": np.eye(4, 6, dtype=np.float32)},
        popularity=np.array([5, 4, 3, 9, 1, 1], dtype=np.int64),
    )
    parent = tmp_path_factory.mktemp("find")
    bundle.save(parent / "bundle")
    replace(bundle, playlists=None).save(parent / "without")
    return parent


def test_for_people(run):
    status, out, err = run("find", "bundle", "halo", "roa")
    assert (status, err) == (0, "")
    lines = [line.split() for line in out.splitlines() if line.strip()]
    assert lines[0] == ["Found", "for", "halo", "roa"]
    assert lines[1] == ["name", "artist", "size", "id"] or lines[1][0] == "kind"
    assert lines[-1] == ["track", "Halo", "Road", "[red]Band[/red]", "in", "1", "playlist", "t:5"]
    _, out, _ = run("find", "bundle", "road")
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert "track Halo Road [red]Band[/red] in 1 playlist t:5" in rows
    assert "playlist [i]road[/i] trip 2 tracks 10" in rows


def test_for_programs(run):
    status, out, err = run("find", "bundle", "hurt", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert [track["id"] for track in found["tracks"]] == ["t:3", "t:2"], "the best-known first"
    assert found["tracks"][0] == {
        "id": "t:3", "name": "Hurt", "artist_id": "a:2", "artist_name": "Johnny Cash",
        "album_id": "", "album_name": "", "num_playlists": 9,
    }  # fmt: skip
    assert found == Recommender.load("bundle").find("hurt").to_json()
    _, out, _ = run("find", "bundle", "hurt", "-n", 1, "--json")
    assert len(json.loads(out)["tracks"]) == 1
    _, out, _ = run("find", "bundle", "road", "--kind", "track", "--kind", "playlist", "--json")
    found = json.loads(out)
    assert [len(found[kind]) for kind in ("tracks", "artists", "playlists")] == [1, 0, 1]


def test_one_type_only(run):
    status, out, _ = run("find", "bundle", "be", "--kind", "artist")
    assert status == 0
    rows = [line.split() for line in out.splitlines() if line.strip()]
    assert rows[1] == ["name", "size", "id"]
    assert rows[-1] == ["Beyoncé", "2", "tracks", "a:0"]
    assert len(rows) == 4, "the title, the header, a line, the only one"


NOTHING = [
    (["xyzzy"], ["'xyzzy' matches no track, artist or playlist in this bundle"]),
    (
        ["johny", "cash"],
        [
            "'johny cash' matches no track, artist or playlist in this bundle; the closest are:",
            "  track: Hurt - Johnny Cash  (t:3)",
            "  artist: Johnny Cash, 1 track  (a:2)",
        ],
    ),
    (
        ["hallo", "--kind", "track"],
        ["'hallo' matches no track in this bundle; the closest are:", None],
    ),
    (['"', "AND"], ["'\" AND' matches no track, artist or playlist in this bundle"]),
    (["-x"], ["'-x' matches no track, artist or playlist in this bundle"]),
    (["road", "--kind", "playlist", "-n", "3", "zzzz"], None),
]


@pytest.mark.parametrize(("args", "says"), NOTHING)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_where_nothing_is_found_that_is_said_and_what_is_near(run, args, says, form):
    status, out, err = run("find", "bundle", *args, *form)
    assert (status, out) == (1, "")
    lines = err.splitlines()
    if says is not None:
        assert len(lines) == len(says)
        for line, said in zip(lines, says, strict=True):
            assert said is None or line.removeprefix("segue: ") == said


def test_without_playlists(run):
    status, out, _ = run("find", "without", "road")
    assert status == 0
    assert "playlist [i]" not in out
    status, _, err = run("find", "without", "road", "--kind", "playlist")
    assert (status, err.count("\n")) == (1, 1)
    assert "made without playlists" in err


def test_a_damaged_index_is_noticed_when_the_bundle_is_read(run, folder, tmp_path):
    bundle = tmp_path / "damaged"
    bundle.mkdir()
    for path in (folder / "bundle").iterdir():
        (bundle / path.name).write_bytes(path.read_bytes())
    content = bytearray((bundle / NAMES_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / NAMES_FILE).write_bytes(bytes(content))
    status, out, err = run("find", bundle, "halo")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"{NAMES_FILE}: is not as it was written" in err


@pytest.mark.parametrize(
    "args", [["bundle"], ["bundle", "a", "-n", 0], ["bundle", "a", "--kind", "x"]]
)
def test_usage_errors(run, args):
    status, out, err = run("find", *args)
    assert (status, out) == (2, "")
    assert err.startswith("Usage: segue find")
