"""Checkpoints: what is saved is what is loaded, and a resumed training is the same bit for bit."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from segue.arrays import save_checked
from segue.errors import ArtefactError, InputError, MismatchError
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.training import pace
from segue.training import train as training
from segue.training.checkpoint import Checkpoint
from segue.training.config import TrainConfig
from segue.training.objectives import (
    BPR,
    CatalogueSoftmax,
    HardNegatives,
    Objective,
    SampledSoftmax,
)
from segue.training.train import TrainResult, train

FACTS = ("fingerprint", "epoch", "step", "loss_sum", "seconds", "best_epoch", "history")


def fresh(fingerprint: str = "abc", seed: int = 1) -> Checkpoint:
    """Of a small model that has not been trained; one of its parameters never is."""
    values = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))
    model = torch.nn.ParameterDict(
        {"track": values, "weight": torch.tensor(0.5), "idle": torch.ones(2)}
    )
    return Checkpoint(fingerprint, model, torch.optim.Adam(model.parameters()))


def train_a_little(checkpoint: Checkpoint, num_steps: int) -> None:
    model = checkpoint.model
    for _ in range(num_steps):
        checkpoint.optimizer.zero_grad()
        (model["track"].square().sum() * model["weight"]).backward()
        checkpoint.optimizer.step()


@pytest.fixture
def checkpoint() -> Checkpoint:
    made = fresh(seed=0)
    train_a_little(made, 2)
    made.keep_best(2)
    train_a_little(made, 1)
    made.epoch, made.step, made.loss_sum, made.seconds = 2, 5, 0.1 + 0.2, 1.5
    made.history = [{"epoch": 1, "loss": 1 / 3, "ndcg@20": 0.25}, {"epoch": 2, "loss": 1e-17}]
    return made


def test_round_trip_is_exact(checkpoint: Checkpoint, tmp_path: Path) -> None:
    checkpoint.save(tmp_path)
    loaded = fresh()
    loaded.restore(tmp_path)
    for name in FACTS:
        assert getattr(loaded, name) == getattr(checkpoint, name)
    # What comes after is the same to the bit: parameters and Adam's means and count.
    for each in (checkpoint, loaded):
        train_a_little(each, 2)
    for name, parameter in checkpoint.model.named_parameters():
        assert torch.equal(loaded.model[name], parameter), name
    for each in (checkpoint, loaded):
        each.load_best()
    assert torch.equal(loaded.model["track"], checkpoint.model["track"])
    assert not torch.equal(loaded.model["track"], fresh(seed=0).model["track"])
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"checkpoint.safetensors", "metrics.jsonl"}, "no temporary file is left"


def test_a_later_one_replaces_the_earlier(checkpoint: Checkpoint, tmp_path: Path) -> None:
    checkpoint.save(tmp_path)
    checkpoint.step = 6
    checkpoint.save(tmp_path)
    loaded = fresh()
    loaded.restore(tmp_path)
    assert loaded.step == 6


def test_a_failed_save_leaves_the_earlier_one(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(tmp_path)
    before = path.read_bytes()

    def full(tensors: object, filename: Path, **options: object) -> None:
        filename.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("segue.arrays.save_file", full)
    checkpoint.step = 6
    with pytest.raises(ArtefactError, match="No space left on device"):
        checkpoint.save(tmp_path)
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "metrics.jsonl"]


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no checkpoint to resume from"):
        fresh().restore(tmp_path)


def test_of_another_training(checkpoint: Checkpoint, tmp_path: Path) -> None:
    checkpoint.save(tmp_path)
    other = fresh("abd")
    before = other.model["track"].detach().clone()
    with pytest.raises(MismatchError, match="another graph, split or options"):
        other.restore(tmp_path)
    assert torch.equal(other.model["track"], before)
    assert (other.epoch, other.history) == (0, [])


def test_of_a_model_that_has_other_parameters_by_now(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    """An architecture of one's own, changed between two calls."""
    checkpoint.save(tmp_path)
    changed = fresh()
    changed.model["bias"] = torch.nn.Parameter(torch.zeros(3))
    with pytest.raises(MismatchError, match="of a model with other parameters"):
        changed.restore(tmp_path)


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_truncated(checkpoint: Checkpoint, tmp_path: Path, length: int) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ArtefactError, match=r"checkpoint\.safetensors: cannot be read"):
        fresh().restore(tmp_path)


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_flipped_bit_anywhere_is_noticed(
    checkpoint: Checkpoint, tmp_path: Path, step: int
) -> None:
    """In a number, a shape, a name, an epoch: it is not resumed from."""
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), step):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(ArtefactError, match=r"checkpoint\.safetensors"):
            fresh().restore(tmp_path)


@pytest.mark.parametrize("content", [b"\x00" * 64, b"PK\x03\x04 a zip perhaps", b'{"json": 1}'])
def test_something_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=r"checkpoint\.safetensors: cannot be read"):
        fresh().restore(tmp_path)


@pytest.mark.parametrize("metadata", [None, {"other": "1"}, {"facts": "{}"}])
def test_safetensors_without_a_checksum(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "checkpoint.safetensors"
    save_file({"x": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(ArtefactError, match=r"has no checksum|its checksum differs"):
        fresh().restore(tmp_path)


@pytest.mark.parametrize(
    "facts", [None, [1], {"epoch": 1}, {"fingerprint": "abc", "colour": "red"}]
)
def test_safetensors_of_another_kind(tmp_path: Path, facts: Any) -> None:
    path = tmp_path / "checkpoint.safetensors"
    save_checked(path, {"x": np.zeros(2)}, facts)
    with pytest.raises(ArtefactError, match="is not a checkpoint of Segue"):
        fresh().restore(tmp_path)


def test_no_folder_to_save_in(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="there is no folder"):
        checkpoint.save(tmp_path / "none")


# --- resuming -----------------------------------------------------------------------------------

# 240 playlists: 4 steps an epoch, 12 in all, the last batch of an epoch smaller than the others.
CONFIG = TrainConfig(dim=8, epochs=3, batch_size=64, learning_rate=0.02, rng_seed=7)
STEPS = 12
HARD = HardNegatives(share=(0.3, 0.1), mix=(1, 1), refresh_every=2)

Run = Callable[..., TrainResult]


class PowerCutError(Exception):
    """Stands for the power cut."""


@pytest.fixture
def run(planted_graph: PlaylistGraph, tmp_path: Path) -> Run:
    split = split_graph(planted_graph, SplitRecipe(rng_seed=1))
    validation = split.validation.rows(slice(60))

    def run(
        folder: str | None, config: TrainConfig = CONFIG, identity: str = "planted", **options: Any
    ) -> TrainResult:
        place = None if folder is None else tmp_path / folder
        if place is not None:
            place.mkdir(exist_ok=True)
        return train(split.train, validation, config, folder=place, identity=identity, **options)

    return run


def without_seconds(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in history]


def assert_identical(left: TrainResult, right: TrainResult) -> None:
    np.testing.assert_array_equal(left.track_vectors, right.track_vectors)
    np.testing.assert_array_equal(left.query_weight, right.query_weight)
    assert set(left.structural_vectors) == set(right.structural_vectors)
    for name, vectors in left.structural_vectors.items():
        np.testing.assert_array_equal(vectors, right.structural_vectors[name])
    assert without_seconds(left.history) == without_seconds(right.history)
    assert left.best_epoch == right.best_epoch


def stop_at(step: int) -> dict[str, Callable[..., None]]:
    """Raises in a step, before that step's own checkpoint."""

    def watch(done: int, total: int, loss: float) -> None:
        if done == step:
            raise PowerCutError

    return {"on_step": watch}


def stop_after_epoch(epoch: int) -> dict[str, Callable[..., None]]:
    def watch(entry: dict[str, Any]) -> None:
        if entry["epoch"] == epoch:
            raise PowerCutError

    return {"on_epoch": watch}


@pytest.mark.parametrize("model", ["gcn", "graphsage", "gat", "rgcn"])
def test_a_model_with_transforms_is_resumed(
    run: Run, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    config = replace(CONFIG, model=model)
    whole = run("whole", config=config)
    monkeypatch.setattr(pace, "SAVE_SECONDS", -1)
    with pytest.raises(PowerCutError):
        run("cut", config=config, **stop_at(5))
    assert_identical(whole, run("cut", config=config, resume=True))


@pytest.mark.parametrize(
    "objective", [SampledSoftmax(negatives=HARD, num_negatives=8), BPR(negatives=HARD)]
)
@pytest.mark.parametrize(
    "stop", [6, 9, 11], ids=["an older ranking", "before a new one", "after it"]
)
def test_hard_negatives_are_resumed(
    run: Run, monkeypatch: pytest.MonkeyPatch, objective: Objective, stop: int
) -> None:
    """Those of an older ranking are not drawn by the vectors of today."""
    config = replace(CONFIG, objective=objective)
    whole = run("whole", config=config)
    monkeypatch.setattr(pace, "SAVE_SECONDS", -1)
    with pytest.raises(PowerCutError):
        run("cut", config=config, **stop_at(stop))
    assert_identical(whole, run("cut", config=config, resume=True))


@pytest.mark.parametrize(
    "stops",
    [
        [stop_at(2)],
        [stop_at(5)],  # the checkpoint is that of the end of an epoch
        [stop_after_epoch(1)],
        [stop_after_epoch(3)],  # nothing is left to do
        [stop_at(3), stop_at(4), stop_after_epoch(2), stop_at(10)],
    ],
    ids=["step 2", "step 5", "epoch 1", "last epoch", "four times"],
)
def test_resumed_equals_uninterrupted(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stops: list[dict[str, Callable[..., None]]],
) -> None:
    whole = run("whole")
    monkeypatch.setattr(pace, "SAVE_SECONDS", -1)  # a checkpoint after every step
    for number, stop in enumerate(stops):
        with pytest.raises(PowerCutError):
            run("cut", **stop, resume=number > 0)
    resumed = run("cut", resume=True)
    assert_identical(whole, resumed)
    saved, expected = (
        load_file(tmp_path / folder / "checkpoint.safetensors") for folder in ("cut", "whole")
    )
    assert set(saved) == set(expected)
    assert all(torch.equal(saved[name], expected[name]) for name in expected)
    lines = (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == resumed.history
    seconds = [entry["seconds"] for entry in resumed.history]
    assert seconds == sorted(seconds)


def test_resuming_takes_up_where_it_stopped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SAVE_SECONDS", -1)
    with pytest.raises(PowerCutError):
        run("cut", **stop_at(7))
    steps: list[int] = []
    run("cut", resume=True, on_step=lambda done, total, loss: steps.append(done))
    assert steps == list(range(7, STEPS + 1))


@pytest.mark.parametrize(
    "change",
    [{"identity": "another split"}]
    + [
        {"config": replace(CONFIG, **option)}
        for option in (
            {"rng_seed": 8},
            {"epochs": 4},
            {"dim": 9},
            {"batch_size": 32},
            {"objective": CatalogueSoftmax(hidden_share=(0.1, 0.2))},
            {"relations": ()},
        )
    ],
    ids=str,
)
def test_resuming_something_else_is_refused(run: Run, change: dict[str, Any]) -> None:
    with pytest.raises(PowerCutError):
        run("cut", **stop_after_epoch(1))
    with pytest.raises(MismatchError):
        run("cut", resume=True, **change)


def test_resuming_without_a_checkpoint_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no checkpoint"):
        run("cut", resume=True)
    run("cut")
    path = tmp_path / "cut" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArtefactError, match=r"checkpoint\.safetensors: cannot be read"):
        run("cut", resume=True)


def test_a_new_training_starts_over_without_resume(run: Run) -> None:
    with pytest.raises(PowerCutError):
        run("twice", **stop_after_epoch(2))
    assert_identical(run("twice"), run("once"))


def test_a_training_without_a_folder(run: Run) -> None:
    assert_identical(run(None), run("once"))
    with pytest.raises(InputError, match="without a folder there is no training to resume"):
        run(None, resume=True)


@pytest.mark.parametrize(
    ("seconds", "times"),
    [(0.4, 3), (3.0, 2), (0.9, 3)],
    ids=["in a moment", "too slow for each epoch", "slow, but epochs are slower"],
)
def test_a_slow_checkpoint_is_written_less_often(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, times: int
) -> None:
    """Three epochs of 20 seconds: saving may take a twentieth, and the last one is always saved."""
    now, saves = [0.0], []
    save = Checkpoint.save

    def slow(self: Checkpoint, folder: Path) -> None:
        save(self, folder)
        saves.append(self.epoch)
        now[0] += seconds

    def step(done: int, total: int, loss: float) -> None:
        now[0] += 20 / (total / CONFIG.epochs)

    monkeypatch.setattr(training.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(Checkpoint, "save", slow)
    result = run("slow", on_step=step)
    assert len(saves) == times
    assert saves[-1] == CONFIG.epochs
    lines = (tmp_path / "slow" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == result.history
