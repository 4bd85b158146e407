"""A bundle's submission to a challenge set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.challenge.challenge_set import Incomplete, asked_in
from segue.challenge.submission import LIST_LENGTH, check_field, write_submission
from segue.data.playlists import Catalog, Int32Array, TrackLists
from segue.errors import InputError
from segue.recommend.recommender import Recommender
from segue.scoring.query import Query

_BATCH_LISTS = 1024


@dataclass(frozen=True)
class Submitted:
    """What `submit` has written.

    Attributes
    ----------
    num_playlists
    num_unknown
        Tracks shown that the bundle does not have; they were ignored.
    by_popularity
        Playlists about which the bundle knows nothing; they got the most popular tracks.
    """

    num_playlists: int
    num_unknown: int
    by_popularity: int


def submit(
    recommender: Recommender,
    challenge_set: str | Path | Sequence[Incomplete],
    path: str | Path,
    *,
    team: str,
    email: str,
    titles: bool = True,
    advance: Callable[[int], None] | None = None,
) -> Submitted:
    """Answer every playlist of a challenge set, completely or not at all.

    Parameters
    ----------
    recommender
    challenge_set
        Its JSON file, the folder that `make` wrote, or what has been read of either.
    path
        The ``.csv.gz`` or ``.csv`` to write.
    team, email
        For the first line.
    titles
        Ask with the titles, too, where the bundle has learned the words of titles.
    advance
        Called after each batch with the number of playlists in it.

    Raises
    ------
    InputError
        As for `query_of_set` and `write_lists`.
    ArtefactError
        If the file cannot be written.

    Examples
    --------
    >>> from segue import challenge
    >>> done = challenge.submit(
    ...     recommender, "challenge", "again.csv.gz", team="us", email="us@example.com"
    ... )
    >>> done.num_playlists
    30
    """
    catalog = recommender.bundle.catalog
    asked = asked_in(challenge_set)
    query, num_unknown = query_of_set(recommender, asked, titles=titles)

    def best(rows: slice) -> Int32Array:
        # The challenge counts hits, so nothing is held back for variety.
        return recommender.rank(query.rows(rows), LIST_LENGTH)[0]

    write_lists(Path(path), asked, catalog.track_ids, best, team=team, email=email, advance=advance)
    return Submitted(len(asked), num_unknown, int(query.empty.sum()))


def query_of_set(
    recommender: Recommender, asked: Sequence[Incomplete], *, titles: bool = True
) -> tuple[Query, int]:
    """What a challenge set asks of a bundle, and how many of its tracks the bundle does not have.

    Raises
    ------
    InputError
        As for `known_tracks`.
    """
    tracks, num_unknown = known_tracks(asked, recommender.bundle.catalog)
    in_order = np.array([each.from_the_start for each in asked])
    names = [each.name for each in asked] if titles else None
    # All that follows is to be found, not what comes next (docs/challenge.md has the figures).
    query = recommender.queries.of_lists(tracks, in_order, names, question="fit")
    return query, num_unknown


def known_tracks(asked: Sequence[Incomplete], catalog: Catalog) -> tuple[TrackLists, int]:
    """The tracks shown that a catalogue has, each once, and how many it does not have.

    Raises
    ------
    InputError
        If the catalogue has too few tracks for lists of 500.
    """
    index_of = catalog.tracks.index_of
    rows = [[index_of.get(track, -1) for track in each.track_uris] for each in asked]
    known = [[row for row in listed if row >= 0] for listed in rows]
    most = max(map(len, known))
    if catalog.num_tracks - most < LIST_LENGTH:
        raise InputError(
            f"a catalogue of {catalog.num_tracks} tracks is too small: a submission needs "
            f"{LIST_LENGTH} besides those that a playlist shows (up to {most})"
        )
    return TrackLists.from_lists(known), sum(row < 0 for listed in rows for row in listed)


def write_lists(
    path: Path,
    asked: Sequence[Incomplete],
    track_ids: pa.Array,
    best: Callable[[slice], Int32Array],
    *,
    team: str,
    email: str,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Write the lists that a recommender gives, batch by batch.

    Parameters
    ----------
    path
    asked
    track_ids : Arrow string [num_tracks]
    best
        From some rows of `asked` to the tracks recommended, best first: int32 [num_rows, 500].
    team, email, advance
        As for `submit`.

    Raises
    ------
    InputError
        If a track's id cannot stand in a submission.
    ArtefactError
        If the file cannot be written.
    """
    # Only those that might be unfit are worth a look of their own.
    for track in track_ids.filter(pc.match_substring_regex(track_ids, r"[,\s]|^$")).to_pylist():
        check_field(track, "track")

    def lists() -> Iterator[tuple[int, list[str]]]:
        for start in range(0, len(asked), _BATCH_LISTS):
            rows = slice(start, min(start + _BATCH_LISTS, len(asked)))
            found = best(rows)
            ids = track_ids.take(pa.array(found.ravel())).to_pylist()
            for place, each in enumerate(asked[rows]):
                yield each.pid, ids[place * LIST_LENGTH : (place + 1) * LIST_LENGTH]
            if advance is not None:
                advance(rows.stop - rows.start)

    write_submission(path, team, email, lists())
