"""Training: one visible loop.

What a step draws and the loss that follows are in `segue.training.steps`. Steps draw their
randomness from (seed, epoch, step) and nothing else, so a training that was resumed goes on bit for
bit as if it had not stopped.
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
from torch import nn

from segue.data.playlists import Float32Array
from segue.errors import InputError, TrainingError
from segue.evaluation.scorers import NodeScorer
from segue.evaluation.validation import BEST_BY, validate
from segue.files import write_json_lines
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.models import encoder_named
from segue.models.encoder import Encoder, MessageGraph
from segue.models.readout import CentroidReadout
from segue.scoring.scorer import CentroidScorer
from segue.training.checkpoint import Checkpoint
from segue.training.config import TrainConfig, default_epochs
from segue.training.hard_negatives import HardNegatives, Ranking
from segue.training.options import options_for
from segue.training.steps import FOR_VECTORS, HiddenTracks, Triples

CHECKPOINT, METRICS_FILE = "checkpoint.safetensors", "metrics.jsonl"
CHECKPOINT_SECONDS = 300.0


@dataclass(frozen=True, eq=False)
class TrainedVectors:
    """The vectors of a model, read out with nothing hidden.

    Attributes
    ----------
    track_vectors : float32 [num_tracks, dim]
        Of unit length, but as the encoder gives them where triples were trained on.
    query_weight : float32 [num_tracks]
        For the centroid; without meaning with the readout node.
    structural_vectors : dict of float32 [num_nodes, dim], unit
        By relation name.
    playlist_vectors : float32 [num_playlists, dim] or None
        The encoder's own, with the readout node alone.
    """

    track_vectors: Float32Array
    query_weight: Float32Array
    structural_vectors: dict[str, Float32Array]
    playlist_vectors: Float32Array | None

    @property
    def scorer(self) -> CentroidScorer | NodeScorer:
        """What scores with these vectors."""
        if self.playlist_vectors is not None:
            return NodeScorer(self.playlist_vectors, self.track_vectors)
        return CentroidScorer(self.track_vectors, self.query_weight)


@dataclass(frozen=True, eq=False)
class TrainResult(TrainedVectors):
    """What training leaves: the vectors of the best epoch, and how it went.

    Attributes
    ----------
    history : list of dict
        One entry an epoch.
    best_epoch
        Counted from 1.
    seconds
        Spent, validation included.
    """

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
    stop_after: int | None = None,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
    encoder: Callable[..., Encoder] | None = None,
) -> TrainResult:
    """Train a model on a training graph.

    The parameters of the epoch with the best validation nDCG@20 are kept; without validation,
    those of the last. Validation never cuts the schedule short.

    Parameters
    ----------
    graph
        The training graph: nothing else is seen.
    validation
        What to choose the best epoch on (see `segue.evaluation.validation.validation_rows`).
    config
    folder
        Where ``checkpoint.safetensors`` and ``metrics.jsonl`` go as training runs.
    identity
        Says which split this is; a checkpoint of another one is not resumed.
    stop_after
        Epochs of the schedule to go through, where that is not all: how a model is trained again
        for the epoch that validation chose.
    resume
        Go on from the checkpoint in `folder`.
    device
        ``"cpu"`` or ``"cuda"``.
    progress
        Watches.
    encoder
        Makes the encoder in place of the class that ``config.model`` names, called like it:
        ``encoder(num_nodes, relations, dim=…, num_layers=…, initial_std=…, rng=…)`` and with
        ``config.options``. Options that are no plain values are bound with `functools.partial`;
        ``config.model`` is then its name.

    Raises
    ------
    InputError
        If the model, a relation or an option is not known, if what `encoder` makes is no
        `Encoder`, if validation has no targets, or the node readout no playlist vectors.
    TrainingError
        If no playlist has two tracks, or the loss is no longer a number.
    ArtefactError, MismatchError
        If `resume` finds no checkpoint, or one of another training.
    """
    make_encoder = encoder or encoder_named(config.model)
    options = options_for(make_encoder, config)
    progress = progress or Progress()
    started = time.perf_counter()
    make_steps = Triples if config.triples else HiddenTracks
    if validation is not None and not validation.targets.num_pairs:
        raise InputError("validation holds no targets: give more of them, or no validation")

    message_graph = MessageGraph.from_graph(graph, config.relations, device)
    steps: HiddenTracks | Triples = make_steps(graph.playlists.tracks, message_graph, config)
    epochs = config.epochs or default_epochs(len(steps.eligible), config.batch_size)
    total_steps = epochs * steps.num_steps
    last_epoch = min(stop_after or epochs, epochs)
    network = make_encoder(
        graph.num_nodes,
        config.relations,
        dim=config.dim,
        num_layers=config.num_layers,
        initial_std=config.initial_std,
        rng=np.random.default_rng((config.rng_seed, FOR_VECTORS)),
        **options,
    )
    if not isinstance(network, Encoder):
        raise InputError(
            f"{type(network).__name__} is not an encoder: derive it from "
            "segue.models.encoder.Encoder, whose forward turns a MessageGraph into NodeVectors"
        )
    readout = CentroidReadout(graph.num_nodes["track"])
    model = nn.ModuleDict({"encoder": network, "readout": readout}).to(device)
    optimizer = torch.optim.Adam(
        _parameter_groups(model, network), lr=config.learning_rate, weight_decay=config.weight_decay
    )

    fingerprint = _fingerprint(identity, config, epochs, validation is not None)
    state = Checkpoint(fingerprint)
    checkpoint_path = folder / CHECKPOINT
    if resume:
        state = Checkpoint.load(checkpoint_path, fingerprint, torch.device(device))
        _restore(state, model, optimizer, steps)
        # The stop may have come between the checkpoint and the last line of this file.
        write_json_lines(folder / METRICS_FILE, state.history)
    spent_before = state.seconds
    saved_at = time.perf_counter()

    for epoch in range(state.epoch, last_epoch):
        steps.begin(network, readout, epoch, epochs, resumed=state.step > 0)
        for step in range(state.step, steps.num_steps):
            done = epoch * steps.num_steps + step
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * _learning_rate(config, done, total_steps)

            network.train()
            loss = steps.loss(network, readout, epoch, step)
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
                _capture(state, model, optimizer, steps)
                state.save(checkpoint_path)
                saved_at = time.perf_counter()

        entry: dict[str, Any] = {
            "epoch": epoch + 1,
            "epochs": epochs,
            "step": (epoch + 1) * steps.num_steps,
            "loss": state.loss_sum / steps.num_steps,
            "learning_rate": _learning_rate(config, (epoch + 1) * steps.num_steps - 1, total_steps),
        }
        entry |= network.diagnostics()
        is_last = epoch + 1 == last_epoch
        validated = validation is not None and (is_last or not (epoch + 1) % config.validate_every)
        if validation is not None and validated:
            vectors = _read_out(network, readout, message_graph, config)
            entry |= validate(vectors.scorer, validation, graph)
        best = max((past.get(BEST_BY, -1.0) for past in state.history), default=-1.0)
        if entry[BEST_BY] > best if validated else validation is None:
            state.tensors |= {
                f"best.{name}": tensor.detach().clone()
                for name, tensor in model.state_dict().items()
            }
        state.seconds = spent_before + time.perf_counter() - started
        entry["seconds"] = round(state.seconds, 3)
        state.history.append(entry)
        state.epoch, state.step, state.loss_sum = epoch + 1, 0, 0.0
        _capture(state, model, optimizer, steps)
        state.save(checkpoint_path)
        saved_at = time.perf_counter()
        write_json_lines(folder / METRICS_FILE, state.history)
        progress.epoch(entry)

    model.load_state_dict(_named(state, "best."))
    vectors = _read_out(network, readout, message_graph, config)
    best_entry = max(state.history, key=lambda entry: (entry.get(BEST_BY, 0.0), -entry["epoch"]))
    return TrainResult(
        **vars(vectors),
        history=state.history,
        best_epoch=best_entry["epoch"] if validation is not None else last_epoch,
        seconds=state.seconds,
    )


def _parameter_groups(model: nn.Module, encoder: Encoder) -> list[dict[str, Any]]:
    """What learns at the learning rate, and what learns at a share of it."""
    slow: list[dict[str, Any]] = [
        {"params": list(encoder.get_submodule(name).parameters()), "rate": share}
        for name, share in encoder.learning_rate_shares().items()
    ]
    apart = {id(parameter) for group in slow for parameter in group["params"]}
    others = [parameter for parameter in model.parameters() if id(parameter) not in apart]
    return [{"params": others, "rate": 1.0}, *slow]


def _learning_rate(config: TrainConfig, done: int, total: int) -> float:
    if config.schedule == "constant":
        return config.learning_rate
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done / total))


@torch.no_grad()
def _read_out(
    encoder: Encoder, readout: CentroidReadout, message_graph: MessageGraph, config: TrainConfig
) -> TrainedVectors:
    """The vectors of a model with nothing hidden."""
    encoder.eval()
    nodes = encoder(message_graph)
    # The vectors are those that training scored by.
    as_scored = nn.Identity() if config.triples else nn.functional.normalize
    vectors = TrainedVectors(
        as_scored(nodes.track).cpu().numpy(),
        readout.query_weight(nodes.track, message_graph.track_degree).cpu().numpy(),
        {
            name: nn.functional.normalize(getattr(nodes, name)).cpu().numpy()
            for name in message_graph.structural
        },
        as_scored(nodes.playlist).cpu().numpy() if config.readout == "node" else None,
    )
    if not (np.isfinite(vectors.track_vectors).all() and np.isfinite(vectors.query_weight).all()):
        raise TrainingError("the vectors are no longer numbers: try a lower learning rate")
    return vectors


def _fingerprint(identity: str, config: TrainConfig, epochs: int, validated: bool) -> str:
    facts = json.dumps([identity, config.to_json(), epochs, validated], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def _named(state: Checkpoint, prefix: str) -> dict[str, torch.Tensor]:
    return {n.removeprefix(prefix): t for n, t in state.tensors.items() if n.startswith(prefix)}


def _capture(
    state: Checkpoint,
    model: nn.ModuleDict,
    optimizer: torch.optim.Adam,
    steps: HiddenTracks | Triples,
) -> None:
    for name, parameter in model.named_parameters():
        state.tensors[f"model.{name}"] = parameter
        # A parameter that no gradient reached (artists without a layer) has no state.
        for part in ("exp_avg", "exp_avg_sq"):
            if part in optimizer.state[parameter]:
                state.tensors[f"optimizer.{part}.{name}"] = optimizer.state[parameter][part]
    if isinstance(steps.negatives, HardNegatives) and steps.negatives.ranking is not None:
        for name, tensor in vars(steps.negatives.ranking).items():
            state.tensors[f"ranking.{name}"] = tensor


def _restore(
    state: Checkpoint,
    model: nn.ModuleDict,
    optimizer: torch.optim.Adam,
    steps: HiddenTracks | Triples,
) -> None:
    model.load_state_dict(_named(state, "model."))
    steps_done = state.epoch * steps.num_steps + state.step
    for name, parameter in model.named_parameters():
        if f"optimizer.exp_avg.{name}" in state.tensors:
            optimizer.state[parameter] = {
                # Adam keeps its count on the CPU as a float tensor.
                "step": torch.tensor(float(steps_done)),
                "exp_avg": state.tensors[f"optimizer.exp_avg.{name}"].clone(),
                "exp_avg_sq": state.tensors[f"optimizer.exp_avg_sq.{name}"].clone(),
            }
    ranking = _named(state, "ranking.")
    if isinstance(steps.negatives, HardNegatives) and ranking:
        steps.negatives.ranking = Ranking(**ranking)
