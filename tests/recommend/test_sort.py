"""Sorting songs into somebody's playlists: the right one, none, and how sure."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import segue
from segue.data.playlists import TrackLists
from segue.data.relations import Nodes
from segue.errors import InputError, NameLookupError
from segue.recommend.placing import Placing
from segue.recommend.recommender import Recommender
from segue.scoring.centroid import unit_rows
from segue.scoring.query import Query


@pytest.fixture(scope="module")
def communities(communities_bundle) -> Recommender:
    return Recommender(communities_bundle)


# Tracks 0 to 39 are of one community, 40 to 79 of the next, and so on.
MINE = {
    "zero": [f"segue:track:{t}" for t in range(12)],
    "one": [f"segue:track:{t}" for t in range(40, 55)],
    "two": [f"segue:track:{t}" for t in range(80, 88)],
}


def test_a_song_goes_where_its_community_is(communities):
    songs = [f"segue:track:{t}" for t in (20, 70, 95)]
    found = communities.sort(songs, into=MINE)
    assert [song.track_id for song in found.songs] == songs
    assert [song.best for song in found.songs] == ["zero", "one", "two"]
    assert found.additions == {song.best: (song,) for song in found.songs}
    assert found.own.num_songs == 35
    assert found.own.share_right > 0.9


def test_none_fits_is_an_answer(communities):
    stranger = communities.sort(["segue:track:130"], into=MINE).songs[0]
    assert stranger.best is None
    assert stranger.none_fits > 0.5
    assert len(stranger.placements) == 3, "what comes nearest is listed nevertheless"


def test_confidences_are_probabilities(communities):
    songs = [f"segue:track:{t}" for t in range(0, 160, 7)]
    for song in communities.sort(songs, into=MINE, n=3).songs:
        confidences = [placement.confidence for placement in song.placements]
        assert confidences == sorted(confidences, reverse=True)
        assert sum(confidences) + song.none_fits == pytest.approx(1)


def test_confidence_is_as_often_right_as_it_says(communities, planted_graph):
    """Songs of playlists left out of them, half of the time with their playlist taken away."""
    first, lists = communities.stages.first, planted_graph.playlists.tracks
    rng, said, right = np.random.default_rng(0), [], []
    for _ in range(40):
        own = lists.rows(rng.choice(len(lists), 4, replace=False))
        keep = rng.random(own.num_pairs) < 0.7
        keep[own.offsets[:-1]] = True
        given, left = own.keep(keep), own.keep(~keep)
        placing = Placing(first, Query(given))
        likely, none = placing.probabilities(left.track_index.astype(np.int64))
        for row, song in zip(left.list_index(), range(left.num_pairs), strict=True):
            gone = likely[song].copy()
            gone[row] = 0
            total = gone.sum() + none[song]
            for of, answer in ((likely[song], row), (gone / total, 4)):
                odds = np.append(of, none[song] if answer == row else none[song] / total)
                said.append(odds.max())
                right.append(odds.argmax() == answer)
    said, right = np.array(said), np.array(right)
    # Community by community the playlists are alike, so songs are often hard to place.
    assert abs(said.mean() - right.mean()) < 0.08
    assert right[said > 0.8].mean() > right[said < 0.5].mean() + 0.2


def test_reasons_are_parts_of_the_score(communities):
    song = communities.sort(["segue:track:20"], into=MINE, n=1).songs[0]
    (best,) = song.placements
    parts = sum(reason.part for reason in best.because) + best.rest
    assert parts == pytest.approx(best.score, abs=1e-6)
    assert {reason.id for reason in best.because} <= set(MINE["zero"])
    query = TrackLists.from_lists([list(range(12))])
    assert best.score == pytest.approx(communities.stages.first.scores(query)[0, 20], abs=1e-5)


def test_the_words_of_a_title_count_and_are_reasons(communities_bundle):
    """Two playlists of a single song that says nothing, but their titles do."""
    words = pa.array(["zero", "one"])
    vectors = communities_bundle.track_vectors
    of_words = unit_rows(np.stack([vectors[:40].sum(axis=0), vectors[40:80].sum(axis=0)]))
    bundle = replace(
        communities_bundle,
        catalog=communities_bundle.catalog.with_nodes("word", Nodes(words, words)),
        playlists=None,
        vectors={**communities_bundle.vectors, "word": of_words},
        word_weight=np.ones(2, dtype=np.float32),
        title_growth=np.zeros(1, dtype=np.float32),
    )
    into = {"zero": ["segue:track:130"], "one": ["segue:track:131"]}
    found = Recommender(bundle).sort(["segue:track:20", "segue:track:60"], into=into)
    assert [song.placements[0].title for song in found.songs] == ["zero", "one"]
    for song in found.songs:
        best = song.placements[0]
        assert (best.because[0].kind, best.because[0].name) == ("word", best.title)
        assert sum(r.part for r in best.because) + best.rest == pytest.approx(best.score, abs=1e-6)


def test_a_song_that_is_in_a_playlist_is_said_to_be(communities):
    (song,) = communities.sort(["segue:track:3"], into=MINE).songs
    assert song.already_in == ("zero",)
    assert "zero" not in [placement.title for placement in song.placements]
    assert song.best is None
    found = communities.sort(["segue:track:3"], into=MINE | {"more": MINE["zero"][4:]})
    assert found.songs[0].best == "more"
    assert found.additions == {}, "it has a place"
    assert "already in" in str(found)


def test_playlists_of_the_bundle_and_collections(communities):
    playlists = communities.playlists
    by_id = communities.sort(["segue:track:20"], into=["3", 10])
    assert [into.title for into in by_id.playlists] == ["community 3", "community 2"]
    assert by_id.playlists[0].num_songs == len(playlists.tracks[3])
    collection = segue.read(MINE)
    assert communities.sort(["segue:track:20"], collection).songs[0].best == "zero"
    liked = segue.read([["segue:track:70", "segue:track:20"]])
    songs = communities.sort(liked, into=MINE).songs
    assert [song.best for song in songs] == ["one", "zero"]


def test_what_is_not_known_is_named(communities):
    found = communities.sort(
        ["segue:track:20", "nothing like it"], into=MINE | {"new": ["unheard"]}
    )
    assert found.missing == ("nothing like it",)
    assert (found.playlists[3].num_songs, found.playlists[3].num_found) == (1, 0)
    assert len(found.songs) == 1
    placed = [placement.title for placement in found.songs[0].placements]
    assert "new" not in placed, "nothing is known of it"


def test_all_unknown_and_nothing_to_sort(communities):
    for songs in (["unheard", "unseen"], []):
        found = communities.sort(songs, into=MINE)
        assert (found.songs, found.additions) == ((), {})
        assert found.missing == tuple(songs)
        json.dumps(found.to_json(), allow_nan=False)
        assert "0 songs" in str(found)


def test_empty_and_single_playlists(communities):
    nothing = communities.sort(["segue:track:20"], into={"empty": []})
    assert nothing.songs[0].placements == ()
    assert nothing.songs[0].none_fits == 1
    assert nothing.own.num_songs == 0
    one = communities.sort(["segue:track:20", "segue:track:130"], into={"zero": MINE["zero"]})
    assert [song.best is None for song in one.songs] == [False, True]
    lone = communities.sort(["segue:track:20"], into={"lone": ["segue:track:1"]})
    assert 0 < lone.songs[0].placements[0].confidence < 1


def test_repeated_songs_are_sorted_once(communities):
    asked = ["unheard", "Track 20", "segue:track:20", "segue:track:70"]
    found = communities.sort(asked, into=MINE)
    assert [(song.place, song.asked) for song in found.songs] == [(2, asked[1]), (4, asked[3])]


def test_sorting_twice_is_the_same(communities):
    songs = [f"segue:track:{t}" for t in range(160)]
    assert communities.sort(songs, into=MINE) == communities.sort(songs, into=MINE)


def test_what_cannot_be_sorted_into_is_refused(communities):
    for into, says in (
        ("3", "a str is not playlists"),
        ({}, "no playlists, expected at least one"),
        (7, "a int is not playlists"),
    ):
        with pytest.raises(InputError, match=says):
            communities.sort(["segue:track:1"], into=into)
    with pytest.raises(NameLookupError):
        communities.sort(["segue:track:1"], into=["no such playlist"])
    with pytest.raises(InputError, match="at least 1"):
        communities.sort(["segue:track:1"], into=MINE, n=0)


def test_programs_read_the_best_playlist_of_each(communities):
    content = communities.sort(["segue:track:20", "segue:track:130"], into=MINE).to_json()
    assert [song["best"] for song in content["songs"]] == ["zero", None]
    assert content["songs"][0]["placements"][0]["because"][0]["kind"] == "track"


def test_thousands_of_songs_into_hundreds_of_playlists(communities):
    bundle = communities.bundle
    several = Recommender(replace(bundle, playlists=None))
    into = {str(at): [f"segue:track:{(at * 7 + t) % 160}" for t in range(20)] for at in range(200)}
    found = several.sort(bundle.catalog, into=into, n=2)
    assert len(found.songs) == 160
    assert all(len(song.placements) == 2 for song in found.songs)
