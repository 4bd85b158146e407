"""The report says what the cells hold, and nothing else."""

import copy
import csv
import json

import numpy as np
import pytest

from segue.comparison.folder import cell_path
from segue.comparison.grid import Grid
from segue.comparison.measure import RunSettings, measure_cell
from segue.comparison.report import write_report
from segue.comparison.results import read_comparison
from segue.errors import ArtefactError, MismatchError
from segue.files import write_json
from segue.graph.holding_out import split_graph
from segue.graph.split import SplitRecipe
from segue.metrics import METRICS, Metric
from segue.training.objective_json import to_json
from segue.training.objectives import BPR

PLOTS = {
    *("recall-at-k.png", "recall-by-novelty.png", "recall-by-popularity.png"),
    *("validation.png", "loss.png"),
}


@pytest.fixture(scope="module")
def measured(planted_graph, tmp_path_factory):
    """Two models with one loss, two baselines, and a second seed of what draws at random."""
    folder = tmp_path_factory.mktemp("report")
    split = split_graph(planted_graph, SplitRecipe())
    grid = Grid(
        models=("lightgcn", "gcn"), objectives=("catalogue-softmax",),
        baselines=("EASE", "iALS"), num_trials=1,
        changes={"dim": 8, "epochs": 2, "batch_size": 60},
    )  # fmt: skip
    for cell in grid.cells(split.train, num_seeds=2):
        measure_cell(cell, split, RunSettings(folder), lambda share, note: None)
    return folder


@pytest.fixture
def folder(measured, tmp_path):
    """A copy that a test may change."""
    (tmp_path / "cells").mkdir()
    for path in (measured / "cells").iterdir():
        (tmp_path / "cells" / path.name).write_bytes(path.read_bytes())
    return tmp_path


def cells_of(folder):
    return {p.stem: json.loads(p.read_text()) for p in (folder / "cells").glob("*.json")}


def table(text, heading):
    """Rows of the first table after a heading, as lists of cells."""
    _, after = text.split(f"## {heading}\n")
    lines = after[after.index("\n|") + 1 :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_tables_hold_the_means_of_the_cells(folder):
    write_report(folder)
    cells = cells_of(folder)
    text = (folder / "report.md").read_text()
    rows = table(text, "All rows")
    assert [row[0] for row in rows[2:]] == ["lightgcn", "gcn", "EASE", "iALS"]
    column = rows[0].index("recall@20")
    seeds = [cells[f"gcn-catalogue-softmax-seed{s}"]["test"]["values"]["recall@20"] for s in (0, 1)]
    gcn = next(row for row in rows if row[0] == "gcn")[column]
    mean, spread = np.mean(seeds), np.std(seeds, ddof=1)
    assert gcn.replace("*", "") == f"{mean:.4f} ± {spread:.4f}".replace("0.", ".")
    ease = next(row for row in rows if row[0] == "EASE")[column]
    value = cells["EASE"]["test"]["values"]["recall@20"]
    assert ease.replace("*", "") == f"{value:.4f}".replace("0.", "."), "one cell has no spread"
    assert "mean ± standard deviation" in text
    report = json.loads((folder / "report.json").read_text())
    found = {row["model"]: row["test"]["auc"]["mean"] for row in report["rows"]}
    assert found["EASE"] == cells["EASE"]["test"]["values"]["auc"]
    with (folder / "report.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(cells) == 7
    for line in lines:
        name = "-".join(filter(None, (line["model"], line["objective"], line["negatives"])))
        name += f"-seed{line['rng_seed']}" if line["rng_seed"] else ""
        for metric in METRICS:
            assert float(line[metric.name]) == cells[name]["test"]["values"][metric.name]


def test_the_best_of_a_column_is_bold_by_its_direction(folder):
    for path in (folder / "cells").glob("*-seed1.json"):
        path.unlink()
    for at, path in enumerate(sorted((folder / "cells").iterdir())):
        cell = json.loads(path.read_text())
        cell["test"]["values"] |= {"recall@20": 0.1 * at, "clicks": 5.0 + at, "novelty@20": 9 + at}
        path.write_text(json.dumps(cell))
    names = [path.stem for path in sorted((folder / "cells").iterdir())]
    write_report(folder)
    text = (folder / "report.md").read_text()
    rows = table(text, "All rows")
    bold = {
        name: [row[0] for row in rows[2:] if row[rows[0].index(name)].startswith("**")]
        for name in ("recall@20", "clicks")
    }
    assert bold == {
        "recall@20": [names[-1].split("-")[0]],
        "clicks": [names[0].split("-")[0]],
    }
    beyond = table(text, "Popularity and coverage")
    column = beyond[0].index("novelty@20")
    assert not any("**" in row[column] for row in beyond), "more novelty is neither good nor bad"


def test_the_best_row_of_an_architecture_is_chosen_on_validation_alone(folder):
    path = folder / "cells" / "gcn-catalogue-softmax-seed0.json"
    cell = json.loads(path.read_text())
    rival = copy.deepcopy(cell) | {"name": "gcn-bpr-random-seed0", "objective": "bpr"}
    rival["negatives"] = "random"
    rival["validation"]["ndcg@20"] = cell["validation"]["ndcg@20"] + 0.01
    rival["test"]["values"] |= {"recall@20": 0.0, "ndcg@20": 0.0}
    (folder / "cells" / "gcn-bpr-random-seed0.json").write_text(json.dumps(rival))
    comparison = write_report(folder)
    assert [row.row.name for row in comparison.best()] == [
        "lightgcn-catalogue-softmax",
        "gcn-bpr-random",
    ]
    rows = table((folder / "report.md").read_text(), "Chosen on validation")
    assert [row[1] for row in rows if row[0] == "gcn ✓"] == ["bpr"]


def test_cells_from_before_a_metric_are_read_and_show_a_dash(folder, monkeypatch):
    """One cell lacks a figure, all lack a newer metric, and one has a metric that is gone."""
    cells = cells_of(folder)
    del cells["EASE"]["test"]["values"]["map@10"]
    del cells["EASE"]["test"]["recall_curve"]["50"]
    del cells["EASE"]["validation"]["auc"]
    del cells["gcn-catalogue-softmax-seed1"]["test"]["values"]["novelty@300"]
    cells["iALS-seed0"]["test"]["values"]["retired@5"] = 0.5
    for name, cell in cells.items():
        write_json(folder / "cells" / f"{name}.json", cell)
    newer = (*METRICS, Metric("serendipity", lambda rankings: 0.0))
    for module in ("report", "markdown"):
        monkeypatch.setattr(f"segue.comparison.{module}.METRICS", newer)
    write_report(folder)

    written = (folder / "report.md").read_text()
    rows = {row[0]: row for row in table(written, "All rows")}
    at = {name: rows["model"].index(name) for name in ("map@10", "serendipity", "recall@20")}
    assert rows["EASE"][at["map@10"]] == "–"
    assert rows["iALS"][at["map@10"]] != "–"
    assert {rows[name][at["serendipity"]] for name in ("lightgcn", "gcn", "EASE", "iALS")} == {"–"}
    beyond = {row[0]: row for row in table(written, "Popularity and coverage")}
    assert beyond["gcn"][beyond["model"].index("novelty@300")] == "–", "one seed of two has it"
    chosen = {row[0]: row for row in table(written, "Chosen on validation")}
    assert chosen["EASE"][chosen["model"].index("auc")] == "–"
    report = json.loads((folder / "report.json").read_text())
    found = {row["model"]: row["test"]["map@10"]["mean"] for row in report["rows"]}
    assert (found["EASE"], found["gcn"] > 0) == (None, True)
    with (folder / "report.csv").open() as file:
        lines = {(line["model"], line["rng_seed"]): line for line in csv.DictReader(file)}
    assert lines["EASE", ""]["map@10"] == lines["EASE", ""]["validation auc"] == ""
    assert all(line["serendipity"] == "" for line in lines.values())
    assert {path.name for path in folder.glob("*.png")} == PLOTS


def test_plots_and_their_places(folder):
    write_report(folder)
    assert {path.name for path in folder.glob("*.png")} == PLOTS
    text = (folder / "report.md").read_text()
    for name in PLOTS:
        assert f"]({name})" in text
    for name in (
        "gcn-catalogue-softmax-seed0",
        "gcn-catalogue-softmax-seed1",
        "lightgcn-catalogue-softmax-seed0",
    ):
        (folder / "cells" / f"{name}.json").unlink()
    (folder / "cells" / "lightgcn-catalogue-softmax-seed1.json").unlink()
    write_report(folder)
    assert {path.name for path in folder.glob("*.png")} == PLOTS - {"validation.png", "loss.png"}
    text = (folder / "report.md").read_text()
    assert "validation.png" not in text
    assert "No training, only baselines." in text


def test_plots_leave_out_what_cells_do_not_have(folder):
    """Figures that are missing are neither drawn as 0 nor a reason to fail."""
    cells = cells_of(folder)
    for name, cell in cells.items():
        for metric in ("novelty@300", *(f"recall@300 of bucket {b}" for b in range(1, 6))):
            del cell["test"]["values"][metric]
        write_json(folder / "cells" / f"{name}.json", cell)
    write_report(folder)
    missing = {"recall-by-novelty.png", "recall-by-popularity.png"}
    assert {path.name for path in folder.glob("*.png")} == PLOTS - missing
    for name, cell in cells.items():
        cell["test"]["recall_curve"] = {}
        write_json(folder / "cells" / f"{name}.json", cell)
    write_report(folder)
    assert {path.name for path in folder.glob("*.png")} == PLOTS - missing - {"recall-at-k.png"}
    for name, cell in cells.items():
        cell["test"]["values"] |= {"recall@300 of bucket 2": 0.5, "recall@300 of bucket 3": None}
        write_json(folder / "cells" / f"{name}.json", cell)
    cells["EASE"]["test"]["values"]["novelty@300"] = 11.0
    cells["EASE"]["test"]["recall_curve"] = {"10": 0.2, "20": 0.3}
    cells["iALS-seed0"]["test"]["recall_curve"] = {"20": 0.4}
    cells["iALS-seed1"]["test"]["recall_curve"] = {"20": 0.4, "50": 0.5}
    for name in ("EASE", "iALS-seed0", "iALS-seed1"):
        write_json(folder / "cells" / f"{name}.json", cells[name])
    write_report(folder)
    assert {path.name for path in folder.glob("*.png")} == PLOTS


def test_the_same_cells_give_the_same_bytes(folder):
    write_report(folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    write_report(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == first


def test_a_report_holds_sums_of_many_and_no_playlist(folder, planted_graph):
    """Neither an id, a title nor a name of the data stands anywhere in it."""
    write_report(folder)
    catalog, playlists = planted_graph.catalog, planted_graph.playlists
    words = [*catalog.track_ids, *catalog.artists.ids, *playlists.titles, *catalog.track_names]
    written = [p for p in folder.rglob("*") if p.suffix in (".md", ".csv", ".json")]
    text = "\n".join(path.read_text() for path in written)
    assert not [word for word in words if str(word) in text]


def test_objectives_with_more_epochs_are_named(folder):
    write_report(folder)
    assert "Epochs differ" not in (folder / "report.md").read_text()
    path = folder / "cells" / "gcn-catalogue-softmax-seed0.json"
    cell = json.loads(path.read_text())
    cell |= {"name": "gcn-bpr-random-seed0", "objective": "bpr", "negatives": "random"}
    cell["config"] |= {"objective": to_json(BPR()), "epochs": 4}
    path.with_name("gcn-bpr-random-seed0.json").write_text(json.dumps(cell))
    write_report(folder)
    assert (
        "Epochs differ (catalogue-softmax 2, bpr 4): bpr learns"
        in (folder / "report.md").read_text()
    )


def test_what_is_missing_is_said(folder):
    write_report(folder, {"gat-catalogue-softmax-seed0": "left out: too large"})
    text = (folder / "report.md").read_text()
    assert "Not everything is finished" in text
    assert "- gat-catalogue-softmax-seed0: left out: too large" in text


def test_published_figures_stand_in_the_articles_report_alone(folder):
    write_report(folder)
    assert "published" not in (folder / "report.md").read_text().lower()
    path = folder / "cells" / "gcn-catalogue-softmax-seed0.json"
    cell = json.loads(path.read_text()) | {
        "name": "gcn-triples-random-seed0", "objective": "triples", "negatives": "random",
        "preset": "article",
    }  # fmt: skip
    path.with_name("gcn-triples-random-seed0.json").write_text(json.dumps(cell))
    write_report(folder)
    text = (folder / "report.md").read_text()
    row = table(text, "Compared with the published figures")[2]
    assert row[:2] == ["gcn", "random"]
    assert [row[3], row[6], row[8]] == [".722", ".163", "11.1"]
    assert row[2] == f"{cell['test']['values']['auc (pooled)']:.3f}".removeprefix("0")
    assert "from other data" in text


def test_cells_of_different_splits_are_not_put_together(folder):
    path = cell_path(folder, Grid(models=(), baselines=("EASE",)).cells(None)[0])
    cell = json.loads(path.read_text())
    cell["data"]["split"] = "0" * 64
    write_json(path, cell)
    with pytest.raises(MismatchError, match=r"is of another graph or split than EASE\.json"):
        write_report(folder)


def test_an_empty_folder_and_a_damaged_cell(folder, tmp_path_factory):
    with pytest.raises(ArtefactError, match="contains no finished cell"):
        read_comparison(tmp_path_factory.mktemp("empty"))
    (folder / "cells" / "EASE.json").write_text('{"name": "EASE"')
    with pytest.raises(ArtefactError, match=r"EASE\.json: is not a finished cell"):
        write_report(folder)
