"""Ray does the same as one process, and survives the death of a worker.

Skipped without Ray, which `make test-ray` installs.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segue
from segue.cli import main
from segue.console import Progress
from segue.data import groups
from segue.data.formats.mpd import write_slice
from segue.data.groups import FileGroup
from segue.engine import check_engine, in_order, together
from segue.errors import InputError, ResourceError, TrainingError
from segue.evaluation.validation import validation_rows
from segue.graph.holding_out import split_graph
from segue.graph.split import SplitRecipe
from segue.models.lightgcn import LightGCN
from segue.pipeline.build import build_to
from segue.training.config import SystemConfig, TrainConfig
from segue.training.objectives import SampledSoftmax
from segue.training.together import train_together
from segue.training.train import train


def test_an_engine_that_is_not_there_is_named_with_its_remedy(monkeypatch):
    with pytest.raises(InputError, match="engine is 'spark', expected local or ray"):
        check_engine("spark")
    monkeypatch.setitem(sys.modules, "ray", None)
    for refused in (lambda: check_engine("ray"), lambda: next(in_order(lambda: abs, [1]))):
        with pytest.raises(ResourceError, match=r"not installed: pip install 'segue\[ray\]'"):
            refused()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build", "nowhere", "--engine", "ray", "--out", "graph"], "pip install 'segue[ray]'"),
        (["train", "nowhere", "--engine", "ray", "--out", "bundle"], "pip install 'segue[ray]'"),
        (
            ["recommend", "nowhere", "--all", "--engine", "ray", "--out", "lists.csv"],
            "pip install 'segue[ray]'",
        ),
        (["train", "nowhere", "--workers", "2", "--out", "bundle"], "for --engine ray"),
        (
            ["recommend", "nowhere", "--all", "--workers", "2", "--out", "lists.csv"],
            "for --engine ray",
        ),
    ],
)
def test_commands_without_ray_end_in_one_sentence(arguments, says, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code in (1, 2)
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray on two cores of this machine."""
    ray = pytest.importorskip("ray", reason="needs Ray (make test-ray)")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Its processes cannot import this file.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


def die_once(marker: Path) -> None:
    """Kill this process, the first time that any is asked to."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def square(number: int, marker: Path) -> int:
    if number == 3:
        die_once(marker)
    if number < 0:
        raise InputError(f"{number}: expected a number from 0")
    return number * number


@pytest.mark.ray
def test_results_come_in_order_though_a_worker_is_killed(ray, tmp_path):
    marker = tmp_path / "died"
    make = partial(partial, square, marker=marker)
    assert list(in_order(make, range(8), workers=2)) == [n * n for n in range(8)]
    assert marker.exists()
    assert list(in_order(make, [])) == []
    with pytest.raises(InputError, match=r"^-1: expected a number from 0$"):
        list(in_order(make, [0, 1, -1, 2], workers=2))


@pytest.fixture
def slices(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for first in range(0, 40, 10):
        playlists = []
        for pid in range(first, first + 10):
            tracks = [(pid * 3 + at * at) % 17 for at in range(pid % 9)]
            named = [
                {
                    "track_uri": f"t:{n}",
                    "track_name": f"Track {n}",
                    "artist_uri": f"a:{n % 5}",
                    "artist_name": f"Artist {n % 5}",
                    "album_uri": f"b:{n % 7}",
                    "album_name": f"Album {n % 7}",
                    "pos": at,
                }
                for at, n in enumerate(tracks)
            ]
            playlists.append({"pid": pid, "name": "road trip", "tracks": named})
        write_slice(folder / f"mpd.slice.{first}-{first + 9}.json", playlists, first, first + 9)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.ray
def test_the_graph_is_the_same_byte_for_byte(ray, slices, tmp_path, monkeypatch):
    alone = tmp_path / "alone" / "graph"
    build_to(str(slices), alone, progress=Progress())
    monkeypatch.setattr(groups, "WORTH", 1)
    monkeypatch.setattr(groups, "GROUP_SIZE", 1)
    shared = tmp_path / "shared" / "graph"
    # What is read here would not have been read by Ray.
    monkeypatch.setattr(FileGroup, "read", pytest.fail)
    build_to(str(slices), shared, engine="ray", workers=2, progress=Progress())
    assert content(shared) == content(alone)
    assert not (tmp_path / "shared" / "graph.building").exists()


@pytest.mark.ray
def test_lists_are_the_same_byte_for_byte(ray, small_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("segue.recommend.batch._BATCH_LISTS", 1)
    folder = tmp_path / "bundle"
    small_bundle.save(folder)
    for name, more in (("alone", []), ("shared", ["--engine", "ray", "--workers", "2"])):
        out = str(tmp_path / f"{name}.csv")
        main(["recommend", str(folder), "--all", "--out", out, *more])
    assert (tmp_path / "shared.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()


class DyingEncoder(LightGCN):
    """A LightGCN in which rank 1 is killed once, in its fifth step."""

    def __init__(self, *args: Any, marker: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.marker, self.calls = Path(marker), 0

    def forward(self, graph: Any) -> Any:
        from torch import distributed

        self.calls += self.training
        if self.calls == 5 and distributed.get_rank() == 1:
            die_once(self.marker)
        return super().forward(graph)


CONFIG = TrainConfig(dim=8, epochs=3, batch_size=50, learning_rate=0.02)


@pytest.mark.ray
def test_the_vectors_are_those_of_one_process_though_a_worker_is_killed(
    ray, planted_graph, tmp_path
):
    split = split_graph(planted_graph, SplitRecipe("random", rng_seed=1))
    rows = validation_rows(split.validation)
    alone = train(split.train, rows, CONFIG)
    assert alone.history[-1]["step"] > 5
    steps, epochs = [], []
    marker = tmp_path / "died"
    shared = train_together(
        split.train,
        rows,
        CONFIG,
        workers=2,
        folder=tmp_path,
        encoder=partial(DyingEncoder, marker=str(marker)),
        on_step=lambda done, total, loss: steps.append(done),
        on_epoch=lambda entry: epochs.append(entry["epoch"]),
    )
    assert marker.exists()
    np.testing.assert_allclose(shared.track_vectors, alone.track_vectors, atol=2e-5)
    np.testing.assert_allclose(shared.query_weight, alone.query_weight, rtol=1e-3)
    for ours, theirs in zip(shared.history, alone.history, strict=True):
        for name in ("epoch", "step", "loss", "ndcg@20"):
            assert ours[name] == pytest.approx(theirs[name], abs=2e-4)
    assert sorted(set(steps)) == list(range(1, alone.history[-1]["step"] + 1))
    assert sorted(set(epochs)) == [entry["epoch"] for entry in alone.history]


@pytest.mark.ray
def test_a_bundle_by_ray_is_that_of_one_process(ray, planted_graph):
    """The whole of `segue.train`, with an objective that draws negatives."""
    options = {"dim": 8, "epochs": 2, "objective": SampledSoftmax(num_negatives=20)}
    split = split_graph(planted_graph, SplitRecipe("mixed", rng_seed=1))
    alone, shared = (
        segue.train(split, system=SystemConfig(), device="cpu", **options, **engine)
        for engine in ({}, {"engine": "ray", "workers": 2})
    )
    np.testing.assert_allclose(shared.track_vectors, alone.track_vectors, atol=2e-4)
    assert shared.config["best_epoch"] == alone.config["best_epoch"]


def fail(rank: int, count: int, send: Callable[[Any], None]) -> None:
    if rank == 0:
        send(count)
    raise TrainingError("the loss is nan")


@pytest.mark.ray
def test_what_is_no_accident_is_not_tried_again(ray):
    told = []
    with pytest.raises(TrainingError, match=r"^the loss is nan$"):
        together(fail, receive=told.append, workers=2)
    assert told == [2]
    with pytest.raises(ResourceError, match="3 workers need one each of the 2 cores that Ray has"):
        together(fail, receive=told.append, workers=3)


def go_on(rank: int, count: int, send: Callable[[Any], None]) -> None:
    while True:
        send(rank)


@pytest.mark.ray
def test_whoever_started_the_work_can_end_it(ray):
    def enough(message: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        together(go_on, receive=enough, workers=1)
