"""Why a track is recommended: parts of its score, artists in common, playlists that hold both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np

from segue.console import table_text
from segue.data.playlists import BoolArray, Catalog, Int32Array, Int64Array, Playlists
from segue.graph.subgraph import Neighbours
from segue.names.matches import Taken
from segue.scoring.query import Query
from segue.scoring.term import ScoreParts

_NUM_REASONS = 3
# The smallest part, of the largest, that can be what a track goes with more than the others do.
_TELLING = 0.1
# Names of sources without a row in the catalogue, if different from their kind.
_IN_WORDS = {"list": "the list as a whole", "variety": "one of its artists"}
_NUM_SHARED_PLAYLISTS = 3


@dataclass(frozen=True)
class Reason:
    """One part of a score: from a track, artist or word in the query, popularity, the whole list.

    Its part may be negative: then it counts against the track. The reason of kind ``"list"`` is
    what the second stage adds, which considers the list as a whole; that of kind ``"variety"`` is
    what is taken from a track that is by an artist of the query's tracks.
    """

    kind: str
    id: str
    name: str
    part: float


@dataclass(frozen=True)
class SharedPlaylist:
    """A playlist that holds the recommended track and some tracks of the query."""

    playlist_id: str
    title: str
    track_names: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """All that speaks for and against a track; prints as a table.

    Attributes
    ----------
    track_id, track_name, artist_name
    score
    terms : tuple of Reason
        The largest first; their parts sum to the score.
    same_artist : tuple of str
        Names of what in the query is by the same artist.
    playlists : tuple of SharedPlaylist or None
        None if the bundle has no playlists.
    words_by_parts, unknown_words : tuple of str
    took, unknown
        As in `Recommendations`.
    is_given
        True if the track is in the playlist or among the songs, so that no list has it.

    Examples
    --------
    >>> found = recommender.why("Killer Queen", tracks=["Bohemian Rhapsody"])
    >>> abs(sum(term.part for term in found.terms) - found.score) < 1e-6
    True
    """

    track_id: str
    track_name: str
    artist_name: str
    score: float
    terms: tuple[Reason, ...]
    same_artist: tuple[str, ...]
    playlists: tuple[SharedPlaylist, ...] | None
    words_by_parts: tuple[str, ...] = ()
    unknown_words: tuple[str, ...] = ()
    took: tuple[Taken, ...] = ()
    unknown: tuple[str, ...] = ()
    is_given: bool = False

    def __str__(self) -> str:
        """The terms of the score as a table."""
        by = f" - {self.artist_name}" if self.artist_name else ""
        rows = [[term.name, term.kind, f"{term.part:+.4f}"] for term in self.terms]
        rows.append(["score", "", f"{self.score:.4f}"])
        note = "It is there already, so no list has it." if self.is_given else ""
        table = table_text(f"Why {self.track_name}{by}", ["because of", "", "part"], rows)
        return f"{table}\n{note}" if note else table

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        content: dict[str, Any] = plain(self)
        return content


def plain(value: Any) -> Any:
    """A dataclass as plain values for JSON."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


class Explainer:
    """Explains why tracks are recommended.

    Parameters
    ----------
    catalog
    playlists
        None if the bundle was made without them: then none are named.
    popularity : int64 [num_tracks]
    """

    def __init__(
        self, catalog: Catalog, playlists: Playlists | None, popularity: Int64Array
    ) -> None:
        self.catalog, self._playlists, self._popularity = catalog, playlists, popularity

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """The graph of the playlists, with reverse edges; None without playlists."""
        if self._playlists is None:
            return None
        by = self.catalog.relations["artist"]
        neighbours = Neighbours(self._playlists.tracks, by, self._popularity)
        neighbours.keep_transpose()
        return neighbours

    def terms(
        self, parts: ScoreParts, place: int, words: tuple[str, ...] = ()
    ) -> tuple[Reason, ...]:
        """All parts of a score, the largest first.

        The row of a source of kind ``word`` is a place among `words`, those of the title.
        """
        order = np.argsort(-parts.parts[place], kind="stable")
        return self._reasons(parts, place, order, words)

    def strongest(
        self, parts: ScoreParts, place: int, words: tuple[str, ...] = ()
    ) -> tuple[tuple[Reason, ...], float]:
        """The parts that add most to a score, and the sum of the others; words as in `terms`.

        The part of the list as a whole is never among them.
        """
        of_track = parts.parts[place]
        named = [
            at
            for at, (kind, _) in enumerate(parts.sources)
            if kind != "list" and (kind != "variety" or of_track[at])
        ]
        chosen = np.argsort(-of_track[named], kind="stable")[:_NUM_REASONS]
        rest = 0.0
        if len(of_track) > len(chosen):
            rest = float(of_track.sum() - of_track[chosen].sum())
        return self._reasons(parts, place, chosen, words), rest

    def distinctive(self, parts: ScoreParts, words: tuple[str, ...] = ()) -> list[Reason | None]:
        """For each track of a list, what of the query speaks for it more than for the others.

        The last tracks of an ordered playlist count most, so one of them is the strongest reason
        for nearly every track. What tells the tracks apart is by how much a part exceeds the mean
        of that part over the list, among parts of at least a tenth of the largest; among equals the
        larger part counts. None where nothing in the query speaks for a track.
        """
        if not len(parts.parts):
            return []
        asked = [at for at, (_, row) in enumerate(parts.sources) if row >= 0]
        of_query = parts.parts[:, asked]
        excess = of_query - of_query.mean(axis=0)
        found: list[Reason | None] = []
        for place, (more, part) in enumerate(zip(excess, of_query, strict=True)):
            order = np.lexsort((-part, -np.round(more, 9)))
            telling = (part > 0) & (part >= _TELLING * part.max(initial=0))
            best = next((asked[at] for at in order.tolist() if telling[at]), None)
            found.append(
                None if best is None else self._reasons(parts, place, np.array([best]), words)[0]
            )
        return found

    def _reasons(
        self, parts: ScoreParts, place: int, chosen: Int64Array, words: tuple[str, ...]
    ) -> tuple[Reason, ...]:
        catalog, reasons = self.catalog, []
        for at in chosen.tolist():
            kind, row = parts.sources[at]
            part = float(parts.parts[place, at])
            if row < 0:
                reasons.append(Reason(kind, "", _IN_WORDS.get(kind) or kind, part))
            elif kind == "word":
                reasons.append(Reason(kind, words[row], words[row], part))
            else:
                nodes = catalog.nodes[kind]
                reasons.append(Reason(kind, nodes.ids[row].as_py(), nodes.names[row].as_py(), part))
        return tuple(reasons)

    def same_artist(self, query: Query, tracks: Int32Array) -> list[tuple[str, ...]]:
        """For each track, the names of tracks and artists in the query by any of its artists."""
        catalog, by = self.catalog, self.catalog.relations["artist"]
        artists_of = [by[track].tolist() for track in tracks.tolist()]
        wanted = {artist for artists in artists_of for artist in artists}
        # The query's names by each artist, keyed by position, so that a duet is named once.
        held: dict[int, dict[int, str]] = {artist: {} for artist in wanted}
        rows = query.tracks.track_index.tolist()
        for place, row in enumerate(rows):
            for artist in wanted.intersection(by[row].tolist()):
                held[artist][place] = catalog.track_names[row].as_py()
        named = [] if query.artists is None else query.artists.track_index.tolist()
        for place, artist in enumerate(named, start=len(rows)):
            if artist in wanted:
                held[artist][place] = catalog.artists.names[artist].as_py()
        found = []
        for artists in artists_of:
            both = {place: name for artist in artists for place, name in held[artist].items()}
            found.append(tuple(both[place] for place in sorted(both)))
        return found

    def playlists(
        self, query: Query, tracks: Int32Array, without: int | None = None
    ) -> list[tuple[SharedPlaylist, ...]] | None:
        """For each track, the few playlists that link it best to the query; None without playlists.

        A playlist's rank is how many of the query's tracks and artists' tracks it holds, divided by
        the square root of its length: a long one says little. `without` is a playlist to leave out:
        the one being completed.
        """
        if self._playlists is None or self.neighbours is None:
            return None
        lists = self._playlists.tracks
        asked = query.tracks.track_index.astype(np.int64)
        if query.artists is not None:
            by = self.neighbours.of_artists(query.artists.track_index.astype(np.int64))
            asked = np.union1d(asked, by)
        holders, _ = self.neighbours.of_tracks(asked)
        held = np.bincount(holders, minlength=len(lists))
        if without is not None:
            held[without] = 0
        playlist, owner = self.neighbours.of_tracks(tracks.astype(np.int64))
        # A recommended track may itself be by an artist in the query.
        shared = held[playlist] - np.isin(owner, asked)
        playlist, owner, shared = (of[shared > 0] for of in (playlist, owner, shared))
        order = np.lexsort((playlist, -shared / np.sqrt(lists.lengths[playlist])))
        playlist, owner = playlist[order], owner[order]
        is_asked = np.zeros(self.catalog.num_tracks, dtype=bool)
        is_asked[asked] = True
        # Each is named for many playlists.
        names = dict(
            zip(asked.tolist(), self.catalog.track_names.take(asked).to_pylist(), strict=True)
        )
        found = []
        for track in tracks.tolist():
            best = playlist[owner == track][:_NUM_SHARED_PLAYLISTS].tolist()
            is_asked[track], before = False, is_asked[track]
            found.append(tuple(self._shared(self._playlists, row, is_asked, names) for row in best))
            is_asked[track] = before
        return found

    @staticmethod
    def _shared(
        playlists: Playlists, row: int, is_asked: BoolArray, names: Mapping[int, str]
    ) -> SharedPlaylist:
        held = playlists.tracks[row]
        both = tuple(names[track] for track in held[is_asked[held]].tolist())
        return SharedPlaylist(playlists.ids[row].as_py(), playlists.titles[row].as_py() or "", both)
