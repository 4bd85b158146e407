"""What a training will take, and that what does not fit is refused with what would."""

from dataclasses import replace

import numpy as np
import pytest

import segue
from segue.errors import ResourceError
from segue.graph.holding_out import split_graph
from segue.graph.split import SplitRecipe
from segue.pipeline import plan as module
from segue.pipeline import sizing
from segue.pipeline.plan import plan_training, require_training
from segue.training.config import SecondStageConfig, SystemConfig, TrainConfig
from segue.training.footprint import footprint
from segue.training.terms import WideConfig

SYSTEM = SystemConfig({"wide": WideConfig(num_neighbours=5)}, SecondStageConfig())
CONFIG = TrainConfig(dim=64, epochs=3, batch_size=64)


@pytest.fixture(scope="module")
def split(planted_graph):
    return split_graph(planted_graph, SplitRecipe("mixed"))


def test_steps_time_memory_and_disk(split, tmp_path):
    plan = plan_training(split, CONFIG, SYSTEM, out=tmp_path / "bundle")
    assert (plan.times.num_steps, plan.times.epochs) == (12, 3)
    assert plan.seconds.keys() == {
        "training", "wide part", "validation", "evaluation", "training again on all pairs",
    }  # fmt: skip
    assert plan.memory.keys() == {"training", "wide part", "evaluation", "second stage"}
    assert plan.peak == max(plan.memory.values())
    # Of what is measured, of what ships, and of one while it is written.
    assert plan.disk["checkpoints"] == 48 * plan.footprint.num_parameters
    text = "\n".join(plan.lines())
    assert "12 steps in 3 epochs" in text
    for what in ("Memory: ", "Disk: checkpoints ", "Time: ", "training again on all pairs"):
        assert what in text
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_what_was_trained_agrees(split, tmp_path):
    """The disk is that of a real bundle, roughly."""
    plan = plan_training(split, CONFIG, SYSTEM, timed=False)
    assert plan.times is None
    bundle = segue.train(split, config=CONFIG, system=SYSTEM)
    bundle.save(tmp_path / "bundle")
    size = sum(file.stat().st_size for file in (tmp_path / "bundle").iterdir())
    assert size / 2 < plan.disk["bundle"] < 2 * size
    learned = sum(vectors.size for vectors in (bundle.track_vectors, bundle.vectors["artist"]))
    assert learned <= plan.footprint.num_parameters < 1.1 * learned


def test_too_little_memory_is_refused_with_what_would_fit(split, monkeypatch):
    config, system = replace(CONFIG, dim=512), SystemConfig()
    needed = plan_training(split, config, system, timed=False).peak
    less = plan_training(split, replace(config, dim=128), system, timed=False).peak
    assert less < needed / 2
    monkeypatch.setattr(module, "available_memory", lambda: (less + needed) // 2)
    for refused in (lambda: plan_training(split, config, system),
                    lambda: require_training(split, config, system),
                    lambda: segue.train(split, config=config, system=system)):  # fmt: skip
        with pytest.raises(
            ResourceError, match=r"dim 512 needs .* --dim \d+ would take"
        ) as refusal:
            refused()
        assert "\n" not in str(refusal.value)
    monkeypatch.setattr(module, "available_memory", lambda: 1000)
    with pytest.raises(ResourceError, match="a k-core of the playlists"):
        require_training(split, config, SYSTEM)


def test_where_there_is_plenty_nothing_is_reckoned(split, monkeypatch):
    def never(*args, **options):
        raise AssertionError("reckoned")

    monkeypatch.setattr(module, "footprint", never)
    monkeypatch.setattr(module, "available_memory", lambda: 1 << 40)
    require_training(split, CONFIG, SYSTEM)
    monkeypatch.setattr(module, "available_memory", lambda: None)
    require_training(split, CONFIG, SYSTEM)


def test_a_footprint_is_reckoned_once(planted_graph, monkeypatch):
    """Where memory is short the length of the vectors, the plan and the training ask for one."""
    split = split_graph(planted_graph, SplitRecipe("mixed", rng_seed=1))
    config, system, reckoned = replace(CONFIG, epochs=1), SystemConfig(), []

    def counted(graph, config, encoder):
        reckoned.append(config.dim)
        return footprint(graph, config, encoder)

    monkeypatch.setattr(module, "footprint", counted)
    peak = plan_training(split, config, system, timed=False).peak
    monkeypatch.setattr(sizing, "total_memory", lambda: 2 * peak)
    monkeypatch.setattr(module, "available_memory", lambda: 2 * peak)
    assert sizing.for_size(config, split, system, ())[0].dim == 64
    segue.train(split, config=config, system=system)
    assert reckoned == [64]


def test_too_small_a_disk_is_refused(split, tmp_path, monkeypatch):
    usage = module.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ResourceError, match=r"bundle: training needs .* of disk, of which"):
        plan_training(split, CONFIG, SYSTEM, out=tmp_path / "new" / "bundle")


def test_nothing_held_out_is_not_evaluated(planted_graph):
    split = split_graph(planted_graph, SplitRecipe(test_share=0, validation_share=0))
    plan = plan_training(split, CONFIG, SystemConfig())
    assert plan.seconds.keys() == {"training"}
    assert plan.memory.keys() == {"training", "evaluation"}
    assert np.isfinite(plan.times.total)
