"""Of many playlists a sample is measured: always the same, with standard errors."""

import math

import numpy as np
import pytest

from segue.baselines import ItemKNN, Popularity
from segue.cli.output import DEFAULT_SAMPLE
from segue.errors import InputError
from segue.evaluation.evaluate import SAMPLE, Evaluation, evaluate, sample_rows
from segue.graph.holding_out import split_graph
from segue.graph.split import Split, SplitRecipe
from segue.metrics import METRICS, Metric, Rankings
from segue.pipeline.evaluate import Evaluations, scored_text, title_of

# Metrics whose value is no mean over playlists.
WITHOUT = {"auc (pooled)", "coverage@20", "coverage@300"}


@pytest.fixture(scope="module")
def split(planted_graph) -> Split:
    return split_graph(planted_graph, SplitRecipe())


@pytest.fixture(scope="module")
def scorer(split) -> ItemKNN:
    return ItemKNN(split.train)


def test_the_sample_is_always_the_same(split):
    rows = sample_rows(split.test, 20)
    assert np.array_equal(rows, sample_rows(split.test, 20))
    assert len(np.unique(rows)) == 20
    assert (np.diff(rows) > 0).all()
    assert (split.test.targets.lengths[rows] > 0).all()


def test_few_playlists_are_measured_as_ever(split, scorer):
    whole = evaluate(scorer, split.test, split.train)
    for size in (whole.num_scored, whole.num_scored + 1, SAMPLE, None):
        found = evaluate(scorer, split.test, split.train, sample=size)
        assert found.to_json() | {"seconds": 0} == whole.to_json() | {"seconds": 0}
        assert found.sampled_from == 0
        assert found.standard_errors == {}
    assert not {"sampled_from", "standard_errors"} & whole.to_json().keys()


def test_the_figures_are_those_of_the_sample(split, scorer):
    rows = sample_rows(split.test, 20)
    found = evaluate(scorer, split.test, split.train, sample=20)
    alone = evaluate(scorer, split.test.rows(rows), split.train)
    assert found.values == alone.values
    assert found.recall_curve == alone.recall_curve
    answered = int((split.test.targets.lengths > 0).sum())
    assert (found.num_scored, found.sampled_from) == (20, answered)
    assert found.num_unscored == len(split.test.query) - answered
    assert Evaluation.from_json(found.to_json()).to_json() == found.to_json()


def test_standard_errors_by_hand(split, scorer):
    answered = int((split.test.targets.lengths > 0).sum())
    seen: list[Rankings] = []
    watch = Metric("watch", lambda r: float(seen.append(r) is None))
    found = evaluate(scorer, split.test, split.train, metrics=[*METRICS, watch], sample=20)
    assert found.standard_errors.keys() == {m.name for m in METRICS} - WITHOUT
    [rankings] = seen
    for metric in METRICS[:3]:
        values = np.asarray(metric.function(rankings))
        error = values.std(ddof=1) / math.sqrt(20) * math.sqrt(1 - 20 / answered)
        assert found.standard_errors[metric.name] == pytest.approx(error)


def test_they_say_how_far_samples_are_from_the_whole(split, scorer, monkeypatch):
    whole = evaluate(scorer, split.test, split.train).values["recall@20"]
    off = []
    for seed in range(60):
        monkeypatch.setattr("segue.evaluation.evaluate._SAMPLE_RNG_SEED", seed)
        found = evaluate(
            scorer, split.test, split.train, list_length=0, sample=40, metrics=METRICS[:1]
        )
        off.append((found.values["recall@20"] - whole) / found.standard_errors["recall@20"])
    assert 0.75 < np.std(off) < 1.3
    assert abs(np.mean(off)) < 0.4


def test_one_playlist_has_no_deviation(split):
    assert (
        evaluate(Popularity(split.train), split.test, split.train, sample=1).standard_errors == {}
    )


@pytest.mark.parametrize("size", [0, -3, 2.5, True, "all"])
def test_a_wrong_size(split, size):
    with pytest.raises(InputError, match=r"sample is .*, expected a whole number from 1, or None"):
        sample_rows(split.test, size)


def test_a_table_says_so(split, scorer):
    found = evaluate(scorer, split.test, split.train, sample=20)
    shown = str(Evaluations(title_of("test", split), {"mine": found}))
    assert shown.startswith(f"On the test tracks, 20 of {found.sampled_from} playlists\n")
    said = scored_text(found, split)
    assert f"Means over 20 of {found.sampled_from} playlists, drawn at random" in said
    error = METRICS[0].format(found.standard_errors["recall@20"])
    assert f"; standard errors: recall@20 {error}, recall@300 " in said
    whole = evaluate(scorer, split.test, split.train)
    assert str(Evaluations("On the test tracks", {"mine": whole})).startswith(
        "On the test tracks\n"
    )
    assert "standard" not in scored_text(whole, split)


def test_the_command_line_has_the_same_default():
    assert DEFAULT_SAMPLE == SAMPLE
