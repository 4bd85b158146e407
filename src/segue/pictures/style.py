"""The style of all pictures: colours, marks, sizes, and reproducible files.

Types differ in their marks and in the lightness of their colours, series in their marks or lines,
so that nothing is lost in greyscale or to colour-blind readers. The categorical colours are those
of M. Okabe and K. Ito ("Color universal design", 2008) with one or two more.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.errors import InputError
from segue.files import atomic_file
from segue.pictures.text import font_families

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf", "html")
MARKS = {"playlist": "s", "track": "o", "artist": "D"}
SERIES_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
SERIES_LINES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))


@dataclass(frozen=True)
class Theme:
    """The colours of a picture, as ``#rrggbb``.

    Attributes
    ----------
    background, ink, muted, line
        Background, text, secondary text, and edges and axes.
    playlist, track, artist
        The three types of nodes.
    series
        Categories: clusters, genres, models, seeds.
    other
        Everything without a category.
    """

    background: str
    ink: str
    muted: str
    line: str
    playlist: str
    track: str
    artist: str
    series: tuple[str, ...]
    other: str


THEMES = {
    "light": Theme(
        background="#FFFFFF",
        ink="#1B1F27",
        muted="#5D6675",
        line="#8A93A3",
        playlist="#1F4E96",
        track="#EFA00B",
        artist="#2FA084",
        series=(
            *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#1B1F27"),
            "#7A4A12",
        ),
        other="#C3C8D0",
    ),
    "dark": Theme(
        background="#14171F",
        ink="#F2F4F8",
        muted="#A4ADBB",
        line="#707B8E",
        playlist="#4F86F7",
        track="#F6C453",
        artist="#5CC7A5",
        series=(
            *("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#F2F4F8"),
            "#7A6BE8",
        ),
        other="#434B59",
    ),
}


@dataclass(frozen=True)
class Size:
    """Size of a picture: width and height in inches, text in points.

    A `height` of None is chosen to fit what is drawn.
    """

    width: float
    height: float | None
    font: float


SIZES = {
    "screen": Size(10.0, None, 9.0),
    "slide": Size(13.333, 7.5, 12.0),  # 16:9
    "page": Size(6.9, None, 7.5),  # between the margins of A4
    "column": Size(3.4, None, 6.0),  # of a paper in two columns
}


def size_named(text: str) -> Size:
    """A size by its name, or ``WIDTHxHEIGHT`` in inches, from 2x2 to 50x50.

    Raises
    ------
    InputError
        If it is neither.
    """
    if text in SIZES:
        return SIZES[text]
    try:
        width, height = (float(side) for side in text.lower().split("x"))
    except ValueError:
        width = height = 0.0
    if not (2 <= width <= 50 and 2 <= height <= 50):
        raise InputError(
            f"size {text!r} is not known, expected {', '.join(SIZES)} or WIDTHxHEIGHT in inches "
            "from 2x2 to 50x50, such as 8x6"
        )
    return Size(width, height, min(12.0, max(5.5, 0.5 + 0.85 * width)))


@contextmanager
def styled(theme: Theme, font: float) -> Iterator[None]:
    """Draw in our style, regardless of the user's matplotlib settings."""
    # Matplotlib logs, the first time as it is loaded, that it builds its font cache, has no home to
    # keep it in, or cannot subset a font: nothing that the user can act on.
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    import matplotlib

    settings: dict[str, Any] = {
        # The last one lets another machine that displays an SVG choose its own font.
        "font.family": [*font_families(), "sans-serif"],
        "font.size": font,
        "text.parse_math": False,  # A$AP and Ke$ha are not formulas
        "text.hinting": "no_hinting",  # so that a name has the same width at every resolution
        "text.color": theme.ink,
        "axes.facecolor": theme.background,
        "axes.edgecolor": theme.line,
        "axes.labelcolor": theme.ink,
        "axes.titlecolor": theme.ink,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.formatter.use_mathtext": False,
        "grid.color": theme.line,
        "grid.alpha": 0.25,
        "grid.linewidth": 0.6,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "figure.facecolor": theme.background,
        "savefig.facecolor": theme.background,
        "svg.fonttype": "none",  # text stays text: searchable, readable aloud, editable
        "svg.hashsalt": "segue",
        "pdf.fonttype": 3,  # 42 leaves out the letters of OpenType fonts such as Noto Sans CJK
    }
    try:
        with matplotlib.rc_context({**matplotlib.rcParamsDefault, **settings, "backend": "agg"}):
            yield
    finally:
        logger.setLevel(level)


def save_figure(figure: Figure, path: Path, dpi: int = 200) -> None:
    """Write a figure as PNG, SVG or PDF by the extension of `path`, completely or not at all.

    The same figure gives the same bytes. Call it inside `styled`.
    """
    file_format = format_of(path)
    metadata: dict[str, dict[str, str | None]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    with atomic_file(path) as temporary:
        # In memory first: when a write fails, matplotlib fails in other ways as it closes a PDF.
        drawn = io.BytesIO()
        figure.savefig(drawn, format=file_format, dpi=dpi, metadata=metadata[file_format])
        temporary.write_bytes(drawn.getvalue())


def format_of(path: Path) -> str:
    """The format for the extension of a path (InputError if there is none)."""
    ending = path.suffix.lower().lstrip(".")
    if ending not in FORMATS:
        raise InputError(
            f"{path}: a picture's name ends in .png, .svg, .pdf or .html, not {path.suffix!r}"
        )
    return ending
