"""The reports in docs can be written again from their cells alone, whatever metrics came since."""

import json
from pathlib import Path

import pytest

from segue.comparison.report import to_json
from segue.comparison.results import read_comparison

REPORTS = Path(__file__).parents[2] / "docs" / "reports"


@pytest.mark.parametrize(("name", "num_cells"), [("real-playlists", 43), ("article", 10)])
def test_every_stored_cell_is_read_and_gives_the_stored_figures(name, num_cells):
    comparison = read_comparison(REPORTS / name)
    assert len(comparison.cells) == num_cells
    stored = json.loads((REPORTS / name / "report.json").read_text(encoding="utf-8"))
    found = json.loads(json.dumps(to_json(comparison)))
    assert len(found["rows"]) == len(stored["rows"])
    for ours, theirs in zip(found["rows"], stored["rows"], strict=True):
        assert {name: ours["test"][name] for name in theirs["test"]} == theirs["test"]
        del ours["test"], theirs["test"]
    assert found == stored
