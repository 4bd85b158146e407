"""Training: one visible loop.

In each step the playlists of a batch have a share of their tracks hidden from message passing,
and exactly those are the targets. Steps draw their randomness from (seed, epoch, step) and
nothing else, so a training that was resumed goes on bit for bit as if it had not stopped.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from segue.data.playlists import Int64Array, TrackLists
from segue.errors import InputError, TrainingError
from segue.files import write_json_lines
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.models import encoder_named
from segue.models.encoder import MessageGraph
from segue.models.readout import CentroidReadout
from segue.models.sparse import SparseMatrix
from segue.recommend.scorer import CentroidScorer
from segue.training.checkpoint import Checkpoint
from segue.training.config import TrainConfig, default_epochs
from segue.training.losses import catalogue_softmax
from segue.training.validation import validate

VALIDATION_PLAYLISTS = 4000
CHECKPOINT, METRICS_FILE = "checkpoint.safetensors", "metrics.jsonl"
CHECKPOINT_SECONDS = 300.0
BEST_BY = "ndcg@20"
# What a generator is for goes into its seed: NumPy pads seeds with zeros, so that (s,), (s, 0)
# and (s, 0, 0) would all be one stream.
_FOR_VECTORS, _FOR_ORDER, _FOR_HIDING = 1, 2, 3


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What training leaves.

    Attributes
    ----------
    track_vectors : float32 [num_tracks, dim], unit
    query_weight : float32 [num_tracks]
    structural_vectors : dict of float32 [num_nodes, dim], unit
        By relation name.
    history : list of dict
        One entry an epoch.
    best_epoch
        Counted from 1.
    seconds
        Spent, validation included.
    """

    track_vectors: NDArray[np.float32]
    query_weight: NDArray[np.float32]
    structural_vectors: dict[str, NDArray[np.float32]]
    history: list[dict[str, Any]]
    best_epoch: int
    seconds: float


@dataclass
class Progress:
    """What a caller may watch: each step and each epoch. Both do nothing unless given."""

    step: Callable[[int, int, float], None] = field(default=lambda done, total, loss: None)
    epoch: Callable[[dict[str, Any]], None] = field(default=lambda entry: None)


def train(
    graph: PlaylistGraph,
    validation: HeldOut | None,
    config: TrainConfig,
    *,
    folder: Path,
    identity: str,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
    encoder: Callable[..., nn.Module] | None = None,
) -> TrainResult:
    """Train a model on a training graph.

    The parameters of the epoch with the best validation nDCG@20 are kept; without validation,
    those of the last. The schedule is never cut short.

    Parameters
    ----------
    graph
        The training graph: nothing else is seen.
    validation
        What to choose the best epoch on; at most 4,000 of its rows, spread evenly, are used.
    config
    folder
        Where ``checkpoint.safetensors`` and ``metrics.jsonl`` go as training runs.
    identity
        Says which split this is; a checkpoint of another one is not resumed.
    resume
        Go on from the checkpoint in `folder`.
    device
        ``"cpu"`` or ``"cuda"``.
    progress
        Watches.
    encoder
        Makes the encoder in place of the class that ``config.model`` names, called like it:
        ``encoder(num_nodes, relations, dim=…, num_layers=…, initial_std=…, rng=…)``. Options of
        its own are bound with `functools.partial`; ``config.model`` is then its name.

    Raises
    ------
    InputError
        If the model or a relation is not known, or validation has no targets.
    TrainingError
        If no playlist has two tracks, or the loss is no longer a number.
    ArtefactError, MismatchError
        If `resume` finds no checkpoint, or one of another training.
    """
    make_encoder = encoder or encoder_named(config.model)
    progress = progress or Progress()
    started = time.perf_counter()
    tracks = graph.playlists.tracks
    # A playlist with one track has nothing to hide; it only carries messages.
    eligible = np.flatnonzero(tracks.lengths >= 2)
    if not len(eligible):
        raise TrainingError("no playlist has two tracks or more, so there is nothing to predict")
    epochs = config.epochs or default_epochs(len(eligible), config.batch_size)
    steps_per_epoch = math.ceil(len(eligible) / config.batch_size)
    total_steps = epochs * steps_per_epoch
    if validation is not None:
        answered = np.flatnonzero(validation.targets.lengths > 0)
        if not len(answered):
            raise InputError("validation holds no targets: give more of them, or no validation")
        stride = max(1, math.ceil(len(answered) / VALIDATION_PLAYLISTS))
        validation = validation.rows(answered[::stride])

    message_graph = MessageGraph.from_graph(graph, config.relations, device)
    network = make_encoder(
        graph.num_nodes,
        config.relations,
        dim=config.dim,
        num_layers=config.num_layers,
        initial_std=config.initial_std,
        rng=np.random.default_rng((config.rng_seed, _FOR_VECTORS)),
    )
    readout = CentroidReadout(graph.num_nodes["track"])
    model = nn.ModuleDict({"encoder": network, "readout": readout}).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)

    fingerprint = _fingerprint(identity, config, epochs, validation is not None)
    state = Checkpoint(fingerprint)
    checkpoint_path = folder / CHECKPOINT
    if resume:
        state = Checkpoint.load(checkpoint_path, fingerprint, torch.device(device))
        _restore(state, model, optimizer, state.epoch * steps_per_epoch + state.step)
        # The stop may have come between the checkpoint and the last line of this file.
        write_json_lines(folder / METRICS_FILE, state.history)
    spent_before = state.seconds
    saved_at = time.perf_counter()

    for epoch in range(state.epoch, epochs):
        rng = np.random.default_rng((config.rng_seed, _FOR_ORDER, epoch))
        order = rng.permutation(eligible)
        for step in range(state.step, steps_per_epoch):
            done = epoch * steps_per_epoch + step
            rows = np.sort(order[step * config.batch_size : (step + 1) * config.batch_size])
            rng = np.random.default_rng((config.rng_seed, _FOR_HIDING, epoch, step))
            hidden_pairs, visible, hidden = hide(tracks, rows, config, rng)
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * _cosine(done, total_steps)

            network.train()
            # For encoders that draw, as dropout does: a step's own seed, like all randomness here.
            torch.manual_seed(int(rng.integers(2**63)))
            nodes = network(message_graph.hide(torch.from_numpy(hidden_pairs).to(device)))
            query = readout(
                _ones(visible, len(nodes.track), device), nodes.track, message_graph.track_degree
            )
            loss = catalogue_softmax(
                query,
                nn.functional.normalize(nodes.track),
                visible,
                hidden,
                temperature=config.temperature,
                playlist_weight=torch.from_numpy(hidden.lengths).to(query).sqrt(),
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

            value = float(loss.detach())
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss is {value} at step {done + 1}: try a lower learning rate"
                )
            state.step, state.loss_sum = step + 1, state.loss_sum + value
            progress.step(done + 1, total_steps, value)
            if time.perf_counter() - saved_at > CHECKPOINT_SECONDS:
                state.seconds = spent_before + time.perf_counter() - started
                _capture(state, model, optimizer)
                state.save(checkpoint_path)
                saved_at = time.perf_counter()

        entry: dict[str, Any] = {
            "epoch": epoch + 1,
            "epochs": epochs,
            "step": (epoch + 1) * steps_per_epoch,
            "loss": state.loss_sum / steps_per_epoch,
            "learning_rate": config.learning_rate
            * _cosine((epoch + 1) * steps_per_epoch - 1, total_steps),
        }
        if validation is not None:
            track_vectors, query_weight, _ = _vectors(network, readout, message_graph)
            entry |= validate(
                CentroidScorer(track_vectors, query_weight), validation, len(track_vectors)
            )
        best = max((past.get(BEST_BY, -1.0) for past in state.history), default=-1.0)
        if validation is None or entry[BEST_BY] > best:
            state.tensors |= {
                f"best.{name}": tensor.detach().clone()
                for name, tensor in model.state_dict().items()
            }
        state.seconds = spent_before + time.perf_counter() - started
        entry["seconds"] = round(state.seconds, 3)
        state.history.append(entry)
        state.epoch, state.step, state.loss_sum = epoch + 1, 0, 0.0
        _capture(state, model, optimizer)
        state.save(checkpoint_path)
        saved_at = time.perf_counter()
        write_json_lines(folder / METRICS_FILE, state.history)
        progress.epoch(entry)

    model.load_state_dict(_named(state, "best."))
    track_vectors, query_weight, structural = _vectors(network, readout, message_graph)
    best_entry = max(state.history, key=lambda entry: (entry.get(BEST_BY, 0.0), -entry["epoch"]))
    return TrainResult(
        track_vectors,
        query_weight,
        structural,
        state.history,
        best_entry["epoch"] if validation is not None else epochs,
        state.seconds,
    )


def hide(
    tracks: TrackLists, rows: Int64Array, config: TrainConfig, rng: np.random.Generator
) -> tuple[Int64Array, TrackLists, TrackLists]:
    """Choose what a step hides of a batch: at least one track of each playlist, never all.

    Parameters
    ----------
    tracks
        Of the training graph.
    rows : int64 [batch_size]
        Ascending; each of two tracks or more.
    config
    rng

    Returns
    -------
    hidden_pairs : int64 [num_hidden]
        Positions among the training graph's pairs.
    visible, hidden : TrackLists
        What each playlist shows and what it should predict.
    """
    lengths = tracks.lengths[rows]
    share = rng.uniform(*config.hidden_share, size=len(rows))
    num_visible = lengths - np.round(share * lengths).astype(np.int64)
    few = np.floor(np.exp(rng.random(len(rows)) * np.log(lengths))).astype(np.int64)
    num_visible = np.where(rng.random(len(rows)) < config.few_share, few, num_visible)
    num_visible = np.clip(num_visible, 1, lengths - 1)

    pairs, batch = tracks.pair_index(rows), tracks.rows(rows)
    is_visible = batch.shuffled_place(rng) < np.repeat(num_visible, lengths)
    return pairs[~is_visible], batch.keep(is_visible), batch.keep(~is_visible)


def _cosine(done: int, total: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * done / total))


def _ones(lists: TrackLists, num_tracks: int, device: str) -> SparseMatrix:
    value = np.ones(lists.num_pairs, dtype=np.float32)
    return SparseMatrix.from_csr(lists.offsets, lists.track_index, value, num_tracks, device)


@torch.no_grad()
def _vectors(
    encoder: nn.Module, readout: CentroidReadout, message_graph: MessageGraph
) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """Unit track vectors, query weights and unit structural vectors, with nothing hidden."""
    encoder.eval()
    nodes = encoder(message_graph)
    weight = readout.query_weight(nodes.track, message_graph.track_degree)
    structural = {
        name: nn.functional.normalize(getattr(nodes, name)).cpu().numpy()
        for name in message_graph.structural
    }
    vectors = (nn.functional.normalize(nodes.track).cpu().numpy(), weight.cpu().numpy(), structural)
    if not (np.isfinite(vectors[0]).all() and np.isfinite(vectors[1]).all()):
        raise TrainingError("the vectors are no longer numbers: try a lower learning rate")
    return vectors


def _fingerprint(identity: str, config: TrainConfig, epochs: int, validated: bool) -> str:
    facts = json.dumps([identity, config.to_json(), epochs, validated], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def _named(state: Checkpoint, prefix: str) -> dict[str, torch.Tensor]:
    return {n.removeprefix(prefix): t for n, t in state.tensors.items() if n.startswith(prefix)}


def _capture(state: Checkpoint, model: nn.ModuleDict, optimizer: torch.optim.Adam) -> None:
    for name, parameter in model.named_parameters():
        state.tensors[f"model.{name}"] = parameter
        # A parameter that no gradient reached (artists without a layer) has no state.
        for part in ("exp_avg", "exp_avg_sq"):
            if part in optimizer.state[parameter]:
                state.tensors[f"optimizer.{part}.{name}"] = optimizer.state[parameter][part]


def _restore(
    state: Checkpoint, model: nn.ModuleDict, optimizer: torch.optim.Adam, steps: int
) -> None:
    model.load_state_dict(_named(state, "model."))
    for name, parameter in model.named_parameters():
        if f"optimizer.exp_avg.{name}" in state.tensors:
            optimizer.state[parameter] = {
                # Adam keeps its count on the CPU as a float tensor.
                "step": torch.tensor(float(steps)),
                "exp_avg": state.tensors[f"optimizer.exp_avg.{name}"].clone(),
                "exp_avg_sq": state.tensors[f"optimizer.exp_avg_sq.{name}"].clone(),
            }
