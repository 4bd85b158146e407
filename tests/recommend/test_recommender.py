"""A bundle answers: completion, vibe checks, many playlists at once; all by one path."""

from dataclasses import replace

import numpy as np
import pytest

from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.errors import ArtefactError, InputError, NameLookupError
from segue.recommend import index
from segue.recommend.recommender import Recommendations, Recommender


def unit(rows: int, rng: np.random.Generator) -> np.ndarray:
    vectors = rng.normal(size=(rows, 8))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def bundle(planted_graph) -> Bundle:
    rng = np.random.default_rng(5)
    catalog = planted_graph.catalog
    return Bundle(
        catalog=catalog,
        track_vectors=unit(catalog.num_tracks, rng),
        artist_vectors=unit(catalog.num_artists, rng),
        query_weight=rng.uniform(0.1, 2, catalog.num_tracks).astype(np.float32),
        popularity=planted_graph.track_degree,
        playlists=planted_graph.playlists,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
    )


@pytest.fixture(scope="module")
def recommender(bundle) -> Recommender:
    return Recommender(bundle)


@pytest.fixture(scope="module")
def small(small_graph) -> Recommender:
    """Four playlists over six tracks, the third playlist empty."""
    rng = np.random.default_rng(6)
    return Recommender(
        Bundle(
            catalog=small_graph.catalog,
            track_vectors=unit(6, rng),
            artist_vectors=unit(3, rng),
            query_weight=np.ones(6, dtype=np.float32),
            popularity=np.array([3, 2, 2, 2, 1, 0], dtype=np.int64),
            playlists=small_graph.playlists,
            config={},
            metrics={},
            split={},
            graph_fingerprint="",
        )
    )


def ids(found: Recommendations) -> list[str]:
    return [track.track_id for track in found.tracks]


def all_ids(recommender: Recommender) -> list[str]:
    return recommender.bundle.catalog.track_ids.to_pylist()


def test_the_list_is_the_formula(recommender):
    """Against the house's formula, written out here once more."""
    bundle = recommender.bundle
    tracks = bundle.playlists.tracks[7]
    query = (bundle.query_weight[tracks, None] * bundle.track_vectors[tracks]).sum(axis=0)
    score = bundle.track_vectors @ (query / np.linalg.norm(query))
    score[tracks] = -np.inf
    expected = np.argsort(-score)[:15]
    found = recommender.complete("7", 15)
    assert ids(found) == [f"segue:track:{track}" for track in expected]
    assert [track.rank for track in found.tracks] == list(range(1, 16))
    np.testing.assert_allclose([t.score for t in found.tracks], score[expected], atol=1e-5)
    for track, row in zip(found.tracks, expected, strict=True):
        assert track.track_name == f"Track {row}"
        assert track.artist_name == f"Artist {bundle.catalog.track_artist[row]}"


def test_a_completion_never_holds_what_the_playlist_holds(recommender):
    playlists, catalog = recommender.bundle.playlists, recommender.bundle.catalog
    for row in range(0, len(playlists), 7):
        found = recommender.complete(str(playlists.ids[row]), 10_000)
        held = {str(catalog.track_ids[int(track)]) for track in playlists.tracks[row]}
        assert set(found.query) == held
        assert set(ids(found)) == set(all_ids(recommender)) - held, "all others, each once"
        assert len(found.tracks) == catalog.num_tracks - len(held)


def test_a_playlist_by_id_and_by_its_tracks_take_one_path(recommender):
    by_id = recommender.complete("11", 20)
    by_tracks = recommender.complete(list(by_id.query), 20)
    assert by_id.tracks == by_tracks.tracks
    assert by_id.query == by_tracks.query
    as_seeds = recommender.vibe(by_id.query, 20)
    assert as_seeds.tracks == by_id.tracks
    assert by_id.title == "To go on with playlist 11 (community 3)"


def test_the_order_of_the_tracks_does_not_matter(recommender):
    tracks = list(recommender.complete("3").query)
    assert ids(recommender.complete(tracks[::-1])) == ids(recommender.complete(tracks))


def test_reasons_are_parts_of_the_score(recommender):
    few = recommender.vibe(["Track 3", "Track 50", "Track 90"], 12)
    for track in few.tracks:
        assert {track_id for track_id, _, _ in track.because} == set(few.query)
        parts = [part for _, _, part in track.because]
        assert parts == sorted(parts, reverse=True)
        assert sum(parts) == pytest.approx(track.score, abs=1e-5)
    many = recommender.complete("3", 12)
    for track in many.tracks:
        assert len(track.because) == 3
        assert {track_id for track_id, _, _ in track.because} <= set(many.query)
        for track_id, name, _ in track.because:
            assert name == f"Track {track_id.rsplit(':', 1)[1]}"


def test_seeds_by_name_and_by_id_are_the_same(recommender):
    by_name = recommender.vibe(["track 3", "TRACK 50 - artist 5"], 9)
    by_id = recommender.vibe(["segue:track:3", "segue:track:50"], 9)
    assert by_name == by_id
    assert by_name.title == "Goes with Track 3 + Track 50"


def test_a_repeated_seed_counts_once(recommender):
    twice = recommender.vibe(["Track 3", "Track 50", "segue:track:3"], 9)
    assert twice == recommender.vibe(["Track 3", "Track 50"], 9)
    tracks = ["segue:track:3", "segue:track:50"]
    assert recommender.complete([*tracks, tracks[0]]) == recommender.complete(tracks)


def test_with_every_track_a_seed_nothing_is_left(small):
    tracks = all_ids(small)
    assert small.vibe(tracks).tracks == ()
    assert small.complete(tracks, 3).tracks == ()
    assert len(small.vibe(tracks[:-1], 3).tracks) == 1


@pytest.mark.parametrize("n", [0, -1])
def test_a_list_of_nothing_is_refused(recommender, n):
    for ask in (recommender.complete, lambda playlist, n: recommender.vibe([playlist], n)):
        with pytest.raises(InputError, match=f"at least 1, not {n}"):
            ask("5" if ask == recommender.complete else "Track 5", n)
    with pytest.raises(InputError, match=f"at least 1, not {n}"):
        recommender.recommend(TrackLists.from_lists([[1]]), n)


def test_an_empty_playlist_gets_the_most_popular(small):
    for asked in ([], "twelve"):
        found = small.complete(asked, 4)
        assert found.by_popularity
        assert found.query == ()
        assert ids(found) == [f"segue:track:{letter}" for letter in "abcd"], "ties by index"
        np.testing.assert_allclose([t.score for t in found.tracks], [0.3, 0.2, 0.2, 0.2])
        assert all(track.because == () for track in found.tracks)
    assert not small.complete("10").by_popularity


def test_a_vibe_check_wants_seeds(recommender):
    with pytest.raises(InputError, match="at least one seed song"):
        recommender.vibe([])


def test_what_is_not_there_is_named(recommender):
    with pytest.raises(NameLookupError, match=r"'999' is no playlist .* such as 0, 1, 2$"):
        recommender.complete("999")
    with pytest.raises(NameLookupError, match=r"'segue:track:999' is the id of no track"):
        recommender.complete(["segue:track:1", "segue:track:999"])
    with pytest.raises(NameLookupError, match=r"'Trakc 9' is no track of this bundle"):
        recommender.vibe(["Track 1", "Trakc 9"])


def test_without_playlists_only_tracks_can_be_asked_with(bundle, recommender):
    without = Recommender(replace(bundle, playlists=None))
    with pytest.raises(InputError, match="made without playlists"):
        without.complete("3")
    asked = list(recommender.complete("3").query)
    assert without.complete(asked).tracks == recommender.complete("3").tracks


@pytest.mark.parametrize("batch_bytes", [1, 4 * 160 * 7, 64 << 20])
def test_many_at_once_are_as_one_by_one(recommender, monkeypatch, batch_bytes):
    """Empty lists between others, whatever the size of a batch."""
    monkeypatch.setattr(index, "BATCH_BYTES", batch_bytes)
    catalog, playlists = recommender.bundle.catalog, recommender.bundle.playlists
    lists = [playlists.tracks[row].tolist() for row in range(30)]
    lists[4] = lists[29] = []
    lists[9] = list(range(catalog.num_tracks - 5))
    track_index, score = recommender.recommend(TrackLists.from_lists(lists), 12)
    assert track_index.shape == score.shape == (30, 12)
    for row, tracks in enumerate(lists):
        single = recommender.complete([str(catalog.track_ids[track]) for track in tracks], 12)
        length = len(single.tracks)
        assert [catalog.track_index_of[i] for i in ids(single)] == track_index[
            row, :length
        ].tolist()
        np.testing.assert_allclose([t.score for t in single.tracks], score[row, :length], atol=1e-6)
        assert (track_index[row, length:] == -1).all()
        assert np.isneginf(score[row, length:]).all()
    assert (track_index[9] >= 0).sum() == 5


def test_what_is_printed_for_programs(small):
    content = small.vibe(["Alpha", "六"], 2).to_json()
    assert content["query"] == ["segue:track:a", "segue:track:f"]
    assert content["by_popularity"] is False
    assert [track["rank"] for track in content["tracks"]] == [1, 2]
    first = content["tracks"][0]
    assert set(first) == {"rank", "track_id", "track_name", "artist_name", "score", "because"}
    assert set(first["because"][0]) == {"track_id", "track_name", "part"}
    assert isinstance(first["score"], float)


def test_load_says_what_is_no_bundle(tmp_path, bundle):
    with pytest.raises(ArtefactError, match="no such folder"):
        Recommender.load(tmp_path / "missing")
    bundle.save(tmp_path / "bundle")
    loaded = Recommender.load(str(tmp_path / "bundle"))
    assert loaded.complete("3") == Recommender(bundle).complete("3")
