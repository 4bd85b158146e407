"""Words of titles all the way: built, cut to a core, saved, shown, trained, exported."""

import json
from pathlib import Path

import numpy as np
import pytest

import segue
from segue.bundle import Bundle
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph

TITLED = ("playlist", "titled", "word")
CORE = 10
MOODS = ("calm", "loud", "sad", "fast")


@pytest.fixture(scope="module")
def source(planted_graph: PlaylistGraph) -> dict[str, list[tuple[str, str]]]:
    """Playlists called after their community, each with a word of its own."""
    playlists, catalog = planted_graph.playlists, planted_graph.catalog
    lists = {}
    for row in range(len(playlists)):
        tracks = playlists.tracks[row]
        mood = MOODS[int(np.bincount(tracks // 40).argmax())]
        lists[f"{mood.title()} music, x{row}"] = [
            (str(catalog.artist_of(tracks[at : at + 1])[0]), str(catalog.track_names[int(track)]))
            for at, track in enumerate(tracks)
        ]
    return lists


@pytest.fixture(scope="module")
def graph(source) -> PlaylistGraph:
    return segue.build(source, title_words=True)


def test_they_are_built_where_titles_share_words(source, graph):
    plain = segue.build(source, title_words=False)
    assert "word" not in plain.num_nodes
    assert plain.fingerprint != graph.fingerprint
    assert segue.build(source).fingerprint == graph.fingerprint
    untitled = segue.build({f"Playlist {row}": ["a", "b"] for row in range(9)})
    assert "word" not in untitled.num_nodes
    assert untitled.options["title_words"] is False
    words = graph.catalog.nodes["word"].names.to_pylist()
    assert sorted(words) == sorted([*MOODS, "music"])
    assert graph.num_edges[TITLED] == 2 * len(graph.playlists)


def test_without_a_word_in_enough_titles_it_says_so():
    with pytest.raises(InputError, match="no word is in the titles of 5 playlists"):
        segue.build([["a", "b"], ["a", "c"]], title_words=True)


def test_a_core_counts_the_titles_that_are_left(source, graph):
    core = segue.build(source, k_core=CORE, title_words=True)
    assert 0 < len(core.playlists) < len(graph.playlists)
    assert core.num_edges[TITLED] == 2 * len(core.playlists)
    cut = graph.k_core(CORE)  # words before the core
    assert cut.playlists.ids.equals(core.playlists.ids)

    def counts(of: PlaylistGraph) -> dict[str, int]:
        words = of.catalog.nodes["word"].names.to_pylist()
        return dict(zip(words, of.relations["word"].target_degree.tolist(), strict=True))

    assert counts(cut) == counts(core)


def test_saved_and_loaded_they_are_the_same(graph, tmp_path: Path):
    graph.save(tmp_path / "graph")
    loaded = PlaylistGraph.load(tmp_path / "graph")
    assert loaded.fingerprint == graph.fingerprint
    assert loaded.num_nodes == graph.num_nodes
    np.testing.assert_array_equal(loaded.edge_index(TITLED), graph.edge_index(TITLED))
    manifest = json.loads((tmp_path / "graph" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["num_edges"]["playlist titled word"] == graph.num_edges[TITLED]
    assert manifest["options"]["title_words"] is True


def test_pytorch_geometric_gets_them(graph):
    pytest.importorskip("torch_geometric")
    data = graph.to_hetero_data()
    assert data["word"].num_nodes == 5
    np.testing.assert_array_equal(data[TITLED].edge_index.numpy(), graph.edge_index(TITLED))


def test_they_carry_messages_and_go_into_the_bundle(graph, tmp_path: Path):
    bundle = segue.train(
        segue.split(graph, "random"),
        system=segue.SystemConfig(),
        relations=("artist", "word"),
        dim=8,
        epochs=4,
        batch_size=60,
    )
    assert set(bundle.history[0]["relation_weight"]) == {"artist", "word"}
    words = bundle.vectors["word"]
    assert words.shape == (5, 8)
    np.testing.assert_allclose(np.linalg.norm(words, axis=1), 1, atol=1e-5)
    bundle.save(tmp_path / "bundle")
    loaded = Bundle.load(tmp_path / "bundle")
    np.testing.assert_array_equal(loaded.vectors["word"], words)
    assert loaded.playlists.relations["word"].num_edges == graph.num_edges[TITLED]
