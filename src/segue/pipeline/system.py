"""A whole system measured as it answers: with the order of a playlist, and a second stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.bundle import Bundle, MeasuredVectors
from segue.data.playlists import Float32Array
from segue.graph.split import HeldOut, Split
from segue.scoring.first_stage import top_tracks
from segue.scoring.recency import Recency
from segue.scoring.scorer import CentroidScorer
from segue.scoring.second_stage import SecondStage
from segue.scoring.terms import load_terms
from segue.training.second_stage import Questions


@dataclass(frozen=True, eq=False)
class SystemScorer:
    """Scores held-out tracks as `segue.recommend.recommender.Recommender` ranks them.

    Attributes
    ----------
    scorer
        The first stage.
    split
        Tells of which playlists the order is known, where that says anything.
    second_stage : SecondStage or None
    recency : Recency or None
    """

    scorer: CentroidScorer
    split: Split
    second_stage: SecondStage | None = None
    recency: Recency | None = Recency()  # noqa: RUF009

    @classmethod
    def of_bundle(cls, bundle: Bundle, split: Split) -> SystemScorer:
        """What a bundle's metrics were measured with."""
        measured = bundle.measured or MeasuredVectors(
            bundle.track_vectors, bundle.query_weight, bundle.popularity, bundle.terms
        )
        return cls.of_vectors(measured, bundle.second_stage, split)

    @classmethod
    def of_vectors(
        cls, vectors: MeasuredVectors, second_stage: str | None, split: Split
    ) -> SystemScorer:
        """From vectors, further terms and the text of a second stage."""
        catalog = split.train.catalog
        scorer = CentroidScorer(
            vectors.track_vectors,
            vectors.query_weight,
            vectors.popularity,
            catalog.main_artist,
            load_terms(vectors.terms, catalog.num_tracks).get("wide"),
        )
        stage = None
        if second_stage is not None:
            stage = SecondStage(second_stage, scorer, catalog, vectors.popularity)
        return cls(scorer, split, stage)

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        """Scores of all tracks: float32 [num_rows, num_tracks]."""
        query = Questions.of(held_out, self.split).query(self.recency)
        scores = self.scorer.scores(query)
        if self.second_stage is not None:
            size = min(self.second_stage.pool_size, scores.shape[1])
            pool, score = top_tracks(scores.copy(), held_out.query, size)
            dealt = self.second_stage.scores(query, pool, score)
            row, place = np.nonzero(pool >= 0)
            scores[row, pool[row, place]] = dealt[row, place]
        return scores
