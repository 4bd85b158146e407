"""Maximal marginal relevance against the formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import InputError
from segue.scoring.rerank import check_dial, check_diversity, diversified


def naive(vectors: np.ndarray, score: np.ndarray, n: int, diversity: float) -> list[int]:
    chosen: list[int] = []
    while len(chosen) < min(n, len(score)):
        best, place = -np.inf, -1
        for at in range(len(score)):
            if at in chosen:
                continue
            value = score[at]
            if chosen:
                likeness = np.float32(max(vectors[at] @ vectors[c] for c in chosen))
                value = (1 - diversity) * score[at] - diversity * likeness
            if value > best + 1e-7:
                best, place = value, at
        chosen.append(place)
    return chosen


@given(
    rng_seed=st.integers(0, 999),
    num=st.integers(0, 15),
    n=st.integers(1, 18),
    diversity=st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]),
)
def test_as_the_formula_has_it(rng_seed, num, n, diversity):
    rng = np.random.default_rng(rng_seed)
    vectors = rng.normal(size=(num, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    score = -np.sort(-rng.uniform(-1, 1, num)).astype(np.float32)
    assert diversified(vectors, score, n, diversity) == naive(vectors, score, n, diversity)


def test_two_alike_are_not_both_first():
    """The second is nearly the first; with some diversity the third comes before it."""
    vectors = np.array([[1, 0], [0.999, 0.04471], [0, 1]], dtype=np.float32)
    score = np.array([0.9, 0.89, 0.6], dtype=np.float32)
    assert diversified(vectors, score, 3, 0.0) == [0, 1, 2]
    assert diversified(vectors, score, 3, 0.4) == [0, 2, 1]


def test_what_is_not_admitted_is_passed_over():
    vectors, score = np.eye(4, dtype=np.float32), np.array([4, 3, 2, 1], dtype=np.float32)
    taken: list[int] = []
    chosen = diversified(
        vectors, score, 2, 0.3, admits=lambda place: place % 2 == 1, take=taken.append
    )
    assert chosen == taken == [1, 3]


@pytest.mark.parametrize("value", [-1.01, 1.5, float("inf"), float("nan")])
def test_out_of_range(value):
    with pytest.raises(InputError, match="the dial is at"):
        check_dial(value)
    with pytest.raises(InputError, match="diversity is"):
        check_diversity(value)
