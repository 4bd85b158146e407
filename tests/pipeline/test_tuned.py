"""The tuned options are those of the best trial that the benchmark wrote down."""

import inspect
import json
from pathlib import Path

import pytest

from segue.console import ConsoleProgress
from segue.models import ENCODERS
from segue.pipeline.recipes import default_system
from segue.pipeline.tuned import FLAGSHIP, PRESET_TERMS, PRESETS, TUNED, for_training, tuned
from segue.training.config import TrainConfig

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "encoders.json"


@pytest.mark.parametrize("name", TUNED)
def test_an_architecture_is_trained_as_validation_chose(name: str) -> None:
    figures = json.loads(RESULTS.read_text())
    trials = figures["encoders"][name]["trials"]
    best = max(trials, key=lambda trial: trial["validation"]["ndcg@20"])
    fanout = figures["training"]["fanout"]
    chosen = best["options"] | ({"fanout": fanout[name]} if name in fanout else {})

    config = TrainConfig(model=name, **tuned(name))
    trained = {"learning_rate": config.learning_rate, "num_layers": config.num_layers}
    trained |= config.options_for(ENCODERS[name])
    assert {option: trained[option] for option in chosen} == chosen
    assert set(trained) == {"num_layers", *chosen}
    # An architecture's own defaults are the same; LightGCN's are those that figures are from.
    for option, parameter in inspect.signature(ENCODERS[name]).parameters.items():
        if option in chosen and name != "lightgcn" and option != "fanout":
            assert parameter.default == chosen[option]


def test_all_architectures_had_as_many_trials() -> None:
    """Or as many as there were: a walk also ends where every point next to the best is tried."""
    encoders = json.loads(RESULTS.read_text())["encoders"]
    assert set(encoders) == set(TUNED) <= set(ENCODERS)
    num_trials = max(len(found["trials"]) for found in encoders.values())
    for found in encoders.values():
        if len(found["trials"]) == num_trials:
            continue
        tried = [trial["options"] for trial in found["trials"]]
        best = found["best"]["options"]
        for option, values in found["space"].items():
            ordered = sorted(values)
            place = ordered.index(best[option])
            near = ordered[max(0, place - 1) : place + 2]
            assert all(best | {option: value} in tried for value in near)


def test_a_model_that_nobody_tuned_has_the_defaults() -> None:
    assert tuned("of my own") == {}


def test_a_training_by_itself_is_tuned_further_than_a_comparison() -> None:
    """In a comparison all architectures are alike in what is not their own."""
    for name in ENCODERS:
        assert for_training(name) == tuned(name) | FLAGSHIP.get(name, {})
        TrainConfig(model=name, **for_training(name))
    assert set(FLAGSHIP) == {"lightgcn"}
    # From the spectrum one layer is enough; in a comparison all start from noise.
    assert set(FLAGSHIP["lightgcn"]) & set(TUNED["lightgcn"]) == {"num_layers"}
    assert for_training("of my own") == {}
    for preset in PRESETS.values():
        TrainConfig(**(for_training("lightgcn") | preset))


def test_a_preset_has_terms_of_its_own_beside_the_usual_ones(planted_graph) -> None:
    usual, best = default_system(planted_graph), default_system(planted_graph, "best")
    assert sorted(usual.terms) == ["wide"]
    assert best.terms == usual.terms | PRESET_TERMS["best"]
    assert sorted(best.terms) == ["factors", "wide"]
    assert best.second_stage == usual.second_stage
    without = default_system(planted_graph, "best", without=["factors"], second_stage=False)
    assert (sorted(without.terms), without.second_stage) == (["wide"], None)
    assert set(PRESET_TERMS) <= set(PRESETS)


def test_factors_that_do_not_fit_are_left_out(planted_graph, monkeypatch, capsys) -> None:
    needed = PRESET_TERMS["best"]["factors"].memory(planted_graph)
    monkeypatch.setattr("segue.memory.available_memory", lambda: needed - 1)
    found = default_system(planted_graph, "best", progress=ConsoleProgress())
    assert "factors" not in found.terms
    assert "The matrix factorisation is left out: the matrix fact" in capsys.readouterr().err


def test_what_is_handed_out_can_be_changed() -> None:
    for_training("lightgcn")["dim"] = 3
    tuned("gcn")["learning_rate"] = 3
    assert for_training("lightgcn")["dim"] == FLAGSHIP["lightgcn"]["dim"]
    assert tuned("gcn")["learning_rate"] == TUNED["gcn"]["learning_rate"]
