"""Queries from playlists, seeds and matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from segue.data.playlists import BoolArray, TrackLists
from segue.errors import InputError
from segue.names.lookup import NameLookup
from segue.names.matches import Songs
from segue.recommend.rows import Rows, Text, as_texts
from segue.recommend.titles import AskedTitle, Titles
from segue.scoring.query import Query
from segue.scoring.questions import Question, Questions, asks_of


class Queries:
    """Makes queries from rows, ids or names.

    Parameters
    ----------
    names
    rows
    num_tracks
        Size of the catalogue.
    questions
        How queries are made by what they ask.
    titles
    """

    def __init__(
        self,
        names: NameLookup,
        rows: Rows,
        num_tracks: int,
        questions: Questions,
        titles: Titles,
    ) -> None:
        self._names, self._rows, self._titles = names, rows, titles
        self._num_tracks, self._questions = num_tracks, questions

    def of_lists(
        self,
        tracks: TrackLists,
        order_known: BoolArray,
        titles: Sequence[str | None] | None = None,
        question: Question = "either",
    ) -> Query:
        """Some lists of tracks, by row.

        Parameters
        ----------
        tracks
        order_known : bool [num_lists]
        titles
            One for each list; their words count where the bundle has learned words.
        question
            What all lists ask; those whose order is not known ask what fits.

        Raises
        ------
        InputError
            If the question is unknown.
        """
        words = None if titles is None else self._titles.lists(titles)
        return self._questions.query(tracks, asks_of(question, order_known), words)

    def of_rows(self, playlist_index: Any, question: Question = "either") -> Query:
        """Some playlists of the bundle with their titles, by row (an int array).

        Raises
        ------
        InputError
            If the bundle was made without playlists, has none in one of the rows, or the question
            is unknown.
        """
        playlists = self._rows.playlists
        if len(playlist_index) and not np.issubdtype(playlist_index.dtype, np.integer):
            raise InputError("playlist_index holds no rows, expected whole numbers from 0")
        outside = (playlist_index < 0) | (playlist_index >= len(playlists))
        if len(playlist_index) and outside.any():
            row = playlist_index[outside][0]
            raise InputError(f"row {row}: the bundle has playlists 0 to {len(playlists) - 1}")
        tracks, order_known = (
            playlists.tracks.rows(playlist_index),
            playlists.order_known[playlist_index],
        )
        words = None
        if self._titles.known:
            titled = playlists.relations["word"].rows(playlist_index)
            words = TrackLists(titled.offsets, titled.target_index)
        return self._questions.query(tracks, asks_of(question, order_known), words)

    def of_playlist(
        self,
        playlist: Text | None,
        songs: Songs | None,
        ordered: bool,
        title: str | None = None,
        question: Question = "either",
    ) -> tuple[Query, int | None, AskedTitle]:
        """A playlist of the bundle, by id, or the songs of any other.

        Parameters
        ----------
        playlist, songs, ordered, question
        title
            By default a playlist of the bundle has its own; an empty one counts as none.

        Returns
        -------
        query
        row
            Row of the playlist; None if it is not one of the bundle's.
        asked
            The title.

        Raises
        ------
        InputError
            If the bundle has no playlists, or as for `Titles.asked`.
        NameLookupError
            If the playlist does not exist.
        """
        if playlist is not None:
            if not isinstance(playlist, str | bytes) and isinstance(playlist, Iterable):
                raise InputError("playlist is one id; give a list of tracks as tracks=[…]")
            row = self._rows.playlist(playlist)
            asked = self._titles.asked(title)
            if title is None:
                asked = self._titles.own(self._rows.playlists.titles[row].as_py())
            query = replace(self.of_rows(np.array([row]), question), words=None)
            return _with_title(query, asked), row, asked
        asked = self._titles.asked(title)
        rows = list(songs.rows) if songs is not None else []
        query = self._of_songs(rows, ordered, question)
        return _with_title(query, asked), None, asked

    def of_seeds(
        self,
        songs: Songs,
        artists: Text | Iterable[Text],
        ordered: bool = False,
        title: str | None = None,
        question: Question = "either",
    ) -> tuple[Query, AskedTitle]:
        """A few songs, artists by id or name, and a title; repeated ones count once.

        Raises
        ------
        InputError
            If there is nothing of these, or as for `Titles.asked`.
        NameLookupError
            If an artist's name matches nothing, or several.
        """
        artists = as_texts(artists, "artist")
        asked = self._titles.asked(title)
        if not songs.rows and not artists and not title:
            raise InputError("give at least one track or artist, or a title")
        by = dict.fromkeys(self._names.find(artist, "artist") for artist in artists)
        query = self._of_songs(list(songs.rows), ordered, question)
        if by:
            query = replace(query, artists=TrackLists.from_lists([list(by)]))
        return _with_title(query, asked), asked

    def _of_songs(self, rows: list[int], ordered: bool, question: Question) -> Query:
        # To ask what comes next after songs is to say that their order matters.
        in_order = np.array([ordered or question == "next"])
        return self.of_lists(TrackLists.from_lists([rows]), in_order, question=question)

    def of_matrix(self, playlist_tracks: Any) -> Query:
        """Any playlists by tracks.

        Parameters
        ----------
        playlist_tracks : csr_matrix [batch_size, num_tracks]
            Nonzero entries are the tracks held.

        Raises
        ------
        InputError
            Unless it has one column for each track.
        """
        from scipy.sparse import csr_array

        matrix = csr_array(playlist_tracks)  # shares the arrays if it is already CSR
        if matrix.shape[1] != self._num_tracks:
            raise InputError(
                f"playlist_tracks has {matrix.shape[1]} columns, "
                f"expected one per track: {self._num_tracks}"
            )
        holds = csr_array((matrix.data != 0, matrix.indices, matrix.indptr), shape=matrix.shape)
        holds.sum_duplicates()
        holds.eliminate_zeros()
        return Query(TrackLists(holds.indptr.astype(np.int64), holds.indices.astype(np.int32)))


def _with_title(query: Query, asked: AskedTitle) -> Query:
    return replace(query, words=asked.query) if asked.words else query
