"""A bundle as it is measured: scoring held-out tracks exactly as in serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from segue.bundle import Bundle, MeasuredVectors
from segue.data.playlists import Float32Array
from segue.graph.split import HeldOut, Split
from segue.scoring.questions import Question, Questions, asks_of
from segue.scoring.two_stages import TwoStages
from segue.training.cases import Cases


@dataclass(frozen=True, eq=False)
class SystemScorer:
    """Scores held-out tracks like `segue.recommend.recommender.Recommender`.

    Attributes
    ----------
    stages
    split
        Says for which playlists the order is known, and their titles.
    question
        What all playlists ask; None: each the question that its held-out tracks answer.
    titles
        Whether queries have the words of a playlist's title, where the model has learned words.
    variety
        As for all lists, see `segue.Recommender`.
    """

    stages: TwoStages
    split: Split
    question: Question | None = None
    titles: bool = True
    variety: float = 0.0

    @classmethod
    def of_bundle(
        cls,
        bundle: Bundle,
        split: Split,
        question: Question | None = None,
        variety: float = 0.0,
    ) -> SystemScorer:
        """The scorer that a bundle's metrics were measured with."""
        if bundle.measured is not None:
            bundle.measured.check()
        questions = Questions.from_json(bundle.questions)
        vectors = bundle.measured or bundle
        system = cls.of_vectors(vectors, bundle.second_stage, split, questions, question)
        return replace(system, variety=variety)

    @classmethod
    def of_vectors(
        cls,
        vectors: Bundle | MeasuredVectors,
        second_stage: Mapping[str, NDArray[Any]] | None,
        split: Split,
        questions: Questions = Questions(),  # noqa: B008 - frozen
        question: Question | None = None,
    ) -> SystemScorer:
        """From vectors, further terms, the arrays of a second stage and what questions need."""
        stages = TwoStages.of(vectors, split.train.catalog, second_stage, questions)
        return cls(stages, split, question)

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        """Scores of all tracks: float32 [num_rows, num_tracks]."""
        titles = self.titles and self.stages.first.centroid.words is not None
        cases = Cases.of(self.split, held_out, titles=titles)
        if self.question is not None:
            asks = asks_of(self.question, self.split.order_known(held_out))
            cases = replace(cases, asks=asks)
        return self.stages.scores(cases.query(self.stages.questions), self.variety)
