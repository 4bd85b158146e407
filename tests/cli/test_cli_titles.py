"""`--title` and `segue title` on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

import segue
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.training.config import SystemConfig, TrainConfig

MOODS = ("calm", "loud", "sad", "fast")


@pytest.fixture(scope="module")
def folder(planted_graph: PlaylistGraph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose playlists are called after their community, and one without words."""
    playlists, catalog = planted_graph.playlists, planted_graph.catalog
    lists = {
        f"{MOODS[row % 4].title()} music {row}": [
            (str(catalog.artist_of(np.array([t], dtype=np.int32))[0]), str(catalog.track_names[t]))
            for t in playlists.tracks[row].tolist()
        ]
        for row in range(len(playlists))
    }
    folder = tmp_path_factory.mktemp("titled")
    for name, words in (("bundle", True), ("plain", False)):
        split = segue.split(segue.build(lists, title_words=words), SplitRecipe("random").kind)
        relations = ("artist", "word") if words else ("artist",)
        config = TrainConfig(relations=relations, dim=8, epochs=4, batch_size=60)
        segue.train(split, config=config, system=SystemConfig()).save(folder / name)
    return folder


def test_asked_with_a_title(run, folder, monkeypatch):
    monkeypatch.chdir(folder)
    recommender = segue.load("bundle")
    status, out, err = run("vibe", "bundle", "--title", "Calm music, xyz", "-n", 3)
    assert status == 0
    assert "Goes with “Calm music, xyz”" in out
    assert "In no title that the bundle knows, so left out: xyz" in err
    assert "goes with" in out
    status, out, err = run("vibe", "bundle", "--title", "calm", "-n", 3, "--json")
    assert json.loads(out) == recommender.vibe(title="calm", n=3).to_json()
    assert err == ""
    status, out, err = run("vibe", "bundle", "--title", "xyz")
    assert status == 0
    assert "No word of this title is known" in err
    track = recommender.bundle.catalog.track_ids[0].as_py()
    _, out, _ = run("complete", "bundle", "--track", track, "--title", "sad", "--json")
    assert json.loads(out) == recommender.complete(tracks=[track], title="sad").to_json()
    _, out, _ = run("why", "bundle", track, "--title", "sad music", "--json")
    assert json.loads(out) == recommender.why(track, title="sad music").to_json()
    assert [term["kind"] for term in json.loads(out)["terms"]].count("word") == 2
    status, _, err = run("vibe", "plain", "--title", "calm")
    assert status == 1
    assert "learned no words" in err


def test_titles_for_songs(run, folder, monkeypatch):
    monkeypatch.chdir(folder)
    recommender = segue.load("bundle")
    track = recommender.bundle.catalog.track_ids[0].as_py()
    status, out, _ = run("title", "bundle", track, "-n", 2)
    assert status == 0
    assert "Titles for this" in out
    _, out, _ = run("title", "bundle", track, "-n", 2, "--json")
    assert json.loads(out) == recommender.title([track], 2).to_json()
    playlist = recommender.playlists.ids[0].as_py()
    _, out, _ = run("title", "bundle", "--playlist", playlist, "--json")
    assert json.loads(out) == recommender.title(playlist=playlist).to_json()
    status, _, err = run("title", "bundle")
    assert status == 2
    assert "one of TRACKS, --playlist and --from" in err
    own = folder / "own.csv"
    names = ["10", "11", "12"]
    rows = [f"mine,Track {name},Artist 1" for name in names]
    own.write_text("\n".join(["playlist,track_name,artist_name", *rows, "lost,Nothing,No one", ""]))
    status, out, err = run("title", "bundle", "--from", own, "--json")
    assert status == 0
    assert [each["heading"] for each in json.loads(out)] == ["Titles for mine"]
    assert "lost: no song of it is known" in err
    status, _, err = run("title", "plain", track)
    assert status == 1
    assert "can suggest none" in err
