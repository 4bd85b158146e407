"""The loop: what a step hides, what a training leaves, and what it must not see.

The arithmetic of its steps is pinned in ``tests/models/test_lightgcn.py``, resuming in
``test_checkpoint.py``.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from segue.data.playlists import TrackLists
from segue.errors import TrainingError
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.models.encoder import MessageGraph, NodeVectors
from segue.models.lightgcn import LightGCN
from segue.training import losses, pace
from segue.training import steps as training_steps
from segue.training.config import TrainConfig
from segue.training.hiding import hide
from segue.training.objectives import HardNegatives, SampledSoftmax, Triples
from segue.training.train import TrainResult, train
from segue.training.vectors import TrainedVectors

# 240 playlists: 4 steps an epoch, 12 in all, the last batch of an epoch smaller than the others.
CONFIG = TrainConfig(dim=8, epochs=3, batch_size=64, learning_rate=0.02, rng_seed=7)
STEPS = 12
HARD = HardNegatives(refresh_every=1)


@pytest.fixture(scope="module")
def split(planted_graph: PlaylistGraph) -> Split:
    return split_graph(planted_graph, SplitRecipe(rng_seed=1))


@pytest.fixture
def run(split: Split, tmp_path: Path) -> Callable[..., TrainResult]:
    def run(folder: str = "run", config: TrainConfig = CONFIG, **options: Any) -> TrainResult:
        (tmp_path / folder).mkdir(exist_ok=True)
        options = {
            "graph": split.train,
            "validation": split.validation.rows(slice(60)),
            "identity": split.fingerprint,
        } | options
        return train(config=config, folder=tmp_path / folder, **options)

    return run


def tensors(folder: Path, prefix: str = "") -> dict[str, torch.Tensor]:
    loaded = load_file(folder / "checkpoint.safetensors")
    return {name: tensor for name, tensor in loaded.items() if name.startswith(prefix)}


def same_tensors(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return set(left) == set(right) and all(torch.equal(left[name], right[name]) for name in left)


# --- what is drawn --------------------------------------------------------------------------


def test_every_step_draws_anew(
    run: Callable[..., TrainResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    states, batches = [], []

    def recording(tracks: TrackLists, rows: np.ndarray, *rest: Any) -> Any:
        states.append(rest[2].bit_generator.state["state"]["state"])
        batches.append(rows.tolist())
        return hide(tracks, rows, *rest)

    monkeypatch.setattr(training_steps, "hide", recording)
    run(validation=None)
    assert len(set(states)) == STEPS, "no two steps hide by the same draws"
    epochs = [batches[start : start + 4] for start in range(0, STEPS, 4)]
    for epoch in epochs:
        assert sorted(row for batch in epoch for row in batch) == list(range(240))
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


# --- what a training leaves ---------------------------------------------------------------------


def test_result(run: Callable[..., TrainResult], tmp_path: Path) -> None:
    steps: list[tuple[int, int, float]] = []
    epochs: list[dict[str, Any]] = []
    result = run(on_step=lambda *step: steps.append(step), on_epoch=epochs.append)
    for vectors, shape in (
        (result.track_vectors, (160, 8)),
        (result.structural_vectors["artist"], (20, 8)),
    ):
        assert vectors.shape == shape
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert result.query_weight.shape == (160,)
    assert (result.query_weight > 0).all()

    assert [(done, total) for done, total, _ in steps] == [(n + 1, STEPS) for n in range(STEPS)]
    assert epochs == result.history
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == result.history
    assert [entry["epoch"] for entry in result.history] == [1, 2, 3]
    assert [entry["step"] for entry in result.history] == [4, 8, 12]
    for number, entry in enumerate(result.history):
        seen = [loss for _, _, loss in steps[4 * number : 4 * number + 4]]
        assert entry["loss"] == pytest.approx(np.mean(seen))
        assert {"recall@20", "recall@300", "ndcg@20", "auc", "seconds"} <= set(entry)
    rates = [entry["learning_rate"] for entry in result.history]
    expected = 0.02 * 0.5 * (1 + np.cos(np.pi * np.array([3, 7, 11]) / STEPS))
    np.testing.assert_allclose(rates, expected)


def test_the_best_epoch_is_the_one_returned(run: Callable[..., TrainResult]) -> None:
    judged: list[TrainedVectors] = []

    def scripted(vectors: TrainedVectors, held_out: HeldOut) -> dict[str, float]:
        judged.append(vectors)
        return {"ndcg@20": [0.1, 0.5, 0.5][len(judged) - 1]}

    result = run(judge=scripted)
    assert result.best_epoch == 2
    np.testing.assert_array_equal(result.track_vectors, judged[1].track_vectors)
    np.testing.assert_array_equal(result.query_weight, judged[1].query_weight)
    assert not np.array_equal(result.track_vectors, judged[2].track_vectors)


def test_without_validation_the_last_epoch_is_returned(
    run: Callable[..., TrainResult], tmp_path: Path
) -> None:
    result = run(validation=None)
    assert result.best_epoch == 3
    assert all("ndcg@20" not in entry for entry in result.history)
    saved = tensors(tmp_path / "run")
    for name in ("encoder.track", "readout.salience"):
        assert torch.equal(saved[f"best.{name}"], saved[f"model.{name}"])


def test_the_seed_decides(run: Callable[..., TrainResult], tmp_path: Path) -> None:
    first = run("first")
    torch.manual_seed(123)  # nothing may come from torch's own generator
    second = run("second")
    np.testing.assert_array_equal(first.track_vectors, second.track_vectors)
    np.testing.assert_array_equal(first.query_weight, second.query_weight)
    assert same_tensors(tensors(tmp_path / "first"), tensors(tmp_path / "second"))
    other = run("third", replace(CONFIG, rng_seed=8))
    assert not np.array_equal(first.track_vectors, other.track_vectors)


# --- nothing leaks, nothing goes on in vain -----------------------------------------------------


def with_other_held_out(graph: PlaylistGraph, split: Split, part: str) -> PlaylistGraph:
    """Each held-out track of one part replaced by one that the playlist does not hold."""
    tracks = graph.playlists.tracks
    rng = np.random.default_rng(5)
    lists = []
    for row in range(len(tracks)):
        held_out = getattr(split, part).targets[row]
        free = iter(rng.permutation(np.setdiff1d(np.arange(160), tracks[row])).tolist())
        lists.append([next(free) if t in held_out else int(t) for t in tracks[row]])
    return graph.with_tracks(TrackLists.from_lists(lists))


def test_the_best_epoch_is_one_that_was_kept(
    run: Callable[..., TrainResult], tmp_path: Path
) -> None:
    """Validated after epochs 2 and 3, and both times nothing is found: the first of them it is."""
    config = replace(CONFIG, validate_every=2)
    result = run("none", config, judge=lambda vectors, held_out: {"ndcg@20": 0.0})
    assert result.best_epoch == 2
    kept = run("kept", config, validation=None, stop_after=2)
    np.testing.assert_array_equal(result.track_vectors, kept.track_vectors)


def test_the_caller_says_what_an_epoch_is_judged_by(
    run: Callable[..., TrainResult], split: Split
) -> None:
    asked = []

    def own(vectors: TrainedVectors, held_out: HeldOut) -> dict[str, float]:
        asked.append(held_out.targets)
        return {"ndcg@20": 0.5, "novelty": 7.0}

    history = run(judge=own).history
    assert [entry["novelty"] for entry in history] == [7.0] * 3
    expected = split.validation.rows(slice(60)).targets
    assert [len(targets) for targets in asked] == [60] * 3
    np.testing.assert_array_equal(asked[0].track_index, expected.track_index)


def test_torchs_own_generator_is_left_alone(run: Callable[..., TrainResult]) -> None:
    """Also by an encoder that draws from it; what it draws is the training's own."""
    config = replace(CONFIG, options={"edge_dropout": 0.2})
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = run("first", config)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    np.testing.assert_array_equal(first.track_vectors, run("again", config).track_vectors)


@pytest.mark.parametrize(
    "objective", [SampledSoftmax(negatives=HARD), Triples(negatives=HARD)], ids=lambda o: o.name
)
def test_no_two_passes_of_an_encoder_draw_alike(
    run: Callable[..., TrainResult], objective: SampledSoftmax | Triples
) -> None:
    """In steps, for the ranking of hard negatives, and when vectors are read out."""
    drawn: list[float] = []

    class Drawing(LightGCN):
        def forward(self, message_graph: MessageGraph) -> NodeVectors:
            drawn.append(torch.rand(1, dtype=torch.float64).item())
            return super().forward(message_graph)

    config = replace(CONFIG, objective=objective, readout="node", batch_size=10000)
    run(config=replace(config, options={"playlist_vectors": True}), encoder=Drawing)
    # Three epochs, each of a step, a ranking and a validation; the best is read out once more. The
    # first epoch ranks all and needs no ranking.
    assert len(drawn) == 9
    assert len(set(drawn)) == 8


@pytest.mark.parametrize("part", ["test", "validation"])
def test_changing_held_out_edges_changes_no_parameter(
    run: Callable[..., TrainResult],
    planted_graph: PlaylistGraph,
    split: Split,
    tmp_path: Path,
    part: str,
) -> None:
    other = split_graph(with_other_held_out(planted_graph, split, part), split.recipe)
    before, after = getattr(split, part).targets, getattr(other, part).targets
    assert not np.array_equal(before.track_index, after.track_index)
    assert other.fingerprint != split.fingerprint

    first = run("one")
    second = run(
        "two",
        graph=other.train,
        validation=other.validation.rows(slice(60)),
        identity=other.fingerprint,
    )
    # Validation chooses among the epochs; what each epoch learned must not know of it.
    assert same_tensors(tensors(tmp_path / "one", "model."), tensors(tmp_path / "two", "model."))
    if part == "test":
        np.testing.assert_array_equal(first.track_vectors, second.track_vectors)
        np.testing.assert_array_equal(first.query_weight, second.query_weight)
    else:
        assert first.history[0]["ndcg@20"] != second.history[0]["ndcg@20"]


def test_a_loss_that_is_no_number_ends_it(
    run: Callable[..., TrainResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    softmax = losses.catalogue_softmax

    def broken(*args: Any, **options: Any) -> torch.Tensor:
        loss: torch.Tensor = softmax(*args, **options)
        return loss * torch.nan if len(steps) == 5 else loss

    monkeypatch.setattr(losses, "catalogue_softmax", broken)
    monkeypatch.setattr(pace, "SAVE_SECONDS", -1)
    with pytest.raises(TrainingError, match="loss is nan at step 6"):
        run(on_step=lambda done, total, loss: steps.append(done))
    assert all(torch.isfinite(tensor).all() for tensor in tensors(tmp_path / "run").values())


def test_no_playlist_with_two_tracks(run: Callable[..., TrainResult], split: Split) -> None:
    singles = TrackLists.from_lists([[row % 160] if row % 3 else [] for row in range(240)])
    with pytest.raises(TrainingError, match="no playlist has two tracks"):
        run(graph=split.train.with_tracks(singles), validation=None)


def test_playlists_of_one_track_or_none_are_left_out(
    run: Callable[..., TrainResult], split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = [split.train.playlists.tracks[row].tolist()[: row % 4] for row in range(240)]
    batches = []

    def recording(tracks: TrackLists, rows: np.ndarray, *rest: Any) -> Any:
        batches.append(rows)
        return hide(tracks, rows, *rest)

    monkeypatch.setattr(training_steps, "hide", recording)
    graph = split.train.with_tracks(TrackLists.from_lists(lists))
    run(config=replace(CONFIG, epochs=1), graph=graph, validation=None)
    seen = np.concatenate(batches)
    assert sorted(seen) == [row for row in range(240) if row % 4 >= 2]
    assert all((np.diff(rows) > 0).all() for rows in batches)


def test_without_layers(run: Callable[..., TrainResult]) -> None:
    result = run(config=replace(CONFIG, num_layers=0, epochs=1))
    assert np.isfinite(result.track_vectors).all()


def test_weight_decay_is_that_of_adam(run: Callable[..., TrainResult], tmp_path: Path) -> None:
    """So strong that it alone says where Adam's first step goes: towards 0 by the learning rate."""
    made: list[torch.Tensor] = []

    def recorded(*args: Any, **options: Any) -> LightGCN:
        encoder = LightGCN(*args, **options)
        made.append(encoder.track.detach().clone())
        return encoder

    config = replace(CONFIG, epochs=1, batch_size=1000, schedule="constant", weight_decay=1e6)
    run(config=config, encoder=recorded, validation=None)
    moved = tensors(tmp_path / "run")["model.encoder.track"] - made[0]
    torch.testing.assert_close(moved, -0.02 * made[0].sign(), atol=1e-6, rtol=1e-4)


def test_vectors_that_are_no_numbers_end_the_training(run: Callable[..., TrainResult]) -> None:
    with pytest.raises(TrainingError, match="lower learning rate"):
        run(config=replace(CONFIG, learning_rate=1e30))
