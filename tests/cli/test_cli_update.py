"""`segue update`: playlists with new music in, a bundle that knows it out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segue.bundle import Bundle
from segue.data.formats.mpd import write_slice
from segue.graph.playlist_graph import PlaylistGraph
from segue.recommend.recommender import Recommender

pytestmark = pytest.mark.usefixtures("in_the_folder")
HEADER = "playlist,track,track_name,artist\n"


@pytest.fixture(scope="module")
def folder(planted_graph, tmp_path_factory) -> Path:
    """A bundle of the planted communities, whose vectors say which is which, and its graph."""
    parent = tmp_path_factory.mktemp("update")
    planted_graph.save(parent / "graph")
    rng = np.random.default_rng(1)
    catalog = planted_graph.catalog

    def near(community: np.ndarray) -> np.ndarray:
        vectors = np.eye(4, 8)[community] + rng.normal(size=(len(community), 8)) * 0.2
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    bundle = Bundle(
        catalog=catalog,
        vectors={"track": near(np.arange(160) // 40), "artist": near(np.arange(20) // 5)},
        query_weight=np.ones(160, dtype=np.float32),
        popularity=planted_graph.popularity,
        playlists=planted_graph.playlists,
        config={"model": "lightgcn"},
        metrics={"test": {"values": {"recall@20": 0.5}}},
        split={"recipe": {"kind": "random"}, "fingerprint": "f"},
        graph_fingerprint=planted_graph.fingerprint,
    )
    bundle.save(parent / "bundle")
    return parent


@pytest.fixture
def table(folder) -> Path:
    """Two new tracks beside known ones of community 0, and seven in playlists of their own."""
    lines = [f"mine,segue:track:{t},Track {t},segue:artist:{t % 5}" for t in range(6)]
    lines += ["mine,new:1,[bold]One[/bold],segue:artist:2", "mine,new:2,Two,new:artist"]
    lines += [f"lost {n},lost:{n},Lost {n},nobody {n}" for n in range(7)]
    path = folder / "new.csv"
    path.write_text(HEADER + "\n".join(lines), encoding="utf-8")
    return path


def test_names_reach_the_terminal_without_control_characters(run, folder, tmp_path):
    """A song may be called so that a terminal clears its screen."""
    table = folder / "odd.csv"
    rows = [f"mine,segue:track:{t},Track {t},segue:artist:{t % 5}" for t in range(6)]
    table.write_text(HEADER + "\n".join([*rows, "alone,lost:1,Lost\x1b[2J\x07,nobody"]))
    status, _, err = run("update", "bundle", table, "--out", tmp_path / "updated")
    assert status == 0
    assert "lost:1 (Lost [2J )" in err
    assert not {"\x1b", "\x07"} & set(err)


def test_new_music_is_found_and_what_was_there_stays(run, table, tmp_path):
    out = tmp_path / "updated"
    status, document, err = run("update", "bundle", table, "--out", out)
    assert (status, document) == (0, "")
    assert "Columns: playlist = playlist, track = track, artist = artist" in err
    assert "New: 2 tracks, 1 artist, 0 albums\n" in err
    assert "  1 track placed by playlists\n  1 track placed by artist, playlists\n" in err
    assert (
        "  7 tracks left out, as nothing can place them: lost:0 (Lost 0), lost:1 (Lost 1), lost:2 "
        "(Lost 2), lost:3 (Lost 3), lost:4 (Lost 4) and 2 more tracks\n"
    ) in err
    assert "Playlists: 8 new, 0 replaced by their newer state, 0 unchanged\n" in err

    old, new = Bundle.load(Path("bundle")), Bundle.load(out)
    np.testing.assert_array_equal(new.track_vectors[:160], old.track_vectors)
    status, document, _ = run("complete", out, "17", "-n", 162, "--json")
    assert status == 0
    found = [track["track_id"] for track in json.loads(document)["tracks"]]
    assert not {"new:1", "new:2"} - set(found), "of another community, but in the catalogue"
    in_community = Recommender(new).complete(
        tracks=[f"segue:track:{t}" for t in range(8, 14)], n=60
    )
    assert {"new:1", "new:2"} < {track.track_id for track in in_community.tracks}
    assert run("vibe", out, "Two", "-n", 3)[0] == 0


def test_the_manifest_says_that_it_was_updated(run, table, tmp_path, planted_graph):
    run("update", "bundle", table, "--out", tmp_path / "updated")
    manifest = json.loads((tmp_path / "updated" / "manifest.json").read_text())
    (update,) = manifest["config"]["updates"]
    assert update["graph_fingerprint"] == planted_graph.fingerprint
    assert (update["tracks"], update["playlists"], update["left_out"]) == (2, 8, 7)
    for row in update["weights"]:
        assert sum(row["weights"].values()) == pytest.approx(1)
    assert manifest["metrics"] == {"test": {"values": {"recall@20": 0.5}}, "before_update": True}

    status, out, err = run("evaluate", tmp_path / "updated", "graph")
    assert (status, out) == (1, "")
    assert err == (
        f"segue: {tmp_path / 'updated'} and graph: the bundle has been updated with new music "
        "since it was measured, so it cannot be measured again; its manifest holds the figures "
        "from before, and the bundle that it was made from gives them\n"
    )


def test_slices_work_as_well(run, tmp_path):
    tracks = [
        {"pos": at, "track_uri": uri, "track_name": "", "artist_uri": "a", "artist_name": ""}
        for at, uri in enumerate(["segue:track:41", "segue:track:42", "new"])
    ]
    for n in (0, 1):
        path = tmp_path / f"mpd.slice.{n}-{n}.json"
        write_slice(path, [{"pid": 900 + n, "tracks": tracks[n:]}], n, n)
    status, _, err = run("update", "bundle", tmp_path, "--slices", 1, "--out", tmp_path / "out")
    assert status == 0
    assert "Read 1 file, Million Playlist Dataset slices:\n  1 playlist with 2 pairs\n" in err
    assert Bundle.load(tmp_path / "out").playlists.ids.to_pylist()[-1] == "901"


def test_a_bundle_without_playlists_says_that_it_stays_so(run, table, tmp_path):
    bundle = Bundle.load(Path("bundle"))
    without = replace(bundle, playlists=None)
    without.save(tmp_path / "without")
    _, _, err = run("update", tmp_path / "without", table, "--out", tmp_path / "out")
    assert "Playlists: none, as BUNDLE was made without (--no-playlists)\n" in err
    assert Bundle.load(tmp_path / "out").playlists is None


@pytest.mark.parametrize(
    ("bundle", "content", "options", "message"),
    [
        ("nowhere", "", (), "nowhere: there is no such folder, expected a Segue bundle"),
        ("graph", "", (), "graph: is a Segue graph, expected a bundle"),
        (
            "bundle",
            "mine,other:1,,other:a",
            (),
            "the bundle knows none of these tracks, artists and albums, so nothing tells where "
            "they belong; expected ids as it has them (segue:track:0, not other:1)",
        ),
        ("bundle", "mine,,,a", (), "bad.csv: line 2: "),
        ("bundle", "mine,t,,a", ("--slices", 0), "bad.csv: holds text tables, but --slices is for"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(
    run, bundle, content, options, message, tmp_path
):
    (tmp_path / "bad.csv").write_text(HEADER + content)
    out = tmp_path / "out"
    status, _, err = run("update", bundle, tmp_path / "bad.csv", "--out", out, *options)
    assert status == 1
    assert message in err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_only_a_bundle_is_replaced_and_only_when_asked(run, table, tmp_path):
    out = tmp_path / "out"
    run("update", "bundle", table, "--out", out)
    status, _, err = run("update", "bundle", table, "--out", out)
    assert (status, err) == (1, f"segue: {out}: exists already; --overwrite replaces it\n")
    assert run("update", "bundle", table, "--out", out, "--overwrite")[0] == 0
    # A bundle may be updated in its place.
    status, _, err = run("update", out, table, "--out", out, "--overwrite")
    assert (status, "New: 0 tracks" in err, "8 unchanged" in err) == (0, True, True)
    graph = PlaylistGraph.load(Path("graph"))
    graph.save(tmp_path / "graph")
    status, _, err = run("update", "bundle", table, "--out", tmp_path / "graph", "--overwrite")
    assert (status, "is a Segue graph, so no bundle replaces it" in err) == (1, True)
