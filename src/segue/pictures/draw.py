"""Scenes drawn by matplotlib, on paper measured in points."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.pictures.labels import place_labels
from segue.pictures.paper import EDGES, NODES, TEXT, Paper
from segue.pictures.scene import Scene
from segue.pictures.strokes import (
    apart,
    band,
    color_of,
    draw_edges,
    draw_nodes,
    label_beside,
    radii,
)
from segue.pictures.style import MARKS, SERIES_MARKS, Size, Theme
from segue.pictures.text import drawable, shorten, text_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_MAP_CELLS = (5, 7)


def draw_scene(
    scene: Scene, size: Size, theme: Theme, *, spell: Callable[[str], str] = drawable
) -> Figure:
    """Draw a scene; call it inside `segue.pictures.style.styled`.

    Parameters
    ----------
    scene
    size
        Where its height is None, it is chosen to fit.
    theme
    spell
        Makes of a name what is drawn: by default only what has a glyph here; `clean` where the
        fonts are those of another machine (SVG).
    """
    paper = Paper(scene, size, theme, spell)
    draw = {
        "force": _draw_force,
        "columns": _draw_columns,
        "rings": _draw_rings,
        "map": _draw_map,
    }
    draw[scene.layout](scene, paper)
    return paper.figure


def _draw_force(scene: Scene, paper: Paper) -> None:
    radius = radii(scene.nodes, paper.font)
    where = paper.place(scene.position, (2.5 * paper.font, 1.5 * paper.font))
    where = apart(where, radius + 0.12 * paper.font)
    draw_edges(scene, paper, where, where)
    draw_nodes(scene, paper, where, radius)
    label_beside(scene, paper, where, radius)


def _draw_columns(scene: Scene, paper: Paper) -> None:
    """Columns from the left: labels stand left of the first, right of the others."""
    em, line = paper.font, paper.line
    flows = any(edge.kind == "contribution" for edge in scene.edges)
    radius = radii(scene.nodes, em)
    column_of = np.round(scene.position[:, 0] * (len(scene.headings) - 1)).astype(int)
    last = len(scene.headings) - 1

    # How wide the labels of each column may be, and are.
    outside, inside = (0.25, 0.2) if flows else (0.26, 0.26)
    room = paper.right - paper.left
    most = [(outside if c in (0, last) else inside) * room for c in column_of]
    size = [1.0 if column in (0, last) else 0.95 for column in column_of]
    bold = [node.role == "start" for node in scene.nodes]
    texts = [
        shorten(paper.spell(node.label), m, s * em, bold=b)
        for node, m, s, b in zip(scene.nodes, most, size, bold, strict=True)
    ]
    details = [
        shorten(paper.spell(node.detail), m, 0.82 * em)
        if flows and node.role in ("seed", "found")
        else ""
        for node, m in zip(scene.nodes, most, strict=True)
    ]
    widths = np.array(
        [
            max(text_width(text, s * em, bold=b), text_width(detail, 0.82 * em))
            for text, detail, s, b in zip(texts, details, size, bold, strict=True)
        ]
    )
    widest = [float(widths[column_of == column].max(initial=0.0)) for column in range(last + 1)]
    biggest = float(radius.max(initial=0.0))
    first_x = paper.left + widest[0] + 0.5 * em + 2 * biggest
    last_x = paper.right - widest[last] - 0.5 * em - 2 * biggest
    x = np.linspace(first_x, last_x, last + 1)
    # Bands may run under a label, lines leave behind it.
    x[1:last] -= (0.2 if flows else 0.5) * (np.array(widest[1:last]) + 0.5 * em)

    head = paper.top - 2.3 * line
    height = head - paper.bottom - 0.5 * line
    where = np.stack(
        [
            x[column_of],
            paper.top - 1.8 * line - 0.5 * line - scene.position[:, 1] * (height - line),
        ],
        axis=1,
    )
    for column, heading in enumerate(scene.headings):
        if not (column_of == column).any():
            continue
        # The first column's labels stand on its left, so its heading ends with its marks.
        ha, edge = ("right", biggest) if column == 0 else ("left", -biggest)
        paper.text(
            float(x[column]) + edge, paper.top - 0.6 * line, heading, color=paper.theme.muted,
            weight="bold", ha=ha, gid="heading",
        )  # fmt: skip

    shown = _rows_with_room(scene, where, column_of, (1.9 if flows else 1.12) * em)
    leave, enter = where.copy(), where.copy()
    leave[:, 0] += radius
    enter[:, 0] -= radius
    for at in shown:
        column = column_of[at]
        ha, side = ("right", -1) if column == 0 else ("left", 1)
        start = where[at, 0] + side * (biggest + 0.5 * em)
        strong = "bold" if bold[at] else "normal"
        up = 0.42 * em if details[at] else 0.0
        paper.label(start, where[at, 1] + up, texts[at], size=size[at], ha=ha, weight=strong)
        if details[at]:
            paper.text(
                start, where[at, 1] - 0.62 * em, details[at], size=0.82, ha=ha,
                color=paper.theme.muted, gid="detail",
            )  # fmt: skip
        if 0 < column < last and not flows:
            leave[at, 0] = start + widths[at] + 0.4 * em
    if flows:
        _draw_flows(scene, paper, where, column_of)
    else:
        between = (column_of > 0) & (column_of < last)
        block = x[column_of] + biggest + np.array(widest)[column_of] + em
        draw_edges(scene, paper, leave, enter, np.where(between, block, leave[:, 0]))
        draw_nodes(scene, paper, where, radius)


def _rows_with_room(
    scene: Scene, where: NDArray[Any], column_of: NDArray[Any], height: float
) -> list[int]:
    """Nodes whose labels fit between those above and below, the most important first."""
    shown: list[int] = []
    order = sorted(
        range(len(scene.nodes)),
        key=lambda at: (scene.nodes[at].role == "", -scene.nodes[at].degree, at),
    )
    for at in order:
        near = [n for n in shown if column_of[n] == column_of[at]]
        if all(abs(where[n, 1] - where[at, 1]) >= height - 1e-6 for n in near):
            shown.append(at)
    return shown


def _draw_flows(scene: Scene, paper: Paper, where: NDArray[Any], column_of: NDArray[Any]) -> None:
    """Contributions as bands between bars that are as tall as what flows through them."""
    from matplotlib.collections import PathCollection

    flow_in, flow_out = np.zeros(len(scene.nodes)), np.zeros(len(scene.nodes))
    for edge in scene.edges:
        flow_out[edge.source] += edge.weight
        flow_in[edge.target] += edge.weight
    flow = np.maximum(flow_in, flow_out)
    # As tall as can be without bars that touch.
    scale = 9 * paper.line / max(float(flow.max()), 1e-12)
    for column in set(column_of.tolist()):
        own = np.flatnonzero(column_of == column)
        own = own[np.argsort(where[own, 1])]
        if len(own) > 1:
            apart, need = np.diff(where[own, 1]), (flow[own][1:] + flow[own][:-1]) / 2
            scale = min(scale, float((0.92 * apart / np.maximum(need, 1e-12)).min()))
    # Bands lie at a node in the order of their other ends, so that they do not cross there.
    done_in, done_out = -flow_in / 2, -flow_out / 2
    starts, ends = {}, {}
    for at in sorted(range(len(scene.edges)), key=lambda e: _down(scene, where, e, "target")):
        edge = scene.edges[at]
        starts[at] = where[edge.source] - (0, scale * (done_out[edge.source] + edge.weight / 2))
        done_out[edge.source] += edge.weight
    for at in sorted(range(len(scene.edges)), key=lambda e: _down(scene, where, e, "source")):
        edge = scene.edges[at]
        ends[at] = where[edge.target] - (0, scale * (done_in[edge.target] + edge.weight / 2))
        done_in[edge.target] += edge.weight
    paper.axes.add_collection(
        PathCollection(
            [
                band(starts[at], ends[at], max(0.4, scale * edge.weight))
                for at, edge in enumerate(scene.edges)
            ],
            facecolors=[paper.theme.series[edge.group] for edge in scene.edges],
            edgecolors="none",
            alpha=0.58,
            zorder=EDGES,
            gid="contribution",
        )
    )
    for at, node in enumerate(scene.nodes):
        half = max(scale * flow[at] / 2, 0.3 * paper.font)
        paper.axes.plot(
            [where[at, 0]] * 2,
            [where[at, 1] - half, where[at, 1] + half],
            color=paper.theme.series[at] if node.role == "seed" else color_of(node, paper.theme),
            linewidth=0.42 * paper.font,
            solid_capstyle="butt",
            zorder=NODES,
            gid=f"{node.type}-bar",
        )
        if node.type in MARKS:
            mark, color = MARKS[node.type], color_of(node, paper.theme)
            paper.marks(
                where[[at]], np.array([0.5 * paper.font]), mark, color, f"{node.type}-nodes"
            )


def _down(scene: Scene, where: NDArray[Any], edge: int, end: str) -> tuple[float, int]:
    """How far down an end of an edge is, then which seed it comes from."""
    return (-float(where[getattr(scene.edges[edge], end), 1]), scene.edges[edge].group)


def _draw_rings(scene: Scene, paper: Paper) -> None:
    """A centre, a ring with level labels, and a ring whose labels point outward."""
    em = paper.font
    radius = radii(scene.nodes, em)
    outer = [at for at, node in enumerate(scene.nodes) if node.type == "playlist"]
    inner = [at for at, node in enumerate(scene.nodes) if node.type != "playlist"]
    centre = np.array([(paper.left + paper.right) / 2, (paper.bottom + paper.top) / 2])
    half = min(paper.right - paper.left, paper.top - paper.bottom) / 2
    most = min(13 * em, 0.38 * half)
    texts = [shorten(paper.spell(scene.nodes[at].label), most, 0.88 * em) for at in outer]
    widest = max((text_width(text, 0.88 * em) for text in texts), default=2 * em)
    reach = half - widest - 1.5 * em
    # Without an outer ring the inner one takes its room.
    scale = 2 * reach if outer else 3.2 * reach
    where = centre + (scene.position - 0.5) * (scale, -scale)
    draw_edges(scene, paper, where, where)
    draw_nodes(scene, paper, where, radius)

    pitch = 2 * np.pi * reach / max(1, len(outer))
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
    """Small marks by group, with the names of the groups and of a few well-known nodes."""
    em, theme = paper.font, paper.theme
    where = paper.place(scene.position, (2 * em, em))
    group = np.array([node.group for node in scene.nodes])
    small = em * float(np.clip(9 / np.sqrt(max(len(group), 1)), 0.1, 0.4))
    for at in range(-1, len(scene.groups)):
        own = group == at
        if own.any():
            color, mark = (theme.other, "o") if at < 0 else (theme.series[at], SERIES_MARKS[at])
            radius = np.full(int(own.sum()), small)
            paper.marks(where[own], radius, mark, color, f"group-{at}", edge=0.02)

    bounds = (paper.left, paper.bottom, paper.right, paper.top)
    own_names = [at for at, name in enumerate(scene.groups) if name and (group == at).any()]
    names = [shorten(paper.spell(scene.groups[at]), 16 * em, em, bold=True) for at in own_names]
    middle = np.array([np.median(where[group == at], axis=0) for at in own_names]).reshape(-1, 2)
    widths = np.array([text_width(name, em, bold=True) for name in names])
    # On the middle of its group each, a little up or down where another name is there.
    placed = place_labels(
        middle, np.zeros(len(names)), widths, 1.3 * em, bounds, range(len(names)),
        cover=True, gap=0,
    )  # fmt: skip
    taken = np.array(
        [[p.x, p.y - 0.7 * em, p.x + p.width, p.y + 0.7 * em] for p in placed]
    ).reshape(-1, 4)
    for label in placed:
        paper.label(label.x, label.y, names[label.node], weight="bold", zorder=TEXT + 1)

    # The best-known one of every part of the map.
    cell = np.floor(np.clip(scene.position, 0, 1 - 1e-9) * _MAP_CELLS).astype(int)
    best: dict[tuple[int, int], int] = {}
    for at in sorted(range(len(group)), key=lambda at: (-scene.nodes[at].degree, at)):
        best.setdefault((int(cell[at, 0]), int(cell[at, 1])), at)
    chosen = list(best.values())
    texts = [shorten(paper.spell(scene.nodes[at].label), 12 * em, 0.85 * em) for at in chosen]
    for label in place_labels(
        where[chosen],
        np.full(len(chosen), small),
        np.array([text_width(text, 0.85 * em) for text in texts]),
        1.15 * em,
        bounds,
        range(len(chosen)),
        taken=taken,
        most=24,
    ):
        paper.label(label.x, label.y, texts[label.node], size=0.85)
        dot = where[[chosen[label.node]]]
        paper.marks(dot, np.array([1.5 * small]), "o", theme.ink, "named", edge=0.05)
