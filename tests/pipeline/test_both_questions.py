"""On playlists in order, no part of the flagship makes an answer to either question worse."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from segue.bundle import Bundle
from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.evaluation.evaluate import evaluate
from segue.evaluation.ranking import rank
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split
from segue.metrics import ndcg
from segue.pipeline.recipes import split as split_by_default
from segue.pipeline.system import SystemScorer
from segue.pipeline.train import train
from segue.recommend.recommender import Recommender
from segue.scoring.factors import Factors
from segue.scoring.first_stage import FirstStage
from segue.scoring.popularity import Popularity, PopularityWeights
from segue.scoring.query import Query
from segue.scoring.questions import Questions
from segue.scoring.recency import Recency
from segue.scoring.second_stage import SecondStage
from segue.scoring.wide import WidePart
from segue.training.config import SecondStageConfig, SystemConfig
from segue.training.factors import FactorsConfig
from segue.training.terms import WideConfig

pytest.importorskip("lightgbm", reason="the extra train is not installed")
NUM_SCENES, TRACKS_EACH, NUM_PLAYLISTS, LENGTH = 12, 30, 600, 20
QUESTIONS = ("fit", "next")


@pytest.fixture(scope="module")
def split() -> Split:
    """Each playlist wanders over a ring of scenes: what comes next is near its end."""
    rng = np.random.default_rng(4)
    num_tracks, num_artists = NUM_SCENES * TRACKS_EACH, NUM_SCENES * 6
    popularity = rng.pareto(2.0, num_tracks) + 0.3
    lists = []
    for _ in range(NUM_PLAYLISTS):
        scene, held = int(rng.integers(NUM_SCENES)), []
        while len(held) < LENGTH:
            scene = (scene + int(rng.random() < 0.12)) % NUM_SCENES
            tracks = np.arange(scene * TRACKS_EACH, (scene + 1) * TRACKS_EACH)
            tracks = np.setdiff1d(tracks, held)
            chance = popularity[tracks] / popularity[tracks].sum()
            held.append(int(rng.choice(tracks, p=chance)))
        lists.append(held)
    ids = [pa.array(np.arange(n).astype(str)) for n in (num_tracks, num_artists, 0)]
    artist = np.arange(num_tracks) // TRACKS_EACH * 6 + np.arange(num_tracks) % 6
    catalog = Catalog.of_columns(
        *(column for column in ids for _ in range(2)),
        artist.astype(np.int32),
        np.full(num_tracks, -1, dtype=np.int32),
    )
    rows = pa.array(np.arange(NUM_PLAYLISTS).astype(str))
    in_order = np.ones(NUM_PLAYLISTS, dtype=bool)
    playlists = Playlists(rows, rows, in_order, TrackLists.from_lists(lists))
    return split_by_default(PlaylistGraph(playlists, catalog, {}))


@pytest.fixture(scope="module")
def bundle(split) -> Bundle:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    config = SecondStageConfig(
        num_trees=(10, 40), learning_rate=0.1, min_leaf=200, min_questions=100, num_leaves=7
    )
    system = SystemConfig({"wide": WideConfig(num_neighbours=30)}, config)
    found = train(
        split, dim=16, epochs=8, relations=("artist",), system=system, refit=False, device="cpu"
    )
    torch.set_num_threads(threads)
    return found


@pytest.fixture(scope="module")
def whole(bundle, split) -> SystemScorer:
    return SystemScorer.of_bundle(bundle, split)


def values(scorer: SystemScorer, question: str) -> np.ndarray:
    """nDCG@20 of each test playlist that asks a question."""
    rows = scorer.split.test.asking(question)
    return ndcg(rank(scorer, rows, scorer.split.train, list_length=0).ranks, 20)


def in_doubt(found: np.ndarray, without: np.ndarray) -> float:
    """Two standard errors of the mean difference: what chance may make of it."""
    return 2 * float((found - without).std()) / np.sqrt(len(found))


def worse(found: np.ndarray, without: np.ndarray) -> bool:
    """By more than chance."""
    return (found - without).mean() < -in_doubt(found, without)


def changed(scorer: SystemScorer, **stages: Any) -> SystemScorer:
    return replace(scorer, stages=replace(scorer.stages, **stages))


def other_terms(first: FirstStage, kind: type, *instead: Any) -> FirstStage:
    """Without the further term of a class, and with others in its place."""
    further = (term for term in first.further if not isinstance(term, kind))
    return replace(first, further=(*further, *instead))


def factors_of(whole: SystemScorer) -> Factors:
    return FactorsConfig(dim=16).fit(whole.split.train)


def with_factors(whole: SystemScorer, factors: Factors) -> FirstStage:
    return other_terms(whole.stages.first, Factors, factors)


def by_part(whole: SystemScorer) -> dict[str, tuple[SystemScorer, SystemScorer]]:
    """With and without each part; the first stage alone for those that belong to it."""
    stages, first = whole.stages, changed(whole, second=None)
    even = replace(stages.questions, next=Recency(0.0, 1.0))
    return {
        "second stage": (whole, first),
        "recency": (first, changed(first, questions=even)),
        "prior": (first, changed(first, first=replace(stages.first, popularity=None))),
        "wide part": (first, changed(first, first=other_terms(stages.first, WidePart))),
        # As with the preset best.
        "factors": (changed(first, first=with_factors(whole, factors_of(whole))), first),
    }


def test_both_questions_are_measured(bundle, whole, split):
    by_question = bundle.metrics["test"]["by_question"]
    assert [by_question[question]["num_scored"] for question in QUESTIONS] == [300, 300]
    found = evaluate(whole, split.test, split.train)
    for question in QUESTIONS:
        mean = found.by_question[question].values["ndcg@20"]
        assert mean == pytest.approx(values(whole, question).mean())
        assert mean == pytest.approx(by_question[question]["values"]["ndcg@20"])
    both = [found.by_question[question].values["recall@20"] for question in QUESTIONS]
    assert found.values["recall@20"] == pytest.approx(np.mean(both))


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_part_makes_a_question_worse(whole, question):
    for part, (found, without) in by_part(whole).items():
        assert not worse(values(found, question), values(without, question)), part


def harmful(whole: SystemScorer, bundle: Bundle) -> dict[str, SystemScorer]:
    """A faulty form of each part, in its place."""
    stages, first = whole.stages, changed(whole, second=None)
    wide, factors = stages.first.term(WidePart), factors_of(whole)
    upside_down = {**bundle.second_stage, "leaf_value": -bundle.second_stage["leaf_value"]}
    second = SecondStage(upside_down, stages.first, bundle.catalog, bundle.popularity)
    early = replace(stages.questions, next=_Early(8.0, 1.0))
    loud = replace(stages.first, popularity=_Loud(bundle.popularity))
    # What belongs to the tracks of the next scene.
    moved = np.roll(np.arange(wide.num_tracks), TRACKS_EACH)
    elsewhere = WidePart.from_matrix(wide.matrix[moved])
    others = replace(factors, factors=factors.factors[moved], scale=np.array([2], dtype=np.float32))
    return {
        "second stage": changed(whole, second=second),
        "recency": replace(changed(first, questions=early), question="next"),
        "prior": changed(first, first=loud),
        "wide part": changed(first, first=other_terms(stages.first, WidePart, elsewhere)),
        "factors": changed(first, first=with_factors(whole, others)),
    }


class _Early(Recency):
    """Of an emphasis that is taken for the end of a list, and is at its start."""

    def emphasis(self, tracks: TrackLists) -> np.ndarray:
        return (1 + self.strength * np.exp2(-tracks.positions())).astype(np.float32)


class _Loud(Popularity):
    """A prior that does not fade as a list grows, and five times as strong."""

    def prepare(self, query: Query, dial: float = 0.0) -> PopularityWeights:
        return PopularityWeights(np.full(len(query), dial - 5, np.float32), query.empty)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_part_that_does_harm_is_found(whole, bundle, question):
    """So that the test before is no formality: faults like those that there were are noticed."""
    for part, fault in harmful(whole, bundle).items():
        without = values(by_part(whole)[part][1], question)
        assert worse(values(fault, question), without), part
        assert in_doubt(values(by_part(whole)[part][0], question), without) < 0.12 * without.mean()


def test_what_one_question_is_answered_with_is_no_answer_to_the_other(bundle, whole):
    """And where nobody says which, either is answered better than by the wrong one."""
    assert Questions.from_json(bundle.questions).next.strength > 0
    for question, other in (QUESTIONS, QUESTIONS[::-1]):
        right, wrong, either = (
            values(replace(whole, question=asked), question) for asked in (None, other, "either")
        )
        assert right.mean() > wrong.mean()
        assert either.mean() > (right.mean() + wrong.mean()) / 2


def test_the_last_track_is_no_reason_for_what_fits(bundle):
    recommender = Recommender(bundle)
    shares = {}
    for question in QUESTIONS:
        strongest = [
            max((t for t in track.because if t.kind == "track"), key=lambda t: t.part).id
            for row in range(40)
            for track in recommender.complete(str(row), 5, question=question).tracks
        ]
        last = [
            bundle.catalog.track_ids[int(bundle.playlists.tracks[row][-1])].as_py()
            for row in range(40)
            for _ in range(5)
        ]
        shares[question] = np.mean([a == b for a, b in zip(strongest, last, strict=True)])
    assert shares["fit"] < 0.15 < shares["next"]
