"""A trained and measured bundle: what its epoch was chosen by."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.baselines import BASELINES
from segue.bundle import Bundle
from segue.errors import ArtefactError, InputError, MismatchError
from segue.evaluation.validation import validate, validation_rows
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.models.lightgcn import LightGCN
from segue.pipeline.build import build
from segue.pipeline.evaluate import evaluate
from segue.pipeline.run import Step
from segue.pipeline.system import SystemScorer
from segue.pipeline.train import _remove_training, train
from segue.recommend.recommender import Recommender
from segue.training.config import SystemConfig, TrainConfig
from segue.training.objectives import BPR
from segue.training.terms import WideConfig

CONFIG = TrainConfig(dim=8, epochs=3, batch_size=64, learning_rate=0.02)
WIDE = SystemConfig({"wide": WideConfig(num_neighbours=10)})


@pytest.fixture(scope="module")
def split(planted_graph: PlaylistGraph) -> Split:
    return split_graph(planted_graph, SplitRecipe("mixed", rng_seed=1))


def trained(split: Split, system: SystemConfig, **options: Any) -> Bundle:
    return train(split, config=CONFIG, system=system, refit=False, device="cpu", **options)


def test_the_epoch_is_chosen_by_the_first_stage_that_ships(split: Split) -> None:
    """Wide part, usual recency and popularity have a say, as in what is recommended."""
    bundle = trained(split, WIDE)
    held_out = validation_rows(split.validation)
    shipped = validate(SystemScorer.of_vectors(bundle, None, split), held_out, split.train)
    best = bundle.history[bundle.config["best_epoch"] - 1]
    assert {name: best[name] for name in shipped} == shipped
    assert best["ndcg@20"] == max(entry["ndcg@20"] for entry in bundle.history)


def test_a_training_continues_with_the_parts_that_it_began_with(
    split: Split, tmp_path: Path
) -> None:
    """Epochs that were judged with a wide part cannot be compared with others."""

    class PowerCutError(Exception):
        pass

    def stop(entry: dict[str, Any]) -> None:
        raise PowerCutError

    with pytest.raises(PowerCutError):
        trained(split, WIDE, folder=tmp_path, on_epoch=stop)
    with pytest.raises(MismatchError):
        trained(split, SystemConfig(), folder=tmp_path)
    with pytest.raises(ArtefactError, match="resume=True continues it"):
        trained(split, WIDE, folder=tmp_path, resume=False)
    continued = trained(split, WIDE, folder=tmp_path)
    uninterrupted = trained(split, WIDE)
    np.testing.assert_array_equal(continued.track_vectors, uninterrupted.track_vectors)


def test_whoever_watches_sees_each_step_and_epoch_of_both_trainings(split: Split) -> None:
    steps: list[Step] = []
    epochs: list[dict[str, Any]] = []
    bundle = train(
        split,
        config=CONFIG,
        system=SystemConfig(),
        device="cpu",
        on_step=steps.append,
        on_epoch=epochs.append,
    )
    measured = [step for step in steps if step.stage == "split"]
    assert [step.done for step in measured] == list(range(1, measured[0].total + 1))
    assert {step.stage for step in steps} == {"split", "refit"}
    seen = [{k: v for k, v in e.items() if k != "stage"} for e in epochs if e["stage"] == "split"]
    assert seen == bundle.history
    assert len([e for e in epochs if e["stage"] == "refit"]) == bundle.config["best_epoch"]


def test_what_took_long_ships_after_one_more_epoch_on_all_pairs(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.pipeline.run.MOST_STEPS_AGAIN", 0)
    epochs: list[dict[str, Any]] = []
    bundle = train(
        split, config=CONFIG, system=SystemConfig(), device="cpu", on_epoch=epochs.append
    )
    (refit,) = [entry for entry in epochs if entry["stage"] == "refit"]
    measured = [entry for entry in epochs if entry["stage"] == "split"]
    assert refit["epoch"] == refit["epochs"] == 1
    assert refit["loss"] < measured[0]["loss"], "it did not start again"
    assert not np.array_equal(bundle.track_vectors, bundle.measured.track_vectors)
    cosine = np.sum(bundle.track_vectors * bundle.measured.track_vectors, axis=1)
    assert np.median(cosine) > 0.9


def test_a_graph_is_split_by_default_and_fields_differ_from_the_tuned_ones(split: Split) -> None:
    bundle = train(split.graph, system=SystemConfig(), dim=4, epochs=1, refit=False, device="cpu")
    assert bundle.split["recipe"]["kind"] == "mixed"
    assert bundle.track_vectors.shape[1] == bundle.config["dim"] == 4
    for refused, says in (
        ({"dimension": 4}, "'dimension' is not a field of TrainConfig, expected model, "),
        ({"preset": "worst"}, "preset 'worst' is unknown, expected best"),
        ({"config": CONFIG, "dim": 4}, "either config or its fields"),
        ({"config": CONFIG, "model": "gcn"}, "model is gcn, but that of config is lightgcn"),
        ({"device": "tpu"}, "device 'tpu' is not known, expected auto, cpu or cuda"),
        ({"model": "nope"}, "model 'nope' is not known"),
    ):
        with pytest.raises(InputError, match=says):
            train(split, **refused)


class Mine(LightGCN):
    """An architecture of one's own."""


@pytest.mark.parametrize("model", [Mine, partial(Mine, edge_dropout=0.1)])
@pytest.mark.parametrize("config", [None, CONFIG])
def test_an_architecture_of_ones_own_is_called_by_its_name(
    split: Split, model: Any, config: TrainConfig | None
) -> None:
    fields = {} if config else {"dim": 4, "epochs": 1}
    bundle = train(split, model, config=config, system=SystemConfig(), refit=False, **fields)
    assert bundle.config["model"] == "Mine"
    assert evaluate(bundle, split).system == "Mine"


def test_what_is_asked_of_an_evaluation_is_checked(split: Split) -> None:
    bundle = trained(split, SystemConfig())
    found = evaluate(bundle, split, baselines="popularity")
    assert list(found) == ["bundle", "popularity"]
    assert str(found).startswith("On the test tracks (bundle: lightgcn)\n")
    assert found.to_json()["bundle"]["system"] == "lightgcn"
    named = evaluate(bundle, split, name="ours")
    assert str(named).startswith("On the test tracks (ours: lightgcn)\n")
    alone = evaluate(BASELINES["popularity"](split.train), split)
    assert str(alone).startswith("On the test tracks\n")
    assert "system" not in alone.to_json()["Popularity"]
    with pytest.raises(InputError, match="cannot be measured, expected a bundle"):
        evaluate(Recommender(bundle), split)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="on is 'train', expected test or validation"):
        evaluate(bundle, split, on="train")  # type: ignore[arg-type]


def test_a_bundle_that_was_read_is_measured_by_what_saw_the_training_pairs_alone(
    split: Split, tmp_path: Path
) -> None:
    """What ships has seen the test pairs: it would be measured on what it was trained on."""
    train(split, config=CONFIG, system=WIDE, device="cpu").save(tmp_path / "bundle")
    read = Bundle.load(tmp_path / "bundle")
    read.save(tmp_path / "copy")
    for bundle in (read, Bundle.load(tmp_path / "copy")):
        found = evaluate(bundle, split)["bundle"]
        assert found.to_json()["values"] == bundle.metrics["test"]["values"]


class TestWithoutTest:
    """So few playlists, or so short ones, that nothing can be held out."""

    def test_all_is_trained_on_and_nothing_measured(self, planted_graph: PlaylistGraph) -> None:
        steps: list[Step] = []
        bundle = train(
            planted_graph, config=CONFIG, system=WIDE, test=False, device="cpu",
            on_step=steps.append,
        )  # fmt: skip
        assert {step.stage for step in steps} == {"split"}, "once is enough"
        assert (bundle.metrics, bundle.measured, bundle.second_stage) == ({}, None, None)
        assert bundle.popularity.tolist() == planted_graph.popularity.tolist()
        assert bundle.config["best_epoch"] == CONFIG.epochs
        with pytest.raises(InputError, match="nothing was held out for test, so there is nothing"):
            evaluate(bundle, planted_graph)

    def test_two_playlists_are_enough(self, tmp_path: Path) -> None:
        (tmp_path / "mine.csv").write_text("pid,track,artist\n1,a,x\n1,b,y\n2,b,y\n")
        graph = build(tmp_path / "mine.csv")
        with pytest.raises(InputError, match="measure nothing: --no-test, in Python test=False"):
            train(graph, config=CONFIG)
        recommender = Recommender(train(graph, config=CONFIG, test=False, device="cpu"))
        assert [track.track_id for track in recommender.complete("2").tracks] == ["a"]

    def test_a_split_is_refused(self, split: Split) -> None:
        with pytest.raises(InputError, match="test=False needs a graph"):
            train(split, config=CONFIG, test=False)


def test_playlists_that_hold_every_track_are_refused_before_training(tmp_path: Path) -> None:
    """Not only when the model that ships is trained on all of them."""
    rows = "".join(f"{playlist},{track}\n" for playlist in range(20) for track in "abcdefghij")
    (tmp_path / "all.csv").write_text("user_id,item_id\n" + rows)
    steps: list[Step] = []
    with pytest.raises(InputError, match="each of the 20 playlists holds all 10 tracks"):
        train(
            build(tmp_path / "all.csv"), config=replace(CONFIG, objective=BPR()), device="cpu",
            system=SystemConfig(), on_step=steps.append,
        )  # fmt: skip
    assert not steps


def test_what_a_kill_leaves_of_safetensors_goes_with_the_training(tmp_path: Path) -> None:
    """It writes under a name of its own, and renames that."""
    (tmp_path / "refit").mkdir()
    for name in (".tmpAbC123", "refit/.tmpxYz789", "mine"):
        (tmp_path / name).write_bytes(b"")
    _remove_training(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"refit", "mine"}
