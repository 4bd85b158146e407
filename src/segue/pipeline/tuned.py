"""The options of each architecture, as they were chosen on validation."""

from __future__ import annotations

from typing import Any

from segue.training.objectives import CatalogueSoftmax

# By `benchmarks/tune_encoders.py`: the softmax over the whole catalogue, 64 numbers a vector,
# fourteen trials for each architecture on the 10-core of a quarter of the real playlists. GAT hears
# ten neighbours of each kind in a step, as when it was tuned: with all a step takes still longer.
TUNED: dict[str, dict[str, Any]] = {
    "lightgcn": {"learning_rate": 0.01, "num_layers": 3, "options": {"relation_weight": 2.0}},
    "gcn": {
        "learning_rate": 0.02,
        "options": {"transform_rate": 0.01, "relation_weight": 100.0},
    },
    "graphsage": {
        "learning_rate": 0.02,
        "options": {"transform_rate": 0.1, "relation_weight": 2.0},
    },
    "gat": {
        "learning_rate": 0.02,
        "options": {"transform_rate": 0.01, "relation_weight": 1.0, "num_heads": 2, "fanout": 10},
    },
    "rgcn": {
        "learning_rate": 0.02,
        "options": {"transform_rate": 0.03, "relation_weight": 2.0, "num_bases": 2},
    },
}

# What `segue train` does otherwise than a comparison, in which all are alike: found on validation
# by `benchmarks/real_playlists.py`'s split (docs/experiments.md).
FLAGSHIP: dict[str, dict[str, Any]] = {
    "lightgcn": {
        "dim": 128,
        "objective": CatalogueSoftmax(temperature=0.085),
        "relations": ("artist", "album"),
    },
}
# What takes longer than the half hour that is allowed to the defaults.
PRESETS: dict[str, dict[str, Any]] = {"best": {"dim": 256}}


def for_training(model: str) -> dict[str, Any]:
    """Fields of `segue.training.config.TrainConfig` that `segue train` takes by default."""
    return tuned(model) | FLAGSHIP.get(model, {})


def tuned(model: str) -> dict[str, Any]:
    """Fields of `segue.training.config.TrainConfig` for an architecture; none of an unknown one."""
    return dict(TUNED.get(model, {}))
