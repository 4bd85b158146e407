"""The same training on a GPU."""

from functools import partial

import numpy as np
import pytest
import torch

from segue.graph.holding_out import split_graph
from segue.graph.split import SplitRecipe
from segue.training.config import TrainConfig
from segue.training.train import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device"),
]


def test_a_gpu_learns_what_a_cpu_learns(planted_graph, tmp_path):
    split = split_graph(planted_graph, SplitRecipe())
    config = TrainConfig(dim=16, epochs=2, batch_size=64)
    vectors = {}
    for device in ("cpu", "cuda"):
        folder = tmp_path / device
        folder.mkdir()
        result = train(
            split.train, split.validation, config, folder=folder, identity="", device=device
        )
        vectors[device] = result.track_vectors
    # Sums come in another order there, and Adam carries the difference on.
    np.testing.assert_allclose(vectors["cuda"], vectors["cpu"], atol=1e-3)


def test_a_training_on_a_gpu_is_resumed(planted_graph, tmp_path):
    split = split_graph(planted_graph, SplitRecipe())
    config = TrainConfig(dim=16, epochs=2, batch_size=64)
    on_cuda = partial(train, split.train, split.validation, config, identity="", device="cuda")

    def stop(entry):
        if entry["epoch"] == 1:
            raise KeyboardInterrupt

    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = on_cuda(folder=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        on_cuda(folder=tmp_path / "cut", on_epoch=stop)
    resumed = on_cuda(folder=tmp_path / "cut", resume=True)
    np.testing.assert_allclose(resumed.track_vectors, whole.track_vectors, atol=1e-3)
