"""A bundle as it is measured: scoring held-out tracks exactly as in serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from segue.bundle import Bundle, MeasuredVectors
from segue.data.playlists import Float32Array
from segue.graph.split import HeldOut, Split
from segue.scoring.recency import Recency, query_of
from segue.scoring.two_stages import TwoStages


@dataclass(frozen=True, eq=False)
class SystemScorer:
    """Scores held-out tracks like `segue.recommend.recommender.Recommender`.

    Attributes
    ----------
    stages
    split
        Says for which playlists the order is known and meaningful, and their titles.
    recency : Recency or None
    titles
        Whether queries have the words of a playlist's title, where the model has learned words.
    """

    stages: TwoStages
    split: Split
    recency: Recency | None = Recency()  # noqa: RUF009
    titles: bool = True

    @classmethod
    def of_bundle(cls, bundle: Bundle, split: Split) -> SystemScorer:
        """The scorer that a bundle's metrics were measured with."""
        if bundle.measured is not None:
            bundle.measured.check()
        return cls.of_vectors(bundle.measured or bundle, bundle.second_stage, split)

    @classmethod
    def of_vectors(
        cls,
        vectors: Bundle | MeasuredVectors,
        second_stage: Mapping[str, NDArray[Any]] | None,
        split: Split,
    ) -> SystemScorer:
        """From vectors, further terms and the arrays of a second stage."""
        return cls(TwoStages.of(vectors, split.train.catalog, second_stage), split)

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        """Scores of all tracks: float32 [num_rows, num_tracks]."""
        order_known = self.split.order_known(held_out)
        words = None
        if self.titles and self.stages.first.centroid.words is not None:
            words = self.split.title_words(held_out)
        return self.stages.scores(query_of(held_out.query, order_known, self.recency, words))
