"""Plots of training and of comparisons, in the style of all pictures.

Every function returns a matplotlib figure; call it inside `segue.pictures.style.styled` and write
it with `segue.pictures.style.save_figure`, or do both with `segue.pictures.save.save_plot`. Series
differ in colour, mark and line, so that they remain distinguishable in greyscale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from segue.errors import InputError
from segue.pictures.plot_names import name_peaks, name_points
from segue.pictures.style import SERIES_LINES, SERIES_MARKS, Size, Theme
from segue.pictures.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Series:
    """One line or one point: its coordinates, and their spread.

    Attributes
    ----------
    x, y
        Of equal length.
    spread
        Standard deviation of each `y`; empty if unknown.
    """

    x: Sequence[float]
    y: Sequence[float]
    spread: Sequence[float] = ()

    def __post_init__(self) -> None:
        """Raise ValueError if columns differ in length."""
        if len(self.x) != len(self.y) or (self.spread and len(self.spread) != len(self.y)):
            raise ValueError("x, y and spread of a series differ in length")


def training_curves(
    histories: Mapping[str, Sequence[Mapping[str, Any]]],
    size: Size,
    theme: Theme,
    *,
    title: str = "Training",
) -> Figure:
    """Loss and validation metrics by epoch, a panel each; the best epoch of each is marked.

    Parameters
    ----------
    histories
        `Bundle.history` by name of the model, one entry per epoch. Of several trainings side by
        side each has a line.
    size, theme, title

    Raises
    ------
    InputError
        If all histories are empty.
    """
    from matplotlib.ticker import MaxNLocator

    histories = _each_training(histories)
    passed_over = {"training", "epoch", "epochs", "step", "learning_rate", "seconds"}
    names = [
        name
        for history in histories.values()
        for entry in history
        for name, value in entry.items()
        if name not in passed_over and isinstance(value, int | float)
    ]
    panels = list(dict.fromkeys(names))
    if not panels:
        raise InputError("there is no training history to draw")
    figure, axes = _panels(len(panels), title, size, theme)
    peaks: list[dict[int, tuple[float, float]]] = []
    for name, axis in zip(panels, axes, strict=False):
        peaks.append({})
        for at, (model, history) in enumerate(histories.items()):
            seen = [entry for entry in history if name in entry]
            if not seen:
                continue
            x = [float(entry["epoch"]) for entry in seen]
            y = [float(entry[name]) for entry in seen]
            _line(axis, at, Series(x, y), model, theme, marks=len(x) == 1)
            best = int(np.argmin(y) if name == "loss" else np.argmax(y))
            peaks[-1][at] = (x[best], y[best])
            axis.plot(
                x[best], y[best], _mark(at), color=_color(theme, at),
                markeredgecolor=theme.background, markersize=0.75 * size.font, zorder=4,
            )  # fmt: skip
        axis.set_title(name, loc="left", fontsize="medium")
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.margins(y=0.22)
    _legend(figure, axes[:1], list(histories), theme, size)
    figure.draw_without_rendering()  # lays out the axes, so that positions in points are known
    for name, axis, points in zip(panels, axes, peaks, strict=False):
        colors = {at: _color(theme, at) if len(points) > 1 else theme.muted for at in points}
        name_peaks(axis, points, size, colors, above=name != "loss")
    return figure


def _each_training(
    histories: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, list[Mapping[str, Any]]]:
    """The histories, those of several trainings apart."""
    apart: dict[str, list[Mapping[str, Any]]] = {}
    for model, history in histories.items():
        for entry in history:
            training = f", training {entry['training']}" if "training" in entry else ""
            apart.setdefault(f"{model}{training}", []).append(entry)
    return apart


def lines(
    series: Mapping[str, Series],
    size: Size,
    theme: Theme,
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    ticks: Mapping[float, str] | None = None,
) -> Figure:
    """Lines such as Recall@k by k, with their spread as a band; `ticks` label the x axis."""
    figure, (axis, *_) = _panels(1, title, size, theme)
    for at, (name, one) in enumerate(series.items()):
        _line(axis, at, one, name, theme, marks=len(one.x) <= 12)
    if log_x:
        _by_ratio(axis, series)
    if ticks is not None:
        axis.set_xticks(list(ticks), [drawable(name) for name in ticks.values()])
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    _legend(figure, [axis], list(series), theme, size)
    return figure


def scatter(
    points: Mapping[str, Series],
    size: Size,
    theme: Theme,
    *,
    title: str,
    x_label: str,
    y_label: str,
) -> Figure:
    """One labelled mark per model: recall against novelty, or against time."""
    figure, (axis, *_) = _panels(1, title, size, theme)
    for at, one in enumerate(points.values()):
        mark = _mark(at)
        axis.errorbar(
            one.x, one.y, yerr=list(one.spread) or None, fmt=mark,
            color=_color(theme, at), markersize=(1.4 if mark == "*" else 0.9) * size.font,
            ecolor=theme.line, markeredgecolor=theme.background, markeredgewidth=0.5, capsize=2,
        )  # fmt: skip
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    axis.margins(0.18)
    name_points(figure, axis, list(points), _first_points(points.values()), size)
    return figure


def panels(
    groups: Mapping[str, Mapping[str, Series]],
    size: Size,
    theme: Theme,
    *,
    title: str,
    x_label: str,
    y_label: str,
    same_y: bool = True,
    log_x: bool = False,
    log_y: bool = False,
) -> Figure:
    """Lines in one panel per group; each name has the same style in all panels.

    Parameters
    ----------
    groups
        Lines by name, by title of the panel.
    size, theme, title, x_label, y_label
    same_y
        One scale for all panels, so that they are comparable.
    log_x
        Logarithmic x axis; otherwise x is an integer, such as an epoch.
    log_y
        Logarithmic y axis.
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = _panels(len(groups), title, size, theme)
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    for axis, (group_name, group) in zip(axes, groups.items(), strict=True):
        for name, one in group.items():
            _line(axis, names.index(name), one, name, theme, marks=len(one.x) <= 12)
        axis.set_title(drawable(group_name), loc="left", fontsize="medium")
        axis.set_xlabel(x_label)
        axis.set_ylabel(y_label)
        if log_x:
            _by_ratio(axis, group)
        else:
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if log_y:
            axis.set_yscale("log")
    if same_y:
        low = min(axis.get_ylim()[0] for axis in axes)
        high = max(axis.get_ylim()[1] for axis in axes)
        for axis in axes:
            axis.set_ylim(low, high)
    if log_y:
        for axis in axes:
            _label_log_y(axis)
    _legend(figure, axes, names, theme, size)
    return figure


def scatter_of_kinds(
    points: Mapping[str, Mapping[str, Series]],
    named: Mapping[str, Series],
    size: Size,
    theme: Theme,
    *,
    title: str,
    x_label: str,
    y_label: str,
) -> Figure:
    """Marks with two properties, the first as colour, the second as shape; plus named points.

    Parameters
    ----------
    points
        One point for each first property (an architecture) and second property (how it was
        trained).
    named
        Further points, in grey, labelled with their names.
    size, theme, title, x_label, y_label
    """
    from matplotlib.lines import Line2D

    figure, (axis, *_) = _panels(1, title, size, theme)
    kinds = list(dict.fromkeys(kind for group in points.values() for kind in group))

    def draw(one: Series, mark: str, color: str) -> None:
        axis.errorbar(
            one.x, one.y, yerr=list(one.spread) or None, fmt=mark, color=color,
            markersize=0.95 * size.font, ecolor=theme.line, capsize=2, alpha=0.8,
            markeredgecolor=theme.background, markeredgewidth=0.6,
        )  # fmt: skip

    for at, group in enumerate(points.values()):
        for kind, one in group.items():
            draw(one, _mark(kinds.index(kind)), _color(theme, at))
    for one in named.values():
        draw(one, "X", theme.line)
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    axis.margins(0.1)

    def key(color: str, name: str, mark: str = "") -> Line2D:
        """A legend entry: a bar if it stands for a colour only, not a shape."""
        return Line2D(
            [], [], color=color, marker=mark, linestyle="" if mark else "-", label=drawable(name),
            linewidth=0.6 * size.font, markersize=0.8 * size.font,
        )  # fmt: skip

    keys = [key(_color(theme, at), name) for at, name in enumerate(points)]
    keys += [key(theme.muted, kind, _mark(at)) for at, kind in enumerate(kinds)]
    if keys:
        figure.legend(
            handles=keys, loc="outside right upper", frameon=False, labelcolor=theme.muted,
            handlelength=1.2,
        )  # fmt: skip
    others = [one for group in points.values() for one in group.values()]
    if named:
        ends = _first_points([*named.values(), *others])
        name_points(figure, axis, list(named), ends, size)
    return figure


def bars(
    groups: Mapping[str, Sequence[float]],
    size: Size,
    theme: Theme,
    *,
    title: str,
    categories: Sequence[str],
    y_label: str,
) -> Figure:
    """Grouped bars by category, such as recall by popularity, one colour per model."""
    figure, (axis, *_) = _panels(1, title, size, theme)
    width = 0.8 / max(1, len(groups))
    hatches = ("", "//", "..", "xx")
    for at, (name, values) in enumerate(groups.items()):
        if len(values) != len(categories):
            raise ValueError(f"{name} has {len(values)} values for {len(categories)} categories")
        axis.bar(
            np.arange(len(values)) + (at - (len(groups) - 1) / 2) * width, values, width,
            color=_color(theme, at), edgecolor=theme.background, linewidth=0.5,
            hatch=hatches[at // 2 % 4], label=drawable(name),
        )  # fmt: skip
    axis.set_xticks(range(len(categories)), [drawable(name) for name in categories])
    axis.grid(visible=False, axis="x")
    axis.set_ylabel(y_label)
    _legend(figure, [axis], list(groups), theme, size)
    return figure


def _panels(count: int, title: str, size: Size, theme: Theme) -> tuple[Figure, list[Axes]]:
    """A figure with axes in at most three columns."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = ConstrainedLayoutEngine(w_pad=size.font / 72, h_pad=size.font / 72)
    columns = min(count, 1 if size.width < 5 else 2 if size.width < 9 or count == 4 else 3)
    rows = -(-count // columns)
    height = size.height or rows * size.width / columns * (0.75 if count > 1 else 0.6) + 0.4
    figure = Figure(figsize=(size.width, height), layout=engine)
    if title:
        figure.suptitle(
            drawable(title), x=0.012, ha="left", weight="bold", fontsize=1.3 * size.font,
            color=theme.ink,
        )  # fmt: skip
    return figure, [figure.add_subplot(rows, columns, at + 1) for at in range(count)]


def _by_ratio(axis: Axes, series: Mapping[str, Series]) -> None:
    """A logarithmic x axis with ticks at 1, 2, 5, 10 … over the range of the values."""
    places = sorted({x for one in series.values() for x in one.x})
    axis.set_xscale("log")
    axis.set_xticks([x for x in places if f"{x:g}"[0] in "125"])
    axis.xaxis.set_major_formatter(_plain)
    axis.minorticks_off()


def _label_log_y(axis: Axes) -> None:
    """Labels of a logarithmic y axis at 1, 10, 100 …; if it is short, also at 2 and 5, 20 …"""
    from matplotlib.ticker import LogLocator

    low, high = axis.get_ylim()
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 300 * low else (1.0, 2.0, 5.0)))
    axis.yaxis.set_major_formatter(_plain)
    axis.yaxis.set_minor_formatter("")


def _plain(value: float, place: float) -> str:
    """A number as people write it: 10,000 or 0.5."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def _line(axis: Axes, at: int, one: Series, name: str, theme: Theme, *, marks: bool) -> None:
    color = _color(theme, at)
    axis.plot(
        one.x, one.y, color=color, linestyle=SERIES_LINES[at // 2 % 4], linewidth=1.6,
        marker=_mark(at) if marks else None, markersize=5.5, label=drawable(name),
        markeredgecolor=theme.background, markeredgewidth=0.5,
    )  # fmt: skip
    if one.spread:
        y, spread = np.array(one.y), np.array(one.spread)
        axis.fill_between(one.x, y - spread, y + spread, color=color, alpha=0.18, linewidth=0)


def _first_points(series: Iterable[Series]) -> list[tuple[float, float]]:
    return [(one.x[0], one.y[0]) for one in series]


def _mark(at: int) -> str:
    """The mark of a series; where colours repeat, another one than before."""
    return SERIES_MARKS[(at + at // len(SERIES_MARKS)) % len(SERIES_MARKS)]


def _color(theme: Theme, at: int) -> str:
    return theme.series[at % len(theme.series)]


def _legend(
    figure: Figure, axes: Sequence[Axes], names: Sequence[str], theme: Theme, size: Size
) -> None:
    """A legend under the plot, if there is more than one series."""
    if len(names) < 2:
        return
    handles: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    # Estimated width of a column in inches: its longest name, the line and the gap.
    widest = 0.9 + 0.08 * max(len(label) for label in handles)
    figure.legend(
        list(handles.values()), list(handles), loc="outside lower left",
        ncols=max(1, min(int(size.width // 2), int(size.width / widest))), frameon=False,
        labelcolor=theme.muted, handlelength=3,
    )  # fmt: skip
