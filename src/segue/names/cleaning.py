"""What pages, programs and other people's errors leave in the names of songs.

A song is looked for as it is spelt. Where it is not found so, it is looked for once more without
escapes of HTML and of addresses, the ending of a file, underscores for blanks, its length or year
after it, and text in UTF-8 that was read as Western.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from urllib.parse import unquote

from segue.names.asked import Asked

_FILE = re.compile(
    r"\.(?:mp3|flac|m4a|ogg|oga|opus|wav|wma|aac|aiff?|ape|mp4|webm)$", re.IGNORECASE
)
_AFTER = re.compile(r"\s*(?:[(\[](?:19|20)\d\d[)\]]|[(\[]?\b\d{1,2}:\d\d[)\]]?)\s*$")
_BROKEN = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u2122]")
_TURNED = re.compile(r"([^,&;]+),\s+([^,&;]+)")


def cleaned(text: str) -> str:
    """The text without what does not belong to it; the same text if all does."""
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "%" in text and "�" not in unquote(text):
        text = unquote(text)
    if _BROKEN.search(text):
        for encoding in ("cp1252", "latin-1"):
            try:
                text = text.encode(encoding).decode()
                break
            except UnicodeError:
                continue
    text = _FILE.sub("", text.strip())
    if " " not in text:
        # "queen_-_innuendo", "03-queen-innuendo"
        plain = text.replace("_", " ")
        text = (
            re.sub(r"(?<=[^\W_])-(?=[^\W_])", " - ", plain, count=2) if plain.count("-") else plain
        )
    return _AFTER.sub("", text).strip() or text


def cleaned_song(asked: Asked) -> Asked | None:
    """The song without what does not belong to its names; None if all does."""
    artists = tuple(_in_order(cleaned(artist)) for artist in asked.artists)
    title = cleaned(asked.title) if asked.title else ""
    text = asked.text if title else cleaned(asked.text)
    if (title, artists, text) == (asked.title, asked.artists, asked.text):
        return None
    return replace(asked, title=title, artists=artists, text=text)


def _in_order(artist: str) -> str:
    """``"Dylan, Bob"`` as ``"Bob Dylan"``."""
    turned = _TURNED.fullmatch(artist)
    return f"{turned[2]} {turned[1]}" if turned and turned[2].lower() != "the" else artist
