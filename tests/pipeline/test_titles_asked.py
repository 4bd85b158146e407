"""Titles all the way: learned, asked with, explained, suggested, and never seen where held out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

import segue
from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.data.title_words import is_part, is_shown
from segue.errors import InputError
from segue.evaluation.ranking import rank
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.metrics import METRICS
from segue.pipeline.system import SystemScorer
from segue.recommend.recommender import Recommender
from segue.scoring.two_stages import TwoStages
from segue.training.config import SystemConfig, TrainConfig
from segue.training.hiding import hide, show_titles
from segue.training.titles import Gains, TitleScale, _best, num_judged
from segue.training.train import train
from segue.training.word_odds import WordOddsConfig

MOODS = ("calm", "loud", "sad", "fast")
# Rare words of a community share their beginning: together they are known by their parts.
ODD = ("zephyr", "quarrel", "mourning", "gallop")
CONFIG = TrainConfig(
    relations=("artist", "word"), dim=8, epochs=12, batch_size=60, learning_rate=0.02
)


@pytest.fixture(scope="module")
def graph(make_planted_graph) -> PlaylistGraph:
    """Playlists called after their community, some by a word of their own with its beginning."""
    planted = make_planted_graph(np.random.default_rng(5), num_playlists=400)
    playlists, catalog = planted.playlists, planted.catalog
    lists: dict[str, list[tuple[str, str]]] = {}
    for row in range(len(playlists)):
        tracks, mood = playlists.tracks[row], row % 4
        title = f"{ODD[mood]}{'abcdefghij'[row % 10]}{'klmnopqrst'[row // 40]}"
        if row % 3:
            title = f"{MOODS[mood].title()} music {row}"
        lists[title] = [
            (str(catalog.artist_of(tracks[at : at + 1])[0]), str(catalog.track_names[int(track)]))
            for at, track in enumerate(tracks)
        ]
    return segue.build(lists)


@pytest.fixture(scope="module")
def split(graph) -> Split:
    return split_graph(graph, SplitRecipe("playlists", 0.2, 0.2, num_given=2))


@pytest.fixture(scope="module")
def bundle(split) -> Bundle:
    return segue.train(split, config=CONFIG, system=SystemConfig())


@pytest.fixture(scope="module")
def recommender(bundle) -> Recommender:
    return Recommender(bundle)


def community(track_id: str) -> int:
    return int(track_id.removeprefix("Track ").split(" ")[0]) // 40


@pytest.fixture(scope="module")
def with_odds(split) -> Bundle:
    return segue.train(split, config=CONFIG, system=SystemConfig({"words": WordOddsConfig()}))


def recall(split: Split, stages: TwoStages, given: int, titles: bool) -> float:
    in_order = split.test.query.joined(split.test.targets)
    held_out = HeldOut.of_new_playlists(in_order, given, split.test.playlist_index)
    scorer = SystemScorer(stages, split, titles=titles)
    rankings = rank(scorer, held_out, split.train, list_length=0)
    return next(m for m in METRICS if m.name == "recall@20").value(rankings)


def test_a_title_alone_beats_popularity_by_far(bundle, split):
    measured = TwoStages.of(bundle.measured, split.graph.catalog, None)
    # Without its title an empty list gets the most popular tracks.
    popular, titled = (recall(split, measured, 0, titles) for titles in (False, True))
    assert titled > 2 * popular
    for given in (1, 2, 5):
        without, beside = (recall(split, measured, given, titles) for titles in (False, True))
        assert beside >= without


def test_odds_of_words_are_scaled_by_validation_and_raise_titles(bundle, with_odds, split):
    scale = with_odds.config["title_scale"]
    assert scale["odds"] > 0
    for terms in (with_odds.terms, with_odds.measured.terms):
        assert terms["words"]["scale"] == pytest.approx(scale["odds"])
        assert terms["words"]["growth"] == pytest.approx(scale["odds_growth"])
    with_them, without = (
        TwoStages.of(each.measured, split.graph.catalog, None) for each in (with_odds, bundle)
    )
    assert recall(split, with_them, 0, True) >= recall(split, without, 0, True)
    for given in (1, 5):
        asked, not_asked = (recall(split, with_them, given, titles) for titles in (True, False))
        assert asked >= not_asked
    # What ships is fitted on all playlists.
    shipped, measured = (t["words"]["odds"] for t in (with_odds.terms, with_odds.measured.terms))
    assert len(shipped) != len(measured) or (shipped != measured).any()


def test_odds_of_nothing_are_left_out():
    terms = {"wide": {}, "words": {}}
    assert TitleScale(0.1, 0.5).terms(terms) == {"wide": {}}
    assert TitleScale(0.1, 0.5, 0.05).terms({"wide": {}}) == {"wide": {}}


def test_words_are_known_as_a_whole_or_by_their_parts(graph, recommender):
    ids = graph.catalog.nodes["word"].ids.to_pylist()
    assert sorted(filter(is_shown, ids)) == sorted([*MOODS, "music"])
    found = recommender.vibe(title="Calm zephyrish xyz 1999", n=20)
    assert found.words == ("calm", "zephyrish")
    assert found.words_by_parts == ("zephyrish",)
    assert found.unknown_words == ("xyz", "1999")
    assert not found.by_popularity
    assert np.mean([community(track.track_id) == 0 for track in found.tracks]) > 0.9
    by_parts = recommender.vibe(title="quarrelsome", n=20)
    assert np.mean([community(track.track_id) == 1 for track in by_parts.tracks]) > 0.8
    nothing = recommender.vibe(title="xyz", n=3)
    assert nothing.by_popularity
    assert nothing.unknown_words == ("xyz",)


def asked(recommender: Recommender, kind: str) -> dict[str, Any]:
    track, playlist = (
        recommender.bundle.catalog.track_ids[3].as_py(),
        recommender.playlists.ids[0].as_py(),
    )
    return {
        "alone": {"title": "Sad gallopx"},
        "with songs": {"title": "Sad gallopx", "tracks": [track]},
        "with artists": {"title": "Sad gallopx", "artists": ["Artist 1"]},
        "of a playlist": {"playlist": playlist},
        "instead of a playlist's": {"playlist": playlist, "title": "fast"},
    }[kind]


@pytest.mark.parametrize("odds", [False, True])
@pytest.mark.parametrize(
    "kind",
    ["alone", "with songs", "with artists", "of a playlist", "instead of a playlist's"],
)
def test_the_parts_of_words_are_exact(recommender, with_odds, kind, odds):
    recommender = Recommender(with_odds) if odds else recommender
    options = asked(recommender, kind)
    listed = recommender.complete if "playlist" in options else recommender.vibe
    found = listed(n=5, **options)
    for track in found.tracks:
        why = recommender.why(track.track_id, **options)
        assert sum(term.part for term in why.terms) == pytest.approx(why.score, abs=1e-6)
        assert why.score == pytest.approx(track.score, abs=1e-5)
        words = [term for term in why.terms if term.kind == "word"]
        assert sorted(term.name for term in words) == sorted(found.words)
        assert not any(is_part(term.name) or is_part(term.id) for term in why.terms)
        because = sum(reason.part for reason in track.because) + track.rest
        assert because == pytest.approx(track.score, abs=1e-5)


def test_a_words_part_is_what_leaving_its_vector_out_takes_away(recommender):
    """By hand: the vectors of a title, weighted, against the track's, over the query's length."""
    words = recommender.stages.first.centroid.words
    row_of = recommender.bundle.catalog.nodes["word"].index_of
    rows = [row_of["calm"], row_of["music"]]
    vectors = words.weight[rows, None] * words.vectors[rows]
    track = recommender.bundle.catalog.track_ids[7].as_py()
    expected = vectors @ recommender.bundle.track_vectors[7] / np.linalg.norm(vectors.sum(axis=0))
    terms = {term.name: term.part for term in recommender.why(track, title="music, calm").terms}
    assert [terms["calm"], terms["music"]] == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_playlist_is_completed_with_its_title(recommender):
    playlist = recommender.playlists.ids[1].as_py()
    title = recommender.playlists.titles[1].as_py()
    tracks = [
        recommender.bundle.catalog.track_ids[t].as_py() for t in recommender.playlists.tracks[1]
    ]
    own = recommender.complete(playlist, 8)
    assert own.words
    rows, score = recommender.recommend(np.array([1]), n=8)
    ids = [recommender.bundle.catalog.track_ids[row].as_py() for row in rows[0].tolist()]
    assert ids == [track.track_id for track in own.tracks]
    np.testing.assert_allclose(score[0], [track.score for track in own.tracks], atol=1e-5)
    known = bool(recommender.playlists.order_known[1])
    again = recommender.complete(tracks=tracks, title=title, ordered=known, n=8)
    assert [track.track_id for track in again.tracks] == ids
    plain = recommender.complete(playlist, 8, title="")
    without = recommender.complete(tracks=tracks, ordered=known, n=8)
    assert not plain.words
    assert [t.score for t in plain.tracks] == pytest.approx([t.score for t in without.tracks])
    assert [t.score for t in plain.tracks] != pytest.approx([t.score for t in own.tracks])


def test_titles_are_suggested(recommender, graph):
    for mood in range(4):
        rows = [t for t in range(160) if community(graph.catalog.track_ids[t].as_py()) == mood]
        found = recommender.title([graph.catalog.track_ids[t].as_py() for t in rows[:12]], 3)
        assert [each.rank for each in found.titles] == [1, 2, 3]
        # Every title has "music".
        moods = [each.title for each in found.titles if each.title != "music"]
        assert moods[0] == MOODS[mood]
        assert all(is_shown(each.title) for each in found.titles)
    of_playlist = recommender.title(playlist=recommender.playlists.ids[2].as_py(), n=2)
    assert len(of_playlist.titles) <= 2
    with pytest.raises(InputError, match="give either"):
        recommender.title()
    with pytest.raises(InputError, match="no title"):
        recommender.title([])


def test_a_bundle_without_words_says_so(bundle):
    plain = Recommender(replace(bundle, word_weight=None, title_growth=None, measured=None))
    for ask in (
        lambda: plain.vibe(title="calm"),
        lambda: plain.complete(tracks=[], title="calm"),
        lambda: plain.title([bundle.catalog.track_ids[0].as_py()]),
    ):
        with pytest.raises(InputError, match="learned no words"):
            ask()
    assert not plain.complete(plain.playlists.ids[0].as_py(), 3).words
    with pytest.raises(InputError, match="not a title"):
        Recommender(bundle).vibe(title=17)
    with pytest.raises(InputError, match="or a title"):
        Recommender(bundle).vibe(title="")


def test_they_survive_storage(bundle, tmp_path: Path):
    bundle.save(tmp_path / "bundle")
    loaded = Bundle.load(tmp_path / "bundle")
    for of, ours in ((loaded, bundle), (loaded.measured, bundle.measured)):
        np.testing.assert_array_equal(of.word_weight, ours.word_weight)
        np.testing.assert_array_equal(of.word_vectors, ours.word_vectors)
        np.testing.assert_array_equal(of.title_growth, ours.title_growth)
    expected = Recommender(bundle).vibe(title="sad").to_json()
    assert Recommender(loaded).vibe(title="sad").to_json()["tracks"] == expected["tracks"]


def with_titles_of(graph: PlaylistGraph, rows: np.ndarray, words: list[int]) -> PlaylistGraph:
    """The same graph with other words in the titles of some playlists."""
    titled = graph.playlists.relations["word"]
    lists = [titled[row].tolist() for row in range(len(graph.playlists))]
    for row in rows.tolist():
        lists[row] = words
    made = TrackLists.from_lists(lists)
    other = replace(titled, offsets=made.offsets, target_index=made.track_index)
    return replace(graph, playlists=replace(graph.playlists, relations={"word": other}))


@pytest.mark.parametrize("kind", ["playlists", "random"])
def test_training_does_not_see_titles_that_are_held_out(graph, kind):
    config = replace(CONFIG, epochs=2)
    split = split_graph(graph, SplitRecipe(kind, 0.2, 0.2))
    unseen = split.unseen_titles.playlist_index
    assert len(unseen) > 5
    if kind == "playlists":
        unseen = np.concatenate([unseen, split.test.playlist_index])
    seen = split.train.relations["word"].source_degree
    assert not seen[unseen].any()
    other = split_graph(with_titles_of(graph, unseen, [0, 1]), split.recipe)
    assert other.fingerprint != split.fingerprint
    first, second = (train(of.train, None, config) for of in (split, other))
    np.testing.assert_array_equal(first.track_vectors, second.track_vectors)
    np.testing.assert_array_equal(first.word_weight, second.word_weight)
    # A title that is not held out is seen.
    shown = np.flatnonzero(seen > 0)[:40]
    third = split_graph(with_titles_of(graph, shown, [0, 1]), split.recipe)
    assert (train(third.train, None, config).track_vectors != first.track_vectors).any()


def test_a_word_without_any_title_has_a_vector(graph, split):
    """All playlists titled with it are held out."""
    titled = graph.playlists.relations["word"]
    only = np.concatenate([split.test.playlist_index, split.validation.playlist_index])
    row = graph.catalog.nodes["word"].index_of["calm"]
    lone = with_titles_of(graph, np.setdiff1d(titled.sources_of(np.array([row])), only), [])
    of_lone = split_graph(lone, split.recipe)
    assert of_lone.train.relations["word"].target_degree[row] == 0
    bundle = segue.train(
        of_lone, config=replace(CONFIG, epochs=2), system=SystemConfig(), refit=False
    )
    assert np.isfinite(bundle.vectors["word"]).all()
    assert np.isfinite(bundle.word_weight).all()
    assert len(Recommender(bundle).vibe(title="calm", n=3).tracks) == 3


def test_what_a_step_shows_of_titles():
    rng = np.random.default_rng(0)
    titles = TrackLists.from_lists([[0, 1], [], [2]] * 200)
    shown, alone = show_titles(titles, 0.7, 0.5, rng)
    has, shows = titles.lengths > 0, shown.lengths > 0
    assert (shown.lengths[shows] == titles.lengths[shows]).all()
    assert not shows[~has].any()
    assert 0.6 < shows[has].mean() < 0.8
    assert 0.4 < alone[shows].mean() < 0.6
    assert not alone[~shows].any()
    tracks = TrackLists.from_lists([[0, 1, 2, 3]] * 600)
    pairs, visible, hidden = hide(tracks, np.arange(600), (0.3, 0.7), 0.1, rng, alone)
    assert not visible.lengths[alone].any()
    assert (hidden.lengths[alone] == 4).all()
    assert (visible.lengths[~alone] >= 1).all()
    assert len(pairs) == hidden.num_pairs


def gains(*means: np.ndarray, error: np.ndarray | float = 0.0) -> Gains:
    """Of two metrics, by the nine scales tried."""
    mean = np.column_stack(means)
    return Gains(mean, np.broadcast_to(np.reshape(error, (-1, 1)), mean.shape))


def test_titles_that_harm_count_nothing():
    harm = np.linspace(0, -0.2, 9)
    harms, helps = gains(harm, harm), gains(-harm, -harm)
    assert _best({1: harms, 5: harms}) is None
    assert _best({1: helps, 5: harms}) is None, "nowhere worse"
    assert _best({1: helps, 5: gains(-harm, harm)}) is None, "by no metric"
    assert _best({1: helps, 5: helps}).factor > 0.1


def test_a_gain_within_its_error_is_not_trusted():
    rising = np.linspace(0, 0.1, 9)
    unsure = np.array([0, 0.001, 0.002, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5])
    chosen = _best({5: gains(rising, rising, error=unsure)})
    assert chosen.factor * 6**chosen.growth < 0.3, "beyond that the gain may be chance"
    assert _best({5: gains(rising, rising, error=2 * rising)}) is None


def test_gains_are_means_over_playlists_with_their_errors():
    judged = np.array([[[0.2, 0.4]], [[0.3, 0.5]], [[0.2, 0.8]]])
    found = Gains.of(judged)
    assert found.mean[:, 0] == pytest.approx([0, 0.1 / 0.3, 0.2 / 0.3])
    assert found.error[:, 0] == pytest.approx([0, 0, 0.2 / np.sqrt(2) / 0.3])


@pytest.mark.parametrize(
    ("num_tracks", "expected"),
    [(0, 1000), (10_000, 1000), (20_000, 500), (300_000, 200), (2_500_000, 100), (10**9, 100)],
)
def test_fewer_playlists_judge_scales_the_more_tracks_there_are(num_tracks, expected):
    assert num_judged(num_tracks) == expected


def test_words_about_nothing_are_left_out(make_planted_graph):
    """Titles drawn by chance: their weight beside tracks goes to about 0."""
    rng = np.random.default_rng(2)
    planted = make_planted_graph(rng, num_playlists=400)
    words = rng.choice(["ash", "birch", "cedar"], 400)
    lists = {f"{word} {row}": planted.playlists.tracks[row] for row, word in enumerate(words)}
    named = {title: [f"t{track}" for track in tracks] for title, tracks in lists.items()}
    split = split_graph(segue.build(named), SplitRecipe("playlists", 0.2, 0.2))
    config = replace(CONFIG, relations=("word",))
    bundle = segue.train(split, config=config, system=SystemConfig(), refit=False)
    tracks = split.graph.catalog.track_ids[:5].to_pylist()
    recommender = Recommender(bundle)
    why = recommender.why(split.graph.catalog.track_ids[9].as_py(), tracks=tracks, title="ash")
    word = next(term.part for term in why.terms if term.kind == "word")
    assert abs(word) < 0.15 * abs(why.score)


def test_over_http_too(recommender, bundle, tmp_path: Path):
    from segue.service.app import create_app
    from segue.service.serving import Serving

    bundle.save(tmp_path / "bundle")
    with TestClient(create_app(Serving(tmp_path / "bundle"))) as client:
        asked = client.post("/api/v1/vibe", json={"title": "calm xyz", "n": 3})
        assert asked.status_code == 200
        assert asked.json()["unknown_words"] == ["xyz"]
        assert asked.json()["words"] == ["calm"]
        named = client.post("/api/v1/title", json={"tracks": [bundle.catalog.track_ids[0].as_py()]})
        assert named.json() == recommender.title([bundle.catalog.track_ids[0].as_py()]).to_json()
