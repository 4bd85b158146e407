"""What a training does otherwise where a collection is large, and that it says so."""

from dataclasses import replace

import pytest

import segue
from segue.console import Progress
from segue.graph.holding_out import split_graph
from segue.graph.split import SplitRecipe
from segue.pipeline import sizing as module
from segue.pipeline.plan import plan_training
from segue.pipeline.sizing import for_size
from segue.training.config import SystemConfig, TrainConfig
from segue.training.objectives import BPR, CatalogueSoftmax, PooledSoftmax

ASKED = ("objective", "batch_size", "message_share", "dim")
CONFIG = TrainConfig(dim=64, batch_size=8, objective=CatalogueSoftmax(temperature=0.085))


@pytest.fixture(scope="module")
def split(planted_graph):
    return split_graph(planted_graph, SplitRecipe("mixed"))


@pytest.fixture
def small(monkeypatch):
    """As if the planted graph were a large one: 160 tracks."""
    monkeypatch.setattr(module, "LARGEST_CATALOGUE", 159)
    monkeypatch.setattr(module, "MOST_STEPS", 10)
    monkeypatch.setattr(module, "MOST_HEARD", 60)


def chosen(split, config=CONFIG, *given):
    return for_size(config, split, SystemConfig(), given)


def test_collections_like_the_real_playlists_are_trained_as_ever(split):
    assert chosen(split, replace(CONFIG, batch_size=512)) == (replace(CONFIG, batch_size=512), [])


def test_large_ones_have_a_pool_and_larger_batches_and_it_is_said(split, small):
    config, said = chosen(split)
    assert config.objective == PooledSoftmax(temperature=0.085)
    number = len(split.graph.playlists)
    assert 10 * config.batch_size >= number > 5 * config.batch_size
    assert config.message_share == 0.25
    changed = ("objective", "batch_size", "message_share")
    assert config == replace(CONFIG, **{name: getattr(config, name) for name in changed})
    assert said == [
        "As there are 160 tracks, each step compares with a pool of 16384 of them (--objective "
        "catalogue-softmax: with all)",
        f"As there are {number} playlists, a step has {config.batch_size} of them (--batch-size)",
        "A step passes the messages of 25.0% of the playlists (--message-share)",
    ]


@pytest.mark.parametrize(
    ("num_tracks", "expected"),
    [(70_000, 16_384), (296_748, 37_093), (2_262_292, 65_536), (10**9, 65_536)],
)
def test_a_pool_is_an_eighth_of_the_tracks_within_bounds(num_tracks, expected):
    assert module.pool_size(num_tracks) == expected


def test_a_catalogue_as_large_as_allowed_is_compared_with_as_a_whole(split, small, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_CATALOGUE", 160)
    assert chosen(split, CONFIG, "batch_size", "message_share") == (CONFIG, [])


def test_what_is_asked_for_wins(split, small, monkeypatch):
    monkeypatch.setattr(module, "total_memory", lambda: 1000)
    assert chosen(split, CONFIG, *ASKED) == (CONFIG, [])
    other = replace(CONFIG, objective=BPR())
    assert chosen(split, other, *ASKED[1:]) == (other, [])
    bundle = segue.train(
        split,
        dim=4,
        epochs=1,
        batch_size=16,
        objective=CatalogueSoftmax(),
        message_share=1.0,
        system=SystemConfig(),
    )
    assert bundle.config["objective"]["name"] == "catalogue-softmax"
    assert (bundle.config["batch_size"], bundle.config["message_share"]) == (16, 1.0)


def test_vectors_are_as_long_as_memory_allows(split, monkeypatch):
    peak = {
        dim: plan_training(split, replace(CONFIG, dim=dim), SystemConfig(), timed=False).peak
        for dim in (256, 512)
    }
    assert peak[256] < 0.7 * peak[512]
    memory = int(1.3 * peak[256])
    monkeypatch.setattr(module, "total_memory", lambda: memory)
    config, said = chosen(split, replace(CONFIG, dim=512), "batch_size")
    assert config.dim == 256
    assert len(said) == 1
    assert "vectors have 256 numbers in place of 512 (--dim)" in said[0]
    # What cannot fit at all is left to be refused, with a sentence of its own.
    monkeypatch.setattr(module, "total_memory", lambda: 1000)
    assert chosen(split, CONFIG, "batch_size") == (CONFIG, [])
    monkeypatch.setattr(module, "total_memory", lambda: None)
    assert chosen(split, CONFIG, "batch_size") == (CONFIG, [])


def test_python_chooses_and_says_so_but_leaves_a_whole_configuration_alone(
    split, small, monkeypatch
):
    said = []

    class Listening(Progress):
        def say(self, text):
            said.append(text)

    few = {"dim": 4, "epochs": 1, "system": SystemConfig(), "refit": False}
    bundle = segue.train(split, progress=Listening(), **few)
    assert bundle.config["objective"]["name"] == "pooled-softmax"
    assert bundle.config["objective"]["temperature"] == 0.085
    assert any("a pool of" in line for line in said)
    config = replace(CONFIG, dim=4, epochs=1)
    bundle = segue.train(split, config=config, system=SystemConfig(), refit=False)
    assert bundle.config["objective"]["name"] == "catalogue-softmax"
    assert bundle.config["batch_size"] == CONFIG.batch_size
