"""How a model is trained. Free of torch, so that the command line can state the defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from segue.errors import InputError

# What the fields that are a choice may be.
CHOICES = {
    "loss": ("softmax", "bpr"),
    "negatives": ("all", "random", "hard", "hardest"),
    "targets": ("hidden", "visible"),
    "readout": ("centroid", "node"),
    "schedule": ("cosine", "constant"),
}


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. With the split it determines the result.

    Attributes
    ----------
    model
        A name in `segue.models.ENCODERS`.
    relations
        Structural relations that carry messages.
    dim
        Length of a vector.
    num_layers
        How many times messages are passed.
    epochs
        Passes over the training playlists; None chooses `default_epochs`.
    batch_size
        Playlists per step; where triples are trained on, triples.
    learning_rate
        Adam's, at the start of the schedule.
    weight_decay
        Adam's: this share of each parameter is added to its gradient.
    temperature
        Cosines are divided by it before either loss (not with triples, which have no cosines).
    loss
        ``"softmax"``: the likelihood of a target among all tracks that its playlist does not show,
        or among a sample of them. ``"bpr"``: a target should score above one negative.
    negatives
        What a target is compared with, never a track that its playlist holds in training.
        ``"all"``: the whole catalogue (softmax alone). ``"random"``: drawn uniformly. ``"hard"``:
        in part drawn from the top of the playlist's own ranking (`hard_share`, `hard_mix`).
        ``"hardest"``: the highest scoring of a random pool.
    num_negatives
        Of a playlist in a step, for a softmax over a sample; bpr has one for each target.
    hard_share
        The share of a playlist's ranking that hard negatives come from, in the first and in the
        last period of `refresh_every` epochs, linear in between.
    hard_mix
        The part of the negatives that are hard, in the first and in the last epoch, linear in
        between; the others are random.
    refresh_every
        Epochs for which the ranking behind hard negatives stays as it is.
    pool_size
        Random tracks of which bpr's ``"hardest"`` negative is the highest scoring.
    targets
        ``"hidden"``: playlists have tracks hidden and predict them. ``"visible"``: the edges of the
        targets carry messages, too; it needs the readout node. With the loss bpr that is the
        published training of LightGCN and its kin, by triples of training pairs and negatives;
        with a softmax the playlists predict the same share of their tracks as hidden ones.
    readout
        The vector of a playlist. ``"centroid"``: of its visible tracks, the one that is served.
        ``"node"``: the encoder's own; for studies.
    options
        Keyword options of the architecture, as ``{"num_heads": 2}``; kept frozen.
    schedule
        Of the learning rate: ``"cosine"``, ending at 0, or ``"constant"``.
    l2
        Weight of the squares of a triple's initial vectors (triples alone).
    validate_every
        Epochs from one validation to the next; the last epoch always has one.
    hidden_share
        Lowest and highest share of a playlist's tracks that a step hides, or predicts.
    few_share
        Share of the playlists of which a step shows only few tracks: a number drawn
        log-uniformly from one up, so that a few seed songs are served as well as a long playlist.
    initial_std
        Standard deviation of the initial vectors.
    rng_seed
        For all randomness of the training.

    Examples
    --------
    >>> segue.TrainConfig(model="gcn", dim=32).num_layers
    2
    """

    model: str = "lightgcn"
    relations: tuple[str, ...] = ("artist",)
    dim: int = 256
    num_layers: int = 2
    epochs: int | None = None
    batch_size: int = 512
    learning_rate: float = 5e-3
    weight_decay: float = 0.0
    temperature: float = 0.1
    loss: Literal["softmax", "bpr"] = "softmax"
    negatives: Literal["all", "random", "hard", "hardest"] = "all"
    num_negatives: int = 256
    hard_share: tuple[float, float] = (1.0, 0.5)
    hard_mix: tuple[float, float] = (0.0, 0.5)
    refresh_every: int = 5
    pool_size: int = 16
    targets: Literal["hidden", "visible"] = "hidden"
    readout: Literal["centroid", "node"] = "centroid"
    options: Mapping[str, bool | int | float | str] = field(default_factory=dict, hash=False)
    schedule: Literal["cosine", "constant"] = "cosine"
    l2: float = 0.0
    validate_every: int = 1
    hidden_share: tuple[float, float] = (0.3, 0.7)
    few_share: float = 0.1
    initial_std: float = 0.1
    rng_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values outside their range (InputError)."""
        for name, lowest in (
            ("dim", 1),
            ("num_layers", 0),
            ("batch_size", 1),
            ("rng_seed", 0),
            ("validate_every", 1),
            ("num_negatives", 1),
            ("refresh_every", 1),
            ("pool_size", 1),
        ):
            if getattr(self, name) < lowest:
                raise InputError(f"{name} is {getattr(self, name)}, expected {lowest} or more")
        if self.epochs is not None and self.epochs < 1:
            raise InputError(f"epochs is {self.epochs}, expected 1 or more")
        for name in ("learning_rate", "initial_std"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}, expected a number above 0")
        if not 0 <= self.weight_decay < math.inf:
            raise InputError(f"weight_decay is {self.weight_decay}, expected 0 or more")
        if not 0.025 <= self.temperature < math.inf:
            raise InputError(f"temperature is {self.temperature}, expected 0.025 or more")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} {getattr(self, name)!r} is not known, expected {' or '.join(known)}"
                )
        self._refuse_contradictions()
        if not all(0 < share <= 1 for share in self.hard_share):
            raise InputError("hard_share must lie above 0 and not above 1, at both ends")
        if not all(0 <= part <= 1 for part in self.hard_mix):
            raise InputError("hard_mix must lie from 0 to 1, at both ends")
        low, high = self.hidden_share
        if not 0 < low <= high < 1 or not 0 <= self.few_share <= 1:
            raise InputError("hidden_share must lie between 0 and 1, few_share from 0 to 1")

        for name, value in self.options.items():
            finite = not isinstance(value, float) or math.isfinite(value)
            if not isinstance(value, bool | int | float | str) or not finite:
                raise InputError(f"option {name} is {value!r}, expected a number, a word or a bool")
        # A copy that nobody can change: with the other fields it stands for a training.
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    def _refuse_contradictions(self) -> None:
        if self.loss == "bpr" and self.negatives == "all":
            raise InputError(
                "the loss bpr compares with one track at a time: "
                "choose negatives random, hard or hardest"
            )
        if self.targets == "visible" and self.readout != "node":
            raise InputError(
                "visible targets need the readout node: the centroid of a playlist holds the "
                "target itself"
            )
        if not 0 <= self.l2 < math.inf or (self.l2 and not self.triples):
            raise InputError(
                f"l2 is {self.l2}, expected 0 or more, and 0 but with visible targets and bpr"
            )

    @property
    def triples(self) -> bool:
        """Whether triples are trained on: visible targets with the loss bpr."""
        return self.targets == "visible" and self.loss == "bpr"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by plain values: frozen options cannot be pickled as they are."""
        return partial(TrainConfig, **self.to_json()), ()

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a manifest."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return values | {"options": dict(self.options)}


def default_epochs(num_playlists: int, batch_size: int) -> int:
    """Enough epochs for 600 steps, but 10 at the least and 40 at the most.

    Chosen on validation: small collections overfit in longer schedules, large ones need each
    playlist several times.
    """
    steps_per_epoch = max(1, math.ceil(num_playlists / batch_size))
    return min(40, max(10, math.ceil(600 / steps_per_epoch)))


@dataclass(frozen=True)
class WideConfig:
    """How the wide part of a bundle is fitted; chosen on validation (docs/findings.md).

    Attributes
    ----------
    num_neighbours
        Weights that are kept of each track: so many above 0, and as many below.
    weight
        What they are multiplied with, to be added to cosines.
    regularization, artist_weight, album_weight
        As for `segue.baselines.ease.SideEASE`.
    max_tracks
        The most popular tracks that take part.
    """

    num_neighbours: int = 100
    weight: float = 0.8
    regularization: float = 100.0
    artist_weight: float = 10.0
    album_weight: float = 5.0
    max_tracks: int = 25_000


@dataclass(frozen=True)
class SecondStageConfig:
    """How the second stage is trained; chosen on validation (docs/findings.md).

    Attributes
    ----------
    num_trees
        Numbers of boosted trees, ascending: the one that does best in cross-validation is taken,
        and none of them where the first stage alone does.
    num_leaves, learning_rate, min_leaf
        Of the trees.
    negative_share
        Of the tracks that do not belong, each tree sees so many.
    short_share
        Of the questions of validation so many are asked once more with few of their tracks: a
        number drawn log-uniformly from one up.
    min_questions, max_questions
        Playlists with held-out tracks: below so many nothing is tried, and no more are looked at.
    rng_seed
        For what is drawn.
    """

    num_trees: tuple[int, ...] = (50, 100, 200, 300, 400)
    num_leaves: int = 31
    learning_rate: float = 0.02
    min_leaf: int = 1500
    negative_share: float = 0.8
    short_share: float = 0.5
    min_questions: int = 500
    max_questions: int = 10_000
    rng_seed: int = 0


@dataclass(frozen=True)
class SystemConfig:
    """What stands beside the vectors of a bundle.

    Attributes
    ----------
    wide : WideConfig or None
        None: no wide part.
    second_stage : SecondStageConfig or None
        None: no second stage.

    Examples
    --------
    >>> segue.SystemConfig()  # the vectors alone
    SystemConfig(wide=None, second_stage=None)
    """

    wide: WideConfig | None = None
    second_stage: SecondStageConfig | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a manifest."""
        return asdict(self)
