"""A bundle answers: completion, vibe checks, many playlists at once; all by one path."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_array, csr_matrix

from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.data.relations import Nodes
from segue.errors import ArtefactError, InputError, NameLookupError
from segue.recommend import ranking
from segue.recommend.asked import asked_of_rows
from segue.recommend.details import Found
from segue.recommend.filters import Filters
from segue.recommend.lists import Recommendations
from segue.recommend.recommender import Recommender
from segue.scoring.query import FIT, NEXT


@pytest.fixture(scope="module")
def bundle(planted_bundle) -> Bundle:
    return planted_bundle


@pytest.fixture(scope="module")
def recommender(bundle) -> Recommender:
    """The order of playlists is not known, so a list of tracks and a playlist are the same."""
    playlists = replace(bundle.playlists, order_known=np.zeros(len(bundle.playlists), dtype=bool))
    return Recommender(replace(bundle, playlists=playlists))


@pytest.fixture(scope="module")
def small(small_bundle) -> Recommender:
    """Four playlists over six tracks, the third playlist empty."""
    return Recommender(
        replace(
            small_bundle,
            query_weight=np.ones(6, dtype=np.float32),
            popularity=np.array([3, 2, 2, 2, 1, 0], dtype=np.int64),
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
    fame = np.log1p(bundle.popularity)
    prior = 2 ** (-len(tracks) / 3.5) * 0.1 * (fame - fame.mean()) / fame.std()
    score = bundle.track_vectors @ (query / np.linalg.norm(query)) + prior
    score[tracks] = -np.inf
    expected = np.argsort(-score)[:15]
    found = recommender.complete("7", 15)
    assert ids(found) == [f"segue:track:{track}" for track in expected]
    assert [track.rank for track in found.tracks] == list(range(1, 16))
    np.testing.assert_allclose([t.score for t in found.tracks], score[expected], atol=1e-5)
    for track, row in zip(found.tracks, expected, strict=True):
        assert track.track_name == f"Track {row}"
        assert track.artist_id == f"segue:artist:{bundle.catalog.main_artist[row]}"
        assert track.artist_name == f"Artist {bundle.catalog.main_artist[row]}"


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
    by_tracks = recommender.complete(tracks=list(by_id.query), n=20)
    assert by_id.tracks == by_tracks.tracks
    assert by_id.query == by_tracks.query
    as_seeds = recommender.vibe(by_id.query, 20)
    assert as_seeds.tracks == by_id.tracks
    assert by_id.title == "Recommended for playlist 11 (community 3)"


def test_the_order_of_the_tracks_does_not_matter(recommender):
    tracks = list(recommender.complete("3").query)
    assert ids(recommender.complete(tracks=tracks[::-1])) == ids(
        recommender.complete(tracks=tracks)
    )


def test_reasons_are_parts_of_the_score(recommender):
    few = recommender.vibe(["Track 3", "Track 50"], 12)
    for track in few.tracks:
        assert {reason.id or reason.name for reason in track.because} == {*few.query, "popularity"}
        parts = [reason.part for reason in track.because]
        assert parts == sorted(parts, reverse=True)
        assert sum(parts) == pytest.approx(track.score, abs=1e-6)
        assert track.rest == 0
    many = recommender.complete("3", 12)
    for track in many.tracks:
        assert len(track.because) == 3
        assert {reason.id for reason in track.because} <= {*many.query, ""}
        for reason in track.because:
            name = f"Track {reason.id.rsplit(':', 1)[1]}" if reason.id else "popularity"
            assert (reason.kind, reason.name) == ("track" if reason.id else "popularity", name)
        parts = sum(reason.part for reason in track.because) + track.rest
        assert parts == pytest.approx(track.score, abs=1e-6)


def test_seeds_by_name_and_by_id_are_the_same(recommender):
    by_name = recommender.vibe(["track 3", "TRACK 50 - artist 5"], 9)
    by_id = recommender.vibe(["segue:track:3", "segue:track:50"], 9)
    assert by_name == by_id
    assert by_name.title == "Goes with Track 3 + Track 50"


def test_a_repeated_seed_counts_once(recommender):
    twice = recommender.vibe(["Track 3", "Track 50", "segue:track:3"], 9)
    assert twice == recommender.vibe(["Track 3", "Track 50"], 9)
    tracks = ["segue:track:3", "segue:track:50"]
    assert recommender.complete(tracks=[*tracks, tracks[0]]) == recommender.complete(tracks=tracks)


def test_with_every_track_a_seed_nothing_is_left(small):
    tracks = all_ids(small)
    assert small.vibe(tracks).tracks == ()
    assert small.complete(tracks=tracks, n=3).tracks == ()
    assert len(small.vibe(tracks[:-1], 3).tracks) == 1


@pytest.mark.parametrize("n", [0, -1])
def test_a_list_of_nothing_is_refused(recommender, n):
    for ask in (recommender.complete, lambda playlist, n: recommender.vibe([playlist], n)):
        with pytest.raises(InputError, match=f"at least 1, not {n}"):
            ask("5" if ask == recommender.complete else "Track 5", n)
    with pytest.raises(InputError, match=f"at least 1, not {n}"):
        recommender.rank(TrackLists.from_lists([[1]]), n)


def test_an_empty_playlist_gets_the_most_popular(small):
    for found in (small.complete(tracks=[], n=4), small.complete("twelve", 4)):
        assert found.by_popularity
        assert found.query == ()
        assert ids(found) == [f"segue:track:{letter}" for letter in "abcd"], "ties by index"
        np.testing.assert_allclose([t.score for t in found.tracks], [0.3, 0.2, 0.2, 0.2])
        for track in found.tracks:
            assert [(r.kind, r.part) for r in track.because] == [
                ("popularity", pytest.approx(track.score))
            ]
    for track in found.tracks:
        assert small.why(track.track_id, "twelve").score == pytest.approx(track.score)
    assert not small.complete("10").by_popularity


def test_a_vibe_check_wants_seeds(recommender):
    with pytest.raises(InputError, match="at least one track or artist"):
        recommender.vibe([])


def test_what_is_not_there_is_named(recommender):
    with pytest.raises(NameLookupError, match=r"'999' is not a playlist .* such as 0, 1, 2$"):
        recommender.complete("999")
    with pytest.raises(NameLookupError, match=r"'segue:track:999' matches no track in this"):
        recommender.complete(tracks=["segue:track:999", "segue:track:998"])
    with pytest.raises(NameLookupError, match=r"'Trakc 9' matches no track in this bundle"):
        recommender.vibe(["Trakc 9"])


@pytest.mark.parametrize("unknown", ["segue:track:999", 999, "no such song"])
def test_one_that_is_not_there_beside_others_is_passed_over_and_listed(recommender, unknown):
    known = ["segue:track:1", "segue:track:4"]
    expected = recommender.complete(tracks=known)
    found = recommender.complete(tracks=[known[0], unknown, known[1]])
    assert found.tracks == expected.tracks
    assert (found.unknown, expected.unknown) == ((str(unknown),), ())
    assert recommender.vibe([unknown, *known]).unknown == (str(unknown),)
    assert recommender.vibe([unknown], artists=["segue:artist:2"]).unknown == (str(unknown),)
    why = recommender.why("segue:track:9", tracks=[unknown, *known])
    assert why.unknown == (str(unknown),)


def test_what_was_taken_for_a_song_of_another_spelling_is_said(recommender):
    (taken,) = recommender.vibe(["Track 1 (Live)", "track 4"]).took
    assert (taken.asked, taken.track_id) == ("Track 1 (Live)", "segue:track:1")
    assert recommender.vibe(["segue:track:1"]).took == ()
    assert recommender.similar("Track 1 - Remastered").took[0].track_id == "segue:track:1"


def test_why_says_that_a_track_is_there_already(recommender):
    held = recommender.playlists.tracks[7]
    inside = recommender.bundle.catalog.track_ids[int(held[0])].as_py()
    assert recommender.why(inside, "7").is_given
    assert "there already" in str(recommender.why(inside, "7"))
    outside = recommender.complete("7", 1).tracks[0].track_id
    assert not recommender.why(outside, "7").is_given
    assert "there already" not in str(recommender.why(outside, "7"))


@pytest.mark.parametrize("text", ["", "  ", 5, None])
def test_a_search_wants_words(recommender, text):
    with pytest.raises(InputError, match="expected words of a name"):
        recommender.find(text)


def test_without_playlists_only_tracks_can_be_asked_with(bundle, recommender):
    without = Recommender(replace(bundle, playlists=None))
    with pytest.raises(InputError, match="made without playlists"):
        without.complete("3")
    asked = list(recommender.complete("3").query)
    assert without.complete(tracks=asked).tracks == recommender.complete("3").tracks


@pytest.mark.parametrize("batch_lists", [1, 7, 1024])
def test_many_at_once_are_as_one_by_one(recommender, monkeypatch, batch_lists):
    """Empty lists between others, whatever the size of a batch."""
    monkeypatch.setattr(ranking, "_BATCH_LISTS", batch_lists)
    catalog, playlists = recommender.bundle.catalog, recommender.bundle.playlists
    lists = [playlists.tracks[row].tolist() for row in range(30)]
    lists[4] = lists[29] = []
    lists[9] = list(range(catalog.num_tracks - 5))
    track_index, score = recommender.rank(TrackLists.from_lists(lists), 12)
    assert track_index.shape == score.shape == (30, 12)
    for row, tracks in enumerate(lists):
        single = recommender.complete(
            tracks=[str(catalog.track_ids[track]) for track in tracks], n=12
        )
        length = len(single.tracks)
        assert [catalog.tracks.index_of[i] for i in ids(single)] == track_index[
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
    assert set(first) == {
        *("rank", "track_id", "track_name", "artist_id", "artist_name", "score"),
        *("because", "rest", "same_artist", "playlists", "artists", "album", "aliases"),
        "goes_with",
    }
    assert set(first["because"][0]) == {"kind", "id", "name", "part"}
    assert json.loads(json.dumps(content)) == content
    assert isinstance(first["score"], float)


def test_load_says_what_is_no_bundle(tmp_path, bundle):
    with pytest.raises(ArtefactError, match="no such folder"):
        Recommender.load(tmp_path / "missing")
    bundle.save(tmp_path / "bundle")
    loaded = Recommender.load(str(tmp_path / "bundle"))
    assert loaded.complete("3") == Recommender(bundle).complete("3")


def test_one_after_another_for_programs_that_know_implicit(recommender):
    """`recommend` takes rows of the bundle's playlists, or any playlists by tracks as CSR."""
    playlists = recommender.bundle.playlists
    by_row = recommender.recommend(np.array([3, 7]), n=8)
    ones = np.ones(sum(len(playlists.tracks[row]) for row in (3, 7)))
    columns = np.concatenate([playlists.tracks[3], playlists.tracks[7]])
    offsets = [0, len(playlists.tracks[3]), len(columns)]
    num_tracks = recommender.bundle.catalog.num_tracks
    for kind in (csr_matrix, csr_array):
        matrix = kind((ones, columns, offsets), shape=(2, num_tracks))
        given = recommender.recommend(None, matrix, 8)
        np.testing.assert_array_equal(given[0], by_row[0])
        np.testing.assert_allclose(given[1], by_row[1], atol=1e-6)
    assert given[0].dtype == np.int32
    assert given[1].dtype == np.float32
    one_row = recommender.recommend(3, n=8)
    np.testing.assert_array_equal(one_row[0], by_row[0][:1])


def test_what_is_no_track_of_a_matrix(recommender):
    num_tracks = recommender.bundle.catalog.num_tracks
    data, columns, offsets = [1.0, 0.0, 1.0, 1.0], [4, 9, 2, 2], [0, 2, 4]
    matrix = csr_matrix((data, columns, offsets), shape=(2, num_tracks))
    track_index, _ = recommender.recommend(None, matrix, num_tracks)
    assert 9 in track_index[0], "a zero that is stored holds nothing"
    assert 4 not in track_index[0]
    np.testing.assert_array_equal(np.sort(track_index[1])[:2], [-1, 0], "a repeat counts once")
    with pytest.raises(InputError, match=f"has 5 columns, expected one per track: {num_tracks}"):
        recommender.recommend(None, csr_matrix((1, 5)))
    with pytest.raises(InputError, match="needs playlist_index or playlist_tracks"):
        recommender.recommend()


def test_vibe_of_artists(recommender, bundle):
    found = recommender.vibe(artists=["Artist 3"], n=5)
    own = np.flatnonzero(bundle.catalog.main_artist == 3)
    centre = (bundle.popularity[own] + 1) @ bundle.track_vectors[own]
    fame = np.log1p(bundle.popularity)
    prior = 2 ** (-1 / 3.5) * 0.1 * (fame - fame.mean()) / fame.std()
    expected = np.argsort(-(bundle.track_vectors @ (centre / np.linalg.norm(centre)) + prior))[:5]
    assert ids(found) == [f"segue:track:{track}" for track in expected]
    assert found.title == "Goes with Artist 3"
    assert found.query == ("segue:artist:3",)
    kinds = {reason.kind for track in found.tracks for reason in track.because}
    assert kinds == {"artist", "popularity"}
    both = recommender.vibe(["Track 3"], artists=["Artist 3", "segue:artist:3"], n=5)
    assert both.query == ("segue:track:3", "segue:artist:3")
    with pytest.raises(NameLookupError, match="'Nobody' matches no artist"):
        recommender.vibe(artists=["Nobody"])


def test_similar_tracks_and_artists(recommender, bundle):
    similar = recommender.similar("Track 5", 4)
    cosine = bundle.track_vectors @ bundle.track_vectors[5]
    cosine[5] = -np.inf
    nearest = np.argsort(-cosine)
    assert ids(similar) == [f"segue:track:{row}" for row in nearest[:4]]
    np.testing.assert_allclose([t.score for t in similar.tracks], cosine[nearest[:4]], atol=1e-6)
    assert similar.title == "Tracks like Track 5"
    assert similar.query == ("segue:track:5",)
    for track in similar.tracks:
        (reason,) = track.because
        assert (reason.kind, reason.id) == ("track", "segue:track:5")
        assert (reason.part, track.rest) == (pytest.approx(track.score, abs=1e-6), 0)
    # What goes with a song is another question: how well known a track is counts, too.
    assert ids(recommender.vibe(["Track 5"], 20)) != ids(recommender.similar("Track 5", 20))
    artists = recommender.similar(artist="artist 2", n=100)
    likeness = bundle.vectors["artist"] @ bundle.vectors["artist"][2]
    likeness[2] = -np.inf
    order = np.argsort(-likeness)[:-1]
    assert [a.artist_id for a in artists.artists] == [f"segue:artist:{row}" for row in order]
    assert [a.rank for a in artists.artists] == list(range(1, len(order) + 1))
    np.testing.assert_allclose([a.score for a in artists.artists], likeness[order], atol=1e-6)
    assert artists.title == "Artists like Artist 2"
    assert artists.to_arrow().column_names == ["rank", "artist_id", "artist_name", "score"]
    with pytest.raises(InputError, match="at least 1"):
        recommender.similar(artist="Artist 2", n=0)


def test_the_dial_goes_from_mainstream_to_deep_cuts(recommender, bundle):
    popularity = [
        np.mean([bundle.popularity[bundle.catalog.tracks.index_of[i]] for i in ids(found)])
        for found in (recommender.complete("3", 20, dial=dial) for dial in (-1, -0.5, 0, 0.5, 1))
    ]
    assert popularity == sorted(popularity, reverse=True)
    assert popularity[0] > popularity[2] > popularity[-1]
    off = recommender.complete("3", 20, dial=0.0)
    assert off == recommender.complete("3", 20)
    for track in recommender.complete("3", 9, dial=0.7).tracks:
        parts = sum(reason.part for reason in track.because) + track.rest
        assert parts == pytest.approx(track.score, abs=1e-6)


@pytest.mark.parametrize(("dial", "diversity"), [(1.1, 0), (-2, 0), (float("nan"), 0), (0, 2)])
def test_options_outside_their_range_are_refused(recommender, dial, diversity):
    with pytest.raises(InputError, match="expected from"):
        recommender.complete("3", dial=dial, diversity=diversity)


def test_reasons_name_playlists_that_hold_both(recommender, bundle):
    found = recommender.complete("3", 6, reasons=True)
    playlists, catalog = bundle.playlists, bundle.catalog
    query = {catalog.tracks.index_of[i] for i in found.query}
    for track in found.tracks:
        row = catalog.tracks.index_of[track.track_id]
        assert 0 < len(track.playlists) <= 3
        best = []
        for at in range(len(playlists)):
            held = set(playlists.tracks[at].tolist())
            if at != 3 and row in held and held & query:
                best.append((-len(held & query) / len(held) ** 0.5, at))
        best.sort()
        assert [shared.playlist_id for shared in track.playlists] == [
            str(playlists.ids[at]) for _, at in best[:3]
        ]
        for shared in track.playlists:
            held = playlists.tracks[playlists.index_of[shared.playlist_id]].tolist()
            assert list(shared.track_names) == [f"Track {t}" for t in held if t in query]
        artist = catalog.main_artist[row]
        assert set(track.same_artist) == {
            f"Track {t}" for t in query if catalog.main_artist[t] == artist
        }
    assert recommender.complete("3", 6).tracks[0].playlists is None


def test_an_explanation_is_whole(recommender):
    found = recommender.complete("3", 6, reasons=True, dial=0.4)
    for track in found.tracks:
        why = recommender.why(track.track_id, "3", dial=0.4)
        assert sum(term.part for term in why.terms) == pytest.approx(track.score, abs=1e-6)
        assert len(why.terms) == len(found.query) + 1
        assert [t.part for t in why.terms] == sorted((t.part for t in why.terms), reverse=True)
        assert why.playlists == track.playlists
        assert why.same_artist == track.same_artist
        assert [t.id for t in why.terms[:3]] == [reason.id for reason in track.because]
        assert json.loads(json.dumps(why.to_json()))["score"] == why.score
    against = recommender.why("Track 9", tracks=["Track 50", "Track 90"], artists=["Artist 1"])
    assert {term.kind for term in against.terms} == {"track", "artist", "popularity"}
    with pytest.raises(InputError, match="either a playlist, or tracks"):
        recommender.why("Track 9", "3", tracks=["Track 1"])
    with pytest.raises(InputError, match="at least one track or artist"):
        recommender.why("Track 9")


def test_without_playlists_reasons_have_none(bundle):
    without = Recommender(replace(bundle, playlists=None))
    track = without.vibe(["Track 3"], 1, reasons=True).tracks[0]
    assert track.playlists is None
    assert without.why("Track 9", tracks=["Track 3"]).playlists is None


def test_two_questions_of_an_ordered_playlist(bundle):
    """Playlist 3 is ordered, playlist 4 is not: there all that can be asked is what fits."""
    recommender = Recommender(bundle)
    answers = {}
    for question in ("fit", "next", "either"):
        found = answers[question] = recommender.complete("3", question=question)
        tracks = list(found.query)
        same = recommender.complete(tracks=tracks, ordered=True, question=question)
        assert same.tracks == found.tracks
        alone, several = recommender.vibe(tracks, question=question), found
        assert (alone.tracks == several.tracks) == (question != "either"), "songs are in no order"
        rows, _ = recommender.recommend([3, 4], n=10, question=question)
        assert [recommender.bundle.catalog.track_ids[row].as_py() for row in rows[0]] == ids(found)
        assert recommender.complete("4", question=question) == recommender.complete("4")
        why = recommender.why(found.tracks[0].track_id, "3", question=question)
        assert why.score == pytest.approx(found.tracks[0].score)
        assert sum(term.part for term in why.terms) == pytest.approx(why.score)
    assert answers["either"] == recommender.complete("3")
    many = asked_of_rows(recommender, range(4, len(recommender.playlists)), None)
    assert (many.query.asks[many.query.asks != FIT] == NEXT).all()
    rows, _ = recommender.recommend(3, n=10)
    assert [recommender.bundle.catalog.track_ids[row].as_py() for row in rows[0]] == (
        ids(answers["next"])
    ), "many at once are asked what comes next if the order of only some is known"
    assert len({tuple(ids(found)) for found in answers.values()}) == 3
    backward = recommender.complete(tracks=tracks[::-1], ordered=True, question="fit")
    assert ids(backward) == ids(answers["fit"]), "its order does not count"
    assert recommender.complete(tracks=tracks, question="next").tracks == answers["next"].tracks

    def share_of_the_last(question: str) -> float:
        terms = recommender.why("Track 9", "3", question=question).terms
        parts = {term.id: abs(term.part) for term in terms}
        return parts[tracks[-1]] / sum(parts.values())

    shares = [share_of_the_last(question) for question in ("fit", "either", "next")]
    assert shares == sorted(shares)
    assert shares[0] < shares[1] < shares[2]


def test_an_unknown_question(recommender):
    for ask in (recommender.complete, recommender.recommend):
        with pytest.raises(InputError, match="question is 'nxt', expected fit, next, either"):
            ask("3" if ask == recommender.complete else [3], question="nxt")


def test_filters_by_id(recommender, bundle):
    catalog = bundle.catalog
    best = ids(recommender.complete("3", 5))
    without = recommender.complete("3", 5, filters=Filters(exclude_tracks=best[:2]))
    assert ids(without)[:3] == best[2:]
    one = recommender.complete("3", 30, filters=Filters(only_artists=["segue:artist:4"]))
    assert {track.artist_name for track in one.tracks} == {"Artist 4"}
    held = set(one.query)
    of_artist = np.flatnonzero(catalog.main_artist == 4)
    assert len(one.tracks) == sum(f"segue:track:{t}" not in held for t in of_artist)
    with pytest.raises(NameLookupError, match="'x' matches no artist in this bundle"):
        recommender.complete("3", filters=Filters(exclude_artists=["x"]))


def test_names_serve_wherever_ids_do(recommender):
    by_name = recommender.complete(tracks=["Track 1", "track 7"], n=5)
    assert by_name == recommender.complete(tracks=["segue:track:1", "segue:track:7"], n=5)
    by_name = Filters(exclude_tracks="Track 5", only_artists=["Artist 4", "artist 5"])
    by_id = Filters(
        exclude_tracks=["segue:track:5"], only_artists=["segue:artist:4", "segue:artist:5"]
    )
    assert recommender.vibe("Track 9", filters=by_name) == recommender.vibe(
        "Track 9", filters=by_id
    )
    ask = [0, 1]
    np.testing.assert_array_equal(
        recommender.recommend(ask, n=5, filters=by_name)[0],
        recommender.recommend(ask, n=5, filters=by_id)[0],
    )


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda r: r.vibe("Track 1", n="5"), "must be a whole number, not '5'"),
        (lambda r: r.vibe("Track 1", n=1.5), "must be a whole number, not 1.5"),
        (lambda r: r.vibe("Track 1", dial="low"), "the dial is at 'low', expected from -1"),
        (lambda r: r.vibe("Track 1", diversity="x"), "diversity is 'x', expected from 0"),
        (lambda r: r.vibe("Track 1", filters={"max_per_artist": 1}), r"expected segue.Filters\("),
        (lambda r: r.recommend(["3"], n=2), "playlist_index holds no rows, expected whole num"),
        (lambda r: r.recommend([0, 9999], n=2), "row 9999: the bundle has playlists 0 to "),
    ],
)
def test_what_has_the_wrong_type_is_refused(recommender, ask, says):
    with pytest.raises(InputError, match=says):
        ask(recommender)


def test_a_traceback_shows_what_was_near(recommender):
    """Whoever types a name in Python sees the message alone, not the error's attributes."""
    with pytest.raises(NameLookupError) as raised:
        recommender.vibe("Trakc 9")
    assert raised.value.candidates
    lines = str(raised.value).split("\n  ")
    assert lines == [raised.value.message, *raised.value.candidates]
    assert pickle.loads(pickle.dumps(raised.value)).candidates == raised.value.candidates


def test_as_tables(recommender):
    found = recommender.complete("3", 4)
    table = found.to_arrow()
    assert table.column_names == ["rank", "track_id", "track_name", "artist_name", "score"]
    assert table["track_id"].to_pylist() == ids(found)
    pandas = pytest.importorskip("pandas")
    frame = found.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["rank"].tolist() == [1, 2, 3, 4]


# --- what may stand for an id, and what is refused ----------------------------------------------


def test_a_single_name_is_one_song_not_its_letters(recommender):
    assert recommender.vibe("Track 3") == recommender.vibe(["Track 3"])
    assert recommender.vibe(artists="Artist 3") == recommender.vibe(artists=["Artist 3"])
    why = recommender.why("Track 9", tracks="Track 3")
    assert why == recommender.why("Track 9", tracks=["Track 3"])
    only = Filters(only_artists="segue:artist:4", exclude_tracks="segue:track:4")
    listed = Filters(only_artists=["segue:artist:4"], exclude_tracks=["segue:track:4"])
    assert recommender.vibe("Track 3", filters=only) == recommender.vibe("Track 3", filters=listed)


def test_whole_numbers_stand_for_their_digits(bundle):
    numbered = bundle.catalog
    for kind in ("track", "artist"):
        names = numbered.nodes[kind].names
        ids = pa.array([str(row) for row in range(len(names))])
        numbered = numbered.with_nodes(kind, Nodes(ids, names))
    recommender = Recommender(replace(bundle, catalog=numbered))
    assert recommender.complete(3) == recommender.complete("3")
    assert recommender.complete(np.int64(3)) == recommender.complete("3")
    expected = recommender.vibe(["3", "50"], artists=["2"])
    assert recommender.vibe([3, 50], artists=2) == expected
    assert recommender.vibe(np.array([3, 50]), artists=[np.int32(2)]) == expected
    by_number = recommender.complete(tracks=[3, 50], filters=Filters(exclude_tracks=[7]))
    by_text = recommender.complete(tracks=["3", "50"], filters=Filters(exclude_tracks=["7"]))
    assert by_number == by_text
    assert recommender.similar(artist=2) == recommender.similar(artist="2")
    assert recommender.similar(9) == recommender.similar("9")
    assert recommender.why(9, 3) == recommender.why("9", "3")


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda r: r.vibe([1.5]), "1.5 is not the id or name of a track"),
        (lambda r: r.vibe([True]), "True is not the id or name of a track"),
        (lambda r: r.vibe(artists=[None]), "None is not the id or name of an artist"),
        (lambda r: r.complete(), "give either the id of a playlist or tracks"),
        (lambda r: r.complete("3", tracks=["Track 1"]), "give either the id of a playlist or"),
        (lambda r: r.complete(["Track 1"]), r"give a list of tracks as tracks="),
        (lambda r: r.complete(b"3"), "b'3' is not the id"),
        (lambda r: r.similar(), "give either a track or an artist"),
        (lambda r: r.similar("Track 1", artist="Artist 1"), "give either a track or an artist"),
        (lambda r: r.find("a", kind="album"), "kind is 'album', expected one of track, artist"),
        (lambda r: r.find("a", 0), "at least 1, not 0"),
    ],
)
def test_what_makes_no_sense_is_refused(recommender, ask, says):
    with pytest.raises(InputError, match=says):
        ask(recommender)


@pytest.mark.parametrize(
    "ask",
    [
        lambda r: r.vibe(["Track 1"], dail=1),
        lambda r: r.complete("3", dail=1),
        lambda r: r.recommend(3, dail=1),
        lambda r: r.why("Track 9", "3", dail=1),
        lambda r: r.find("track", type="track"),
    ],
)
def test_an_unknown_option_is_refused(recommender, ask):
    with pytest.raises(TypeError, match=r"unexpected keyword argument '(dail|type)'"):
        ask(recommender)


def test_find(recommender):
    found = recommender.find("track 3", 2)
    assert [track.name for track in found.tracks] == ["Track 3", "Track 33"]
    assert found.to_json()["tracks"][0]["artist_name"] == "Artist 3"
    assert len(recommender.find("community").playlists) == 10
    both = recommender.find("3", kind=["track", "artist"])
    assert both.tracks
    assert both.artists
    assert both.playlists == ()
    assert recommender.find("3", kind="artist").tracks == ()
    without = Recommender(replace(recommender.bundle, playlists=None))
    assert without.find("track 3").playlists == ()
    with pytest.raises(InputError, match="made without playlists"):
        without.find("a", kind="playlist")


def test_what_is_spelt_alike_is_found_only_if_asked_for(recommender):
    assert recommender.find("trakc 3") == Found()
    found = recommender.find("trakc 3", 2, fuzzy=True)
    assert found.similar
    assert found.tracks[0].name == "Track 3"
    assert len(found.tracks) <= 2
    exact = recommender.find("track 3", fuzzy=True)
    assert exact == recommender.find("track 3")
    assert not exact.similar
    assert recommender.find("qqqqzzzz", fuzzy=True) == Found()
