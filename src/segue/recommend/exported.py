"""A list of tracks that is written for elsewhere, with an id of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import IO

import numpy as np

from segue.data.playlists import Catalog
from segue.data.records import Track
from segue.data.title_words import CONTINUED
from segue.data.track_columns import Location

# Ids have 16 digits: far above the pids of the Million Playlist Dataset, below 2^53, which is where
# JavaScript's whole numbers end.
_FIRST_ID, _NUM_IDS = 10**15, 8 * 10**15


@dataclass(frozen=True)
class Exported:
    """A list of tracks, as the writers take it.

    Attributes
    ----------
    title
    tracks : tuple of Track
    scores : tuple of float or None
        In the order of the tracks, None for a track that has none; None where no track has any.
    continues
        The id of the playlist that it continues; empty if there is none.
    locations : tuple of str or None
        Where the tracks' files are, relative to the file that is written; None: not known.
    """

    title: str
    tracks: tuple[Track, ...]
    scores: tuple[float | None, ...] | None = None
    continues: str = ""
    locations: tuple[str | None, ...] | None = None

    def __post_init__(self) -> None:
        """Replace half a character (a lone surrogate), which no file can hold."""
        for name in ("title", "continues"):
            plain = getattr(self, name).encode("utf-8", "replace").decode()
            object.__setattr__(self, name, plain)

    @cached_property
    def id(self) -> str:
        """A number of 16 digits, the same for the same list.

        So `segue update` takes no other playlist for it, and a list that is written twice counts
        once.
        """
        digest = hashlib.sha256()
        for text in (self.title, self.continues, *(track.id for track in self.tracks)):
            digest.update(text.encode() + b"\0")
        return str(_FIRST_ID + int.from_bytes(digest.digest()[:8], "big") % _NUM_IDS)

    def after(self, given: Sequence[Track]) -> Exported:
        """The list with other tracks before it, which have no score."""
        held = {track.id for track in given}
        new = [at for at, track in enumerate(self.tracks) if track.id not in held]
        scores = self.scores or [None] * len(self.tracks)
        return replace(
            self,
            tracks=(*given, *(self.tracks[at] for at in new)),
            scores=(*(None for _ in given), *(scores[at] for at in new)),
        )


@dataclass(frozen=True)
class Writer:
    """One form of file.

    Attributes
    ----------
    name
        As `--format` takes it.
    title
        As people read it.
    endings : tuple of str
        Of files that are written so unless `--format` says otherwise.
    content_type
        Its media type.
    write
        Writes lists into an open file.
    holds_many
        Whether a file may hold several lists; otherwise there is a file for each.
    holds_locations
        Whether it says where the tracks' files are.
    for_players
        Whether it is of no use to most people without files.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    content_type: str
    write: Callable[[Iterable[Exported], IO[bytes]], None]
    holds_many: bool = True
    holds_locations: bool = False
    for_players: bool = False


def called(title: str | None, playlist_id: str) -> str:
    """What a playlist is called: its title, else its id."""
    if title:
        return title
    return f"Playlist {playlist_id}" if playlist_id.isdecimal() else playlist_id


def title_after(title: str) -> str:
    """The title of a list that continues another."""
    return title if title.endswith(CONTINUED) else f"{title}{CONTINUED}"


class TrackRecords:
    """Tracks of a catalogue as records, each made once.

    Parameters
    ----------
    catalog
    locations
        Where the tracks' files are, by track id, where that is known.
    """

    def __init__(self, catalog: Catalog, locations: Mapping[str, Location] | None = None) -> None:
        self._catalog, self._locations = catalog, locations or {}
        self._made: dict[int, Track] = {}

    def of_rows(self, rows: Sequence[int]) -> tuple[Track, ...]:
        """The tracks in some rows."""
        new = np.array(
            [row for row in dict.fromkeys(rows) if row not in self._made], dtype=np.int64
        )
        if len(new):
            self._made.update(zip(new.tolist(), self._records(new), strict=True))
        return tuple(self._made[row] for row in rows)

    def _records(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterable[Track]:
        catalog = self._catalog
        tracks = catalog.tracks.take(rows)
        aliases = [()] * len(rows) if tracks.aliases is None else tracks.aliases.to_pylist()
        artists, albums = self._linked("artist", rows), self._linked("album", rows)
        texts = zip(tracks.ids.to_pylist(), tracks.names.to_pylist(), strict=True)
        for at, (an_id, name) in enumerate(texts):
            album = albums[at][0] if albums[at] else None
            yield Track(
                an_id,
                name or "",
                artists[at],
                album,
                aliases=tuple(aliases[at] or ()),
                location=self._locations.get(an_id),
            )

    def _linked(
        self, kind: str, rows: np.ndarray[tuple[int], np.dtype[np.int64]]
    ) -> list[tuple[tuple[str, str], ...]]:
        """(id, name) of what each track is linked to."""
        relation, nodes = self._catalog.relations[kind], self._catalog.nodes[kind]
        linked = [relation[row].tolist() for row in rows.tolist()]
        flat = nodes.take(np.array([row for those in linked for row in those], dtype=np.int64))
        pairs = zip(flat.ids.to_pylist(), flat.names.to_pylist(), strict=True)
        return [tuple(next(pairs) for _ in those) for those in linked]
