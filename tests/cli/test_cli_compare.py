"""`segue compare`: a small grid, stopped, gone on with and reported."""

import csv
import json

import pytest

from segue.comparison.process import ProcessRunner

SMALL = (
    "--models",
    "gcn",
    "--objectives",
    "catalogue-softmax",
    "--dim",
    8,
    "--epochs",
    2,
    "--batch-size",
    60,
)
RESOURCES = ("--threads", 1, "--device", "cpu")


@pytest.fixture(scope="module")
def graph(planted_graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("graphs") / "graph"
    planted_graph.save(path)
    return path


@pytest.fixture
def measured_cells(monkeypatch):
    """Names of the cells that were measured, as they are."""
    names = []
    measure = ProcessRunner.measure

    def noted(self, cell, on_progress):
        names.append(cell.name)
        return measure(self, cell, on_progress)

    monkeypatch.setattr(ProcessRunner, "measure", noted)
    return names


def test_a_comparison_is_announced_measured_reported_and_not_repeated(
    run, graph, tmp_path, measured_cells
):
    command = ("compare", graph, "--out", tmp_path / "report", *SMALL, "--no-baselines", *RESOURCES)
    status, out, said = run(*command)
    assert status == 0, said
    assert "240 playlists, 160 tracks" in said
    assert "1 training × " in said
    assert said.index("1 training × ") < said.index(
        "1/1 gcn-catalogue-softmax-seed0: on validation"
    )
    assert measured_cells == ["gcn-catalogue-softmax-seed0"]
    cell = json.loads(
        (tmp_path / "report" / "cells" / "gcn-catalogue-softmax-seed0.json").read_text()
    )
    assert f"{cell['test']['values']['recall@20']:.4f}" in out
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"report.md", "report.csv", "report.json", "recall-at-k.png", "cells"} <= names
    assert "training" not in names, "what is finished needs no checkpoint"

    first = (tmp_path / "report" / "report.md").read_bytes()
    status, again, said = run(*command)
    assert (status, again) == (0, out), said
    assert measured_cells == ["gcn-catalogue-softmax-seed0"]
    (tmp_path / "report" / "report.md").unlink()
    assert run("compare", "--report", tmp_path / "report")[:2] == (0, out)
    assert (tmp_path / "report" / "report.md").read_bytes() == first

    # A second seed of what is best, here of the only row.
    status, _, said = run(*command, "--repeat-best", 2)
    assert status == 0, said
    assert measured_cells == ["gcn-catalogue-softmax-seed0", "gcn-catalogue-softmax-seed1"]
    assert "1 of 2 cells are finished already" in said
    with (tmp_path / "report" / "report.csv").open() as file:
        assert [line["rng_seed"] for line in csv.DictReader(file)] == ["0", "1"]
    assert " ± " in (tmp_path / "report" / "report.md").read_text()

    # The same name with another configuration is no finished cell.
    status, _, said = run(*command, "--dim", 4)
    assert status == 1
    assert "is of another configuration (dim 8, not 4); --overwrite replaces it" in said


def test_time_that_is_over_and_a_baseline_alone(run, graph, tmp_path, measured_cells):
    baseline = ("--models", "none", "--trials", 2, "--only", "EASE")
    command = ("compare", graph, "--out", tmp_path / "report", *baseline, *RESOURCES)
    status, _, said = run(*command, "--max-minutes", 1e-6)
    assert status == 0, said
    assert "Out of time: 1 cell not finished; run it again to resume" in said
    assert "No cell is finished yet, so there is no report" in said
    status, out, said = run(*command)
    assert status == 0, said
    assert "EASE" in out
    assert len((tmp_path / "report" / "trials.jsonl").read_text().splitlines()) == 2
    assert measured_cells == ["EASE", "EASE"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--models", "gnn"), "model 'gnn' is not known, expected lightgcn, gcn"),
        (("--quick", "--preset", "article"), "are different grids: choose one"),
        (("--max-minutes", 0), "max_minutes is 0, expected more than 0"),
        (("--k-core", 100), "its 100-core is empty"),
        (("--only", "gcn-bpr-medium"), "no cell of this comparison is called 'gcn-bpr-medium'"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(run, graph, tmp_path, options, sentence):
    status, out, said = run("compare", graph, "--out", tmp_path / "report", *options)
    assert (status, out) == (1, "")
    assert sentence in said
    assert "Traceback" not in said


def test_a_folder_of_something_else_is_left_alone(run, graph, tmp_path):
    (tmp_path / "thesis.txt").write_text("chapter 1")
    status, _, said = run("compare", graph, "--out", tmp_path, *SMALL)
    assert status == 1
    assert "contains files that `segue compare` did not write" in said
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
