"""The readable report of a comparison, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from segue.comparison.results import Comparison, RowFigures
from segue.evaluation.validation import BEST_BY
from segue.metrics import METRICS, Metric
from segue.training.objectives import Triples

# The article's published table, on its own data: AUC (pooled), Recall@300, novelty.
PUBLISHED = {
    ("gcn", "random"): (0.722, 0.163, 11.1),
    ("graphsage", "random"): (0.686, 0.142, 11.3),
    ("rgcn", "random"): (0.684, 0.134, 11.4),
    ("gcn", "hard"): (0.606, 0.074, 11.8),
    ("rgcn", "hard"): (0.578, 0.050, 12.1),
    ("lightgcn", "random"): (0.576, 0.058, 12.4),
    ("graphsage", "hard"): (0.549, 0.044, 12.3),
    ("lightgcn", "hard"): (0.537, 0.035, 12.7),
    ("gat", "random"): (0.535, 0.035, 12.5),
    ("gat", "hard"): (0.500, 0.025, 12.9),
}
# These always differ between cells, so they are not in the table of configurations.
_NOT_CONFIGURED = ("version", "rng_seed", "model", "baseline", "num_trials")


def markdown(
    comparison: Comparison, pictures: Mapping[str, str], unfinished: Mapping[str, str]
) -> str:
    """The whole report.

    Parameters
    ----------
    comparison
    pictures
        File name and description of each plot.
    unfinished
        Missing cells, and why they are missing.
    """

    def shown(*names: str) -> list[str]:
        return [f"![{pictures[name]}]({name})" for name in names if name in pictures]

    parts = ["# Comparison", _introduction(comparison)]
    if unfinished:
        lines = [f"- {name}: {why}" for name, why in unfinished.items()]
        parts += ["**Not everything is finished.** Missing from these tables:", "\n".join(lines)]
    best, baselines = comparison.best(), comparison.baselines
    accuracy, popularity, variety = (
        [metric for metric in METRICS if metric.topic == topic]
        for topic in ("accuracy", "popularity", "variety")
    )
    if best:
        parts += [
            "## The best of each architecture",
            "The objective that did best on validation (nDCG@20), and the baselines.",
            _figures([*best, *baselines], accuracy),
        ]
    parts += shown("recall-at-k.png")
    if any(cell["preset"] == "article" for cell in comparison.cells):
        parts += ["## Compared with the published figures", _published(comparison)]
    parts += ["## All rows", _figures(comparison.rows, accuracy)]
    parts += [
        "## Popularity and coverage",
        "Novelty in bits: higher means less popular music. Bucket 1 holds the most popular "
        "tracks, bucket 5 the least, each with a fifth of the training pairs.",
        _figures(comparison.rows, popularity),
        *shown("recall-by-novelty.png", "recall-by-popularity.png"),
        "## Artists",
        "The share of tracks by an artist of the playlist's known tracks, and of pairs of tracks "
        "by different artists: in the first ten, and among the held-out tracks.",
        _figures(comparison.rows, variety),
        "## Chosen on validation",
        "Each training keeps its best epoch, each baseline its best options, each architecture "
        f"its best row (✓): all by {BEST_BY} on validation, where these figures are from.",
        _choices(comparison),
        *shown("validation.png", "loss.png"),
        "## Cost",
        "Memory is the peak of a cell's process, including Python and PyTorch. "
        "A baseline's tuning is that of all its trials.",
        _cost(comparison),
        "## Configuration",
        _configuration(comparison),
        "## Data and machine",
        _origin(comparison),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(comparison: Comparison) -> str:
    cell = comparison.cells[0]
    nodes, pairs = cell["data"]["nodes"], cell["data"]["pairs"]
    core = cell["data"]["options"].get("k_core")
    seeds = {len(row.cells) for row in comparison.rows}
    repeated = (
        " Where a row has several model seeds: mean ± standard deviation." if max(seeds) > 1 else ""
    )
    of_core = f"The {core}-core: " if core else ""
    return (
        f"{of_core}{nodes['playlist']:,} playlists, "
        f"{nodes['track']:,} tracks, {nodes['artist']:,} artists; {pairs['train']:,} training "
        f"pairs, {pairs['validation']:,} held out for validation, {pairs['test']:,} for test. "
        f"Figures on test, means over {cell['test']['num_scored']:,} playlists, by full ranking "
        f"over every track; choices on validation. The best of each column is bold.{repeated}"
    )


def _figures(rows: Sequence[RowFigures], metrics: Sequence[Metric]) -> str:
    def cells(metric: Metric) -> list[str]:
        means = [row.mean(metric.name) for row in rows]
        best = metric.best(means)
        return [
            _figure(
                mean,
                row.spread(metric.name),
                metric.decimals,
                # Equal as displayed counts as equally good.
                bold=best is not None and metric.format(mean) == metric.format(best),
            )
            for mean, row in zip(means, rows, strict=True)
        ]

    return _table(
        [
            *("model", "objective", "negatives"),
            *(metric.name.replace("recall@300 of ", "") for metric in metrics),
        ],
        zip(*_names(rows), *(cells(metric) for metric in metrics), strict=True),
        num_texts=3,
    )


def _names(rows: Iterable[RowFigures]) -> tuple[list[str], list[str], list[str]]:
    rows = list(rows)
    return (
        [row.row.model for row in rows],
        [row.row.objective for row in rows],
        [row.row.negatives for row in rows],
    )


def _figure(mean: float, spread: float | None, decimals: int, *, bold: bool = False) -> str:
    if not math.isfinite(mean):
        return "–"
    text = _short(mean, decimals)
    text = f"**{text}**" if bold else text
    return text if spread is None else f"{text} ± {_short(spread, decimals)}"


def _short(value: float, decimals: int) -> str:
    """Without the redundant 0 before the decimal point."""
    text = f"{value:.{decimals}f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], num_texts: int = 1) -> str:
    lines = [
        header,
        ["---" if at < num_texts else "---:" for at in range(len(header))],
        *rows,
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _published(comparison: Comparison) -> str:
    rows = [row for row in comparison.trained if row.row.objective == Triples.name]
    lines = []
    for row in rows:
        published = PUBLISHED.get((row.row.model, row.row.negatives))
        auc, recall, novelty = (
            ("–",) * 3
            if published is None
            else (f"{published[0]:.3f}", f"{published[1]:.3f}", f"{published[2]:.1f}")
        )
        lines.append(
            [
                *(row.row.model, row.row.negatives),
                _figure(row.mean("auc (pooled)"), row.spread("auc (pooled)"), 3),
                auc.removeprefix("0"),
                _figure(row.mean("auc"), row.spread("auc"), 3),
                _figure(row.mean("recall@300"), row.spread("recall@300"), 3),
                recall.removeprefix("0"),
                _figure(row.mean("novelty@300"), row.spread("novelty@300"), 1),
                novelty,
            ]
        )
    header = ["model", "negatives", "auc (pooled)", "published", "auc", "recall@300", "published"]
    note = (
        "The published figures are from other data (50 slices of the Million Playlist Dataset, "
        "30-core: 22,083 playlists, 12,237 tracks, 3,053 artists), so compare their order, not "
        "their values. Their AUC pools all held-out pairs, as `auc (pooled)` does; `auc` is "
        "taken within each playlist."
    )
    table = _table([*header, "novelty@300", "published"], lines, num_texts=2)
    return f"{note}\n\n{table}"


def _choices(comparison: Comparison) -> str:
    chosen = {row.row for row in comparison.best()}
    metrics = comparison.validation_metrics
    lines = []
    for row in comparison.rows:
        first = row.cells[0]
        if row.row.is_baseline:
            words = ", ".join(f"{n} {v:g}" for n, v in first["options"].items())
            trials = first["num_trials"]
            tried = f"best of {trials} trials" if trials else "nothing tried"
            how = f"{words} ({tried})" if words else "has no options"
        else:
            epochs = [str(cell["best_epoch"]) for cell in row.cells]
            how = f"epoch {', '.join(epochs)} of {first['history'][-1]['epochs']}"
        figures = [
            _figure(row.mean(name, "validation"), row.spread(name, "validation"), 4)
            for name in metrics
        ]
        mark = " ✓" if row.row in chosen else ""
        kind = (row.row.objective, row.row.negatives)
        lines.append([row.row.model + mark, *kind, how, str(len(row.cells)), *figures])
    header = ["model", "objective", "negatives", "chosen", "seeds", *metrics]
    return _table(header, lines, num_texts=4)


def _cost(comparison: Comparison) -> str:
    def mean(row: RowFigures, value: Callable[[dict[str, Any]], float | None]) -> float | None:
        values = [value(cell) for cell in row.cells]
        known = [v for v in values if v is not None]
        return sum(known) / len(known) if known else None

    lines = []
    for row in comparison.rows:
        seconds = {
            part: mean(row, lambda cell, part=part: cell["seconds"].get(part))  # type: ignore[misc]
            for part in ("training", "tuning", "evaluation")
        }
        parameters = mean(row, lambda cell: cell["parameters"])
        memory = mean(row, lambda cell: cell["peak_memory"])
        threads = sorted({f"{cell['machine']['threads']}" for cell in row.cells})
        lines.append(
            [
                *(row.row.model, row.row.objective, row.row.negatives),
                "–" if parameters is None else f"{parameters:,.0f}",
                *("–" if s is None else f"{s:,.1f}" for s in seconds.values()),
                "–" if memory is None else f"{memory / 2**20:,.0f}",
                ", ".join(threads),
                ", ".join(sorted({cell["device"] for cell in row.cells})),
            ]
        )
    header = [
        *("model", "objective", "negatives", "parameters", "training or fitting (s)", "tuning (s)"),
        *("evaluation (s)", "peak memory (MiB)", "threads", "device"),
    ]
    return _table(header, lines, num_texts=3)


def _configuration(comparison: Comparison) -> str:
    """Shared settings of all trainings as a list, differing ones as a table."""
    rows = comparison.trained
    if not rows:
        return "No training, only baselines."
    configs = [_flat(row.cells[0]["config"]) for row in rows]
    names = list(dict.fromkeys(name for config in configs for name in config))
    values = {n: [config[n] for config in configs if n in config] for n in names}
    shared = [n for n in names if all(value == values[n][0] for value in values[n])]
    different = [n for n in names if n not in shared]
    words = ", ".join(f"`{name}` {_plain(values[name][0])}" for name in shared)
    text = f"The same in all trainings that have it: {words}."
    if any(row.cells[0]["preset"] != "article" for row in rows):
        text += (
            "\n\nLearning rate and options of an architecture were chosen on validation, under the "
            "softmax over the catalogue and on fewer playlists, with the same number of trials "
            "for each architecture; they are the same for all its objectives."
        )
    if "epochs" in different:
        epochs = {row.row.objective: row.cells[0]["config"]["epochs"] for row in rows}
        text += (
            f" Epochs differ ({', '.join(f'{name} {_plain(n)}' for name, n in epochs.items())}): "
            "bpr learns from one negative at a time, and so more slowly."
        )
    if not different:
        return text
    table = _table(
        ["model", "objective", "negatives", *different],
        zip(
            *_names(rows),
            *([_plain(c[n]) if n in c else "–" for c in configs] for n in different),
            strict=True,
        ),
        num_texts=3 + len(different),
    )
    return f"{text}\n\nWhat differs:\n\n{table}"


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with the fields of its objective and negatives among the others."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        if name == "objective":
            found |= {n: v for n, v in value.items() if n not in ("name", "negatives")}
            drawn = value.get("negatives", {})
            found |= {f"{n} of negatives": v for n, v in drawn.items() if n != "name"}
        elif name not in _NOT_CONFIGURED:
            found[name] = value
    return found


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items()) or "none"
    if isinstance(value, list):
        return " to ".join(_plain(v) for v in value) or "none"
    return "by size" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _origin(comparison: Comparison) -> str:
    data = comparison.cells[0]["data"]
    recipe = ", ".join(f"{name} {value}" for name, value in data["recipe"].items())
    machines = []
    for cell in comparison.cells:
        facts = cell["machine"]
        memory = f"{facts['memory'] / 2**30:.0f} GiB of memory" if facts["memory"] else ""
        gpu = facts["gpu"] if cell["device"] != "cpu" else None
        hardware = [facts["processor"], f"{facts['cores']} cores", memory, gpu, facts["system"]]
        versions = (f"{name} {facts[name]}" for name in ("python", "numpy", "torch"))
        where = ", ".join(part for part in hardware if part)
        segue = f"Segue {facts['segue']}" + (
            f" (commit `{facts['commit']}`)" if facts["commit"] else ""
        )
        machines.append(f"- machine: {where}; {segue}, {', '.join(versions)}")
    return "\n".join(
        [
            f"- graph: fingerprint `{data['graph']}`",
            f"- split: {recipe}; fingerprint `{data['split']}`",
            *dict.fromkeys(machines),
        ]
    )
