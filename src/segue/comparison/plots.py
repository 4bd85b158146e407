"""The plots of a comparison's report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from segue.comparison.grid import LOSSES
from segue.comparison.results import Comparison, RowFigures
from segue.evaluation.validation import BEST_BY
from segue.metrics import NUM_BUCKETS
from segue.pictures.plots import Series, lines, panels, scatter_of_kinds
from segue.pictures.save import save_plot
from segue.pictures.style import SIZES, Size

# A plot holds the best row of each architecture and so many baselines: more cannot be told apart.
NUM_SERIES = 8
# Rows that the plot of novelty only names, where they are far below.
MOST_LEFT_OUT = 3
SIZE = SIZES["screen"]


def draw_plots(comparison: Comparison, folder: Path) -> dict[str, str]:
    """Write the plots into a folder.

    Returns
    -------
    dict
        By file name what the plot shows. A plot that would be empty is left out, and one of an
        earlier report in its place is removed.
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
    """By label: the best row of each architecture, then as many baselines as there is room for."""
    best = comparison.best()
    beside = comparison.best_baselines(NUM_SERIES - len(best))
    chosen = {row.row for row in beside}
    return {
        row.label: row for row in [*best, *(b for b in comparison.baselines if b.row in chosen)]
    }


def _series(x: list[float], by_seed: list[list[float]]) -> Series:
    """Means of several seeds, with their spread where there are several."""
    values = np.array(by_seed)
    spread = values.std(axis=1, ddof=1).tolist() if values.shape[1] > 1 else ()
    return Series(x, values.mean(axis=1).tolist(), spread)


def _recall_curves(shown: dict[str, RowFigures], best: RowFigures | None) -> Callable[..., object]:
    """The curves, and beside them their differences from the best baseline, which are small."""

    def curves(minus: dict[int, float]) -> dict[str, Series]:
        return {
            label: _series(
                [float(k) for k in row.curve()],
                [[value - minus.get(k, 0.0) for value in v] for k, v in row.curve().items()],
            )
            for label, row in shown.items()
        }

    groups = {"": curves({})}
    if best is not None:
        of_best = {k: float(np.mean(values)) for k, values in best.curve().items()}
        groups[f"minus that of {best.label}"] = curves(of_best)
    return partial(
        panels,
        groups,
        title="Recall@k on test",
        x_label="k",
        y_label="Recall@k",
        same_y=False,
        log_x=True,
    )


def _novelty(comparison: Comparison) -> Callable[..., object]:
    def point(row: RowFigures) -> Series:
        spread = row.spread("recall@300")
        return Series(
            [row.mean("novelty@300")], [row.mean("recall@300")], () if spread is None else [spread]
        )

    # A few rows that are far below all others would press these into a corner.
    best = max(row.mean("recall@300") for row in comparison.rows)
    low = [row for row in comparison.rows if row.mean("recall@300") < best / 2]
    low = low if len(low) <= MOST_LEFT_OUT and len(low) < len(comparison.rows) / 2 else []
    points: dict[str, dict[str, Series]] = {}
    for row in comparison.trained:
        if row not in low:
            kind = f"{row.row.loss}, {row.row.negatives}"
            points.setdefault(row.row.model, {})[kind] = point(row)
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


def _popularity(shown: dict[str, RowFigures]) -> Callable[..., object]:
    buckets = range(1, NUM_BUCKETS + 1)
    series = {
        label: Series(
            [float(b) for b in buckets],
            np.nan_to_num([row.mean(f"recall@300 of bucket {b}") for b in buckets]).tolist(),
        )
        for label, row in shown.items()
    }
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
    """A panel an architecture, a line for each loss and negatives, of the first seed."""
    groups: dict[str, dict[str, Series]] = {}
    for row in comparison.trained:
        entries = [entry for entry in row.cells[0]["history"] if BEST_BY in entry]
        groups.setdefault(row.row.model, {})[f"{row.row.loss}, {row.row.negatives}"] = Series(
            [float(entry["epoch"]) for entry in entries], [entry[BEST_BY] for entry in entries]
        )
    if not groups:
        return None
    return partial(panels, groups, title="On validation", x_label="epoch", y_label="nDCG@20")


def _losses(comparison: Comparison) -> Callable[..., object] | None:
    """A panel for each loss and negatives, as losses compare in it alone; a line a model."""
    groups: dict[str, dict[str, Series]] = {}
    kinds = [(loss, negatives) for loss, names in LOSSES.items() for negatives in names]
    for loss, negatives in kinds:
        for row in comparison.trained:
            if (row.row.loss, row.row.negatives) != (loss, negatives):
                continue
            history = row.cells[0]["history"]
            groups.setdefault(f"{loss}, {negatives}", {})[row.row.model] = Series(
                [float(entry["epoch"]) for entry in history], [entry["loss"] for entry in history]
            )
    if not groups:
        return None
    return partial(
        panels, groups, title="Training loss", x_label="epoch", y_label="loss", same_y=False
    )
