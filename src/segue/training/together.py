"""Training by several processes, on one machine or many: the loop of `train` under Ray Train."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from segue.engine import together
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.models.encoder import Encoder
from segue.training.checkpoint import CHECKPOINT
from segue.training.config import TrainConfig
from segue.training.ranks import Ranks
from segue.training.train import TrainResult, train
from segue.training.vectors import TrainedVectors


def train_together(
    graph: PlaylistGraph,
    validation: HeldOut | None,
    config: TrainConfig,
    *,
    workers: int | None = None,
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
) -> TrainResult:
    """`train` in several processes, which share the playlists of each step.

    If one of them is killed, all go on from the last checkpoint.

    Parameters
    ----------
    graph, validation, config, identity, parameters, stop_after, resume, device, encoder
        As for `train`; with ``"cuda"`` each process has a GPU.
    workers
        Processes; None: one for each GPU, or without GPUs for each machine.
    folder
        As for `train`; all machines have to see it. None: checkpoints go into a temporary folder,
        which is enough on one machine.
    judge
        As for `train`, but called in another process, so pickle has to know it.
    on_step, on_epoch
        As for `train`, called in this process. After a death, steps since the checkpoint come
        again.

    Raises
    ------
    ResourceError
        If Ray is not installed, cannot be reached or gives up, or has fewer GPUs or cores.
    InputError, TrainingError, ArtefactError, MismatchError
        As for `train`.
    """

    def receive(message: tuple[str, Any]) -> None:
        kind, content = message
        if kind == "step" and on_step is not None:
            on_step(*content)
        elif kind == "epoch" and on_epoch is not None:
            on_epoch(content)

    kept = TemporaryDirectory(prefix="segue-") if folder is None else nullcontext(str(folder))
    with kept as place:
        return together(
            partial(
                _train_one,
                graph,
                validation,
                config,
                Path(place).resolve(),
                resume,
                {
                    "identity": identity,
                    "parameters": parameters,
                    "stop_after": stop_after,
                    "device": device,
                    "judge": judge,
                    "encoder": encoder,
                },
            ),
            receive=receive,
            workers=workers,
            threads=torch.get_num_threads(),
            gpus=device.startswith("cuda"),
        )


def _train_one(
    graph: PlaylistGraph,
    validation: HeldOut | None,
    config: TrainConfig,
    folder: Path,
    resume: bool,
    options: dict[str, Any],
    rank: int,
    count: int,
    send: Callable[[Any], None],
) -> TrainResult:
    """What each process does."""
    result = train(
        graph,
        validation,
        config,
        folder=folder,
        # After a death, from what the others had kept.
        resume=resume or (folder / CHECKPOINT).exists(),
        on_step=(lambda *step: send(("step", step))) if rank == 0 else None,
        on_epoch=(lambda entry: send(("epoch", entry))) if rank == 0 else None,
        ranks=Ranks(rank, count),
        **options,
    )
    parameters = {name: tensor.cpu() for name, tensor in result.parameters.items()}
    return replace(result, parameters=parameters)
