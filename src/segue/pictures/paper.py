"""The paper that scenes are drawn on: measured in points, with a header and a legend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.pictures.scene import Scene
from segue.pictures.style import MARKS, SERIES_MARKS, Size, Theme
from segue.pictures.text import families_of, shorten, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE = 1.35  # line height in font sizes
# Text is drawn over nodes, nodes over edges.
EDGES, NODES, TEXT = 1, 3, 4


class Paper:
    """A figure with a header, a legend, and a box to draw in between them."""

    def __init__(
        self, scene: Scene, size: Size, theme: Theme, to_drawable: Callable[[str], str]
    ) -> None:
        from matplotlib.figure import Figure

        self.theme, self.font, self.to_drawable = theme, size.font, to_drawable
        self.line = LINE * size.font
        margin = 1.4 * size.font
        self.width = 72 * size.width
        room = self.width - 2 * margin
        title = _wrapped(to_drawable(scene.title), room, 1.45 * size.font, 2, bold=True)
        note = _wrapped(to_drawable(scene.note), room, size.font, 3)
        header = len(title) * 1.55 * self.line + len(note) * self.line
        rows = _legend_rows(_legend(scene, theme, to_drawable), room, size.font)
        footer = len(rows) * 1.35 * self.line
        if size.height is None:
            self.height = _body_height(scene, self) + header + footer + 2 * margin + self.line
        else:
            self.height = 72 * size.height
        self.figure = Figure(figsize=(self.width / 72, self.height / 72))
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set_xlim(0, self.width)
        self.axes.set_ylim(0, self.height)
        top = self.height - margin
        for text in title:
            self.text(margin, top, text, size=1.45, va="top", weight="bold", gid="title")
            top -= 1.55 * self.line
        for text in note:
            self.text(margin, top, text, color=theme.muted, va="top", gid="note")
            top -= self.line
        for place, row in enumerate(reversed(rows)):
            self._legend_row(row, margin, margin + (place + 0.5) * 1.35 * self.line)
        self.left, self.right = margin, self.width - margin
        self.bottom = margin + footer + 0.5 * self.line
        self.top = max(top - 0.5 * self.line, self.bottom + self.line)

    def text(self, x: float, y: float, text: str, *, size: float = 1.0, **options: Any) -> None:
        """Text at a position in points; `size` is in font sizes."""
        options = {"color": self.theme.ink, "va": "center_baseline", "ha": "left"} | options
        options.setdefault("zorder", TEXT)
        family = families_of(text)
        self.axes.text(x, y, text, fontsize=size * self.font, family=family, **options)

    def label(self, x: float, y: float, text: str, **options: Any) -> None:
        """A node's name, on a patch of background so that edges do not run through it."""
        paper = {"facecolor": self.theme.background, "edgecolor": "none", "alpha": 0.72}
        box = paper | {"boxstyle": "square,pad=0.06"}
        self.text(x, y, text, bbox=box, gid="label", **options)

    def place(self, position: NDArray[np.float64], pad: tuple[float, float]) -> NDArray[Any]:
        """From the unit square to points, with margins of `pad` points (horizontal, vertical)."""
        left, right = self.left + pad[0], self.right - pad[0]
        bottom, top = self.bottom + pad[1], self.top - pad[1]
        x = left + position[:, 0] * max(right - left, 1.0)
        y = top - position[:, 1] * max(top - bottom, 1.0)
        return np.stack([x, y], axis=1)

    def marks(
        self,
        where: NDArray[Any],
        radius: NDArray[Any],
        mark: str,
        color: str,
        gid: str,
        *,
        ring: bool = False,
        edge: float | None = None,
    ) -> None:
        """Nodes of one style; with a `ring` they stand out."""
        # A square of the same half width would look larger than a circle, a diamond smaller.
        scale = {"s": 0.88, "D": 0.8, "*": 1.35}.get(mark, 1.0)
        self.axes.scatter(
            where[:, 0],
            where[:, 1],
            s=(2 * radius * scale) ** 2,
            marker=mark,
            color=color,
            linewidths=((0.22 if ring else 0.09) if edge is None else edge) * self.font,
            edgecolors=self.theme.ink if ring else self.theme.background,
            zorder=NODES,
            gid=gid,
        )

    def _legend_row(self, row: list[LegendItem], x: float, y: float) -> None:
        em = self.font
        for item in row:
            if item.mark:
                at = np.array([[x + 0.5 * em, y]])
                self.marks(at, np.array([0.42 * em]), item.mark, item.color, "legend")
            elif item.line:
                self.axes.plot(
                    [x - 0.3 * em, x + 1.3 * em],
                    [y, y],
                    color=item.color,
                    linestyle=item.line,
                    linewidth=item.width * em / 9,
                    zorder=NODES,
                    gid="legend",
                )
            self.text(
                x + (1.7 * em if item.mark or item.line else 0),
                y,
                item.text,
                color=self.theme.muted,
                gid="legend-text",
            )
            x += item.extent(self.font)


@dataclass(frozen=True)
class LegendItem:
    """A mark or a line, or neither, and what it means."""

    text: str
    color: str = ""
    mark: str = ""
    line: Any = None
    width: float = 1.2

    def extent(self, font: float) -> float:
        """Its width in points, including the gap to the next one."""
        mark = 1.7 * font if self.mark or self.line else 0.0
        return mark + text_width(self.text, font) + 2.0 * font


DASHES = (0, (3, 1.6))


def _legend(scene: Scene, theme: Theme, to_drawable: Callable[[str], str]) -> list[LegendItem]:
    """What the marks, lines and colours of a scene mean."""
    if scene.layout == "map":
        items = [
            LegendItem(shorten(to_drawable(name), 220, 9), theme.series[at], SERIES_MARKS[at])
            for at, name in enumerate(scene.groups)
        ]
        if any(node.group < 0 for node in scene.nodes):
            items.append(LegendItem("other", theme.other, "o"))
        return items
    kinds = {node.type for node in scene.nodes}
    items = [
        LegendItem(node_type, getattr(theme, node_type), mark)
        for node_type, mark in MARKS.items()
        if node_type in kinds
    ]
    lines = {edge.kind for edge in scene.edges}
    if "interaction" in lines:
        items.append(LegendItem("playlist holds track", theme.line, line="-"))
    if "structural" in lines:
        items.append(LegendItem("track by artist", theme.artist, line=DASHES))
    if "contribution" in lines:
        items.append(LegendItem("colour: the seed it comes from"))
    else:
        items.append(LegendItem("larger: more edges in the whole graph"))
    if any(edge.faint for edge in scene.edges):
        items.append(LegendItem("faint: edges that say less"))
    return items


def _legend_rows(items: list[LegendItem], room: float, font: float) -> list[list[LegendItem]]:
    rows: list[list[LegendItem]] = [[]]
    used = 0.0
    for item in items:
        extent = item.extent(font)
        if rows[-1] and used + extent - 2.0 * font > room:
            rows.append([])
            used = 0.0
        rows[-1].append(item)
        used += extent
    return rows


def _wrapped(text: str, room: float, font: float, most: int, *, bold: bool = False) -> list[str]:
    """Text wrapped into at most `most` lines of at most `room` points."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (len(lines) == most or text_width(longer, font, bold=bold) <= room):
            lines[-1] = longer
        else:
            lines.append(word)
    return [shorten(line, room, font, bold=bold) for line in lines]


def _body_height(scene: Scene, paper: Paper) -> float:
    """Height of the box for a picture without a fixed height."""
    if scene.layout == "columns":
        counts = np.unique(np.round(scene.position[:, 0], 3), return_counts=True)[1]
        rows = max(int(counts.max()), 3)
        return (rows + 2.5) * _row_height(scene, paper)
    return paper.width * {"force": 0.72, "rings": 0.95, "map": 0.78}[scene.layout]


def _row_height(scene: Scene, paper: Paper) -> float:
    """Ideal height of a row in a column: two lines if tracks have a second one."""
    return paper.line * (2.4 if "contribution" in {edge.kind for edge in scene.edges} else 1.45)
