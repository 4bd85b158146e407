"""`segue challenge`: from a source of playlists to a table of scores."""

import gzip
import json

import numpy as np
import pytest

from segue.data.formats.mpd import write_slice
from segue.data.reading import read
from segue.graph.playlist_graph import PlaylistGraph


@pytest.fixture
def random_bundle(bare_bundle):
    """Makes random vectors for the music of some slices."""

    def make(folder):
        found = read(folder)
        graph = PlaylistGraph(found.playlists, found.catalog)
        return bare_bundle(graph, np.random.default_rng(0))

    return make


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Sixty playlists of 45 tracks, four without a title."""
    folder, rng = tmp_path_factory.mktemp("source") / "slices", np.random.default_rng(2)
    folder.mkdir()
    playlists = [
        {
            **({} if pid < 4 else {"name": "rainy day"}),
            "pid": pid,
            "tracks": [
                {
                    "pos": place, "track_uri": f"t:{row}", "track_name": f"Song {row}",
                    "artist_uri": f"a:{row % 50}", "artist_name": "Band",
                }
                for place, row in enumerate(rng.choice(600, 45, replace=False).tolist())
            ],
        }
        for pid in range(60)
    ]  # fmt: skip
    write_slice(folder / "mpd.slice.0-59.json", playlists, 0, 59)
    return folder


def test_the_whole_way(run, source, tmp_path, monkeypatch, random_bundle):
    monkeypatch.chdir(tmp_path)
    status, out, err = run("challenge", "make", source, "--out", "c", "--per-kind", 2)
    assert status == 0
    rows = [line.rsplit(maxsplit=1) for line in out.splitlines() if line.strip()]
    table = {row[0].strip(): row[1] for row in rows if len(row) == 2}
    assert table["title + first 5"] == "2"
    assert table["title + first 25"] == "0"
    assert "4 playlists without a title: not for kinds with one" in err
    assert "Fewer than 2, as no more are suitable: title + first 25, title + random 25, " in err
    assert "48 playlists left for training, written to c/training" in err

    random_bundle("c/training").save(tmp_path / "bundle")
    team = ("--team", "us", "--email", "us@example.com")
    asked = "c/challenge_set.json"
    status, out, err = run("challenge", "submit", "bundle", asked, "--out", "s.csv.gz", *team)
    assert (status, out) == (0, "")
    assert err == (
        "2 playlists with nothing known: the most popular tracks\n12 lists written to s.csv.gz\n"
    )
    lines = gzip.decompress((tmp_path / "s.csv.gz").read_bytes()).decode().splitlines()
    assert lines[0] == "team_info, us, us@example.com"

    assert run("challenge", "check", "s.csv.gz", asked) == (
        0, "", "s.csv.gz: keeps the rules, 12 lists\n",
    )  # fmt: skip
    status, out, err = run("challenge", "score", "s.csv.gz", "c")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "By the definitions of: organisers"
    status, out, _ = run("challenge", "score", "s.csv.gz", "c", "--json")
    found = json.loads(out)
    assert found["num_playlists"]["all"] == 12
    assert {*found["values"]} == {"organisers", "rules", "vl6"}
    shown = f"{found['values']['rules']['all']['ndcg']:.4f}"
    assert shown in run("challenge", "score", "s.csv.gz", "c", "--definitions", "rules")[1]


def test_breaches_are_sentences_and_bounded(run, source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("challenge", "make", source, "--out", "c", "--per-kind", 2)
    path = tmp_path / "s.csv"
    path.write_text("team_info, us, us@example.com\n7, a, b\n")
    status, out, err = run("challenge", "check", path, "c")
    assert status == 1
    assert out.count("\n") == len(err.splitlines()) * 13 or out.count("\n") == 13
    assert err == "13 breaches of the rules\n"
    path.write_text("team_info, us, us@example.com\n" + "x\n" * 5000)
    status, out, err = run("challenge", "check", path, "c")
    assert len(out.splitlines()) == 21
    assert out.splitlines()[-1] == "… and 4992 more"


def test_nothing_is_written_for_bad_input(run, source, tmp_path, monkeypatch, random_bundle):
    monkeypatch.chdir(tmp_path)
    random_bundle(source).save(tmp_path / "bundle")
    (tmp_path / "bad.json").write_text('{"playlists": [{"pid": 1}]}')
    before = sorted(tmp_path.iterdir())
    for args, sentence in (
        (("submit", "bundle", "bad.json", "--out", "s.csv"), "is not a challenge set"),
        (("submit", "bundle", "none.json", "--out", "s.csv"), "none.json: cannot be read"),
        (("submit", "none", "bad.json", "--out", "s.csv"), "bad.json: is not a challenge set"),
        (("make", "none", "--out", "c"), "none: no such file or folder"),
        (("make", source, "--out", "c", "--per-kind", 500), "leaves too little to learn from"),
        (("check", "none.csv", "bad.json"), "is not a challenge set"),
        (("score", "none.csv", "none"), "none: is not a folder, expected one from"),
    ):
        status, out, err = run("challenge", *args)
        assert (status, out) == (1, "")
        assert sentence in err
        assert len(err.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_replaced_unasked(run, source, tmp_path, monkeypatch, random_bundle):
    monkeypatch.chdir(tmp_path)
    run("challenge", "make", source, "--out", "c", "--per-kind", 1)
    assert "--overwrite replaces it" in run("challenge", "make", source, "--out", "c")[2]
    (tmp_path / "s.csv").write_text("mine")
    random_bundle(source).save(tmp_path / "bundle")
    assert (
        "--overwrite replaces it" in run("challenge", "submit", "bundle", "c", "--out", "s.csv")[2]
    )
    assert (tmp_path / "s.csv").read_text() == "mine"
