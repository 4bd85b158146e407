"""Nodes, edges and labels, shared by all pictures of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.pictures.labels import place_labels
from segue.pictures.paper import DASHES, EDGES, Paper
from segue.pictures.scene import Scene, SceneEdge, SceneNode
from segue.pictures.style import MARKS, Theme
from segue.pictures.text import shorten, text_width


def radii(nodes: Sequence[SceneNode], font: float) -> NDArray[np.float64]:
    """Radius of each node in points: by degree, relative to others of its type."""
    degree = np.array([node.degree for node in nodes], dtype=np.float64)
    kind = np.array([node.type for node in nodes])
    share = np.zeros(len(nodes))
    for node_type in set(kind.tolist()):
        own = kind == node_type
        share[own] = degree[own] / max(1.0, degree[own].max())
    return font * (0.28 + 0.5 * np.sqrt(share))


def draw_nodes(scene: Scene, paper: Paper, where: NDArray[Any], radius: NDArray[Any]) -> None:
    """All nodes, by type; those that the picture starts from have a ring."""
    for node_type, mark in MARKS.items():
        for ring in (False, True):
            own = [
                at
                for at, node in enumerate(scene.nodes)
                if node.type == node_type and (node.role in ("start", "seed")) == ring
            ]
            if own:
                color = getattr(paper.theme, node_type)
                name = f"{node_type}-{'start' if ring else 'nodes'}"
                paper.marks(where[own], radius[own], mark, color, name, ring=ring)


def color_of(node: SceneNode, theme: Theme) -> str:
    """The colour of a node's type."""
    return str(getattr(theme, node.type, theme.other))


def draw_edges(
    scene: Scene,
    paper: Paper,
    leave: NDArray[Any],
    enter: NDArray[Any],
    ports: NDArray[Any] | None = None,
) -> None:
    """Edges by kind, from where their source is left to where their target is entered.

    With `ports` they are curves that run level until there.
    """
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    theme = paper.theme
    many = sum(not edge.faint for edge in scene.edges)
    alpha = float(np.clip(9 / np.sqrt(max(many, 1)), 0.22, 0.75))
    start = {at for at, node in enumerate(scene.nodes) if node.role == "start"}
    shares = {"faint": 0.12, "plain": alpha, "start": 0.9 if many < 100 else 0.6}

    def look(edge: SceneEdge) -> str:
        if edge.source in start or edge.target in start:
            return "start"  # what the picture starts from stands out
        return "faint" if edge.faint else "plain"

    for kind in ("interaction", "structural"):
        color, width = (theme.line, 0.075) if kind == "interaction" else (theme.artist, 0.1)
        for looks, share in shares.items():
            strong = looks == "start"
            paths = [
                Path([leave[edge.source], enter[edge.target]])
                if ports is None
                else _level_curve(leave[edge.source], enter[edge.target], ports[edge.source])
                for edge in scene.edges
                if edge.kind == kind and look(edge) == looks
            ]
            if paths:
                paper.axes.add_collection(
                    PathCollection(
                        paths,
                        facecolors="none",
                        edgecolors=theme.muted if strong and kind == "interaction" else color,
                        linestyles="-" if kind == "interaction" else [DASHES],
                        linewidths=(1.5 if strong else 1) * width * paper.font,
                        alpha=min(share * (1 if strong or kind == "interaction" else 1.3), 1),
                        zorder=EDGES,
                        gid=kind,
                    )
                )


def _level_curve(start: NDArray[Any], end: NDArray[Any], port: float) -> Any:
    """A path that leaves and arrives horizontally, and does not bend before `port`."""
    from matplotlib.path import Path

    bend = 0.45 * (end[0] - port)
    turn = (port, start[1])
    points: list[Any] = [start, turn, (port + bend, start[1]), (end[0] - bend, end[1]), end]
    return Path(points, [Path.MOVETO, Path.LINETO, *[Path.CURVE4] * 3])


def band(start: NDArray[Any], end: NDArray[Any], height: float) -> Any:
    """A band that leaves and arrives horizontally and is `height` points high throughout."""
    from matplotlib.path import Path

    bend, half = (0.45 * (end[0] - start[0]), 0), (0, height / 2)
    points = [
        *(start + half, start + half + bend, end + half - bend, end + half),
        *(end - half, end - half - bend, start - half + bend, start - half),
        start + half,
    ]
    curve = [Path.CURVE4] * 3
    return Path(points, [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY])


def push_apart(where: NDArray[np.float64], radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Push overlapping nodes slightly apart."""
    where = where.copy()
    for _ in range(60):
        delta = where[:, None] - where[None]
        distance = np.hypot(delta[..., 0], delta[..., 1])
        need = radius[:, None] + radius[None] - distance
        np.fill_diagonal(need, 0)
        if (need <= 0.01).all():
            break
        # Two at the same position are separated by their order.
        same = (distance < 1e-9) & ~np.eye(len(where), dtype=bool)
        side = np.sign(np.arange(len(where))[:, None] - np.arange(len(where))[None])
        delta[same] = np.stack([side[same], 0.3 * side[same]], axis=1)
        push = np.clip(need, 0, None) / 2 / np.maximum(np.hypot(delta[..., 0], delta[..., 1]), 1e-9)
        where += 0.9 * (push[..., None] * delta).sum(axis=1)
    return where


def label_beside(
    scene: Scene,
    paper: Paper,
    where: NDArray[Any],
    radius: NDArray[Any],
    among: Sequence[int] | None = None,
    taken: NDArray[Any] | None = None,
) -> None:
    """Labels for as many nodes as there is space for, important ones first."""
    degree = np.array([node.degree for node in scene.nodes], dtype=float)
    kinds = [node.type for node in scene.nodes]
    shares = degree / [
        max(1, max(d for d, k in zip(degree, kinds, strict=True) if k == own)) for own in kinds
    ]
    # Artists and tracks are more informative than playlist titles.
    weight = {"artist": 1.3, "track": 1.0, "playlist": 0.6}
    order = sorted(
        range(len(scene.nodes)) if among is None else among,
        key=lambda at: (
            scene.nodes[at].role != "start",
            -float(shares[at]) * weight.get(kinds[at], 1.0) / (1 + scene.nodes[at].wave),
            at,
        ),
    )
    bold = [node.role == "start" for node in scene.nodes]
    size = [1.15 if is_bold else 0.88 for is_bold in bold]
    texts = [
        shorten(
            paper.to_drawable(node.label), (18 if b else 12) * paper.font, s * paper.font, bold=b
        )
        for node, b, s in zip(scene.nodes, bold, size, strict=True)
    ]
    widths = np.array(
        [text_width(t, s * paper.font, bold=b) for t, s, b in zip(texts, size, bold, strict=True)]
    )
    bounds = (paper.left, paper.bottom, paper.right, paper.top)
    always = [at for at in order if scene.nodes[at].role == "start"]
    for label in place_labels(
        where, radius, widths, 1.2 * paper.font, bounds, order,
        always=always, taken=taken,
    ):  # fmt: skip
        at = label.node
        weight_name = "bold" if bold[at] else "normal"
        paper.label(label.x, label.y, texts[at], size=size[at], weight=weight_name)
