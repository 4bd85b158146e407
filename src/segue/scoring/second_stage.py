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
from segue.scoring.query import Query
from segue.scoring.trees import Trees

# Number of tracks of each list that are reordered.
POOL_SIZE = 200


class SecondStage:
    """Reorders the best tracks of a list, using what a sum over its tracks cannot express.

    Gradient-boosted trees (G. Ke and others: "LightGBM: A Highly Efficient Gradient Boosting
    Decision Tree", NIPS 2017) estimate for each track of a pool, the best by the first stage, the
    odds that it belongs to the list, from the features of `segue.scoring.features`. The track with
    the best odds then gets the highest score in the pool, the next one the second highest, and so
    on. So scores keep their scale, and tracks outside the pool keep their rank.

    Parameters
    ----------
    model : dict of arrays
        Those of `segue.scoring.trees.Trees`.
    first_stage
    catalog
    popularity : int64 [num_tracks]
    pool_size
        Number of tracks of each list that are reordered.

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
    ) -> None:
        try:
            self._trees = Trees.from_arrays(model)
        except (TypeError, ValueError) as error:
            raise ArtefactError(f"the second stage cannot be read ({error})") from error
        num_features = int(self._trees.num_features[0])
        if num_features != len(FEATURES):
            raise ArtefactError(
                f"the second stage has {num_features} features, expected {len(FEATURES)}: it was "
                "made by another version of Segue, so train again"
            )
        self.pool_size = pool_size
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
        answered = np.flatnonzero((query.tracks.lengths > 0) & (pool[:, 0] >= 0))
        if not len(answered):
            return score
        sizes = (pool[answered] >= 0).sum(axis=1)
        features = [
            self.maker.features(
                query if len(query) == 1 else query.rows(slice(row, row + 1)),
                pool[row, :size],
                score[row, :size],
            )
            for row, size in zip(answered.tolist(), sizes.tolist(), strict=True)
        ]
        odds = self._trees.predict(np.concatenate(features))
        reordered = score.copy()
        for row, part in zip(answered, np.split(odds, np.cumsum(sizes)[:-1]), strict=True):
            reordered[row, np.argsort(-part, kind="stable")] = score[row, : len(part)]
        return reordered
