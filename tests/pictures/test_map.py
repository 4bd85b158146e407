"""The map: what is alike is near, coloured by clusters or genres."""

import builtins

import numpy as np
import pyarrow as pa
import pytest

from segue.data.relations import Nodes
from segue.errors import InputError, ResourceError
from segue.pictures.map import (
    catalogue_map,
    clusters,
    pca,
    read_genres,
    sample_genres,
    umap,
)
from segue.synthetic.sample import load_songs


def test_pca_by_hand():
    # Along (0.6, 0.8, 0) the vectors differ most, then across it; the two do not vary together.
    along, across = np.array([0.6, 0.8, 0]), np.array([-0.8, 0.6, 0])
    first, second = np.array([-3.0, -1, 0, 4]), np.array([0.3, 0.3, -0.9, 0.3])
    vectors = 5 + first[:, None] * along + second[:, None] * across
    position = pca(vectors.astype(np.float32))
    assert position[:, 0] == pytest.approx(first, abs=1e-5)
    # The largest weight of each direction is positive, so the second is turned about.
    assert position[:, 1] == pytest.approx(-second, abs=1e-5)


def test_pca_of_one_dimension_and_one_row():
    assert pca(np.ones((3, 1), np.float32)).tolist() == [[0, 0]] * 3
    assert pca(np.ones((1, 4), np.float32)).shape == (1, 2)


def test_clusters_find_what_is_planted(bundle):
    group = clusters(bundle.track_vectors, 4, 0)
    planted = np.arange(160) // 40
    together = group[:, None] == group[None]
    assert (together == (planted[:, None] == planted[None])).mean() > 0.95
    sizes = np.bincount(group)
    assert (np.diff(sizes) <= 0).all(), "the largest is 0"
    assert (clusters(bundle.track_vectors, 4, 0) == group).all()


def test_fewer_different_rows_than_clusters():
    assert clusters(np.ones((5, 3), np.float32), 4, 0).tolist() == [0] * 5
    assert sorted(set(clusters(np.eye(2, dtype=np.float32), 8, 0).tolist())) == [0, 1]


def test_a_map_holds_the_best_known_tracks(bundle):
    scene = catalogue_map(bundle, num_clusters=4, limit=50)
    rows = [int(node.key.split(":")[1]) for node in scene.nodes]
    assert len(rows) == 50
    left_out = np.delete(bundle.popularity, rows)
    assert bundle.popularity[rows].min() >= left_out.max()
    assert "the best-known 50 tracks" in scene.note
    assert len(scene.groups) == 4
    assert all(0 <= node.group < 4 for node in scene.nodes)
    names = [name for group in scene.groups for name in group.split(", ")]
    assert len(set(names)) == len(names), "no artist names two clusters"
    assert catalogue_map(bundle, num_clusters=4, limit=50).to_json() == scene.to_json()


def test_genres_colour_a_map(bundle):
    ids = bundle.catalog.track_ids.to_pylist()
    genres = {ids[at]: f"genre {at % 11}" for at in range(150)}
    scene = catalogue_map(bundle, genres=genres)
    assert len(scene.groups) == 8
    for node in scene.nodes:
        row = int(node.key.split(":")[1])
        name = genres.get(ids[row])
        assert node.group == (scene.groups.index(name) if name in scene.groups else -1)


def test_the_samples_genres_are_known(bundle):
    assert sample_genres(bundle.catalog) is None
    songs = load_songs()[:3]
    three = bundle.catalog.keep_tracks(np.arange(160) < 3)
    ids = pa.array([song.track_id for song in songs])
    catalog = three.with_nodes("track", Nodes(ids, three.track_names))
    assert sample_genres(catalog) == {song.track_id: song.genre for song in songs}


def test_genres_from_a_file(tmp_path):
    path = tmp_path / "genres.tsv"
    path.write_text("\ufefft:1\trock\nt:2\t hip\u00a0hop \n", encoding="utf-8")
    assert read_genres(path) == {"t:1": "rock", "t:2": "hip hop"}
    path.write_text("t:1\trock\nt:2 pop\n")
    with pytest.raises(InputError, match=r"genres.tsv: line 2: expected a track id, a tab"):
        read_genres(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_genres(tmp_path / "gone")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as text"):
        read_genres(path)


def test_umap_that_is_not_installed(monkeypatch, bundle):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "umap":
            raise ModuleNotFoundError(name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ResourceError, match=r"pip install 'segue\[umap\]'"):
        catalogue_map(bundle, method="umap")


def test_umap_keeps_neighbours_near(bundle):
    pytest.importorskip("umap", reason="the extra umap is not installed")
    position = umap(bundle.track_vectors, 0)
    assert position.shape == (160, 2)
    planted = np.arange(160) // 40
    centre = np.array([position[planted == at].mean(axis=0) for at in range(4)])
    nearest = np.linalg.norm(position[:, None] - centre[None], axis=2).argmin(axis=1)
    assert (nearest == planted).mean() > 0.9
    with pytest.raises(InputError, match="at least 8 tracks"):
        umap(bundle.track_vectors[:5], 0)


def test_options_out_of_range(bundle):
    with pytest.raises(InputError, match="from 1 to 8"):
        catalogue_map(bundle, num_clusters=9)
    with pytest.raises(InputError, match="has no tracks to map"):
        catalogue_map(bundle, limit=0)
