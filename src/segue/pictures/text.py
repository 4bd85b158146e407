"""Names as drawable text: fonts with fallbacks, measured, cut to fit."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import RendererAgg

# DejaVu Sans comes with matplotlib and holds Latin, Greek, Cyrillic and more; so pictures look the
# same everywhere. The others are tried, in this order, for other characters.
_FAMILIES = (
    "DejaVu Sans", "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP",
    "Noto Sans SC", "Noto Sans KR", "Source Han Sans", "Hiragino Sans", "PingFang SC",
    "Apple SD Gothic Neo", "Yu Gothic", "Meiryo", "Microsoft YaHei", "Malgun Gothic",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "Noto Sans Arabic",
    "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil",
    "Noto Sans Telugu", "Noto Sans Thai", "Noto Sans Georgian", "Noto Sans Armenian",
    "Noto Sans Ethiopic", "Nirmala UI", "Leelawadee UI", "Arial Unicode MS", "Noto Sans Symbols",
    "Noto Sans Symbols 2", "Noto Emoji", "Segoe UI Symbol", "Apple Symbols", "Symbola", "Unifont",
)  # fmt: skip
# Drawn in place of a letter that no font has.
BOX = "□"
# A mark without a glyph of its own, which matplotlib cannot write into a PDF.
_BOM = "\ufeff"
_DPI = 72 * 64  # text is measured at this size, so that hinting does not round its width


@cache
def font_families() -> list[str]:
    """The installed font families for names, in order of preference."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return [family for family in _FAMILIES if family in installed]


@cache
def _glyphs() -> dict[str, frozenset[int]]:
    """Code points that each of our families covers."""
    from matplotlib import font_manager

    found = {}
    for family in font_families():
        path = font_manager.findfont(font_manager.FontProperties(family=[family]))
        found[family] = frozenset(font_manager.get_font(path).get_charmap())
    return found


def _has_glyph(character: str) -> bool:
    return any(ord(character) in glyphs for glyphs in _glyphs().values())


def families_of(text: str) -> list[str]:
    """The families that a text needs, always including the first: a short list draws faster."""
    families = font_families()[:1]
    for character in text:
        if not any(ord(character) in _glyphs()[family] for family in families):
            families += [f for f in font_families() if ord(character) in _glyphs()[f]][:1]
    return [*families, "sans-serif"]


def clean(text: str) -> str:
    """Text on one line, valid in every file format."""
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category == "Cc" or category.startswith("Z"):
            kept.append(" ")
        elif category != "Cs" and ord(character) & 0xFFFE != 0xFFFE and character != _BOM:
            kept.append(character)
    return " ".join("".join(kept).split())


def drawable(text: str) -> str:
    """Cleaned text in which every character has a glyph here.

    A letter that no font has becomes a box; emoji and other symbols that no font has are left out
    (a playlist called just "🎉" is then drawn as a box).
    """
    kept = []
    for character in clean(text):
        if _has_glyph(character):
            kept.append(character)
        elif unicodedata.category(character)[0] in "LN":
            kept.append(BOX)
    drawn = " ".join("".join(kept).split())
    # A joiner without its emoji is not text.
    seen = any(unicodedata.category(character)[0] in "LNPS" for character in drawn)
    return drawn if seen else (BOX if text.strip() else "")


def name_in_sentence(name: str, kind: str) -> str:
    """A name for use in a sentence; one of symbols alone, which may not print, gets its kind."""
    signs = all(unicodedata.category(character)[0] not in "LNP" for character in name)
    return f"{name} ({kind})" if signs else name


def from_left(text: str) -> str:
    """Text laid out left to right, even if it contains a right-to-left name."""
    runs = {unicodedata.bidirectional(character) for character in text}
    return f"\u200e{text}" if runs & {"R", "AL"} else text


def text_width(text: str, font: float, *, bold: bool = False) -> float:
    """Width of a line in points, at `font` points; a symbol that no font has is a square."""
    known = "".join(c for c in text if _has_glyph(c))
    return (_width(known, bold) + len(text) - len(known)) * font


@cache
def _width(text: str, bold: bool) -> float:
    """Width of a line at a font size of 1."""
    from matplotlib.font_manager import FontProperties

    weight = "bold" if bold else "normal"
    properties = FontProperties(family=families_of(text), size=1, weight=weight)
    width, _, _ = _renderer().get_text_width_height_descent(text, properties, ismath=False)
    return float(width) * 72 / _DPI


@cache
def _renderer() -> RendererAgg:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(8, 8, _DPI)


def shorten(text: str, width: float, font: float, *, bold: bool = False) -> str:
    """Text cut with an ellipsis to be at most `width` points wide."""
    if text_width(text, font, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest prefix that fits
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", font, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    # Combining marks belong to the letter before them.
    while 0 < low < len(text) and unicodedata.category(text[low])[0] == "M":
        low -= 1
    return text[:low].rstrip() + "…"
