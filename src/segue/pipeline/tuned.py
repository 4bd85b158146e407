"""The options of each architecture, chosen on validation."""

from __future__ import annotations

from typing import Any

from segue.training.factors import FactorsConfig
from segue.training.objectives import CatalogueSoftmax
from segue.training.term import TermConfig

# By `benchmarks/tune_encoders.py`: the softmax over the whole catalogue, vectors of 64 numbers,
# fourteen trials per architecture on the 10-core of a quarter of the real playlists. GAT samples
# ten neighbours of each kind per step, as when it was tuned: with all, a step takes even longer.
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
        "num_layers": 1,
        "start": "spectrum",
        "objective": CatalogueSoftmax(temperature=0.085),
        "relations": ("artist", "album"),
    },
}
# Settings that take longer than the half hour allowed for the defaults.
PRESETS: dict[str, dict[str, Any]] = {"best": {"num_trainings": 3}}
# Terms of the score that they have besides the usual ones.
PRESET_TERMS: dict[str, dict[str, TermConfig]] = {"best": {"factors": FactorsConfig(dim=256)}}


def for_training(model: str) -> dict[str, Any]:
    """Default fields of `segue.training.config.TrainConfig` for `segue train`."""
    return tuned(model) | FLAGSHIP.get(model, {})


def tuned(model: str) -> dict[str, Any]:
    """Fields of `segue.training.config.TrainConfig` for an architecture; none if it is unknown."""
    return dict(TUNED.get(model, {}))
