"""Colours can be told apart by everybody and in grey; files come out the same twice."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import segue.pictures
from segue.errors import ArtefactError, InputError
from segue.pictures.draw import draw_scene
from segue.pictures.style import (
    SERIES_MARKS,
    THEMES,
    Size,
    format_of,
    save_figure,
    size_named,
    styled,
)

CSS = Path(segue.pictures.__file__).parent / "static" / "graph_view.css"
# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes: "A physiologically-based model for simulation
# of color vision deficiency", IEEE TVCG 15, 2009; severity 1.
SIGHT = {
    "full": np.eye(3),
    "protanopia": [
        [0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520],
    ],
    "deuteranopia": [
        [0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689],
    ],
    "tritanopia": [
        [1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039],
    ],
}  # fmt: skip
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def linear(color: str) -> np.ndarray:
    value = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    f = np.cbrt(np.clip(to_xyz @ np.clip(rgb, 0, 1) / (0.9505, 1, 1.089), 0.0089, None))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    """As the Web Content Accessibility Guidelines define it."""
    light = sorted(float(np.dot((0.2126, 0.7152, 0.0722), linear(c))) for c in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("sight", SIGHT)
def test_colours_can_be_told_apart(theme, sight):
    def least(colors) -> float:
        seen = [lab(np.array(SIGHT[sight]) @ linear(color)) for color in colors]
        return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))

    assert least((theme.playlist, theme.track, theme.artist)) > 20
    assert least(theme.series) > 12


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_types_differ_in_grey_and_everything_can_be_read(theme):
    grey = sorted(lab(linear(c))[0] for c in (theme.playlist, theme.track, theme.artist))
    assert np.diff(grey).min() > 8
    assert contrast(theme.ink, theme.background) > 12
    assert contrast(theme.muted, theme.background) > 4.5
    for color in (theme.playlist, theme.track, theme.artist):
        assert contrast(color, theme.background) > 2
    assert len(set(SERIES_MARKS)) == len(SERIES_MARKS) >= len(theme.series)


def test_the_graph_view_has_the_same_colours():
    css = CSS.read_text()
    light, explicit, system = re.findall(r"(--background: [^}]*)\}", css)
    assert explicit.split() == system.split(), "one dark theme, chosen in two ways"
    for name, block in (("light", light), ("dark", explicit)):
        found = dict(re.findall(r"--([\w-]+): (#\w+);", block))
        theme = THEMES[name]
        series = {f"series-{at}": color for at, color in enumerate(theme.series)}
        own = ("background", "ink", "muted", "line", "other", "playlist", "track", "artist")
        assert found == {field: getattr(theme, field) for field in own} | series


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("slide", Size(13.333, 7.5, 12.0)),
        ("8x6", Size(8, 6, 7.3)),
        ("50X2.5", Size(50, 2.5, 12)),
        ("2x2", Size(2, 2, 5.5)),
    ],
)
def test_sizes(text, size):
    found = size_named(text)
    assert (found.width, found.height) == (size.width, size.height)
    assert found.font == pytest.approx(size.font)


@pytest.mark.parametrize(
    "text", ["", "huge", "8", "8x", "1x1", "60x2", "-3x4", "axb", "8x6x4", "nanx4"]
)
def test_what_is_no_size(text):
    with pytest.raises(InputError, match="WIDTHxHEIGHT in inches"):
        size_named(text)


@pytest.mark.parametrize("name", ["picture", "picture.jpg", "png", ".png"])
def test_what_is_no_format(name):
    with pytest.raises(InputError, match=r"ends in .png, .svg, .pdf or .html"):
        format_of(Path(name))
    assert format_of(Path("a.b.SVG")) == "svg"


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_the_same_picture_is_the_same_file(scene_of, tmp_path, ending):
    scene = scene_of("one", "two", "three")
    paths = [tmp_path / f"{name}.{ending}" for name in ("first", "second")]
    for path in paths:
        with styled(THEMES["light"], 9.0):
            save_figure(draw_scene(scene, size_named("4x3"), THEMES["light"]), path, 50)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert len(first) > 1000
    assert sorted(tmp_path.iterdir()) == paths


def test_a_style_leaves_no_trace():
    import logging

    import matplotlib

    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        with styled(THEMES["dark"], 9.0):
            assert matplotlib.rcParams["font.size"] == 9.0
            assert matplotlib.rcParams["axes.facecolor"] == THEMES["dark"].background
        assert matplotlib.rcParams["font.size"] == 30
    assert dict(matplotlib.rcParams) == before
    assert logging.getLogger("matplotlib").level != logging.ERROR


def test_a_folder_that_is_not_there(scene_of, tmp_path):
    with styled(THEMES["light"], 9.0):
        figure = draw_scene(scene_of("one"), size_named("4x3"), THEMES["light"])
        with pytest.raises(ArtefactError, match="there is no folder"):
            save_figure(figure, tmp_path / "gone" / "x.png")
