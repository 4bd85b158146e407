"""For whom to recommend: playlists of the bundle, or somebody's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from segue.errors import InputError, NameLookupError
from segue.recommend.own_music import OwnMusic
from segue.recommend.recommender import Recommender
from segue.scoring.query import Query
from segue.scoring.questions import Question, usual_question


@dataclass(frozen=True, eq=False)
class AskedPlaylists:
    """Playlists to continue.

    Attributes
    ----------
    ids : sequence of str
    titles : sequence of str or None
        None for a playlist without.
    query : Query
        A list for each of them.
    """

    ids: Sequence[str]
    titles: Sequence[str | None]
    query: Query


def asked_of_rows(
    recommender: Recommender, rows: Sequence[int], question: Question | None = None
) -> AskedPlaylists:
    """Playlists of the bundle, by row (InputError if it has none).

    Without a question they are asked the usual one of all its playlists.
    """
    playlists = recommender.playlists
    question = question or usual_question(playlists.order_known)
    places = pa.array(rows, pa.int64())
    ids, titles = (column.take(places).to_pylist() for column in (playlists.ids, playlists.titles))
    query = recommender.queries.of_rows(np.array(rows, dtype=np.int64), question)
    return AskedPlaylists(ids, titles, query)


def asked_of_own(
    recommender: Recommender, own: OwnMusic, question: Question | None = None
) -> AskedPlaylists:
    """Playlists from elsewhere, with their titles; without a question, asked their usual one."""
    playlists = own.collection.playlists
    question = question or usual_question(own.order_known)
    titles = playlists.titles.to_pylist()
    query = recommender.queries.of_lists(own.tracks, own.order_known, titles, question)
    return AskedPlaylists(playlists.ids.to_pylist(), titles, query)


def read_ids(
    path: Path, recommender: Recommender, question: Question | None = None
) -> tuple[AskedPlaylists, list[str]]:
    """Read ids of the bundle's playlists, one per line; empty lines are ignored.

    Returns
    -------
    asked : AskedPlaylists
    unknown
        Lines that are no playlist of the bundle; they are passed over.

    Raises
    ------
    InputError
        If the file cannot be read, none of its lines is a playlist of the bundle, or one repeats.
    """
    ids, rows, places, unknown = [], [], [], []
    first: NameLookupError | None = None
    for number, line in read_lines(path):
        try:
            rows.append(recommender.rows.playlist(line))
        except NameLookupError as error:
            first = first or NameLookupError(f"{path}: line {number}: {error.message}")
            unknown.append(line)
            continue
        ids.append(line)
        places.append(f"line {number}")
    _refuse_repeats(path, ids, places)
    if not rows:
        raise first or InputError(f"{path}: contains no playlist ids, expected one per line")
    return asked_of_rows(recommender, rows, question), unknown


def read_lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a text file that are not empty, trimmed, with their numbers from 1.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error})") from error
    return [(at, line.strip()) for at, line in enumerate(lines, start=1) if line.strip()]


def _refuse_repeats(path: Path, ids: list[str], places: list[str]) -> None:
    seen: set[str] = set()
    for playlist_id, place in zip(ids, places, strict=True):
        if playlist_id in seen:
            raise InputError(f"{path}: {place}: playlist {playlist_id!r} repeats, expected it once")
        seen.add(playlist_id)
