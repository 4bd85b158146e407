"""Scenes drawn with matplotlib, on paper measured in points."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.pictures.columns import draw_columns
from segue.pictures.labels import place_labels
from segue.pictures.paper import TEXT, Paper
from segue.pictures.scene import Scene
from segue.pictures.strokes import (
    draw_edges,
    draw_nodes,
    label_beside,
    push_apart,
    radii,
)
from segue.pictures.style import SERIES_MARKS, Size, Theme
from segue.pictures.text import drawable, shorten, text_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_MAP_CELLS = (5, 7)


def draw_scene(
    scene: Scene, size: Size, theme: Theme, *, to_drawable: Callable[[str], str] = drawable
) -> Figure:
    """Draw a scene; call it inside `segue.pictures.style.styled`.

    Parameters
    ----------
    scene
    size
        If its height is None, it is chosen to fit.
    theme
    to_drawable
        Turns a name into the text drawn: by default only characters with a glyph here; `clean` if
        another machine provides the fonts (SVG).
    """
    paper = Paper(scene, size, theme, to_drawable)
    draw = {
        "force": _draw_force,
        "columns": draw_columns,
        "rings": _draw_rings,
        "map": _draw_map,
    }
    draw[scene.layout](scene, paper)
    return paper.figure


def _draw_force(scene: Scene, paper: Paper) -> None:
    radius = radii(scene.nodes, paper.font)
    where = paper.place(scene.position, (2.5 * paper.font, 1.5 * paper.font))
    where = push_apart(where, radius + 0.12 * paper.font)
    draw_edges(scene, paper, where, where)
    draw_nodes(scene, paper, where, radius)
    label_beside(scene, paper, where, radius)


def _draw_rings(scene: Scene, paper: Paper) -> None:
    """A centre, a ring with horizontal labels, and a ring whose labels point outward."""
    em = paper.font
    radius = radii(scene.nodes, em)
    outer = [at for at, node in enumerate(scene.nodes) if node.type == "playlist"]
    inner = [at for at, node in enumerate(scene.nodes) if node.type != "playlist"]
    centre = np.array([(paper.left + paper.right) / 2, (paper.bottom + paper.top) / 2])
    half = np.array([paper.right - paper.left, paper.top - paper.bottom]) / 2
    most = min(13 * em, 0.38 * float(half.min()))
    texts = [shorten(paper.to_drawable(scene.nodes[at].label), most, 0.88 * em) for at in outer]
    widest = max((text_width(text, 0.88 * em) for text in texts), default=2 * em)
    reach = half - widest - 1.5 * em
    reach = np.minimum(reach, 2 * reach.min())  # aspect ratio at most 2
    # Without an outer ring the inner one takes its space.
    where = centre + (scene.position - 0.5) * (1, -1) * reach * (2 if outer else 3.2)
    draw_edges(scene, paper, where, where)
    draw_nodes(scene, paper, where, radius)

    pitch = 2 * np.pi * float(reach.min()) / max(1, len(outer))
    every = max(1, int(np.ceil(1.15 * em / max(pitch, 1e-9))))
    taken = np.empty((0, 4))
    for at, text in list(zip(outer, texts, strict=True))[::every]:
        dx, dy = where[at] - centre
        angle = float(np.degrees(np.arctan2(dy, dx)))
        away = (where[at] - centre) * (1 + (radius[at] + 0.5 * em) / max(np.hypot(dx, dy), 1e-9))
        tip = (
            centre
            + away
            + (where[at] - centre) / max(np.hypot(dx, dy), 1e-9) * text_width(text, 0.88 * em)
        )
        low, high = np.minimum(centre + away, tip), np.maximum(centre + away, tip)
        taken = np.vstack([taken, [*(low - 0.6 * em), *(high + 0.6 * em)]])
        turned = abs(angle) > 90.0 + 1e-6
        x, y = (centre + away).tolist()
        paper.text(
            x,
            y,
            text,
            size=0.88,
            rotation=angle + 180 if turned else angle,
            rotation_mode="anchor",
            ha="right" if turned else "left",
            gid="label",
        )
    label_beside(scene, paper, where, radius, inner, taken=taken)


def _draw_map(scene: Scene, paper: Paper) -> None:
    """Small marks coloured by group, with the names of the groups and of a few well-known nodes."""
    em, theme = paper.font, paper.theme
    where = paper.place(scene.position, (2 * em, em))
    group = np.array([node.group for node in scene.nodes])
    small = em * float(np.clip(9 / np.sqrt(max(len(group), 1)), 0.1, 0.4))

    def marks(own: NDArray[Any], radius: float, gid: str, **look: Any) -> None:
        for at in np.unique(group[own]).tolist():
            color, mark = (theme.other, "o") if at < 0 else (theme.series[at], SERIES_MARKS[at])
            rows = own[group[own] == at]
            paper.marks(where[rows], np.full(len(rows), radius), mark, color, gid, **look)

    marks(np.arange(len(group)), small, "tracks", edge=0.02)

    bounds = (paper.left, paper.bottom, paper.right, paper.top)
    own_names = [at for at, name in enumerate(scene.groups) if name and (group == at).any()]
    names = [
        shorten(paper.to_drawable(scene.groups[at]), 16 * em, em, bold=True) for at in own_names
    ]
    middle = np.array([np.median(where[group == at], axis=0) for at in own_names]).reshape(-1, 2)
    widths = np.array([text_width(name, em, bold=True) for name in names])
    # Each at the centre of its group, moved slightly up or down to avoid other names.
    placed = place_labels(
        middle, np.zeros(len(names)), widths, 1.3 * em, bounds, range(len(names)),
        cover=True, gap=0,
    )  # fmt: skip
    taken = np.array(
        [[p.x - em, p.y - 0.7 * em, p.x + p.width + em, p.y + 0.7 * em] for p in placed]
    ).reshape(-1, 4)
    for label in placed:
        paper.label(label.x, label.y, names[label.node], weight="bold", zorder=TEXT + 1)

    # The best-known node in each part of the map.
    cell = np.floor(np.clip(scene.position, 0, 1 - 1e-9) * _MAP_CELLS).astype(int)
    best: dict[tuple[int, int], int] = {}
    for at in sorted(range(len(group)), key=lambda at: (-scene.nodes[at].degree, at)):
        best.setdefault((int(cell[at, 0]), int(cell[at, 1])), at)
    chosen = list(best.values())
    texts = [shorten(paper.to_drawable(scene.nodes[at].label), 12 * em, 0.85 * em) for at in chosen]
    for label in place_labels(
        where[chosen],
        np.full(len(chosen), small + 0.2 * em),
        np.array([text_width(text, 0.85 * em) for text in texts]),
        1.15 * em,
        bounds,
        range(len(chosen)),
        taken=taken,
        most=24,
    ):
        paper.label(label.x, label.y, texts[label.node], size=0.85)
        marks(np.array([chosen[label.node]]), small + 0.15 * em, "named", ring=True, edge=0.1)
