"""Plots show every series, name it, and mark the best."""

from functools import partial

import numpy as np
import pytest

from segue.errors import InputError
from segue.pictures.plots import Series, bars, lines, scatter, training_curves
from segue.pictures.save import save_plot
from segue.pictures.style import THEMES, size_named, styled

SIZE, THEME = size_named("page"), THEMES["light"]
MODELS = ["lightgcn", "graphsage", "gat", "gcn", "rgcn", "item-kNN", "EASE", "popularity", "A$AP"]


@pytest.fixture(autouse=True)
def in_style():
    with styled(THEME, 8.0):
        yield


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_training_curves_have_a_panel_for_each_metric(bundle):
    figure = training_curves({"one": bundle.history, "two": bundle.history[:1]}, SIZE, THEME)
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["loss", "recall@20"]
    loss, recall = figure.axes
    assert loss.lines[0].get_xydata().tolist() == [[1, 7.5], [2, 6.5]]
    assert [text.get_text() for text in loss.texts] == ["6.5", "7.5"], "the least loss of each"
    assert [text.get_text() for text in recall.texts] == ["0.3", "0.1"], "the most recall of each"
    assert legend_of(figure) == ["one", "two"]


@pytest.mark.parametrize("histories", [{}, {"one": []}, {"one": [{"epoch": 1, "seconds": 2.0}]}])
def test_no_history_is_no_plot(histories):
    with pytest.raises(InputError, match="no history of a training"):
        training_curves(histories, SIZE, THEME)


def test_lines_are_told_apart_without_colour():
    series = {
        name: Series([1, 10, 100], [0.1 * at, 0.2, 0.3], [0.01] * 3)
        for at, name in enumerate(MODELS[:8])
    }
    figure = lines(series, SIZE, THEME, title="Recall", x_label="k", y_label="Recall@k", log_x=True)
    (axis,) = figure.axes
    looks = {(line.get_marker(), str(line.get_linestyle())) for line in axis.lines}
    assert len(looks) == 8
    assert len({line.get_color() for line in axis.lines}) == 8
    assert len(axis.collections) == 8, "a band of its spread each"
    assert legend_of(figure) == MODELS[:8]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "10", "100"]


def test_points_are_named_beside_them():
    rng = np.random.default_rng(0)
    points = {name: Series([rng.random()], [rng.random()]) for name in MODELS}
    figure = scatter(points, SIZE, THEME, title="", x_label="novelty", y_label="recall")
    (axis,) = figure.axes
    names = [text for text in axis.texts if text.get_gid() == "label"]
    assert sorted(text.get_text() for text in names) == sorted(MODELS)
    for text in names:
        assert text.xy == (points[text.get_text()].x[0], points[text.get_text()].y[0])


def test_bars_stand_in_their_categories():
    figure = bars(
        {"one": [1, 2, 3], "two": [3, 2, 1]}, SIZE, THEME,
        title="Recall", categories=["most", "middle", "least"], y_label="recall",
    )  # fmt: skip
    (axis,) = figure.axes
    assert [bar.get_height() for bar in axis.patches] == [1, 2, 3, 3, 2, 1]
    assert [round(bar.get_x() + bar.get_width() / 2) for bar in axis.patches] == [0, 1, 2] * 2
    with pytest.raises(ValueError, match="2 values for 1 categories"):
        bars({"one": [1, 2]}, SIZE, THEME, title="", categories=["a"], y_label="")


def test_a_series_checks_itself():
    with pytest.raises(ValueError, match="differ in length"):
        Series([1], [1, 2])
    with pytest.raises(ValueError, match="differ in length"):
        Series([1], [1], [1, 2])


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "html"])
def test_a_plot_is_written_the_same_twice(bundle, tmp_path, ending):
    plot = partial(training_curves, {"one": bundle.history})
    for name in ("a", "b"):
        save_plot(plot, tmp_path / f"{name}.{ending}", SIZE, "dark", title="Training <1>", dpi=50)
    content = (tmp_path / f"a.{ending}").read_bytes()
    assert content == (tmp_path / f"b.{ending}").read_bytes()
    if ending == "html":
        assert b"<title>Training &lt;1&gt;</title>" in content
        assert b"<svg" in content
