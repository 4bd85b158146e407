"""Names and values next to the points of a plot, none over another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from segue.pictures.labels import overlap, place_labels
from segue.pictures.style import Size
from segue.pictures.text import drawable, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def name_points(
    figure: Figure,
    axis: Axes,
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    size: Size,
) -> None:
    """Names next to the first points, covering as few marks as possible, and no other name."""
    figure.draw_without_rendering()  # lays out the axes, so that positions in points are known
    scale = 72 / figure.dpi
    texts = [drawable(name) for name in names]
    where = scale * np.array(axis.transData.transform(points))
    left, bottom, right, top = (scale * edge for edge in axis.bbox.extents)
    for label in place_labels(
        where,
        np.full(len(points), 0.5 * size.font),
        np.array([text_width(text, 0.9 * size.font) for text in texts]),
        1.2 * size.font,
        (left, bottom, right, top),
        range(len(texts)),
        always=range(len(texts)),
    ):
        x, y = where[label.node]
        axis.annotate(
            texts[label.node], points[label.node], xytext=(label.x - x, label.y - y),
            textcoords="offset points", va="center", fontsize=0.9 * size.font, gid="label",
        )  # fmt: skip


def name_peaks(
    axis: Axes,
    points: Mapping[int, tuple[float, float]],
    size: Size,
    colors: Mapping[int, str],
    *,
    above: bool,
) -> None:
    """The value of each series' best point, by place, above or below it, in its colour.

    Where they would overprint they are stacked, in the order of the values.
    """
    scale, font, way = 72 / axis.figure.dpi, 0.8 * size.font, 1 if above else -1
    left, _, right, _ = (scale * edge for edge in axis.bbox.extents)
    taken = np.empty((0, 4))
    for at, point in sorted(points.items(), key=lambda item: way * item[1][1]):
        text = f"{point[1]:.4g}"
        half = np.array([text_width(text, font) / 2, 0.55 * font])
        where = scale * axis.transData.transform(point)
        centre = where + np.array([0, way * (0.5 * size.font + half[1])])
        centre[0] = np.clip(centre[0], left + half[0], max(left, right - half[0]))
        while overlap(np.concatenate([centre - half, centre + half]), taken).any():
            centre[1] += way * half[1]
        taken = np.vstack([taken, [*(centre - half), *(centre + half)]])
        x, y = centre - where
        axis.annotate(
            text, point, xytext=(x, y), textcoords="offset points", ha="center",
            va="center_baseline", color=colors[at], fontsize=font,
        )  # fmt: skip
