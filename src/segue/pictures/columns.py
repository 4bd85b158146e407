"""Pictures in columns: layers of the graph, and flows from seeds to recommended tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.pictures.paper import EDGES, NODES, Paper
from segue.pictures.scene import Scene
from segue.pictures.strokes import band, color_of, draw_edges, draw_nodes, radii
from segue.pictures.style import MARKS
from segue.pictures.text import shorten, text_width

_DETAIL = 0.82  # size of a second line, in font sizes


@dataclass(frozen=True)
class _Name:
    """A node's label: cut to fit, its width in points and its size in font sizes."""

    text: str
    detail: str
    size: float
    bold: bool
    width: float


def draw_columns(scene: Scene, paper: Paper) -> None:
    """Columns from the left: names are left of the first one, right of the others."""
    em, line = paper.font, paper.line
    flows = any(edge.kind == "contribution" for edge in scene.edges)
    radius = radii(scene.nodes, em)
    last = len(scene.headings) - 1
    column_of = np.round(scene.position[:, 0] * last).astype(int)
    names = _names(scene, paper, column_of, flows)
    widest = np.zeros(last + 1)
    np.maximum.at(widest, column_of, [name.width for name in names])

    # Distance of a name from the centre of its node.
    away = float(radius.max(initial=0.0)) + 0.5 * em
    first_x = paper.left + widest[0] + away
    x = np.linspace(first_x, paper.right - widest[last] - away, last + 1)
    # Bands may run under a name, lines start behind it.
    x[1:last] -= (0.2 if flows else 0.5) * (widest[1:last] + 0.5 * em)
    top, bottom = paper.top - 2.3 * line, paper.bottom + 1.2 * line
    where = np.stack([x[column_of], top - scene.position[:, 1] * (top - bottom)], axis=1)

    for column in np.unique(column_of).tolist():
        # The first column's names are on its left, so its heading is right-aligned with its marks.
        ha, side = ("right", 1) if column == 0 else ("left", -1)
        paper.text(
            float(x[column]) + side * (away - 0.5 * em), paper.top - 0.6 * line,
            scene.headings[column], color=paper.theme.muted, weight="bold", ha=ha, gid="heading",
        )  # fmt: skip
    shown = _rows_with_room(scene, where, column_of, (1.9 if flows else 1.12) * em)
    for at in shown:
        _write(paper, names[at], where[at], -away if column_of[at] == 0 else away)
    if flows:
        _draw_flows(scene, paper, where, column_of)
        return
    leave, enter = where.copy(), where.copy()
    leave[:, 0] += radius
    enter[:, 0] -= radius
    between = (column_of > 0) & (column_of < last)
    for at in shown:
        if between[at]:
            leave[at, 0] = where[at, 0] + away + names[at].width + 0.4 * em
    ports = np.where(between, where[:, 0] + away + widest[column_of] + 0.5 * em, leave[:, 0])
    draw_edges(scene, paper, leave, enter, ports)
    draw_nodes(scene, paper, where, radius)


def _names(scene: Scene, paper: Paper, column_of: NDArray[np.int64], flows: bool) -> list[_Name]:
    """The names of all nodes; in flow pictures the outer columns have a second line."""
    em, last = paper.font, len(scene.headings) - 1
    room = paper.right - paper.left
    names = []
    for node, column in zip(scene.nodes, column_of.tolist(), strict=True):
        is_end = column in (0, last)
        most = room * (0.22 if not flows else 0.25 if is_end else 0.2)
        size, bold = 1.0 if is_end else 0.95, node.role == "start"
        text = shorten(paper.to_drawable(node.label), most, size * em, bold=bold)
        detail = paper.to_drawable(node.detail) if flows and is_end else ""
        detail = shorten(detail, most, _DETAIL * em)
        width = max(text_width(text, size * em, bold=bold), text_width(detail, _DETAIL * em))
        names.append(_Name(text, detail, size, bold, width))
    return names


def _write(paper: Paper, name: _Name, spot: NDArray[np.float64], away: float) -> None:
    """Draw a name next to its node: on the left if `away` is negative."""
    em, ha = paper.font, "right" if away < 0 else "left"
    x, y = float(spot[0]) + away, float(spot[1])
    weight = "bold" if name.bold else "normal"
    up = 0.42 * em if name.detail else 0.0
    paper.label(x, y + up, name.text, size=name.size, ha=ha, weight=weight)
    if name.detail:
        paper.text(
            x, y - 0.62 * em, name.detail, size=_DETAIL, ha=ha,
            color=paper.theme.muted, gid="detail",
        )  # fmt: skip


def _rows_with_room(
    scene: Scene, where: NDArray[Any], column_of: NDArray[Any], height: float
) -> list[int]:
    """Nodes whose labels fit between those above and below; more important nodes go first."""
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
    """Contributions as bands between bars whose height is the flow through them."""
    from matplotlib.collections import PathCollection

    flow_in, flow_out = np.zeros(len(scene.nodes)), np.zeros(len(scene.nodes))
    for edge in scene.edges:
        flow_out[edge.source] += edge.weight
        flow_in[edge.target] += edge.weight
    flow = np.maximum(flow_in, flow_out)
    # As tall as possible without bars touching.
    scale = 9 * paper.line / max(float(flow.max()), 1e-12)
    for column in set(column_of.tolist()):
        own = np.flatnonzero(column_of == column)
        own = own[np.argsort(where[own, 1])]
        if len(own) > 1:
            apart, need = np.diff(where[own, 1]), (flow[own][1:] + flow[own][:-1]) / 2
            scale = min(scale, float((0.92 * apart / np.maximum(need, 1e-12)).min()))
    # At a node, bands are ordered by their other ends, so that they do not cross there.
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
        color = color_of(node, paper.theme)
        if node.role == "seed":
            color = paper.theme.series[at]
        elif node.role == "found":  # the track colour would look like a seed's
            color = paper.theme.muted
        half = max(scale * flow[at] / 2, 0.3 * paper.font)
        paper.axes.plot(
            [where[at, 0]] * 2,
            [where[at, 1] - half, where[at, 1] + half],
            color=color,
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
    """Sort key: how far down an end of an edge is, then which seed it comes from."""
    return (-float(where[getattr(scene.edges[edge], end), 1]), scene.edges[edge].group)
