"""Save a scene or a plot to a file, in the format given by its extension."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from segue.pictures.draw import draw_scene
from segue.pictures.html import write_scene, write_svg
from segue.pictures.scene import Scene
from segue.pictures.style import THEMES, Size, Theme, format_of, save_figure, styled
from segue.pictures.text import BOX, clean, drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_scene(
    scene: Scene, path: Path, size: Size, theme: str | None = None, *, dpi: int = 200
) -> int:
    """Write a scene as PNG, SVG or PDF, or as an interactive HTML file.

    Parameters
    ----------
    scene
    path
        Its extension selects the format.
    size
        Ignored for HTML, which fills its window.
    theme
        ``"light"`` or ``"dark"``; None is light, or in HTML the reader's system setting.
    dpi
        Resolution of a PNG.

    Returns
    -------
    int
        How many of the names drawn have letters that no font here has, so that boxes stand for
        them; 0 for SVG and HTML, which use the fonts of the machine that shows them.

    Raises
    ------
    InputError
        If the extension is none of these.
    ArtefactError
        If the file cannot be written.
    """
    file_format = format_of(path)
    if file_format == "html":
        write_scene(scene, path, theme)
        return 0
    # In SVG, text is drawn with the fonts of the machine that displays it.
    to_drawable = clean if file_format == "svg" else drawable
    colors = THEMES[theme or "light"]
    with styled(colors, size.font), _no_glyph_warnings():
        figure = draw_scene(scene, size, colors, to_drawable=to_drawable)
        save_figure(figure, path, dpi)
    names = [text for axes in figure.axes for text in axes.texts if text.get_gid() == "label"]
    return 0 if file_format == "svg" else sum(BOX in name.get_text() for name in names)


def save_plot(
    plot: Callable[[Size, Theme], Figure],
    path: Path,
    size: Size,
    theme: str | None = None,
    *,
    title: str = "Plot",
    dpi: int = 200,
) -> None:
    """Write a plot: a function of `segue.pictures.plots` that still takes size and theme.

    As `save_scene`; HTML holds it as SVG, under `title`.
    """
    file_format = format_of(path)
    colors = THEMES[theme or "light"]
    with styled(colors, size.font), _no_glyph_warnings():
        figure = plot(size, colors)
        if file_format != "html":
            save_figure(figure, path, dpi)
            return
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    write_svg(drawn.getvalue(), title, colors.background, path)


@contextmanager
def _no_glyph_warnings() -> Iterator[None]:
    """Text in an SVG may lack a glyph here and have one where it is displayed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield
