"""Which track of a catalogue a song from elsewhere is: by id, ISRC or MusicBrainz id, else by name.

The main artist decides: a title by somebody else is another song, however well known. Versions are
taken in the order plain, remaster, live, unless the version asked for is there; a remix, a demo or
an acoustic take is only ever itself. Small typing errors pass only where the artist agrees and no
other song is nearly as close. Whatever is less than clear is *unsure*, with its candidates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from rapidfuzz.distance import Indel

from segue.data.playlists import Int64Array
from segue.data.text import fold
from segue.names.asked import Asked
from segue.names.choice import Choice, choose
from segue.names.cleaning import cleaned_song
from segue.names.discography import MOST_COMPARED, MOST_ROWS, Discography
from segue.names.misspelt import Misspelt, same_digits
from segue.names.readings import NUMBERED, SEPARATOR, Reading, keys_of_title, readings_of
from segue.names.search import NameIndex
from segue.names.titles import all_artist_keys, artist_keys, key_of, title_of

Status = Literal["found", "unsure", "missing"]

MAX_CANDIDATES = 10
_NOT_CREDITED = 3
_NEAR = 0.75  # Likeness from which a title by the right artist is worth a question,
_NEAR_BOTH = 0.82  # and from which title and artist together are.
_BY_NUMBER = re.compile(r"[\w\-]{1,12}")  # An id that another source may use for another song.


@dataclass(frozen=True)
class Match:
    """What became of one song.

    Attributes
    ----------
    asked : str
        The song in words, as it was given.
    status
        ``"found"``, ``"unsure"`` or ``"missing"``.
    track : int or None
        Row of the track; None unless it was found.
    how : str
        Of a found song, what decided: ``"id"``, ``"isrc"``, ``"mbid"``, ``"name"``, ``"version"``
        (another version of the song) or ``"spelling"`` (a small difference). Of an unsure one:
        ``"several"`` (songs of that name) or ``"near"``. Else empty.
    candidates : tuple of int
        Of an unsure song, rows of what it may be, best first, at most 10.
    count : int
        Of a found song, how many ids the catalogue has for it (the best known is taken); of an
        unsure one, how many tracks it may be.
    exact : bool
        Whether its name says nothing more or less than was asked.
    """

    asked: str
    status: Status
    track: int | None = None
    how: str = ""
    candidates: tuple[int, ...] = ()
    count: int = 1
    exact: bool = True


class Matcher:
    """Matches songs with the tracks of an index of names.

    Parameters
    ----------
    index
    """

    def __init__(self, index: NameIndex) -> None:
        self._index, self._catalog = index, index.catalog
        self._tracks = Discography(index)
        self._misspelt = Misspelt(index, self._tracks)

    def match(self, asked: Asked) -> Match:
        """What one song is here."""
        found = self._by_id(asked) or self._by_name(asked)
        if found.status == "found" or (clean := cleaned_song(asked)) is None:
            return found
        again = self._by_name(clean)
        better = again.status == "found" or found.status == "missing"
        return replace(again, asked=asked.text, exact=False) if better else found

    # By identifier

    def _by_id(self, asked: Asked) -> Match | None:
        index = self._index
        for an_id in asked.ids:
            row = index.with_id("track", an_id)
            if row is not None and not self._another(an_id, asked, row):
                return Match(asked.text, "found", row, "id")
        for alias in asked.aliases:
            rows = index.with_alias(alias)
            if rows:
                return Match(asked.text, "found", rows[0], alias.partition(":")[0], count=len(rows))
        return None

    def _another(self, an_id: str, asked: Asked, row: int) -> bool:
        """Whether a short id names another song here: sources that count songs all begin at 1."""
        if not asked.title or not _BY_NUMBER.fullmatch(an_id):
            return False
        ours, theirs = title_of(self._tracks.title(row)), title_of(asked.title)
        return Indel.normalized_similarity(ours.bare, theirs.bare) < _NEAR and key_of(
            self._tracks.title(row)
        ) != key_of(an_id)

    # By name

    def _by_name(self, asked: Asked) -> Match:
        found = self._described(asked) if asked.title else self._text(asked.text)
        if found is not None:
            return found
        near = self._near(asked)
        if near:
            return _unsure(asked.text, near, "near")
        return Match(asked.text, "missing")

    def _described(self, asked: Asked) -> Match | None:
        """A song whose title is known, and its artists if there are any."""
        if not asked.artists:
            return self._titled(asked.text, asked.title)
        reading = Reading(asked.title, asked.artists)
        swapped = Reading(", ".join(asked.artists), (asked.title,))
        found = self._read(asked, [reading, swapped])
        if found is None and SEPARATOR.search(asked.title):
            # Whoever cut a line at its first dash may have cut the artist's name.
            found = self._read(asked, readings_of(asked.text), typing_errors=False)
        return found

    def _text(self, text: str) -> Match | None:
        """A song in a line of text."""
        exact = self._exactly_titled(text)
        if exact is not None and (exact.status == "found" or not SEPARATOR.search(text)):
            return exact
        asked = Asked(text)
        lines = [text]
        if NUMBERED.match(text):
            lines.append(NUMBERED.sub("", text))
        for line in lines:
            readings = list(readings_of(line))
            found = self._read(asked, readings, typing_errors=False)
            if found is None:
                found = exact or self._titled(text, line)
            if found is None:
                found = self._run_together(text, line)
            if found is None:
                found = self._read(asked, readings)
            if found is not None:
                return found
        return None

    def _read(
        self, asked: Asked, readings: Sequence[Reading], typing_errors: bool = True
    ) -> Match | None:
        """What title and artist agree on, in the first reading in which they do."""
        for reading in readings:
            chosen = self._agreeing(reading)
            if chosen is not None:
                return self._found(asked, reading, chosen)
        for reading in readings if typing_errors else ():
            row = self._misspelt.meant(reading)
            if row is not None:
                return Match(asked.text, "found", row, "spelling", exact=False)
        return None

    def _agreeing(self, reading: Reading) -> Choice | None:
        """The tracks whose title and main artist are those of a reading."""
        if not reading.artists or not reading.title.song:
            return None
        by = self._tracks.artists(reading.artists[0])
        if not by:
            return None
        rows = np.array(
            self._index.keyed("track", keys_of_title(reading.title), MOST_ROWS), np.int64
        )
        level = self._credit(rows, by)
        chosen = rows[level < _NOT_CREDITED]
        return choose(
            self._tracks, reading.title, chosen.tolist(), level[level < _NOT_CREDITED].tolist()
        )

    def _credit(self, rows: Int64Array, by: dict[int, int]) -> Int64Array:
        """How much some artists count for each track: the less the more; int64 [num_rows].

        0 or 1 if one is the main artist, as `_artists` has it; 2 if one is credited besides.
        """
        main, wanted = self._catalog.main_artist[rows], np.array(list(by), dtype=np.int64)
        level = np.full(len(rows), _NOT_CREDITED, dtype=np.int64)
        relation = self._catalog.relations["artist"]
        if not relation.is_single:
            those = relation.rows(rows)
            level[those.source_index[np.isin(those.target_index, wanted)]] = 2
        for at in np.flatnonzero(np.isin(main, wanted)).tolist():
            level[at] = by[int(main[at])]
        return level

    def _found(self, asked: Asked, reading: Reading, chosen: Choice) -> Match:
        wanted = fold(reading.text)
        spelt_so = (row for row in chosen.rows if fold(self._tracks.title(row)) == wanted)
        row = next(spelt_so, chosen.rows[0])
        version = title_of(self._tracks.title(row)).version
        how = "name" if version.kind == reading.title.version.kind else "version"
        names = {fold(name).replace(" ", "") for name in self._tracks.written(row)}
        given = asked.text if not asked.title else f"{asked.title} - {', '.join(asked.artists)}"
        exact = fold(given).replace(" ", "") in names
        return Match(asked.text, "found", row, how, count=len(chosen.rows), exact=exact)

    # By title alone

    def _exactly_titled(self, text: str) -> Match | None:
        """Tracks named exactly so, apart from case and punctuation."""
        rows = self._index.named("track", text) if text.strip() else []
        wanted = text.strip().casefold()
        rows = [row for row in rows if self._tracks.title(row).casefold() == wanted] or rows
        return self._one_artist(text, rows)

    def _titled(self, text: str, title: str) -> Match | None:
        """The song of a title: found if only one artist has it."""
        exact = self._exactly_titled(title)
        if exact is not None:
            return exact
        parts = title_of(title)
        rows = self._index.keyed("track", keys_of_title(parts), MOST_ROWS)
        by_artist: dict[int, list[int]] = {}
        for row in rows:
            by_artist.setdefault(int(self._catalog.main_artist[row]), []).append(row)
        choices = [choose(self._tracks, parts, held) for held in by_artist.values()]
        kept = [choice for choice in choices if choice is not None]
        if not kept:
            return None
        level = min(choice.cost[0] for choice in kept)
        if level:  # Without an artist, a part of a title says too little.
            return _unsure(text, sorted((c.rows[0] for c in kept), key=self._tracks.fame), "near")
        kept = [choice for choice in kept if choice.cost[0] == level]
        names = {
            key for choice in kept for key in artist_keys(self._tracks.artist(choice.rows[0]))[:1]
        }
        if len(names) > 1:
            rows = sorted((choice.rows[0] for choice in kept), key=self._tracks.fame)
            return _unsure(text, rows, "several")
        best = min(kept, key=lambda choice: (choice.cost, self._tracks.fame(choice.rows[0])))
        return self._found(Asked(text), Reading(title, ()), best)

    def _one_artist(self, text: str, rows: list[int]) -> Match | None:
        """Tracks of one name: found if they are by one artist, else unsure."""
        if not rows:
            return None
        best = {artist_keys(self._tracks.artist(row))[:1]: row for row in reversed(rows)}
        if len(best) > 1:
            return _unsure(text, sorted(best.values(), key=self._tracks.fame), "several")
        return Match(text, "found", rows[0], "name", count=len(rows))

    def _run_together(self, text: str, line: str) -> Match | None:
        """Title and artist in one line with nothing between them, in either order."""
        if len(line.split()) < 2:
            return None
        wanted = key_of(line)
        songs: dict[str, int] = {}
        for row in self._index.search("track", line, MAX_CANDIDATES).tolist():
            title = title_of(self._tracks.title(row))
            name = self._tracks.artist(row)
            for artist in {*artist_keys(name)[:1], key_of(name)}:
                if wanted in (title.song + artist, artist + title.song):
                    songs.setdefault(artist_keys(name)[0], row)
        if len(songs) != 1:
            return None
        (row,) = songs.values()
        return Match(text, "found", row, "name", exact=False)

    # What it may be

    def _near(self, asked: Asked) -> list[int]:
        """Tracks that a song may be, though that is not clear: best first."""
        readings = list(readings_of(asked.text))
        if asked.title:
            readings = [Reading(asked.title, asked.artists)]
        alike: dict[int, float] = {}
        for reading in readings:
            title, artists = reading.title, reading.artists
            by = self._tracks.artists(artists[0]) if artists else {}
            for row, ours in self._tracks.alike(title, by):
                if ours.song == title.song or ours.bare == title.bare:
                    alike[row] = 1.0
                    continue
                likeness = Indel.normalized_similarity(title.song, ours.song, score_cutoff=_NEAR)
                if likeness and same_digits(title.song, ours.song):
                    alike[row] = max(likeness, alike.get(row, 0))
            credited = all_artist_keys(artists)
            for row in (
                self._index.keyed("track", keys_of_title(title), MOST_COMPARED) if artists else ()
            ):
                theirs = all_artist_keys(tuple(self._tracks.artists_of(row)))
                if row not in alike and not credited.isdisjoint(theirs):
                    alike[row] = 0.9
        if not alike and not any(reading.artists for reading in readings):
            wanted = fold(asked.text)
            for row in self._index.fuzzy("track", asked.text):
                names = (fold(name) for name in self._tracks.written(row))
                likeness = max(Indel.normalized_similarity(wanted, name) for name in names)
                if likeness >= _NEAR_BOTH:
                    alike[row] = likeness
        return sorted(alike, key=lambda row: (-round(alike[row], 2), *self._tracks.fame(row)))


def _unsure(text: str, rows: Sequence[int], how: str) -> Match:
    return Match(text, "unsure", None, how, tuple(rows[:MAX_CANDIDATES]), len(rows), False)
