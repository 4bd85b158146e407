"""Small typing errors in the title or the artist of a song."""

from __future__ import annotations

import re

from rapidfuzz.distance import OSA

from segue.names.choice import choose
from segue.names.discography import MOST_COMPARED, Discography
from segue.names.readings import Reading, keys_of_title, version_cost
from segue.names.search import NameIndex
from segue.names.titles import Title, artist_keys, sound_of, title_of

_DIGITS = re.compile(r"\d+")
_TRACKS_A_SLIP = 40_000  # Tracks per word that is misspelt in the same way.


class Misspelt:
    """Finds what readings with a small typing error mean.

    Parameters
    ----------
    index
    tracks
        Of the same index.
    """

    def __init__(self, index: NameIndex, tracks: Discography) -> None:
        self._index, self._catalog, self._tracks = index, index.catalog, tracks

    def meant(self, reading: Reading) -> int | None:
        """The one track that a reading with a small typing error means; None if that is unclear."""
        if not reading.artists or not reading.title.song:
            return None
        by = self._tracks.artists(reading.artists[0])
        return self._title_mistyped(reading, by) if by else self._artist_mistyped(reading)

    def _title_mistyped(self, reading: Reading, by: dict[int, int]) -> int | None:
        wanted = reading.title
        sounds = [
            (row, ours) for row, ours in self._tracks.alike(wanted, by)
            if sound_of(ours.words) == sound_of(wanted.words)
        ]  # fmt: skip
        if len({ours.song for _, ours in sounds}) == 1 and len(wanted.words) > 1:
            chosen = choose(
                self._tracks,
                Title(sounds[0][1].song, sounds[0][1].bare, wanted.version),
                [row for row, _ in sounds],
            )
            if chosen is not None:
                return chosen.rows[0]
        allowed = _allowed_errors(wanted.song)
        if not allowed:
            return None
        near: dict[str, tuple[int, list[int]]] = {}
        for row, ours in self._tracks.alike(wanted, by):
            if version_cost(wanted.version, ours.version) is None:
                continue
            errors = OSA.distance(wanted.song, ours.song, score_cutoff=allowed + 2)
            if errors <= allowed + 2:
                near.setdefault(ours.song, (errors, []))[1].append(row)
        if not near:
            return None
        (song, (errors, rows)), *others = sorted(near.items(), key=lambda item: item[1][0])
        clear = not others or others[0][1][0] >= errors + 2
        if errors > allowed or not clear or not self._is_error(wanted, song, rows[0]):
            return None
        chosen = choose(self._tracks, Title(song, song, wanted.version), rows)
        return (chosen.rows if chosen else rows)[0]

    def _is_error(self, wanted: Title, song: str, row: int) -> bool:
        """Whether the difference is a slip, not another word: "Love Me" is not "Leave Me"."""
        if not same_digits(wanted.song, song):
            return False
        longer, shorter = sorted((wanted.song, song), key=len, reverse=True)
        if longer == shorter + "s" and len(shorter) >= 9:
            return True
        theirs = title_of(self._tracks.title(row)).words
        odd = [word for word in wanted.words if word not in theirs]
        left = [word for word in theirs if word not in wanted.words]
        slips = self._catalog.num_tracks // _TRACKS_A_SLIP
        return all(
            not self._index.is_word("track", word, slips)
            and (not left or min(OSA.distance(word, other) for other in left) <= _slips(word))
            for word in odd
        )

    def _artist_mistyped(self, reading: Reading) -> int | None:
        asked = artist_keys(reading.artists[0])
        rows = self._index.keyed("track", keys_of_title(reading.title), MOST_COMPARED)
        near: dict[int, list[int]] = {}
        for row in rows:
            main = int(self._catalog.main_artist[row])
            if main in near or (main >= 0 and self._is_nearly(asked, self._tracks.artist(row))):
                near.setdefault(main, []).append(row)
        if len(near) != 1:
            return None
        ((_, held),) = near.items()
        chosen = choose(self._tracks, reading.title, held)
        return None if chosen is None or chosen.cost[0] else chosen.rows[0]

    def _is_nearly(self, asked: tuple[str, ...], artist: str) -> bool:
        ours = artist_keys(artist)
        return any(
            same_digits(a, b) and OSA.distance(a, b, score_cutoff=3) <= min(_allowed_errors(a), 2)
            for a in asked
            for b in ours
        )


def same_digits(one: str, other: str) -> bool:
    """Whether two texts have the same numbers: "part 1" is not "part 2" misspelt."""
    return _DIGITS.findall(one) == _DIGITS.findall(other)


def _slips(word: str) -> int:
    """How many letters of a word may be wrong."""
    return 1 if len(word) < 6 else 2


def _allowed_errors(key: str) -> int:
    """How many letters of a key may be wrong."""
    return 0 if len(key) < 5 else 1 if len(key) < 9 else 2 if len(key) < 16 else 3
