"""The metrics against hand-worked tables, plain definitions and scikit-learn."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    ndcg_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from segue import metrics
from segue.metrics import HeldOutRanks

NAN = math.nan


def csr(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *(len(row) for row in lists)])
    return offsets, np.array([track for row in lists for track in row], dtype=np.int32)


def rank_lists(scores: Any, known: Any, held_out: Any) -> HeldOutRanks:
    return metrics.rank_held_out(np.asarray(scores, np.float32), *csr(known), *csr(held_out))


def ranks_of(*rank_lists: Sequence[int]) -> HeldOutRanks:
    """Ranks straight from a table, for the metrics that read nothing else."""
    offsets, rank = csr(rank_lists)
    return HeldOutRanks(offsets, rank, np.full(len(rank_lists), NAN))


# Five playlists over eight tracks; the scores are chosen so that all can be worked by hand.
SCORES = [
    [9, 8, 7, 6, 5, 4, 3, 2],
    [1, 5, 5, 3, 5, 0, 2, 5],
    [1, 2, 3, 4, 5, 6, 7, 8],
    [1, 2, 3, 4, 5, 6, 7, 8],
    [4, 4, 4, 4, 4, 4, 4, 4],
]
KNOWN = [[0, 3], [1], [], [0, 1, 2, 3, 4, 5], []]
HELD_OUT = [[4, 1], [4, 3], [], [6, 7], [2]]


def test_ranks_and_auc_by_hand() -> None:
    ranks = rank_lists(SCORES, KNOWN, HELD_OUT)
    # 0: candidates in order 1 2 4 5 6 7: track 4 is third, track 1 first.
    # 1: without track 1, in order 2 4 7 (all 5) 3 6 0 5: track 4 second of its tie, 3 fourth.
    # 3: only the held-out ones are left: 7, then 6.
    # 4: all tied, so by index: track 2 is third.
    assert ranks.rank.tolist() == [3, 1, 2, 4, 2, 1, 3]
    assert ranks.offsets.tolist() == [0, 2, 4, 4, 6, 7]
    assert ranks.num_held_out.tolist() == [2, 2, 0, 2, 1]
    # 0: negatives 2 5 6 7: track 4 beats three, track 1 all four: 7 of 8.
    # 1: negatives 0 2 5 6 7: track 4 beats 0 5 6, ties 2 7; track 3 beats 0 5 6: 7 of 10.
    # 2 has no held-out track, 3 no negative; 4 ties with everything.
    np.testing.assert_array_equal(ranks.auc, [7 / 8, 7 / 10, NAN, NAN, 1 / 2])


def test_scores_stay_as_they_are_and_known_ones_may_be_anything() -> None:
    scores = np.array(SCORES, dtype=np.float64)
    want = metrics.rank_held_out(scores, *csr(KNOWN), *csr(HELD_OUT))
    scores[0, 0], scores[0, 3], scores[1, 1] = NAN, -np.inf, np.inf
    before = scores.copy()
    scores.setflags(write=False)
    got = metrics.rank_held_out(scores, *csr(KNOWN), *csr(HELD_OUT))
    np.testing.assert_array_equal(got.rank, want.rank)
    np.testing.assert_array_equal(got.auc, want.auc)
    np.testing.assert_array_equal(scores, before)


def test_float64_scores_are_not_rounded_into_ties() -> None:
    scores = np.array([[1.0, 1.0 + 1e-12]])
    assert metrics.rank_held_out(scores, *csr([[]]), *csr([[1]])).rank.tolist() == [1]


# h = 3, h = 1 with no hit, nothing held out (first, between and last), h = 2.
TABLE = ranks_of([], [7, 1, 3], [501], [], [12, 11], [])


@pytest.mark.parametrize(
    ("values", "want"),
    [
        (metrics.recall(TABLE, 3), [2 / 3, 0, 0]),
        (metrics.recall(TABLE, 7), [1, 0, 0]),
        (metrics.recall(TABLE, 11), [1, 0, 1 / 2]),
        # In the top 3: ranks 1 and 3. In the top 1: none. In the top 2: none.
        (metrics.r_precision(TABLE), [2 / 3, 0, 0]),
        # k = 3: (1/log2 2 + 1/log2 4) / (1/log2 2 + 1/log2 3 + 1/log2 4) = 1.5 / 2.1309.
        (metrics.ndcg(TABLE, 3), [1.5 / (1.5 + 1 / math.log2(3)), 0, 0]),
        # k = 1: ideal is one track at the top, although three are held out.
        (metrics.ndcg(TABLE, 1), [1, 0, 0]),
        # k = 12: ranks 12 and 11 against 1 and 2, (1/log2 13 + 1/log2 12) / (1 + 1/log2 3).
        (
            metrics.ndcg(TABLE, 12)[[2, 4]],
            [0, (1 / math.log2(13) + 1 / math.log2(12)) / (1 + 1 / math.log2(3))],
        ),
        # Hits at 1, 3, 7: (1/1 + 2/3 + 3/7) / 3; 11 and 12 lie below the cutoff of 10.
        (metrics.average_precision(TABLE), [(1 + 2 / 3 + 3 / 7) / 3, 0, 0]),
        # k = 2: one hit, at the top, of the two that fit.
        (metrics.average_precision(TABLE, 2), [1 / 2, 0, 0]),
        # First hits at 1, 501, 11: no page turned, none in the first 500, one page turned.
        (metrics.clicks(TABLE), [0, 51, 1]),
    ],
)
def test_accuracy_by_hand(values: np.ndarray, want: list[float]) -> None:
    assert values.dtype == np.float64
    if len(values) == 6:
        assert np.isnan(values[[0, 3, 5]]).all(), "nothing held out must be NaN"
        values = values[[1, 2, 4]]
    np.testing.assert_allclose(values, want, rtol=1e-12)


def test_clicks_at_the_edges_of_pages() -> None:
    ranks = ranks_of([1], [10], [11], [20, 700], [491], [500], [501], [900, 21])
    assert metrics.clicks(ranks).tolist() == [0, 0, 1, 1, 49, 49, 51, 2]


@pytest.mark.parametrize("h", [1, 2, 3, 10, 11, 60])
def test_perfect_lists_score_exactly_one(h: int) -> None:
    perfect = ranks_of(range(h, 0, -1))
    assert metrics.r_precision(perfect).tolist() == [1]
    assert metrics.recall(perfect, h).tolist() == [1]
    for k in (1, 5, 10, 100):
        np.testing.assert_allclose(metrics.ndcg(perfect, k), [1], rtol=1e-12)
        assert metrics.ndcg(perfect, k)[0] <= 1
        assert metrics.average_precision(perfect, k).tolist() == [1]


def test_average_precision_falls_as_a_hit_sinks() -> None:
    values = metrics.average_precision(ranks_of(*([1, rank] for rank in range(2, 13))))
    assert (np.diff(values[:10]) < 0).all()
    assert values[9] == values[10] == 1 / 2  # ranks 11 and 12 are beyond the cutoff


def test_no_playlists_and_nothing_held_out() -> None:
    for num_playlists in (0, 2):
        empty = rank_lists(np.zeros((num_playlists, 3)), [[]] * num_playlists, [[]] * num_playlists)
        values = [metrics.recall(empty, 5), metrics.r_precision(empty), metrics.ndcg(empty, 5)]
        values += [metrics.average_precision(empty), metrics.clicks(empty), empty.auc]
        np.testing.assert_array_equal(values, np.full((6, num_playlists), NAN))
    assert metrics.concatenate([]).num_playlists == 0


# Each case: for every playlist and track, a score and whether it is unseen (0), known, held out.
@st.composite
def cases(draw: st.DrawFn, distinct: bool = False) -> tuple[np.ndarray, list, list]:
    num_tracks = draw(st.integers(1, 25))
    num_playlists = draw(st.integers(0, 5))
    row = (
        st.permutations(range(num_tracks))
        if distinct
        else st.lists(st.integers(-2, 3), min_size=num_tracks, max_size=num_tracks)
    )
    labels = st.lists(st.integers(0, 2), min_size=num_tracks, max_size=num_tracks)
    scores, known, held_out = [], [], []
    for _ in range(num_playlists):
        scores.append(draw(row))
        label = draw(labels)
        known.append([track for track in range(num_tracks) if label[track] == 1])
        held_out.append(draw(st.permutations([t for t in range(num_tracks) if label[t] == 2])))
    return np.array(scores, np.float32).reshape(num_playlists, num_tracks), known, held_out


def plain_order(scores: np.ndarray, known: list[int]) -> list[int]:
    return sorted(set(range(len(scores))) - set(known), key=lambda track: (-scores[track], track))


def plain_metrics(order: list[int], held_out: list[int], k: int) -> list[float]:
    """Recall, R-precision, nDCG, AP and clicks read off a sorted list, one by one."""
    if not held_out:
        return [NAN] * 5
    hit = [track in held_out for track in order]
    h = len(held_out)
    dcg = sum(1 / math.log2(i + 2) for i in range(min(k, len(order))) if hit[i])
    ideal = sum(1 / math.log2(i + 2) for i in range(min(k, h)))
    precisions = [sum(hit[: i + 1]) / (i + 1) for i in range(min(k, len(order))) if hit[i]]
    return [
        sum(hit[:k]) / h,
        sum(hit[:h]) / h,
        dcg / ideal,
        sum(precisions) / min(k, h),
        hit.index(True) // 10,
    ]


@given(cases(), st.integers(1, 30), st.sampled_from([0, 3, 30]))
def test_everything_equals_the_plain_definitions(case: Any, k: int, most_compared: int) -> None:
    scores, known, held_out = case
    with pytest.MonkeyPatch.context() as patch:  # by sorting, by comparing, and by both
        patch.setattr("segue.metrics.ranks._MOST_COMPARED", most_compared)
        ranks = rank_lists(scores, known, held_out)
    orders = [plain_order(*pair) for pair in zip(scores, known, strict=True)]
    rows = list(zip(orders, held_out, strict=True))
    assert ranks.rank.tolist() == [1 + order.index(t) for order, held in rows for t in held]
    want = [plain_metrics(order, held, k) for order, held in rows]
    got = [metrics.recall(ranks, k), metrics.r_precision(ranks), metrics.ndcg(ranks, k)]
    got += [metrics.average_precision(ranks, k), metrics.clicks(ranks)]
    np.testing.assert_allclose(np.transpose(got), np.reshape(want, (-1, 5)), rtol=1e-12)
    for row, (order, held) in enumerate(rows):
        pairs = [(scores[row, p], scores[row, n]) for p in held for n in set(order) - set(held)]
        won = [(p > n) + (p == n) / 2 for p, n in pairs]
        np.testing.assert_equal(ranks.auc[row], np.mean(won) if won else NAN)
        if won:
            truth = np.isin(order, held)
            np.testing.assert_allclose(ranks.auc[row], roc_auc_score(truth, scores[row, order]))


@settings(max_examples=30)
@given(cases(distinct=True), st.integers(1, 30))
def test_accuracy_equals_scikit_learn(case: Any, k: int) -> None:
    scores, known, held_out = case
    ranks = rank_lists(scores, known, held_out)
    bucket = np.arange(scores.shape[1]) % 2
    tracks = np.array([track for held in held_out for track in held], dtype=np.int64)
    by_bucket = metrics.bucket_recall(ranks, tracks, bucket, k, num_buckets=2)
    for row, held in enumerate(held_out):
        if not held:
            continue
        order = plain_order(scores[row], known[row])
        truth, h = np.isin(order, held), len(held)
        listed = np.arange(len(order))
        np.testing.assert_allclose(metrics.recall(ranks, k)[row], recall_score(truth, listed < k))
        # Among as many as are held out, precision and recall are one.
        np.testing.assert_allclose(
            metrics.r_precision(ranks)[row], precision_score(truth, listed < h)
        )
        # scikit-learn divides by the hits that the list holds.
        hits = truth[:k].sum()
        precision = average_precision_score(truth[:k], -listed[:k]) if hits else 0
        want = precision * hits / min(k, h)
        np.testing.assert_allclose(metrics.average_precision(ranks, k)[row], want)
        if len(order) > 1:  # it refuses a single document
            want = ndcg_score([truth.astype(int)], [-listed], k=k)
            np.testing.assert_allclose(metrics.ndcg(ranks, k)[row], want)
        for half in (0, 1):
            in_half = truth & (bucket[order] == half)
            want = recall_score(in_half, listed < k) if in_half.any() else NAN
            np.testing.assert_allclose(by_bucket[row, half], want)


def test_many_held_out_tracks_rank_as_each_does_alone() -> None:
    rng = np.random.default_rng(0)
    for scores in (rng.random((1, 400)), rng.integers(0, 9, (1, 400)).astype(float)):
        known, held_out = np.split(rng.permutation(400)[:150], [30])
        ranks = rank_lists(scores, [known], [held_out])
        alone = [rank_lists(scores, [known], [[track]]).rank[0] for track in held_out]
        assert ranks.rank.tolist() == alone


@given(cases(), st.data())
def test_batches_concatenated_equal_one_whole(case: Any, data: st.DataObject) -> None:
    scores, known, held_out = case
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(scores)), max_size=3))), len(scores)]
    batches = [slice(*pair) for pair in pairwise(cuts)]
    joined = metrics.concatenate([rank_lists(scores[b], known[b], held_out[b]) for b in batches])
    whole = rank_lists(scores, known, held_out)
    for field in ("offsets", "rank", "auc"):
        np.testing.assert_array_equal(getattr(joined, field), getattr(whole, field))


def test_novelty_by_hand() -> None:
    popularity = np.array([8, 4, 2, 1, 1, 0])  # 16 in all: 1, 2, 3, 4, 4 bits; 0 counts as 1: 4
    top = np.array([[0, 1, 5], [2, -1, -1], [-1, -1, -1], [-1, 3, 0]])
    np.testing.assert_array_equal(metrics.novelty(top, popularity, 3), [7 / 3, 3, NAN, 5 / 2])
    np.testing.assert_array_equal(metrics.novelty(top, popularity, 2), [3 / 2, 3, NAN, 4])


def test_coverage_by_hand() -> None:
    top = np.array([[0, 1, 5], [1, 0, -1]])
    assert metrics.coverage(top, 6, 2) == 2 / 6
    assert metrics.coverage(top, 6, 3) == 3 / 6
    # A catalogue smaller than k is listed whole; a list cut short is not.
    assert metrics.coverage(np.array([[1, 0]]), 2, 300) == 1
    assert math.isnan(metrics.coverage(np.empty((0, 3), int), 6, 3)), "no list covers anything"
    with pytest.raises(ValueError, match="top_index has 3 columns, fewer than k = 4"):
        metrics.coverage(top, 6, 4)


def test_lists_are_looked_at_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    top, popularity = rng.integers(-1, 40, (50, 9)), rng.integers(0, 9, 40)
    whole = metrics.novelty(top, popularity, 9), metrics.coverage(top[:7], 40, 9)
    monkeypatch.setattr("segue.metrics.popularity._BLOCK_ROWS", 3)
    np.testing.assert_array_equal(metrics.novelty(top, popularity, 9), whole[0])
    assert metrics.coverage(top[:7], 40, 9) == whole[1]


def test_popularity_buckets_by_hand() -> None:
    # By popularity: tracks 1 (6), 3 (4), 0 and 4 (3 each), 2 (2), 5 (2), 6 (0): 20 pairs. Two
    # buckets of ten: 6 + 4 and the rest. Four of five: 6 | 4 | 3 3 | 2 2 0, as the cut at 5 lies
    # nearest to 6, that at 10 on 10 and that at 15 nearest to 16.
    popularity = np.array([3, 6, 2, 4, 3, 2, 0], dtype=np.uint16)
    assert metrics.popularity_buckets(popularity, 2).tolist() == [1, 0, 1, 0, 1, 1, 1]
    assert metrics.popularity_buckets(popularity, 4).tolist() == [2, 0, 3, 1, 2, 3, 3]
    assert metrics.popularity_buckets(np.array([1] * 10)).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60).filter(any), st.integers(1, 8))
def test_popularity_buckets_are_cut_in_order_and_even(pairs: list[int], num_buckets: int) -> None:
    popularity = np.array(pairs)
    bucket = metrics.popularity_buckets(popularity, num_buckets)
    order = sorted(range(len(pairs)), key=lambda track: (-pairs[track], track))
    assert (np.diff(bucket[order]) >= 0).all()
    held = np.bincount(bucket, weights=popularity, minlength=num_buckets)
    assert len(held) == num_buckets
    # Each cut is off by at most half a track.
    cuts = np.cumsum(held) - sum(pairs) * np.arange(1, num_buckets + 1) / num_buckets
    assert np.abs(cuts).max() <= max(pairs) / 2


def test_bucket_recall_by_hand() -> None:
    ranks = ranks_of([1, 9, 2], [], [30])
    held_out_index, bucket = np.array([4, 0, 2, 1]), np.array([0, 1, 0, 2, 0])
    # Playlist 0 holds out tracks 4, 0, 2, all in bucket 0; two of three are in the top 5.
    # Playlist 2 holds out track 1, in bucket 1, at rank 30.
    values = metrics.bucket_recall(ranks, held_out_index, bucket, 5, num_buckets=3)
    want = [[2 / 3, NAN, NAN], [NAN, NAN, NAN], [NAN, 0, NAN]]
    np.testing.assert_array_equal(values, want)
    assert metrics.bucket_recall(ranks, held_out_index, bucket, 9, num_buckets=3)[0, 0] == 1
    one = metrics.bucket_recall(ranks, held_out_index, np.zeros(5, np.int8), 5, num_buckets=1)
    np.testing.assert_array_equal(one[:, 0], metrics.recall(ranks, 5))


def test_pooled_auc_by_hand() -> None:
    # 3 beats both, 1 ties with 1 and loses to 2: (2 + 1/2) of 4.
    assert metrics.pooled_auc(np.array([3.0, 1.0]), np.array([1.0, 2.0])) == 2.5 / 4
    assert math.isnan(metrics.pooled_auc(np.array([]), np.array([1.0])))


floats = st.lists(st.integers(-4, 4), min_size=1, max_size=40)


@given(floats, floats)
def test_pooled_auc_equals_scikit_learn(positive: list[int], negative: list[int]) -> None:
    got = metrics.pooled_auc(np.array(positive, np.float32), np.array(negative, np.float64))
    truth = [1] * len(positive) + [0] * len(negative)
    np.testing.assert_allclose(got, roc_auc_score(truth, positive + negative))


def test_mean_over_scored() -> None:
    assert metrics.mean_over_scored(np.array([1.0, NAN, 0.0, NAN, 0.5])) == (0.5, 2)
    mean, num_unscored = metrics.mean_over_scored(np.array([NAN, NAN]))
    assert math.isnan(mean)
    assert num_unscored == 2
    assert math.isnan(metrics.mean_over_scored(np.array([]))[0])


OK = np.zeros((2, 4))
BAD = np.array([[0, 0, 0, 0], [0, NAN, 0, 0]])
POPULARITY = np.array([3, 1, 0])


def rank_known(known_offsets: np.ndarray) -> HeldOutRanks:
    return metrics.rank_held_out(OK, known_offsets, np.array([1]), *csr([[], []]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rank_lists(OK[0], [[], []], [[], []]), "scores must be float32/64"),
        (lambda: metrics.rank_held_out(OK.astype(int), *csr([[]] * 2), *csr([[]] * 2)), "int64"),
        (
            lambda: rank_lists(BAD, [[], []], [[], []]),
            "but is not in playlist row 1, track 1",
        ),
        (lambda: rank_lists(OK - np.inf, [[], []], [[], []]), "playlist row 0, track 0"),
        (lambda: rank_lists(OK, [[], [2]], [[1], [3, 2]]), "track 2 is both known and held out"),
        (lambda: rank_lists(OK, [[], [2, 2]], [[], []]), "known_index repeats track 2 in .* row 1"),
        (lambda: rank_lists(OK, [[], []], [[0, 0], []]), "held_out_index repeats track 0 in .* 0"),
        (lambda: rank_lists(OK, [[]], [[], []]), "known_offsets is for 1 playlists, not 2"),
        (lambda: rank_lists(OK, [[], []], [[4], []]), "held_out_index holds 4, not below 4"),
        (lambda: rank_lists(OK, [[-1], []], [[], []]), "known_index holds -1, below 0"),
        (lambda: rank_known(np.array([0, 2, 1])), "known_offsets must start at 0 and not decrease"),
        (lambda: rank_known(np.array([0, 1, 3])), "known_offsets ends at 3, .* hold 1 entries"),
        (lambda: rank_known(OK[0]), "known_offsets must be a 1-dimensional integer array"),
        (lambda: ranks_of([1, 0]), "rank holds 0, below 1"),
        (lambda: HeldOutRanks(np.array([0, 1]), np.array([1]), np.zeros(2)), "auc must have shape"),
        (lambda: metrics.recall(TABLE, 0), "k must be at least 1, not 0"),
        (lambda: metrics.ndcg(TABLE, 0), "k must be at least 1"),
        (lambda: metrics.average_precision(TABLE, -1), "k must be at least 1"),
        (lambda: metrics.novelty(np.array([[3]]), POPULARITY, 1), "top_index holds 3, not below 3"),
        (lambda: metrics.novelty(np.array([[-2]]), POPULARITY, 1), "top_index holds -2"),
        (lambda: metrics.novelty(np.array([0]), POPULARITY, 1), "2-dimensional integer array"),
        (lambda: metrics.novelty(np.array([[0]]), POPULARITY * 0, 1), "no training pairs"),
        (lambda: metrics.popularity_buckets(-POPULARITY), "popularity holds -3, below 0"),
        (lambda: metrics.popularity_buckets(POPULARITY, 0), "num_buckets must be at least 1"),
        (
            lambda: metrics.bucket_recall(TABLE, np.zeros(5, int), POPULARITY, 5),
            "5 held-out tracks",
        ),
        (
            lambda: metrics.bucket_recall(TABLE, np.zeros(6, int), POPULARITY, 5, 2),
            "bucket holds 3",
        ),
        (lambda: metrics.pooled_auc(np.array([NAN]), np.zeros(1)), "positive_scores must be"),
        (lambda: metrics.pooled_auc(np.zeros(1), OK), "negative_scores must be"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
