"""What a training will take, before it is begun: `segue train --dry-run`."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakKeyDictionary

from segue.console import count, duration, number
from segue.errors import ResourceError
from segue.evaluation.evaluate import LIST_LENGTH, SAMPLE, sample_rows
from segue.evaluation.timing import time_of_ranking
from segue.graph.split import Split
from segue.memory import available_memory, gib
from segue.models.encoder import Encoder
from segue.pipeline.run import MOST_STEPS_AGAIN
from segue.scoring.best import BATCH_BYTES
from segue.scoring.features import FEATURES
from segue.scoring.second_stage import POOL_SIZE
from segue.training.config import SystemConfig, TrainConfig
from segue.training.footprint import Footprint, footprint
from segue.training.timing import StepTimes, time_steps

# No vectors shorter than these are proposed where longer ones do not fit.
_SHORTEST_DIM = 16
# Footprints by split, as the length of the vectors, a plan and a training ask for the same ones.
_Reckoned = list[tuple[TrainConfig, Callable[..., Encoder] | None, Footprint]]
_RECKONED: WeakKeyDictionary[Split, _Reckoned] = WeakKeyDictionary()


@dataclass(frozen=True)
class TrainingPlan:
    """Steps, time, memory and disk of a training.

    Attributes
    ----------
    config
    footprint
        Memory of training the vectors.
    memory : dict of int
        Bytes by stage; the largest is the peak, besides the graph itself.
    disk : dict of int
        Bytes of the checkpoint, which goes once the bundle is there, and of the bundle.
    times : StepTimes or None
        None: nothing was timed.
    seconds : dict of float
        By stage; those that were not timed are missing.
    """

    config: TrainConfig
    footprint: Footprint
    memory: dict[str, int]
    disk: dict[str, int]
    times: StepTimes | None
    seconds: dict[str, float]

    @property
    def peak(self) -> int:
        """Bytes at the peak."""
        return max(self.memory.values())

    def lines(self) -> list[str]:
        """The plan in sentences."""
        stage = max(self.memory, key=lambda name: self.memory[name])
        several = self.config.num_trainings
        said = [
            f"{number(self.footprint.num_parameters)} parameters (dim {self.config.dim})"
            + (f" in each of {several} trainings" if several > 1 else ""),
            f"Memory: {gib(self.peak)} at the peak, {stage}; "
            + ", ".join(f"{name} {gib(n)}" for name, n in self.memory.items() if name != stage),
            "Disk: " + ", ".join(f"{name} {gib(n)}" for name, n in self.disk.items()),
        ]
        if self.times is not None:
            a_step = f"{1000 * self.times.seconds:,.0f} ms"
            said += [
                f"{count(self.times.num_steps, 'step')} in {count(self.times.epochs, 'epoch')}, "
                f"{a_step} each",
                f"Time: {duration(sum(self.seconds.values()))}; "
                + ", ".join(f"{name} {duration(s)}" for name, s in self.seconds.items()),
            ]
        return said


def plan_training(
    split: Split,
    config: TrainConfig,
    system: SystemConfig,
    *,
    refit: bool = True,
    sample: int | None = SAMPLE,
    device: str = "cpu",
    encoder: Callable[..., Encoder] | None = None,
    out: Path | None = None,
    timed: bool = True,
) -> TrainingPlan:
    """Reckon what a training takes, refuse what does not fit, and time a few steps.

    The times do not include the second stage and terms other than the wide part, which are not
    tried.

    Parameters
    ----------
    split, config, system, refit, sample, device, encoder
        As for `segue.train`.
    out
        Where the bundle goes; None: nowhere, so that its disk is not looked at.
    timed
        False: nothing is timed, and nothing large allocated.

    Raises
    ------
    ResourceError
        If memory or disk are too small; it says what would fit.
    """
    taken = _footprint(split, config, encoder)
    memory = _memory(split, config, system, encoder, sample)
    disk = _disk(split, config, system, taken, refit=refit)
    _refuse_memory(split, config, system, memory, encoder, sample)
    if out is not None:
        _refuse_disk(out, sum(disk.values()))
    if not timed:
        return TrainingPlan(config, taken, memory, disk, None, {})
    times = time_steps(split.train, config, device, encoder=encoder)
    trainings = config.num_trainings
    seconds = {"training": trainings * times.total}
    again = refit and split.train is not split.graph
    for term in system.terms.values():
        needed = term.seconds(split.train)
        if needed is not None:
            seconds[term.label] = (1 + again) * needed
    if split.validation.targets.num_pairs:
        validating, evaluating = time_of_ranking(split, sample)
        validated = trainings * math.ceil(times.epochs / config.validate_every)
        seconds["validation"] = validating * validated
        if split.test.targets.num_pairs:
            seconds["evaluation"] = evaluating
    if again:
        # Up to the best epoch, which is the last at the latest, or one epoch more.
        whole = times.num_steps <= MOST_STEPS_AGAIN
        seconds["training again on all pairs"] = seconds["training"] / (
            1 if whole else times.epochs
        )
    return TrainingPlan(config, taken, memory, disk, times, seconds)


def require_training(
    split: Split,
    config: TrainConfig,
    system: SystemConfig,
    encoder: Callable[..., Encoder] | None = None,
    sample: int | None = SAMPLE,
) -> None:
    """Raise ResourceError if a training does not fit into memory, and say what would.

    Where parameters and edges take less than an eighth of the memory that there is, nothing is
    reckoned: the rest is a few times as much.
    """
    available = available_memory()
    if available is None or _surely_fits(split, config, available):
        return
    memory = _memory(split, config, system, encoder, sample)
    _refuse_memory(split, config, system, memory, encoder, sample)


def fitting_dim(
    split: Split,
    config: TrainConfig,
    system: SystemConfig,
    encoder: Callable[..., Encoder] | None,
    sample: int | None,
    limit: int,
) -> int | None:
    """The length of the longest vectors with which a training fits into some bytes of memory.

    That of `config`, or half of it, a quarter and so on; None if not even short ones fit.
    """
    if _surely_fits(split, config, limit):
        return config.dim
    dim = config.dim
    while dim == config.dim or dim >= _SHORTEST_DIM:
        shorter = replace(config, dim=dim)
        if max(_memory(split, shorter, system, encoder, sample).values()) <= limit:
            return dim
        dim //= 2
    return None


def _surely_fits(split: Split, config: TrainConfig, limit: int) -> bool:
    """Whether parameters and edges take less than an eighth of some bytes."""
    nodes = sum(split.graph.num_nodes.values())
    vectors = (4 + config.num_trainings) * nodes * config.dim
    return 8 * 4 * (vectors + 10 * _num_pairs(split)) < limit


def _footprint(
    split: Split, config: TrainConfig, encoder: Callable[..., Encoder] | None
) -> Footprint:
    """The footprint of a training, reckoned once."""
    known = _RECKONED.setdefault(split, [])
    for of_config, of_encoder, found in known:
        if of_config == config and of_encoder is encoder:
            return found
    found = footprint(split.train, config, encoder)
    known.append((config, encoder, found))
    return found


def _num_pairs(split: Split) -> int:
    return split.graph.playlists.tracks.num_pairs


def _memory(
    split: Split,
    config: TrainConfig,
    system: SystemConfig,
    encoder: Callable[..., Encoder] | None,
    sample: int | None,
) -> dict[str, int]:
    """Bytes by stage, besides the graph."""
    taken = _footprint(split, config, encoder)
    nodes = split.graph.num_nodes
    # As trained, made unit, and in the bundle that is measured.
    trained = 4 * config.dim * (nodes["track"] + nodes["artist"])
    vectors = 3 * config.num_trainings * trained
    kept = sum(term.stored_bytes(split.graph) for term in system.terms.values())
    # The vectors and parameters of the trainings that are done.
    done = (config.num_trainings - 1) * (trained + 4 * taken.num_parameters)
    memory = {"training": taken.total + done + kept}
    for term in system.terms.values():
        memory[term.label] = term.memory(split.graph)
    # Scores of the playlists that are evaluated at a time, and what ranking makes of them; the
    # lists of all.
    rows = len(sample_rows(split.test, sample))
    scored = 4 * min(4 * rows * nodes["track"], BATCH_BYTES) + 16 * nodes["track"]
    memory["evaluation"] = scored + 4 * LIST_LENGTH * rows + vectors + kept
    stage = system.second_stage
    if stage is not None:
        answered = int((split.validation.targets.lengths > 0).sum())
        cases = min(stage.max_questions, answered) * (2 + stage.short_share)
        # Features as drawn, joined, and once more as LightGBM's bins.
        features = round(cases * POOL_SIZE * len(FEATURES) * (4 + 4 + 1))
        memory["second stage"] = features + vectors + kept
    return memory


def _disk(
    split: Split, config: TrainConfig, system: SystemConfig, taken: Footprint, *, refit: bool
) -> dict[str, int]:
    nodes = split.graph.num_nodes
    shown = ("track", *config.relations)
    vectors = 4 * config.num_trainings * config.dim * sum(nodes[kind] for kind in shown)
    terms = sum(term.stored_bytes(split.graph) for term in system.terms.values())
    times = 2 if refit and split.train is not split.graph else 1
    checkpoints = times * config.num_trainings
    # Names and ids of the catalogue, and the playlists with theirs.
    rest = 150 * nodes["track"] + 8 * _num_pairs(split) + 50 * nodes["playlist"]
    # Parameters, two moments, and the parameters of the best epoch of each training; once more
    # while one is replaced.
    return {
        "checkpoints": (checkpoints + 1) * 4 * 4 * taken.num_parameters,
        "bundle": times * (vectors + terms) + rest,
    }


def _refuse_memory(
    split: Split,
    config: TrainConfig,
    system: SystemConfig,
    memory: dict[str, int],
    encoder: Callable[..., Encoder] | None,
    sample: int | None,
) -> None:
    available = available_memory()
    peak = max(memory.values())
    if available is None or peak <= available:
        return
    stage = max(memory, key=lambda name: memory[name])
    said = (
        f"training with dim {config.dim} needs {gib(peak)} of memory ({stage}), of which "
        f"{gib(available)} are available here"
    )
    dim = fitting_dim(split, config, system, encoder, sample, available)
    if dim is not None:
        shorter = replace(config, dim=dim)
        needed = _memory(split, shorter, system, encoder, sample)
        raise ResourceError(f"{said}; --dim {dim} would take {gib(max(needed.values()))}")
    raise ResourceError(f"{said}; a k-core of the playlists (segue build --k-core) is smaller")


def _refuse_disk(out: Path, needed: int) -> None:
    place = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise ResourceError(
            f"{out}: training needs {gib(needed)} of disk, of which {gib(free)} are free"
        )
