"""A playlist looked through: what is there twice, what does not fit, its parts, a better order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segue.console import count, table_text
from segue.data.playlists import Catalog, Int32Array, Int64Array
from segue.errors import InputError
from segue.names.lookup import NameLookup
from segue.names.match import Match, Status
from segue.recommend.outliers import THRESHOLD, doubts
from segue.recommend.own_playlists import OwnList
from segue.recommend.parts import apart, cut
from segue.recommend.path import neighbour_score, path_through
from segue.recommend.reasons import plain
from segue.recommend.versions import Duplicate, duplicates
from segue.scoring.first_stage import FirstStage

# What a report proposes, as `TidyReport.tidied` and the command line name it.
STEPS = ("dedupe", "versions", "outliers", "order")
# Lists of fewer songs are not cut unless asked to.
_LEAST_CUT = 20
_NUM_NAMED = 3
_RANDOM_ORDERS = 10


@dataclass(frozen=True)
class TidySong:
    """A song of the list.

    Attributes
    ----------
    place
        In the list, from 1.
    asked
        The song, as it was given.
    status
        ``"found"``, ``"unsure"`` or ``"missing"`` in the bundle. What is not found is never judged:
        it stays, after the song that it follows now.
    track_id, track_name, artist_name
        As the bundle has it; empty unless found.
    """

    place: int
    asked: str
    status: Status
    track_id: str = ""
    track_name: str = ""
    artist_name: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        if self.status != "found":
            return self.asked
        return f"{self.track_name} - {self.artist_name}" if self.artist_name else self.track_name


@dataclass(frozen=True)
class Outlier:
    """A song that does not fit the others.

    Attributes
    ----------
    place
        In the list, from 1.
    score
        What the others of the list give it.
    doubt
        From .43, where a song begins to be one, to 1.
    """

    place: int
    score: float
    doubt: float


@dataclass(frozen=True)
class Part:
    """Songs of the list that go together.

    Attributes
    ----------
    title
        A suggestion.
    places : tuple of int
        In the list, ascending.
    artists, typical : tuple of str
        Artists with most songs, and the songs nearest to the middle; at most three.
    """

    title: str
    places: tuple[int, ...]
    artists: tuple[str, ...]
    typical: tuple[str, ...]


@dataclass(frozen=True)
class NeighbourScores:
    """Mean cosine of neighbours: in the given order, in random ones (of ten), in the proposed."""

    given: float
    random: float
    proposed: float


@dataclass(frozen=True)
class TidyReport:
    """What could be tidied in a list; prints as tables. Nothing is changed.

    Attributes
    ----------
    title
        Of the list, or the id of one without; empty where it has neither.
    songs : tuple of TidySong
        In the given order.
    duplicates : tuple of Duplicate
    outliers : tuple of Outlier
        The most doubtful first.
    middle
        The median of what the songs' scores are, each left out of the list.
    parts : tuple of Part
        A single one if the list is of a piece. Songs that were not found are with the songs that
        they follow.
    order : tuple of int
        All places, in an order in which neighbours go together.
    neighbours : NeighbourScores

    Examples
    --------
    >>> report = recommender.tidy(["Kashmir", "Le Freak", "Kashmir", "Black Dog", "no such song"])
    >>> [(twice.place, twice.of) for twice in report.duplicates], report.missing
    ([(3, 1)], ('no such song',))
    >>> [song.asked for song in report.tidied("dedupe")]
    ['Kashmir', 'Le Freak', 'Black Dog', 'no such song']
    """

    title: str
    songs: tuple[TidySong, ...]
    duplicates: tuple[Duplicate, ...]
    outliers: tuple[Outlier, ...]
    middle: float
    parts: tuple[Part, ...]
    order: tuple[int, ...]
    neighbours: NeighbourScores

    @property
    def unsure(self) -> tuple[str, ...]:
        """Songs that may be one of several tracks."""
        return tuple(song.asked for song in self.songs if song.status == "unsure")

    @property
    def missing(self) -> tuple[str, ...]:
        """Songs that the bundle does not have."""
        return tuple(song.asked for song in self.songs if song.status == "missing")

    def tidied(self, *steps: str) -> tuple[TidySong, ...]:
        """The songs after some steps.

        Parameters
        ----------
        steps
            ``"dedupe"`` drops copies of the same recording, ``"versions"`` other versions of a
            song, ``"outliers"`` what does not fit; ``"order"`` puts in order what is left.

        Raises
        ------
        InputError
            If a step is none of these.
        """
        for step in steps:
            if step not in STEPS:
                raise InputError(f"{step!r} is not a step, expected one of {', '.join(STEPS)}")
        kinds = {"dedupe": "same", "versions": "version"}
        dropping = {kinds[step] for step in steps if step in kinds}
        dropped = {twice.place for twice in self.duplicates if twice.kind in dropping}
        if "outliers" in steps:
            dropped |= {outlier.place for outlier in self.outliers}
        places = self.order if "order" in steps else range(1, len(self.songs) + 1)
        return tuple(self.songs[place - 1] for place in places if place not in dropped)

    def split(self, *steps: str) -> tuple[tuple[Part, tuple[TidySong, ...]], ...]:
        """The parts with their songs after some steps, as for `tidied`; no part is empty."""
        kept = self.tidied(*steps)
        found = []
        for part in self.parts:
            places = set(part.places)
            songs = tuple(song for song in kept if song.place in places)
            if songs:
                found.append((part, songs))
        return tuple(found)

    def __repr__(self) -> str:
        """``TidyReport(84 songs, 3 duplicates, 2 outliers, 3 parts)``."""
        return (
            f"TidyReport({len(self.songs)} songs, {len(self.duplicates)} duplicates, "
            f"{len(self.outliers)} outliers, {len(self.parts)} parts)"
        )

    def __str__(self) -> str:
        """What is proposed, as tables; nothing of what is not."""
        name = {song.place: song.name for song in self.songs}
        tables = []
        if self.duplicates:
            rows = [
                [str(at.place), name[at.place], at.kind, f"{at.of}. {name[at.of]}"]
                for at in self.duplicates
            ]
            tables.append(table_text("Here twice", ["", "song", "", "stays"], rows))
        if self.outliers:
            rows = [
                [str(at.place), name[at.place], f"{at.score:.3f}", f"{at.doubt:.2f}"]
                for at in self.outliers
            ]
            title = f"May not fit (half of the songs score {self.middle:.3f} or more)"
            tables.append(table_text(title, ["", "song", "score", "doubt"], rows))
        if len(self.parts) > 1:
            rows = [
                [
                    part.title,
                    str(len(part.places)),
                    ", ".join(part.artists),
                    "; ".join(part.typical),
                ]
                for part in self.parts
            ]
            title = f"Could be {count(len(self.parts), 'playlist')}"
            tables.append(table_text(title, ["title", "songs", "artists", "such as"], rows))
        scores = self.neighbours
        tables.append(
            f"Neighbours go together: {scores.given:.3f} in this order, {scores.random:.3f} at "
            f"random, {scores.proposed:.3f} in the proposed order"
        )
        return "\n\n".join(table.rstrip() for table in tables)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        content: dict[str, Any] = plain(self)
        return content


def tidy_list(
    first: FirstStage,
    names: NameLookup,
    given: OwnList,
    *,
    num_parts: int | None = None,
    title_of: Callable[[Int64Array], str] | None = None,
) -> TidyReport:
    """Look through a list.

    Parameters
    ----------
    first
        The score.
    names
        Of the bundle.
    given
    num_parts
        As many parts; None: see `segue.recommend.parts.cut`.
    title_of
        Suggests a title for rows of tracks (int64), empty if it has none.
    """
    catalog, matches = names.catalog, given.matches
    rows = [-1 if match.track is None else match.track for match in matches]
    # Each track once, at its first place.
    place_of: dict[int, int] = {}
    for place, row in enumerate(rows):
        if row >= 0:
            place_of.setdefault(row, place)
    tracks = np.array(list(place_of), dtype=np.int64)
    places = np.array(list(place_of.values()), dtype=np.int64)
    score, doubt = doubts(first, tracks)
    doubtful = sorted(np.flatnonzero(doubt > THRESHOLD).tolist(), key=lambda at: (-doubt[at], at))
    vectors = first.centroid.track_vectors[tracks]
    order = path_through(vectors)
    rng, as_given = np.random.default_rng(0), np.arange(len(tracks))
    at_random = [
        neighbour_score(vectors, rng.permutation(len(tracks))) for _ in range(_RANDOM_ORDERS)
    ]
    if num_parts is None and len(tracks) < _LEAST_CUT:
        num_parts = 1
    return TidyReport(
        given.title,
        _songs(catalog, matches),
        duplicates(given.named(names)),
        tuple(Outlier(int(places[at]) + 1, float(score[at]), float(doubt[at])) for at in doubtful),
        float(np.median(score)) if len(score) else 0.0,
        _parts(catalog, vectors, tracks, cut(apart(first, tracks), num_parts), rows, title_of),
        tuple(place + 1 for place in _with_followers(places[order].tolist(), rows, place_of)),
        NeighbourScores(
            neighbour_score(vectors, as_given),
            float(np.mean(at_random)),
            neighbour_score(vectors, order),
        ),
    )


def _songs(catalog: Catalog, matches: Sequence[Match]) -> tuple[TidySong, ...]:
    found = []
    for place, match in enumerate(matches, start=1):
        if match.track is None:
            found.append(TidySong(place, match.asked, match.status))
            continue
        by = catalog.artist_of(np.array([match.track], dtype=np.int32))[0].as_py()
        track_id, name = catalog.track_ids[match.track], catalog.track_names[match.track]
        found.append(TidySong(place, match.asked, "found", track_id.as_py(), name.as_py(), by))
    return tuple(found)


def _with_followers(
    ordered: Sequence[int], rows: Sequence[int], place_of: dict[int, int]
) -> list[int]:
    """All places from those in order: whatever is not in it follows the one that it followed.

    A track that is repeated follows its first place, what comes before all of them comes first.
    """
    followers: dict[int, list[int]] = {}
    leader = -1
    for place, row in enumerate(rows):
        if row < 0:
            followers.setdefault(leader, []).append(place)
            continue
        leader = place_of[row]
        if leader != place:
            followers.setdefault(leader, []).append(place)
    found = list(followers.get(-1, ()))
    for place in ordered:
        found += [place, *followers.get(place, ())]
    return found


def _parts(
    catalog: Catalog,
    vectors: Any,
    tracks: Int64Array,
    part_of: Int64Array,
    rows: Sequence[int],
    title_of: Callable[[Int64Array], str] | None,
) -> tuple[Part, ...]:
    """The parts, in the order in which they begin; titles are all different."""
    part_of_track = dict(zip(tracks.tolist(), part_of.tolist(), strict=True))
    places: dict[int, list[int]] = {}
    now = 0
    for place, row in enumerate(rows, start=1):
        now = part_of_track.get(row, now)
        places.setdefault(now, []).append(place)
    found: list[Part] = []
    taken: Counter[str] = Counter()
    for part in sorted(places):
        own = np.flatnonzero(part_of == part)
        nearest = own[np.argsort(-(vectors[own] @ vectors[own].sum(axis=0)), kind="stable")]
        typical = [catalog.track_names[int(row)].as_py() for row in tracks[nearest[:_NUM_NAMED]]]
        artists = _top_artists(catalog, tracks[own].astype(np.int32))
        title = (title_of(tracks[own]) if title_of and len(own) else "") or ", ".join(
            artists[:2] or typical[:1]
        )
        taken[title] += 1
        if taken[title] > 1:
            title = f"{title} ({taken[title]})"
        found.append(Part(title, tuple(places[part]), artists, tuple(typical)))
    return tuple(found)


def _top_artists(catalog: Catalog, tracks: Int32Array) -> tuple[str, ...]:
    """The main artists with most of the tracks, the first ones among equals."""
    main = catalog.main_artist[tracks]
    most = Counter(main[main >= 0].tolist()).most_common(_NUM_NAMED)
    return tuple(catalog.artists.names[artist].as_py() for artist, _ in most)
