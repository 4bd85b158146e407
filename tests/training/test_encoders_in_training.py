"""What training takes of an encoder: its options, its contract, and one that is not registered."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from segue.errors import InputError
from segue.evaluation.scorers import NodeScorer
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.models.encoder import Encoder, MessageGraph, NodeVectors
from segue.models.gcn import GCN
from segue.models.lightgcn import LightGCN
from segue.training.config import TrainConfig
from segue.training.objectives import BPR, SampledSoftmax, Triples
from segue.training.train import TrainResult, train

CONFIG = TrainConfig(dim=8, epochs=3, batch_size=64, learning_rate=0.02, rng_seed=7)


@pytest.fixture
def run(planted_graph: PlaylistGraph) -> Callable[..., TrainResult]:
    split = split_graph(planted_graph, SplitRecipe(rng_seed=1))

    def run(config: TrainConfig = CONFIG, **options: Any) -> TrainResult:
        options = {"validation": split.validation.rows(slice(60))} | options
        return train(split.train, config=config, **options)

    return run


def test_options_reach_the_architecture(run: Callable[..., TrainResult]) -> None:
    plain = run()
    own = run(replace(CONFIG, options={"relation_weight": 2}))
    bound = run(encoder=partial(LightGCN, relation_weight=2.0))
    assert not np.array_equal(plain.track_vectors, own.track_vectors)
    np.testing.assert_array_equal(own.track_vectors, bound.track_vectors)
    with pytest.raises(InputError, match="no option 'num_heads', expected some of: relation_w"):
        run(config=replace(CONFIG, options={"num_heads": 2}))


def test_an_encoder_of_ones_own_may_take_any_option(run: Callable[..., TrainResult]) -> None:
    taken = []

    def mine(*args: Any, **options: Any) -> LightGCN:
        taken.append(options.pop("flavour"))
        return LightGCN(*args, **options)

    run(config=replace(CONFIG, options={"flavour": "sweet"}), encoder=mine)
    assert taken == ["sweet"]


@pytest.mark.parametrize("objective", [SampledSoftmax(), BPR()], ids=lambda o: o.name)
def test_the_node_readout_needs_playlist_vectors(
    run: Callable[..., TrainResult], objective: SampledSoftmax | BPR
) -> None:
    """Their own are what is predicted from, and what validation scores by."""
    config = replace(CONFIG, objective=objective, readout="node")
    with pytest.raises(InputError, match="lightgcn gives none"):
        run(config=config)
    result = run(config=replace(config, options={"playlist_vectors": True}))
    assert result.playlist_vectors is not None
    np.testing.assert_allclose(np.linalg.norm(result.playlist_vectors, axis=1), 1, rtol=1e-5)
    assert isinstance(result.scorer, NodeScorer)
    np.testing.assert_array_equal(result.scorer.playlist_vectors, result.playlist_vectors)


def test_unknown_names_are_refused(run: Callable[..., TrainResult]) -> None:
    with pytest.raises(InputError, match="relation 'genre' is not known"):
        run(config=replace(CONFIG, relations=("genre",)))
    with pytest.raises(InputError, match="model 'dream' is not known, expected lightgcn"):
        run(config=replace(CONFIG, model="dream"))


def test_an_encoder_of_ones_own(run: Callable[..., TrainResult]) -> None:
    """From Python an architecture needs no registration."""
    made = []

    class Mine(LightGCN):
        def __init__(self, *args: Any, flavour: str, **options: Any) -> None:
            super().__init__(*args, **options)
            made.append(flavour)

    config = replace(CONFIG, model="mine")
    with pytest.raises(InputError, match="'mine' is not known"):
        run(config=config)
    own = run(config=config, encoder=partial(Mine, flavour="sweet"))
    assert made == ["sweet"]
    np.testing.assert_array_equal(own.track_vectors, run().track_vectors)


def test_a_module_that_is_no_encoder_is_refused(run: Callable[..., TrainResult]) -> None:
    class Foreign(torch.nn.Linear):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(2, 2)

    with pytest.raises(
        InputError, match=r"Foreign is not an encoder: give a class derived from segue\.Encoder"
    ):
        run(encoder=Foreign)


def test_an_encoder_with_a_forward_pass_alone(run: Callable[..., TrainResult]) -> None:
    """The rest of the contract has defaults, and what they cannot serve is refused."""

    class Bare(Encoder):
        def __init__(self, num_nodes: dict[str, int], relations: Any, **options: Any) -> None:
            super().__init__()
            start = options["rng"].standard_normal((num_nodes["track"], options["dim"]))
            self.track = torch.nn.Parameter(torch.from_numpy(start.astype(np.float32)))

        def forward(self, message_graph: MessageGraph) -> NodeVectors:
            contains = message_graph.contains
            return {"track": self.track, "playlist": contains @ self.track}

    config = replace(CONFIG, model="bare", relations=())
    result = run(config=config, encoder=Bare)
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert "relation_weight" not in result.history[0]

    triples = replace(config, objective=Triples(), readout="node")
    run(config=triples, encoder=Bare)
    with pytest.raises(InputError, match=r"l2 is a penalty on .* the encoder has none"):
        run(config=replace(triples, objective=Triples(l2=1e-4)), encoder=Bare)


def test_transforms_learn_at_their_own_rate(
    run: Callable[..., TrainResult],
) -> None:
    """Adam's first step is the learning rate, up or down, wherever there is a gradient."""
    made: list[tuple[GCN, dict[str, torch.Tensor]]] = []

    def slow(*args: Any, **options: Any) -> GCN:
        encoder = GCN(*args, **options, transform_rate=0.25)
        start = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
        made.append((encoder, start))
        return encoder

    config = replace(CONFIG, model="gcn", epochs=1, batch_size=1000, schedule="constant")
    run(config=config, encoder=slow, validation=None)
    encoder, start = made[0]
    moved = {
        name: (after - start[name]).abs().median().item()
        for name, after in encoder.state_dict().items()
    }
    assert set(moved) == {"track", "structural.artist", "transforms.0", "transforms.1"}
    for name, step in moved.items():
        rate = 0.25 if name.startswith("transforms") else 1
        assert step == pytest.approx(0.02 * rate, rel=1e-3), name
