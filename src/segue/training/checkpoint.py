"""Checkpoints: all that training needs to go on as if it had never stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from segue.errors import ArtefactError, MismatchError
from segue.files import atomic_file


@dataclass
class Checkpoint:
    """Where a training stands.

    Every random draw of a step comes from a generator made of (seed, epoch, step), so there is no
    generator state to keep.

    Attributes
    ----------
    fingerprint
        Of the configuration and the split: what must be equal for the training to go on.
    epoch, step
        Epochs finished, and steps finished in the epoch after them.
    loss_sum
        Of those steps.
    seconds
        Spent so far, validation included.
    history
        One entry an epoch, as in ``metrics.jsonl``.
    tensors
        By name: ``model.*``, ``optimizer.*``, ``best.*``, and with hard negatives ``ranking.*``.
    """

    fingerprint: str
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write as one safetensors file, atomically."""
        facts = {name: value for name, value in vars(self).items() if name != "tensors"}
        tensors = {name: tensor.detach().contiguous() for name, tensor in self.tensors.items()}
        try:
            with atomic_file(path) as temporary:
                save_file(tensors, temporary, metadata={"checkpoint": json.dumps(facts)})
        except SafetensorError as error:  # a full disk, among others
            raise ArtefactError(f"{path}: cannot be written ({error})") from error

    @classmethod
    def load(cls, path: Path, fingerprint: str, device: torch.device) -> Checkpoint:
        """Read a checkpoint of the training that `fingerprint` stands for.

        Raises
        ------
        ArtefactError
            If the file is missing or damaged.
        MismatchError
            If it is of another configuration, graph or split.
        """
        if not path.is_file():
            raise ArtefactError(f"{path}: there is no checkpoint to resume from")
        try:
            with safe_open(path, framework="pt", device=str(device)) as file:
                facts = json.loads(file.metadata()["checkpoint"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            checkpoint = cls(**facts, tensors=tensors)
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise ArtefactError(f"{path}: is not a checkpoint of Segue ({error})") from error
        if checkpoint.fingerprint != fingerprint:
            raise MismatchError(
                f"{path}: is of a training with another graph, split or options, so it cannot "
                "be resumed with these"
            )
        return checkpoint
