"""The memory of a training, reckoned before anything large is allocated."""

import numpy as np
import pytest
import torch

from segue.models import ENCODERS
from segue.models.readout import CentroidReadout
from segue.training import footprint as module
from segue.training.config import TrainConfig
from segue.training.footprint import footprint
from segue.training.objectives import HardNegatives, PooledSoftmax, SampledSoftmax


@pytest.mark.parametrize("model", ENCODERS)
def test_parameters_are_counted_without_making_them(planted_graph, model):
    config = TrainConfig(model=model, dim=8, relations=("artist", "album"))
    encoder = ENCODERS[model](
        planted_graph.num_nodes,
        config.relations,
        dim=8,
        num_layers=2,
        initial_std=0.1,
        rng=np.random.default_rng(0),
    )
    made = [*encoder.parameters(), *CentroidReadout(160, 0).parameters()]
    found = footprint(planted_graph, config)
    assert found.num_parameters == sum(each.numel() for each in made)
    assert found.parameters == 24 * found.num_parameters


@pytest.mark.parametrize("model", ["lightgcn", "gat"])
def test_a_sample_tells_what_the_whole_keeps(make_planted_graph, monkeypatch, model):
    graph = make_planted_graph(np.random.default_rng(2), communities=12, num_playlists=1600)
    config = TrainConfig(model=model, dim=16, batch_size=64)
    whole = footprint(graph, config)
    monkeypatch.setattr(module, "_SAMPLE", 400)
    sampled = footprint(graph, config)
    assert (sampled.num_parameters, sampled.edges) == (whole.num_parameters, whole.edges)
    assert 0.8 * whole.step < sampled.step < 2.5 * whole.step


def test_more_numbers_and_layers_take_more(planted_graph):
    small, long, deep = (
        footprint(planted_graph, TrainConfig(dim=dim, num_layers=layers))
        for dim, layers in ((8, 1), (64, 1), (8, 3))
    )
    assert long.parameters > 7 * small.parameters
    assert long.step > small.step
    assert deep.total >= small.total


def test_an_encoder_of_ones_own(planted_graph):
    class Mine(ENCODERS["lightgcn"]):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.more = torch.nn.Parameter(torch.zeros(1000))

    config = TrainConfig(dim=8)
    theirs = footprint(planted_graph, config)
    mine = footprint(planted_graph, config, Mine)
    assert mine.num_parameters == theirs.num_parameters + 1000


def test_hard_negatives_keep_rankings(planted_graph):
    objective = SampledSoftmax(negatives=HardNegatives())
    hard, random = (
        footprint(planted_graph, TrainConfig(dim=8, objective=each))
        for each in (objective, SampledSoftmax())
    )
    assert random.ranking == 0
    vectors = 4 * 8 * (len(planted_graph.playlists) + 160)
    assert hard.ranking > 2 * vectors
    assert hard.total == random.total + hard.ranking


def test_a_pool_takes_less_than_the_catalogue(planted_graph, monkeypatch):
    monkeypatch.setattr(module.losses, "LEAST_ROWS", 1 << 20)
    whole, pooled = (
        footprint(planted_graph, TrainConfig(dim=8, **fields))
        for fields in ({}, {"objective": PooledSoftmax(pool_size=10)})
    )
    assert pooled.step < whole.step


def test_the_start_counts_where_it_takes_more_than_a_step(planted_graph):
    noise, spectrum = (
        footprint(planted_graph, TrainConfig(dim=8, num_layers=1, start=start))
        for start in ("noise", "spectrum")
    )
    assert noise.start == 0
    assert spectrum.start > 4 * (8 + 32) * (3 * 160 + len(planted_graph.playlists))
    assert spectrum.total == max(
        spectrum.parameters + spectrum.edges + spectrum.step,
        4 * spectrum.num_parameters + spectrum.start,
    )
    assert spectrum.total >= noise.total


def test_picking_playlists_takes_memory(planted_graph):
    whole, some = (
        footprint(planted_graph, TrainConfig(dim=8, message_share=share)) for share in (1.0, 0.5)
    )
    assert whole.edges < some.edges < 2 * whole.edges
    # A step holds half of the playlists.
    assert whole.step - some.step >= 3 * 4 * 8 * len(planted_graph.playlists) / 2
