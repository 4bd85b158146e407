"""The metrics by hand, for each definition."""

import math

import numpy as np
import pytest

from segue.challenge.scoring import measure
from segue.metrics.accuracy import clicks, ndcg, r_precision
from segue.metrics.ranks import HeldOutRanks

# Four hidden tracks of three artists; the artist of d is not known.
TARGETS = {"a": "A", "b": "A", "c": "C", "d": None}
ARTISTS = {"a2": "A", "a3": "A", "c2": "C", "x": "X", "y": "Y"}


def by_hand(listed: list[str]) -> dict[str, tuple[float, float, float]]:
    found = measure(listed, TARGETS, ARTISTS)
    return {by: tuple(values.values()) for by, values in found.items()}


def test_a_perfect_list():
    found = by_hand(["c", "a", "d", "b", "x"])
    # The organisers' artists come on top of the hits: A and C.
    assert found["organisers"] == pytest.approx((1 + 2 * 0.25 / 4, 1, 0))
    assert found["rules"] == pytest.approx((1, 1, 0))
    assert found["vl6"] == pytest.approx((1, 1, 0))


def test_hits_and_right_artists():
    # Hits at ranks 2 (a) and 6 (c); the first four show a2 and a3 of A, once, and a itself.
    found = by_hand(["a2", "a", "x", "a3", "y", "c"])
    ideal = 1 + 1 / math.log2(3) + 1 / 2 + 1 / math.log2(5)
    ndcg = (1 / math.log2(3) + 1 / math.log2(7)) / ideal
    assert found["organisers"] == pytest.approx(((1 + 0.25) / 4, ndcg, 0))
    assert found["vl6"] == pytest.approx(((1 + 0.25) / 4, ndcg, 0))
    # log2(2) = 1: on the rules page the second rank counts as much as the first.
    assert found["rules"] == pytest.approx((1 / 4, (1 + 1 / math.log2(6)) / (1 + 1), 0))


def test_the_artist_of_a_hit_counts_for_the_organisers_alone():
    found = by_hand(["a", "x", "y", "z"])
    assert found["organisers"][0] == pytest.approx((1 + 0.25) / 4)
    assert found["vl6"][0] == found["rules"][0] == pytest.approx(1 / 4)


def test_artists_below_the_number_of_hidden_tracks_do_not_count():
    found = by_hand(["x", "y", "z", "w", "c2"])
    assert {values[0] for values in found.values()} == {0}


def test_unknown_artists_never_match():
    found = measure(["p", "q"], {"a": None}, {})
    assert {values["r-precision"] for values in found.values()} == {0}


@pytest.mark.parametrize(
    ("rank", "expected"), [(1, 0), (10, 0), (11, 1), (20, 1), (491, 49), (500, 49), (None, 51)]
)
def test_clicks(rank, expected):
    listed = [f"n{place}" for place in range(500)]
    if rank is not None:
        listed[rank - 1] = "a"
    found = by_hand(listed)
    assert {values[2] for values in found.values()} == {expected}


def test_no_hit():
    found = by_hand(["x", "y"])
    assert {values[1:] for values in found.values()} == {(0.0, 51.0)}


def test_the_ideal_is_no_longer_than_a_list():
    targets = {f"t{row}": None for row in range(600)}
    found = measure([f"t{row}" for row in range(500)], targets, {})
    assert found["organisers"]["ndcg"] == found["vl6"]["ndcg"] == pytest.approx(1)
    # Over all 600 for the organisers, over the 500 that a list can hold for the winners.
    assert found["organisers"]["r-precision"] == pytest.approx(500 / 600)
    assert found["vl6"]["r-precision"] == pytest.approx(1)


def test_hits_ndcg_and_clicks_are_those_of_the_package():
    rng = np.random.default_rng(4)
    lists, targets = [], []
    for number in range(30):
        tracks = rng.permutation(900)
        lists.append([str(track) for track in tracks[:500]])
        targets.append([str(track) for track in rng.choice(tracks, 1 + 3 * number, replace=False)])
    rank = [
        1 + listed.index(track) if track in listed else 900
        for listed, those in zip(lists, targets, strict=True)
        for track in those
    ]
    offsets = np.cumsum([0, *map(len, targets)])
    ranks = HeldOutRanks(offsets, np.array(rank), np.full(30, np.nan))
    found = [
        measure(listed, dict.fromkeys(those), {})
        for listed, those in zip(lists, targets, strict=True)
    ]
    assert [each["rules"]["r-precision"] for each in found] == pytest.approx(r_precision(ranks))
    assert [each["organisers"]["ndcg"] for each in found] == pytest.approx(ndcg(ranks, 500))
    assert [each["organisers"]["clicks"] for each in found] == pytest.approx(clicks(ranks))
