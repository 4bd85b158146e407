"""How much more the last tracks of ordered playlists count, chosen on validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Float32Array
from segue.evaluation.ranking import rank
from segue.evaluation.validation import BEST_BY
from segue.graph.split import HeldOut, Split
from segue.metrics import METRICS
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import NEXT
from segue.scoring.questions import Questions
from segue.scoring.recency import Recency
from segue.training.cases import Cases, further_ahead

# What is tried; the first has no emphasis.
RECENCIES = (
    Recency(0.0, 1.0),
    *(Recency(*both) for both in product((1.0, 2.0, 4.0, 8.0, 16.0), (1.0, 3.0, 8.0))),
)
# Scores computed for each, and the fewest and most playlists.
_MOST_SCORES, _FEWEST_PLAYLISTS, _MOST_PLAYLISTS = 8_000_000, 50, 600
_JUDGED_BY = next(metric for metric in METRICS if metric.name == BEST_BY)


@dataclass(frozen=True, eq=False)
class _Asked:
    """Scores held-out rows, all with one emphasis."""

    first_stage: FirstStage
    split: Split
    recency: Recency

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        titles = self.first_stage.centroid.words is not None
        cases = Cases.of(self.split, held_out, titles=titles)
        cases = replace(cases, asks=np.full(len(cases), NEXT, dtype=np.int8))
        return self.first_stage.scores(cases.query(Questions(next=self.recency)))


def fit_recency(split: Split, first_stage: FirstStage) -> Questions:
    """How much more the last tracks count, for each question.

    For what comes next it is the best on validation, by nDCG@20. For lists for either it is where
    the worse off of both questions loses least, compared with being asked by itself.

    Parameters
    ----------
    split
    first_stage
        Trained on the split's training graph.

    Returns
    -------
    Questions
        With defaults for what too few playlists of validation ask.
    """
    usual, num_tracks = Questions(), first_stage.num_tracks
    most = min(_MOST_PLAYLISTS, max(_MOST_SCORES // max(num_tracks, 1), _FEWEST_PLAYLISTS))

    def spread(rows: HeldOut) -> HeldOut:
        return rows.rows(slice(None, None, -(-len(rows.query) // most) or 1))

    def values(*parts: HeldOut) -> NDArray[np.float64]:
        """The figure of each of `RECENCIES`, over all rows of some parts: float64."""
        found = np.zeros(len(RECENCIES))
        for part in parts:
            for place, recency in enumerate(RECENCIES):
                scorer = _Asked(first_stage, split, recency)
                ranks = rank(scorer, part, split.train, list_length=0)
                found[place] += len(part.query) * _JUDGED_BY.value(ranks)
        return found / sum(len(part.query) for part in parts)

    in_order = split.validation.asking("next")
    if len(in_order.query) < _FEWEST_PLAYLISTS:
        return usual
    in_order = spread(in_order)
    ahead = further_ahead(in_order, split.recipe)
    following = values(*(part for part in (in_order, ahead) if len(part.query)))
    chosen = replace(usual, next=RECENCIES[int(following.argmax())])
    fitting = split.validation.asking("fit")
    ordered = np.flatnonzero(split.order_known(fitting))
    if len(ordered) >= _FEWEST_PLAYLISTS:
        fitting = fitting.rows(ordered)
    if len(fitting.query) < _FEWEST_PLAYLISTS:
        return chosen
    as_a_whole = values(spread(fitting))
    shares = as_a_whole / max(as_a_whole[0], 1e-9), following / max(following.max(), 1e-9)
    worse_off = np.minimum(*shares)
    return replace(chosen, either=RECENCIES[int(worse_off.argmax())])
