"""The configuration of a training: what it refuses, and as plain values."""

import json
import pickle
from dataclasses import replace
from typing import Any

import pytest

from segue.errors import InputError
from segue.training.config import TrainConfig, default_epochs
from segue.training.objectives import CatalogueSoftmax, HardNegatives, Triples


def test_default_epochs() -> None:
    assert default_epochs(512 * 600, 512) == 10
    assert default_epochs(512 * 60, 512) == 10
    assert default_epochs(512 * 20, 512) == 30
    assert default_epochs(512 * 20 + 1, 512) == 29  # 21 steps an epoch
    assert default_epochs(3, 512) == 40


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"dim": 0}, "dim"),
        ({"num_layers": -1}, "num_layers"),
        ({"batch_size": 0}, "batch_size"),
        ({"rng_seed": -1}, "rng_seed"),
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"initial_std": 0.0}, "initial_std"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"weight_decay": float("nan")}, "weight_decay"),
        ({"readout": "mean"}, "readout 'mean' is not known, expected centroid or node"),
        ({"schedule": "steps"}, "schedule 'steps' is not known, expected cosine or constant"),
        ({"message_share": 0.0}, "message_share is 0.0, expected a share above 0"),
        ({"message_share": 1.5}, "message_share is 1.5"),
        ({"objective": CatalogueSoftmax(hide_targets=False)}, "softmax .* needs the readout node"),
        ({"objective": Triples()}, "triples whose targets are not hidden needs the readout node"),
        ({"objective": "bpr"}, "objective is 'bpr', expected .*BPR.*, such as segue.BPR()"),
        ({"options": {"activation": None}}, "option activation is None"),
        ({"options": {"relation_weight": float("inf")}}, "option relation_weight is inf"),
    ],
    ids=str,
)
def test_options_outside_their_range_are_refused(option: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TrainConfig(**option)


def test_options_are_frozen() -> None:
    given = {"relation_weight": 2.0}
    config = TrainConfig(options=given)
    given["relation_weight"] = 3.0
    assert config.to_json()["options"] == {"relation_weight": 2.0}
    with pytest.raises(TypeError):
        config.options["relation_weight"] = 3.0  # type: ignore[index]
    assert hash(config) == hash(replace(config))
    assert pickle.loads(pickle.dumps(config)) == config
    assert config != replace(config, options={})


def test_round_trip_through_json() -> None:
    for config in (
        TrainConfig(),
        TrainConfig(
            model="gat", relations=(), epochs=3, readout="node", options={"num_heads": 2},
            objective=Triples(l2=0.1, negatives=HardNegatives(mix=(0.5, 1))),
        ),
    ):  # fmt: skip
        values = json.loads(json.dumps(config.to_json()))
        assert TrainConfig.from_json(values) == config
        # The manifest of a bundle holds more beside them.
        assert TrainConfig.from_json({**values, "best_epoch": 3}) == config
    assert TrainConfig.from_json({}) == TrainConfig()
