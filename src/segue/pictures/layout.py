"""Layouts: by forces, in columns with few crossings, in rings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.float64]
Edges = Sequence[tuple[int, int]]
_MAX_SWEEPS = 24
_MANY_NODES = 400


def force_layout(
    num_nodes: int, edges: Edges, lengths: Sequence[float] | None = None, rng_seed: int = 0
) -> Positions:
    """Force-directed layout: the fewer and shorter the edges between nodes, the closer they are.

    T. Kamada and S. Kawai: "An algorithm for drawing general undirected graphs", Information
    Processing Letters 31, 1989; above 400 nodes the faster one of T. Fruchterman and E. Reingold.
    `spread_out` is then applied.

    Parameters
    ----------
    num_nodes
    edges
    lengths
        Ideal length of each edge; 1 by default.
    rng_seed

    Returns
    -------
    float64 [num_nodes, 2]
        In the unit square; the same for the same graph and `rng_seed`.
    """
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(num_nodes))
    for at, (one, other) in enumerate(edges):
        length = 1.0 if lengths is None else lengths[at]
        graph.add_edge(one, other, length=length, pull=1 / length**2)
    placed = nx.spring_layout(graph, seed=rng_seed, weight="pull")
    if 2 < num_nodes <= _MANY_NODES:
        placed = nx.kamada_kawai_layout(graph, pos=placed, weight="length")
    position = np.array([placed[node] for node in range(num_nodes)]).reshape(num_nodes, 2)
    return spread_out(position)


def spread_out(position: Positions) -> Positions:
    """Positions spread out over the unit square: float64 [num_nodes, 2].

    The mean of each coordinate and its rank, for layouts in which only proximity is meaningful: a
    few outliers then do not squeeze everything else together.
    """
    rank = np.argsort(np.argsort(position, axis=0, kind="stable"), axis=0, kind="stable")
    return (unit_square(position) + unit_square(rank.astype(np.float64))) / 2


def unit_square(position: Positions) -> Positions:
    """Scale each axis to fill the unit square; an axis without extent is centred."""
    if not len(position):
        return position
    low, extent = position.min(axis=0), np.ptp(position, axis=0)
    spread = extent > 1e-9
    scaled: Positions = np.where(spread, (position - low) / np.where(spread, extent, 1), 0.5)
    return scaled


def count_crossings(left: Sequence[int], right: Sequence[int], edges: Edges) -> int:
    """Pairs of edges between two columns that cross, given the order of each column.

    Edges that do not join a node of `left` to one of `right` are ignored.
    """
    place_left = {node: place for place, node in enumerate(left)}
    place_right = {node: place for place, node in enumerate(right)}
    ends = sorted(
        (place_left[one], place_right[other])
        for pair in edges
        for one, other in (pair, pair[::-1])
        if one in place_left and other in place_right
    )
    # Sorted by left end, then right end: edges cross if a later one ends further up on the right.
    second = np.array([end for _, end in ends], dtype=np.int64)
    return int(sum((second[:at] > end).sum() for at, end in enumerate(second)))


def order_columns(
    columns: Sequence[Sequence[int]], edges: Edges, *, fixed: Sequence[int] = ()
) -> list[list[int]]:
    """Order the nodes of each column so that few edges between neighbouring columns cross.

    Sweeps back and forth put each node at the mean position of its neighbours in the previous
    column, then adjacent nodes are swapped while that helps (K. Sugiyama, S. Tagawa, M. Toda:
    "Methods for visual understanding of hierarchical system structures", IEEE Trans. SMC 11, 1981;
    E. R. Gansner et al.: "A technique for drawing directed graphs", IEEE Trans. SE 19, 1993). The
    best order seen is kept, so there are never more crossings than at the start.

    Parameters
    ----------
    columns
        Nodes of each column.
    edges
        Pairs of nodes; only those between neighbouring columns count.
    fixed
        Columns that keep their order.
    """
    order = [list(column) for column in columns]
    neighbours: dict[int, set[int]] = {node: set() for column in order for node in column}
    for one, other in edges:
        neighbours[one].add(other)
        neighbours[other].add(one)

    def total() -> int:
        return sum(count_crossings(left, right, edges) for left, right in pairwise(order))

    def sweep(at: int, by: Sequence[int]) -> None:
        """Sort a column by the mean positions of its neighbours in other columns."""
        if at in fixed:
            return
        place = {node: y for column in by for node, y in _even(order[column]).items()}
        now = _even(order[at])

        def key(node: int) -> float:
            near = [place[other] for other in sorted(neighbours[node]) if other in place]
            return sum(near) / len(near) if near else now[node]

        order[at].sort(key=key)

    best, fewest = [list(column) for column in order], total()
    for turn in range(_MAX_SWEEPS):
        last = len(order) - 1
        if turn % 3 == 2:
            for at in range(len(order)):
                sweep(at, [column for column in (at - 1, at + 1) if 0 <= column <= last])
        elif turn % 2:
            for at in range(last - 1, -1, -1):
                sweep(at, [at + 1])
        else:
            for at in range(1, last + 1):
                sweep(at, [at - 1])
        crossings = total()
        if crossings < fewest:
            best, fewest = [list(column) for column in order], crossings
        if not fewest:
            break
    order = best
    for _ in range(_MAX_SWEEPS):
        free = [at for at in range(len(order)) if at not in fixed]
        if sum(_transpose(order, at, neighbours) for at in free) == 0:
            break
    return order


def _even(column: Sequence[int]) -> dict[int, float]:
    """Each node's position in its column, evenly spread over (0, 1)."""
    return {node: (row + 0.5) / len(column) for row, node in enumerate(column)}


def _transpose(order: list[list[int]], at: int, neighbours: dict[int, set[int]]) -> bool:
    """Swap adjacent nodes in a column where that reduces crossings."""
    around = [order[column] for column in (at - 1, at + 1) if 0 <= column < len(order)]
    places = [{node: row for row, node in enumerate(column)} for column in around]

    def ends(node: int) -> list[list[int]]:
        return [[place[n] for n in neighbours[node] if n in place] for place in places]

    column, improved = order[at], False
    for row in range(len(column) - 1):
        upper, lower = ends(column[row]), ends(column[row + 1])
        now = sum(
            a > b for one, other in zip(upper, lower, strict=True) for a in one for b in other
        )
        then = sum(
            a < b for one, other in zip(upper, lower, strict=True) for a in one for b in other
        )
        if then < now:
            column[row], column[row + 1] = column[row + 1], column[row]
            improved = True
    return improved


def spread_column(ideal: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Positions in [0, 1] close to ideal ones, in the same order, at least `gap` apart.

    The closest by least squares: positions that are too close are pooled around their mean (M. Ayer
    et al.: "An empirical distribution function for sampling with incomplete information", Annals of
    Mathematical Statistics 26, 1955).

    Parameters
    ----------
    ideal : float64 [n]
    gap
        At most 1 / (n − 1).
    """
    offsets = np.arange(len(ideal)) * gap
    blocks: list[tuple[float, int]] = []  # mean and size
    for value in (ideal - offsets).tolist():
        mean, size = value, 1
        while blocks and blocks[-1][0] >= mean:
            before, count = blocks.pop()
            mean = (mean * size + before * count) / (size + count)
            size += count
        blocks.append((mean, size))
    pooled = np.repeat([mean for mean, _ in blocks], [size for _, size in blocks])
    room = max(0.0, 1.0 - (len(ideal) - 1) * gap)
    places: NDArray[np.float64] = np.clip(pooled, 0.0, room) + offsets
    return places


def column_layout(columns: Sequence[Sequence[int]], edges: Edges, num_nodes: int) -> Positions:
    """Positions of ordered columns: the longest fills the height, the others align with it.

    Returns
    -------
    float64 [num_nodes, 2]
        In the unit square, from the left and from the top.
    """
    position = np.full((num_nodes, 2), 0.5)
    longest = max(range(len(columns)), key=lambda at: len(columns[at]))
    gap = 1 / max(1, len(columns[longest]) - 1)
    neighbours: dict[int, list[int]] = {node: [] for node in range(num_nodes)}
    for one, other in edges:
        neighbours[one].append(other)
        neighbours[other].append(one)
    done: set[int] = set()
    for at in sorted(range(len(columns)), key=lambda at: (abs(at - longest), at)):
        nodes = list(columns[at])
        position[nodes, 0] = at / max(1, len(columns) - 1)
        even = (np.arange(len(nodes)) + 0.5) / max(1, len(nodes))
        if at == longest:
            position[nodes, 1] = np.linspace(0, 1, len(nodes)) if len(nodes) > 1 else 0.5
        elif nodes:
            ideal = []
            for node, place in zip(nodes, even, strict=True):
                near = [position[other, 1] for other in neighbours[node] if other in done]
                ideal.append(float(np.mean(near)) if near else float(place))
            # As far apart as space allows, up to one and a half rows.
            apart = min(1.5 * gap, 1 / max(1, len(nodes) - 1)) if len(nodes) > 1 else gap
            position[nodes, 1] = spread_column(np.array(ideal), apart)
        done.update(nodes)
    return position


def flow_layout(
    columns: Sequence[Sequence[int]], flow: NDArray[np.float64], least: float
) -> Positions:
    """Positions of ordered columns with flows; nodes are as tall as their flow.

    Each node gets space in proportion to its flow, but at least `least`; the rest of a column is
    divided among its nodes.

    Parameters
    ----------
    columns
    flow : float64 [num_nodes]
        Through each node.
    least
        Share of the height that each node needs for its name.

    Returns
    -------
    float64 [num_nodes, 2]
        In the unit square, from the left and from the top.
    """
    position = np.full((len(flow), 2), 0.5)
    # As tall as the fullest column allows when each of its nodes has at least that space.
    scale = min(
        (max(0.1, 0.8 - 0.5 * least * len(column)) / max(float(flow[list(column)].sum()), 1e-12))
        for column in columns
        if len(column)
    )
    for at, column in enumerate(columns):
        nodes = list(column)
        if not nodes:
            continue
        room = np.maximum(flow[nodes] * scale, least)
        room *= min(1.0, 1 / float(room.sum()))
        # Half a gap at either end centres short columns.
        gap = (1 - float(room.sum())) / len(nodes)
        ends = np.cumsum(room + gap)
        position[nodes, 0] = at / max(1, len(columns) - 1)
        position[nodes, 1] = ends - (room + gap) / 2
    return position


def ring_angles(
    num_inner: int, num_outer: int, edges: Edges
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Angles on two rings, evenly spread on each, so that joined nodes have similar directions.

    Parameters
    ----------
    num_inner, num_outer
    edges
        Pairs of indices, on the inner and on the outer ring.

    Returns
    -------
    inner, outer : float64 [num_inner], float64 [num_outer]
        In radians.
    """
    joined = np.zeros((num_inner, num_outer))
    for one, other in edges:
        joined[one, other] = 1
    inner = np.arange(num_inner) * 2 * np.pi / max(1, num_inner)
    best, least = (inner, _around(joined.T, inner)), np.inf
    for _ in range(_MAX_SWEEPS):
        outer = _around(joined.T, inner)
        bent = float((joined * (1 - np.cos(inner[:, None] - outer[None, :]))).sum())
        if bent < least - 1e-9:
            best, least = (inner, outer), bent
        inner = _around(joined, outer)
    return best


def _around(joined: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread nodes around a ring, each near the mean direction of its neighbours."""
    wanted = np.angle(joined @ np.exp(1j * angle)) % (2 * np.pi)
    # Rounded, so that the last bit does not decide the order.
    order = np.argsort(np.round(wanted, 9), kind="stable")
    even = np.arange(len(order)) * 2 * np.pi / max(1, len(order))
    placed = np.empty(len(order))
    placed[order] = even + float(np.angle(np.exp(1j * (wanted[order] - even)).sum()))
    return placed
