"""`Recommender`: a bundle that answers questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np

from segue.bundle import Bundle
from segue.data.playlists import (
    BoolArray,
    Float32Array,
    Int32Array,
    Int64Array,
    Playlists,
    TrackLists,
)
from segue.errors import InputError
from segue.graph.subgraph import Neighbours
from segue.names.lookup import NameLookup
from segue.names.matches import Matches, Songs
from segue.names.name_file import Kind
from segue.recommend.answers import Answers
from segue.recommend.details import Details, Found
from segue.recommend.filters import Filters
from segue.recommend.lists import Recommendations, SimilarArtists
from segue.recommend.naming import SuggestedTitles, TitleSuggester
from segue.recommend.own_playlists import AnyPlaylists, OwnList, OwnPlaylists
from segue.recommend.queries import Queries
from segue.recommend.ranking import NO_FILTERS, ListOptions, Ranker, check_length, check_number
from segue.recommend.reasons import Explanation
from segue.recommend.rows import Rows, Text, as_text, as_texts
from segue.recommend.sort import SortedSongs, sort_songs
from segue.recommend.tidy import TidyReport, tidy_list
from segue.recommend.titles import NO_TITLE, AskedTitle, Titles
from segue.scoring.ann import AnnIndex
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.questions import Question, Questions, usual_question
from segue.scoring.rerank import check_dial
from segue.scoring.two_stages import TwoStages
from segue.scoring.variety import check_variety


class Recommender:
    """Recommends tracks from a bundle: for its playlists, for new ones, for a few seed songs.

    Playlists of the bundle and unseen ones are treated alike. Ids and names are text; an integer
    stands for its digits, and a single one need not be in a list. The verbs that return tracks
    share these options:

    n
        Length of the list, at least 1; the list is shorter only if no further track is allowed.
    question
        For a playlist whose order is known: ``"fit"``, what fits it as a whole, whatever its order;
        ``"next"``, what comes next, for which its last tracks count most; or ``"either"``, a list
        that is good for both. For any other playlist, what fits. Songs that are given count as
        ordered if the question is what comes next.
    reasons
        Look up playlists that hold both a recommended track and some of the query.
    dial
        From −1, mainstream, through 0, the model itself, to 1, deep cuts.
    diversity
        From 0, none, to 1: maximal marginal relevance.
    variety
        How far tracks are held back that are by the artists of the songs: from 0, not at all, to 1,
        so far that they are as rare in lists as in playlists. Artists asked for by name are not. By
        default 1 for one list, and 0 for many at once, which are for counting hits.
    filters
        What the list may contain.

    Parameters
    ----------
    bundle
    ann
        Preselects the tracks to score exactly; None: all are scored.
    second_stage
        Reorder the best tracks where the bundle has a second stage; without it, lists take a
        quarter of the time.

    Attributes
    ----------
    rows : Rows
        Finds rows by id.
    names : NameLookup
        Finds rows by name.
    queries : Queries
        Makes queries for `rank`.
    stages : TwoStages
        Scores tracks.
    details : Details
        What the bundle knows about a track, an artist or a playlist.

    Raises
    ------
    ArtefactError
        As for `segue.scoring.two_stages.TwoStages.of`.

    Examples
    --------
    >>> found = segue.Recommender(bundle).vibe(["Bohemian Rhapsody"], artists=["Abba"], n=5)
    >>> [track.rank for track in found.tracks]
    [1, 2, 3, 4, 5]
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        ann: AnnIndex | None = None,
        second_stage: bool = True,
    ) -> None:
        if not isinstance(bundle, Bundle):
            raise InputError(
                f"a {type(bundle).__name__} is not a bundle; segue.load(folder) reads one and "
                "asks it"
            )
        self.bundle = bundle
        self.names = NameLookup(bundle.catalog, bundle.popularity, bundle.playlists, bundle.folder)
        self.rows = Rows(bundle)
        self.details = Details(bundle, self.names, self.rows)
        self._titles = Titles(bundle)
        questions = Questions.from_json(bundle.questions)
        self.queries = Queries(
            self.names, self.rows, bundle.catalog.num_tracks, questions, self._titles
        )
        self._answers = Answers(bundle)
        trees = bundle.second_stage if second_stage else None
        self.stages = TwoStages.of(bundle, bundle.catalog, trees, questions, ann)
        self._suggester = TitleSuggester(bundle, self.stages.first.centroid)
        self._ranker = Ranker(self.stages, bundle.catalog)
        cosine = FirstStage(Centroid(bundle.track_vectors, bundle.query_weight), index=ann)
        self._by_cosine = Ranker(TwoStages(cosine), bundle.catalog)

    def __repr__(self) -> str:
        """``Recommender(Bundle(lightgcn, dim 128, …))``."""
        return f"Recommender({self.bundle!r})"

    @classmethod
    def load(
        cls, folder: str | Path, *, exact: bool = False, second_stage: bool = True
    ) -> Recommender:
        """Read a bundle (ArtefactError if it is not one), with its index if `segue index` made one.

        With `exact` the index is not used and all tracks are scored.

        Examples
        --------
        >>> recommender = segue.load("bundle")
        >>> len(recommender.vibe(["Bohemian Rhapsody"], n=3).tracks)
        3
        """
        if not isinstance(folder, str | PathLike):
            raise InputError(
                f"a {type(folder).__name__} is not the folder of a bundle; segue.Recommender(…) "
                "asks one in memory"
            )
        bundle = Bundle.load(folder)
        return cls(bundle, ann=None if exact else AnnIndex.of(bundle), second_stage=second_stage)

    def complete(
        self,
        playlist: Text | None = None,
        n: int = 10,
        *,
        tracks: Text | Iterable[Text] | None = None,
        title: str | None = None,
        ordered: bool = False,
        question: Question = "either",
        reasons: bool = False,
        dial: float = 0.0,
        diversity: float = 0.0,
        variety: float = 1.0,
        filters: Filters = NO_FILTERS,
    ) -> Recommendations:
        """Tracks to continue a playlist, none of them already in it.

        Parameters
        ----------
        playlist
            The id of a playlist of the bundle; or
        tracks
            the ids or names of the tracks of any other. Where there are none and no title, the most
            popular tracks.
        title
            What the playlist is called; a playlist of the bundle has its own by default (an empty
            title leaves it out).
        ordered
            Whether the order of `tracks` is meaningful; for a playlist of the bundle this is known.
        n, question, reasons, dial, diversity, variety, filters
            As for all verbs.

        Raises
        ------
        InputError
            Unless exactly one of `playlist` and `tracks` is given, or if the bundle has no
            playlists, a title is given and it has learned no words, or an option is out of range.
        NameLookupError
            If the playlist or an artist does not exist, none of the tracks does, or one is the name
            of several. Tracks that do not exist beside others that do are passed over, and listed.
        """
        songs = self._given(playlist, tracks, others=bool(title))
        query, without, asked = self.queries.of_playlist(playlist, songs, ordered, title, question)
        heading = "Most popular tracks" if query.empty[0] else "Recommended for this playlist"
        if without is not None:
            name = self.playlists.titles[without].as_py()
            heading = f"Recommended for playlist {playlist}" + (
                f" ({name})" if name not in (None, "", playlist) else ""
            )
        options = ListOptions(dial=dial, diversity=diversity, variety=variety, filters=filters)
        found = self._answer(
            heading, query, n, reasons, options, without=without, asked=asked, distinct=True
        )
        return replace(found, took=songs.took, unknown=songs.unknown)

    def vibe(
        self,
        tracks: Text | Iterable[Text] = (),
        n: int = 10,
        *,
        artists: Text | Iterable[Text] = (),
        title: str | None = None,
        question: Question = "either",
        reasons: bool = False,
        dial: float = 0.0,
        diversity: float = 0.0,
        variety: float = 1.0,
        filters: Filters = NO_FILTERS,
    ) -> Recommendations:
        """Tracks that go with a few songs and artists, or a title; none of the songs themselves.

        Parameters
        ----------
        tracks
            Ids or names of the songs.
        artists
            Ids or names; their own tracks may be recommended (a filter can exclude them).
        title
            What a playlist of such tracks would be called, as "sunday morning coffee".
        n, question, reasons, dial, diversity, variety, filters
            As for all verbs.

        Raises
        ------
        NameLookupError
            If none of the tracks exists, an artist does not, or a name is that of several. Tracks
            that do not exist beside others that do are passed over, and listed.
        InputError
            If there are neither tracks nor artists nor a title, a title is given and the bundle has
            learned no words, or an option is out of range.
        """
        songs = self._seeds(tracks, artists, title)
        query, asked = self.queries.of_seeds(songs, artists, title=title, question=question)
        options = ListOptions(dial=dial, diversity=diversity, variety=variety, filters=filters)
        heading = self._answers.heading_of_seeds(query, title)
        found = self._answer(heading, query, n, reasons, options, asked=asked, distinct=True)
        return replace(found, took=songs.took, unknown=songs.unknown)

    def title(
        self,
        tracks: Text | Iterable[Text] | None = None,
        n: int = 5,
        *,
        playlist: Text | None = None,
    ) -> SuggestedTitles:
        """Titles that fit a list of songs: words, and short titles that several playlists have.

        Parameters
        ----------
        tracks
            Ids or names of the songs; or
        playlist
            the id of a playlist of the bundle, whose own title does not count.
        n
            How many, at least 1.

        Raises
        ------
        InputError
            Unless exactly one of `tracks` and `playlist` is given, or if the list is empty or the
            bundle has learned no words of titles.
        NameLookupError
            If the playlist or a track does not exist.
        """
        check_length(n)
        songs = self._given(playlist, tracks)
        query, row, _ = self.queries.of_playlist(playlist, songs, False)
        heading = "Titles for this list" if row is None else f"Titles for playlist {playlist}"
        return self._suggester.titles(heading, query, n)

    @overload
    def similar(self, track: Text, n: int = 10) -> Recommendations: ...

    @overload
    def similar(self, *, artist: Text, n: int = 10) -> SimilarArtists: ...

    def similar(
        self, track: Text | None = None, n: int = 10, *, artist: Text | None = None
    ) -> Recommendations | SimilarArtists:
        """Tracks similar to a track, or artists similar to an artist, by cosine of their vectors.

        Only the cosine counts. `vibe` with one song finds what goes with it instead: its score has
        further terms, such as the wide part and popularity, and it supports the dial and filters.

        Parameters
        ----------
        track, artist
            The id or name of one of them.
        n
            Length of the list, at least 1.

        Raises
        ------
        NameLookupError
            If the name matches nothing, or several things.
        InputError
            Unless exactly one of `track` and `artist` is given.
        """
        if track is not None and artist is None:
            songs = self.names.songs([as_text(track)])
            query = Query(TrackLists.from_lists([list(songs.rows)]))
            title = f"Tracks like {self.bundle.catalog.track_names[songs.rows[0]]}"
            found = self._answer(title, query, n, False, {}, ranker=self._by_cosine)
            return replace(found, took=songs.took)
        if track is not None or artist is None:
            raise InputError("give either a track or an artist")
        check_length(n)
        row = self.names.find(as_text(artist, "artist"), "artist")
        # The same for artists.
        vectors = self.bundle.vectors["artist"]
        cosine = FirstStage(Centroid(vectors, np.ones(len(vectors), dtype=np.float32)))
        query = Query(TrackLists.from_lists([[row]]))
        artist_index, score = cosine.best(query, min(n, len(vectors)))
        listed = artist_index[0] >= 0
        return self._answers.artists(row, artist_index[0][listed], score[0][listed])

    def why(
        self,
        track: Text,
        playlist: Text | None = None,
        *,
        tracks: Text | Iterable[Text] = (),
        artists: Text | Iterable[Text] = (),
        title: str | None = None,
        ordered: bool = False,
        question: Question = "either",
        dial: float = 0.0,
        variety: float = 1.0,
    ) -> Explanation:
        """Everything that counts for and against one track.

        The score is the one that the track has in the list, whatever its filters and diversity:
        those select tracks but do not change scores.

        Parameters
        ----------
        track
            Its id or name.
        playlist
            The id of the bundle's playlist to complete; or
        tracks, artists
            what the track should go with, as for `vibe`.
        title
            As for `complete` and `vibe`.
        ordered
            Whether the order of `tracks` is meaningful, as for `complete`.
        question, dial, variety
            As for all verbs.

        Raises
        ------
        NameLookupError
            If a name matches nothing, or several things.
        InputError
            If both a playlist and tracks or artists are given, or nothing of all.
        """
        check_dial(dial)
        check_variety(variety)
        without = None
        tracks, artists = as_texts(tracks), as_texts(artists, "artist")
        songs = self._seeds(tracks, artists, title)
        if playlist is None:
            query, asked_with = self.queries.of_seeds(songs, artists, ordered, title, question)
        elif tracks or artists:
            raise InputError("give either a playlist, or tracks and artists")
        else:
            query, without, asked_with = self.queries.of_playlist(
                playlist, None, False, title, question
            )
        explained = self.names.songs([as_text(track)])
        asked = np.array(explained.rows, dtype=np.int32)
        parts = self.stages.parts(query, asked, dial, variety)
        return replace(
            self._answers.explanation(query, asked, parts, without, asked_with),
            is_given=bool(np.isin(asked, query.tracks.track_index)[0]),
            took=explained.took + songs.took,
            unknown=songs.unknown,
        )

    def sort(self, songs: Any, into: AnyPlaylists, n: int = 3) -> SortedSongs:
        """Which of somebody's playlists each of some songs belongs to.

        Every song gets its likeliest playlists, each with a confidence and with what speaks for it,
        and a confidence that none fits. These are probabilities, fitted to the playlists' own
        songs; see `segue.recommend.placing`. The score has no second stage; the words of a
        playlist's title count where the bundle has learned words, the order of its songs does not.

        Parameters
        ----------
        songs : sequence, Catalog, Collection or Matches
            In any form that `match` takes; those of several playlists are sorted together.
        into
            The playlists: a `segue.Collection`, a dictionary from title to songs, or ids of
            playlists of the bundle.
        n
            How many playlists are listed for each song, at least 1.

        Returns
        -------
        SortedSongs
            Songs that are unsure or missing in the bundle are named, not sorted.

        Raises
        ------
        InputError
            If songs or playlists are in another form, there are no playlists, or `n` is below 1.
        NameLookupError
            If an id is not of a playlist of the bundle.

        Examples
        --------
        >>> mine = {"rock": ["Kashmir", "Stairway to Heaven"], "disco": ["Le Freak", "Good Times"]}
        >>> recommender.sort(["Black Dog"], into=mine).songs[0].placements[0].title
        'rock'
        """
        check_length(n)
        matches, playlists = self.match(songs), OwnPlaylists.of(into, self.names, self.rows)
        first, explainer = self.stages.first, self._answers.explainer
        titles, catalog = self._titles, self.bundle.catalog
        return sort_songs(first, catalog, explainer, titles, matches, playlists, n)

    def tidy(
        self, songs: Any = None, *, playlist: Text | None = None, parts: int | None = None
    ) -> TidyReport:
        """What could be tidied in a playlist; it proposes and changes nothing.

        Songs that are there twice or in several versions, songs that do not fit the others, parts
        that go together, and an order in which neighbours do.

        Parameters
        ----------
        songs : sequence, Catalog, Collection or Matches
            In any form that `match` takes; a collection has one playlist. Or
        playlist
            the id of a playlist of the bundle.
        parts
            Cut it into as many; None: as many as differ, see `segue.recommend.parts.cut`.

        Raises
        ------
        InputError
            Unless exactly one of `songs` and `playlist` is given, if they are in another form, or
            `parts` is below 1.
        NameLookupError
            If the playlist does not exist.

        Examples
        --------
        >>> recommender.tidy(["Kashmir", "Kashmir - Remastered", "Le Freak"]).duplicates
        (Duplicate(place=2, of=1, kind='same'),)
        """
        if parts is not None:
            check_number(parts, "the number of parts")
        if (songs is None) == (playlist is None):
            raise InputError("give either songs or the id of a playlist")
        if playlist is None:
            given = OwnList.of(songs, self.names)
        else:
            given = OwnList.of_bundle(self.rows.playlist(playlist), self.playlists, self.names)
        title_of = self._title_of if self._titles.known else None
        first = self.stages.first
        return tidy_list(first, self.names, given, num_parts=parts, title_of=title_of)

    def find(
        self,
        text: str,
        n: int = 10,
        *,
        kind: Kind | Sequence[Kind] | None = None,
        fuzzy: bool = False,
    ) -> Found:
        """Tracks, artists and playlists by words of their names, or prefixes of words.

        Parameters
        ----------
        text
            Title and artist may be mixed, in any order. Case, accents and punctuation do not
            matter.
        n
            Maximum number of each kind, at least 1.
        kind : "track", "artist" or "playlist", or several of them
            What to look for; by default everything that the bundle has.
        fuzzy
            Where no name has the words, find those spelt most like the text: "bohemian rapsody".

        Raises
        ------
        InputError
            If `n` is less than 1, a kind is unknown, or playlists are requested but the bundle was
            made without them.
        """
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{text!r} is not a text to look for, expected words of a name")
        kinds = [kind] if isinstance(kind, str) else kind
        kinds = self.details.kinds if kinds is None else kinds
        return self.details.search(text, n, kinds, fuzzy=fuzzy)

    def match(self, songs: Any) -> Matches:
        """Which tracks of the bundle some songs from elsewhere are.

        By id, ISRC or MusicBrainz id where there is one, else by name; docs/matching.md says what
        counts as the same song. Every verb that takes songs matches them so.

        Parameters
        ----------
        songs : sequence, Catalog, Collection or Matches
            Ids, links, "artist - title" or titles as text, (artist, title), or what `segue.read`
            returns. What this method has returned is taken as it is.

        Returns
        -------
        Matches
            In the order of the songs: found, unsure (with candidates) or missing.

        Raises
        ------
        InputError
            If a song is in none of these forms, or matches are of another bundle.

        Examples
        --------
        >>> matches = recommender.match([("Queen", "Bohemian Rhapsody - Remastered 2011"), "?"])
        >>> matches[0].status, matches.track_ids
        ('found', ['segue:track:queen:bohemian-rhapsody'])
        """
        return self.names.match(songs)

    def recommend(
        self,
        playlist_index: Any = None,
        playlist_tracks: Any = None,
        n: int = 500,
        *,
        question: Question | None = None,
        dial: float = 0.0,
        diversity: float = 0.0,
        variety: float = 0.0,
        filters: Filters = NO_FILTERS,
    ) -> tuple[Int32Array, Float32Array]:
        """The best tracks for many playlists at once, as arrays; none already in a playlist.

        Parameters
        ----------
        playlist_index : int array [batch_size], optional
            Rows of the bundle's playlists. Ignored if `playlist_tracks` is given.
        playlist_tracks : csr_matrix [batch_size, num_tracks], optional
            Which tracks each playlist holds, whatever the values; by default those of the bundle's
            playlists. An empty row gets the most popular tracks.
        question
            As for all verbs. By default ``"next"`` if the bundle knows the order of only some
            playlists, and ``"either"`` if that of all.
        n, dial, diversity, variety, filters
            As for all verbs.

        Returns
        -------
        track_index : int32 [batch_size, n]
            Padded with −1 where no other track may be recommended.
        score : float32 [batch_size, n]
            Padded with −inf.
        """
        if playlist_tracks is not None:
            query = self.queries.of_matrix(playlist_tracks)
        elif playlist_index is not None:
            question = question or usual_question(self.playlists.order_known)
            query = self.queries.of_rows(np.atleast_1d(np.asarray(playlist_index)), question)
        else:
            raise InputError("recommend needs playlist_index or playlist_tracks")
        return self.rank(query, n, dial=dial, diversity=diversity, variety=variety, filters=filters)

    def rank(
        self,
        query: TrackLists | Query,
        n: int,
        *,
        dial: float = 0.0,
        diversity: float = 0.0,
        variety: float = 0.0,
        filters: Filters = NO_FILTERS,
    ) -> tuple[Int32Array, Float32Array]:
        """`recommend` for queries in the package's own types."""
        allowed = self._allowed(filters)
        options = ListOptions(dial=dial, diversity=diversity, variety=variety, filters=filters)
        return self._ranker.rank(Query.of(query), n, allowed=allowed, **options)

    @property
    def playlists(self) -> Playlists:
        """The bundle's playlists (InputError if it has none)."""
        return self.rows.playlists

    @property
    def neighbours(self) -> Neighbours | None:
        """The graph of the bundle's playlists, built once; None if it has none."""
        return self._answers.explainer.neighbours

    def _given(
        self,
        playlist: Text | None,
        tracks: Text | Iterable[Text] | None,
        *,
        others: bool = False,
    ) -> Songs:
        """The songs of a playlist that is not the bundle's (InputError unless one is given)."""
        if (playlist is None) == (tracks is None):
            raise InputError("give either the id of a playlist or tracks")
        return self.names.songs(as_texts(tracks or ()), others=others)

    def _seeds(
        self, tracks: Text | Iterable[Text], artists: Text | Iterable[Text], title: str | None
    ) -> Songs:
        others = bool(as_texts(artists, "artist")) or bool(title)
        return self.names.songs(as_texts(tracks), others=others)

    def _allowed(self, filters: Filters) -> BoolArray | None:
        """The tracks that pass by themselves; None: all."""
        if not isinstance(filters, Filters):
            raise InputError(f"filters is {filters!r}, expected segue.Filters(…)")
        find = self.names.find
        return filters.allowed(self.bundle.catalog, find, lambda name: find(name, "artist"))

    def _title_of(self, tracks: Int64Array) -> str:
        """The title that fits some tracks best; empty if there is none."""
        query = Query(TrackLists.from_lists([tracks.tolist()]))
        found = self._suggester.titles("", query, 1).titles
        return found[0].title if found else ""

    def _answer(
        self,
        title: str,
        query: Query,
        n: int,
        reasons: bool,
        options: ListOptions,
        without: int | None = None,
        ranker: Ranker | None = None,
        asked: AskedTitle = NO_TITLE,
        distinct: bool = False,
    ) -> Recommendations:
        """One list; `without` is a playlist to leave out of the reasons.

        With `distinct` no song is listed under a second id, unless the filters say so.
        """
        check_length(n)
        ranker = ranker or self._ranker
        width = min(n, max(1, self.bundle.catalog.num_tracks))
        filters = options.get("filters", NO_FILTERS)
        allowed = self._allowed(filters)
        distinct = distinct and not filters.equal_songs
        track_index, score = ranker.rank(
            query, width, allowed=allowed, distinct=distinct, **options
        )
        found = track_index[0][track_index[0] >= 0]
        score = score[0, : len(found)]
        parts = ranker.stages.parts_of_scores(
            query, found, score, options.get("dial", 0.0), options.get("variety", 0.0)
        )
        return self._answers.tracks(
            title, query, found, score, parts, shared=reasons, without=without, asked=asked
        )
