"""One evaluation, against a case worked by hand and against scikit-learn."""

import json
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from segue.baselines import ItemKNN, Popularity
from segue.data.playlists import TrackLists
from segue.errors import InputError
from segue.evaluation.evaluate import CURVE_KS, Evaluation, evaluate
from segue.graph.holding_out import split_graph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.metrics import METRICS, Metric
from segue.scoring import best


@dataclass
class Fixed:
    """The scores that it was given, by the first track of the query."""

    by_first_track: dict[int, list[float]]

    def scores(self, query: TrackLists) -> np.ndarray:
        rows = [self.by_first_track[int(query[row][0])] for row in range(len(query))]
        return np.array(rows, dtype=np.float32)


@dataclass
class Oracle:
    """Knows what is held out: of each list by its tracks."""

    split: Split

    def __post_init__(self) -> None:
        test = self.split.test
        self.answers = {tuple(test.query[r]): test.targets[r] for r in range(len(test.query))}

    def scores(self, query: TrackLists) -> np.ndarray:
        scores = np.zeros((len(query), self.split.train.catalog.num_tracks), dtype=np.float32)
        for row in range(len(query)):
            scores[row, self.answers[tuple(query[row])]] = 1
        return scores


@pytest.fixture(scope="module")
def split(planted_graph) -> Split:
    return split_graph(planted_graph, SplitRecipe())


def test_each_metric_by_hand(small_graph):
    """Six tracks, popularity 3 1 2 2 1 1 of 10 pairs.

    Row 0 knows 0; candidates by score: 2, 1*, 3, 4*, 5 (* held out): ranks 2 and 4.
    Row 1 knows 3 and 1; candidates: 0 and 5* tied, 0 first, then 2, 4: rank 2.
    Row 2 has nothing held out: counted, not scored.
    """
    train = small_graph
    held_out = HeldOut(
        query=TrackLists.from_lists([[0], [3], [2]]),
        known=TrackLists.from_lists([[0], [3, 1], [2]]),
        targets=TrackLists.from_lists([[1, 4], [5], []]),
        playlist_index=np.arange(3),
        asks_next=np.zeros(3, dtype=bool),
    )
    scores = {0: [9, 0.8, 0.9, 0.7, 0.6, 0.1], 3: [0.5, 9, 0.4, 9, 0.3, 0.5], 2: [0] * 6}
    found = evaluate(Fixed(scores), held_out, train)
    assert (found.num_scored, found.num_unscored) == (2, 1)
    assert list(found.values) == [metric.name for metric in METRICS]

    gain_2, gain_3, gain_4 = (1 / math.log2(rank + 1) for rank in (2, 3, 4))
    bits = {t: -math.log2(p / 10) for t, p in enumerate([3, 1, 2, 2, 1, 1])}
    novelty = (
        np.mean([bits[t] for t in (2, 1, 3, 4, 5)]) + np.mean([bits[t] for t in (0, 5, 2, 4)])
    ) / 2
    expected = {
        "recall@20": 1.0,
        "recall@300": 1.0,
        "r-precision": (1 / 2 + 0) / 2,
        "ndcg@20": ((gain_2 + gain_4) / (1 + gain_2) + gain_2) / 2,
        "map@10": ((1 / 2 + 2 / 4) / 2 + 1 / 2) / 2,
        "clicks": 0.0,
        # Row 0: 1 beats 3 and 5, 4 beats 5: 3 of 6. Row 1: 5 ties with 0, beats 2, 4: 2.5 of 3.
        "auc": (3 / 6 + 2.5 / 3) / 2,
        "novelty@20": novelty,
        "novelty@300": novelty,
        "coverage@20": 1.0,
        "coverage@300": 1.0,
    }
    assert gain_3 == 0.5
    for metric, value in expected.items():
        assert found.values[metric] == pytest.approx(value), metric


def test_buckets_by_hand(small_graph):
    """Ten pairs, two a bucket; by the middles of their runs: 0 | – | 2 | 3, 1 | 4, 5."""
    held_out = HeldOut(
        query=TrackLists.from_lists([[0]]),
        known=TrackLists.from_lists([[0]]),
        targets=TrackLists.from_lists([[2, 5]]),
        playlist_index=np.arange(1),
        asks_next=np.zeros(1, dtype=bool),
    )
    found = evaluate(Fixed({0: [0, 5, 4, 3, 2, 1]}), held_out, small_graph).values
    recalls = {bucket: found[f"recall@300 of bucket {bucket}"] for bucket in range(1, 6)}
    assert {bucket for bucket, value in recalls.items() if not math.isnan(value)} == {3, 5}
    assert recalls[3] == recalls[5] == 1


@pytest.mark.parametrize("make", [lambda s: Popularity(s.train), lambda s: ItemKNN(s.train)])
def test_auc_is_that_of_scikit_learn(split, make):
    scorer, test = make(split), split.test
    values = []
    for row in range(len(test.query)):
        if not len(test.targets[row]):
            continue
        score = scorer.scores(test.query.rows(slice(row, row + 1)))[0]
        truth = np.zeros(len(score), dtype=bool)
        truth[test.targets[row]] = True
        unseen = np.ones(len(score), dtype=bool)
        unseen[test.known[row]] = False
        values.append(roc_auc_score(truth[unseen], score[unseen]))
    found = evaluate(scorer, test, split.train)
    assert found.num_scored == len(values)
    assert found.values["auc"] == pytest.approx(np.mean(values), abs=1e-12)


def test_a_perfect_scorer_is_perfect_and_popularity_is_not(split):
    oracle = evaluate(Oracle(split), split.test, split.train).values
    for metric in ("recall@20", "recall@300", "r-precision", "ndcg@20", "map@10", "auc"):
        assert oracle[metric] == 1, metric
    assert oracle["auc (pooled)"] == 1
    assert oracle["clicks"] == 0
    popular = evaluate(Popularity(split.train), split.test, split.train).values
    neighbours = evaluate(ItemKNN(split.train), split.test, split.train).values
    for metric in ("recall@20", "ndcg@20", "r-precision", "map@10", "auc", "auc (pooled)"):
        assert popular[metric] < neighbours[metric] < 1, metric
    assert popular["clicks"] > neighbours["clicks"] > 0
    assert popular["novelty@20"] < neighbours["novelty@20"]
    assert popular["coverage@20"] < neighbours["coverage@20"]


def test_it_is_deterministic_and_batches_do_not_show(split, monkeypatch):
    first = evaluate(ItemKNN(split.train), split.test, split.train)
    again = evaluate(ItemKNN(split.train), split.test, split.train)
    assert first.values == again.values
    monkeypatch.setattr(best, "BATCH_BYTES", 4 * 160 * 7)
    done = []
    in_batches = evaluate(ItemKNN(split.train), split.test, split.train, done.append)
    assert len(done) > 10
    assert sum(done) == first.num_scored
    for metric, value in first.values.items():
        assert in_batches.values[metric] == pytest.approx(value, abs=1e-12), metric


def test_known_tracks_are_neither_listed_nor_ranked(split):
    """Whatever is scored at a known track changes nothing."""

    class Shouting(Popularity):
        def scores(self, query: TrackLists) -> np.ndarray:
            scores = super().scores(query)
            scores[query.list_index(), query.track_index] = 1e9
            return scores

    shouting = evaluate(Shouting(split.train), split.test, split.train)
    assert shouting.values == evaluate(Popularity(split.train), split.test, split.train).values


def test_the_query_is_all_that_a_scorer_sees(split):
    """At test time validation tracks are known, but not shown."""

    class Noting(Popularity):
        seen: list[list[int]] = []  # noqa: RUF012

        def scores(self, query: TrackLists) -> np.ndarray:
            self.seen += [query[row].tolist() for row in range(len(query))]
            return super().scores(query)

    evaluate(Noting(split.train), split.test, split.train)
    train = split.train.playlists.tracks
    answered = np.flatnonzero(split.test.targets.lengths)
    assert Noting.seen == [train[row].tolist() for row in answered]


def test_playlists_without_held_out_tracks_are_counted(planted_graph, split):
    nothing = TrackLists.from_lists([[]] * len(planted_graph.playlists))
    held_out = replace(split.test, targets=nothing)
    found = evaluate(Popularity(split.train), held_out, split.train)
    assert (found.num_scored, found.num_unscored) == (0, len(planted_graph.playlists))
    for metric in ("recall@20", "auc", "auc (pooled)", "clicks", "novelty@20"):
        assert math.isnan(found.values[metric]), metric
        assert found.to_json()["values"][metric] is None, metric


def test_both_questions_are_reported(planted_graph):
    """Each as if its playlists had been measured alone; together they are the whole."""
    split = split_graph(planted_graph, SplitRecipe("mixed"))
    scorer = Popularity(split.train)
    whole = evaluate(scorer, split.test, split.train)
    assert list(whole.by_question) == ["fit", "next"]
    for question, found in whole.by_question.items():
        alone = evaluate(scorer, split.test.asking(question), split.train)
        assert alone.by_question == {}
        assert (found.num_scored, found.num_unscored) == (alone.num_scored, 0)
        for name, value in alone.values.items():
            if name != "auc (pooled)":  # whose negatives are drawn for all playlists
                np.testing.assert_allclose(found.values[name], value, err_msg=name)
    assert sum(found.num_scored for found in whole.by_question.values()) == whole.num_scored
    again = Evaluation.from_json(json.loads(json.dumps(whole.to_json())))
    assert again.by_question["next"].values == whole.by_question["next"].values
    pooled = [found.values["auc (pooled)"] for found in whole.by_question.values()]
    assert min(pooled) > 0.4


def test_as_json(split):
    found = evaluate(Popularity(split.train), split.test, split.train)
    content = found.to_json()
    assert set(content) == {"values", "recall_curve", "num_scored", "num_unscored", "seconds"}
    assert list(content["values"]) == [metric.name for metric in METRICS]
    assert list(content["recall_curve"]) == [str(k) for k in CURVE_KS]
    assert content["recall_curve"]["300"] == content["values"]["recall@300"]
    assert content["num_scored"] + content["num_unscored"] == len(split.test.query)


def test_better_is_said_of_every_metric_that_has_a_direction():
    assert {metric.name for metric in METRICS if metric.direction == "lower"} == {"clicks"}
    neither = {metric.name for metric in METRICS if metric.direction == "neither"}
    assert neither == {
        *("novelty@20", "novelty@300", "coverage@20", "coverage@300"),
        *("artist share@10", "artist share of held-out"),
        *("artist diversity@10", "artist diversity of held-out"),
    }


def test_a_playlist_that_holds_every_track(small_graph):
    """It has no negative: no AUC, but ranks all the same."""
    held_out = HeldOut(
        query=TrackLists.from_lists([[0, 1, 2, 3], [0]]),
        known=TrackLists.from_lists([[0, 1, 2, 3], [0]]),
        targets=TrackLists.from_lists([[4, 5], [1]]),
        playlist_index=np.arange(2),
        asks_next=np.zeros(2, dtype=bool),
    )
    found = evaluate(Popularity(small_graph), held_out, small_graph)
    assert found.num_scored == 2
    assert found.values["recall@20"] == 1
    assert 0 <= found.values["auc"] <= 1


def test_nothing_scored_has_no_coverage(planted_graph, split):
    nothing = TrackLists.from_lists([[]] * len(planted_graph.playlists))
    held_out = replace(split.test, targets=nothing)
    found = evaluate(Popularity(split.train), held_out, split.train)
    assert math.isnan(found.values["coverage@20"])


def test_metrics_of_ones_own_stand_beside_the_others(split):
    """One that gives a value per playlist, with NaN left out of the mean, and one that is a sum."""

    def first_hit(rankings):
        first = np.minimum.reduceat(rankings.ranks.rank, rankings.ranks.offsets[:-1])
        return np.where(first > 50, np.nan, first)

    own = [
        Metric("first hit", first_hit, "lower", 1),
        Metric("hits@10", lambda rankings: float((rankings.ranks.rank <= 10).sum()), decimals=0),
        Metric("lists", lambda rankings: float(rankings.top_index.size), decimals=0),
    ]
    found = evaluate(Popularity(split.train), split.test, split.train, metrics=[*METRICS, *own])
    usual = evaluate(Popularity(split.train), split.test, split.train)
    assert list(found.values) == [*usual.values, "first hit", "hits@10", "lists"]
    assert {name: found.values[name] for name in usual.values} == usual.values
    assert found.metrics[-3:] == tuple(own)
    assert 1 <= found.values["first hit"] < 50
    recalls = usual.recall_curve[10] * split.test.targets.lengths.mean()
    assert found.values["hits@10"] == pytest.approx(recalls * found.num_scored, rel=0.05)
    assert found.values["lists"] == found.num_scored * split.train.catalog.num_tracks
    short = evaluate(
        Popularity(split.train), split.test, split.train, metrics=own[2:], list_length=7
    )
    assert short.values == {"lists": 7 * found.num_scored}


def test_a_metric_is_refused_where_it_could_be_misread(split):
    def measure(*metrics, **options):
        scorer = Popularity(split.train)
        return evaluate(scorer, split.test, split.train, metrics=metrics, **options)

    with pytest.raises(InputError, match="two metrics are called 'recall@20'"):
        measure(*METRICS, METRICS[0])
    with pytest.raises(ValueError, match=r"metric 'odd' gave an array of shape \(2,\)"):
        measure(Metric("odd", lambda rankings: np.zeros(2)))
    novelty = next(metric for metric in METRICS if metric.name == "novelty@20")
    with pytest.raises(ValueError, match="top_index has 10 columns, fewer than k = 20"):
        measure(novelty, list_length=10)
