"""The tuned options are those of the best trial that the benchmark wrote down."""

import inspect
import json
from pathlib import Path

import pytest

from segue.evaluation.tuned import TUNED, tuned
from segue.models import ENCODERS
from segue.training.config import TrainConfig

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "encoders.json"


@pytest.mark.parametrize("name", ENCODERS)
def test_an_architecture_is_trained_as_validation_chose(name: str) -> None:
    figures = json.loads(RESULTS.read_text())
    trials = figures["encoders"][name]["trials"]
    best = max(trials, key=lambda trial: trial["validation"]["ndcg@20"])
    fanout = figures["training"]["fanout"]
    chosen = best["options"] | ({"fanout": fanout[name]} if name in fanout else {})

    config = TrainConfig(model=name, **tuned(name))
    assert set(config.options) <= set(inspect.signature(ENCODERS[name]).parameters)
    spelt_out = dict(config.options) | vars(config)
    assert {option: spelt_out[option] for option in chosen} == chosen, "a report states all of it"


def test_all_architectures_had_as_many_trials() -> None:
    encoders = json.loads(RESULTS.read_text())["encoders"]
    assert set(encoders) == set(ENCODERS) == set(TUNED)
    assert len({len(found["trials"]) for found in encoders.values()}) == 1


def test_a_model_that_nobody_tuned_has_the_defaults() -> None:
    assert tuned("of my own") == {}
