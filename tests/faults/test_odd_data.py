"""Losses that are no numbers, and collections with hardly anything in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import segue
from segue.errors import SegueError, TrainingError
from segue.graph.playlist_graph import PlaylistGraph
from segue.models.lightgcn import LightGCN
from segue.training.checkpoint import CHECKPOINT

SMALL = {"dim": 4, "epochs": 4, "system": segue.SystemConfig()}


class Breaking(LightGCN):
    """LightGCN that gives no numbers while it is broken."""

    broken = False

    def forward(self, graph: Any) -> Any:
        vectors = super().forward(graph)
        return {**vectors, "track": vectors["track"] * math.nan} if self.broken else vectors


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(
    planted_graph: PlaylistGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = segue.split(planted_graph)
    whole = segue.train(split, Breaking, **SMALL)

    def break_after_two(entry: dict[str, Any]) -> None:
        monkeypatch.setattr(Breaking, "broken", entry["epoch"] == 2)

    with pytest.raises(TrainingError, match="loss is nan"):
        segue.train(split, Breaking, folder=tmp_path, on_epoch=break_after_two, **SMALL)
    assert (tmp_path / CHECKPOINT).exists()
    monkeypatch.setattr(Breaking, "broken", False)
    resumed = segue.train(split, Breaking, folder=tmp_path, **SMALL)
    assert np.array_equal(resumed.track_vectors, whole.track_vectors)
    assert [entry["epoch"] for entry in resumed.history] == [1, 2, 3, 4]


@pytest.mark.parametrize("rate", [0.005e6, 1e30])
def test_a_rate_far_too_high_ends_in_a_sentence_or_in_numbers(
    planted_graph: PlaylistGraph, rate: float
) -> None:
    try:
        bundle = segue.train(segue.split(planted_graph), learning_rate=rate, **SMALL)
    except TrainingError as error:
        assert "lower learning rate" in str(error)  # noqa: PT017 - either is fine
    else:
        assert np.isfinite(bundle.track_vectors).all()


def graph_of(*lists: list[int]) -> PlaylistGraph:
    pairs = [(str(number), track) for number, tracks in enumerate(lists) for track in tracks]
    columns = {
        "playlist_id": [playlist for playlist, _ in pairs],
        "track_id": [f"t:{track}" for _, track in pairs],
        "artist_id": [f"a:{track % 2}" for _, track in pairs],
    }
    return segue.build(pa.table(columns))


@pytest.mark.parametrize(
    "objective", [segue.CatalogueSoftmax, segue.PooledSoftmax, segue.BPR, segue.SampledSoftmax]
)
@pytest.mark.parametrize(
    "lists",
    [
        [[1]] * 20,  # one track
        [[1, 2]] * 20,  # nothing but what everybody has
        [list(range(12))] * 30,  # no negatives left
        [[n] for n in range(30)],  # nobody shares anything
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(
    lists: list[list[int]], objective: Callable[[], Any]
) -> None:
    with pytest.raises(SegueError, match=r"nothing|no playlist") as refused:
        segue.train(graph_of(*lists), test=False, objective=objective(), **SMALL)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("test", [True, False])
def test_isolated_nodes_have_vectors_and_lists(test: bool) -> None:
    lists = [[n % 9, *(10 + (n + k) % 7 for k in range(6))] for n in range(40)] + [
        [30 + n] for n in range(10)
    ]
    bundle = segue.train(graph_of(*lists), test=test, **SMALL)
    assert np.isfinite(bundle.track_vectors).all()
    alone: Callable[..., Any] = segue.Recommender(bundle).complete
    assert len(alone("45", 5).tracks) == 5
