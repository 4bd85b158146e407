"""Training of the second stage, on the validation part of a split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from segue.data.csr import offsets_of
from segue.data.playlists import BoolArray, Float32Array, Int64Array
from segue.extras import lightgbm_library
from segue.graph.split import Split
from segue.scoring.features import FEATURES, FeatureMaker
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import FIT, NEXT
from segue.scoring.questions import Questions
from segue.scoring.second_stage import POOL_SIZE
from segue.scoring.trees import Trees
from segue.training.cases import Cases, cases_of
from segue.training.config import SecondStageConfig

# Purposes of generators: part of the seed, as NumPy pads seeds with zeros.
_FOR_FOLDS, _FOR_NEGATIVES = 3, 6
# Parts of the cross-validation, and the cutoff of the average precision that it compares.
_NUM_FOLDS, _CUTOFF = 2, 10
# Shares of the time, as measured with the defaults: the pools, the trees of the cross-validation,
# choosing their number, and the trees that are kept.
_WORK = {"pools": 0.47, "folds": 0.14, "choosing": 0.28, "last": 0.11}
_PLACE = FEATURES.index("place")
# Pools that trees are tried on at a time: so many rows look features up faster than one pool's.
_JUDGED_TOGETHER = 16


def train_second_stage(
    split: Split,
    first_stage: FirstStage,
    popularity: Int64Array,
    config: SecondStageConfig,
    questions: Questions = Questions(),  # noqa: B008 - frozen
    advance: Callable[[float], None] = lambda share: None,
) -> tuple[Trees | None, Questions]:
    """Learn from the validation part which of the first stage's best tracks belong to a list.

    Each case is a playlist with its validation tracks held out; the best tracks by the first stage,
    without known ones, are its examples. Test tracks among them count as negatives, which is what
    they look like. Cases ask what comes next where the last tracks of an ordered playlist are held
    out, else what fits: then its order is not looked at, as in serving. Some cases are repeated
    with few tracks of the playlist shown, so that a list of three songs is ordered as well as one
    of thirty; those that ask what comes next also without the tracks right before those held out,
    so that later tracks are found, too.

    Parameters
    ----------
    split
    first_stage
        Trained on the split's training graph.
    popularity : int64 [num_tracks]
        In that training graph.
    config
    questions
        As in serving, without a second stage.
    advance
        Called with the share of the work done since the last call; they sum to 1.

    Returns
    -------
    trees : Trees or None
        None if there are too few cases, or if the first stage alone does better in cross-validation
        over the playlists, whatever is asked.
    questions : Questions
        With the number of trees for each question.

    Raises
    ------
    ResourceError
        If LightGBM is not installed.
    """
    lightgbm_library()
    none = replace(questions, num_trees=(0, 0))
    cases = list(cases_of(split, config, titles=first_stage.centroid.words is not None))
    if not cases or len(cases[0]) < config.min_questions:
        return None, none
    maker = FeatureMaker(first_stage, split.train.catalog, popularity)
    pools: list[_Pool] = []
    for part in cases:
        for pool in _pools(part, first_stage, maker, questions):
            pools.append(pool)
            advance(_WORK["pools"] / sum(map(len, cases)))
    # All cases of a playlist are in the same fold.
    rng = np.random.default_rng((config.rng_seed, _FOR_FOLDS))
    fold = rng.permutation(len(split.train.playlists)) % _NUM_FOLDS
    of_pool, asks = fold[[pool.playlist for pool in pools]], np.array([pool.asks for pool in pools])
    value = np.zeros((len(pools), 1 + len(config.num_trees)))

    def tree(share: float) -> Callable[[Any], None]:
        return lambda _: advance(share)

    each = tree(_WORK["folds"] / (_NUM_FOLDS * config.num_trees[-1]))
    for held_out in range(_NUM_FOLDS):
        seen = [pools[at] for at in np.flatnonzero(of_pool != held_out)]
        fewer = replace(config, max_rows=round(config.max_rows * len(seen) / len(pools)))
        model = trees_of(_boosted(seen, fewer, config.num_trees[-1], each))
        others = np.flatnonzero(of_pool == held_out)
        asked = [pools[at] for at in others.tolist()]
        value[others] = _average_precision(model, asked, config.num_trees)
        advance(_WORK["choosing"] / _NUM_FOLDS)
    # One number of trees, as that of one question alone would be chosen on less; each question has
    # them or does without, whatever is better for it.
    gain = np.stack([_sure_gain(value[asks == code]) for code in (FIT, NEXT)])
    best = int(gain.clip(min=0).sum(axis=0).argmax())
    helps = gain[:, best] > 0
    if not helps.any():
        return None, none
    number = config.num_trees[best - 1]
    questions = replace(questions, num_trees=tuple((number * helps).tolist()))
    booster = _boosted(pools, config, number, tree(_WORK["last"] / number))
    return trees_of(booster), questions


def _sure_gain(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """What numbers of trees add for one question in all, less its standard error.

    `value` is float64 [num_pools, 1 + num_choices], without trees first, and so is the result,
    summed over the pools. A gain that chance may have made is more often none elsewhere.
    """
    if not len(value):
        return np.zeros(value.shape[1])
    gain = value - value[:, :1]
    sure: NDArray[np.float64] = gain.sum(axis=0) - gain.std(axis=0) * np.sqrt(len(gain))
    return sure


@dataclass(frozen=True, eq=False)
class _Pool:
    """The best tracks for one case, best first.

    `features` (float32 [size, num_features]), `belongs` (bool [size]: which are targets),
    `num_targets` of the case, found or not, its `playlist`, and what it `asks`.
    """

    features: Float32Array
    belongs: BoolArray
    num_targets: int
    playlist: int
    asks: int


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
        # The same trees for any number of threads (docs/reliability.md).
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
    model: Trees, pools: list[_Pool], num_trees: tuple[int, ...]
) -> NDArray[np.float64]:
    """Average precision at 10 of each pool: float64 [num_pools, 1 + len(num_trees)].

    With no trees, then by number of trees.
    """
    value = np.zeros((len(pools), 1 + len(num_trees)))
    for start in range(0, len(pools), _JUDGED_TOGETHER):
        some = pools[start : start + _JUDGED_TOGETHER]
        odds = model.predict_first(np.concatenate([pool.features for pool in some]), num_trees)
        odds = np.pad(odds, ((0, 0), (1, 0)))  # without trees all are equal
        of_pools = np.split(odds, np.cumsum([len(pool.belongs) for pool in some])[:-1])
        for row, (pool, of_pool) in enumerate(zip(some, of_pools, strict=True), start):
            value[row] = _precision(pool.belongs, of_pool.T, pool.num_targets)
    return value


def _precision(
    belongs: BoolArray, odds: NDArray[np.float64], num_targets: int
) -> NDArray[np.float64]:
    """Average precision at 10 of one pool in several orders: float64 [num_orders].

    `odds` are float64 [num_orders, size]; ties stay as they are.
    """
    hits = belongs[np.argsort(-odds, axis=1, kind="stable")[:, :_CUTOFF]]
    precision = hits * hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    found: NDArray[np.float64] = precision.sum(axis=1) / min(_CUTOFF, num_targets)
    return found


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


def _pools(
    cases: Cases, first_stage: FirstStage, maker: FeatureMaker, questions: Questions
) -> Iterator[_Pool]:
    """The best tracks of each case by the first stage."""
    query, held_out = cases.query(questions), cases.held_out
    size = min(POOL_SIZE, first_stage.num_tracks)
    best, _ = first_stage.best(query, size, excluded=held_out.known)
    pools = [pool[pool >= 0] for pool in best]
    of_lists = maker.features(query, pools)
    for row, (found, features) in enumerate(zip(pools, of_lists, strict=True)):
        targets = held_out.targets[row]
        # In the order of a score that is the same on every processor, for rows are drawn by place.
        order = np.argsort(features[:, _PLACE])
        belongs = np.isin(found[order], targets)
        playlist, asks = int(held_out.playlist_index[row]), int(cases.asks[row])
        yield _Pool(features[order], belongs, len(targets), playlist, asks)
