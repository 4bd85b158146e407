"""Training: one visible loop.

What a step draws, and its loss, are in `segue.training.steps`. The randomness of a step depends
only on (seed, purpose, epoch, step), so a resumed training gives bit for bit the same result as an
uninterrupted one.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segue.data.playlists import Float32Array
from segue.errors import InputError, TrainingError
from segue.evaluation.validation import BEST_BY, validate
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.models import encoder_named
from segue.models.encoder import Encoder, MessageGraph
from segue.models.readout import CentroidReadout
from segue.training.checkpoint import Checkpoint
from segue.training.config import TrainConfig, default_epochs
from segue.training.draws import FOR_VECTORS, generator
from segue.training.pace import Pace
from segue.training.ranks import ALONE, Ranks
from segue.training.start import spectral_start
from segue.training.steps import steps_of
from segue.training.vectors import TrainedVectors, read_out


@dataclass(frozen=True, eq=False)
class TrainResult(TrainedVectors):
    """The result of training: the vectors of the best epoch, and the history.

    Attributes
    ----------
    parameters : dict of Tensor
        Those that the vectors were read out of.
    history : list of dict
        One entry per epoch, and before them one for epoch 0 if that could be chosen.
    best_epoch
        Counted from 1; 0 if the start was best.
    seconds
        Time taken, including validation.
    num_learned
        Number of learned parameters: those that received a gradient.
    """

    parameters: dict[str, Tensor]
    history: list[dict[str, Any]]
    best_epoch: int
    seconds: float
    num_learned: int


def train(
    graph: PlaylistGraph,
    validation: HeldOut | None,
    config: TrainConfig,
    *,
    folder: Path | None = None,
    identity: str = "",
    parameters: Mapping[str, Tensor] | None = None,
    stop_after: int | None = None,
    resume: bool = False,
    device: str = "cpu",
    judge: Callable[[TrainedVectors, HeldOut], Mapping[str, float]] | None = None,
    on_step: Callable[[int, int, float], None] | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    encoder: Callable[..., Encoder] | None = None,
    ranks: Ranks = ALONE,
) -> TrainResult:
    """Train a model on a training graph.

    The parameters of the epoch with the best validation nDCG@20 are kept, or without validation
    those of the last. Validation never stops training early. A start from the spectrum counts as
    epoch 0.

    Parameters
    ----------
    graph
        The training graph: training sees nothing else.
    validation
        The data for choosing the best epoch (see `segue.evaluation.validation.validation_rows`).
    config
    folder
        Where ``checkpoint.safetensors`` and ``metrics.jsonl`` are written during training; without
        it nothing is written and training cannot be resumed.
    identity
        Identifies the split and whatever `judge` uses besides the vectors; a checkpoint with
        another identity is not resumed.
    parameters
        Continue from these, of an earlier result with as many nodes, instead of from the start.
    stop_after
        Stop after this many epochs of the schedule.
    resume
        Resume from the checkpoint in `folder`.
    device
        ``"cpu"`` or ``"cuda"``.
    judge
        Computes the figures of an epoch from its vectors and `validation`; its ``ndcg@20`` decides.
        By default the vectors alone are judged.
    on_step
        Called after each step with the number of steps done, the total, and the loss.
    on_epoch
        Called after each epoch with its entry in the history.
    encoder
        Constructs the encoder instead of the class named by ``config.model``, with the same
        arguments: ``encoder(num_nodes, relations, dim=…, num_layers=…, initial_std=…, rng=…)`` and
        with ``config.options``. Options that are not plain values are bound with
        `functools.partial`; ``config.model`` is then its name.
    ranks
        Processes that share each step: all call this with the same arguments and their own rank.
        Rank 0 alone validates, writes to `folder` and returns the best epoch; the others return
        that of the last.

    Raises
    ------
    InputError
        If the model, a relation or an option is unknown, if `encoder` does not construct an
        `Encoder`, if validation has no targets, if the node readout lacks playlist vectors, or if
        `resume` is given without a folder.
    TrainingError
        If no playlist has two tracks, or the loss becomes NaN or infinite.
    ArtefactError, MismatchError
        If `resume` finds no checkpoint, or that of another training.
    """
    if config.num_trainings > 1:
        raise ValueError("this is one training; `segue.pipeline.train` has several side by side")
    if validation is not None and not validation.targets.num_pairs:
        raise InputError("validation holds no targets: give more of them, or no validation")
    for kind in config.relations:
        graph.relation(kind)  # refuses what the graph does not have
    network = made_encoder(graph.num_nodes, config, encoder)
    if config.start == "spectrum" and not resume and parameters is None:
        # Before the message graph is there: both take gigabytes where there are millions of pairs.
        _start_from(
            network, spectral_start(graph, config.relations, config.dim, config.initial_std)
        )
    message_graph = MessageGraph.from_graph(graph, config.relations, device)
    num_words = graph.num_nodes["word"] if "word" in config.relations else 0
    readout = CentroidReadout(graph.num_nodes["track"], num_words)
    model = nn.ModuleDict({"encoder": network, "readout": readout}).to(device)
    optimizer = torch.optim.Adam(
        _parameter_groups(model, network),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=True,  # one pass over the parameters in place of ten
    )
    steps = steps_of(config, graph, message_graph, ranks)
    epochs = config.epochs or default_epochs(len(steps.eligible), config.batch_size, config.start)
    last_epoch = epochs if stop_after is None else min(stop_after, epochs)
    total_steps = epochs * steps.num_steps

    fingerprint = _fingerprint(identity, config, epochs, validation is not None)
    state = Checkpoint(fingerprint, model, optimizer, steps.sampler)
    if resume:
        if folder is None:
            raise InputError("without a folder there is no training to resume")
        state.restore(folder)
    elif parameters is not None:
        model.load_state_dict(dict(parameters))
    ranks.begin(model, (state.epoch, state.step))
    if ranks.rank > 0:
        folder = validation = None
    clock, pace = _Clock(state.seconds), Pace()

    def figures(epoch: int) -> Mapping[str, float]:
        """Of the current parameters, on validation."""
        if validation is None:
            raise ValueError("there is no validation")
        vectors = read_out(network, readout, message_graph, config, epoch)
        if judge is None:
            return validate(vectors.scorer, validation, graph)
        return judge(vectors, validation)

    if config.start == "spectrum" and not state.best:
        state.keep_best(0)
        if validation is not None:
            state.history.append(
                {"epoch": 0, "epochs": epochs, "step": 0, **network.diagnostics(), **figures(0)}
            )
            state.history[0]["seconds"] = round(clock.seconds(), 3)
            if on_epoch is not None:
                on_epoch(state.history[0])

    for epoch in range(state.epoch, last_epoch):
        steps.begin(network, readout, epoch, epochs, resumed=state.step > 0)
        for step in range(state.step, steps.num_steps):
            done = epoch * steps.num_steps + step
            for group in optimizer.param_groups:
                group["lr"] = group["share"] * _learning_rate(config, done, total_steps)
            network.train()
            loss = steps.loss(network, readout, epoch, step)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            value = ranks.add_up(loss, model)
            optimizer.step()

            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss is {value} at step {done + 1}: try a lower learning rate"
                )
            state.step, state.loss_sum = step + 1, state.loss_sum + value
            if on_step is not None:
                on_step(done + 1, total_steps, value)
            if folder is not None and pace.due():
                state.seconds = clock.seconds()
                with pace.saving():
                    state.save(folder)

        entry: dict[str, Any] = {
            "epoch": epoch + 1,
            "epochs": epochs,
            "step": (epoch + 1) * steps.num_steps,
            "loss": state.loss_sum / steps.num_steps,
            "learning_rate": _learning_rate(config, (epoch + 1) * steps.num_steps - 1, total_steps),
            **network.diagnostics(),
        }
        if validation is None:
            state.keep_best(epoch + 1)
        elif epoch + 1 == last_epoch or not (epoch + 1) % config.validate_every:
            entry |= figures(epoch)
            if entry[BEST_BY] > max((e.get(BEST_BY, -1.0) for e in state.history), default=-1.0):
                state.keep_best(epoch + 1)
        state.seconds = clock.seconds()
        entry["seconds"] = round(state.seconds, 3)
        state.history.append(entry)
        state.epoch, state.step, state.loss_sum = epoch + 1, 0, 0.0
        if folder is not None:
            if epoch + 1 == last_epoch or pace.due(finished=True):
                with pace.saving():
                    state.save(folder)
            else:
                state.save_history(folder)
        if on_epoch is not None:
            on_epoch(entry)

    state.load_best()
    vectors = read_out(network, readout, message_graph, config, max(state.best_epoch - 1, 0))
    learned = [parameter for parameter in model.parameters() if optimizer.state[parameter]]
    return TrainResult(
        **vars(vectors),
        parameters=state.best,
        history=state.history,
        best_epoch=state.best_epoch,
        seconds=state.seconds,
        num_learned=sum(parameter.numel() for parameter in learned),
    )


class _Clock:
    """Seconds of a training, including those before it was resumed."""

    def __init__(self, before: float) -> None:
        self._started, self._before = time.perf_counter(), before

    def seconds(self) -> float:
        return self._before + time.perf_counter() - self._started


def made_encoder(
    num_nodes: Mapping[str, int], config: TrainConfig, make: Callable[..., Encoder] | None
) -> Encoder:
    """The encoder of a training (InputError if what is made is not one)."""
    make = make or encoder_named(config.model)
    if isinstance(make, nn.Module) or (isinstance(make, type) and not issubclass(make, Encoder)):
        raise _not_an_encoder(make)
    encoder = make(
        num_nodes,
        config.relations,
        dim=config.dim,
        num_layers=config.num_layers,
        initial_std=config.initial_std,
        rng=generator(config.rng_seed, FOR_VECTORS),
        **config.options_for(make),
    )
    if not isinstance(encoder, Encoder):
        raise _not_an_encoder(encoder)
    return encoder


@torch.no_grad()
def _start_from(network: Encoder, vectors: Mapping[str, Float32Array]) -> None:
    """Put vectors in the place of an encoder's initial ones; others it keeps."""
    initial = network.initial_vectors()
    if "track" not in initial:
        raise InputError(
            'the start "spectrum" is for encoders with initial vectors of tracks (initial_vectors)'
        )
    for kind, parameter in initial.items():
        if kind in vectors:
            parameter.copy_(torch.from_numpy(vectors[kind]))


def _not_an_encoder(found: Any) -> InputError:
    name = found.__name__ if isinstance(found, type) else f"a {type(found).__name__}"
    return InputError(
        f"{name} is not an encoder: give a class derived from segue.Encoder, whose forward turns "
        "a MessageGraph into NodeVectors"
    )


def _parameter_groups(model: nn.Module, encoder: Encoder) -> list[dict[str, Any]]:
    """Parameters that learn at the full learning rate, and at a share of it."""
    slow: list[dict[str, Any]] = [
        {"params": list(encoder.get_submodule(name).parameters()), "share": share}
        for name, share in encoder.learning_rate_shares().items()
    ]
    apart = {id(parameter) for group in slow for parameter in group["params"]}
    others = [parameter for parameter in model.parameters() if id(parameter) not in apart]
    return [{"params": others, "share": 1.0}, *slow]


def _learning_rate(config: TrainConfig, done: int, total: int) -> float:
    if config.schedule == "constant":
        return config.learning_rate
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done / total))


def _fingerprint(identity: str, config: TrainConfig, epochs: int, validated: bool) -> str:
    facts = json.dumps([identity, config.to_json(), epochs, validated], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()
