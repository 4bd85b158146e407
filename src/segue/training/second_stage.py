"""Training of the second stage, on the validation part of a split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from segue.data.csr import offsets_of
from segue.data.playlists import BoolArray, Float32Array, Int64Array, TrackLists
from segue.extras import lightgbm_library
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.scoring.features import FEATURES, FeatureMaker
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.recency import Recency, query_of
from segue.scoring.second_stage import POOL_SIZE
from segue.scoring.trees import Trees
from segue.training.config import SecondStageConfig

# Purposes of generators: part of the seed, as NumPy pads seeds with zeros.
_FOR_SHORT, _FOR_GIVEN, _FOR_FOLDS, _FOR_ROWS, _FOR_AHEAD, _FOR_NEGATIVES = 1, 2, 3, 4, 5, 6
# Parts of the cross-validation, and the cutoff of the average precision that it compares.
_NUM_FOLDS, _CUTOFF = 2, 10
# Shares of the time, as measured with the defaults: drawing the cases, cross-validation, and the
# trees that are kept.
_WORK = {"pools": 0.1, "choosing": 0.6, "last": 0.3}
# How many times playlists held out whole are used, each time with other tracks given.
_TIMES_GIVEN = 2


@dataclass(frozen=True, eq=False)
class _Cases:
    """Playlists with some tracks shown and others to be found.

    Attributes
    ----------
    held_out : HeldOut
    order_known : bool [num_rows]
        Whether the order of the tracks shown is meaningful.
    words : TrackLists or None
        Those of each title; None: no titles.
    """

    held_out: HeldOut
    order_known: BoolArray
    words: TrackLists | None = None

    def __len__(self) -> int:
        return len(self.order_known)

    def query(self, recency: Recency | None) -> Query:
        """The query, as in serving."""
        return query_of(self.held_out.query, self.order_known, recency, self.words)

    def rows(self, rows: slice | Int64Array) -> _Cases:
        """Some of the cases."""
        words = None if self.words is None else self.words.rows(rows)
        return _Cases(self.held_out.rows(rows), self.order_known[rows], words)


def train_second_stage(
    split: Split,
    first_stage: FirstStage,
    popularity: Int64Array,
    config: SecondStageConfig,
    recency: Recency | None = Recency(),  # noqa: B008
    advance: Callable[[float], None] = lambda share: None,
) -> Trees | None:
    """Learn from the validation part which of the first stage's best tracks belong to a list.

    Each case is a playlist with its validation tracks held out; the best tracks by the first stage,
    without known ones, are its examples. Test tracks among them count as negatives, which is what
    they look like. Some cases are repeated with few tracks of the playlist shown, so that a list of
    three songs is ordered as well as one of thirty; where the last tracks are held out, they are
    also repeated without the tracks right before those, so that later tracks are found, too.

    Parameters
    ----------
    split
    first_stage
        Trained on the split's training graph.
    popularity : int64 [num_tracks]
        In that training graph.
    config
    recency
        As in serving.
    advance
        Called with the share of the work done since the last call; they sum to 1.

    Returns
    -------
    Trees or None
        None if there are too few cases, or if the first stage
        alone does better in cross-validation over the playlists.

    Raises
    ------
    ResourceError
        If LightGBM is not installed.
    """
    lightgbm_library()
    cases = list(_cases(split, config, titles=first_stage.centroid.words is not None))
    if not cases or len(cases[0]) < config.min_questions:
        return None
    maker = FeatureMaker(first_stage, split.train.catalog, popularity)
    pools: list[_Pool] = []
    for part in cases:
        for pool in _pools(part, first_stage, maker, recency):
            pools.append(pool)
            advance(_WORK["pools"] / sum(map(len, cases)))
    # All cases of a playlist are in the same fold.
    rng = np.random.default_rng((config.rng_seed, _FOR_FOLDS))
    fold = rng.permutation(len(split.train.playlists)) % _NUM_FOLDS
    of_pool = fold[[pool.playlist for pool in pools]]
    value = np.zeros(1 + len(config.num_trees))

    def tree(share: float) -> Callable[[Any], None]:
        return lambda _: advance(share)

    each = tree(_WORK["choosing"] / (_NUM_FOLDS * config.num_trees[-1]))
    for held_out in range(_NUM_FOLDS):
        asked = [pools[at] for at in np.flatnonzero(of_pool == held_out)]
        seen = [pools[at] for at in np.flatnonzero(of_pool != held_out)]
        booster = _boosted(seen, config, config.num_trees[-1], each)
        value += _average_precision(booster, asked, config.num_trees)
    best = int(value.argmax())
    if best == 0:
        return None
    number = config.num_trees[best - 1]
    booster = _boosted(pools, config, number, tree(_WORK["last"] / number))
    return trees_of(booster)


@dataclass(frozen=True, eq=False)
class _Pool:
    """The best tracks for one case, best first.

    `features` (float32 [size, num_features]), `belongs` (bool [size]: which are targets),
    `num_targets` of the case, found or not, and its `playlist`.
    """

    features: Float32Array
    belongs: BoolArray
    num_targets: int
    playlist: int


def _boosted(
    pools: list[_Pool], config: SecondStageConfig, num_trees: int, each: Callable[[Any], None]
) -> Any:
    """Trees learned from some pools; `each` is called after every one."""
    lightgbm = lightgbm_library()
    features = np.concatenate([pool.features for pool in pools])
    belongs = np.concatenate([pool.belongs for pool in pools])
    rows = _learned_from(belongs, config)
    parameters = {
        "objective": "binary",
        "learning_rate": config.learning_rate,
        "num_leaves": config.num_leaves,
        "min_data_in_leaf": max(1, round(config.min_leaf * len(rows) / len(belongs))),
        "feature_fraction": 0.7,
        "pos_bagging_fraction": 1.0,
        "neg_bagging_fraction": config.negative_share,
        "bagging_freq": 1,
        "max_bin": 63,
        "seed": config.rng_seed,
        # Reproducible to the bit with the same number of threads; others round sums differently.
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": torch.get_num_threads(),
        "verbose": -1,
    }
    data = lightgbm.Dataset(features[rows], belongs[rows], feature_name=_plain_names())
    return lightgbm.train(parameters, data, num_trees, callbacks=[each])


def _learned_from(belongs: BoolArray, config: SecondStageConfig) -> Int64Array:
    """Which examples the trees learn from: all that belong to a list, and some of the others."""
    others = np.flatnonzero(~belongs)
    # Never fewer of them than of those that belong.
    number = max(config.max_rows - int(belongs.sum()), int(belongs.sum()))
    if number >= len(others):
        return np.arange(len(belongs))
    rng = np.random.default_rng((config.rng_seed, _FOR_NEGATIVES))
    drawn = rng.choice(others, number, replace=False)
    rows: Int64Array = np.sort(np.concatenate([np.flatnonzero(belongs), drawn]))
    return rows


def _average_precision(
    booster: Any, pools: list[_Pool], num_trees: tuple[int, ...]
) -> NDArray[np.float64]:
    """Sums over pools of the average precision at 10: with no trees, then by number of trees."""
    sizes = np.cumsum([len(pool.belongs) for pool in pools])[:-1]
    features = np.concatenate([pool.features for pool in pools])
    value = np.zeros(1 + len(num_trees))
    odds, done = np.zeros(len(features)), 0
    for place, number in enumerate((0, *num_trees)):
        if number:
            odds += booster.predict(
                features, raw_score=True, start_iteration=done, num_iteration=number - done
            )
            done = number
        for pool, part in zip(pools, np.split(odds, sizes), strict=True):
            hits = pool.belongs[np.argsort(-part, kind="stable")[:_CUTOFF]]
            precision = hits * hits.cumsum() / np.arange(1, len(hits) + 1)
            value[place] += precision.sum() / min(_CUTOFF, pool.num_targets)
    return value


# Bits of LightGBM's decisions: whether missing values go left, and whether NaN is one.
_DEFAULT_LEFT, _MISSING_TYPE, _NAN = 0b10, 0b1100, 0b1000


def trees_of(booster: Any) -> Trees:
    """The trees of a LightGBM model of numbers, from its text format, which rounds nothing."""
    columns: dict[str, list[str]] = {}
    num_nodes = []
    for tree in str(booster.model_to_string()).split("\n\n"):
        facts = dict(line.partition("=")[::2] for line in tree.splitlines())
        if "Tree" in facts:
            for name in ("split_feature", "threshold", "decision_type", "left_child",
                         "right_child", "leaf_value"):  # fmt: skip
                # A tree of a single leaf has no nodes.
                columns.setdefault(name, []).extend(facts.get(name, "").split())
            num_nodes.append(len(facts.get("threshold", "").split()))
    numbers = {name: np.array(column, dtype=np.float64) for name, column in columns.items()}
    decision = numbers["decision_type"].astype(np.int64)
    return Trees(
        num_features=np.array([booster.num_feature()]),
        offsets=offsets_of(np.array(num_nodes)),
        feature=numbers["split_feature"].astype(np.int32),
        threshold=numbers["threshold"],
        missing_left=np.where(
            decision & _MISSING_TYPE == _NAN,
            decision & _DEFAULT_LEFT > 0,
            numbers["threshold"] >= 0,  # Where no NaN was seen in training, it counts as 0.
        ).astype(np.uint8),
        left=numbers["left_child"].astype(np.int32),
        right=numbers["right_child"].astype(np.int32),
        leaf_value=numbers["leaf_value"],
    )


def _plain_names() -> list[str]:
    """Names without spaces, which separate names in LightGBM's text format."""
    return [name.replace(" ", "_") for name in FEATURES]


def _cases(split: Split, config: SecondStageConfig, *, titles: bool) -> Iterator[_Cases]:
    """All validation cases, then some again with other tracks shown, and without their titles."""
    validation = split.validation

    def cases_of(held_out: HeldOut) -> _Cases:
        words = split.title_words(held_out) if titles else None
        return _Cases(held_out, split.order_known(held_out), words)

    if split.recipe.kind == "playlists":
        in_order = validation.query.joined(validation.targets)
        long_enough = _some(np.flatnonzero(in_order.lengths >= 2), config.max_questions, config)
        in_order, rows = in_order.rows(long_enough), validation.playlist_index[long_enough]
        rng = np.random.default_rng((config.rng_seed, _FOR_GIVEN))
        for time in range(_TIMES_GIVEN):
            given = _log_uniform(in_order.lengths, rng)
            shown = in_order.positions() < np.repeat(given, in_order.lengths)
            query = in_order.keep(shown)
            half = HeldOut(query, query, in_order.keep(~shown), rows)
            yield cases_of(half) if time == 0 else replace(cases_of(half), words=None)
        return
    rows = _some(np.flatnonzero(validation.targets.lengths > 0), config.max_questions, config)
    answered = cases_of(validation).rows(rows)
    yield answered
    rng = np.random.default_rng((config.rng_seed, _FOR_SHORT))
    long_enough = np.flatnonzero(answered.held_out.query.lengths >= 2)
    some = _some(long_enough, round(config.short_share * len(long_enough)), config)
    if len(some):
        # Without titles: a few songs are mostly asked with alone.
        yield replace(_shortened(answered.rows(some), rng), words=None)
    if split.recipe.in_order:
        yield from _further_ahead(answered, split.recipe, config)


def _some(rows: Int64Array, number: int, config: SecondStageConfig) -> Int64Array:
    """At most this many of the rows, drawn at random, ascending."""
    rng = np.random.default_rng((config.rng_seed, _FOR_ROWS))
    drawn: Int64Array = np.sort(rng.permutation(rows)[:number])
    return drawn


def _shortened(cases: _Cases, rng: np.random.Generator) -> _Cases:
    """The same cases with few tracks shown: the last ones if the order is known."""
    query = cases.held_out.query
    at_random = query.shuffled_positions(rng)
    place = np.where(np.repeat(cases.order_known, query.lengths), query.following(), at_random)
    shown = place < np.repeat(_log_uniform(query.lengths, rng), query.lengths)
    held_out = replace(cases.held_out, query=query.keep(shown))
    return replace(cases, held_out=held_out)


def _further_ahead(
    cases: _Cases, recipe: SplitRecipe, config: SecondStageConfig
) -> Iterator[_Cases]:
    """The cases of ordered playlists without the last of the tracks shown.

    Test tracks are up to `test_share` of a playlist ahead, validation tracks only half as far by
    default. A random number of tracks is left out to make up the difference.
    """
    share = (recipe.test_share - recipe.validation_share) / (
        1 - recipe.test_share - recipe.validation_share
    )
    lengths = cases.held_out.query.lengths
    most = np.minimum(np.rint(share * lengths).astype(np.int64), lengths - 1)
    rows = np.flatnonzero(cases.order_known & (most > 0))
    if not len(rows):
        return
    asked, most = cases.rows(rows), most[rows]
    query = asked.held_out.query
    left_out = np.random.default_rng((config.rng_seed, _FOR_AHEAD)).integers(1, most + 1)
    shown = query.following() >= np.repeat(left_out, query.lengths)
    yield replace(asked, held_out=replace(asked.held_out, query=query.keep(shown)))


def _log_uniform(lengths: Int64Array, rng: np.random.Generator) -> Int64Array:
    """A number from 1 to each length − 1, log-uniformly."""
    drawn = np.floor(np.exp(rng.random(len(lengths)) * np.log(lengths))).astype(np.int64)
    return np.clip(drawn, 1, lengths - 1)


def _pools(
    cases: _Cases, first_stage: FirstStage, maker: FeatureMaker, recency: Recency | None
) -> Iterator[_Pool]:
    """The best tracks of each case by the first stage."""
    query, held_out = cases.query(recency), cases.held_out
    size = min(POOL_SIZE, first_stage.num_tracks)
    pool, score = first_stage.best(query, size, excluded=held_out.known)
    for row in range(len(pool)):
        targets = held_out.targets[row]
        found = pool[row][pool[row] >= 0]
        features = maker.features(query.rows(slice(row, row + 1)), found, score[row, : len(found)])
        playlist = int(held_out.playlist_index[row])
        yield _Pool(features, np.isin(found, targets), len(targets), playlist)
