"""New music joins a bundle: what stays, what comes, what is left out, and what it then answers."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from segue.bundle import Bundle, MeasuredVectors
from segue.data.collect import Collector
from segue.data.collection import Collection
from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.data.reading import read
from segue.data.records import Playlist, Track
from segue.data.relations import Nodes, Relation
from segue.recommend.recommender import Recommender
from segue.scoring.wide import WidePart
from segue.updating.mix import MixWeights
from segue.updating.update import update

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
    return Catalog.of_columns(*every, column(artists, 0), column(albums, 1))


def make_playlists(catalog: Catalog, lists: dict[str, list[str]]) -> Playlists:
    index = catalog.tracks.index_of
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
    catalog = make_catalog({"a": ("X", "P"), "b": ("X", "P"), "c": ("Y", "Q"), "d": (None, None)})
    return Bundle(
        catalog=catalog,
        vectors={
            "track": np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0]], dtype=np.float32),
            "artist": np.array([[0, 1, 0], [0, 0, 1]], dtype=np.float32),
        },
        query_weight=np.array([1, 0.5, 2, 0.25], dtype=np.float32),
        popularity=np.array([2, 1, 1, 8], dtype=np.int64),
        playlists=make_playlists(catalog, {"1": ["a", "b"], "2": ["d", "c"], "3": ["d"]}),
        config={"model": "lightgcn"},
        metrics={"test": {"values": {"recall@20": 0.25}}},
        split={"recipe": {"kind": "random"}},
        graph_fingerprint="0123",
        history=[{"epoch": 1}],
        measured=MeasuredVectors(
            np.ones((4, 3), np.float32), np.ones(4, np.float32), np.ones(4, np.int64)
        ),
    )


@pytest.fixture
def arriving() -> tuple[Playlists, Catalog]:
    """New: t and u by artists that are known, v and y by one that is not, w and z with nothing."""
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
        "1": ["a", "b", "t"],
        "8": ["w", "z"],
        "9": ["u"],
        "2": ["d", "c"],
        "10": ["a", "b", "y"],
    }
    return make_playlists(catalog, lists), catalog


def vector_of(bundle: Bundle, track: str) -> np.ndarray:
    return bundle.track_vectors[bundle.catalog.tracks.index_of[track]]


def made_unit(*vectors: list[float]) -> np.ndarray:
    total = np.sum([np.array(v) / np.linalg.norm(v) for v in vectors], axis=0)
    return total / np.linalg.norm(total)


def test_what_the_bundle_had_stays_to_the_bit(bundle, arriving):
    updated, _ = update(bundle, Collection(*arriving))
    np.testing.assert_array_equal(updated.track_vectors[:4], bundle.track_vectors)
    np.testing.assert_array_equal(updated.vectors["artist"][:2], bundle.vectors["artist"])
    np.testing.assert_array_equal(updated.query_weight[:4], bundle.query_weight)
    catalog = updated.catalog
    assert catalog.track_ids.to_pylist()[:4] == ["a", "b", "c", "d"]
    assert catalog.main_artist[:4].tolist() == [0, 0, 1, -1]
    assert catalog.main_album[:4].tolist() == [0, 0, 1, -1]
    assert (updated.split, updated.graph_fingerprint, updated.history) == (
        bundle.split,
        "0123",
        bundle.history,
    )
    assert updated.metrics == {"test": {"values": {"recall@20": 0.25}}, "before_update": True}
    assert updated.measured is None
    assert not updated.half
    assert update(replace(bundle, half=True), Collection(*arriving))[0].half


def test_the_wide_part_and_the_second_stage_come_along(bundle, arriving):
    """Of the new tracks the wide part knows nothing; the vectors say where they belong."""
    weights = np.array([[0, 1, 0, 2], [3, 0, 0, 0], [0, 0, 0, 0], [0, 0.5, 0, 0]], dtype=np.float32)
    whole = replace(
        bundle,
        terms={"wide": WidePart.from_matrix(csr_array(weights)).arrays()},
        second_stage="trees",
    )
    updated, _ = update(whole, Collection(*arriving))
    assert updated.second_stage == "trees"
    found = WidePart(**updated.terms["wide"]).matrix.toarray()
    assert found.shape == (8, 8)
    np.testing.assert_array_equal(found[:4, :4], weights)
    assert np.count_nonzero(found) == np.count_nonzero(weights)
    assert updated.measured is None


def test_new_tracks_by_hand(bundle, arriving):
    updated, report = update(bundle, Collection(*arriving), weights=EQUAL)
    assert updated.catalog.track_ids.to_pylist()[4:] == ["t", "u", "v", "y"]
    # a and b are its artist's and its album's tracks; it stands beside d, and beside a and b,
    # which weigh 1 and 0.5.
    playlists = made_unit([-1, 0, 0], [1, 0.5, 0])
    np.testing.assert_allclose(
        vector_of(updated, "t"), made_unit([1, 1, 0], [1, 1, 0], playlists), atol=1e-6
    )
    # Its playlist holds nothing but itself, its album is new.
    np.testing.assert_allclose(vector_of(updated, "u"), [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(vector_of(updated, "v"), [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(vector_of(updated, "y"), made_unit([1, 0.5, 0]), atol=1e-6)
    assert report.left_out == (("w", "W"), ("z", "Z"))
    assert report.placed_by == {"artist": 1, "playlists": 2, "artist, album, playlists": 1}


def test_new_artists_and_albums_get_vectors(bundle, arriving):
    albums = replace(bundle, vectors={**bundle.vectors, "album": bundle.vectors["artist"]})
    updated, report = update(albums, Collection(*arriving), weights=EQUAL)
    catalog = updated.catalog
    assert catalog.artists.ids.to_pylist() == ["X", "Y", "Z"]
    assert catalog.artists.names.to_pylist() == ["X", "Y", "Z"]
    assert catalog.albums.ids.to_pylist() == ["P", "Q", "S"]
    of_z = vector_of(updated, "v") + vector_of(updated, "y")
    np.testing.assert_allclose(updated.vectors["artist"][2], of_z / np.linalg.norm(of_z), atol=1e-6)
    np.testing.assert_allclose(updated.vectors["album"][2], vector_of(updated, "u"), atol=1e-6)
    assert (report.num_tracks, report.num_artists, report.num_albums) == (4, 1, 1)
    assert "album" not in update(bundle, Collection(*arriving))[0].vectors


def test_new_playlists_join_and_newer_states_replace(bundle, arriving):
    updated, report = update(bundle, Collection(*arriving))
    assert content(updated.playlists, updated.catalog) == {
        "1": ["a", "b", "t"],
        "2": ["d", "c"],
        "3": ["d"],
        "7": ["d", "t", "v"],
        "8": [],
        "9": ["u"],
        "10": ["a", "b", "y"],
    }
    assert updated.playlists.titles.to_pylist() == [f"{i}!" for i in (1, 2, 3, 7, 8, 9, 10)]
    assert (report.num_playlists, report.num_replaced, report.num_repeated) == (4, 1, 1)
    # d comes once more in 7, a and b in 10, t in 7 and 1; what was there already counts once.
    assert updated.popularity.tolist() == [3, 2, 1, 9, 2, 1, 1, 1]
    assert updated.popularity.dtype == np.int64


def test_a_shorter_newer_state_replaces_too(bundle):
    catalog = make_catalog({"b": ("X", "P"), "c": ("Y", "Q")})
    newer = make_playlists(catalog, {"1": ["b"], "2": ["c"]})
    updated, report = update(bundle, Collection(newer, catalog))
    assert content(updated.playlists, updated.catalog) == {"1": ["b"], "2": ["c"], "3": ["d"]}
    assert report.num_replaced == 2
    assert updated.popularity.tolist() == [1, 1, 1, 7]
    assert report.weights is None, "there is nothing to mix"
    np.testing.assert_array_equal(updated.track_vectors, bundle.track_vectors)


def test_the_same_again_changes_nothing(bundle, arriving):
    once, _ = update(bundle, Collection(*arriving))
    twice, report = update(once, Collection(*arriving))
    assert (report.num_tracks, report.num_playlists, report.num_replaced) == (0, 0, 0)
    assert report.num_repeated == 6
    assert [track for track, _ in report.left_out] == ["w", "z"]
    for name in ("query_weight", "popularity"):
        np.testing.assert_array_equal(getattr(once, name), getattr(twice, name))
    for kind in ("track", "artist"):
        np.testing.assert_array_equal(once.vectors[kind], twice.vectors[kind])
    assert content(twice.playlists, twice.catalog) == content(once.playlists, once.catalog)
    assert [entry["tracks"] for entry in twice.config["updates"]] == [4, 0]
    assert twice.config["model"] == "lightgcn"
    assert twice.config["updates"][0]["graph_fingerprint"] == "0123"


def test_a_track_that_was_left_out_comes_with_what_it_stands_beside(bundle, arriving):
    once, _ = update(bundle, Collection(*arriving))
    catalog = make_catalog({"z": (None, None), "c": ("Y", "Q")})
    later, report = update(once, Collection(make_playlists(catalog, {"20": ["c", "z"]}), catalog))
    assert report.left_out == ()
    np.testing.assert_allclose(vector_of(later, "z"), [0, 0, 1], atol=1e-6)


def test_a_bundle_without_playlists_stays_without(bundle, arriving):
    without = replace(bundle, playlists=None)
    updated, report = update(without, Collection(*arriving), weights=EQUAL)
    assert updated.playlists is None
    assert report.num_playlists == 6
    assert updated.popularity.tolist() == [4, 3, 2, 10, 2, 1, 1, 1]
    np.testing.assert_allclose(vector_of(updated, "v"), [-1, 0, 0], atol=1e-6)


def test_nothing_at_all(bundle):
    catalog = make_catalog({})
    updated, report = update(bundle, Collection(make_playlists(catalog, {}), catalog))
    assert (report.num_tracks, report.left_out, report.placed_by) == (0, (), {})
    np.testing.assert_array_equal(updated.popularity, bundle.popularity)


def test_the_query_weight_is_that_of_like_popularity(bundle):
    """Octaves [1, 2) and [2, 4) and [8, 16): of popularity 1 two tracks, of 2 and of 8 one each."""
    names = ["m", "n", "o", "p"]
    catalog = make_catalog({"d": (None, None)} | dict.fromkeys(names, ("X", None)))
    number = dict(zip(names, (1, 2, 4, 20), strict=True))
    lists = {f"new {i}": ["d", *(name for name in names if i < number[name])] for i in range(20)}
    updated, _ = update(bundle, Collection(make_playlists(catalog, lists), catalog))
    assert updated.popularity.tolist() == [2, 1, 1, 28, 1, 2, 4, 20]
    # 1.25 is the mean of 0.5 and 2; 4 is half-way from 2 to 8 by octaves.
    np.testing.assert_allclose(updated.query_weight[4:], [1.25, 1, 0.625, 0.25])
    # Of which half is known, counts by a quarter.
    half = replace(EQUAL, cosine=np.full((8, 5), 0.5, dtype=np.float32))
    updated, _ = update(bundle, Collection(make_playlists(catalog, lists), catalog), weights=half)
    np.testing.assert_allclose(updated.query_weight[4:] * 4, [1.25, 1, 0.625, 0.25])


def test_weights_that_are_given_are_used(bundle, arriving):
    updated, report = update(bundle, Collection(*arriving), weights=MixWeights.equal(["artist"]))
    np.testing.assert_allclose(vector_of(updated, "t"), made_unit([1, 1, 0]), atol=1e-6)
    assert [track for track, _ in report.left_out] == ["v", "w", "z", "y"]
    assert updated.catalog.track_ids.to_pylist()[4:] == ["t", "u"]
    assert content(updated.playlists, updated.catalog)["7"] == ["d", "t"]


def test_the_updated_bundle_is_whole_on_disk(bundle, arriving, tmp_path):
    updated, _ = update(bundle, Collection(*arriving))
    updated.save(tmp_path / "updated")
    loaded = Bundle.load(tmp_path / "updated")
    np.testing.assert_array_equal(loaded.track_vectors, updated.track_vectors)
    assert loaded.config == updated.config
    assert loaded.measured is None


def test_a_new_track_is_recommended_to_a_playlist_like_those_it_stands_in(planted_graph):
    """Twenty tracks of planted communities arrive; each is found by playlists of its own."""
    catalog, playlists = planted_graph.catalog, planted_graph.playlists
    new = np.arange(catalog.num_tracks) % 8 == 3
    rng = np.random.default_rng(3)
    # What a training would find: one direction a community, and something of each track's own.
    community = np.arange(catalog.num_tracks) // 40
    vectors = np.eye(4)[community] @ rng.normal(size=(4, 16)) + rng.normal(size=(160, 16)) * 0.3
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    old_catalog = catalog.keep_tracks(~new)
    row = np.cumsum(~new, dtype=np.int32) - 1
    tracks = playlists.tracks.keep(~new[playlists.tracks.track_index])
    old = Bundle(
        catalog=old_catalog,
        vectors={"track": vectors[~new], "artist": vectors[: len(old_catalog.artists)]},
        query_weight=np.ones(140, dtype=np.float32),
        popularity=np.ones(140, dtype=np.int64),
        playlists=playlists.with_tracks(TrackLists(tracks.offsets, row[tracks.track_index])),
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
    )
    updated, report = update(old, Collection(playlists, catalog))
    assert report.num_tracks == 20
    assert report.weights is not None
    assert report.weights.num_fitted.any()
    recommender = Recommender(updated)
    its_own = updated.catalog.tracks.index_of
    for track in np.flatnonzero(new):
        track_id = f"segue:track:{track}"
        # Three known tracks of its community that stand in one of its playlists.
        beside = next(
            [t for t in held if t // 40 == track // 40 and not new[t]][:3]
            for held in (playlists.tracks[p] for p in range(track // 40, 240, 4))
            if track in held
        )
        found = recommender.complete(tracks=[f"segue:track:{t}" for t in beside], n=159)
        rank = [t.track_id for t in found.tracks].index(track_id)
        assert rank < 40, f"{track_id} of community {track // 40}"
    # The cosine to what training knew of it is far above that to other communities.
    own = np.array([its_own[f"segue:track:{t}"] for t in np.flatnonzero(new)])
    cosine = (updated.track_vectors[own] * vectors[new]).sum(axis=1)
    assert cosine.min() > 0.5


def test_titles_are_read_with_the_words_that_the_bundle_knows(bundle, arriving):
    """New words are left out: nothing tells where they belong."""
    words = Nodes(*[pa.array(["road", "trip", "~<ro"])] * 2)
    playlists, catalog = arriving

    def titled(of: Playlists, lists: list[list[int]]) -> Playlists:
        rows = TrackLists.from_lists(lists)
        edges = (rows.offsets, rows.track_index, 3)
        return replace(of, relations={"word": Relation("titled", "playlist", "word", *edges)})

    vectors = {**bundle.vectors, "word": np.eye(3, dtype=np.float32)}
    known = replace(
        bundle,
        catalog=bundle.catalog.with_nodes("word", words),
        playlists=titled(bundle.playlists, [[0, 1]] * len(bundle.playlists)),
        vectors=vectors,
        word_weight=np.array([1, 2, 3], dtype=np.float32),
        title_growth=np.zeros(1, dtype=np.float32),
    )
    titles = pa.array(["Rome TRIP", *["new"] * (len(playlists) - 1)])
    updated, report = update(known, Collection(replace(playlists, titles=titles), catalog))
    relation, ids = updated.playlists.relations["word"], updated.playlists.ids.to_pylist()
    of = {an_id: relation[row].tolist() for row, an_id in enumerate(ids)}
    before, after = set(bundle.playlists.ids.to_pylist()), playlists.ids.to_pylist()
    read = {an_id: [] if row else [2, 1] for row, an_id in enumerate(after)}
    old = before.difference(after) | {an_id for an_id in after if of[an_id] != read[an_id]}
    assert all(of[an_id] == [0, 1] for an_id in old)
    assert len(before.difference(after)) > 0
    assert len(old & set(after)) == report.num_repeated == 1
    np.testing.assert_array_equal(updated.vectors["word"], vectors["word"])
    np.testing.assert_array_equal(updated.word_weight, known.word_weight)


def test_tracks_known_under_another_id_or_spelling_are_no_new_ones(planted_bundle):
    """As another service has them; a live recording is another track, and so is a namesake."""
    catalog = planted_bundle.catalog
    title = str(catalog.track_names[3])
    artist = str(catalog.artist_of(np.array([3], dtype=np.int32))[0])
    their_id = catalog.track_ids[3].as_py()
    coming = read(
        {
            "mine": [(artist.upper(), f"{title} - Remastered 2011"), (artist, title)],
            "too": [(artist, f"{title} (Live)"), ("Somebody Else", title), their_id],
        }
    )
    updated, report = update(planted_bundle, coming)
    assert report.num_matched == 2
    assert report.num_tracks == 2
    assert updated.catalog.num_tracks == catalog.num_tracks + 2
    held = content(updated.playlists, updated.catalog)
    assert held["mine"] == [their_id], "both are one track, which stands in the list once"
    assert held["too"][2:] == [their_id]
    assert updated.popularity[3] == planted_bundle.popularity[3] + 2


def test_a_track_known_by_its_isrc(planted_bundle):
    isrc = pa.array([["isrc:GBUM71029604"], *[[]] * 159], pa.list_(pa.string()))
    tracks = replace(planted_bundle.catalog.tracks, aliases=isrc)
    known = replace(planted_bundle, catalog=planted_bundle.catalog.with_nodes("track", tracks))
    new = Track("x", "As they call it", (("y", "Whoever"),), aliases=("isrc:GBUM71029604",))
    collector = Collector()
    collector.add_playlists("file", [("record", Playlist("mine", None, [new]))], print)
    updated, report = update(known, Collection(*collector.finish("known")))
    assert (report.num_matched, report.num_tracks) == (1, 0)
    assert content(updated.playlists, updated.catalog)["mine"] == ["segue:track:0"]
