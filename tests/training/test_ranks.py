"""The shares of several processes add up to the step of one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from segue.models.encoder import MessageGraph
from segue.models.readout import CentroidReadout
from segue.training.config import TrainConfig
from segue.training.objectives import (
    BPR,
    CatalogueSoftmax,
    HardestNegatives,
    PooledSoftmax,
    SampledSoftmax,
    Triples,
)
from segue.training.ranks import ALONE, Ranks
from segue.training.steps import steps_of
from segue.training.train import made_encoder

NODE = {"readout": "node", "options": {"playlist_vectors": True}}
OBJECTIVES = {
    "catalogue": TrainConfig(objective=CatalogueSoftmax()),
    "sampled": TrainConfig(objective=SampledSoftmax(num_negatives=7)),
    "hardest": TrainConfig(
        objective=SampledSoftmax(num_negatives=3, negatives=HardestNegatives(pool_size=4))
    ),
    "pooled": TrainConfig(objective=PooledSoftmax(pool_size=40)),
    "bpr": TrainConfig(objective=BPR()),
    "triples": TrainConfig(objective=Triples(l2=0.01), **NODE),
}


def gradients(graph, config, ranks, step):
    """The loss of a step, and the gradient of each parameter."""
    network = made_encoder(graph.num_nodes, config, None)
    readout = CentroidReadout(graph.num_nodes["track"])
    steps = steps_of(config, graph, MessageGraph.from_graph(graph, config.relations), ranks)
    steps.begin(network, readout, 0, 1)
    loss = steps.loss(network, readout, 0, step % steps.num_steps)
    loss.backward()
    model = nn.ModuleDict({"encoder": network, "readout": readout})
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return float(loss.detach()), grads


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize(("count", "batch_size"), [(2, 50), (3, 239), (5, 4)])
def test_shares_add_up_to_the_whole(planted_graph, name, count, batch_size):
    """Batches of 4 leave some of five processes with nothing, and so does the last of 239."""
    config = replace(OBJECTIVES[name], dim=8, batch_size=batch_size, relations=("artist",))
    for step in (0, -1):
        whole_loss, whole = gradients(planted_graph, config, ALONE, step)
        parts = [gradients(planted_graph, config, Ranks(r, count), step) for r in range(count)]
        assert sum(loss for loss, _ in parts) == pytest.approx(whole_loss, rel=1e-5)
        for parameter, gradient in whole.items():
            total = sum(grads[parameter] for _, grads in parts)
            scale = gradient.abs().max()
            np.testing.assert_allclose(total / scale, gradient / scale, atol=2e-5)
        assert all(grads.keys() == whole.keys() for _, grads in parts)


def test_each_process_has_its_own_share():
    for size in (0, 1, 4, 5, 23):
        shares = [Ranks(rank, 5).share(size) for rank in range(5)]
        np.testing.assert_array_equal(np.sort(np.concatenate(shares)), np.arange(size))
        if size >= 5:
            assert min(map(len, shares)) >= size // 5


@pytest.mark.parametrize("density", [0.0, 0.1, 1.0])
def test_gradients_are_added_up(monkeypatch, density):
    """Where few rows differ from 0, only these are sent."""
    rng = torch.Generator().manual_seed(1)
    keep = torch.rand((50, 1), generator=rng) < density
    others = torch.rand((50, 3), generator=rng) * keep
    ours = torch.rand((50, 3), generator=rng) * keep.roll(1, 0)
    expected, sent = ours + others, []

    def all_reduce(tensor, op=None):
        """With one other process, which sends the same parts of `others`."""
        sent.append(tensor.numel())
        if tensor.dim() == 0:
            return
        if tensor.dtype == torch.uint8:
            tensor |= others.any(dim=1).to(torch.uint8)
        elif tensor.shape == ours.shape:
            tensor += others
        else:
            tensor += others[expected.any(dim=1)]

    monkeypatch.setattr("segue.training.ranks.distributed.all_reduce", all_reduce)
    model = nn.Linear(1, 1)
    model.weight, model.bias = nn.Parameter(torch.zeros(50, 3)), None
    model.weight.grad = ours.clone()
    Ranks(0, 2).add_up(torch.zeros(()), model)
    np.testing.assert_array_equal(model.weight.grad, expected)
    rows = int(expected.any(dim=1).sum())
    assert sent[-1] == (150 if density == 1 else 3 * rows)
