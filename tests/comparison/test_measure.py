"""Cells are measured once, stopped and resumed, and hold what `evaluate` finds."""

import json
import time

import pytest

from segue.baselines import EASE
from segue.comparison.folder import cell_path, finished_cell, read_cell, training_folder
from segue.comparison.grid import Cell, Row
from segue.comparison.measure import OutOfTimeError, RunSettings, measure_cell
from segue.errors import ArtefactError, MismatchError
from segue.evaluation.evaluate import CURVE_KS, evaluate
from segue.evaluation.validation import validate, validation_rows
from segue.graph.holding_out import split_graph
from segue.graph.split import SplitRecipe
from segue.training.config import TrainConfig
from segue.training.train import train

SMALL = TrainConfig(model="gcn", dim=8, epochs=3, batch_size=60)
CELL = Cell(Row("gcn", "catalogue-softmax"), 0, SMALL)


@pytest.fixture(scope="module")
def split(planted_graph):
    return split_graph(planted_graph, SplitRecipe())


@pytest.fixture(scope="module")
def measured(split, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return folder, measure_cell(CELL, split, RunSettings(folder), lambda share, note: None)


def figures(record):
    """All of a cell that must come out the same: not time and memory."""
    clock = ("seconds", "peak_memory", "machine")
    kept = {name: value for name, value in record.items() if name not in clock}
    history = [{k: v for k, v in e.items() if k != "seconds"} for e in record["history"]]
    test = {name: value for name, value in record["test"].items() if name != "seconds"}
    return json.loads(json.dumps({**kept, "history": history, "test": test}))


def test_a_cell_holds_what_train_and_evaluate_find(measured, split, tmp_path):
    folder, record = measured
    result = train(
        split.train, validation_rows(split.validation), SMALL, folder=tmp_path, identity="x"
    )
    expected = evaluate(result.scorer, split.test, split.train).to_json()
    assert record["test"]["values"] == expected["values"]
    assert record["test"]["recall_curve"] == expected["recall_curve"]
    assert list(record["test"]["recall_curve"]) == [str(k) for k in CURVE_KS]
    assert record["test"]["recall_curve"]["20"] == record["test"]["values"]["recall@20"]
    best = result.history[result.best_epoch - 1]
    assert record["validation"]["ndcg@20"] == pytest.approx(best["ndcg@20"])
    assert record["best_epoch"] == result.best_epoch
    assert len(record["history"]) == 3
    # Tracks and artists, a transform a layer, a salience each track: nothing else is learned.
    assert record["parameters"] == 8 * (160 + 20) + 2 * 64 + 160
    assert record["peak_memory"] is None or record["peak_memory"] > 10**7
    assert record["machine"]["cores"] >= 1
    assert record["data"]["split"] == split.fingerprint
    assert [path.name for path in folder.iterdir()] == ["cells"], "no checkpoint is left"
    assert figures(read_cell(cell_path(folder, CELL))) == figures(record)


def test_a_cell_comes_out_the_same_again(measured, split, tmp_path):
    again = measure_cell(CELL, split, RunSettings(tmp_path), lambda share, note: None)
    assert figures(again) == figures(measured[1])


def test_a_training_that_ran_out_of_time_goes_on(measured, split, tmp_path, monkeypatch):
    seen = []

    def on_progress(share, note):
        seen.append(share)

    with pytest.raises(OutOfTimeError):
        measure_cell(CELL, split, RunSettings(tmp_path, deadline=time.monotonic()), on_progress)
    assert not seen, "nothing is begun when the time is over"
    # The clock jumps once training is under way.
    clock = iter([0.0, *[2.0] * 100])
    monkeypatch.setattr("segue.comparison.measure.time.monotonic", lambda: next(clock))
    with pytest.raises(OutOfTimeError):
        measure_cell(CELL, split, RunSettings(tmp_path, deadline=1.0), on_progress)
    monkeypatch.undo()
    assert max(seen) == pytest.approx(0.95 / 3), "it stops at the end of its epoch"
    assert training_folder(tmp_path, CELL).exists()
    assert finished_cell(tmp_path, CELL, split.fingerprint) is None
    seen.clear()
    record = measure_cell(CELL, split, RunSettings(tmp_path), on_progress)
    assert seen[0] > 0.95 / 3, "what is done is not done again"
    assert figures(record) == figures(measured[1])


def test_the_checkpoint_of_another_configuration_is_not_resumed(split, tmp_path):
    clock = iter([0.0, *[2.0] * 100])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("segue.comparison.measure.time.monotonic", lambda: next(clock))
        with pytest.raises(OutOfTimeError):
            measure_cell(CELL, split, RunSettings(tmp_path, deadline=1.0), lambda share, note: None)
    other = Cell(CELL.row, 0, TrainConfig(model="gcn", dim=4, epochs=1, batch_size=60))
    with pytest.raises(MismatchError, match="--overwrite starts over"):
        measure_cell(other, split, RunSettings(tmp_path), lambda share, note: None)
    record = measure_cell(
        other, split, RunSettings(tmp_path, overwrite=True), lambda share, note: None
    )
    assert record["config"]["dim"] == 4


def test_a_finished_cell_is_taken_only_for_itself(measured, split):
    folder, record = measured
    found = finished_cell(folder, CELL, split.fingerprint)
    assert figures(found) == figures(record)
    other = Cell(CELL.row, 0, TrainConfig(model="gcn", dim=16, epochs=3, batch_size=60))
    with pytest.raises(MismatchError, match=r"another configuration \(dim 8, not 16\)"):
        finished_cell(folder, other, split.fingerprint)
    with pytest.raises(MismatchError, match="another graph or split"):
        finished_cell(folder, CELL, "0" * 64)
    assert finished_cell(folder, CELL.with_seed(1), split.fingerprint) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"name": "gcn-catalogue-softmax-seed0"}', "\x00", "a changed name"]
)
def test_a_damaged_cell_is_named(measured, split, tmp_path, content):
    path = cell_path(tmp_path, CELL)
    path.parent.mkdir()
    if content == "a changed name":
        content = json.dumps({**measured[1], "name": "gat-catalogue-softmax-seed0"})
    path.write_text(content)
    with pytest.raises(
        ArtefactError, match=r"gcn-catalogue-softmax-seed0\.json: is not a finished cell"
    ):
        finished_cell(tmp_path, CELL, split.fingerprint)


def test_a_baseline_is_tuned_on_validation_and_its_trials_are_kept(split, tmp_path):
    cell = Cell(Row("EASE"), num_trials=2)
    record = measure_cell(cell, split, RunSettings(tmp_path), lambda share, note: None)
    trials = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    assert len(trials) == record["num_trials"] == 2
    best = max(trials, key=lambda trial: trial["validation"]["ndcg@20"])
    assert record["options"] == best["options"]
    scorer = EASE(split.train, **best["options"])
    assert record["test"]["values"] == evaluate(scorer, split.test, split.train).to_json()["values"]
    held_out = validation_rows(split.validation)
    assert record["validation"] == validate(scorer, held_out, split.train)
    assert record["parameters"] is None
