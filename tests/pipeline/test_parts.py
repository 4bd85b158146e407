"""A wide part and a second stage are made once: a training that was stopped finds them again."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from segue.bundle import MeasuredVectors
from segue.errors import ArtefactError
from segue.graph.holding_out import split_graph
from segue.graph.split import SplitRecipe
from segue.pipeline import parts as module
from segue.pipeline.parts import FinishedParts
from segue.scoring.questions import Questions
from segue.scoring.recency import Recency
from segue.scoring.trees import Trees
from segue.scoring.wide import WidePart
from segue.training import pace
from segue.training.config import SecondStageConfig, SystemConfig, TrainConfig
from segue.training.terms import WideConfig

WIDE = WideConfig(num_neighbours=5)
SYSTEM = SystemConfig({"wide": WIDE}, SecondStageConfig())


@pytest.fixture
def parts(tmp_path) -> FinishedParts:
    return FinishedParts(tmp_path)


@pytest.fixture(scope="module")
def split(planted_graph):
    return split_graph(planted_graph, SplitRecipe("mixed"))


@pytest.fixture
def vectors(split) -> MeasuredVectors:
    num_tracks = split.train.catalog.num_tracks
    vectors = np.eye(num_tracks, 4, dtype=np.float32)
    weights = np.ones(num_tracks, dtype=np.float32)
    return MeasuredVectors(vectors, weights, split.train.popularity)


def stump(value: float) -> Trees:
    """A tree of one leaf."""
    nothing = {"feature": np.int32, "threshold": np.float64, "missing_left": np.uint8,
               "left": np.int32, "right": np.int32}  # fmt: skip
    return Trees(
        num_features=np.array([1]),
        offsets=np.array([0, 0]),
        leaf_value=np.array([float(value)]),
        **{name: np.zeros(0, dtype) for name, dtype in nothing.items()},
    )


@pytest.fixture
def calls(monkeypatch):
    """How often each part was made; a second stage is the number of its making."""
    count = {"wide": 0, "second stage": 0}
    fit = WideConfig.fit

    def counted(config, graph, begun):
        count["wide"] += 1
        return fit(config, graph, begun)

    def train(split, scorer, popularity, config, questions, advance):
        count["second stage"] += 1
        np.testing.assert_array_equal(popularity, split.train.popularity)
        return stump(count["second stage"]), replace(questions, num_trees=(7, 8))

    monkeypatch.setattr(WideConfig, "fit", counted)
    monkeypatch.setattr(module, "train_second_stage", train)
    return count


def test_a_wide_part_is_made_once_for_a_graph_and_a_configuration(
    parts, planted_graph, split, calls, tmp_path
):
    first = parts.term("wide", split.train, WIDE)
    again = FinishedParts(tmp_path).term("wide", split.train, WIDE)
    assert calls["wide"] == 1
    for name in ("offsets", "track_index", "weight"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    others = [(planted_graph, WIDE)]
    others += [(split.train, replace(WIDE, **change)) for change in (
        {"num_neighbours": 6}, {"weight": 3.5}, {"regularization": 5.0}, {"max_tracks": 50},
        {"artist_weight": 0.0}, {"album_weight": 0.0},
    )]  # fmt: skip
    for made, other in enumerate(others, start=2):
        parts.term("wide", *other)
        assert calls["wide"] == made
    assert len(list(tmp_path.glob("term-wide-*.safetensors"))) == 1 + len(others)
    assert parts.term("wide", split.train, WIDE).weight.tolist() == first.weight.tolist()
    assert calls["wide"] == len(others) + 1


def test_what_was_found_of_a_wide_part_is_kept_until_it_is_done(
    parts, split, tmp_path, monkeypatch
):
    config = replace(WIDE, block_size=20, support_size=100)
    monkeypatch.setattr(pace, "SAVE_SECONDS", -1)
    with monkeypatch.context() as patch:
        patch.setattr(WidePart, "from_matrix", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            parts.term("wide", split.train, config)
    (begun,) = tmp_path.iterdir()
    assert begun.name.endswith("-begun.safetensors")
    assert parts.exist
    with monkeypatch.context() as patch:
        patch.setattr(np.linalg, "solve", Mock(side_effect=AssertionError("all is known")))
        found = parts.term("wide", split.train, config)
    assert found.arrays().keys() == config.fit(split.train).arrays().keys()
    np.testing.assert_array_equal(found.weight, config.fit(split.train).weight)
    (done,) = tmp_path.iterdir()
    assert done.name == begun.name.replace("-begun", "")


def test_a_second_stage_is_made_once_for_what_it_stands_on(parts, planted_graph, split, vectors,
                                                           calls):  # fmt: skip
    config, asked = TrainConfig(dim=4), Questions()
    for _ in range(2):
        made, chosen = parts.second_stage(split, vectors, config, SYSTEM, asked)
        assert made.leaf_value == [1]
        assert chosen == replace(asked, num_trees=(7, 8))
    other_split = split_graph(planted_graph, SplitRecipe("mixed", rng_seed=1))
    more = replace(SYSTEM, second_stage=SecondStageConfig(num_leaves=9))
    for number, (of, trained, system, questions) in enumerate(
        [
            (other_split, config, SYSTEM, asked),
            (split, replace(config, rng_seed=1), SYSTEM, asked),
            (split, config, more, asked),
            (split, config, replace(SYSTEM, terms={}), asked),
            (split, config, SYSTEM, Questions(next=Recency(4.0, 3.0))),
        ],
        start=2,
    ):
        ours = replace(vectors, popularity=of.train.popularity)
        made, chosen = parts.second_stage(of, ours, trained, system, questions)
        assert made.leaf_value == [number]
        assert chosen == replace(questions, num_trees=(7, 8))
    without = replace(SYSTEM, second_stage=None)
    assert parts.second_stage(split, vectors, config, without, asked) == (None, asked)
    assert calls["second stage"] == 6


def test_that_there_is_none_is_remembered_too(parts, split, vectors, monkeypatch):
    none = None, Questions(num_trees=(0, 0))
    monkeypatch.setattr(module, "train_second_stage", lambda *_, advance: none)
    assert parts.second_stage(split, vectors, TrainConfig(), SYSTEM, Questions()) == none
    monkeypatch.setattr(module, "train_second_stage", pytest.fail)
    assert parts.second_stage(split, vectors, TrainConfig(), SYSTEM, Questions()) == none


@pytest.mark.parametrize("name", ["term-wide", "second_stage"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.7, 1.0])
def test_a_damaged_part_is_named(parts, split, vectors, calls, tmp_path, name, share):
    """A bit flipped anywhere, or a part that is cut: never used as if nothing had happened."""

    def again():
        parts.term("wide", split.train, WIDE)
        parts.second_stage(split, vectors, TrainConfig(), SYSTEM, Questions())

    again()
    (path,) = tmp_path.glob(f"{name}-*.safetensors")
    whole = path.read_bytes()
    place = round(share * (len(whole) - 1))
    kind = "a wide part" if name == "term-wide" else "a second stage"
    says = rf"{path.name}: not {kind} \(.*\); remove it"
    for content in (whole[:place], whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]):
        path.write_bytes(content)
        with pytest.raises(ArtefactError, match=says):
            again()
    path.unlink()
    again()
    assert calls[{"term-wide": "wide"}.get(name, "second stage")] == 2


def test_what_is_not_its_own_stays(parts, split, vectors, calls, tmp_path):
    parts.term("wide", split.train, WIDE)
    parts.second_stage(split, vectors, TrainConfig(), SYSTEM, Questions())
    for name in ("wide.safetensors", "notes.txt", "checkpoint.safetensors"):
        (tmp_path / name).write_text("mine")
    assert len(list(tmp_path.iterdir())) == 5
    parts.remove()
    assert {path.name for path in tmp_path.iterdir()} == {
        "wide.safetensors", "notes.txt", "checkpoint.safetensors"
    }  # fmt: skip
