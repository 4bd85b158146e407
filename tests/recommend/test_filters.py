"""What may stand in a list: all filters against a naive walk down the whole ranking."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.data.relations import Nodes, Relation
from segue.errors import InputError
from segue.recommend import ranking
from segue.recommend.filters import Filters
from segue.recommend.recommender import Recommender


@pytest.fixture(scope="module")
def recommender(planted_bundle) -> Recommender:
    rng = np.random.default_rng(8)
    catalog = planted_bundle.catalog
    vectors = rng.normal(size=(catalog.num_tracks + len(catalog.artists), 6))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    # Every second track is a version of the one before it, where both are by one artist or not.
    names = [f"Song {t // 2}" + " - Live" * (t % 2) for t in range(catalog.num_tracks)]
    artist = catalog.main_artist.copy()
    artist[1::4] = artist[0::4]
    artist[-3:] = -1
    return Recommender(
        replace(
            planted_bundle,
            catalog=catalog.with_nodes(
                "track", Nodes(catalog.track_ids, pa.array(names))
            ).with_relation(Relation.single("by", "track", "artist", artist, len(catalog.artists))),
            vectors={
                "track": vectors[: catalog.num_tracks],
                "artist": vectors[catalog.num_tracks :],
            },
            query_weight=np.ones(catalog.num_tracks, dtype=np.float32),
        )
    )


def naive(recommender: Recommender, query: list[int], n: int, filters: Filters) -> list[int]:
    """One walk down the whole ranking, with the rules written out."""
    catalog, first_stage = recommender.bundle.catalog, recommender.stages.first
    vectors = first_stage.centroid.track_vectors
    centre = vectors[query].sum(axis=0)
    prior = 2 ** (-len(query) / 3.5) * 0.1 * first_stage.popularity.log_popularity
    scores = vectors @ (centre / np.linalg.norm(centre)) + prior
    listed: list[int] = []
    for track in np.argsort(-scores, kind="stable").tolist():
        artist, album = int(catalog.main_artist[track]), int(catalog.main_album[track])
        track_id, artist_id = f"segue:track:{track}", f"segue:artist:{artist}"
        num_by = sum(catalog.main_artist[t] == artist >= 0 for t in listed)
        num_on = sum(catalog.main_album[t] == album >= 0 for t in listed)
        song = str(catalog.track_names[track]).removesuffix(" - Live")
        others = [t for t in query + listed if catalog.main_artist[t] == artist >= 0]
        songs = [str(catalog.track_names[t]).removesuffix(" - Live") for t in others]
        if (
            track in query
            or track_id in filters.exclude_tracks
            or artist_id in filters.exclude_artists
            or (filters.only_tracks is not None and track_id not in filters.only_tracks)
            or (filters.only_artists is not None and artist_id not in filters.only_artists)
            or num_by >= (filters.max_per_artist or 999)
            or num_on >= (filters.max_per_album or 999)
            or (not filters.other_versions and song in songs)
        ):
            continue
        listed.append(track)
    return listed[:n]


tracks = st.lists(st.integers(0, 159).map("segue:track:{}".format), max_size=40)
artists = st.lists(st.integers(0, 19).map("segue:artist:{}".format), max_size=15)
filters = st.builds(
    Filters,
    exclude_tracks=tracks,
    exclude_artists=artists,
    only_tracks=st.none() | tracks,
    only_artists=st.none() | artists,
    max_per_artist=st.none() | st.integers(1, 3),
    max_per_album=st.none() | st.integers(1, 2),
    other_versions=st.booleans(),
)


@settings(max_examples=150)
@given(
    query=st.lists(st.integers(0, 159), min_size=1, max_size=6, unique=True),
    n=st.integers(1, 60),
    chosen=filters,
    pool=st.sampled_from([1, 10]),
)
def test_as_a_walk_down_the_whole_ranking(recommender, query, n, chosen, pool):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_POOL", pool)
        patch.setattr(ranking, "_LEAST_POOL", pool)
        found = recommender.vibe([f"segue:track:{t}" for t in query], n, filters=chosen)
    rows = [recommender.bundle.catalog.tracks.index_of[track.track_id] for track in found.tracks]
    assert rows == naive(recommender, query, n, chosen)


@pytest.mark.parametrize("name", ["max_per_artist", "max_per_album"])
def test_a_limit_of_nothing_is_refused(name):
    with pytest.raises(InputError, match=f"{name} is 0, expected at least 1"):
        Filters(**{name: 0})


@pytest.mark.parametrize("limit", ["a", 1.5, True])
def test_a_limit_that_is_no_number_is_refused(limit):
    with pytest.raises(InputError, match=r"max_per_artist is .*, expected a whole number"):
        Filters(max_per_artist=limit)


@pytest.fixture(scope="module")
def with_equals(recommender) -> Recommender:
    """Tracks 4k and 4k + 1 are one song under two ids: another case, the same artist."""
    catalog = recommender.bundle.catalog
    names = [f"Song {t // 4 * 4 if t % 4 < 2 else t}{'!' * (t % 2)}" for t in range(160)]
    names = [name.upper() if t % 2 else name for t, name in enumerate(names)]
    catalog = catalog.with_nodes("track", Nodes(catalog.track_ids, pa.array(names)))
    return Recommender(replace(recommender.bundle, catalog=catalog))


def test_an_artist_may_have_several_ids(with_equals):
    catalog = with_equals.bundle.catalog
    names = catalog.artists.names.to_pylist()
    ours, other = int(catalog.main_artist[0]), int(catalog.main_artist[2])
    assert ours != other
    names[other] = names[ours].upper()
    titles = catalog.track_names.to_pylist()
    titles[2] = titles[0]
    catalog = catalog.with_nodes("artist", Nodes(catalog.artists.ids, pa.array(names)))
    catalog = catalog.with_nodes("track", Nodes(catalog.track_ids, pa.array(titles)))
    both = Recommender(replace(with_equals.bundle, catalog=catalog))
    found = both.vibe(["segue:track:0"], 160).tracks
    assert "segue:track:2" not in [track.track_id for track in found]


def songs_in(found) -> list[tuple[str, str]]:
    return [(t.artist_name, t.track_name.lower().rstrip("!")) for t in found.tracks]


@pytest.mark.parametrize("chosen", [{}, {"max_per_artist": 2}, {"other_versions": False}])
@pytest.mark.parametrize("n", [1, 10, 60, 150])
def test_a_list_has_no_song_twice_and_none_of_the_query(with_equals, chosen, n):
    found = with_equals.vibe(["segue:track:0"], n, filters=Filters(**chosen))
    songs = [song for song in songs_in(found) if song[0]]
    assert len(set(songs)) == len(songs)
    assert "segue:track:1" not in [track.track_id for track in found.tracks]
    if not chosen:
        every = with_equals.vibe(["segue:track:0"], 160, filters=Filters(equal_songs=True))
        assert "segue:track:1" in [track.track_id for track in every.tracks]
        firsts = dict.fromkeys(
            song if song[0] else track.track_id
            for song, track in zip(songs_in(every), every.tracks, strict=True)
            if track.track_id != "segue:track:1"
        )
        assert len(found.tracks) == min(n, len(firsts))
        kept = [track.track_id for track in found.tracks]
        assert kept == [t.track_id for t in every.tracks if t.track_id in kept]


def test_a_playlist_has_equals_hidden_and_batches_do_not(with_equals):
    row = 7
    listed = with_equals.complete(str(with_equals.playlists.ids[row].as_py()), 160)
    everything, _ = with_equals.recommend(np.array([row]), n=160)
    assert len(listed.tracks) < (everything[0] >= 0).sum()
