"""The second stage: gradient-boosted trees that reorder the best tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Catalog, Float32Array, Int32Array, Int64Array
from segue.errors import ArtefactError
from segue.scoring.features import FEATURES, FeatureMaker
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
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
    on. So scores keep their scale, and tracks outside the pool keep their rank. A list for either
    question keeps its order: odds under both questions, added up, gained nothing there.

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
        self.pool_size = pool_size
        every = trees.num_trees, trees.num_trees
        numbers = every if questions.num_trees is None else questions.num_trees
        self._trees = {asks: trees.first(number) for asks, number in enumerate(numbers) if number}
        self.maker = FeatureMaker(first_stage, catalog, popularity)

    def answers(self, query: Query) -> BoolArray:
        """Which lists are reordered, if they have a pool: bool [num_lists]."""
        answers: BoolArray = np.isin(_asks(query), list(self._trees))
        return answers & (query.tracks.lengths > 0)

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
        answered = self.answers(query) & (pool[:, 0] >= 0)
        if not answered.any():
            return score
        reordered = score.copy()
        for code, trees in self._trees.items():
            rows = np.flatnonzero(answered & (_asks(query) == code))
            for start in range(0, len(rows), _BATCH_LISTS):
                some = rows[start : start + _BATCH_LISTS]
                asked = query if len(some) == len(query) else query.rows(some)
                pools = (tracks[tracks >= 0] for tracks in pool[some])
                features = list(self.maker.features(asked, pools))
                odds = trees.predict(np.concatenate(features))
                ends = np.cumsum([len(of_list) for of_list in features])
                for row, of_list in zip(some, np.split(odds, ends[:-1]), strict=True):
                    best_first = np.argsort(-of_list, kind="stable")
                    reordered[row, best_first] = score[row, : len(of_list)]
        return reordered


def _asks(query: Query) -> NDArray[np.int8]:
    """What each list asks: int8 [num_lists]."""
    return np.zeros(len(query), dtype=np.int8) if query.asks is None else query.asks
