"""The plots of a comparison's report."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from segue.comparison.results import Comparison, RowFigures, place_of_kind
from segue.evaluation.validation import BEST_BY
from segue.metrics import NUM_BUCKETS
from segue.pictures.plots import Series, lines, panels, scatter_of_kinds
from segue.pictures.save import save_plot
from segue.pictures.style import SIZES, Size

# The best row of each architecture, plus baselines up to this number: more would be
# indistinguishable.
NUM_SERIES = 8
# At most this many rows far below the others are left out, as they would squeeze the rest.
MOST_LEFT_OUT = 3
SIZE = SIZES["screen"]


def draw_plots(comparison: Comparison, folder: Path) -> dict[str, str]:
    """Write the plots into a folder.

    Returns
    -------
    dict
        Description by file name. A plot that would be empty is left out, and its file from an
        earlier report is removed.
    """
    shown = _shown(comparison)
    plots: dict[str, tuple[str, Callable[..., object] | None]] = {
        "recall-at-k.png": (
            "Recall@k by k",
            _recall_curves(shown, next(iter(comparison.best_baselines(1)), None)),
        ),
        "recall-by-novelty.png": ("Recall@300 against novelty, all rows", _novelty(comparison)),
        "recall-by-popularity.png": ("Recall@300 by popularity", _popularity(shown)),
        "validation.png": ("nDCG@20 on validation by epoch", _validation(comparison)),
        "loss.png": ("Training loss by epoch", _losses(comparison)),
    }
    drawn = {}
    for name, (words, plot) in plots.items():
        if plot is None:
            (folder / name).unlink(missing_ok=True)
            continue
        size = Size(SIZE.width, SIZE.height, 10.0)
        save_plot(plot, folder / name, size, "light", title=words, dpi=150)  # type: ignore[arg-type]
        drawn[name] = words
    return drawn


def _shown(comparison: Comparison) -> dict[str, RowFigures]:
    """By label: the best row of each architecture, then as many baselines as there is space for."""
    best = comparison.best()
    beside = comparison.best_baselines(NUM_SERIES - len(best))
    chosen = {row.row for row in beside}
    return {
        row.label: row for row in [*best, *(b for b in comparison.baselines if b.row in chosen)]
    }


def _series(x: list[float], by_seed: list[list[float]]) -> Series:
    """Means over the seeds, with their spread if there are several."""
    values = np.array(by_seed)
    spread = values.std(axis=1, ddof=1).tolist() if values.shape[1] > 1 else ()
    return Series(x, values.mean(axis=1).tolist(), spread)


def _recall_curves(
    shown: dict[str, RowFigures], best: RowFigures | None
) -> Callable[..., object] | None:
    """The curves, and next to them their small differences from the best baseline."""
    shown = {label: row for label, row in shown.items() if row.curve()}
    if not shown:
        return None

    def curve(row: RowFigures, minus: dict[int, float]) -> Series:
        values = {k: v for k, v in row.curve().items() if k in minus}
        return _series(
            [float(k) for k in values], [[v - minus[k] for v in values[k]] for k in values]
        )

    every_k = {k: 0.0 for row in shown.values() for k in row.curve()}
    groups = {"Recall@k": {label: curve(row, every_k) for label, row in shown.items()}}
    if best is not None and best.label in shown:
        of_best = {k: float(np.mean(values)) for k, values in best.curve().items()}
        low = _far_below(list(shown.values()))
        groups[f"Recall@k minus that of {best.label}"] = {
            label: curve(row, of_best) for label, row in shown.items() if row not in low
        }
    return partial(
        panels,
        groups,
        title="Recall on test",
        x_label="k",
        y_label="",
        same_y=False,
        log_x=True,
    )


def _far_below(rows: list[RowFigures]) -> list[RowFigures]:
    """The few rows with less than half the best Recall@300; none if there are many."""
    recalls = [row.mean("recall@300") for row in rows]
    low = [row for row, recall in zip(rows, recalls, strict=True) if recall < max(recalls) / 2]
    return low if len(low) <= MOST_LEFT_OUT and len(low) < len(rows) / 2 else []


def _novelty(comparison: Comparison) -> Callable[..., object] | None:
    comparison = Comparison(
        tuple(
            row
            for row in comparison.rows
            if math.isfinite(row.mean("recall@300")) and math.isfinite(row.mean("novelty@300"))
        )
    )
    if not comparison.rows:
        return None

    def point(row: RowFigures) -> Series:
        spread = row.spread("recall@300")
        return Series(
            [row.mean("novelty@300")], [row.mean("recall@300")], () if spread is None else [spread]
        )

    low = _far_below(list(comparison.rows))
    points: dict[str, dict[str, Series]] = {}
    for row in comparison.trained:
        if row not in low:
            points.setdefault(row.row.model, {})[row.row.kind] = point(row)
    out_of_sight = "; ".join(
        f"{row.label} ({row.mean('recall@300'):.3f} at {row.mean('novelty@300'):.1f})"
        for row in low
    )
    x_label = "Novelty@300 (bits): to the right less popular tracks"
    return partial(
        scatter_of_kinds,
        points,
        {row.label: point(row) for row in comparison.baselines if row not in low},
        title="Recall against novelty, on test",
        x_label=x_label + (f"\nFar below, not shown: {out_of_sight}" if low else ""),
        y_label="Recall@300",
    )


def _popularity(shown: dict[str, RowFigures]) -> Callable[..., object] | None:
    buckets = range(1, NUM_BUCKETS + 1)
    series = {}
    for label, row in shown.items():
        recalls = {b: row.mean(f"recall@300 of bucket {b}") for b in buckets}
        # A bucket with nothing held out has no recall, rather than a recall of 0.
        known = {float(b): recall for b, recall in recalls.items() if math.isfinite(recall)}
        if known:
            series[label] = Series(list(known), list(known.values()))
    if not series:
        return None
    ends = {1: "1: most popular", NUM_BUCKETS: f"{NUM_BUCKETS}: least popular"}
    return partial(
        lines,
        series,
        title="Recall by popularity of the track, on test",
        x_label="Bucket of tracks, each with a fifth of the training pairs",
        y_label="Recall@300",
        ticks={float(b): ends.get(b, str(b)) for b in buckets},
    )


def _validation(comparison: Comparison) -> Callable[..., object] | None:
    """One panel per architecture, one line per objective, first seed."""
    groups: dict[str, dict[str, Series]] = {}
    for row in comparison.trained:
        entries = [entry for entry in row.cells[0]["history"] if BEST_BY in entry]
        groups.setdefault(row.row.model, {})[row.row.kind] = Series(
            [float(entry["epoch"]) for entry in entries], [entry[BEST_BY] for entry in entries]
        )
    if not groups:
        return None
    return partial(panels, groups, title="On validation", x_label="epoch", y_label="nDCG@20")


def _losses(comparison: Comparison) -> Callable[..., object] | None:
    """One panel per objective, as losses are only comparable within it; one line per model."""
    groups: dict[str, dict[str, Series]] = {}
    for row in sorted(comparison.trained, key=lambda row: place_of_kind(row.row)):
        history = row.cells[0]["history"]
        groups.setdefault(row.row.kind, {})[row.row.model] = Series(
            [float(entry["epoch"]) for entry in history if "loss" in entry],
            [entry["loss"] for entry in history if "loss" in entry],
        )
    if not groups:
        return None
    return partial(
        panels, groups, title="Training loss", x_label="epoch", y_label="loss", same_y=False
    )
