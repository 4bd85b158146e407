"""One evaluation: every metric, by full ranking over every track."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any

import numpy as np

from segue.data.playlists import Int64Array
from segue.errors import InputError
from segue.evaluation.ranking import rank
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.metrics import METRICS, Metric, Rankings, mean_over_scored, recall

# The k at which the recall curve is computed.
CURVE_KS = (1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500)
# Tracks of a recommended list that metrics see.
LIST_LENGTH = 300
# Enough for Recall@20 to within .003 or so; always the same ones are drawn.
SAMPLE = 10_000
_SAMPLE_RNG_SEED = 20180910


@dataclass(frozen=True)
class Evaluation:
    """Figures over the playlists with at least one held-out track.

    Attributes
    ----------
    metrics : tuple of Metric
        Those requested, in the order of `values`.
    values : dict
        By name of the metric; NaN if it has no value.
    recall_curve : dict
        Recall@k by k, for the k of `CURVE_KS`.
    num_scored, num_unscored
        Playlists with held-out tracks, and without.
    seconds
        Time taken; 0 for a part of another evaluation.
    sampled_from
        Where a sample was measured, the number of playlists with held-out tracks that there are;
        `num_scored` of them were drawn. Else 0.
    standard_errors : dict
        Of a sample, by name of the metric: how far the value may be from that of all playlists.
        Metrics that have no value for a single playlist have none.
    by_question : dict of Evaluation
        Where both are measured, the playlists that ask ``"fit"``, what fits them, and those that
        ask ``"next"``, what comes next.

    Examples
    --------
    >>> evaluation = segue.evaluate(bundle, split)["bundle"]
    >>> 0 <= evaluation.values["recall@20"] <= 1
    True
    """

    metrics: tuple[Metric, ...]
    values: dict[str, float]
    recall_curve: dict[int, float]
    num_scored: int
    num_unscored: int
    seconds: float
    sampled_from: int = 0
    standard_errors: dict[str, float] = field(default_factory=dict)
    by_question: dict[str, Evaluation] = field(default_factory=dict)

    def __repr__(self) -> str:
        """``Evaluation(recall@20 0.2737, …, over 1,000 playlists)``: the metrics of accuracy."""
        figures = [
            f"{each.name} {each.format(self.values[each.name])}"
            for each in self.metrics
            if each.topic == "accuracy"
        ]
        return f"Evaluation({', '.join(figures)}, over {self.num_scored:,} playlists)"

    def to_json(self) -> dict[str, Any]:
        """As plain values; a metric that has no value is null."""

        def finite(figures: dict[Any, float]) -> dict[str, float | None]:
            return {str(n): v if math.isfinite(v) else None for n, v in figures.items()}

        content: dict[str, Any] = {
            "values": finite(self.values),
            "recall_curve": finite(self.recall_curve),
            "num_scored": self.num_scored,
            "num_unscored": self.num_unscored,
            "seconds": round(self.seconds, 3),
        }
        if self.sampled_from:
            content["sampled_from"] = self.sampled_from
            content["standard_errors"] = self.standard_errors
        if self.by_question:
            content["by_question"] = {q: each.to_json() for q, each in self.by_question.items()}
        return content

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Evaluation:
        """Inverse of `to_json`; metrics that this version does not know are dropped."""

        def numbers(figures: dict[str, float | None]) -> dict[str, float]:
            return {name: math.nan if v is None else v for name, v in figures.items()}

        values = numbers(content["values"])
        metrics = tuple(metric for metric in METRICS if metric.name in values)
        return cls(
            metrics,
            {metric.name: values[metric.name] for metric in metrics},
            {int(k): value for k, value in numbers(content["recall_curve"]).items()},
            content["num_scored"],
            content["num_unscored"],
            content["seconds"],
            content.get("sampled_from", 0),
            content.get("standard_errors", {}),
            {q: cls.from_json(of) for q, of in content.get("by_question", {}).items()},
        )


def evaluate(
    scorer: Scorer | HeldOutScorer,
    held_out: HeldOut,
    train: PlaylistGraph,
    advance: Callable[[int], None] | None = None,
    *,
    metrics: Sequence[Metric] = METRICS,
    list_length: int = LIST_LENGTH,
    sample: int | None = None,
) -> Evaluation:
    """Measure a scorer on held-out tracks.

    Parameters
    ----------
    scorer
        A `Scorer` sees only each row's query, a `HeldOutScorer` also which playlist it is.
    held_out
        The validation or test part of a split.
    train
        The training graph, for popularity.
    advance
        Called after each batch with the number of playlists done.
    metrics
        What to measure; ``[*METRICS, Metric("my own", function)]`` adds to the usual ones.
    list_length
        Length of the recommended lists that metrics see, at least their largest cutoff.
    sample
        How many playlists are measured at most, drawn at random, always the same; None: all.

    Returns
    -------
    Evaluation
        Bucket 1 holds the most popular tracks, 5 the least; each holds a fifth of the training
        pairs. Novelty is in bits.

    Raises
    ------
    InputError
        If two metrics have the same name.
    ValueError
        If a metric's function returns neither a number nor one per playlist.
    """
    names = [metric.name for metric in metrics]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two metrics are called {name!r}")
    started = time.perf_counter()
    rows = sample_rows(held_out, sample)
    rankings = rank(scorer, held_out.rows(rows), train, list_length=list_length, advance=advance)
    num_all = int((held_out.targets.lengths > 0).sum())
    num_unscored, share = len(held_out.query) - num_all, len(rows) / max(1, num_all)

    def measured(of: Rankings, num_unscored: int) -> Evaluation:
        found = {metric.name: metric.value_and_error(of, share) for metric in metrics}
        errors = {name: error for name, (_, error) in found.items() if math.isfinite(error)}
        return Evaluation(
            tuple(metrics),
            {name: value for name, (value, _) in found.items()},
            {k: mean_over_scored(recall(of.ranks, k))[0] for k in CURVE_KS},
            len(of),
            num_unscored,
            seconds=0.0,
            standard_errors=errors if share < 1 else {},
        )

    by_question = {}
    if 0 < rankings.asks_next.sum() < len(rankings):
        chosen = {"fit": ~rankings.asks_next, "next": rankings.asks_next}
        by_question = {name: measured(rankings.rows(rows), 0) for name, rows in chosen.items()}
    return replace(
        measured(rankings, num_unscored),
        seconds=time.perf_counter() - started,
        sampled_from=num_all if share < 1 else 0,
        by_question=by_question,
    )


def sample_rows(held_out: HeldOut, sample: int | None) -> Int64Array:
    """The rows that are measured: those with targets, or a sample of them, in order.

    Raises
    ------
    InputError
        If the size of the sample is not a whole number, at least 1.
    """
    if sample is not None and (
        isinstance(sample, bool) or not isinstance(sample, Integral) or sample < 1
    ):
        raise InputError(f"sample is {sample!r}, expected a whole number from 1, or None for all")
    rows = np.flatnonzero(held_out.targets.lengths > 0)
    if sample is None or len(rows) <= sample:
        return rows
    rng = np.random.default_rng(_SAMPLE_RNG_SEED)
    return np.sort(rng.choice(rows, int(sample), replace=False))
