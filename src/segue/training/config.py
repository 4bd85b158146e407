"""How a model is trained. Free of torch, so that the command line can show the defaults."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from numbers import Integral
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from segue.errors import InputError
from segue.scoring.trees import MOST_LEAVES
from segue.training.objective_json import objective_from_json
from segue.training.objective_json import to_json as objective_to_json
from segue.training.objectives import OBJECTIVES, CatalogueSoftmax, Objective
from segue.training.options import checked, known_options

if TYPE_CHECKING:
    from segue.training.term import TermConfig

Readout = Literal["centroid", "node"]
Schedule = Literal["cosine", "constant"]
Start = Literal["noise", "spectrum"]


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. With the split it determines the result.

    Attributes
    ----------
    model
        A name in `segue.models.ENCODERS`.
    relations
        Structural relations of the graph that carry messages, by target kind, such as ``"artist"``.
    dim
        Length of a vector.
    num_layers
        How many times messages are passed.
    num_trainings
        How many trainings, each with another seed, have their vectors side by side: these have
        `num_trainings` · `dim` numbers (see `segue.training.side_by_side`).
    start
        What the vectors are before the first step: ``"noise"``, or ``"spectrum"``, the leading
        singular vectors of the graph (see `segue.training.start`). The latter can be used as they
        are, so validation may choose them, as epoch 0.
    epochs
        Passes over the training playlists; None means `default_epochs`.
    batch_size
        Playlists per step, or triples when training on triples.
    learning_rate
        Adam's, at the start of the schedule.
    weight_decay
        Adam's: this share of each parameter is added to its gradient.
    schedule
        Of the learning rate: ``"cosine"``, ending at 0, or ``"constant"``.
    objective
        What to minimise: see `segue.training.objectives`.
    readout
        The vector of a playlist. ``"centroid"``: that of its visible tracks, as in serving.
        ``"node"``: the encoder's own; for studies.
    options
        Keyword options of the architecture, such as ``{"num_heads": 2}``; stored frozen.
    validate_every
        Validate every this many epochs, and always after the last.
    initial_std
        Standard deviation of the initial vectors; of the spectrum, the root of the mean square of
        its numbers.
    message_share
        The share of the playlists whose messages a step passes, drawn anew in each; vectors are
        read out with those of all.
    title_share
        Where words of titles are among the relations: the share of titled playlists that show their
        title in a step.
    title_alone_share, title_few_share
        The share of those that show nothing but their title: all their tracks are hidden; and the
        share of the others that show only a few tracks, as of the objective's `few_share`.
    rng_seed
        Seed of all randomness in training.

    Examples
    --------
    >>> segue.TrainConfig(model="gcn", dim=32).num_layers
    2
    """

    model: str = "lightgcn"
    relations: tuple[str, ...] = ("artist",)
    dim: int = 256
    num_layers: int = 2
    num_trainings: int = 1
    start: Start = "noise"
    epochs: int | None = None
    batch_size: int = 512
    learning_rate: float = 5e-3
    weight_decay: float = 0.0
    schedule: Schedule = "cosine"
    objective: Objective = CatalogueSoftmax()  # noqa: RUF009 - frozen
    readout: Readout = "centroid"
    options: Mapping[str, bool | int | float | str] = field(default_factory=dict, hash=False)
    validate_every: int = 1
    initial_std: float = 0.1
    message_share: float = 1.0
    title_share: float = 0.7
    title_alone_share: float = 0.15
    title_few_share: float = 0.3
    rng_seed: int = 0

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        for name, lowest in (
            ("dim", 1),
            ("num_layers", 0),
            ("num_trainings", 1),
            ("epochs", 1),
            ("batch_size", 1),
            ("rng_seed", 0),
            ("validate_every", 1),
        ):
            value = getattr(self, name)
            if name == "epochs" and value is None:
                continue
            if not isinstance(value, Integral):
                raise InputError(f"{name} is {value!r}, expected a whole number")
            if value < lowest:
                raise InputError(f"{name} is {value}, expected {lowest} or more")
            object.__setattr__(self, name, int(value))  # NumPy's integers are not for a manifest
        for name in ("learning_rate", "initial_std"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}, expected a number above 0")
        for name in ("title_share", "title_alone_share", "title_few_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}, expected a share from 0 to 1")
        if not 0 < self.message_share <= 1:
            raise InputError(
                f"message_share is {self.message_share}, expected a share above 0 and up to 1"
            )
        if not 0 <= self.weight_decay < math.inf:
            raise InputError(f"weight_decay is {self.weight_decay}, expected 0 or more")
        for name, known in (
            ("readout", get_args(Readout)),
            ("schedule", get_args(Schedule)),
            ("start", get_args(Start)),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} {getattr(self, name)!r} is not known, expected {' or '.join(known)}"
                )
        if not isinstance(self.objective, Objective):
            kinds = ", ".join(kind.__name__ for kind in OBJECTIVES.values())
            raise InputError(
                f"objective is {self.objective!r}, expected one of {kinds}, such as segue.BPR()"
            )
        if not self.objective.hide_targets and self.readout != "node":
            raise InputError(
                f"{self.objective.name} whose targets are not hidden needs the readout node: the "
                "centroid of a playlist holds the target itself"
            )
        for name, value in self.options.items():
            finite = not isinstance(value, float) or math.isfinite(value)
            if not isinstance(value, bool | int | float | str) or not finite:
                raise InputError(f"option {name} is {value!r}, expected a number, a word or a bool")
        # An immutable copy: together with the other fields it identifies a training.
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))
        kinds = (self.relations,) if isinstance(self.relations, str) else tuple(self.relations)
        object.__setattr__(self, "relations", kinds)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by plain values: frozen options cannot be pickled directly."""
        return TrainConfig.from_json, (self.to_json(),)

    def options_for(self, make_encoder: Callable[..., Any]) -> dict[str, bool | int | float | str]:
        """The options converted to the types of the architecture's constructor.

        Raises
        ------
        InputError
            If the architecture lacks one of them, or expects another type.
        """
        known = known_options(make_encoder) if self.options else None
        return dict(self.options) if known is None else checked(self.options, known, self.model)

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a manifest; the objective's are under its name."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        objective = objective_to_json(self.objective)
        return values | {"objective": objective, "options": dict(self.options)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainConfig:
        """Inverse of `to_json`.

        Other keys are left alone: the manifest of a bundle has more facts than these. What is
        missing has its default.

        Raises
        ------
        InputError
            If a value is out of range, or the objective is unknown.
        """
        known = {each.name for each in fields(cls)}
        given = {name: value for name, value in values.items() if name in known}
        if "relations" in given:
            given["relations"] = tuple(given["relations"])
        if "objective" in given:
            given["objective"] = objective_from_json(given["objective"])
        return cls(**given)


def default_epochs(num_playlists: int, batch_size: int, start: Start = "noise") -> int:
    """Enough epochs for 600 steps, but at least 10 and at most 40; from the spectrum far fewer.

    From there they are enough for 160 steps, at least 3 and at most 12. Chosen on validation: small
    collections overfit with longer schedules, large ones need to see each playlist several times.
    """
    num_steps, least, most = (160, 3, 12) if start == "spectrum" else (600, 10, 40)
    steps_per_epoch = max(1, math.ceil(num_playlists / batch_size))
    return min(most, max(least, math.ceil(num_steps / steps_per_epoch)))


@dataclass(frozen=True)
class SecondStageConfig:
    """How the second stage is trained; chosen on validation (docs/experiments.md).

    Attributes
    ----------
    num_trees
        Candidate numbers of boosted trees, ascending: the best in cross-validation is used, or no
        second stage if the first alone is better.
    num_leaves, learning_rate, min_leaf
        Of the trees; at most 64 leaves.
    negative_share
        The share of negative tracks that each tree sees.
    short_share
        The share of validation cases that are repeated with only a few of their tracks: a number
        drawn log-uniformly from one up.
    min_questions, max_questions
        Playlists with held-out tracks: the fewest for which a second stage is tried, and the most
        that are used.
    max_rows
        The most examples that the trees learn from, in cross-validation from half the playlists
        half as many: of more, all positive ones are used and some of the negative ones, drawn at
        random, with `min_leaf` smaller in proportion. It bounds the time, and costs no quality that
        can be measured (docs/experiments.md).
    rng_seed
        Seed of the draws.

    Examples
    --------
    >>> quick = segue.SystemConfig(second_stage=segue.SecondStageConfig(num_trees=(50,)))
    >>> quick.second_stage.num_trees
    (50,)
    """

    num_trees: tuple[int, ...] = (25, 50, 100, 150, 200)
    num_leaves: int = 31
    learning_rate: float = 0.04
    min_leaf: int = 1500
    negative_share: float = 0.8
    short_share: float = 0.5
    min_questions: int = 500
    max_questions: int = 10_000
    max_rows: int = 200_000
    rng_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values outside their range (InputError)."""
        ascending = tuple(sorted(set(self.num_trees)))
        if not ascending or ascending[0] < 1 or ascending != tuple(self.num_trees):
            raise InputError(f"num_trees is {self.num_trees}, expected whole numbers, ascending")
        if not 2 <= self.num_leaves <= MOST_LEAVES:
            raise InputError(
                f"num_leaves is {self.num_leaves}, expected from 2 to {MOST_LEAVES} a tree"
            )
        if not (0 < self.negative_share <= 1 and 0 <= self.short_share <= 1):
            raise InputError("negative_share must lie above 0 and short_share from 0, both up to 1")


@dataclass(frozen=True)
class SystemConfig:
    """The parts of a bundle's score besides its vectors.

    Attributes
    ----------
    terms : dict of TermConfig
        How to fit the further terms of the score, by name (`segue.training.terms.TERMS`).
    second_stage : SecondStageConfig or None
        None: no second stage.

    Examples
    --------
    >>> segue.SystemConfig()  # the vectors alone
    SystemConfig(terms={}, second_stage=None)
    """

    terms: Mapping[str, TermConfig] = field(default_factory=dict)
    second_stage: SecondStageConfig | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a manifest."""
        return {
            "terms": {name: asdict(config) for name, config in self.terms.items()},
            "second_stage": None if self.second_stage is None else asdict(self.second_stage),
        }
