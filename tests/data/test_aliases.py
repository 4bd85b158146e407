"""Further identifiers of tracks: read, kept by whatever changes a catalogue, stored."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from segue.data.collect import Collector
from segue.data.collection import Collection
from segue.data.playlists import Catalog, Playlists
from segue.data.records import Playlist, Rows, Track
from segue.data.relations import Nodes
from segue.data.source_file import SourceFile
from segue.graph.playlist_graph import PlaylistGraph
from segue.updating.update import update

ISRC, MBID = "isrc:GBUM71029604", "mbid:b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def reject(*problem: object) -> None:
    raise AssertionError(problem)


@pytest.fixture
def collected() -> tuple[Playlists, Catalog]:
    """Tracks a, c and b; the first and the last have aliases."""
    a, b, c = Track("a", "A", aliases=(ISRC, MBID, ISRC)), Track("b", "B", aliases=(MBID,)), "c"
    collector = Collector()
    first = Playlist("one", None, [a, Track(c, c), b])
    again = Playlist("two", None, [Track("a", "other", aliases=("isrc:ZZZZZ0000000",)), b])
    collector.add_playlists("file", [("record", first), ("record", again)], reject)
    return collector.finish("known")


def aliases_of(catalog: Catalog) -> dict[str, list[str]]:
    assert catalog.tracks.aliases is not None
    ids = catalog.track_ids.to_pylist()
    return dict(zip(ids, catalog.tracks.aliases.to_pylist(), strict=True))


def test_the_first_description_counts_and_repeats_do_not(collected):
    assert aliases_of(collected[1]) == {"a": [ISRC, MBID], "c": [], "b": [MBID]}


def test_a_table_gives_them_as_lists():
    collector, table = Collector(), SourceFile.of_memory("t.csv", 0)
    for track, aliases in (("a", []), ("b", [ISRC]), ("b", [MBID])):
        cells = {"playlist": ["one"], "track": [track], "aliases": [aliases]}
        types = {"aliases": pa.list_(pa.string())}
        cells = {name: pa.array(cell, types.get(name)) for name, cell in cells.items()}
        collector.add_rows(Rows(cells, None, ordered=True, bytes_read=0), table)
    assert aliases_of(collector.finish("known")[1]) == {"a": [], "b": [ISRC]}


def test_without_any_there_is_no_column(small_catalog, tmp_path):
    assert small_catalog.tracks.aliases is None
    small_catalog.save(tmp_path)
    batch = pa.ipc.open_file(str(tmp_path / "tracks.arrow")).get_batch(0)
    assert "aliases" not in batch.schema.names
    assert Catalog.load(tmp_path).tracks.aliases is None


def test_a_graph_stores_them_and_its_fingerprint_does_not_change(collected, tmp_path):
    playlists, catalog = collected
    graph = PlaylistGraph(playlists, catalog)
    graph.save(tmp_path / "graph")
    assert aliases_of(PlaylistGraph.load(tmp_path / "graph").catalog) == aliases_of(catalog)
    bare = catalog.with_nodes("track", replace(catalog.tracks, aliases=None))
    assert PlaylistGraph(playlists, bare).fingerprint == graph.fingerprint


def test_they_follow_their_tracks(collected):
    playlists, catalog = collected
    core = PlaylistGraph(playlists, catalog).k_core(2)
    assert aliases_of(core.catalog) == {"a": [ISRC, MBID], "b": [MBID]}
    assert aliases_of(catalog.keep_tracks(np.array([False, True, True]))) == {"c": [], "b": [MBID]}


def test_nodes_with_and_without_are_joined():
    some = Nodes(pa.array(["a"]), pa.array(["A"]), pa.array([[ISRC]]))
    none = Nodes(pa.array(["b", "c"]), pa.array(["B", "C"]))
    assert some.joined(none).aliases.to_pylist() == [[ISRC], [], []]
    assert none.joined(some).aliases.to_pylist() == [[], [], [ISRC]]
    assert none.joined(none.take(np.array([0]))).aliases is None


def test_columns_of_different_lengths_are_refused():
    nodes = Nodes(pa.array(["a"]), pa.array(["A"]), pa.array([[ISRC], []]))
    with pytest.raises(ValueError, match="track ids and aliases differ in length"):
        nodes.check("track")


def test_an_update_adds_those_of_new_tracks(small_bundle):
    known = small_bundle.catalog.track_ids[0].as_py()
    collector = Collector()
    new = Playlist("new", None, [Track(known, known), Track("new", "New", aliases=(ISRC,))])
    collector.add_playlists("file", [("record", new)], reject)
    updated, report = update(small_bundle, Collection(*collector.finish("known")))
    assert report.num_tracks == 1
    assert aliases_of(updated.catalog)["new"] == [ISRC]
    assert aliases_of(updated.catalog)[known] == []
