"""The real playlists: known counts, exactly. Nothing of them is part of the project."""

import pytest

from segue.data.reading import read
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import INTERACTION, PlaylistGraph
from segue.graph.split import SplitRecipe

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def built(realdata):
    found = read(realdata / "playlists-50k.zip")
    assert found.report.files == 51
    return PlaylistGraph(found.playlists, found.catalog), found.report


@pytest.fixture(scope="module")
def graph(built):
    return built[0]


def test_counts(built):
    graph, report = built
    assert graph.num_nodes == {
        "playlist": 50_446,
        "track": 20_635,
        "artist": 6_668,
        "album": 12_744,
    }
    assert graph.num_edges[INTERACTION] == 1_211_791
    assert graph.relations["artist"].num_edges == 20_635
    assert (report.files, report.playlists, report.skipped) == (51, 50_446, 0)
    assert report.pairs == 1_211_791


def test_order_is_known_in_exactly_5000(graph):
    assert graph.playlists.order_known.sum() == 5_000


def test_10_core(graph):
    core = graph.k_core(10)
    nodes = core.num_nodes
    assert (nodes["playlist"], nodes["track"], nodes["artist"]) == (39_318, 11_412, 3_391)
    assert core.playlists.tracks.lengths.min() >= 10
    assert core.popularity.min() >= 10


def test_30_core(graph):
    """About 9,700 playlists, 3,600 tracks and 1,250 artists."""
    nodes = graph.k_core(30).num_nodes
    assert nodes["playlist"] == pytest.approx(9_700, rel=0.01)
    assert nodes["track"] == pytest.approx(3_600, rel=0.01)
    assert nodes["artist"] == pytest.approx(1_250, rel=0.01)


def test_split_is_a_partition(graph):
    split = split_graph(graph, SplitRecipe())
    parts = (split.train.playlists.tracks, split.validation.targets, split.test.targets)
    assert sum(part.num_pairs for part in parts) == 1_211_791
    # Joining refuses a pair that stands in two parts.
    whole = parts[0].joined(parts[1]).joined(parts[2])
    assert (whole.lengths == graph.playlists.tracks.lengths).all()
    assert parts[0].lengths.min() >= 1


def test_save_and_load(graph, tmp_path):
    graph.save(tmp_path / "graph")
    assert PlaylistGraph.load(tmp_path / "graph").fingerprint == graph.fingerprint
