"""Layouts: few crossings, room between the nodes, the same for a seed."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.pictures.layout import (
    column_layout,
    count_crossings,
    flow_layout,
    force_layout,
    order_columns,
    ring_angles,
    spread_column,
    spread_out,
    unit_square,
)


@st.composite
def layered(draw):
    """Three columns of nodes, and edges between neighbouring ones."""
    sizes = draw(st.tuples(*[st.integers(1, 6)] * 3))
    ends = np.cumsum([0, *sizes])
    columns = [list(range(ends[at], ends[at + 1])) for at in range(3)]
    pairs = [(a, b) for at in (0, 1) for a in columns[at] for b in columns[at + 1]]
    return columns, draw(st.lists(st.sampled_from(pairs), unique=True))


def crossings(columns, edges) -> int:
    """Counted pair by pair."""
    place = {
        node: (at, row) for at, column in enumerate(columns) for row, node in enumerate(column)
    }
    return sum(
        place[a][0] == place[c][0] and (place[a][1] - place[c][1]) * (place[b][1] - place[d][1]) < 0
        for (a, b), (c, d) in combinations(edges, 2)
    )


@given(layered())
def test_crossings_are_counted(drawn):
    columns, edges = drawn
    assert sum(count_crossings(*pair, edges) for pair in pairwise(columns)) == crossings(
        columns, edges
    )


@given(layered())
def test_ordering_never_adds_crossings_nor_loses_nodes(drawn):
    columns, edges = drawn
    order = order_columns(columns, edges)
    assert [sorted(column) for column in order] == columns
    assert crossings(order, edges) <= crossings(columns, edges)
    assert order_columns(columns, edges) == order
    assert order_columns(columns, edges, fixed=(2,))[2] == columns[2]


def test_what_can_be_drawn_without_crossings_is():
    # Two trees whose nodes are shuffled.
    columns = [[0, 1], [2, 3, 4, 5], [6, 7, 8, 9]]
    edges = [(0, 5), (0, 3), (1, 2), (1, 4), (5, 6), (3, 8), (2, 7), (4, 9)]
    assert crossings(columns, edges) > 0
    assert crossings(order_columns(columns, edges), edges) == 0


@given(st.lists(st.floats(-1, 2), min_size=1, max_size=12))
def test_a_column_keeps_its_order_and_its_gaps(ideal):
    gap = 1 / max(1, len(ideal) - 1) * 0.9
    placed = spread_column(np.array(ideal), gap)
    assert (np.diff(placed) >= gap - 1e-9).all()
    assert -1e-9 <= placed.min() <= placed.max() <= 1 + 1e-9


def test_a_column_with_room_stands_where_it_likes():
    assert spread_column(np.array([0.2, 0.5, 0.9]), 0.1).tolist() == pytest.approx([0.2, 0.5, 0.9])
    # Two that want the same place share it.
    assert spread_column(np.array([0.5, 0.5]), 0.2).tolist() == pytest.approx([0.4, 0.6])


@given(layered())
def test_columns_stand_apart(drawn):
    columns, edges = drawn
    position = column_layout(columns, edges, sum(map(len, columns)))
    assert ((position >= -1e-9) & (position <= 1 + 1e-9)).all()
    least = 1 / max(1, max(map(len, columns)) - 1)
    for at, column in enumerate(columns):
        assert (position[column, 0] == at / 2).all()
        assert (np.diff(position[column, 1]) >= least - 1e-9).all()


def test_flows_get_room_in_proportion():
    flow = np.array([8.0, 4.0, 3.0, 3.0, 6.0])
    position = flow_layout([[0], [1, 2], [3, 4]], flow, 0.1)
    assert position[:, 0].tolist() == [0, 0.5, 0.5, 1, 1]
    assert position[0, 1] == pytest.approx(0.5)
    for at, (upper, lower) in enumerate([(1, 2), (3, 4)]):
        apart = position[lower, 1] - position[upper, 1]
        assert 0.25 < apart < 0.75, at
    many = flow_layout([[0], list(range(1, 30))], np.ones(30), 0.1)
    assert ((many >= 0) & (many <= 1)).all()


@given(st.integers(0, 6), st.integers(0, 8), st.data())
def test_rings_are_evenly_spread(num_inner, num_outer, data):
    pairs = [(a, b) for a in range(num_inner) for b in range(num_outer)]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    for count, angles in zip(
        (num_inner, num_outer), ring_angles(num_inner, num_outer, edges), strict=True
    ):
        assert angles.shape == (count,)
        gaps = np.diff(np.sort(angles % (2 * np.pi)))
        assert gaps == pytest.approx([2 * np.pi / count] * (count - 1), abs=1e-6) if count else True


def test_what_is_joined_stands_in_like_directions():
    pairs = [(at, (at * 5 + 3) % 12) for at in range(12)]
    inner, outer = ring_angles(12, 12, pairs)
    turn = [np.cos(inner[a] - outer[b]) for a, b in pairs]
    assert min(turn) > 0.9


def test_forces_bring_neighbours_together():
    clusters = [list(combinations(range(at, at + 6), 2)) for at in (0, 6)]
    edges = [*clusters[0], *clusters[1], (0, 6)]
    position = force_layout(12, edges)
    assert position.min() == 0
    assert position.max() == 1
    assert (force_layout(12, edges) == position).all()
    between = np.linalg.norm(position[:6].mean(axis=0) - position[6:].mean(axis=0))
    within = np.linalg.norm(position[1:6] - position[1:6].mean(axis=0), axis=1).mean()
    assert between > 2 * within


def test_a_few_outliers_do_not_press_the_others_together():
    near = np.stack([np.arange(9.0), np.arange(9.0)], axis=1)
    position = spread_out(np.vstack([near, [1000, 1000]]))
    assert position[0].tolist() == [0, 0]
    assert position[9].tolist() == [1, 1]
    # Halfway between 0.008 and 8 / 9.
    assert position[8] == pytest.approx([(0.008 + 8 / 9) / 2] * 2)


@pytest.mark.parametrize("num_nodes", [1, 2, 3])
def test_few_nodes_have_a_place(num_nodes):
    position = force_layout(num_nodes, [])
    assert position.shape == (num_nodes, 2)
    assert np.isfinite(position).all()
    assert num_nodes > 1 or position.tolist() == [[0.5, 0.5]]


def test_the_unit_square_of_nothing_and_of_one_line():
    assert unit_square(np.empty((0, 2))).shape == (0, 2)
    assert unit_square(np.array([[3.0, 1], [5, 1]])).tolist() == [[0, 0.5], [1, 0.5]]
