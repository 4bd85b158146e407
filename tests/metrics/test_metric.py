"""`Metric`: its value, its text, and which of several values is best."""

import math

import numpy as np
import pytest

from segue.metrics import METRICS, HeldOutRanks, Metric, Rankings


@pytest.fixture
def rankings() -> Rankings:
    """Two playlists over four tracks, with one and two held-out tracks."""
    return Rankings(
        playlist_index=np.array([3, 8]),
        ranks=HeldOutRanks(np.array([0, 1, 3]), np.array([2, 1, 3]), np.array([0.5, 0.75])),
        held_out_index=np.array([1, 0, 2]),
        top_index=np.array([[0, 1, 2, 3], [0, 3, 2, -1]]),
        popularity=np.array([8, 4, 2, 2]),
        positive_scores=np.array([0.2, 0.9], dtype=np.float32),
        negative_scores=np.array([0.1, 0.3], dtype=np.float32),
        pooled_row=np.array([0, 1]),
        asks_next=np.array([False, True]),
        query_offsets=np.array([0, 1, 2]),
        query_index=np.array([0, 3]),
        artist=np.array([0, 0, 1, -1]),
    )


def test_a_metric_is_a_mean_over_playlists_or_a_number(rankings: Rankings) -> None:
    assert Metric("auc", lambda r: r.ranks.auc).value(rankings) == 0.625
    one_has_none = Metric("half", lambda r: np.array([np.nan, 0.25]))
    assert one_has_none.value(rankings) == 0.25
    assert Metric("tracks", lambda r: float(r.num_tracks)).value(rankings) == 4.0
    assert math.isnan(Metric("nothing", lambda r: np.full(2, np.nan)).value(rankings))
    with pytest.raises(ValueError, match=r"'pairs' gave an array of shape \(3,\), expected .* 2 p"):
        Metric("pairs", lambda r: r.ranks.rank.astype(float)).value(rankings)


def test_every_metric_by_hand(rankings: Rankings) -> None:
    """Ranks 2 and 1, 3; bits of the tracks 1, 2, 3, 3; buckets by the middles of their pairs."""
    found = {metric.name: metric.value(rankings) for metric in METRICS}
    gain = [1 / math.log2(rank + 1) for rank in (1, 2, 3)]
    expected = {
        "recall@20": 1,
        "recall@300": 1,
        "r-precision": (0 + 1 / 2) / 2,
        "ndcg@20": (gain[1] + (gain[0] + gain[2]) / (gain[0] + gain[1])) / 2,
        "map@10": (1 / 2 + (1 + 2 / 3) / 2) / 2,
        "clicks": 0,
        "auc": 0.625,
        "auc (pooled)": 3 / 4,
        "novelty@20": ((1 + 2 + 3 + 3) / 4 + (1 + 3 + 3) / 3) / 2,
        "novelty@300": ((1 + 2 + 3 + 3) / 4 + (1 + 3 + 3) / 3) / 2,
        "coverage@20": 1,
        "coverage@300": 1,
        "recall@300 of bucket 1": math.nan,
        "recall@300 of bucket 2": 1,
        "recall@300 of bucket 3": math.nan,
        "recall@300 of bucket 4": 1,
        "recall@300 of bucket 5": 1,
        "artist share@10": (2 / 4 + 0) / 2,
        "artist share of held-out": (1 + 0) / 2,
        "artist diversity@10": (5 / 6 + 1) / 2,
        "artist diversity of held-out": 1,
    }
    assert found == pytest.approx(expected, nan_ok=True)


def test_figures_in_tables() -> None:
    clicks = Metric("clicks", lambda r: 0.0, "lower", 2)
    assert [clicks.format(value) for value in (1.005, math.nan, None)] == ["1.00", "–", "–"]
    assert clicks.best([3.0, math.nan, 2.0]) == 2.0
    assert Metric("recall", lambda r: 0.0).best([3.0, math.nan, 2.0]) == 3.0
    assert Metric("novelty", lambda r: 0.0, "neither").best([3.0, 2.0]) is None
    assert clicks.best([math.nan]) is None
