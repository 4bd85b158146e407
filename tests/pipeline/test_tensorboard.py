"""Curves for TensorBoard."""

import sys

import pytest

from segue.errors import ResourceError
from segue.pipeline.run import Step
from segue.pipeline.tensorboard import TensorBoard


def test_each_run_gets_its_curves(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoard(tmp_path) as board:
        board.on_step(Step("split", 1, 4, 2.5))
        board.on_step(Step("split", 2, 4, 1.5))
        board.on_epoch(
            {"stage": "split", "epoch": 1, "epochs": 2, "step": 2, "loss": 2.0, "ndcg@20": 0.25,
             "relation_weight": {"artist": 3.0}}
        )  # fmt: skip
        board.on_step(Step("refit", 1, 4, 9.0))
    curves = EventAccumulator(str(tmp_path / "split")).Reload()
    assert sorted(curves.Tags()["scalars"]) == [
        "epoch/loss", "epoch/ndcg@20", "loss/step", "relation_weight/artist"
    ]  # fmt: skip
    assert [(event.step, event.value) for event in curves.Scalars("loss/step")] == [
        (1, 2.5), (2, 1.5)
    ]  # fmt: skip
    assert [(event.step, event.value) for event in curves.Scalars("epoch/ndcg@20")] == [(2, 0.25)]
    assert (tmp_path / "refit").is_dir()


def test_without_the_library_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    with pytest.raises(ResourceError, match=r"pip install 'segue\[tensorboard\]'"):
        TensorBoard(tmp_path)
