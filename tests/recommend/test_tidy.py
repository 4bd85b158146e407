"""A playlist looked through: nothing is changed, everything is proposed."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import segue
from segue.data.relations import Nodes
from segue.errors import InputError, NameLookupError
from segue.recommend.recommender import Recommender
from segue.scoring.centroid import unit_rows


@pytest.fixture(scope="module")
def communities(communities_bundle) -> Recommender:
    return Recommender(communities_bundle)


def ids(tracks) -> list[str]:
    return [f"segue:track:{track}" for track in tracks]


def test_planted_songs_are_found_and_hardly_any_other(communities):
    rng = np.random.default_rng(4)
    hits = planted = alarms = others = 0
    for community in range(4):
        own = rng.choice(np.arange(40) + 40 * community, 20, replace=False)
        strange = rng.choice(np.setdiff1d(np.arange(160), np.arange(40) + 40 * community), 2)
        found = communities.tidy(ids(np.append(own, strange)))
        places = {outlier.place for outlier in found.outliers}
        hits += len(places & {21, 22})
        alarms += len(places - {21, 22})
        planted, others = planted + 2, others + 20
    assert hits / planted > 0.85
    assert alarms / others <= 0.02


def test_a_song_scores_what_the_others_give_it(communities):
    tracks = [*range(8), 130]
    (outlier,) = communities.tidy(ids(tracks)).outliers
    assert outlier.place == 9
    expected = communities.stages.first.scores(segue_lists(tracks[:8]))[0, 130]
    assert outlier.score == pytest.approx(expected, abs=1e-5)


def test_matches_are_taken_as_they_are(communities, small_bundle):
    songs = [*ids([3, 130, 3]), "no such song"]
    matches = communities.match(songs)
    assert communities.match(matches) is matches
    assert communities.tidy(matches).to_json() == communities.tidy(songs).to_json()
    others = Recommender(small_bundle)
    with pytest.raises(InputError, match="matched with another bundle, match them again"):
        others.tidy(matches)


def segue_lists(tracks):
    from segue.data.playlists import TrackLists

    return TrackLists.from_lists([list(tracks)])


def test_two_communities_are_two_parts(communities):
    rng = np.random.default_rng(6)
    tracks = rng.permutation([*range(20), *range(120, 135)])
    report = communities.tidy(ids(tracks))
    assert len(report.parts) == 2
    for part in report.parts:
        assert len({int(tracks[place - 1]) // 40 for place in part.places}) == 1
        assert len(part.artists) == len(part.typical) == 3
    assert report.parts[0].places[0] == 1
    assert len({part.title for part in report.parts}) == 2
    assert [len(songs) for _, songs in report.split()] == [len(p.places) for p in report.parts]
    assert len(communities.tidy(ids(tracks), parts=3).parts) == 3
    assert len(communities.tidy(ids(range(40))).parts) == 1


def test_parts_are_called_what_segue_title_suggests(communities_bundle):
    names = pa.array(["calm", "loud"])
    vectors = communities_bundle.track_vectors
    of_words = unit_rows(np.stack([vectors[:40].sum(axis=0), vectors[120:].sum(axis=0)]))
    bundle = replace(
        communities_bundle,
        catalog=communities_bundle.catalog.with_nodes("word", Nodes(names, names)),
        playlists=None,
        vectors={**communities_bundle.vectors, "word": of_words},
        word_weight=np.ones(2, dtype=np.float32),
        title_growth=np.zeros(1, dtype=np.float32),
    )
    report = Recommender(bundle).tidy(ids([*range(20), *range(120, 135)]))
    assert [part.title for part in report.parts] == ["calm", "loud"]


def test_the_proposed_order_is_better_than_given_and_random(communities):
    tracks = np.random.default_rng(8).permutation(160)[:50]
    report = communities.tidy(ids(tracks))
    scores = report.neighbours
    assert scores.proposed > max(scores.given, scores.random) + 0.2
    assert sorted(report.order) == list(range(1, 51))
    vectors = communities.bundle.track_vectors[[tracks[place - 1] for place in report.order]]
    mean = (vectors[:-1] * vectors[1:]).sum(axis=1).mean()
    assert scores.proposed == pytest.approx(mean, abs=1e-5)


def test_copies_and_other_versions(communities):
    catalog = communities.bundle.catalog
    names = catalog.track_names.to_pylist()
    # Of one artist: those five tracks apart.
    names[5], names[10] = f"{names[0]} - Remastered 2011", f"{names[0]} (Live)"
    nodes = Nodes(catalog.track_ids, pa.array(names))
    bundle = replace(communities.bundle, catalog=catalog.with_nodes("track", nodes))
    report = Recommender(bundle).tidy(ids([5, 0, 10, 0, 7]))
    kept = [song.place for song in report.tidied("dedupe")]
    assert len(kept) == 3
    assert 3 in kept
    assert [song.place for song in report.tidied("dedupe", "versions")] == [
        place for place in kept if place != 3
    ]


def test_what_the_bundle_does_not_know_stays_where_it_was(communities):
    songs = ["unknown first", *ids([3, 50]), "unknown later", *ids([4])]
    report = communities.tidy(songs)
    assert report.missing == ("unknown first", "unknown later")
    after = [song.asked for song in report.tidied("order", "outliers", "dedupe", "versions")]
    assert after[0] == "unknown first"
    if "segue:track:50" in after:
        assert after[after.index("segue:track:50") + 1] == "unknown later"
    assert [song.status for song in report.songs] == [
        "missing", "found", "found", "missing", "found",
    ]  # fmt: skip


def test_nothing_is_lost_unless_asked(communities):
    songs = [*ids([1, 90, 1]), "unheard", ("Nobody", "Nothing")]
    report = communities.tidy(songs)
    assert [song.place for song in report.tidied()] == [1, 2, 3, 4, 5]
    assert sorted(song.place for song in report.tidied("order")) == [1, 2, 3, 4, 5]
    assert [song.place for song in report.tidied("dedupe")] == [1, 2, 4, 5]
    assert sorted(p for part in report.parts for p in part.places) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("songs", [[], ["segue:track:1"], ["unheard"], ["unheard", "unheard"]])
def test_lists_with_little_to_say(communities, songs):
    report = communities.tidy(songs)
    assert report.outliers == ()
    assert len(report.order) == len(songs)
    assert report.neighbours.proposed == 0
    assert len(report.duplicates) == len(songs) - len(set(songs))
    json.dumps(report.to_json(), allow_nan=False)
    assert str(report)


def test_only_copies(communities):
    report = communities.tidy(["segue:track:1"] * 30)
    assert len(report.duplicates) == 29
    assert len(report.tidied("dedupe")) == 1
    assert report.outliers == ()
    assert [len(part.places) for part in report.parts] == [30]


def test_a_playlist_of_the_bundle_and_a_collection(communities):
    own = communities.playlists.tracks[3]
    report = communities.tidy(playlist="3")
    assert report.title == "community 3"
    assert [song.track_id for song in report.songs] == ids(own)
    read = segue.read({"mine": ids(own)})
    assert communities.tidy(read).songs == report.songs
    assert communities.tidy(read).title == "mine"
    with pytest.raises(InputError, match="there are 2 playlists, expected one"):
        communities.tidy(segue.read([ids([1, 2]), ids([3])]))


def test_tidying_twice_is_the_same(communities):
    songs = ids(np.random.default_rng(1).permutation(160)[:70])
    assert communities.tidy(songs) == communities.tidy(songs)


def test_what_cannot_be_done_is_refused(communities):
    with pytest.raises(InputError, match="either songs or the id"):
        communities.tidy()
    with pytest.raises(InputError, match="either songs or the id"):
        communities.tidy(["segue:track:1"], playlist="3")
    with pytest.raises(InputError, match="number of parts must be at least 1"):
        communities.tidy(["segue:track:1"], parts=0)
    with pytest.raises(NameLookupError):
        communities.tidy(playlist="no such playlist")
    with pytest.raises(InputError, match="'sort' is not a step, expected one of dedupe"):
        communities.tidy(["segue:track:1"]).tidied("sort")
