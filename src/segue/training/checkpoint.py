"""Checkpoints: everything that training needs to resume as if it had never stopped."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segue.arrays import load_checked, save_checked
from segue.errors import ArtefactError, MismatchError
from segue.files import write_json_lines
from segue.training.hard_negatives import HardSampler, Ranking
from segue.training.negatives import Sampler

CHECKPOINT, METRICS_FILE = "checkpoint.safetensors", "metrics.jsonl"
# The state besides tensors.
_FACTS = ("fingerprint", "epoch", "step", "loss_sum", "seconds", "best_epoch", "history")


@dataclass(eq=False)
class Checkpoint:
    """The state of a training run: it captures the state of its parts, and restores it.

    Every random draw of a step comes from a generator made of (seed, purpose, epoch, step), so
    no generator state has to be kept.

    Attributes
    ----------
    fingerprint
        Of the configuration and the split: what must be equal to resume.
    model, optimizer, sampler
        The objects being trained. For hard negatives the sampler's ranking is stored.
    epoch, step
        Finished epochs, and finished steps of the next epoch.
    loss_sum
        Sum of the losses of those steps.
    seconds
        Time so far, including validation.
    best_epoch
        The epoch whose parameters are in `best`, counted from 1; 0 before there is one.
    history
        One entry per epoch, as in ``metrics.jsonl``.
    best : dict of Tensor
        The parameters of the best epoch.
    """

    fingerprint: str
    model: nn.Module
    optimizer: torch.optim.Adam
    sampler: Sampler | None = None
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    best_epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    def keep_best(self, epoch: int) -> None:
        """Store the current parameters as those of the best epoch."""
        state = self.model.state_dict()
        self.best_epoch = epoch
        self.best = {name: tensor.detach().clone() for name, tensor in state.items()}

    def load_best(self) -> None:
        """Load the parameters of the best epoch into the model."""
        self.model.load_state_dict(self.best)

    def save(self, folder: Path) -> None:
        """Write ``checkpoint.safetensors``, atomically, and the history to ``metrics.jsonl``."""
        facts = {name: getattr(self, name) for name in _FACTS}
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self._tensors().items()}
        save_checked(folder / CHECKPOINT, arrays, facts)
        self.save_history(folder)

    def save_history(self, folder: Path) -> None:
        """Write ``metrics.jsonl`` alone."""
        write_json_lines(folder / METRICS_FILE, self.history)

    def restore(self, folder: Path) -> None:
        """Restore the training identified by `fingerprint` to where it was saved.

        Raises
        ------
        ArtefactError
            If the file is missing or damaged.
        MismatchError
            If it is of another configuration, graph or split, or of a model with other parameters.
        """
        path = folder / CHECKPOINT
        if not path.is_file():
            raise ArtefactError(f"{path}: there is no checkpoint to resume from")
        arrays, facts = load_checked(path)
        if not isinstance(facts, dict) or facts.keys() != set(_FACTS):
            raise ArtefactError(f"{path}: is not a checkpoint of Segue, or one of another version")
        if facts["fingerprint"] != self.fingerprint:
            raise MismatchError(
                f"{path}: belongs to a training with another graph, split or options, so it cannot "
                "be resumed with these"
            )
        device = next(self.model.parameters()).device
        try:
            self._put_back(
                {name: torch.tensor(array, device=device) for name, array in arrays.items()}
            )
        except RuntimeError as error:
            raise MismatchError(
                f"{path}: is of a model with other parameters, so it cannot be resumed with this "
                "one; if its code has changed, train into another folder"
            ) from error
        for name, value in facts.items():
            setattr(self, name, value)
        # Training may have stopped after the checkpoint but before the last line of this file.
        write_json_lines(folder / METRICS_FILE, self.history)

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {f"best.{name}": tensor for name, tensor in self.best.items()}
        for name, parameter in self.model.named_parameters():
            tensors[f"model.{name}"] = parameter
            # A parameter without a gradient (artists with no layers) has no state.
            for part, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{part}.{name}"] = value
        if isinstance(self.sampler, HardSampler) and self.sampler.ranking is not None:
            for name, tensor in vars(self.sampler.ranking).items():
                tensors[f"ranking.{name}"] = tensor
        return tensors

    def _put_back(self, tensors: dict[str, Tensor]) -> None:
        def named(prefix: str) -> dict[str, Tensor]:
            return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}

        self.best = named("best.")
        self.model.load_state_dict(named("model."))
        parts = {part: named(f"optimizer.{part}.") for part in ("step", "exp_avg", "exp_avg_sq")}
        for name, parameter in self.model.named_parameters():
            if name in parts["exp_avg"]:
                self.optimizer.state[parameter] = {
                    part: found[name] for part, found in parts.items()
                }
        ranking = named("ranking.")
        if isinstance(self.sampler, HardSampler) and ranking:
            self.sampler.ranking = Ranking(**ranking)
