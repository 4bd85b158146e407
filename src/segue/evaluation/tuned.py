"""What each architecture is best trained with, as it was chosen on validation; free of torch."""

from __future__ import annotations

from typing import Any

# By `benchmarks/tune_encoders.py` (benchmarks/results/encoders.json): the softmax over the whole
# catalogue, 64 numbers a vector, eight trials for each architecture on the 10-core of a quarter of
# the real playlists. Stated are the options whose defaults are others. GAT hears ten neighbours of
# each kind in a step, as when it was tuned: with all of them a step takes several times as long.
TUNED: dict[str, dict[str, Any]] = {
    "lightgcn": {"learning_rate": 0.01, "options": {"relation_weight": 2.0}},
    "gcn": {"learning_rate": 0.01, "options": {}},
    "graphsage": {"learning_rate": 0.02, "options": {}},
    "gat": {"learning_rate": 0.02, "options": {"fanout": 10}},
    "rgcn": {"learning_rate": 0.02, "options": {}},
}


def tuned(model: str) -> dict[str, Any]:
    """Fields of `segue.training.config.TrainConfig` for an architecture; none of an unknown one."""
    return dict(TUNED.get(model, {}))
