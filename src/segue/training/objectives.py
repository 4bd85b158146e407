"""Training objectives: each with its own fields, checks and loss.

PyTorch is imported only when a loss is computed: the command line reads these defaults without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from segue.errors import InputError
from segue.training.options import at_least

if TYPE_CHECKING:
    from torch import Tensor

    from segue.training.batch import Batch, TripleBatch


@dataclass(frozen=True, kw_only=True)
class RandomNegatives:
    """Drawn uniformly from the tracks that a playlist does not hold in training.

    Examples
    --------
    >>> segue.SampledSoftmax(negatives=segue.RandomNegatives()).negatives.name
    'random'
    """

    name: ClassVar[str] = "random"


@dataclass(frozen=True, kw_only=True)
class HardNegatives:
    """Some drawn from the top of the playlist's own ranking, the others at random.

    Attributes
    ----------
    share
        The share of the ranking that hard negatives come from, in the first and in the last period
        of `refresh_every` epochs, linear in between.
    mix
        The proportion of hard negatives in the first and in the last epoch, linear in between.
    refresh_every
        Number of epochs for which a ranking is kept.

    Examples
    --------
    >>> segue.HardNegatives(share=(0.5, 0.05), mix=(0.0, 1.0)).share
    (0.5, 0.05)
    """

    share: tuple[float, float] = (1.0, 0.5)
    mix: tuple[float, float] = (0.0, 0.5)
    refresh_every: int = 5

    name: ClassVar[str] = "hard"

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        if not all(0 < share <= 1 for share in self.share):
            raise InputError("share of hard negatives must lie above 0 and not above 1")
        if not all(0 <= part <= 1 for part in self.mix):
            raise InputError("mix of hard negatives must lie from 0 to 1, at both ends")
        at_least("refresh_every", self.refresh_every, 1)


@dataclass(frozen=True, kw_only=True)
class HardestNegatives:
    """The highest scoring of a random pool.

    Attributes
    ----------
    pool_size
        Random tracks per negative kept; None means 16 if one is kept, and 4 with a softmax, which
        keeps many.

    Examples
    --------
    >>> segue.HardestNegatives(pool_size=8).name
    'hardest'
    """

    pool_size: int | None = None

    name: ClassVar[str] = "hardest"

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        if self.pool_size is not None:
            at_least("pool_size", self.pool_size, 1)


Negatives = RandomNegatives | HardNegatives | HardestNegatives
NEGATIVES: dict[str, type[Negatives]] = {
    kind.name: kind for kind in (RandomNegatives, HardNegatives, HardestNegatives)
}


@dataclass(frozen=True, kw_only=True)
class CatalogueSoftmax:
    """The likelihood of a hidden track among all tracks that its playlist does not show.

    Attributes
    ----------
    temperature
        Divides cosines.
    hidden_share
        Lowest and highest share of a playlist's tracks that a step hides and predicts.
    few_share
        Share of playlists of which a step shows only a few tracks: a number drawn log-uniformly
        from one up, so that a few seed songs are served as well as a long playlist.
    hide_targets
        False lets the edges of the predicted tracks carry messages, too; for studies of the readout
        ``"node"``.

    Examples
    --------
    >>> warm = segue.CatalogueSoftmax(temperature=0.2)
    >>> segue.TrainConfig(objective=warm).to_json()["objective"]["temperature"]
    0.2
    """

    temperature: float = 0.1
    hidden_share: tuple[float, float] = (0.3, 0.7)
    few_share: float = 0.1
    hide_targets: bool = True

    name: ClassVar[str] = "catalogue-softmax"
    negatives: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        _check_hiding(self.temperature, self.hidden_share, self.few_share)

    def loss(self, batch: Batch) -> Tensor:
        """The loss of one step: a scalar."""
        from segue.training.losses import catalogue_softmax

        return catalogue_softmax(
            batch.query,
            batch.track,
            batch.visible,
            batch.hidden,
            temperature=self.temperature,
            playlist_weight=batch.playlist_weight,
        )


@dataclass(frozen=True, kw_only=True)
class SampledSoftmax:
    """The likelihood of a hidden track among a sample of those that its playlist does not hold.

    Attributes
    ----------
    temperature, hidden_share, few_share, hide_targets
        As for `CatalogueSoftmax`.
    negatives
        How the sample is drawn.
    num_negatives
        Size of the sample for each playlist in a step.

    Examples
    --------
    >>> sampled = segue.SampledSoftmax(num_negatives=32, negatives=segue.HardNegatives())
    >>> bundle = segue.train(split, objective=sampled, dim=4, epochs=1, system=segue.SystemConfig())
    >>> bundle.config["objective"]["name"]
    'sampled-softmax'
    """

    temperature: float = 0.1
    hidden_share: tuple[float, float] = (0.3, 0.7)
    few_share: float = 0.1
    hide_targets: bool = True
    negatives: Negatives = RandomNegatives()
    num_negatives: int = 256

    name: ClassVar[str] = "sampled-softmax"

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        _check_hiding(self.temperature, self.hidden_share, self.few_share)
        at_least("num_negatives", self.num_negatives, 1)
        _check_negatives(self.negatives)

    def loss(self, batch: Batch) -> Tensor:
        """The loss of one step: a scalar."""
        from segue.training.losses import sampled_softmax

        return sampled_softmax(
            batch.query,
            batch.track,
            batch.hidden,
            batch.negatives_of_playlists(self.num_negatives),
            temperature=self.temperature,
            playlist_weight=batch.playlist_weight,
        )


@dataclass(frozen=True, kw_only=True)
class PooledSoftmax:
    """The likelihood of a hidden track, estimated from tracks that all playlists of a step share.

    For catalogues so large that comparing each playlist with every track takes too long: a step
    draws a pool of tracks, popular ones more often, and corrects for how they were drawn.

    Attributes
    ----------
    temperature, hidden_share, few_share, hide_targets
        As for `CatalogueSoftmax`.
    pool_size
        Number of tracks in a pool; with all of the catalogue it is `CatalogueSoftmax`.
    popularity_power
        A track's odds of being in the pool are its popularity to this power.

    Examples
    --------
    >>> pooled = segue.PooledSoftmax(pool_size=64)
    >>> bundle = segue.train(split, objective=pooled, dim=4, epochs=1, system=segue.SystemConfig())
    >>> bundle.config["objective"]["pool_size"]
    64
    """

    temperature: float = 0.1
    hidden_share: tuple[float, float] = (0.3, 0.7)
    few_share: float = 0.1
    hide_targets: bool = True
    pool_size: int = 16_384
    popularity_power: float = 0.5

    name: ClassVar[str] = "pooled-softmax"
    negatives: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        _check_hiding(self.temperature, self.hidden_share, self.few_share)
        at_least("pool_size", self.pool_size, 1)
        if not 0 <= self.popularity_power <= 1:
            raise InputError(
                f"popularity_power is {self.popularity_power}, expected a number from 0 to 1"
            )

    def loss(self, batch: Batch) -> Tensor:
        """The loss of one step: a scalar."""
        from segue.training.losses import pooled_softmax

        if batch.pool is None:
            raise ValueError("the batch has no pool")
        return pooled_softmax(
            batch.query,
            batch.track,
            batch.visible,
            batch.hidden,
            batch.pool,
            temperature=self.temperature,
            playlist_weight=batch.playlist_weight,
        )


@dataclass(frozen=True, kw_only=True)
class BPR:
    """Bayesian personalised ranking: a hidden track should score above one negative.

    Attributes
    ----------
    temperature, hidden_share, few_share
        As for `CatalogueSoftmax`.
    negatives
        One for each hidden track.

    Examples
    --------
    >>> segue.BPR(negatives=segue.HardestNegatives(pool_size=8)).negatives.pool_size
    8
    """

    temperature: float = 0.1
    hidden_share: tuple[float, float] = (0.3, 0.7)
    few_share: float = 0.1
    negatives: Negatives = RandomNegatives()

    name: ClassVar[str] = "bpr"
    hide_targets: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        _check_hiding(self.temperature, self.hidden_share, self.few_share)
        _check_negatives(self.negatives)

    def loss(self, batch: Batch) -> Tensor:
        """The loss of one step: a scalar."""
        from segue.training.losses import hidden_ranking

        return hidden_ranking(
            batch.query,
            batch.track,
            batch.hidden,
            batch.negatives_of_hidden(),
            temperature=self.temperature,
            playlist_weight=batch.playlist_weight,
        )


@dataclass(frozen=True, kw_only=True)
class Triples:
    """The published training of LightGCN and similar models: BPR on training pairs, none hidden.

    A batch holds triples of a playlist, a track that it holds and a negative; scores are dot
    products. It needs the readout ``"node"``, as the centroid of a playlist holds the target.

    Attributes
    ----------
    l2
        Weight of the squared norms of a triple's initial vectors.
    negatives
        One for each pair.

    Examples
    --------
    >>> segue.Triples(l2=1e-4).hide_targets
    False
    """

    l2: float = 0.0
    negatives: Negatives = RandomNegatives()

    name: ClassVar[str] = "triples"
    hide_targets: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        if not 0 <= self.l2 < math.inf:
            raise InputError(f"l2 is {self.l2}, expected 0 or more")
        _check_negatives(self.negatives)

    def loss(self, batch: TripleBatch) -> Tensor:
        """The loss of one step: a scalar.

        Raises
        ------
        InputError
            If `l2` is not 0 and the encoder has no initial vectors.
        """
        from segue.training.losses import bayesian_personalised_ranking, mean_squares

        ranking = bayesian_personalised_ranking(
            batch.playlist, batch.track, batch.rows, batch.positive, batch.negative
        )
        if not self.l2:
            return ranking
        start = batch.initial
        if not {"playlist", "track"} <= start.keys():
            raise InputError(
                "l2 is a penalty on the initial vectors of tracks and playlists, but the encoder "
                "has none (initial_vectors)"
            )
        squares = mean_squares(
            start["playlist"][batch.rows],
            start["track"][batch.positive],
            start["track"][batch.negative],
        )
        return ranking + self.l2 / 2 * squares


Objective = CatalogueSoftmax | PooledSoftmax | SampledSoftmax | BPR | Triples
OBJECTIVES: dict[str, type[Objective]] = {
    kind.name: kind for kind in (CatalogueSoftmax, PooledSoftmax, SampledSoftmax, BPR, Triples)
}


def has_negatives(kind: type[Objective]) -> bool:
    """Whether an objective uses sampled negatives."""
    return any(each.name == "negatives" for each in fields(kind))


def _check_hiding(temperature: float, hidden_share: tuple[float, float], few_share: float) -> None:
    if not 0.025 <= temperature < math.inf:
        raise InputError(f"temperature is {temperature}, expected 0.025 or more")
    low, high = hidden_share
    if not 0 < low <= high < 1:
        raise InputError(f"hidden_share is {low} to {high}, expected shares between 0 and 1")
    if not 0 <= few_share <= 1:
        raise InputError(f"few_share is {few_share}, expected a share from 0 to 1")


def _check_negatives(negatives: Negatives) -> None:
    if not isinstance(negatives, Negatives):
        kinds = ", ".join(kind.__name__ for kind in NEGATIVES.values())
        raise InputError(
            f"negatives is {negatives!r}, expected one of {kinds}, such as segue.HardNegatives()"
        )
