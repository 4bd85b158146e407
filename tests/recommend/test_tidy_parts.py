"""A list cut into parts that go together."""

import numpy as np
import pytest

from segue.recommend.parts import cut
from segue.scoring.centroid import unit_rows


def groups(sizes: list[int], noise: float = 0.15, dim: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around axes, shuffled, and the axis of each."""
    rng = np.random.default_rng(2)
    of = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = np.eye(dim, dtype=np.float32)[of]
    return unit_rows(centres + rng.normal(size=centres.shape, scale=noise).astype(np.float32)), of


def same_parts(found: np.ndarray, expected: np.ndarray) -> bool:
    pairs = set(zip(found.tolist(), expected.tolist(), strict=True))
    return len(pairs) == len(set(found.tolist())) == len(set(expected.tolist()))


@pytest.mark.parametrize("sizes", [[30, 20], [40, 12, 25], [15, 15, 15, 15, 15]])
def test_groups_are_found_with_their_number(sizes):
    vectors, of = groups(sizes)
    assert same_parts(cut(vectors), of)


def test_a_list_of_a_piece_is_one_part():
    vectors, _ = groups([60])
    assert not cut(vectors).any()


def test_parts_are_numbered_as_they_begin():
    vectors, _ = groups([30, 20, 25])
    _, first = np.unique(cut(vectors), return_index=True)
    assert first.tolist() == sorted(first.tolist())
    assert first[0] == 0


def test_as_many_as_asked_for():
    vectors, of = groups([30, 20])
    assert set(cut(vectors, 3).tolist()) == {0, 1, 2}
    assert not cut(vectors, 1).any()
    assert same_parts(cut(vectors, 2), of)
    np.testing.assert_array_equal(cut(vectors, 5), cut(vectors, 5))


def test_few_and_equal_songs():
    assert cut(np.zeros((0, 3), dtype=np.float32)).tolist() == []
    assert cut(np.eye(3, dtype=np.float32)[:1], 4).tolist() == [0]
    equal = np.tile(np.eye(3, dtype=np.float32)[:1], (30, 1))
    assert not cut(equal).any()
    assert not cut(equal, 3).any()
    assert not cut(np.zeros((30, 3), dtype=np.float32)).any(), "songs nothing is known of"
