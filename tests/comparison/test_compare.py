"""`compare` from Python: a graph in memory, in silence, resumed, and out of time."""

import pytest

from segue.comparison.compare import compare
from segue.comparison.grid import Grid
from segue.comparison.process import ProcessRunner
from segue.errors import InputError, ResourceError

SMALL = Grid(
    models=("gcn",),
    objectives=("catalogue-softmax",),
    baselines=("EASE",),
    num_trials=1,
    changes={"dim": 8, "epochs": 2, "batch_size": 60},
)


def test_a_graph_in_memory_is_compared_in_silence_and_not_twice(planted_graph, tmp_path, capfd):
    options = {"device": "cpu", "threads": 1}
    found = compare(planted_graph, tmp_path / "report", SMALL, num_seeds=2, **options)
    assert [(row.label, len(row.cells)) for row in found.rows] == [
        ("gcn, catalogue-softmax", 2),
        ("EASE", 1),
    ]
    assert found.rows[0].mean("recall@20") > 0.3
    assert (tmp_path / "report" / "report.md").exists()
    assert capfd.readouterr() == ("", "")
    cells = [path.stat().st_mtime_ns for path in (tmp_path / "report" / "cells").iterdir()]
    again = compare(planted_graph, tmp_path / "report", SMALL, num_seeds=2, **options)
    assert [row.mean("auc") for row in again.rows] == [row.mean("auc") for row in found.rows]
    assert cells == [path.stat().st_mtime_ns for path in (tmp_path / "report" / "cells").iterdir()]


def test_without_time_there_is_no_comparison(planted_graph, tmp_path, capfd):
    grid = Grid(models=(), baselines=("EASE",), num_trials=1)
    found = compare(planted_graph, tmp_path / "report", grid, max_minutes=1e-9, progress=True)
    assert found is None
    assert "Out of time: 1 cell not finished" in capfd.readouterr().err
    with pytest.raises(InputError, match="max_minutes is -1, expected more than 0"):
        compare(planted_graph, tmp_path / "report", grid, max_minutes=-1)


def test_if_every_cell_is_left_out_that_is_an_error(planted_graph, tmp_path, monkeypatch, capfd):
    def killed(*_):
        raise ResourceError("the process of EASE ended without a result (exit status -9)")

    monkeypatch.setattr(ProcessRunner, "measure", killed)
    grid = Grid(models=(), baselines=("EASE",), num_trials=1)
    with pytest.raises(ResourceError, match="no cell could be measured, so there is no report"):
        compare(planted_graph, tmp_path / "report", grid, progress=True)
    assert "EASE left out: the process of EASE ended" in capfd.readouterr().err
