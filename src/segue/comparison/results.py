"""The results of a comparison: rows of finished cells, with means over their seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.baselines import BASELINES
from segue.comparison.folder import read_cell
from segue.comparison.grid import Row
from segue.errors import ArtefactError, MismatchError
from segue.evaluation.validation import BEST_BY
from segue.models import ENCODERS
from segue.training.objectives import NEGATIVES, OBJECTIVES

Record = dict[str, Any]


@dataclass(frozen=True)
class RowFigures:
    """One row of the report: its cells, one per seed, in the order of their seeds."""

    row: Row
    cells: tuple[Record, ...]

    def mean(self, metric: str, part: str = "test") -> float:
        """Mean over the seeds; NaN if a cell has no value, such as one older than the metric."""
        return float(np.mean(self._values(metric, part)))

    def spread(self, metric: str, part: str = "test") -> float | None:
        """Sample standard deviation over the seeds; None for a single one."""
        values = self._values(metric, part)
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    def curve(self) -> dict[int, list[float]]:
        """Recall@k by k, for each seed."""
        curves = [cell["test"]["recall_curve"] for cell in self.cells]
        shared = [k for k in curves[0] if all(curve.get(k) is not None for curve in curves)]
        return {int(k): [float(curve[k]) for curve in curves] for k in shared}

    def _values(self, metric: str, part: str) -> list[float]:
        figures = [
            cell["test"]["values"] if part == "test" else cell["validation"] for cell in self.cells
        ]
        found = [figure.get(metric) for figure in figures]
        return [math.nan if figure is None else float(figure) for figure in found]

    @property
    def label(self) -> str:
        """Readable: ``gcn, bpr, hard``."""
        return ", ".join(part for part in (self.row.model, self.row.kind) if part)


@dataclass(frozen=True)
class Comparison:
    """All finished cells of a folder.

    Attributes
    ----------
    rows
        In the order of the report: architectures by objective and negatives, then baselines.
    """

    rows: tuple[RowFigures, ...]

    @property
    def cells(self) -> list[Record]:
        """The cells of all rows."""
        return [cell for row in self.rows for cell in row.cells]

    @property
    def validation_metrics(self) -> list[str]:
        """Names of the metrics on validation."""
        return list(dict.fromkeys(name for cell in self.cells for name in cell["validation"]))

    @property
    def trained(self) -> list[RowFigures]:
        """Rows of architectures."""
        return [row for row in self.rows if not row.row.is_baseline]

    @property
    def baselines(self) -> list[RowFigures]:
        """Rows of baselines."""
        return [row for row in self.rows if row.row.is_baseline]

    def best(self) -> list[RowFigures]:
        """The row of each architecture that is best on validation.

        Compared by the first seed, as rows have different numbers of seeds.
        """
        found: dict[str, RowFigures] = {}
        for row in self.trained:
            other = found.get(row.row.model)
            if other is None or _chooses(row) > _chooses(other):
                found[row.row.model] = row
        return list(found.values())

    def best_baselines(self, count: int) -> list[RowFigures]:
        """The best on validation, best first."""
        return sorted(self.baselines, key=lambda row: -_chooses(row))[:count]


def _chooses(row: RowFigures) -> float:
    figure = row.cells[0]["validation"].get(BEST_BY)
    return -math.inf if figure is None else float(figure)


def read_comparison(folder: Path) -> Comparison:
    """Read every finished cell of a report's folder.

    Raises
    ------
    ArtefactError
        If there are none, or one cannot be read.
    MismatchError
        If they are from different splits, and so not comparable.
    """
    paths = sorted((folder / "cells").glob("[!.]*.json"))
    if not paths:
        raise ArtefactError(f"{folder}: contains no finished cell of `segue compare`")
    records = [read_cell(path) for path in paths]
    for path, record in zip(paths, records, strict=True):
        if record["data"]["split"] != records[0]["data"]["split"]:
            raise MismatchError(
                f"{path}: is of another graph or split than {paths[0].name}, so they cannot be "
                "in one report; another --out keeps them separate"
            )
    by_row: dict[Row, list[Record]] = {}
    for record in records:
        row = Row(record["model"], record["objective"], record["negatives"])
        by_row.setdefault(row, []).append(record)
    rows = sorted(by_row, key=_place)
    return Comparison(
        tuple(
            RowFigures(row, tuple(sorted(by_row[row], key=lambda cell: cell["rng_seed"] or 0)))
            for row in rows
        )
    )


def place_of_kind(row: Row) -> tuple[int, int]:
    """Sort key of a row by its objective and negatives."""
    return _at(row.objective, OBJECTIVES), _at(row.negatives, NEGATIVES)


def _place(row: Row) -> tuple[int, ...]:
    return _at(row.model, [*ENCODERS, *BASELINES]), *place_of_kind(row)


def _at(name: str, known: Iterable[str]) -> int:
    names = list(known)
    return names.index(name) if name in names else len(names)
