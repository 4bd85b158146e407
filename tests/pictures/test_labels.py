"""Labels cover neither each other nor other nodes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.pictures.labels import overlap, place_labels

BOUNDS = (0.0, 0.0, 300.0, 200.0)


def boxes(labels, height=10.0):
    return np.array(
        [[p.x, p.y - height / 2, p.x + p.width, p.y + height / 2] for p in labels]
    ).reshape(-1, 4)


@given(
    st.lists(st.tuples(st.floats(0, 300), st.floats(0, 200), st.floats(1, 80)), max_size=25),
    st.booleans(),
)
def test_no_two_labels_overlap(drawn, cover):
    drawn = np.array(drawn).reshape(-1, 3)
    radius = np.full(len(drawn), 4.0)
    taken = np.array([[100.0, 50, 160, 90]])
    placed = place_labels(
        drawn[:, :2], radius, drawn[:, 2], 10.0, BOUNDS, range(len(drawn)), cover=cover, taken=taken
    )
    # A label states its middle, so that its edges are known to within rounding.
    found = boxes(placed) + np.array([1e-9, 1e-9, -1e-9, -1e-9])
    for at, (label, box) in enumerate(zip(placed, found, strict=True)):
        assert not overlap(box, np.delete(found, at, axis=0)).any()
        assert not overlap(box, taken).any()
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[2] <= 300
        assert box[3] <= 200
        if not cover:
            others = np.delete(drawn[:, :2], label.node, axis=0)
            assert not overlap(box, np.hstack([others - 4, others + 4])).any()


def test_the_first_place_is_on_the_right_then_on_the_left():
    centre, radius = np.array([[150.0, 100], [290.0, 100]]), np.full(2, 5.0)
    right, left = place_labels(centre, radius, np.full(2, 40.0), 10.0, BOUNDS, [0, 1], gap=2)
    assert (right.x, right.y) == (157.0, 100.0)
    assert left.x == 290 - 5 - 2 - 40


def test_important_ones_come_first_and_there_are_no_more_than_asked_for():
    centre = np.array([[20.0 + 20 * at, 100] for at in range(10)])
    widths = np.full(10, 15.0)
    order = [7, 2, 5, 0, 9]
    placed = place_labels(centre, np.ones(10), widths, 10.0, BOUNDS, order, most=3)
    assert [label.node for label in placed] == [7, 2, 5]


def test_what_must_have_a_label_has_one_even_in_a_crowd():
    # Nodes all around on a grid, so that every place covers one.
    grid = np.array([[x, y] for x in range(0, 301, 12) for y in range(0, 201, 12)], dtype=float)
    radius, widths = np.full(len(grid), 5.0), np.full(len(grid), 50.0)
    middle = len(grid) // 2
    assert place_labels(grid, radius, widths, 10.0, BOUNDS, [middle]) == []
    (label,) = place_labels(grid, radius, widths, 10.0, BOUNDS, [middle, 0], always=[middle])
    assert label.node == middle
