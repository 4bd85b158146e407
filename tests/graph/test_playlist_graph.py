"""`PlaylistGraph`: its nodes and edges, its fingerprint, its folder, its export."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from segue.data.playlists import TrackLists
from segue.data.relations import Nodes, Relation
from segue.errors import ArtefactError
from segue.files import MANIFEST, manifest_checksum, sha256_of
from segue.graph.playlist_graph import INTERACTION, PlaylistGraph

BY, ON = ("track", "by", "artist"), ("track", "on", "album")


class TestNodesAndEdges:
    def test_counts(self, small_graph):
        assert small_graph.num_nodes == {"playlist": 4, "track": 6, "artist": 3, "album": 3}
        assert small_graph.num_edges == {INTERACTION: 10, BY: 6, ON: 5}

    def test_edge_index(self, small_graph):
        assert small_graph.edge_index(INTERACTION).tolist() == [
            [0, 0, 0, 1, 1, 1, 1, 1, 3, 3],
            [2, 0, 5, 0, 1, 2, 3, 4, 3, 0],
        ]
        assert small_graph.edge_index(BY).tolist() == [[0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 1, 2]]
        # The last track is on no album.
        assert small_graph.edge_index(ON).tolist() == [[0, 1, 2, 3, 4], [0, 0, 1, 1, 2]]

    def test_edge_index_fits_the_counts(self, planted_graph):
        for relation, count in planted_graph.num_edges.items():
            edges = planted_graph.edge_index(relation)
            assert edges.shape == (2, count)
            assert edges.dtype == np.int32
            for row, node_type in zip(edges, (relation[0], relation[2]), strict=True):
                assert 0 <= row.min() <= row.max() < planted_graph.num_nodes[node_type]

    def test_an_unknown_relation(self, small_graph):
        for relation in (("track", "in", "playlist"), ("track", "by", "album")):
            with pytest.raises(ValueError, match="no relation"):
                small_graph.edge_index(relation)

    def test_popularity(self, small_graph):
        assert small_graph.popularity.tolist() == [3, 1, 2, 2, 1, 1]

    def test_a_track_outside_the_catalogue_is_refused(self, small_graph):
        tracks = TrackLists.from_lists([[6], [], [], []])
        with pytest.raises(ValueError, match="catalogue does not have"):
            small_graph.with_tracks(tracks)

    def test_with_tracks(self, small_graph):
        other = small_graph.with_tracks(TrackLists.from_lists([[5], [], [], [1]]))
        assert other.num_nodes == small_graph.num_nodes
        assert other.edge_index(INTERACTION).tolist() == [[0, 3], [5, 1]]
        assert other.edge_index(BY).tolist() == small_graph.edge_index(BY).tolist()
        assert small_graph.num_edges[INTERACTION] == 10


class TestFingerprint:
    def test_equal_graphs(self, small_graph, make_planted_graph):
        twins = [make_planted_graph(np.random.default_rng(5)) for _ in range(2)]
        assert twins[0].fingerprint == twins[1].fingerprint
        other = make_planted_graph(np.random.default_rng(6))
        assert other.fingerprint != twins[0].fingerprint
        assert replace(small_graph, options={}).fingerprint == small_graph.fingerprint

    def test_it_stays_from_version_to_version(self, small_graph):
        """Bundles hold it: a change here makes every bundle refuse its graph."""
        assert small_graph.fingerprint == (
            "33adb1732ce93688645de8393cf5d6a560ebc377b082632dfefb43aff57a4496"
        )

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("ids", pa.array(["10", "11", "twelve", "14"])),
            ("order_known", np.array([True, False, True, True])),
            ("tracks", TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3, 4], [], [3, 1]])),
            ("tracks", TrackLists.from_lists([[0, 2, 5], [0, 1, 2, 3, 4], [], [3, 0]])),
            ("tracks", TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3], [4], [3, 0]])),
        ],
    )
    def test_it_knows_the_playlists(self, small_graph, column, value):
        other = replace(small_graph, playlists=replace(small_graph.playlists, **{column: value}))
        assert other.fingerprint != small_graph.fingerprint

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("track", "abcdef"),
            ("artist", "xyz"),
            ("album", "pqr"),
            ("by", [0, 0, 1, 1, 2, 1]),
            ("on", [0, 0, 1, 1, 2, 2]),
        ],
    )
    def test_it_knows_the_catalogue(self, small_graph, column, value):
        catalog = small_graph.catalog
        if column in ("by", "on"):
            kind = {"by": "artist", "on": "album"}[column]
            targets = np.array(value, dtype=np.int32)
            catalog = catalog.with_relation(Relation.single(column, "track", kind, targets, 3))
        else:
            ids = pa.array(list(value))
            catalog = catalog.with_nodes(column, Nodes(ids, catalog.nodes[column].names))
        assert replace(small_graph, catalog=catalog).fingerprint != small_graph.fingerprint

    def test_it_is_as_it_always_was(self, small_graph):
        """Saved splits, cells and bundles name their graph by it."""
        digest = "33adb1732ce93688645de8393cf5d6a560ebc377b082632dfefb43aff57a4496"
        assert small_graph.fingerprint == digest

    def test_it_knows_a_second_artist(self, small_graph):
        by = small_graph.catalog.relations["artist"]
        several = Relation(
            *("by", "track", "artist"),
            np.array([0, 2, 3, 4, 5, 6, 7]),
            np.array([0, 1, 0, 1, 1, 1, 2], dtype=np.int32),
            num_targets=3,
        )
        assert several.main.tolist() == by.main.tolist()
        other = replace(small_graph, catalog=small_graph.catalog.with_relation(several))
        assert other.fingerprint != small_graph.fingerprint


class TestFolder:
    def test_round_trip(self, small_graph, tmp_path):
        small_graph.save(tmp_path / "graph")
        loaded = PlaylistGraph.load(tmp_path / "graph")
        assert loaded.fingerprint == small_graph.fingerprint
        assert loaded.options == {"source": "by hand"}
        assert loaded.num_edges == small_graph.num_edges
        assert loaded.playlists.titles.to_pylist() == small_graph.playlists.titles.to_pylist()
        names = small_graph.catalog.track_names.to_pylist()
        assert loaded.catalog.track_names.to_pylist() == names
        for relation in loaded.num_edges:
            assert np.array_equal(loaded.edge_index(relation), small_graph.edge_index(relation))

    def test_manifest(self, small_graph, tmp_path):
        small_graph.save(tmp_path / "graph")
        manifest = json.loads((tmp_path / "graph" / MANIFEST).read_text(encoding="utf-8"))
        assert manifest["fingerprint"] == small_graph.fingerprint
        assert manifest["num_nodes"] == small_graph.num_nodes
        assert manifest["num_edges"] == {
            "playlist contains track": 10,
            "track by artist": 6,
            "track on album": 5,
        }
        assert set(manifest["files"]) == {
            f"{n}.arrow" for n in ("albums", "artists", "playlists", "tracks")
        }

    def test_set_aside_records_come_along(self, small_graph, tmp_path):
        aside = tmp_path / "aside"
        aside.write_text('{"record": 1}\n', encoding="utf-8")
        small_graph.save(tmp_path / "graph", extra=aside)
        assert (tmp_path / "graph" / "skipped.jsonl").read_bytes() == aside.read_bytes()
        PlaylistGraph.load(tmp_path / "graph")

    def test_overwrite(self, small_graph, planted_graph, tmp_path):
        small_graph.save(tmp_path / "graph")
        mapped = PlaylistGraph.load(tmp_path / "graph")
        with pytest.raises(ArtefactError, match="exists already"):
            planted_graph.save(tmp_path / "graph")
        planted_graph.save(tmp_path / "graph", overwrite=True)
        assert PlaylistGraph.load(tmp_path / "graph").num_nodes == planted_graph.num_nodes
        # What is mapped outlives its folder.
        assert replace(mapped).fingerprint == small_graph.fingerprint

    @pytest.mark.parametrize("name", ["playlists", "tracks", "artists", "albums"])
    def test_any_changed_byte_is_refused(self, planted_graph, tmp_path, name):
        planted_graph.save(tmp_path / "graph")
        path = tmp_path / "graph" / f"{name}.arrow"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(ArtefactError, match=rf"{name}\.arrow: is not as it was written"):
            PlaylistGraph.load(tmp_path / "graph")

    @pytest.mark.parametrize("name", ["playlists", "tracks", "artists", "albums"])
    def test_a_missing_file_is_refused(self, small_graph, tmp_path, name):
        small_graph.save(tmp_path / "graph")
        (tmp_path / "graph" / f"{name}.arrow").unlink()
        with pytest.raises(ArtefactError, match=rf"{name}\.arrow: is missing"):
            PlaylistGraph.load(tmp_path / "graph")

    def test_files_of_another_graph_are_refused(self, small_graph, planted_graph, tmp_path):
        """Even where the checksums are made to fit."""
        small_graph.save(tmp_path / "graph")
        planted_graph.save(tmp_path / "planted")
        (tmp_path / "planted" / "playlists.arrow").replace(tmp_path / "graph" / "playlists.arrow")
        restate_checksums(tmp_path / "graph")
        with pytest.raises(ArtefactError, match=r"graph: is damaged .*catalogue does not have"):
            PlaylistGraph.load(tmp_path / "graph")

    def test_another_fingerprint_is_refused(self, small_graph, tmp_path):
        small_graph.save(tmp_path / "graph")
        small_graph.with_tracks(TrackLists.from_lists([[0], [], [], []])).playlists.save(
            tmp_path / "graph"
        )
        restate_checksums(tmp_path / "graph")
        with pytest.raises(ArtefactError, match=r"graph: is damaged .*fingerprint"):
            PlaylistGraph.load(tmp_path / "graph")


def restate_checksums(folder) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name in manifest["files"]:
        size = (folder / name).stat().st_size
        manifest["files"][name] = {"bytes": size, "sha256": sha256_of(folder / name)}
    manifest["checksum"] = manifest_checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


class TestHeteroData:
    def test_as_pyg_sees_it(self, planted_graph):
        data = planted_graph.to_hetero_data()
        assert data.validate()
        assert {t: data[t].num_nodes for t in data.node_types} == planted_graph.num_nodes
        assert {r: data[r].num_edges for r in data.edge_types} == planted_graph.num_edges
        for relation in data.edge_types:
            assert data[relation].edge_index.dtype == torch.int64
            assert data[relation].edge_index.tolist() == planted_graph.edge_index(relation).tolist()
        assert (
            data[INTERACTION].num_edges == data.num_edges - data[BY].num_edges - data[ON].num_edges
        )

    def test_a_pyg_layer_gives_the_degrees(self, small_graph):
        """Summing ones over the edges counts the playlists of each track."""
        nn = pytest.importorskip("torch_geometric.nn")
        data = small_graph.to_hetero_data()
        x = (torch.ones(4, 1), torch.zeros(6, 1))
        summed = nn.SimpleConv(aggr="sum")(x, data[INTERACTION].edge_index)
        assert summed.flatten().tolist() == small_graph.popularity.tolist()

    def test_it_is_a_copy(self, small_graph):
        before = small_graph.fingerprint
        data = small_graph.to_hetero_data()
        for relation in data.edge_types:
            data[relation].edge_index.zero_()
        assert replace(small_graph).fingerprint == before
