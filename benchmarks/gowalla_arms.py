"""The arms of `benchmarks/gowalla.py`, and which options of each are tuned or can be set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue.baselines.baseline import SearchSpace
from segue.training.config import TrainConfig
from segue.training.objectives import BPR, CatalogueSoftmax, Triples
from segue.training.terms import WideConfig

# Chosen on validation, one walk of a few trials each, all with dim 64 unless stated otherwise:
# decay of 1e-5, 1e-4 and 3e-4 and rates of 5e-3 and 1e-2 (of node-softmax 2e-2, too), ten epochs;
# a temperature of .07 is worse than .1.
_SOFTMAX = TrainConfig(
    relations=(),
    dim=64,
    num_layers=2,
    epochs=10,
    batch_size=512,
    objective=CatalogueSoftmax(few_share=0.0),
    weight_decay=1e-4,
)
# With dim 256 the same decay is best as with 64 (by nDCG@20; 1e-5 is as good within .0001). Twice
# the epochs with 128 numbers are better on validation than ten with 256.
_LONGER = replace(_SOFTMAX, dim=128, epochs=20)
_NODE: dict[str, Any] = {"readout": "node", "options": {"playlist_vectors": True}}
_VISIBLE = CatalogueSoftmax(few_share=0.0, hide_targets=False)
ARMS = {
    "node-bpr": TrainConfig(
        **_NODE,
        objective=Triples(l2=1e-4),
        relations=(),
        dim=64,
        num_layers=3,
        epochs=1000,
        batch_size=2048,
        learning_rate=1e-3,
        schedule="constant",
        validate_every=10,
    ),
    "node-softmax": replace(
        _SOFTMAX, **_NODE, objective=_VISIBLE, num_layers=3, learning_rate=1e-2
    ),
    "centroid-bpr": replace(_SOFTMAX, objective=BPR(few_share=0.0), epochs=20),
    "centroid-softmax": _SOFTMAX,
    "centroid-softmax-128": _LONGER,
    "centroid-wide": _LONGER,
}
# The wide part, and the arm that its vectors come from. Places have no makers, so there is no side
# information. The dial may be set further towards the mainstream.
WIDE = {
    "centroid-wide": WideConfig(
        weight=1.0,
        regularization=100.0,
        artist_weight=0.0,
        album_weight=0.0,
        max_tracks=20_000,
    )
}
VECTORS_OF = {"centroid-wide": "centroid-softmax-128"}
# What is tuned, in addition to the arm's own value of each. `configured` interprets options that
# are not fields of the configuration.
_SPACE: SearchSpace = {
    "weight_decay": (0.0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3),
    "learning_rate": (2.5e-3, 5e-3, 1e-2, 2e-2),
    "temperature": (0.05, 0.07, 0.1, 0.15, 0.2),
    "epochs": (5, 10, 20, 40, 80),
    "num_layers": (1, 2, 3, 4),
    "edge_dropout": (0.0, 0.3, 0.6),
    "hidden_share": (0.3, 0.5, 0.7),
    "initial_std": (0.03, 0.1, 0.3),
}
SPACES: dict[str, SearchSpace] = {
    "node-bpr": {"learning_rate": (5e-4, 1e-3, 2e-3), "l2": (1e-5, 1e-4, 1e-3)},
    "node-softmax": _SPACE,
    "centroid-bpr": _SPACE,
    "centroid-softmax": _SPACE,
    "centroid-softmax-128": _SPACE,
    "centroid-wide": {
        "weight": (0.5, 1.0, 2.0, 4.0),
        "dial": (0.0, -0.1, -0.2, -0.3, -0.5),
        "regularization": (30.0, 100.0, 300.0),
        "max_tracks": (20_000, 41_000),
    },
}
# Fields that the command line may set, whether tuned or not.
SETTABLE = {
    "dim": int,
    "num_layers": int,
    "epochs": int,
    "batch_size": int,
    "learning_rate": float,
    "weight_decay": float,
    "l2": float,
    "temperature": float,
    "hidden_share": float,
    "few_share": float,
    "edge_dropout": float,
    "initial_std": float,
    "rng_seed": int,
    "validate_every": int,
}
# Those of them that are fields of the objective.
OF_OBJECTIVE = ("l2", "temperature", "hidden_share", "few_share")
HIDDEN_WIDTH = 0.4


def configured(config: TrainConfig, options: dict[str, Any]) -> TrainConfig:
    """A configuration with some options; two of them set more than one field.

    ``hidden_share`` is the mean of a uniform draw, as wide as `HIDDEN_WIDTH` and the bounds 0 and 1
    allow; ``edge_dropout`` is the encoder's.
    """
    values = dict(options)
    if "hidden_share" in values:
        mean = values["hidden_share"]
        half = min(HIDDEN_WIDTH / 2, mean - 0.05, 0.95 - mean)
        values["hidden_share"] = (round(mean - half, 9), round(mean + half, 9))
    if "edge_dropout" in values:
        values["options"] = {**config.options, "edge_dropout": values.pop("edge_dropout")}
    of_objective = {name: values.pop(name) for name in OF_OBJECTIVE if name in values}
    objective = replace(config.objective, **of_objective)
    return replace(config, objective=objective, **values)


def fixed(arm: str, config: TrainConfig) -> dict[str, Any]:
    """The part of a configuration that is not tuned."""
    facts = config.to_json()
    facts |= {f"objective {name}": value for name, value in facts.pop("objective").items()}
    return {k: v for k, v in facts.items() if k.removeprefix("objective ") not in SPACES[arm]}


def value_of(arm: str, config: TrainConfig, option: str) -> float:
    """An arm's own value of an option: for vectors the inverse of `configured`."""
    if arm in WIDE:
        return 0.0 if option == "dial" else getattr(WIDE[arm], option)
    if option == "hidden_share":
        return round(sum(config.objective.hidden_share) / 2, 9)
    if option == "edge_dropout":
        return float(config.options.get("edge_dropout", 0.0))
    owner = config.objective if option in OF_OBJECTIVE else config
    return getattr(owner, option)  # type: ignore[no-any-return]
