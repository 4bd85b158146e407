"""New music joins a bundle: what stays, what comes, what is left out, and what it then answers."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from segue.bundle import Bundle, MeasuredVectors
from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.recommend.mix import MixWeights
from segue.recommend.recommender import Recommender
from segue.recommend.update import update

EQUAL = MixWeights.equal()


def make_catalog(tracks: dict[str, tuple[str | None, str | None]]) -> Catalog:
    """Of track id → artist and album ids; each is named by its id in capitals."""
    artists, albums = (
        list(dict.fromkeys(row[at] for row in tracks.values() if row[at])) for at in (0, 1)
    )

    def column(names: list[str], at: int) -> np.ndarray:
        rows = [names.index(row[at]) if row[at] else -1 for row in tracks.values()]
        return np.array(rows, dtype=np.int32)

    def strings(values: list[str]) -> pa.Array:
        return pa.array(values, pa.string())

    every: list[pa.Array] = []
    for ids in (list(tracks), artists, albums):
        every += [strings(ids), strings([name.upper() for name in ids])]
    return Catalog(*every, column(artists, 0), column(albums, 1))


def make_playlists(catalog: Catalog, lists: dict[str, list[str]]) -> Playlists:
    index = catalog.track_index_of
    return Playlists(
        pa.array(list(lists), pa.string()),
        pa.array([f"{name}!" for name in lists], pa.string()),
        np.ones(len(lists), dtype=bool),
        TrackLists.from_lists([[index[track] for track in held] for held in lists.values()]),
    )


def content(playlists: Playlists, catalog: Catalog) -> dict[str, list[str]]:
    ids = catalog.track_ids.to_pylist()
    return {
        name: [ids[track] for track in playlists.tracks[row]]
        for row, name in enumerate(playlists.ids.to_pylist())
    }


@pytest.fixture
def bundle() -> Bundle:
    """Tracks a to d; artist X made a and b on album P, Y made c, nobody known made d."""
    catalog = make_catalog(
        {"a": ("X", "P"), "b": ("X", "P"), "c": ("Y", "Q"), "d": (None, None)}
    )
    return Bundle(
        catalog=catalog,
        track_vectors=np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0]], dtype=np.float32),
        artist_vectors=np.array([[0, 1, 0], [0, 0, 1]], dtype=np.float32),
        query_weight=np.array([1, 0.5, 2, 0.25], dtype=np.float32),
        popularity=np.array([2, 1, 1, 8], dtype=np.int64),
        playlists=make_playlists(catalog, {"1": ["a", "b"], "2": ["d", "c"], "3": ["d"]}),
        config={"model": "lightgcn"},
        metrics={"test": {"values": {"recall@20": 0.25}}},
        split={"recipe": {"kind": "random"}},
        graph_fingerprint="0123",
        history=[{"epoch": 1}],
        measured=MeasuredVectors(np.ones((4, 3), np.float32), np.ones(4, np.float32)),
    )


@pytest.fixture
def arriving() -> tuple[Playlists, Catalog]:
    """Six new tracks, t and u of known artists, v by an unknown one, w and z with nothing."""
    catalog = make_catalog(
        {
            "d": ("Z", "R"),  # the bundle knows of no artist, and that stays
            "t": ("X", "P"),
            "u": ("Y", "S"),
            "v": ("Z", None),
            "a": ("X", "P"),
            "w": ("W", "R"),
            "z": (None, None),
            "y": ("Z", None),
            "b": ("X", "P"),
            "c": ("Y", "Q"),
        }
    )
    lists = {
        "7": ["d", "t", "v"],
        "1": ["a", "b", "t", "z"],
        "8": ["w", "z"],
        "9": ["u"],
        "2": ["d", "c"],
        "10": ["v", "a", "y"],
    }
    # z stands beside known tracks in playlist 1 alone; without it, it has nothing.
    lists["1"].remove("z")
    return make_playlists(catalog, lists), catalog


def vector_of(bundle: Bundle, track: str) -> np.ndarray:
    return bundle.track_vectors[bundle.catalog.track_index_of[track]]


def made_unit(*vectors: list[float]) -> np.ndarray:
    total = np.sum([np.array(v) / np.linalg.norm(v) for v in vectors], axis=0)
    return total / np.linalg.norm(total)


def test_what_the_bundle_had_stays_to_the_bit(bundle, arriving):
    updated, _ = update(bundle, *arriving)
    np.testing.assert_array_equal(updated.track_vectors[:4], bundle.track_vectors)
    np.testing.assert_array_equal(updated.artist_vectors[:2], bundle.artist_vectors)
    np.testing.assert_array_equal(updated.query_weight[:4], bundle.query_weight)
    catalog = updated.catalog
    assert catalog.track_ids.to_pylist()[:4] == ["a", "b", "c", "d"]
    assert catalog.track_artist[:4].tolist() == [0, 0, 1, -1]
    assert catalog.track_album[:4].tolist() == [0, 0, 1, -1]
    assert (updated.split, updated.graph_fingerprint, updated.history) == (
        bundle.split,
        "0123",
        bundle.history,
    )
    assert updated.metrics == {"test": {"values": {"recall@20": 0.25}}, "before_update": True}
    assert updated.measured is None


def test_new_tracks_by_hand(bundle, arriving):
    updated, report = update(bundle, *arriving, weights=EQUAL)
    assert updated.catalog.track_ids.to_pylist()[4:] == ["t", "u", "v", "y"]
    # a and b are its artist's and its album's tracks; it stands beside d, and beside a and b,
    # which weigh 1 and 0.5.
    playlists = made_unit([-1, 0, 0], [1, 0.5, 0])
    np.testing.assert_allclose(
        vector_of(updated, "t"), made_unit([1, 1, 0], [1, 1, 0], playlists), atol=1e-6
    )
    # Its playlist holds nothing but itself, its album is new.
    np.testing.assert_allclose(vector_of(updated, "u"), [0, 0, 1], atol=1e-6)
    # Beside d, and beside a: they cancel out, so it must be a third thing that tells.
    assert report.left_out == (("w", "W"), ("z", "Z"))
    assert report.placed_by == {"artist": 1, "playlists": 1, "artist, album, playlists": 1}


def test_new_artists_and_albums_get_vectors(bundle, arriving):
    albums = replace(bundle, album_vectors=bundle.artist_vectors)
    updated, report = update(albums, *arriving, weights=EQUAL)
    catalog = updated.catalog
    assert catalog.artist_ids.to_pylist() == ["X", "Y", "Z"]
    assert catalog.artist_names.to_pylist() == ["X", "Y", "Z"]
    assert catalog.album_ids.to_pylist() == ["P", "Q", "S"]
    np.testing.assert_allclose(updated.artist_vectors[2], vector_of(updated, "y"), atol=1e-6)
    np.testing.assert_allclose(updated.album_vectors[2], vector_of(updated, "u"), atol=1e-6)
    assert (report.num_tracks, report.num_artists, report.num_albums) == (4, 1, 1)
    assert update(bundle, *arriving)[0].album_vectors is None
