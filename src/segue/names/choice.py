"""Which of the tracks with nearly the same title are one song, in the version asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segue.names.discography import Discography
from segue.names.readings import title_level, version_cost
from segue.names.titles import Title, title_of


@dataclass(frozen=True)
class Choice:
    """Tracks that a reading may mean, those of the preferred version, the best-known first."""

    rows: list[int]
    cost: tuple[int, ...]


def choose(
    tracks: Discography, title: Title, rows: Sequence[int], credit: Sequence[int] = ()
) -> Choice | None:
    """Of tracks with nearly this title, those that are the same song in the best version."""
    best: tuple[int, ...] | None = None
    kept: list[int] = []
    for place, row in enumerate(rows):
        ours = title_of(tracks.title(row))
        level, version = title_level(title, ours), version_cost(title.version, ours.version)
        if level is None or version is None:
            continue
        cost = (level, credit[place] if credit else 0, *version)
        if best is None or cost < best:
            best, kept = cost, []
        if cost == best:
            kept.append(row)
    if best is None:
        return None
    if best[0] and len({title_of(tracks.title(row)).song for row in kept}) > 1:
        return None  # Several songs that differ in what is in brackets.
    return Choice(kept, best)
