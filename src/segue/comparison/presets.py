"""How the trainings of each preset are configured, and the article's protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.pipeline.tuned import tuned
from segue.training.objective_json import objective_from_json
from segue.training.objectives import BPR, HardNegatives, Objective

Preset = Literal["full", "quick", "article"]
# The objectives of a grid, in the order of the report.
GRID_OBJECTIVES: dict[str, tuple[str, ...]] = {
    "full": ("catalogue-softmax", "sampled-softmax", "bpr"),
    "quick": ("catalogue-softmax", "sampled-softmax", "bpr"),
    "article": ("triples",),
}
QUICK_K_CORE = 30
# Options tried for each baseline.
NUM_TRIALS = {"full": 8, "quick": 3, "article": 8}
ARTICLE_MODELS = ("lightgcn", "gcn", "graphsage", "gat", "rgcn")
# Hard negatives come from a share of the ranking that shrinks from one half. In the article's
# variant, from all to half, they are hardly harder than random ones.
_HARD: dict[str, Any] = {"share": (0.5, 0.05), "refresh_every": 2}
_ARTICLE_HARD: dict[str, Any] = {"share": (1.0, 0.5), "mix": (1.0, 1.0), "refresh_every": 5}
# For the full comparison: one night on one core at a million pairs.
FULL: dict[str, Any] = {"dim": 128, "epochs": 12, "validate_every": 2}
# For a quick comparison: small vectors.
QUICK: dict[str, Any] = {"dim": 32, "epochs": 12, "validate_every": 4}
# BPR gets this many times the epochs: it learns from one negative at a time, and takes longer to
# converge than a softmax.
BPR_EPOCHS = 2
ARTICLE_RECIPE = SplitRecipe("random", test_share=0.15, validation_share=0.15)


def training_fields(
    preset: Preset, model: str, objective: str, negatives: str, train: PlaylistGraph
) -> dict[str, Any]:
    """Fields of `segue.training.config.TrainConfig` for one row of a grid.

    Parameters
    ----------
    preset, model, objective, negatives
        By name; `negatives` is empty if the objective draws none.
    train
        The training graph.
    """
    if preset == "article":
        fields, hard = article_fields(model, train), _ARTICLE_HARD
    else:
        fields, hard = tuned(model) | (QUICK if preset == "quick" else FULL), _HARD
        if objective == BPR.name:
            fields["epochs"] *= BPR_EPOCHS
    return fields | {"model": model, "objective": _objective(objective, negatives, hard)}


def _objective(name: str, negatives: str, hard: Mapping[str, Any]) -> Objective:
    values: dict[str, Any] = {"name": name}
    if negatives:
        options = hard if negatives == HardNegatives.name else {}
        values["negatives"] = {"name": negatives, **options}
    return objective_from_json(values)


def article_fields(model: str, train: PlaylistGraph) -> dict[str, Any]:
    """The article's protocol for one of its ten models.

    Triples with one negative per pair and all training pairs in each step, 300 steps of Adam at
    0.01 with weight decay 1e-5, vectors of 64 numbers with Xavier initialisation, learned playlist
    vectors, no nonlinearity, four layers of LightGCN and three of the others. Hard negatives are
    from the top of the ranking, refreshed every fifth step; the share that counts as the top
    shrinks from all to half.
    """
    num_nodes = sum(train.num_nodes[kind] for kind in ("playlist", "track", "artist"))
    # Glorot and Bengio's rule for a table of vectors, as a normal distribution.
    dim = 64
    options: dict[str, Any] = {"playlist_vectors": True, "relation_weight": 1.0}
    if model != "lightgcn":
        options |= {"start": "glorot", "transform_rate": 1.0}
    if model == "gat":
        options["num_heads"] = 1
    return {
        "dim": dim,
        "num_layers": 4 if model == "lightgcn" else 3,
        "epochs": 300,
        "validate_every": 10,
        "batch_size": train.playlists.tracks.num_pairs,
        "learning_rate": 0.01,
        "schedule": "constant",
        "weight_decay": 1e-5,
        "initial_std": math.sqrt(2 / (num_nodes + dim)),
        "readout": "node",
        "options": options,
    }
