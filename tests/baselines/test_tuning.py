"""Tuning: within its budget, on validation alone, resumable, and not fooled by a bad start."""

import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from segue.baselines import BASELINES, ItemKNN, tuning
from segue.baselines.baseline import SearchSpace
from segue.baselines.tuning import Options, Trial, TrialsFile, search, tune
from segue.data.playlists import TrackLists
from segue.errors import InputError
from segue.graph.holding_out import split_graph
from segue.graph.split import Split, SplitRecipe


@pytest.fixture(scope="module")
def split(planted_graph) -> Split:
    return split_graph(planted_graph, SplitRecipe())


@pytest.fixture
def hill(monkeypatch):
    """A baseline whose figure is known: best at width 30 and depth 3."""

    class Hill:
        search_space: ClassVar[SearchSpace] = {
            "width": (1.0, 3.0, 10.0, 30.0, 100.0),
            "depth": (5.0, 1.0, 2.0, 3.0, 4.0),
        }

    made = []

    def measure(name, split, held_out, options):
        made.append(options)
        far = abs(np.log(options["width"] / 30)) + abs(options["depth"] - 3)
        return Trial(dict(options), {"ndcg@20": 1 - far / 10}, 0.5)

    monkeypatch.setitem(BASELINES, "hill", Hill)
    monkeypatch.setattr(tuning, "_measure", measure)
    return made


def test_it_walks_up_to_the_best_point(split, hill):
    found = tune("hill", split, 100)
    assert found.options == {"width": 30.0, "depth": 3.0}
    assert hill[0] == {"width": 1.0, "depth": 5.0}, "from the defaults"
    assert [trial.options for trial in found.trials] == hill
    assert len({tuple(options.values()) for options in hill}) == len(hill) < 25, "none twice"
    best = max(found.trials, key=lambda trial: trial.validation["ndcg@20"])
    assert best.options == found.options


def test_the_walk_in_its_steps():
    """From the default up, on in the same direction, and around the best at its end."""

    def measure(options: Options) -> Trial:
        far = abs(options["x"] - 3) + 2 * abs(options["y"] - 1)
        return Trial(options, {"ndcg@20": -far}, 0.0)

    starts = []
    found = search(
        {"x": (1, 0, 2, 3, 4), "y": (0, 1)},
        20,
        measure,
        lambda number, options: starts.append((number, *options.values())),
    )
    points = [(1, 0), (2, 0), (3, 0), (4, 0), (3, 1), (4, 1), (2, 1)]
    assert [tuple(trial.options.values()) for trial in found.trials] == points
    assert starts == [(number, *point) for number, point in enumerate(points, start=1)]
    assert found.options == {"x": 3, "y": 1}
    assert search({"x": (1, 0, 2, 3, 4), "y": (0, 1)}, 3, measure).options == {"x": 3, "y": 0}


def test_a_grid_of_one_point_is_tried_once():
    found = search({"x": (7,)}, 5, lambda options: Trial(options, {"ndcg@20": 0.0}, 0.0))
    assert found.options == {"x": 7}
    assert len(found.trials) == 1


def test_a_file_of_trials_measures_what_it_lacks(split, tmp_path):
    """Another name or other options are another trial."""
    measured = []

    def measure(options: Options) -> Trial:
        measured.append(options)
        return Trial(options, {"ndcg@20": len(measured) / 10}, 1.0)

    for name, x in (("a", 1), ("b", 1), ("a", 2), ("a", 1), ("b", 1)):
        trial = TrialsFile(tmp_path / "trials.jsonl").trial(split, name, {"x": x}, measure)
    assert measured == [{"x": 1}, {"x": 1}, {"x": 2}]
    assert trial.validation == {"ndcg@20": 0.2}, "the second one made"


@pytest.mark.parametrize("num_trials", [2, 3, 7])
def test_the_budget_is_kept(split, hill, num_trials):
    found = tune("hill", split, num_trials)
    assert len(hill) == len(found.trials) == num_trials


def test_one_trial_takes_the_defaults_unmeasured(split, hill):
    assert tune("hill", split, 1).options == {"width": 1.0, "depth": 5.0}
    assert tune("popularity", split, 5).options == {}
    assert hill == []


def test_finished_trials_are_not_made_again(split, hill, tmp_path):
    path = tmp_path / "trials.jsonl"
    first = tune("hill", split, 4, TrialsFile(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["options"] for line in lines] == hill[:4]
    assert {(line["split"], line["baseline"]) for line in lines} == {(split.fingerprint, "hill")}

    whole = tune("hill", split, 9, TrialsFile(path))
    assert whole.trials[:4] == first.trials
    assert len(hill) == 9, "four were there, five are new"
    assert tune("hill", split, 9, TrialsFile(path)) == whole
    assert len(hill) == 9

    # Those of another split are no trials of this one.
    other = split_graph(split.train, SplitRecipe(rng_seed=5))
    tune("hill", other, 2, TrialsFile(path))
    assert len(hill) == 11
    assert len(path.read_text().splitlines()) == 11


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"split": "a"}', '{"split": 1, "baseline": "b", "options": {}, "seconds": 1}'],
)
def test_a_file_of_something_else_is_refused(tmp_path, line):
    path = tmp_path / "trials.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError, match=r"trials\.jsonl, line 1: is not a tuning trial"):
        TrialsFile(path)


def test_it_measures_on_validation_and_never_on_test(planted_graph, split):
    found = tune("item-kNN", split, 3)
    for trial in found.trials:
        scorer = ItemKNN(split.train, **trial.options)
        held_out = split.validation
        figure = tuning.validate(scorer, held_out, split.train)
        assert trial.validation == figure
    nothing = TrackLists.from_lists([[]] * len(planted_graph.playlists))
    blind = replace(split, test=replace(split.test, targets=nothing))
    again = [(trial.options, trial.validation) for trial in tune("item-kNN", blind, 3).trials]
    assert again == [(trial.options, trial.validation) for trial in found.trials]


def test_without_validation_there_is_nothing_to_choose_on(planted_graph):
    split = split_graph(planted_graph, SplitRecipe(validation_share=0))
    with pytest.raises(InputError, match="nothing out for validation"):
        tune("item-kNN", split, 3)
    assert tune("item-kNN", split, 1).trials == ()
