"""Labels next to their nodes that cover neither each other nor other nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class PlacedLabel:
    """Position of a label in points: the middle of its left side, and its width."""

    node: int
    x: float
    y: float
    width: float


def place_labels(
    centre: NDArray[np.float64],
    radius: NDArray[np.float64],
    widths: NDArray[np.float64],
    height: float,
    bounds: tuple[float, float, float, float],
    order: Sequence[int],
    *,
    always: Sequence[int] = (),
    cover: bool = False,
    taken: Boxes | None = None,
    gap: float = 2.5,
    most: int | None = None,
) -> list[PlacedLabel]:
    """Label each node in turn at the first free position around it, or not at all if there is none.

    Parameters
    ----------
    centre : float64 [num_nodes, 2]
    radius : float64 [num_nodes]
    widths : float64 [num_nodes]
        Of the labels.
    height
        Of each label.
    bounds
        Left, bottom, right and top that no label may cross.
    order
        Nodes to label, the most important first.
    always
        Nodes that are labelled even if that covers other nodes, then as few as possible. They
        should come first in `order`.
    cover
        Whether labels may cover nodes; they are then centred on them, or a line or two off.
    taken : float64 [num_boxes, 4], optional
        Boxes (left, bottom, right, top) that no label may cover.
    gap
        Between a node and its label.
    most
        Maximum number of labels.

    Returns
    -------
    list of PlacedLabel
        No two of them overlap, and none (but those of `always`) covers a node other than its own.
    """
    nodes = np.concatenate([centre - radius[:, None], centre + radius[:, None]], axis=1)
    taken = np.empty((0, 4)) if taken is None else taken
    placed: list[PlacedLabel] = []
    for node in order:
        if most is not None and len(placed) >= most:
            break
        others = np.delete(nodes, node, axis=0)
        best: tuple[int, Boxes] | None = None
        if cover:
            left, middle = centre[node] - (widths[node] / 2, 0)
            spots = [(left, middle + lines * height) for lines in (0, 1, -1, 2, -2)]
        else:
            spots = _spots(centre[node], radius[node], widths[node], height, gap)
        for x, y in spots:
            box = np.array([x, y - height / 2, x + widths[node], y + height / 2])
            inside = (box[:2] >= bounds[:2]).all() and (box[2:] <= bounds[2:]).all()
            if not inside or overlap(box, taken).any():
                continue
            covered = 0 if cover else int(overlap(box, others).sum())
            if (covered == 0 or node in always) and (best is None or covered < best[0]):
                best = (covered, box)
        if best is not None:
            box = best[1]
            taken = np.vstack([taken, box + np.array([-gap, 0, gap, 0])])
            middle = float(box[1] + box[3]) / 2
            placed.append(PlacedLabel(node, float(box[0]), middle, float(widths[node])))
    return placed


def overlap(box: Boxes, others: Boxes) -> NDArray[np.bool_]:
    """Which of the boxes (left, bottom, right, top) overlap one box: bool [num_others]."""
    shared: NDArray[np.bool_] = (
        (others[:, 0] < box[2])
        & (others[:, 2] > box[0])
        & (others[:, 1] < box[3])
        & (others[:, 3] > box[1])
    )
    return shared


def _spots(
    centre: NDArray[np.float64], radius: float, width: float, height: float, gap: float
) -> list[tuple[float, float]]:
    """Candidate positions of a label around its node, best first: right, left, above, below …"""
    x, y = centre
    right, left, middle = x + radius + gap, x - radius - gap - width, x - width / 2
    over, under = y + radius + gap / 2 + height / 2, y - radius - gap / 2 - height / 2
    slant = 0.6 * (radius + height / 2)
    return [
        (right, y),
        (left, y),
        (middle, over),
        (middle, under),
        (right - gap, y + slant),
        (right - gap, y - slant),
        (left + gap, y + slant),
        (left + gap, y - slant),
    ]
