"""How long training takes: from a few timed steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from segue.graph.playlist_graph import PlaylistGraph
from segue.models.encoder import Encoder
from segue.training.config import TrainConfig, default_epochs
from segue.training.objectives import CatalogueSoftmax, HardNegatives
from segue.training.side_by_side import each_training
from segue.training.train import train

# Timed steps, after a first one; fewer once they have taken this long.
_TIMED_STEPS = 4
_TIMED_SECONDS = 8.0


@dataclass(frozen=True)
class StepTimes:
    """Time of the steps of a training.

    Attributes
    ----------
    num_steps
        Of the whole schedule.
    epochs
        Of the whole schedule.
    seconds
        Of a step.
    preparing
        Seconds before the first step, for as often as it is prepared: once, and again whenever hard
        negatives are ranked again.
    """

    num_steps: int
    epochs: int
    seconds: float
    preparing: float

    @property
    def total(self) -> float:
        """Seconds of all steps, without validation."""
        return self.num_steps * self.seconds + self.preparing


class _EnoughError(Exception):
    """Enough steps have been timed."""


def time_steps(
    graph: PlaylistGraph,
    config: TrainConfig,
    device: str = "cpu",
    *,
    encoder: Callable[..., Encoder] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> StepTimes:
    """Train a few steps, two at least, and drop them: those of one training, if it has several.

    Parameters
    ----------
    graph
        The training graph.
    config, device, encoder
        As for `segue.training.train.train`.
    clock
        Returns seconds since some moment.
    """
    times = [clock()]
    num_steps = 0

    def step(done: int, total: int, loss: float) -> None:
        nonlocal num_steps
        num_steps = total
        times.append(clock())
        if len(times) > _TIMED_STEPS + 1 or times[-1] - times[1] > _TIMED_SECONDS:
            raise _EnoughError

    with suppress(_EnoughError):
        one = _in_the_middle(each_training(config)[0])
        train(graph, None, one, device=device, on_step=step, encoder=encoder)
    between = np.diff(times)
    # The first step also prepares the graph, and the ranking of hard negatives if there is one.
    seconds = float(np.median(between[1:] if len(between) > 1 else between))
    first = max(0.0, float(between[0]) - seconds)
    num_playlists = int((graph.playlists.tracks.lengths >= 2).sum())
    epochs = config.epochs or default_epochs(num_playlists, config.batch_size, config.start)
    hard = config.objective.negatives
    times_ranked = math.ceil(epochs / hard.refresh_every) if isinstance(hard, HardNegatives) else 1
    return StepTimes(num_steps, epochs, seconds, first * times_ranked)


def _in_the_middle(config: TrainConfig) -> TrainConfig:
    """Hard negatives as halfway through their schedule: the smaller the share, the more draws."""
    objective = config.objective
    if isinstance(objective, CatalogueSoftmax) or not isinstance(
        objective.negatives, HardNegatives
    ):
        return config
    hard = objective.negatives
    share, mix = math.sqrt(math.prod(hard.share)), float(np.mean(hard.mix))
    on_average = replace(hard, share=(share, share), mix=(mix, mix))
    return replace(config, objective=replace(objective, negatives=on_average))
