"""What a fixed small graph gives, pinned number by number while the house is rebuilt around it.

``SEGUE_WRITE_GOLDEN=1 pytest tests/test_golden.py`` writes ``golden.json`` afresh: only where a
change of values is meant, and the commit then says which values change and why.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segue.baselines import BASELINES
from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.evaluation.evaluate import evaluate
from segue.evaluation.validation import validation_rows
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.pipeline.train import train as train_bundle
from segue.recommend.filters import Filters
from segue.recommend.recommender import Recommender
from segue.scoring.wide import WidePart
from segue.training.config import SecondStageConfig, SystemConfig, TrainConfig
from segue.training.objectives import (
    BPR,
    CatalogueSoftmax,
    HardestNegatives,
    HardNegatives,
    PooledSoftmax,
    SampledSoftmax,
    Triples,
)
from segue.training.terms import WideConfig
from segue.training.train import train

pytest.importorskip("lightgbm", reason="the extra train is not installed")
GOLDEN = Path(__file__).with_name("golden.json")
# Sums are added up in another order on another processor.
TOLERANCE = {"rtol": 2e-3, "atol": 2e-4}

NODE: dict[str, Any] = {"readout": "node", "options": {"playlist_vectors": True}}
# Each kind of training that there is, two epochs of it: what the encoders and the losses do.
TRAININGS: dict[str, dict[str, Any]] = {
    "full": {},
    "pooled": {"objective": PooledSoftmax(pool_size=40)},
    "sampled-random": {"objective": SampledSoftmax(num_negatives=20)},
    "sampled-hard": {
        "objective": SampledSoftmax(negatives=HardNegatives(share=(0.5, 0.1)), num_negatives=20)
    },
    "sampled-hardest": {
        "objective": SampledSoftmax(negatives=HardestNegatives(), num_negatives=20)
    },
    "bpr-random": {"objective": BPR()},
    "bpr-hard": {"objective": BPR(negatives=HardNegatives(mix=(1.0, 1.0)))},
    "bpr-hardest": {"objective": BPR(negatives=HardestNegatives())},
    "triples": {**NODE, "objective": Triples(l2=1e-4)},
    "visible": {**NODE, "objective": CatalogueSoftmax(hide_targets=False)},
}


@pytest.fixture(scope="module")
def graph(make_planted_graph) -> PlaylistGraph:
    """Planted communities, and ordered playlists that end with tracks of one fifth of the artists.

    Such an end is what a second stage can see and a sum cannot.
    """
    rng = np.random.default_rng(11)
    planted = make_planted_graph(rng, num_playlists=900, lengths=(9, 16))
    playlists = planted.playlists
    closing = np.arange(160) % 5 == 4
    lists = []
    for row in range(len(playlists)):
        tracks, ordered = playlists.tracks[row], playlists.order_known[row]
        tracks = tracks[~closing[tracks]] if ordered else tracks
        end = rng.choice(np.flatnonzero(closing), 4, replace=False) if ordered else []
        lists.append([*tracks.tolist(), *map(int, end)])
    return planted.with_tracks(TrackLists.from_lists(lists))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def split(graph) -> Split:
    return split_graph(graph, SplitRecipe("mixed"))


@pytest.fixture(scope="module")
def bundle(split) -> Bundle:
    """The flagship's parts, all small."""
    config = TrainConfig(
        relations=("artist", "album"), dim=8, num_layers=3, epochs=4, batch_size=200,
        learning_rate=0.01, objective=CatalogueSoftmax(temperature=0.085),
        options={"relation_weight": 2.0},
    )  # fmt: skip
    system = SystemConfig(
        {"wide": WideConfig(num_neighbours=20)},
        SecondStageConfig(
            num_trees=(5, 20), learning_rate=0.3, min_leaf=50, min_questions=20, num_leaves=7
        ),
    )
    return train_bundle(split, config=config, system=system, device="cpu")


@pytest.fixture(scope="module")
def saved(bundle, tmp_path_factory) -> Path:
    """As it is read back from disk."""
    folder = tmp_path_factory.mktemp("bundles") / "bundle"
    bundle.save(folder)
    return folder


def of_lists(recommender: Recommender) -> dict[str, Any]:
    """Lists with scores and reasons, of each verb and each way to ask."""
    some, others = ("segue:track:3", "segue:track:8"), ("segue:track:50",)
    without = Filters(exclude_tracks=("segue:track:0", "segue:track:1"), max_per_artist=2)
    asked = {
        "complete ordered": recommender.complete("0", 5, reasons=True),
        "complete unordered": recommender.complete("1", 5, reasons=True),
        "complete tracks": recommender.complete(tracks=[*some, *others], n=5),
        "complete tracks in order": recommender.complete(
            tracks=[*some, *others], n=5, ordered=True
        ),
        "complete nothing": recommender.complete(tracks=[], n=3),
        "vibe": recommender.vibe(some, 5, reasons=True),
        "vibe with artist": recommender.vibe(others, 5, artists=["Artist 1"]),
        "vibe deep": recommender.vibe(some, 5, dial=1.0),
        "vibe mainstream": recommender.vibe(some, 5, dial=-0.5),
        "vibe diverse": recommender.vibe(some, 5, diversity=0.5),
        "vibe filtered": recommender.vibe(some, 5, filters=without),
        "similar artists": recommender.similar(artist="Artist 2", n=5),
    }
    return {name: found.to_json() for name, found in asked.items()}


def of_training(split: Split, model: str, fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The first vectors and the losses of a short training."""
    config = TrainConfig(model=model, dim=4, epochs=2, batch_size=200, **fields)
    folder.mkdir()
    result = train(
        split.train, validation_rows(split.validation), config, folder=folder, identity="golden"
    )
    return {
        "track_vectors": result.track_vectors[:3].tolist(),
        "query_weight": result.query_weight[:3].tolist(),
        "loss": [entry["loss"] for entry in result.history],
        "ndcg@20": [entry["ndcg@20"] for entry in result.history],
        "best_epoch": result.best_epoch,
    }


def expected(name: str, found: Any) -> Any:
    """What is pinned under a name; written where that is asked for."""
    found = json.loads(json.dumps(found, default=lambda array: array.tolist()))
    pinned = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    if os.environ.get("SEGUE_WRITE_GOLDEN"):
        pinned[name] = rounded(found)
        GOLDEN.write_text(
            json.dumps(pinned, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            .replace('},"', '},\n"') + "\n",
            encoding="utf-8",
        )  # fmt: skip
    return pinned[name]


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list) else value


def assert_same(found: Any, pinned: Any, path: str = "") -> None:
    """Equal in structure and words, and in numbers but for rounding."""
    if isinstance(pinned, float) or isinstance(found, float):
        assert found == pytest.approx(pinned, rel=TOLERANCE["rtol"], abs=TOLERANCE["atol"]), path
    elif isinstance(pinned, dict):
        assert sorted(found) == sorted(pinned), path
        for key in pinned:
            assert_same(found[key], pinned[key], f"{path}/{key}")
    elif isinstance(pinned, list):
        assert len(found) == len(pinned), path
        for place, (ours, theirs) in enumerate(zip(found, pinned, strict=True)):
            assert_same(ours, theirs, f"{path}/{place}")
    else:
        assert found == pinned, path


def check(name: str, found: Any) -> None:
    assert_same(json.loads(json.dumps(found)), expected(name, found), name)


def test_fingerprints(graph, split, saved):
    manifest = json.loads((saved / "manifest.json").read_text(encoding="utf-8"))
    check(
        "fingerprints",
        {
            "graph": graph.fingerprint,
            "split": split.fingerprint,
            "in the manifest": [manifest["graph_fingerprint"], manifest["split"]["fingerprint"]],
        },
    )


def test_vectors(bundle):
    check(
        "vectors",
        {
            "track": bundle.track_vectors[::10].tolist(),
            "artist": bundle.vectors["artist"][::4].tolist(),
            "album": bundle.vectors["album"][::8].tolist(),
            "query_weight": bundle.query_weight[::10].tolist(),
            "popularity": bundle.popularity[::10].tolist(),
            "measured track": bundle.measured.track_vectors[::20].tolist(),
            "measured query_weight": bundle.measured.query_weight[::20].tolist(),
            "history": [{k: v for k, v in e.items() if k != "seconds"} for e in bundle.history],
        },
    )


def test_wide_part(bundle):
    for name, terms in (("wide", bundle.terms), ("measured wide", bundle.measured.terms)):
        wide = WidePart(**terms["wide"])
        first = slice(0, wide.offsets[2])
        check(
            name,
            {
                "offsets": wide.offsets[::20].tolist(),
                "track_index": wide.track_index[first].tolist(),
                "weight": wide.weight[first].tolist(),
                "sum": float(np.abs(wide.weight).sum()),
            },
        )


def test_figures(bundle):
    assert bundle.second_stage is not None
    figures = {k: v for k, v in bundle.metrics["test"].items() if k != "seconds"}
    check("figures", figures)


def test_lists(saved):
    check("lists", of_lists(Recommender.load(saved)))


def test_lists_without_second_stage(saved):
    check("lists without second stage", of_lists(Recommender.load(saved, second_stage=False)))


def test_explanations(saved):
    recommender = Recommender.load(saved)
    check(
        "explanations",
        {
            "playlist": recommender.why("segue:track:20", "0").to_json(),
            "seeds": recommender.why(
                "segue:track:20",
                tracks=["segue:track:3", "segue:track:8"],
                artists=["Artist 1"],
                dial=0.5,
            ).to_json(),
        },
    )


@pytest.mark.parametrize("name", BASELINES)
def test_baselines(split, name):
    found = evaluate(BASELINES[name](split.train), split.test, split.train).to_json()
    check(f"baseline {name}", {k: v for k, v in found.items() if k != "seconds"})


@pytest.mark.parametrize("kind", TRAININGS)
@pytest.mark.parametrize("model", ["lightgcn", "gcn", "graphsage", "gat", "rgcn"])
def test_trainings(split, model, kind, tmp_path):
    found = of_training(split, model, TRAININGS[kind], tmp_path / "training")
    check(f"training {model} {kind}", found)
