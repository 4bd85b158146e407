"""The second stage: gradient-boosted trees that reorder the best tracks."""

from __future__ import annotations

from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from segue.data.playlists import Catalog, Float32Array, Int32Array, Int64Array
from segue.errors import ArtefactError, ResourceError
from segue.extras import required
from segue.scoring.features import FEATURES, FeatureMaker
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query

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
    model
        In LightGBM's text format.
    first_stage
    catalog
    popularity : int64 [num_tracks]
    pool_size
        Number of tracks of each list that are reordered.

    Raises
    ------
    ResourceError
        If LightGBM is not installed or cannot be loaded.
    ArtefactError
        If the model cannot be read, or has other features.
    """

    def __init__(
        self,
        model: str,
        first_stage: FirstStage,
        catalog: Catalog,
        popularity: Int64Array,
        pool_size: int = POOL_SIZE,
    ) -> None:
        lightgbm = lightgbm_library()
        try:
            self._booster = lightgbm.Booster(model_str=model)
        except lightgbm.basic.LightGBMError as error:
            raise ArtefactError(f"the second stage cannot be read ({error})") from error
        if self._booster.num_feature() != len(FEATURES):
            raise ArtefactError(
                f"the second stage has {self._booster.num_feature()} features, expected "
                f"{len(FEATURES)}: it was made by another version of Segue, so train again"
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
        # One list is not worth sharing among threads; for many, use all that are granted.
        odds = self._booster.predict(
            np.concatenate(features),
            raw_score=True,
            num_threads=1 if len(answered) == 1 else granted_threads(),
        )
        reordered = score.copy()
        for row, part in zip(answered, np.split(odds, np.cumsum(sizes)[:-1]), strict=True):
            reordered[row, np.argsort(-part, kind="stable")] = score[row, : len(part)]
        return reordered


def lightgbm_library() -> Any:
    """LightGBM; ResourceError if it is not installed or cannot be loaded."""
    try:
        with required("a second stage"):
            import lightgbm
    except OSError as error:
        raise ResourceError(
            f"a second stage needs LightGBM, which cannot be loaded ({error}); where it is "
            "libgomp.so.1 that is missing: apt-get install libgomp1"
        ) from error
    return lightgbm


def granted_threads() -> int:
    """Number of threads that the environment grants to numerical libraries."""
    pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return max(pools, default=1)
