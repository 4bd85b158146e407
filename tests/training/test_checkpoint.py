"""Checkpoints: what is saved is what is loaded, and a resumed training is the same bit for bit."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from segue.errors import ArtefactError, MismatchError
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe, split_graph
from segue.training import train as training
from segue.training.checkpoint import Checkpoint
from segue.training.config import TrainConfig
from segue.training.train import Progress, TrainResult, train

CPU = torch.device("cpu")


@pytest.fixture
def checkpoint() -> Checkpoint:
    generator = torch.Generator().manual_seed(0)
    return Checkpoint(
        "abc",
        epoch=2,
        step=5,
        loss_sum=0.1 + 0.2,
        seconds=1.5,
        history=[{"epoch": 1, "loss": 1 / 3, "ndcg@20": 0.25}, {"epoch": 2, "loss": 1e-17}],
        tensors={
            "model.track": torch.randn(4, 3, generator=generator),
            "model.weight": torch.tensor(0.5),
            "optimizer.exp_avg.track": torch.randn(3, 4, generator=generator).T,
            "best.track": torch.nn.Parameter(torch.randn(4, 3, generator=generator)),
        },
    )


def test_round_trip_is_exact(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path)
    loaded = Checkpoint.load(path, "abc", CPU)
    for name in ("fingerprint", "epoch", "step", "loss_sum", "seconds", "history"):
        assert getattr(loaded, name) == getattr(checkpoint, name)
    assert set(loaded.tensors) == set(checkpoint.tensors)
    for name, tensor in checkpoint.tensors.items():
        assert torch.equal(loaded.tensors[name], tensor), name
    assert list(tmp_path.iterdir()) == [path], "no temporary file is left"


def test_a_later_one_replaces_the_earlier(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path)
    checkpoint.step = 6
    checkpoint.save(path)
    assert Checkpoint.load(path, "abc", CPU).step == 6


def test_a_failed_save_leaves_the_earlier_one(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path)
    before = path.read_bytes()

    def full(tensors: object, filename: Path, **options: object) -> None:
        filename.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("segue.training.checkpoint.save_file", full)
    checkpoint.step = 6
    with pytest.raises(ArtefactError, match="No space left on device"):
        checkpoint.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no checkpoint to resume from"):
        Checkpoint.load(tmp_path / "checkpoint.safetensors", "abc", CPU)


def test_of_another_training(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path)
    with pytest.raises(MismatchError, match="another graph, split or options"):
        Checkpoint.load(path, "abd", CPU)


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_truncated(checkpoint: Checkpoint, tmp_path: Path, length: int) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ArtefactError, match="is not a checkpoint of Segue"):
        Checkpoint.load(path, "abc", CPU)


@pytest.mark.parametrize("content", [b"\x00" * 64, b"PK\x03\x04 a zip perhaps", b'{"json": 1}'])
def test_something_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match="is not a checkpoint of Segue"):
        Checkpoint.load(path, "abc", CPU)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"other": "1"},
        {"checkpoint": "{"},
        {"checkpoint": "[1]"},
        {"checkpoint": json.dumps({"epoch": 1})},
        {"checkpoint": json.dumps({"fingerprint": "abc", "colour": "red"})},
    ],
)
def test_safetensors_of_another_kind(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "checkpoint.safetensors"
    save_file({"x": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(ArtefactError, match="is not a checkpoint of Segue"):
        Checkpoint.load(path, "abc", CPU)


def test_no_folder_to_save_in(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="there is no folder"):
        checkpoint.save(tmp_path / "none" / "checkpoint.safetensors")


# --- resuming -----------------------------------------------------------------------------------

# 240 playlists: 4 steps an epoch, 12 in all, the last batch of an epoch smaller than the others.
CONFIG = TrainConfig(dim=8, epochs=3, batch_size=64, learning_rate=0.02, rng_seed=7)
STEPS = 12

Run = Callable[..., TrainResult]


class PowerCutError(Exception):
    """Stands for the power cut."""


@pytest.fixture
def run(planted_graph: PlaylistGraph, tmp_path: Path) -> Run:
    split = split_graph(planted_graph, SplitRecipe(rng_seed=1))
    validation = split.validation.rows(slice(60))

    def run(
        folder: str, config: TrainConfig = CONFIG, identity: str = "planted", **options: Any
    ) -> TrainResult:
        (tmp_path / folder).mkdir(exist_ok=True)
        options = {"folder": tmp_path / folder, "identity": identity} | options
        return train(split.train, validation, config, **options)

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


def stop_at(step: int) -> Progress:
    """Raises in a step, before that step's own checkpoint."""

    def watch(done: int, total: int, loss: float) -> None:
        if done == step:
            raise PowerCutError

    return Progress(step=watch)


def stop_after_epoch(epoch: int) -> Progress:
    def watch(entry: dict[str, Any]) -> None:
        if entry["epoch"] == epoch:
            raise PowerCutError

    return Progress(epoch=watch)


@pytest.mark.parametrize("model", ["gcn", "graphsage", "gat", "rgcn"])
def test_a_model_with_transforms_is_resumed(
    run: Run, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    config = replace(CONFIG, model=model)
    whole = run("whole", config=config)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1)
    with pytest.raises(PowerCutError):
        run("cut", config=config, progress=stop_at(5))
    assert_identical(whole, run("cut", config=config, resume=True))


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
@pytest.mark.parametrize(
    "stop", [6, 9, 11], ids=["an older ranking", "before a new one", "after it"]
)
def test_hard_negatives_are_resumed(
    run: Run, monkeypatch: pytest.MonkeyPatch, loss: Literal["softmax", "bpr"], stop: int
) -> None:
    """Those of an older ranking are not drawn by the vectors of today."""
    config = replace(
        CONFIG,
        loss=loss,
        negatives="hard",
        num_negatives=8,
        hard_share=(0.3, 0.1),
        hard_mix=(1, 1),
        refresh_every=2,
    )
    whole = run("whole", config=config)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1)
    with pytest.raises(PowerCutError):
        run("cut", config=config, progress=stop_at(stop))
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
    stops: list[Progress],
) -> None:
    whole = run("whole")
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1)  # a checkpoint after every step
    for number, progress in enumerate(stops):
        with pytest.raises(PowerCutError):
            run("cut", progress=progress, resume=number > 0)
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
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1)
    with pytest.raises(PowerCutError):
        run("cut", progress=stop_at(7))
    steps: list[int] = []
    run("cut", resume=True, progress=Progress(lambda done, total, loss: steps.append(done)))
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
            {"hidden_share": (0.1, 0.2)},
            {"relations": ()},
        )
    ],
    ids=str,
)
def test_resuming_something_else_is_refused(run: Run, change: dict[str, Any]) -> None:
    with pytest.raises(PowerCutError):
        run("cut", progress=stop_after_epoch(1))
    with pytest.raises(MismatchError):
        run("cut", resume=True, **change)


def test_resuming_without_a_checkpoint_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no checkpoint"):
        run("cut", resume=True)
    run("cut")
    path = tmp_path / "cut" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArtefactError, match="is not a checkpoint"):
        run("cut", resume=True)


def test_a_new_training_starts_over_without_resume(run: Run) -> None:
    with pytest.raises(PowerCutError):
        run("twice", progress=stop_after_epoch(2))
    assert_identical(run("twice"), run("once"))
