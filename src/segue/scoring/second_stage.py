"""The second stage: gradient-boosted trees that reorder the best tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Catalog, Float32Array, Int32Array, Int64Array
from segue.errors import ArtefactError
from segue.scoring.features import FEATURES, FeatureMaker
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import EITHER, FIT, NEXT, Query
from segue.scoring.questions import Questions
from segue.scoring.trees import Trees

# Number of tracks of each list that are reordered.
POOL_SIZE = 200
# Lists whose features are in memory at a time, a few MiB.
_BATCH_LISTS = 128


class SecondStage:
    """Reorders the best tracks of a list, using what a sum over its tracks cannot express.

    Gradient-boosted trees (G. Ke and others: "LightGBM: A Highly Efficient Gradient Boosting
    Decision Tree", NIPS 2017) estimate for each track of a pool, the best by the first stage, the
    odds that it belongs to the list, from the features of `segue.scoring.features`. The track with
    the best odds then gets the highest score in the pool, the next one the second highest, and so
    on. So scores keep their scale, and tracks outside the pool keep their rank. Of a list for
    either question the odds are estimated for both, and what counts is their weighted sum.

    Parameters
    ----------
    model : dict of arrays
        Those of `segue.scoring.trees.Trees`.
    first_stage
    catalog
    popularity : int64 [num_tracks]
    pool_size
        Number of tracks of each list that are reordered.
    questions
        How many trees each question uses.

    Raises
    ------
    ArtefactError
        If the model does not consist of trees, or has other features.
    """

    def __init__(
        self,
        model: Mapping[str, NDArray[Any]],
        first_stage: FirstStage,
        catalog: Catalog,
        popularity: Int64Array,
        pool_size: int = POOL_SIZE,
        questions: Questions = Questions(),  # noqa: B008 - frozen
    ) -> None:
        try:
            trees = Trees.from_arrays(model)
        except (TypeError, ValueError) as error:
            raise ArtefactError(f"the second stage cannot be read ({error})") from error
        num_features = int(trees.num_features[0])
        if num_features != len(FEATURES):
            raise ArtefactError(
                f"the second stage has {num_features} features, expected {len(FEATURES)}: it was "
                "made by another version of Segue, so train again"
            )
        self.pool_size, self.questions = pool_size, questions
        every = trees.num_trees, trees.num_trees
        self._num_trees = every if questions.num_trees is None else questions.num_trees
        # A list for either needs both odds, even where the first stage answers one question alone.
        most = max(self._num_trees)
        self._trees = {
            asks: trees.first(number or most) for asks, number in enumerate(self._num_trees) if most
        }
        self.maker = FeatureMaker(first_stage, catalog, popularity)

    def reordered(self, query: Query, pool: Int32Array, score: Float32Array) -> Float32Array:
        """The scores of some pools, reassigned to their tracks in the order of this stage.

        Parameters
        ----------
        query
        pool : int32 [num_lists, width]
            The best tracks of each list, best first, padded with −1.
        score : float32 [num_lists, width]
            Scores of the first stage, at dial 0; padded with −inf.

        Returns
        -------
        float32 [num_lists, width]
            Shaped like `pool`: each row is a permutation of its scores. A list without tracks keeps
            its order.
        """
        asks = np.zeros(len(query), np.int8) if query.asks is None else query.asks
        either = max(self._num_trees) if any(self.questions.weights) else 0
        answers = np.array([self._num_trees[FIT], self._num_trees[NEXT], either]) > 0
        answered = (query.tracks.lengths > 0) & (pool[:, 0] >= 0) & answers[asks]
        if not answered.any():
            return score
        rows = np.flatnonzero(answered)
        reordered, weights = score.copy(), np.array(self.questions.weights)
        for start in range(0, len(rows), _BATCH_LISTS):
            some = rows[start : start + _BATCH_LISTS]
            for row, odds in zip(some.tolist(), self.odds(query, pool, some), strict=True):
                by = odds[0] if len(odds) == 1 else weights @ np.exp(odds)
                reordered[row, np.argsort(-by, kind="stable")] = score[row, : len(by)]
        return reordered

    def odds(self, query: Query, pool: Int32Array, rows: Int64Array) -> list[NDArray[np.float64]]:
        """Logarithms of the odds that tracks of some pools belong to their lists.

        Parameters
        ----------
        query, pool
            As for `reordered`.
        rows : int64 [num_rows]
            For which lists; there must be trees for what they ask.

        Returns
        -------
        list of float64 [num_questions, size]
            For each of the rows, in the order of its pool: by the question that it asks, for either
            by what fits and by what comes next.
        """
        features: dict[int, list[Float32Array]] = {FIT: [], NEXT: []}
        asked = []
        for row in rows.tolist():
            one = query if len(query) == 1 else query.rows(slice(row, row + 1))
            found = pool[row][pool[row] >= 0]
            codes = (FIT, NEXT) if one.asked(0) == EITHER else (one.asked(0),)
            asked.append(codes)
            of_row = self.maker.asked(one, codes, found, self.questions)
            for code, some in zip(codes, of_row, strict=True):
                features[code].append(some)
        predicted = {code: iter(self._of_each(code, some)) for code, some in features.items()}
        return [np.stack([next(predicted[code]) for code in codes]) for codes in asked]

    def _of_each(self, asks: int, features: list[Float32Array]) -> list[NDArray[np.float64]]:
        """What the trees predict for the features of each of some lists."""
        if not features:
            return []
        odds = self._trees[asks].predict(np.concatenate(features))
        return np.split(odds, np.cumsum([len(some) for some in features])[:-1])
