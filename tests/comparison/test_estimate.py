"""How long a comparison will take: never measured to the second, but of the right kind."""

import json
import time

import numpy as np
import pytest

from segue.comparison.estimate import estimate_cells, estimate_from
from segue.comparison.folder import trials_path
from segue.comparison.grid import Grid, Row
from segue.comparison.measure import RunSettings
from segue.evaluation.validation import validation_rows
from segue.graph.holding_out import split_graph
from segue.graph.split import SplitRecipe

SMALL = {"dim": 8, "batch_size": 60}


@pytest.fixture(scope="module")
def split(planted_graph):
    return split_graph(planted_graph, SplitRecipe())


def estimates(grid, split, folder, clock=time.perf_counter):
    cells = grid.cells(split.train, num_seeds=2)
    return estimate_cells(cells, split, RunSettings(folder), lambda share, note: None, clock=clock)


def showing(*times):
    """A clock that shows these times, one after the other."""
    return iter(times).__next__


def evaluation_seconds(split, validating):
    """Of the test part with its lists, when one validation takes `validating` seconds."""
    num_test = np.count_nonzero(split.test.targets.lengths)
    return validating * (1 + 2 * num_test / len(validation_rows(split.validation).query))


def test_every_cell_has_an_estimate_and_more_epochs_take_longer(split, tmp_path):
    kinds = {"models": ("gcn",), "objectives": ("catalogue-softmax",), "baselines": ("EASE",)}
    short = estimates(Grid(**kinds, changes={**SMALL, "epochs": 2}), split, tmp_path)
    assert list(short) == ["gcn-catalogue-softmax-seed0", "EASE", "gcn-catalogue-softmax-seed1"]
    assert short["gcn-catalogue-softmax-seed0"].timed
    assert not short["EASE"].timed
    long = estimates(Grid(**kinds, changes={**SMALL, "epochs": 20_000}), split, tmp_path)
    assert (
        long["gcn-catalogue-softmax-seed0"].seconds
        > 10 * short["gcn-catalogue-softmax-seed0"].seconds
    )
    assert not list(tmp_path.iterdir()), "timing leaves nothing"


@pytest.mark.parametrize(
    ("kind", "first_steps"), [(("catalogue-softmax", ""), 1), (("bpr", "hard"), 5)]
)
def test_a_training_takes_its_steps_validations_and_rankings(split, tmp_path, kind, first_steps):
    """A slow first step is one that makes the ranking of hard negatives, every other epoch."""
    grid = Grid(
        models=("gcn",), objectives=(kind[0],), negatives=("hard",), baselines=(),
        changes={**SMALL, "epochs": 10, "validate_every": 4},
    )  # fmt: skip
    steps = (50.0, 60.0, 61.0, 63.0, 64.0, 65.0)  # the first takes 10 seconds, a usual one 1
    found = estimates(grid, split, tmp_path, showing(0.0, 2.0, *steps))
    starting = 5
    assert found[f"{Row('gcn', *kind).name}-seed0"].seconds == pytest.approx(
        10 * 4 * 1 + first_steps * 9 + 3 * 2 + evaluation_seconds(split, 2) + starting
    )


def test_trials_that_are_done_are_not_waited_for(split, tmp_path):
    grid = Grid(models=(), baselines=("EASE",), num_trials=4)
    done = [
        {
            "split": split.fingerprint, "baseline": "EASE", "options": {"regularization": at},
            "validation": {"ndcg@20": 0.1}, "seconds": 1000.0,
        }
        for at in (1.0, 2.0, 3.0)
    ]  # fmt: skip
    trials_path(tmp_path).write_text("".join(json.dumps(line) + "\n" for line in done))
    found = estimates(grid, split, tmp_path, showing(100.0, 103.0))["EASE"]
    assert found.timed
    starting = 5
    one_trial_and_the_fitting = 2 * 1000 + evaluation_seconds(split, 3) + starting
    assert found.seconds == pytest.approx(one_trial_and_the_fitting)


def test_steps_with_hard_negatives_are_timed_as_they_are_on_average(split, tmp_path, monkeypatch):
    from segue.training.hard_negatives import HardSampler

    draw = HardSampler.sample

    def slow(self, *arguments):
        time.sleep(0.02 * self.mix)
        return draw(self, *arguments)

    monkeypatch.setattr(HardSampler, "sample", slow)
    kinds = {"models": ("gcn",), "objectives": ("bpr",), "baselines": ()}
    found = estimates(Grid(**kinds, changes={**SMALL, "epochs": 1000}), split, tmp_path)
    more = found["gcn-bpr-hard-seed0"].seconds - found["gcn-bpr-random-seed0"].seconds
    assert more > 0.8 * 4 * 1000 * 0.02 * 0.25, "of 0 to half of the negatives, a quarter is hard"


def test_a_second_seed_takes_what_the_first_took(split):
    cells = Grid(models=("gcn",), objectives=("catalogue-softmax",), baselines=("iALS",)).cells(
        split.train, 2
    )
    seconds = {"training": 70.0, "evaluation": 10.0, "tuning": 500.0}
    record = {"model": "gcn", "objective": "catalogue-softmax", "negatives": "", "seconds": seconds}
    found = estimate_from([record], cells)
    assert set(found) == {"gcn-catalogue-softmax-seed0", "gcn-catalogue-softmax-seed1"}
    starting = 5
    assert found["gcn-catalogue-softmax-seed1"] == 70 + 10 + starting, "without another tuning"
