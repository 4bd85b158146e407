"""Trees as arrays: what they predict, and what is no tree."""

import numpy as np
import pytest

from segue.scoring.trees import Trees


def by_walking(trees: Trees, row: np.ndarray) -> float:
    """One step after another."""
    total = 0.0
    for tree in range(trees.num_trees):
        start, stop = trees.offsets[tree : tree + 2]
        node = 0 if stop > start else -1
        while node >= 0:
            at, value = start + node, row[trees.feature[start + node]]
            goes_left = trees.missing_left[at] if np.isnan(value) else value <= trees.threshold[at]
            node = int((trees.left if goes_left else trees.right)[at])
        total += trees.leaf_value[start + tree + ~node]
    return total


def drawn(rng: np.random.Generator, num_trees: int, most_nodes: int, num_features: int) -> Trees:
    """Trees of random shapes, some of one leaf: a leaf is split time and again."""
    parts = {"left": [], "right": []}
    sizes = rng.integers(0, most_nodes + 1, num_trees)
    for size in sizes.tolist():
        left, right, leaves = [], [], [None]  # of each leaf: the place that leads to it
        for node in range(size):
            leaf = int(rng.integers(len(leaves)))
            if leaves[leaf] is not None:
                side, parent = leaves[leaf]
                side[parent] = node
            left.append(~leaf)
            right.append(~len(leaves))
            leaves[leaf] = (left, node)
            leaves.append((right, node))
        parts["left"] += left
        parts["right"] += right
    total = int(sizes.sum())
    return Trees(
        num_features=np.array([num_features]),
        offsets=np.concatenate([[0], np.cumsum(sizes)]),
        feature=rng.integers(0, num_features, total).astype(np.int32),
        threshold=np.round(rng.normal(size=total), 1),
        missing_left=rng.integers(0, 2, total).astype(np.uint8),
        left=np.array(parts["left"], dtype=np.int32),
        right=np.array(parts["right"], dtype=np.int32),
        leaf_value=rng.normal(size=total + num_trees),
    )


def test_sums_over_the_first_trees_are_those_of_fewer_trees():
    rng = np.random.default_rng(3)
    trees = drawn(rng, 20, 15, 5)
    features = rng.normal(size=(300, 5)).astype(np.float32)
    found = trees.predict_first(features, (1, 7, 20))
    expected = [trees.first(number).predict(features) for number in (1, 7, 20)]
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(trees.predict_first(features, [7])[:, 0], expected[1], rtol=1e-12)


@pytest.mark.parametrize("most_nodes", [0, 1, 7, 31, 32, 63])
def test_a_prediction_is_where_walking_ends(most_nodes):
    rng = np.random.default_rng(most_nodes)
    trees = drawn(rng, 20, most_nodes, 5)
    features = np.round(rng.normal(size=(300, 5)), 1).astype(np.float32)
    features[rng.random(features.shape) < 0.1] = np.nan
    features[0], features[1] = np.inf, -np.inf
    trees.threshold[::7] = np.inf
    expected = [by_walking(trees, row) for row in features]
    np.testing.assert_allclose(trees.predict(features), expected, atol=1e-12)
    for row in (0, 5, 299):  # as for all together
        np.testing.assert_array_equal(
            trees.predict(features[row : row + 1]), trees.predict(features)[row : row + 1]
        )
    assert trees.predict(features[:0]).shape == (0,)


CHANGES = {
    "left": [([0], 0), ([0], 5), ([0], -9), ([1], 1), ([0], 2)],
    "right": [([0], -1), ([2], -1), ([2], 3), ([2], -5)],
    "feature": [([0], -1), ([0], 4), ([2], 2**31 - 1)],
    "threshold": [([0], np.nan)],
    "leaf_value": [([0], np.nan), ([3], -np.inf)],
    "missing_left": [([0], 2)],
    "offsets": [([0], 1), ([0], -1), ([1], 4), ([1], 0), ([1], 2**62), ([2], 2)],
    "num_features": [([0], 2), ([0], -1)],
}


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """A tree of two nodes, one above the other, and a tree of one."""
    return {
        "num_features": np.array([4]),
        "offsets": np.array([0, 2, 3]),
        "feature": np.array([0, 3, 2], dtype=np.int32),
        "threshold": np.array([0.5, 0.1, -1.0]),
        "missing_left": np.array([0, 1, 0], dtype=np.uint8),
        "left": np.array([1, ~0, ~0], dtype=np.int32),
        "right": np.array([~2, ~1, ~1], dtype=np.int32),
        "leaf_value": np.array([1.0, 2.0, 4.0, 8.0, 16.0]),
    }


def test_by_hand(arrays):
    rows = np.array([[0, 0, 0, 0], [1, 0, -2, 0], [0, 0, 0, 0.2], [np.nan] * 4], dtype=np.float32)
    assert Trees(**arrays).predict(rows).tolist() == [1 + 16, 4 + 8, 2 + 16, 4 + 16]


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [(name, *change) for name, all_ in CHANGES.items() for change in all_],
)
def test_what_is_no_tree_is_refused(arrays, name, place, value):
    Trees(**arrays)
    arrays[name] = arrays[name].copy()
    arrays[name][place] = value
    with pytest.raises(ValueError, match="tree"):
        Trees(**arrays)


@pytest.mark.parametrize("name", list(CHANGES))
def test_other_shapes_and_types_are_refused(arrays, name):
    whole = arrays[name]
    for other in (whole[:-1], whole[None], whole.astype(np.float16), np.append(whole, whole[-1:])):
        with pytest.raises(ValueError, match="tree"):
            Trees(**arrays | {name: other})


def test_a_tree_of_more_leaves_than_bits_is_refused():
    size = 64
    chain = np.arange(1, size + 1, dtype=np.int32)
    chain[-1] = ~size
    with pytest.raises(ValueError, match="from 1 to 64 leaves"):
        Trees(
            num_features=np.array([1]),
            offsets=np.array([0, size]),
            feature=np.zeros(size, dtype=np.int32),
            threshold=np.arange(size, dtype=np.float64),
            missing_left=np.zeros(size, dtype=np.uint8),
            left=~np.arange(size, dtype=np.int32),
            right=chain,
            leaf_value=np.zeros(size + 1),
        )


def test_trees_that_need_too_much_memory_are_refused():
    """Of a few megabytes in a file, but gigabytes once looked up."""
    number = 100_000
    with pytest.raises(ValueError, match="too many different thresholds"):
        Trees(
            num_features=np.array([1]),
            offsets=np.arange(number + 1),
            feature=np.zeros(number, dtype=np.int32),
            threshold=np.arange(number, dtype=np.float64),
            missing_left=np.zeros(number, dtype=np.uint8),
            left=np.full(number, ~0, dtype=np.int32),
            right=np.full(number, ~1, dtype=np.int32),
            leaf_value=np.zeros(2 * number),
        )
