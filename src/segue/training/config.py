"""How a model is trained. Free of torch, so that the command line can state the defaults."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from segue.errors import InputError


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
        Playlists per step; with the loss bpr, triples.
    learning_rate
        Adam's, at the start of the schedule.
    temperature
        Of the softmax over cosines.
    loss
        ``"softmax"``: playlists have tracks hidden and predict them over the whole catalogue, read
        out as centroids. ``"bpr"``: the published training of LightGCN, by triples of training
        pairs and random negatives, nothing hidden, read out as the encoder's own playlist vectors;
        for studies, as such vectors are not served.
    schedule
        Of the learning rate: ``"cosine"``, ending at 0, or ``"constant"``.
    l2
        Weight of the squares of a triple's initial vectors (bpr alone).
    validate_every
        Epochs from one validation to the next; the last epoch always has one.
    hidden_share
        Lowest and highest share of a playlist's tracks that a step hides.
    few_share
        Share of the playlists of which a step shows only few tracks: a number drawn
        log-uniformly from one up, so that a few seed songs are served as well as a long playlist.
    initial_std
        Standard deviation of the initial vectors.
    rng_seed
        For all randomness of the training.
    """

    model: str = "lightgcn"
    relations: tuple[str, ...] = ("artist",)
    dim: int = 256
    num_layers: int = 2
    epochs: int | None = None
    batch_size: int = 512
    learning_rate: float = 5e-3
    temperature: float = 0.1
    loss: Literal["softmax", "bpr"] = "softmax"
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
        ):
            if getattr(self, name) < lowest:
                raise InputError(f"{name} is {getattr(self, name)}, expected {lowest} or more")
        if self.epochs is not None and self.epochs < 1:
            raise InputError(f"epochs is {self.epochs}, expected 1 or more")
        for name in ("learning_rate", "initial_std"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}, expected a number above 0")
        if not 0.025 <= self.temperature < math.inf:
            raise InputError(f"temperature is {self.temperature}, expected 0.025 or more")
        for name, known in (("loss", ("softmax", "bpr")), ("schedule", ("cosine", "constant"))):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} {getattr(self, name)!r} is not known, expected {' or '.join(known)}"
                )
        if not 0 <= self.l2 < math.inf or (self.l2 and self.loss != "bpr"):
            raise InputError(f"l2 is {self.l2}, expected 0 or more, and 0 without the loss bpr")
        low, high = self.hidden_share
        if not 0 < low <= high < 1 or not 0 <= self.few_share <= 1:
            raise InputError("hidden_share must lie between 0 and 1, few_share from 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a manifest."""
        return asdict(self)


def default_epochs(num_playlists: int, batch_size: int) -> int:
    """Enough epochs for 600 steps, but 10 at the least and 40 at the most.

    Chosen on validation: small collections overfit in longer schedules, large ones need each
    playlist several times.
    """
    steps_per_epoch = max(1, math.ceil(num_playlists / batch_size))
    return min(40, max(10, math.ceil(600 / steps_per_epoch)))
