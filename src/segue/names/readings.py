"""Ways to read a song that somebody asks for, and how near another title is to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from segue.names.titles import Title, Version, title_of

SEPARATOR = re.compile(r"\s+[-–—|~]\s+|\s*[–—\t]\s*|:\s+")
_BY = re.compile(r"\s+by\s+", re.IGNORECASE)
NUMBERED = re.compile(r"^\s*#?\s*\d{1,4}(?:\s*[.):\-–—]\s*|\s+)(?=\S)")
_IN_BRACKETS = re.compile(r"^(?P<title>.+\S)\s*\((?P<artist>[^()]+)\)\s*$")
# Songs of which a part is named are told apart by it.
_PART = re.compile(r"\d|\b(?:part|pt|act|vol|volume|movement|chapter|first|second|third)\b", re.I)


@dataclass(frozen=True)
class Reading:
    """One way to read a text: as a title, by an artist."""

    text: str
    artists: tuple[str, ...]

    @cached_property
    def title(self) -> Title:
        """The title, taken apart."""
        return title_of(self.text)


def readings_of(text: str) -> list[Reading]:
    """Ways to cut a line into title and artist: at each dash, either way round, or at "by"."""
    readings = []
    for cut in SEPARATOR.finditer(text):
        left, right = text[: cut.start()].strip(), text[cut.end() :].strip()
        if left and right:
            readings += [
                Reading(right, (left,)),
                Reading(left, (right,)),
            ]
    for cut in _BY.finditer(text):
        readings.append(Reading(text[: cut.start()], (text[cut.end() :],)))
    if found := _IN_BRACKETS.match(text):
        readings.append(Reading(found["title"], (found["artist"],)))
    return readings


def keys_of_title(title: Title) -> tuple[str, ...]:
    """The keys by which tracks of nearly this title are found."""
    return tuple(dict.fromkeys((title.song, title.bare)))


def title_level(asked: Title, ours: Title) -> int | None:
    """0 for the same title, 1 if only one of them has a subtitle in brackets; else None."""
    if asked.song == ours.song:
        return 0
    if asked.bare != ours.bare:
        return None
    plain = asked.song == asked.bare, ours.song == ours.bare
    if plain == (False, False) or (asked.subtitle and _PART.search(asked.subtitle)):
        return None
    if plain == (False, True) and len(asked.subtitle.split()) < 2:
        return None  # One word more may name a version.
    return None if ours.subtitle and _PART.search(ours.subtitle) else 1


_ORDER = {
    "plain": ("plain", "same", "live"),
    "same": ("same", "plain", "live"),
    "live": ("live", "plain", "same"),
}


def version_cost(asked: Version, ours: Version) -> tuple[int, int] | None:
    """How far a version is from the one asked for, less is nearer; None: another recording."""
    if "other" in (asked.kind, ours.kind):
        return (0, 0) if (asked.kind, asked.words) == (ours.kind, ours.words) else None
    films = asked.kind == ours.kind == "same" and asked.words and ours.words
    if films and asked.words.isdisjoint(ours.words):
        return None
    shared = len(asked.words & ours.words) if asked.kind == ours.kind else 0
    return _ORDER[asked.kind].index(ours.kind), -shared
