"""The report of a comparison: Markdown, CSV, JSON and plots from the files of its cells."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue.comparison.markdown import markdown
from segue.comparison.plots import draw_plots
from segue.comparison.results import Comparison, read_comparison
from segue.files import atomic_file, write_json
from segue.metrics import METRICS


def write_report(folder: Path, unfinished: Mapping[str, str] | None = None) -> Comparison:
    """Write report.md, report.csv, report.json and the plots from the cells of a folder.

    Parameters
    ----------
    folder
    unfinished
        Missing cells of the grid, and why they are missing.

    Raises
    ------
    ArtefactError, MismatchError
        As for `read_comparison`, or if a file cannot be written.
    """
    comparison = read_comparison(folder)
    pictures = draw_plots(comparison, folder)
    write_json(folder / "report.json", to_json(comparison))
    _write_csv(folder / "report.csv", comparison)
    with atomic_file(folder / "report.md") as temporary:
        text = markdown(comparison, pictures, unfinished or {})
        temporary.write_text(text, encoding="utf-8")
    return comparison


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The machine-readable report: rows with mean and standard deviation, and every cell."""
    kept = (
        *("name", "rng_seed", "config", "options", "num_trials", "best_epoch", "validation"),
        *("test", "parameters", "seconds", "peak_memory", "device", "machine"),
    )

    def finite(value: float | None) -> float | None:
        return value if value is not None and math.isfinite(value) else None

    chosen = {row.row for row in comparison.best()}
    return {
        "data": comparison.cells[0]["data"],
        "rows": [
            {
                "model": row.row.model,
                "objective": row.row.objective or None,
                "negatives": row.row.negatives or None,
                "best_of_architecture": row.row in chosen,
                "seeds": len(row.cells),
                "test": {
                    m.name: {"mean": finite(row.mean(m.name)), "sd": finite(row.spread(m.name))}
                    for m in METRICS
                },
                "cells": [{k: cell[k] for k in kept if k in cell} for cell in row.cells],
            }
            for row in comparison.rows
        ],
    }


def _write_csv(path: Path, comparison: Comparison) -> None:
    """One line per cell."""
    chosen_on = comparison.validation_metrics
    header = [
        *("model", "objective", "negatives", "rng_seed", *(metric.name for metric in METRICS)),
        *(f"validation {name}" for name in chosen_on),
        *("best_epoch", "num_trials", "parameters", "training_seconds", "tuning_seconds"),
        *("evaluation_seconds", "peak_memory", "threads", "device"),
    ]
    with atomic_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for cell in comparison.cells:
            seconds = cell["seconds"]
            writer.writerow(
                [
                    *(cell[name] for name in ("model", "objective", "negatives", "rng_seed")),
                    *(cell["test"]["values"].get(metric.name) for metric in METRICS),
                    *(cell["validation"].get(name) for name in chosen_on),
                    *(cell.get(name) for name in ("best_epoch", "num_trials", "parameters")),
                    *(seconds.get(name) for name in ("training", "tuning", "evaluation")),
                    *(cell["peak_memory"], cell["machine"]["threads"], cell["device"]),
                ]
            )
