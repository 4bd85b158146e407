"""What a list asks: how its query is made, and how the second stage answers it."""

from dataclasses import replace

import numpy as np
import pytest

from segue.data.playlists import TrackLists
from segue.errors import ArtefactError, InputError
from segue.scoring.query import EITHER, FIT, NEXT
from segue.scoring.questions import Questions, asks_of, usual_question
from segue.scoring.recency import Recency
from segue.scoring.second_stage import SecondStage
from segue.scoring.terms import first_stage_of
from segue.scoring.two_stages import TwoStages

QUESTIONS = Questions(Recency(3.0, 1.0), Recency(1.0, 2.0), (20, 30))
LISTS = TrackLists.from_lists([[3, 8, 1], [4, 2], [3, 8, 1], [3, 8, 1], []])
ASKS = np.array([FIT, NEXT, NEXT, EITHER, EITHER], dtype=np.int8)


def test_emphasis_by_hand():
    query = QUESTIONS.query(LISTS, ASKS)
    both = [1.5, 1 + 2**-0.5, 2]
    expected = [1, 1, 1, 2.5, 4, 1.75, 2.5, 4, *both]
    np.testing.assert_allclose(query.emphasis, expected, rtol=1e-6)
    assert query.asks.tolist() == ASKS.tolist()
    assert QUESTIONS.query(LISTS, np.zeros(5, np.int8)).emphasis is None, "order does not count"


def test_without_a_known_order_all_ask_what_fits():
    known = np.array([True, False])
    found = {question: asks_of(question, known).tolist() for question in ("fit", "next", "either")}
    assert found == {"fit": [FIT, FIT], "next": [NEXT, FIT], "either": [EITHER, FIT]}
    with pytest.raises(InputError, match="question is 'both', expected fit, next, either"):
        asks_of("both", known)


@pytest.mark.parametrize(
    ("known", "question"), [("01", "next"), ("11", "either"), ("00", "either"), ("", "either")]
)
def test_where_the_order_of_only_some_is_known_it_says_what_they_ask(known, question):
    assert usual_question(np.array([each == "1" for each in known], dtype=bool)) == question


def test_to_json_and_back():
    assert Questions.from_json(QUESTIONS.to_json()) == QUESTIONS
    assert Questions.from_json({}) == Questions(), "an older bundle"
    for wrong in (
        {"next": {"strength": -1.0, "half_life": 1.0}}, {"next": 3}, {"num_trees": [1]},
        {"num_trees": [float("inf"), 1]}, {"num_trees": [-1, 2]}, {"other": 1},
    ):  # fmt: skip
        with pytest.raises(ArtefactError, match="how the bundle answers its questions"):
            Questions.from_json(wrong)


@pytest.fixture(scope="module")
def bundle(planted_bundle, second_stage_arrays):
    return replace(planted_bundle, second_stage=second_stage_arrays)


def stage_of(bundle, questions):
    first = first_stage_of(bundle, bundle.catalog)
    return SecondStage(bundle.second_stage, first, bundle.catalog, bundle.popularity, 60, questions)


def reordered(bundle, questions, asks):
    """The second stage's order of one pool, the same for every question."""
    stage = stage_of(bundle, questions)
    first = stage.maker.first_stage
    query = questions.query(LISTS.rows(slice(0, 1)), np.array([asks], dtype=np.int8))
    pool, score = first.best(query, 60)
    after = stage.reordered(query, pool, score)
    return pool[0], score[0], after[0]


def test_each_question_has_its_number_of_trees(bundle):
    for asks in (FIT, NEXT):
        number = QUESTIONS.num_trees[asks]
        found = reordered(bundle, QUESTIONS, asks)
        same = reordered(bundle, replace(QUESTIONS, num_trees=(number, number)), asks)
        np.testing.assert_array_equal(found[2], same[2])
        none = [7, 7]
        none[asks] = 0
        _, before, after = reordered(bundle, replace(QUESTIONS, num_trees=tuple(none)), asks)
        np.testing.assert_array_equal(before, after)


def test_a_list_for_either_keeps_its_order(bundle):
    _, before, after = reordered(bundle, QUESTIONS, EITHER)
    np.testing.assert_array_equal(before, after)


def test_many_lists_at_once_are_as_one_by_one(bundle):
    stages = TwoStages.of(bundle, bundle.catalog, bundle.second_stage, QUESTIONS)
    query = stages.questions.query(LISTS, ASKS)
    together, score = stages.best(query, 40)
    for row in range(len(LISTS)):
        alone = stages.best(query.rows(slice(row, row + 1)), 40)
        np.testing.assert_array_equal(alone[0][0], together[row])
        np.testing.assert_allclose(alone[1][0], score[row], rtol=1e-5)
    np.testing.assert_allclose(
        np.take_along_axis(stages.scores(query), together.astype(np.int64), axis=1)[:4],
        score[:4],
        rtol=1e-5,
    )
