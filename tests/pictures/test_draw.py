"""Drawn scenes hold what they should: every node, labels that do not overlap, a legend."""

import re
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from segue.pictures import compose
from segue.pictures.draw import draw_scene
from segue.pictures.save import save_scene
from segue.pictures.style import THEMES, size_named, styled
from segue.pictures.text import clean, drawable

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def no_warning_reaches_people():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def figure_of(scene, size="screen", theme="light", to_drawable=drawable):
    """The figure, laid out."""
    with styled(THEMES[theme], size_named(size).font):
        figure = draw_scene(scene, size_named(size), THEMES[theme], to_drawable=to_drawable)
        figure.draw_without_rendering()
    return figure


def texts_of(figure, gid):
    (axes,) = figure.axes
    return [text for text in axes.texts if text.get_gid() == gid]


def boxes_of(figure, *gids):
    """Where texts are, in points: [num_texts, 4]."""
    with styled(THEMES["light"], 9.0):
        extents = [t.get_window_extent() for gid in gids for t in texts_of(figure, gid)]
    return np.array([box.extents for box in extents]).reshape(-1, 4) * 72 / figure.dpi


def num_marks(figure):
    (axes,) = figure.axes
    marks = [c for c in axes.collections if re.match("playlist|track|artist", c.get_gid() or "")]
    return sum(len(collection.get_offsets()) for collection in marks)


def overlaps(boxes, slack=0.6):
    """Pairs of boxes that share more than a hair."""
    return [
        (one, other)
        for at, one in enumerate(boxes)
        for other in boxes[at + 1 :]
        if one[0] < other[2] - slack
        and other[0] < one[2] - slack
        and one[1] < other[3] - slack
        and other[1] < one[3] - slack
    ]


PICTURES = {
    "snowball": lambda r: compose.snowball(r.bundle, ("track", 30), waves=2, limit=20),
    "layers": lambda r: compose.layers(r.bundle, ("playlist", 0), limit=14),
    "artist": lambda r: compose.artist(r.bundle, 3),
    "reasons": lambda r: compose.reasons(r, [0, 45]),
}


@pytest.mark.parametrize("size", ["screen", "column", "slide"])
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_holds_what_it_should(recommender, name, size):
    scene = PICTURES[name](recommender)
    figure = figure_of(scene, size)
    assert num_marks(figure) == sum(node.type != "rest" for node in scene.nodes)
    labels = texts_of(figure, "label")
    assert len(labels) > 0.35 * len(scene.nodes) if size == "screen" else labels
    if name != "artist":  # the outer labels there are turned; their boxes are not
        assert not overlaps(boxes_of(figure, "label", "detail"))
    everything = boxes_of(figure, "label", "detail", "title", "note", "heading", "legend-text")
    width, height = figure.get_size_inches() * 72
    assert everything.min() >= 0
    assert everything[:, 2].max() <= width + 1
    assert everything[:, 3].max() <= height + 1
    assert not overlaps(boxes_of(figure, "title", "note", "heading", "legend-text"))
    legend = {text.get_text() for text in texts_of(figure, "legend-text")}
    assert {node.type for node in scene.nodes} - {"rest"} <= legend
    if name != "reasons":
        assert {"playlist holds track", "track by artist"} <= legend
    assert len(texts_of(figure, "title")) >= 1


def test_columns_label_every_node(recommender):
    scene = PICTURES["layers"](recommender)
    figure = figure_of(scene)
    assert len(texts_of(figure, "label")) == len(scene.nodes)
    assert [t.get_text() for t in texts_of(figure, "heading")] == list(scene.headings)


def test_the_two_kinds_of_edges_look_different(recommender):
    (axes,) = figure_of(PICTURES["layers"](recommender)).axes
    style = {
        c.get_gid(): (c.get_linestyle()[0][1] is None, tuple(c.get_edgecolor()[0][:3]))
        for c in axes.collections
        if c.get_gid() in ("interaction", "structural")
    }
    assert style["interaction"][0], "solid"
    assert not style["structural"][0], "dashed"
    assert style["interaction"][1] != style["structural"][1]


def test_a_larger_degree_is_drawn_larger(recommender):
    scene = PICTURES["layers"](recommender)
    (axes,) = figure_of(scene).axes
    (marks,) = (c for c in axes.collections if c.get_gid() == "track-nodes")
    degree = [n.degree for n in scene.nodes if n.type == "track" and not n.role]
    sizes = marks.get_sizes()
    assert len(set(degree)) > 3
    assert (np.argsort(sizes, kind="stable") == np.argsort(degree, kind="stable")).all()


def test_bands_are_as_wide_as_what_they_carry(recommender):
    scene = PICTURES["reasons"](recommender)
    (axes,) = figure_of(scene).axes
    (bands,) = (c for c in axes.collections if c.get_gid() == "contribution")
    heights = [path.vertices[0, 1] - path.vertices[7, 1] for path in bands.get_paths()]
    weights = [edge.weight for edge in scene.edges]
    thick = [(h, w) for h, w in zip(heights, weights, strict=True) if h > 0.41]
    assert len(thick) > 3
    assert np.ptp([h / w for h, w in thick]) < 1e-6 * max(h / w for h, w in thick)


@pytest.mark.parametrize("layout", ["force", "map"])
def test_one_node_and_odd_names(scene_of, layout):
    figure = figure_of(scene_of("</b> $x$ & \x00 _under", layout=layout, title="A$AP $ Ke$ha"))
    assert texts_of(figure, "title")[0].get_text() == "A$AP $ Ke$ha"
    assert texts_of(figure, "label")[0].get_text() == "</b> $x$ & _under"


def test_a_long_title_is_wrapped_then_cut(scene_of):
    figure = figure_of(scene_of("one", title="A very long title of many words " * 20), "column")
    first, second = texts_of(figure, "title")
    assert not first.get_text().endswith("…")
    assert second.get_text().endswith("…")
    assert len(texts_of(figure_of(scene_of("one", title="")), "title")) == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PICTURES)
def test_svg_is_well_formed_and_holds_text(recommender, tmp_path, name, theme):
    scene = PICTURES[name](recommender)
    path = tmp_path / "picture.svg"
    save_scene(scene, path, size_named("screen"), theme)
    drawn = path.read_text()
    root = ET.fromstring(drawn)
    texts = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    assert clean(scene.title) in texts or scene.title.startswith(texts[0])
    assert {node.type for node in scene.nodes} - {"rest"} <= set(texts)
    assert "date" not in drawn
    assert THEMES[theme].background.lower() in drawn.lower()
    assert not re.search(r'(href|src)="(?!#)', drawn), "nothing is loaded"
    for element in root.iter(f"{SVG}text"):
        assert "sans-serif" in element.get("style", ""), "another machine has a font for it"


def test_svg_keeps_what_has_no_glyph_here(scene_of, tmp_path):
    save_scene(scene_of("宇多田 🧗"), tmp_path / "x.svg", size_named("4x3"))
    assert "宇多田 🧗" in (tmp_path / "x.svg").read_text()


def test_names_drawn_with_boxes_are_counted_only_where_they_are_drawn(
    dejavu_alone, scene_of, tmp_path
):
    def count_of(scene, ending):
        return save_scene(scene, tmp_path / f"x{ending}", size_named("4x3"), dpi=50)

    named = scene_of("宇多田", "one")
    assert count_of(named, ".png") == count_of(named, ".pdf") == 1
    assert count_of(named, ".svg") == count_of(named, ".html") == 0, "drawn on another machine"
    crowd = scene_of(*["宇多田"] * 200, layout="map")
    assert 1 <= count_of(crowd, ".png") <= 24, "a map names few of its tracks"


def test_png_and_pdf_are_what_they_say(scene_of, tmp_path):
    for ending, magic in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        path = Path(tmp_path / f"x.{ending}")
        save_scene(scene_of("one", "\ufefftwo\u200d\u034f\u0301"), path, size_named("3x2"), dpi=100)
        assert path.read_bytes().startswith(magic)
    header = (tmp_path / "x.png").read_bytes()[16:24]
    assert [int.from_bytes(header[:4]), int.from_bytes(header[4:])] == [300, 200]
