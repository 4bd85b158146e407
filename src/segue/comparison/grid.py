"""What `segue compare` compares: a grid of trainings, and tuned baselines.

A *row* is one line of the report, such as GCN with BPR and hard negatives; a *cell* is one training
or fitting of it, with one seed. `segue.comparison.measure` measures it.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from segue.baselines import BASELINES
from segue.comparison.presets import (
    ARTICLE_MODELS,
    GRID_OBJECTIVES,
    NUM_TRIALS,
    Preset,
    training_fields,
)
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph
from segue.models import ENCODERS
from segue.training.config import TrainConfig
from segue.training.objectives import NEGATIVES, OBJECTIVES, has_negatives

# Version of a cell's meaning: if it changes, older cells are no longer valid.
_CELL_VERSION = 1


@dataclass(frozen=True)
class Row:
    """One line of the report: an architecture with an objective, or a baseline.

    Negatives are named if the objective draws any.
    """

    model: str
    objective: str = ""
    negatives: str = ""

    @property
    def name(self) -> str:
        """Such as ``gcn-bpr-hard``, or ``EASE``."""
        return "-".join(part for part in (self.model, self.objective, self.negatives) if part)

    @property
    def kind(self) -> str:
        """Readable, without the model: ``bpr, hard``."""
        return ", ".join(part for part in (self.objective, self.negatives) if part)

    @property
    def is_baseline(self) -> bool:
        """Whether it is one of `BASELINES`."""
        return self.model in BASELINES


@dataclass(frozen=True)
class Cell:
    """One training of a row, or one tuning and fitting of a baseline.

    Attributes
    ----------
    row
    rng_seed
        Model seed; None for a deterministic baseline.
    config
        None for a baseline.
    num_trials
        For a baseline: number of options tried on validation.
    preset
        Which grid it belongs to, for the report; it does not affect the figures.
    """

    row: Row
    rng_seed: int | None = None
    config: TrainConfig | None = None
    num_trials: int = 0
    preset: Preset = "full"

    @property
    def name(self) -> str:
        """The name of its file: the row's name, and the seed if there is one."""
        return self.row.name + ("" if self.rng_seed is None else f"-seed{self.rng_seed}")

    def to_json(self) -> dict[str, Any]:
        """What determines its figures, together with the split."""
        facts: dict[str, Any] = {"version": _CELL_VERSION, "rng_seed": self.rng_seed}
        if self.config is None:
            return {**facts, "baseline": self.row.model, "num_trials": self.num_trials}
        return {**facts, **self.config.to_json()}

    def identity(self, split_fingerprint: str) -> str:
        """Equal for cells whose figures must be equal: SHA-256 of configuration and split."""
        facts = json.dumps([split_fingerprint, self.to_json()], sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()

    def with_seed(self, rng_seed: int) -> Cell:
        """The same row with another model seed."""
        config = None if self.config is None else replace(self.config, rng_seed=rng_seed)
        return replace(self, rng_seed=rng_seed, config=config)


@dataclass(frozen=True)
class Grid:
    """Which rows, and how they are trained.

    Attributes
    ----------
    preset
        ``"full"``: each architecture as it trains best. ``"quick"``: the same with small vectors.
        ``"article"``: the protocol of the article, see `segue.comparison.presets.article_fields`.
    models, objectives, negatives, baselines
        Restrict the grid; invalid combinations are left out. `negatives` does not restrict
        objectives that draw none. By default all baselines, and none with the article's preset.
    num_trials
        For each baseline; by default 8, and 3 with the quick preset.
    changes
        Fields of `TrainConfig` that differ from the preset's, for every training.

    Examples
    --------
    >>> [row.name for row in segue.Grid(models=(), baselines=("EASE",)).rows]
    ['EASE']
    """

    preset: Preset = "full"
    models: tuple[str, ...] = tuple(ENCODERS)
    objectives: tuple[str, ...] = tuple(OBJECTIVES)
    negatives: tuple[str, ...] = ("random", "hard")
    baselines: tuple[str, ...] | None = None
    num_trials: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise InputError for unknown names, and for limits that leave nothing."""
        for what, given, known in (
            ("preset", (self.preset,), get_args(Preset)),
            ("model", self.models, tuple(ENCODERS)),
            ("objective", self.objectives, tuple(OBJECTIVES)),
            ("negatives", self.negatives, tuple(NEGATIVES)),
            ("baseline", self.baselines or (), tuple(BASELINES)),
        ):
            for name in given:
                if name not in known:
                    raise InputError(f"{what} {name!r} is not known, expected {', '.join(known)}")
        of_preset = GRID_OBJECTIVES[self.preset]
        # Baselines alone would be compared where models were wanted.
        unfit = self.models and self.objectives and not set(of_preset) & set(self.objectives)
        if unfit or not self.rows:
            objectives = ", ".join(of_preset)
            raise InputError(
                f"these limits leave nothing to compare: the objectives of the preset "
                f"{self.preset} are {objectives}"
            )

    @property
    def rows(self) -> tuple[Row, ...]:
        """In the order of the report."""
        kinds = [
            (objective, negatives)
            for objective in GRID_OBJECTIVES[self.preset]
            if objective in self.objectives
            for negatives in (NEGATIVES if has_negatives(OBJECTIVES[objective]) else ("",))
            if negatives in ("", *self.negatives)
        ]
        trained = [
            Row(model, *kind)
            for model in (ARTICLE_MODELS if self.preset == "article" else ENCODERS)
            if model in self.models
            for kind in kinds
        ]
        baselines = self.baselines
        if baselines is None:
            baselines = () if self.preset == "article" else tuple(BASELINES)
        return (*trained, *(Row(name) for name in BASELINES if name in baselines))

    def cells(self, train: PlaylistGraph, num_seeds: int = 1) -> tuple[Cell, ...]:
        """All cells, those of the first seed before those of the next.

        Parameters
        ----------
        train
            The training graph.
        num_seeds
            Model seeds of each row: 0, 1, …

        Raises
        ------
        InputError
            If a changed field is out of range.
        """
        first = [self._first_cell(row, train) for row in self.rows]
        repeats = (
            cell.with_seed(seed)
            for seed in range(1, num_seeds)
            for cell in first
            if cell.rng_seed is not None
        )
        return (*first, *repeats)

    def _first_cell(self, row: Row, train: PlaylistGraph) -> Cell:
        if row.is_baseline:
            draws = "rng_seed" in inspect.signature(BASELINES[row.model]).parameters
            trials = self.num_trials or NUM_TRIALS[self.preset]
            return Cell(row, 0 if draws else None, num_trials=trials, preset=self.preset)
        kind = (row.model, row.objective, row.negatives)
        fields = training_fields(self.preset, *kind, train) | dict(self.changes)
        if fields.get("readout") == "node":
            fields["options"] = {**fields.get("options", {}), "playlist_vectors": True}
        return Cell(row, 0, TrainConfig(**fields), preset=self.preset)


def best_cells(
    cells: Iterable[Cell], validation: Mapping[str, float], num_baselines: int = 2
) -> Iterator[Cell]:
    """The rows to repeat: the best of each architecture, and the best baselines.

    Parameters
    ----------
    cells
        Cells of the first seed.
    validation
        The deciding figure by name of the cell. It is from validation, never from test.
    num_baselines
        How many baselines.

    Yields
    ------
    Cell
        Of the first seed, the first among equals; deterministic baselines included.
    """
    ordered = sorted(cells, key=lambda cell: -validation[cell.name])
    trained = [cell for cell in ordered if not cell.row.is_baseline]
    for model in dict.fromkeys(cell.row.model for cell in trained):
        yield next(cell for cell in trained if cell.row.model == model)
    yield from [cell for cell in ordered if cell.row.is_baseline][:num_baselines]
