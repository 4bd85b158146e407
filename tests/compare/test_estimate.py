"""How long a comparison will take: never measured to the second, but of the right kind."""

import json
import time

import pytest

from segue.compare.cells import TRIALS_FILE, Terms
from segue.compare.estimate import estimate_cells, estimate_from
from segue.compare.grid import Grid
from segue.graph.split import SplitRecipe, split_graph

SMALL = {"dim": 8, "batch_size": 60}


@pytest.fixture(scope="module")
def split(planted_graph):
    return split_graph(planted_graph, SplitRecipe())


def estimates(grid, split, folder):
    cells = grid.cells(split.train, num_seeds=2)
    return estimate_cells(cells, split, Terms(folder), lambda share, note: None)


def test_every_cell_has_an_estimate_and_more_epochs_take_longer(split, tmp_path):
    kinds = {"models": ("gcn",), "losses": ("full",), "baselines": ("EASE",)}
    short = estimates(Grid(**kinds, changes={**SMALL, "epochs": 2}), split, tmp_path)
    assert list(short) == ["gcn-full-all-seed0", "EASE", "gcn-full-all-seed1"]
    assert short["gcn-full-all-seed0"].timed
    assert not short["EASE"].timed
    long = estimates(Grid(**kinds, changes={**SMALL, "epochs": 20_000}), split, tmp_path)
    assert long["gcn-full-all-seed0"].seconds > 10 * short["gcn-full-all-seed0"].seconds
    assert not list(tmp_path.iterdir()), "timing leaves nothing"


def test_trials_that_are_done_are_not_waited_for(split, tmp_path):
    grid = Grid(models=(), baselines=("EASE",), num_trials=4)
    done = [
        {
            "split": split.fingerprint, "baseline": "EASE", "options": {"regularization": at},
            "validation": {"ndcg@20": 0.1}, "seconds": 1000.0,
        }
        for at in (1.0, 2.0, 3.0)
    ]  # fmt: skip
    (tmp_path / TRIALS_FILE).write_text("".join(json.dumps(line) + "\n" for line in done))
    found = estimates(grid, split, tmp_path)["EASE"]
    assert found.timed
    assert found.seconds == pytest.approx(2000, abs=30), "one trial is left, and the fitting"


def test_steps_with_hard_negatives_are_timed_as_they_are_on_average(split, tmp_path, monkeypatch):
    from segue.training.hard_negatives import HardNegatives

    draw = HardNegatives.sample

    def slow(self, *arguments):
        time.sleep(0.02 * self.mix)
        return draw(self, *arguments)

    monkeypatch.setattr(HardNegatives, "sample", slow)
    kinds = {"models": ("gcn",), "losses": ("bpr",), "baselines": ()}
    found = estimates(Grid(**kinds, changes={**SMALL, "epochs": 1000}), split, tmp_path)
    more = found["gcn-bpr-hard-seed0"].seconds - found["gcn-bpr-random-seed0"].seconds
    assert more > 0.8 * 4 * 1000 * 0.02 * 0.25, "of 0 to half of the negatives, a quarter is hard"


def test_a_second_seed_takes_what_the_first_took(split):
    cells = Grid(models=("gcn",), losses=("full",), baselines=("iALS",)).cells(split.train, 2)
    seconds = {"training": 70.0, "evaluation": 10.0, "tuning": 500.0}
    record = {"model": "gcn", "loss": "full", "negatives": "all", "seconds": seconds}
    found = estimate_from([record], cells)
    assert set(found) == {"gcn-full-all-seed0", "gcn-full-all-seed1"}
    assert found["gcn-full-all-seed1"] == pytest.approx(85, abs=10), "without another tuning"
