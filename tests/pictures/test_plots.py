"""Plots show every series, name it, and mark the best."""

from functools import partial
from itertools import combinations

import numpy as np
import pytest

from segue.errors import InputError
from segue.pictures.plots import (
    Series,
    bars,
    lines,
    panels,
    scatter,
    scatter_of_kinds,
    training_curves,
)
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
    assert {text.get_text() for text in loss.texts} == {"6.5", "7.5"}, "the least loss of each"
    assert {text.get_text() for text in recall.texts} == {"0.3", "0.1"}, "the most recall of each"
    assert legend_of(figure) == ["one", "two"]


def test_the_best_values_of_like_trainings_do_not_overprint():
    curve = [{"epoch": e, "loss": 7.0 - e / 10, "recall@20": 0.2 + e / 1000} for e in range(1, 9)]
    histories = {f"run {at}": [one | {"loss": one["loss"] + at / 500} for one in curve]
                 for at in range(3)}  # fmt: skip
    figure = training_curves(histories, SIZE, THEME)
    figure.draw_without_rendering()
    for axis in figure.axes:
        assert len(axis.texts) == 3
        boxes = [text.get_window_extent() for text in axis.texts]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_trainings_side_by_side_have_a_line_each():
    history = [
        {"training": at, "epoch": epoch, "loss": 8.0 - at - epoch}
        for at in (1, 2)
        for epoch in (1, 2)
    ]
    figure = training_curves({"one": history}, SIZE, THEME)
    (loss,) = figure.axes
    assert legend_of(figure) == ["one, training 1", "one, training 2"]
    assert loss.lines[0].get_xydata().tolist() == [[1, 6], [2, 5]]


@pytest.mark.parametrize("histories", [{}, {"one": []}, {"one": [{"epoch": 1, "seconds": 2.0}]}])
def test_no_history_is_no_plot(histories):
    with pytest.raises(InputError, match="no training history"):
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


def test_places_of_lines_have_names():
    series = {"one": Series([1, 2, 3], [0.3, 0.2, 0.1])}
    ticks = {1.0: "most", 3.0: "least"}
    figure = lines(series, SIZE, THEME, title="", x_label="", y_label="", ticks=ticks)
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["most", "least"]
    assert list(axis.get_xticks()) == [1, 3]


def test_a_name_looks_the_same_in_every_panel():
    one, two = Series([1, 2], [0.1, 0.2]), Series([1, 2], [5, 6])
    groups = {"first": {"a": one, "b": two}, "second": {"b": two}}
    figure = panels(groups, SIZE, THEME, title="All", x_label="epoch", y_label="loss")
    first, second = figure.axes
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["first", "second"]
    look = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in first.lines]
    assert look[0] != look[1]
    (line,) = second.lines
    assert (line.get_color(), line.get_linestyle(), line.get_marker()) == look[1]
    assert first.get_ylim() == second.get_ylim(), "so they compare"
    assert legend_of(figure) == ["a", "b"]
    free = panels(groups, SIZE, THEME, title="", x_label="", y_label="", same_y=False)
    assert free.axes[0].get_ylim() != free.axes[1].get_ylim()


def test_panels_by_ratio_are_marked_where_there_is_room():
    ks = [1, 2, 5, 10, 100, 200, 300, 400, 500]
    groups = {"": {"a": Series(ks, ks)}}
    figure = panels(groups, SIZE, THEME, title="", x_label="k", y_label="", log_x=True)
    assert figure.axes[0].get_yscale() == "linear"
    both = panels(groups, SIZE, THEME, title="", x_label="", y_label="", log_x=True, log_y=True)
    assert (both.axes[0].get_xscale(), both.axes[0].get_yscale()) == ("log", "log")
    both.draw_without_rendering()
    assert "100" in [label.get_text() for label in both.axes[0].get_yticklabels()]
    (axis,) = figure.axes
    marks = [label.get_text() for label in axis.get_xticklabels()]
    assert marks == ["1", "2", "5", "10", "100", "200", "500"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3, 20_000], ["10", "100", "1,000", "10,000"]), ([0.2, 6.5], ["0.2", "0.5", "1", "2", "5"])],
)
def test_a_logarithmic_axis_has_plain_numbers_and_no_more(values, expected):
    groups = {"": {"a": Series([10_000, 1_000_000], values)}}
    figure = panels(groups, SIZE, THEME, title="", x_label="", y_label="", log_x=True, log_y=True)
    figure.draw_without_rendering()
    (axis,) = figure.axes
    low, high = axis.get_ylim()
    labels = axis.get_yticklabels() + axis.get_yticklabels(minor=True)
    shown = [label.get_text() for label in labels if low <= label.get_position()[1] <= high]
    assert [text for text in shown if text] == expected
    assert [label.get_text() for label in axis.get_xticklabels()] == ["10,000", "1,000,000"]


def test_where_colours_repeat_marks_do_not():
    series = {name: Series([1, 2], [1, 2]) for name in "abcdefghij"}
    figure = lines(series, SIZE, THEME, title="", x_label="", y_label="")
    looks = {(line.get_color(), line.get_marker()) for line in figure.axes[0].lines}
    assert len(looks) == len(series)


def test_two_properties_of_a_point_are_colour_and_form():
    points = {
        "gcn": {"bpr": Series([1], [1]), "full": Series([2], [1], [0.1])},
        "gat": {"full": Series([1], [2])},
    }
    named = {"EASE": Series([3], [3])}
    figure = scatter_of_kinds(points, named, SIZE, THEME, title="", x_label="", y_label="")
    (axis,) = figure.axes
    marks = [(c.lines[0].get_color(), c.lines[0].get_marker()) for c in axis.containers]
    gcn_bpr, gcn_full, gat_full, ease = marks
    assert gcn_bpr[0] == gcn_full[0] != gat_full[0]
    assert gcn_full[1] == gat_full[1] != gcn_bpr[1]
    assert ease[0] not in {mark[0] for mark in marks[:3]}
    assert legend_of(figure) == ["gcn", "gat", "bpr", "full"]
    assert [text.get_text() for text in axis.texts] == ["EASE"], "only what has no key is named"


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
