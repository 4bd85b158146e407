"""Checkpoints: what is saved is what is loaded, and nothing else is taken for one."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from segue.errors import ArtefactError, MismatchError
from segue.training.checkpoint import Checkpoint

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
