"""Boosted trees as plain arrays, and their sum for rows of features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.data.csr import row_index

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

# A leaf is a bit of an integer.
MOST_LEAVES = 64
# What is looked up for a prediction must fit into memory: a model that was trained takes 5 MiB.
_MOST_TABLE_BYTES = 256 << 20
# Rows whose sets of leaves stay in the processor's cache.
_BLOCK_ROWS = 256
_NODE_COLUMNS = {
    "feature": np.int32,
    "threshold": np.float64,
    "missing_left": np.uint8,
    "left": np.int32,
    "right": np.int32,
}
_DTYPES = {
    "num_features": np.int64,
    "offsets": np.int64,
    **_NODE_COLUMNS,
    "leaf_value": np.float64,
}


class _Table(NamedTuple):
    """Which leaves the nodes of one feature leave open.

    `thresholds` (float64 [num_thresholds], ascending), and `leaves` ([num_thresholds + 2,
    num_trees], bits of unsigned integers): a row for each number of thresholds below the value, and
    a last one for a missing value.
    """

    feature: int
    thresholds: Float64Array
    leaves: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Trees:
    """Regression trees, whose sum for a row of features is the prediction.

    A row starts at the first node of each tree and goes left where ``x[feature] <= threshold``; one
    that lacks the feature (NaN) goes left where `missing_left` is 1.

    No row walks down a tree: each node rules out the leaves on the side that the row does not take,
    and the one leaf that remains is where it ends (C. Lucchese and others: "QuickScorer: A Fast
    Algorithm to Rank Documents with Additive Ensembles of Regression Trees", SIGIR 2015). What the
    nodes of a feature rule out depends only on how many of their thresholds are below the value, so
    it is looked up. The result does not depend on the number of threads: there is only one.

    Attributes
    ----------
    num_features : int64 [1]
    offsets : int64 [num_trees + 1]
        Start of each tree's inner nodes; a tree has one leaf more than it has inner nodes.
    feature : int32 [num_nodes]
    threshold : float64 [num_nodes]
    missing_left : uint8 [num_nodes]
    left, right : int32 [num_nodes]
        Which node of the tree comes next, or ~i for its leaf i. A node comes after the one that
        leads to it.
    leaf_value : float64 [num_nodes + num_trees]
        The leaves of the first tree, then those of the second, and so on.
    """

    num_features: Int64Array
    offsets: Int64Array
    feature: Int32Array
    threshold: Float64Array
    missing_left: NDArray[np.uint8]
    left: Int32Array
    right: Int32Array
    leaf_value: Float64Array

    def __post_init__(self) -> None:
        """Raise ValueError unless the arrays form such trees."""
        for name, dtype in _DTYPES.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.ndim != 1:
                raise ValueError(f"{name} of the trees must be a column of {np.dtype(dtype)}")
        num_nodes, sizes = len(self.feature), np.diff(self.offsets)
        if any(len(getattr(self, name)) != num_nodes for name in _NODE_COLUMNS):
            raise ValueError("the columns of the trees' nodes differ in length")
        if len(self.offsets) < 2 or self.offsets[0] != 0 or self.offsets[-1] != num_nodes:
            raise ValueError("the offsets of the trees must go from 0 to the number of nodes")
        if (sizes < 0).any() or (sizes >= MOST_LEAVES).any():
            raise ValueError(f"a tree must have from 1 to {MOST_LEAVES} leaves")
        if len(self.leaf_value) != num_nodes + len(sizes):
            raise ValueError("a tree must have one leaf more than it has nodes")
        # Some nodes ask only whether a feature is missing: no number is above their threshold.
        if np.isnan(self.threshold).any() or not np.isfinite(self.leaf_value).all():
            raise ValueError("thresholds and leaves of the trees must be numbers")
        known = len(self.num_features) == 1 and (self.feature >= 0) & (
            self.feature < self.num_features[0]
        )
        if not np.all(known) or (self.missing_left > 1).any():
            raise ValueError("a node of the trees has no such feature, or no side for missing ones")
        self._check_children()
        rows = num_nodes + 2 * len(np.unique(self.feature))
        if rows * len(sizes) * self._bits.itemsize > _MOST_TABLE_BYTES:
            raise ValueError("the trees have too many different thresholds")

    def _check_children(self) -> None:
        """Raise ValueError unless each node is reached from one earlier node, each leaf from one.

        So there is neither a loop nor a part that two nodes share.
        """
        tree, start = self._tree, self.offsets[:-1][self._tree]
        place = np.arange(len(tree)) - start
        last = np.diff(self.offsets)[tree]
        nodes, leaves = np.zeros(len(tree), np.int64), np.zeros(len(self.leaf_value), np.int64)
        for child in (self.left.astype(np.int64), self.right.astype(np.int64)):
            inner = child >= 0
            if not np.where(inner, (child > place) & (child < last), ~child <= last).all():
                raise ValueError("a node of the trees leads to one that is not below it")
            nodes += np.bincount((start + child)[inner], minlength=len(nodes))
            leaves += np.bincount((start + tree + ~child)[~inner], minlength=len(leaves))
        # Nothing leads to a first node, nor to the leaf of a tree without nodes.
        alone = np.repeat(np.diff(self.offsets) == 0, np.diff(self.offsets) + 1)
        if not ((nodes == (place > 0)).all() and (leaves == ~alone).all()):
            raise ValueError("a node or leaf of the trees is reached twice, or not at all")

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Trees:
        """From the arrays that a bundle stores (ValueError or TypeError if they are others)."""
        return cls(**arrays)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that a bundle stores."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def num_trees(self) -> int:
        """Number of trees."""
        return len(self.offsets) - 1

    def first(self, number: int) -> Trees:
        """The first trees, of which there are at least one; all if there are no more."""
        if number >= self.num_trees:
            return self  # with its tables
        nodes = slice(0, self.offsets[number])
        columns = {name: getattr(self, name)[nodes] for name in _NODE_COLUMNS}
        leaves = self.leaf_value[: self.offsets[number] + number]
        return Trees(self.num_features, self.offsets[: number + 1], leaf_value=leaves, **columns)

    @cached_property
    def _tree(self) -> Int64Array:
        """The tree of each node."""
        return row_index(self.offsets)

    @property
    def _bits(self) -> np.dtype[Any]:
        """The type of a set of leaves."""
        return np.dtype(np.uint32 if np.diff(self.offsets).max() < 32 else np.uint64)

    def predict(self, features: Float32Array) -> Float64Array:
        """The sum over all trees: float64 [num_rows].

        `features` is float32 [num_rows, num_features].
        """
        predicted = np.empty(len(features))
        for block, values in self._reached(features):
            predicted[block] = values.sum(axis=1)
        return predicted

    def predict_first(self, features: Float32Array, numbers: Sequence[int]) -> Float64Array:
        """The sums over the first trees, for several numbers of them: float64 [num_rows, *].

        `numbers` are ascending and at least 1.
        """
        predicted = np.empty((len(features), len(numbers)))
        starts = [0, *numbers[:-1]]
        for block, values in self.first(numbers[-1])._reached(features):
            predicted[block] = np.add.reduceat(values, starts, axis=1).cumsum(axis=1)
        return predicted

    def _reached(self, features: Float32Array) -> Iterator[tuple[slice, Float64Array]]:
        """Rows, and the values of the leaves where each ends: float64 [num_rows, num_trees]."""
        tables, full = self._tables, self._full
        ranks = np.empty((len(tables), len(features)), dtype=np.int64)
        for rank, table in zip(ranks, tables, strict=True):
            values = features[:, table.feature]
            # NaN comes after all numbers.
            np.add(table.thresholds.searchsorted(values), np.isnan(values), out=rank)
        for start in range(0, len(features), _BLOCK_ROWS):
            block = slice(start, min(start + _BLOCK_ROWS, len(features)))
            left = np.repeat(full[None], block.stop - start, axis=0)
            open_to = np.empty_like(left)
            for rank, table in zip(ranks[:, block], tables, strict=True):
                table.leaves.take(rank, axis=0, out=open_to, mode="clip")
                left &= open_to
            yield block, self._values[_bit_of(left) + self._first]

    @cached_property
    def _values(self) -> Float64Array:
        return np.ascontiguousarray(self.leaf_value)

    @cached_property
    def _first(self) -> Int64Array:
        """The first leaf of each tree."""
        first: Int64Array = self.offsets[:-1] + np.arange(self.num_trees)
        return first

    @cached_property
    def _full(self) -> NDArray[Any]:
        """All leaves of each tree."""
        leaves = (np.diff(self.offsets) + 1).astype(np.uint64)
        return (~np.uint64(0) >> (np.uint64(64) - leaves)).astype(self._bits)

    @cached_property
    def _leaves_below(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The leaves to the left of each node and to its right."""
        place = np.arange(len(self._tree)) - self.offsets[:-1][self._tree]
        sides = np.zeros((2, len(place)), dtype=np.uint64)
        order = np.argsort(-place, kind="stable")
        ends = np.flatnonzero(np.diff(place[order])) + 1
        for nodes in np.split(order, ends):  # What is below comes first.
            for side, child in zip(sides, (self.left, self.right), strict=True):
                below = child[nodes].astype(np.int64)
                bit = np.uint64(1) << np.where(below < 0, ~below, 0).astype(np.uint64)
                inner = np.where(below < 0, 0, self.offsets[:-1][self._tree[nodes]] + below)
                side[nodes] = np.where(below < 0, bit, sides[0, inner] | sides[1, inner])
        return sides[0], sides[1]

    @cached_property
    def _tables(self) -> list[_Table]:
        left, right = (~leaves.astype(self._bits) for leaves in self._leaves_below)
        tables = []
        for feature in np.unique(self.feature).tolist():
            nodes = np.flatnonzero(self.feature == feature)
            thresholds, at = np.unique(self.threshold[nodes], return_inverse=True)
            shape = (len(thresholds) + 2, self.num_trees)
            to_left, to_right = (np.full(shape, ~self._bits.type(0)) for _ in range(2))
            tree, missing_left = self._tree[nodes], self.missing_left[nodes] == 1
            # Up to its own place a threshold is not below the value: such rows go left.
            np.bitwise_and.at(to_left, (at, tree), right[nodes])
            np.bitwise_and.at(to_right, (at + 1, tree), left[nodes])
            leaves = np.bitwise_and.accumulate(to_left[-2::-1])[::-1]
            leaves &= np.bitwise_and.accumulate(to_right[:-1])
            missing = to_left[-1]
            np.bitwise_and.at(missing, tree, np.where(missing_left, right[nodes], left[nodes]))
            tables.append(_Table(feature, thresholds, np.vstack([leaves, missing])))
        return tables


def _bit_of(sets: NDArray[Any]) -> Int64Array:
    """The place of the only bit of each integer, from the exponent of the number."""
    if sets.dtype == np.uint32:
        return (sets.astype(np.float32).view(np.int32) >> 23).astype(np.int64) - 127
    return (sets.astype(np.float64).view(np.int64) >> 52) - 1023
