"""How much a title counts beside tracks, chosen on playlists whose titles training did not see.

The weights that training learns for words are too high for titles that it has not seen: in the end
each word has adapted to the tracks of its own few playlists. Which word counts more than another is
learned well, but not the scale of all, so that is chosen on validation, for one track up to many;
then that of the odds of words, for a title alone, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segue.bundle import Terms
from segue.data.playlists import Float32Array, TrackLists
from segue.evaluation.ranking import rank
from segue.graph.split import HeldOut, Split
from segue.metrics import METRICS, Rankings
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.word_odds import WordOdds
from segue.training.word_odds import USUAL_ODDS

# The name of the odds among the terms of a score.
_ODDS = "words"
# What titles must not make worse: the top of a list, and its depth.
_JUDGED_BY = tuple(
    each for each in METRICS if each.name in ("ndcg@20", "r-precision", "recall@300")
)
# Numbers of tracks shown beside the title, and scales tried for each: of vectors as they are, of
# odds in the unit given. A title alone needs its vectors, whatever their scale.
_SHOWN, _SHOWN_WITH_ODDS = (1, 2, 5, 10, 25), (0, 1, 2, 5, 10, 25)
_SCALES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0)
# A loss this small, as a share, is taken for chance.
_CHANCE = 0.001
# What stands for 0 where a scale is a logarithm.
_SMALLEST = 0.01
_FACTORS = np.geomspace(0.03, 3, 21)
_GROWTHS = np.arange(-0.5, 1.01, 0.125)
_ODDS_UNIT, _ODDS_GROWTHS = 0.05, np.arange(-1.5, 0.51, 0.125)
# See `num_judged`.
_MOST_PLAYLISTS, _FEW_PLAYLISTS, _FEWEST_PLAYLISTS = 1000, 200, 50
_MANY_SCORES, _MOST_SCORES = 10_000_000, 200_000_000
_FOR_SHOWN = 1


@dataclass(frozen=True)
class TitleScale:
    """What the learned weights of words are multiplied by, and the odds of words.

    Attributes
    ----------
    factor
        Above 0, as a title without songs needs its words; next to nothing where titles make lists
        worse.
    growth
        As in `segue.scoring.centroid.Words`.
    odds, odds_growth
        Scale and growth as in `segue.scoring.word_odds.WordOdds`; 0 where odds add nothing.
    """

    factor: float
    growth: float
    odds: float = 0.0
    odds_growth: float = 0.0

    def scaled(self, weight: Float32Array) -> tuple[Float32Array, Float32Array]:
        """The weights of words, and the growth as bundles store it."""
        return np.float32(self.factor) * weight, np.array([self.growth], dtype=np.float32)

    def terms(self, terms: Terms) -> Terms:
        """The terms of a score with this scale of the odds; without them where they add nothing."""
        if _ODDS not in terms:
            return terms
        if not self.odds:
            return {name: arrays for name, arrays in terms.items() if name != _ODDS}
        odds = WordOdds.from_arrays(terms[_ODDS]).scaled(self.odds, self.odds_growth)
        return {**terms, _ODDS: odds.arrays()}


@dataclass(frozen=True, eq=False)
class _Asked:
    """Scores held-out rows with the words of their titles."""

    first_stage: FirstStage
    words: TrackLists

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        words = self.words.rows(held_out.playlist_index)
        return self.first_stage.scores(Query(held_out.query, words=words))


@dataclass(frozen=True, eq=False)
class Gains:
    """What a title adds beside some number of tracks, as a share of what lists have without it.

    Attributes
    ----------
    mean, error : float64 [num_scales, num_metrics]
        Over the playlists, with the standard error of that mean.
    """

    mean: NDArray[np.float64]
    error: NDArray[np.float64]

    @classmethod
    def of(cls, judged: NDArray[np.float64]) -> Gains:
        """From float64 [num_scales, num_metrics, num_playlists], of which the first is without."""
        without = np.maximum(judged[0].mean(axis=1), 1e-9)
        gain = judged - judged[0]
        error = gain.std(axis=2) / np.sqrt(gain.shape[2])
        return cls(gain.mean(axis=2) / without, error / without)

    def at(self, scale: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Both at any scale, between those tried straight lines in its logarithm: [num_metrics]."""
        place = np.log(max(scale, _SMALLEST))
        tried = np.log(np.maximum(_SCALES, _SMALLEST))
        mean, error = (
            np.array([np.interp(place, tried, column) for column in values.T])
            for values in (self.mean, self.error)
        )
        return mean, error


# Beside songs titles then count next to nothing.
NO_SCALE = TitleScale(factor=0.001, growth=0.0)
# Where validation has too few such playlists: what was chosen on real ones (docs/titles.md).
USUAL_SCALE = TitleScale(0.08, 0.85, *USUAL_ODDS)


def fit_title_scale(split: Split, first_stage: FirstStage) -> TitleScale | None:
    """The scales by which titles help most, and nowhere harm: of the vectors, then of the odds.

    What counts is the gain less its standard error over the playlists: a large scale often helps
    some lists as much as it harms others.

    Parameters
    ----------
    split
    first_stage
        Trained on the split's training graph, with words.

    Returns
    -------
    TitleScale or None
        `USUAL_SCALE` if validation has too few playlists with a title that training did not see;
        None for a model without words.
    """
    words = first_stage.centroid.words
    if words is None or "word" not in split.graph.playlists.relations:
        return None
    odds = first_stage.term(WordOdds)
    others = tuple(term for term in first_stage.further if term is not odds)

    def with_vectors(scale: float, growth: float = 0.0) -> FirstStage:
        scaled = replace(words, weight=np.float32(scale) * words.weight, growth=growth)
        centroid = replace(first_stage.centroid, words=scaled)
        return replace(first_stage, centroid=centroid, further=others)

    gains = _gains(split, with_vectors, _SHOWN)
    if not gains:
        return USUAL_SCALE
    chosen = _best(gains, _GROWTHS) or NO_SCALE
    if odds is None:
        return chosen
    vectors = with_vectors(chosen.factor, chosen.growth)

    def with_odds(scale: float) -> FirstStage:
        return replace(vectors, further=(*others, odds.scaled(_ODDS_UNIT * scale, 0.0)))

    best = _best(_gains(split, with_odds, _SHOWN_WITH_ODDS), _ODDS_GROWTHS)
    if best is None:
        return chosen
    return replace(chosen, odds=_ODDS_UNIT * best.factor, odds_growth=best.growth)


def _gains(
    split: Split, scaled: Callable[[float], FirstStage], shown: tuple[int, ...]
) -> dict[int, Gains]:
    """The gains of the scales by the number of tracks shown, where enough playlists tell."""
    titled = split.graph.playlists.relations["word"]
    titles = TrackLists(titled.offsets, titled.target_index)
    stages = [_Asked(scaled(scale), titles) for scale in _SCALES]
    gains = {}
    for number in shown:
        held_out = _with_tracks(split, number, stages[0].first_stage.num_tracks)
        if len(held_out.query) >= _FEWEST_PLAYLISTS:
            rankings = (rank(asked, held_out, split.train, list_length=0) for asked in stages)
            gains[number] = Gains.of(np.array([_judged(each) for each in rankings]))
    return gains


def num_judged(num_tracks: int) -> int:
    """How many playlists judge each scale, for each number of tracks shown, at most.

    1,000; fewer where there are more than 10,000 tracks to score, but 200 up to a million tracks,
    and 100 from two million on.
    """
    many, most = (scores // max(num_tracks, 1) for scores in (_MANY_SCORES, _MOST_SCORES))
    # Every second one may be passed over, and enough be left to say anything.
    return min(_MOST_PLAYLISTS, max(many, min(_FEW_PLAYLISTS, most), 2 * _FEWEST_PLAYLISTS))


def _judged(rankings: Rankings) -> NDArray[np.float64]:
    """What each playlist is judged by: float64 [num_metrics, num_playlists]."""
    return np.array([metric.function(rankings) for metric in _JUDGED_BY], dtype=np.float64)


def _with_tracks(split: Split, number: int, num_tracks: int) -> HeldOut:
    """Validation rows with unseen titles, of which that many tracks are shown; few at random."""
    held_out = split.unseen_titles
    if split.recipe.kind == "playlists":
        held_out = HeldOut.of_new_playlists(
            held_out.query.joined(held_out.targets), number, held_out.playlist_index
        )
    else:
        rng = np.random.default_rng((split.recipe.rng_seed, _FOR_SHOWN, number))
        shown = held_out.query.shuffled_positions(rng) < number
        held_out = replace(held_out, query=held_out.query.keep(shown))
    rows = np.flatnonzero((held_out.query.lengths == number) & (held_out.targets.lengths > 0))
    most = num_judged(num_tracks)
    return held_out.rows(rows[:: -(-len(rows) // most) or 1])


def _best(gains: Mapping[int, Gains], growths: NDArray[np.float64] = _GROWTHS) -> TitleScale | None:
    """The factor and growth with the largest sum of gains less their errors.

    Of those that harm nowhere: at no number of tracks, by no metric. None if none gains anything.
    """
    best, most = None, 0.0
    for factor in _FACTORS.tolist():
        for growth in growths.tolist():
            found = [of.at(factor * (1 + number) ** growth) for number, of in gains.items()]
            worth = float(sum((mean - error).sum() for mean, error in found))
            if worth > most and min(mean.min() for mean, _ in found) >= -_CHANCE:
                best, most = TitleScale(factor, growth), worth
    return best
