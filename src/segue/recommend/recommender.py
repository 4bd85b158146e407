"""`Recommender`: a bundle that answers questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, overload

import numpy as np
from scipy.sparse import csr_array

from segue.bundle import Bundle
from segue.data.playlists import BoolArray, Float32Array, Int32Array, Playlists, TrackLists
from segue.errors import InputError
from segue.graph.subgraph import Neighbours
from segue.names.lookup import NameLookup
from segue.names.name_file import Kind
from segue.recommend.details import Details, Found
from segue.recommend.filters import Filters
from segue.recommend.lists import Recommendation, Recommendations, SimilarArtist, SimilarArtists
from segue.recommend.ranking import Ranker, check_length
from segue.recommend.reasons import Explainer, Explanation
from segue.recommend.rows import Rows, Text, as_text, as_texts
from segue.scoring.ann import AnnIndex
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.recency import Recency, query_of
from segue.scoring.rerank import check_dial
from segue.scoring.two_stages import TwoStages

_NO_FILTERS = Filters()


class ListOptions(TypedDict, total=False):
    """The keywords of `Recommender.rank`, for callers that pass them on."""

    dial: float
    diversity: float
    filters: Filters


class Recommender:
    """Recommends tracks from a bundle: for its playlists, for new ones, for a few seed songs.

    A playlist of the bundle and one that was never seen take the same path. Ids and names are
    text; a whole number stands for its digits, and a single one needs no list around it. The verbs
    that give tracks share these options:

    n
        Length of the list, at least 1; shorter only if no other track is left that may stand in it.
    reasons
        Look up playlists that hold both a recommended track and some that were asked with.
    dial
        From −1, mainstream, over 0, the model itself, to 1, deep cuts.
    diversity
        From 0, none, to 1: maximal marginal relevance.
    filters
        What the list may hold.

    Parameters
    ----------
    bundle
    recency
        How much more the last tracks of a playlist count where its order is known; None: no more
        than the others.
    ann
        Finds the tracks that are then scored exactly; None: all are scored.
    second_stage
        Reorder the best tracks where the bundle has a second stage. Without, lists take a
        quarter of the time, and LightGBM need not be installed.

    Raises
    ------
    ResourceError, ArtefactError
        As `segue.scoring.two_stages.TwoStages.of`.

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
        recency: Recency | None = Recency(),  # noqa: B008
        ann: AnnIndex | None = None,
        second_stage: bool = True,
    ) -> None:
        self.bundle, self.recency = bundle, recency
        self.names = NameLookup(bundle.catalog, bundle.popularity, bundle.playlists, bundle.folder)
        self.rows = Rows(bundle)
        self.details = Details(bundle, self.names, self.rows)
        catalog, text = bundle.catalog, bundle.second_stage if second_stage else None
        self.stages = TwoStages.of(bundle, catalog, text, ann)
        self._ranker = Ranker(self.stages, catalog)
        cosine = FirstStage(Centroid(bundle.track_vectors, bundle.query_weight), index=ann)
        self._by_cosine = Ranker(TwoStages(cosine), catalog)
        self._explainer = Explainer(bundle.catalog, bundle.playlists, bundle.popularity)

    @classmethod
    def load(
        cls, folder: str | Path, *, exact: bool = False, second_stage: bool = True
    ) -> Recommender:
        """Read a bundle (ArtefactError if it is none), with its index if `segue index` made one.

        With `exact` all tracks are scored nonetheless.

        Examples
        --------
        >>> recommender = segue.load("bundle")
        >>> len(recommender.vibe(["Bohemian Rhapsody"], n=3).tracks)
        3
        """
        folder = Path(folder)
        bundle = Bundle.load(folder)
        return cls(bundle, ann=None if exact else AnnIndex.load(folder), second_stage=second_stage)

    def complete(
        self,
        playlist: Text | None = None,
        n: int = 10,
        *,
        tracks: Text | Iterable[Text] | None = None,
        ordered: bool = False,
        reasons: bool = False,
        dial: float = 0.0,
        diversity: float = 0.0,
        filters: Filters = _NO_FILTERS,
    ) -> Recommendations:
        """Tracks that would continue a playlist, none that it holds already.

        Parameters
        ----------
        playlist
            The id of a playlist of the bundle; or
        tracks
            the ids of the tracks of any other. Where there are none, the most popular tracks.
        ordered
            Whether the order of `tracks` means something; that of a playlist of the bundle is
            known.
        n, reasons, dial, diversity, filters
            As for all verbs.

        Raises
        ------
        InputError
            If not just one of `playlist` and `tracks` is given, the bundle has no playlists, or an
            option is out of its range.
        NameLookupError
            If there is no such playlist, track or artist.
        """
        query, without = self._playlist_query(playlist, tracks, ordered)
        title = "Most popular tracks" if query.empty[0] else "Recommended for this playlist"
        if without is not None:
            name = self.playlists.titles[without].as_py()
            title = f"Recommended for playlist {playlist}" + (f" ({name})" if name else "")
        options: ListOptions = {"dial": dial, "diversity": diversity, "filters": filters}
        return self._answer(title, query, n, reasons, options, without=without)

    def vibe(
        self,
        tracks: Text | Iterable[Text] = (),
        n: int = 10,
        *,
        artists: Text | Iterable[Text] = (),
        reasons: bool = False,
        dial: float = 0.0,
        diversity: float = 0.0,
        filters: Filters = _NO_FILTERS,
    ) -> Recommendations:
        """Tracks that go with a few songs and artists; none of the songs themselves.

        Parameters
        ----------
        tracks
            Ids or names of the songs.
        artists
            Ids or names; their own tracks may be recommended (a filter keeps them out).
        n, reasons, dial, diversity, filters
            As for all verbs.

        Raises
        ------
        NameLookupError
            If a name stands for nothing or for several.
        InputError
            If there are neither tracks nor artists, or an option is out of its range.
        """
        query = self._seeds(tracks, artists)
        catalog = self.bundle.catalog
        names = [str(catalog.track_names[int(row)]) for row in query.tracks.track_index]
        if query.artists is not None:
            names += [str(catalog.artists.names[int(row)]) for row in query.artists.track_index]
        options: ListOptions = {"dial": dial, "diversity": diversity, "filters": filters}
        return self._answer("Goes with " + " + ".join(names), query, n, reasons, options)

    @overload
    def similar(self, track: Text, n: int = 10) -> Recommendations: ...

    @overload
    def similar(self, *, artist: Text, n: int = 10) -> SimilarArtists: ...

    def similar(
        self, track: Text | None = None, n: int = 10, *, artist: Text | None = None
    ) -> Recommendations | SimilarArtists:
        """Tracks like one track, or artists like one artist, by the cosine of their vectors.

        By nothing else: `vibe` with one song asks what goes with it, and its score has further
        terms, such as what stands in the same playlists and how well known a track is. It has the
        dial and the filters, too.

        Parameters
        ----------
        track, artist
            The id or name of one of them.
        n
            Length of the list, at least 1.

        Raises
        ------
        NameLookupError
            If the name stands for nothing or for several.
        InputError
            If not just one of `track` and `artist` is given.
        """
        if track is not None and artist is None:
            row = self.names.find(as_text(track))
            query = Query(TrackLists.from_lists([[row]]))
            title = f"Tracks like {self.bundle.catalog.track_names[row]}"
            return self._answer(title, query, n, False, {}, ranker=self._by_cosine)
        if track is not None or artist is None:
            raise InputError("give either a track or an artist")
        check_length(n)
        row = self.names.find(as_text(artist, "artist"), "artist")
        catalog, vectors = self.bundle.catalog, self.bundle.vectors["artist"]
        # Of artists instead of tracks.
        cosine = FirstStage(Centroid(vectors, np.ones(len(vectors), dtype=np.float32)))
        artist_index, score = cosine.best(
            Query(TrackLists.from_lists([[row]])), min(n, len(catalog.artists))
        )
        artists = tuple(
            SimilarArtist(
                rank,
                str(catalog.artists.ids[at]),
                str(catalog.artists.names[at]),
                value,
            )
            for rank, (at, value) in enumerate(
                zip(artist_index[0].tolist(), score[0].tolist(), strict=True), start=1
            )
            if at >= 0
        )
        title = f"Artists like {catalog.artists.names[row]}"
        return SimilarArtists(title, (str(catalog.artists.ids[row]),), artists)

    def why(
        self,
        track: Text,
        playlist: Text | None = None,
        *,
        tracks: Text | Iterable[Text] = (),
        artists: Text | Iterable[Text] = (),
        ordered: bool = False,
        dial: float = 0.0,
    ) -> Explanation:
        """All that speaks for and against one track.

        The score is the one that the track has in the list, whatever filters and diversity the list
        was asked for with: they choose among tracks and change no score.

        Parameters
        ----------
        track
            Its id or name.
        playlist
            The id of the playlist of the bundle that is completed; or
        tracks, artists
            what the track is to go with, as for `vibe`.
        ordered
            Whether the order of `tracks` means something, as for `complete`.
        dial
            As for all verbs.

        Raises
        ------
        NameLookupError
            If a name stands for nothing or for several.
        InputError
            If both a playlist and tracks or artists are given, or neither.
        """
        check_dial(dial)
        without = None
        tracks, artists = as_texts(tracks), as_texts(artists, "artist")
        if playlist is None:
            query = self._seeds(tracks, artists, ordered)
        elif tracks or artists:
            raise InputError("give either a playlist, or tracks and artists")
        else:
            query, without = self._playlist_query(playlist, None, False)
        asked = np.array([self.names.find(as_text(track))], dtype=np.int32)
        parts = self.stages.parts(query, asked, dial)
        shared = self._explainer.playlists(query, asked, without)
        catalog = self.bundle.catalog
        return Explanation(
            str(catalog.track_ids[int(asked[0])]),
            str(catalog.track_names[int(asked[0])]),
            catalog.artist_of(asked)[0].as_py(),
            float(parts.parts.sum()),
            self._explainer.terms(parts, 0),
            self._explainer.same_artist(query, asked)[0],
            None if shared is None else shared[0],
        )

    def find(self, text: str, n: int = 10, *, kind: Kind | Sequence[Kind] | None = None) -> Found:
        """Tracks, artists and playlists by words of their names, or beginnings of words.

        Parameters
        ----------
        text
            Title and artist may be mixed, in any order. Case, accents and punctuation do not
            matter.
        n
            The most of each kind, at least 1.
        kind : "track", "artist" or "playlist", or several of them
            What to look for; all that the bundle has, unless given.

        Raises
        ------
        InputError
            If `n` is less than 1, there is no such kind, or playlists are asked for and the
            bundle was made without.
        """
        kinds = [kind] if isinstance(kind, str) else kind
        return self.details.search(text, n, self.details.kinds if kinds is None else kinds)

    def recommend(
        self,
        playlist_index: Any = None,
        playlist_tracks: Any = None,
        n: int = 500,
        *,
        dial: float = 0.0,
        diversity: float = 0.0,
        filters: Filters = _NO_FILTERS,
    ) -> tuple[Int32Array, Float32Array]:
        """The best tracks for many playlists at once, as arrays; none that a playlist holds.

        Parameters
        ----------
        playlist_index : int array [batch_size], optional
            Rows of the bundle's playlists. With `playlist_tracks` they are not looked at.
        playlist_tracks : csr_matrix [batch_size, num_tracks], optional
            Which tracks each playlist holds, its values not looked at; by default what the
            bundle's playlists hold. An empty row is answered with the most popular tracks.
        n, dial, diversity, filters
            As for all verbs.

        Returns
        -------
        track_index : int32 [batch_size, n]
            Padded with −1 where no other track may be recommended.
        score : float32 [batch_size, n]
            Padded with −inf.
        """
        if playlist_tracks is not None:
            query = Query(self._lists_of(playlist_tracks))
        elif playlist_index is not None:
            query = self.query_of_rows(np.atleast_1d(np.asarray(playlist_index)))
        else:
            raise InputError("recommend needs playlist_index or playlist_tracks")
        return self.rank(query, n, dial=dial, diversity=diversity, filters=filters)

    def rank(
        self,
        query: TrackLists | Query,
        n: int,
        *,
        dial: float = 0.0,
        diversity: float = 0.0,
        filters: Filters = _NO_FILTERS,
    ) -> tuple[Int32Array, Float32Array]:
        """`recommend` for lists of tracks as the package itself holds them."""
        options = ListOptions(dial=dial, diversity=diversity, filters=filters)
        return self._rank(self._ranker, Query.of(query), n, options)

    def _rank(
        self, ranker: Ranker, query: Query, n: int, options: ListOptions
    ) -> tuple[Int32Array, Float32Array]:
        filters = options.get("filters", _NO_FILTERS)
        return ranker.rank(
            query,
            n,
            dial=options.get("dial", 0.0),
            diversity=options.get("diversity", 0.0),
            filters=filters,
            allowed=filters.allowed(self.bundle.catalog, self.rows.track, self.rows.artist),
        )

    def query_of_rows(self, playlist_index: Any) -> Query:
        """What some playlists of the bundle ask with (rows, an int array)."""
        order_known = self.playlists.order_known[playlist_index]
        return self.query_of(self.playlists.tracks.rows(playlist_index), order_known)

    def query_of(self, tracks: TrackLists, order_known: BoolArray) -> Query:
        """What some lists ask with: the last tracks of those whose order is known count more."""
        return query_of(tracks, order_known, self.recency)

    @property
    def playlists(self) -> Playlists:
        """The bundle's playlists (InputError if they were left out)."""
        return self.rows.playlists

    @property
    def neighbours(self) -> Neighbours | None:
        """The graph of the bundle's playlists, built once; None if they were left out."""
        return self._explainer.neighbours

    def _playlist_query(
        self, playlist: Text | None, tracks: Text | Iterable[Text] | None, ordered: bool
    ) -> tuple[Query, int | None]:
        """What a playlist asks with, and its row if it is one of the bundle."""
        if (playlist is None) == (tracks is None):
            raise InputError("give either the id of a playlist or tracks")
        if playlist is not None:
            if not isinstance(playlist, str | bytes) and isinstance(playlist, Iterable):
                raise InputError("playlist is one id; give a list of tracks as tracks=[…]")
            row = self.rows.playlist(playlist)
            return self.query_of_rows(np.array([row])), row
        rows = dict.fromkeys(self.rows.track(track) for track in as_texts(tracks or ()))
        return self.query_of(TrackLists.from_lists([list(rows)]), np.array([ordered])), None

    def _seeds(
        self,
        tracks: Text | Iterable[Text],
        artists: Text | Iterable[Text],
        ordered: bool = False,
    ) -> Query:
        tracks, artists = as_texts(tracks), as_texts(artists, "artist")
        if not tracks and not artists:
            raise InputError("give at least one track or artist")
        rows = dict.fromkeys(self.names.find(track) for track in tracks)
        by = dict.fromkeys(self.names.find(artist, "artist") for artist in artists)
        query = self.query_of(TrackLists.from_lists([list(rows)]), np.array([ordered]))
        return replace(query, artists=TrackLists.from_lists([list(by)])) if by else query

    def _lists_of(self, playlist_tracks: Any) -> TrackLists:
        matrix = csr_array(playlist_tracks)  # shares its arrays where it is CSR already
        num_tracks = self.bundle.catalog.num_tracks
        if matrix.shape[1] != num_tracks:
            raise InputError(
                f"playlist_tracks has {matrix.shape[1]} columns, expected one a track: {num_tracks}"
            )
        holds = csr_array((matrix.data != 0, matrix.indices, matrix.indptr), shape=matrix.shape)
        holds.sum_duplicates()
        holds.eliminate_zeros()
        return TrackLists(holds.indptr.astype(np.int64), holds.indices.astype(np.int32))

    def _answer(
        self,
        title: str,
        query: Query,
        n: int,
        reasons: bool,
        options: ListOptions,
        without: int | None = None,
        ranker: Ranker | None = None,
    ) -> Recommendations:
        check_length(n)
        ranker = ranker or self._ranker
        width = min(n, max(1, self.bundle.catalog.num_tracks))
        track_index, score = self._rank(ranker, query, width, options)
        found = track_index[0][track_index[0] >= 0]
        catalog = self.bundle.catalog
        parts = ranker.stages.parts_of_scores(
            query, found, score[0, : len(found)], options.get("dial", 0.0)
        )
        shared = self._explainer.playlists(query, found, without) if reasons else None
        tracks = []
        same_artist = self._explainer.same_artist(query, found)
        by = catalog.artist_of(found).to_pylist()
        # One by one: for a short list Arrow's `take` costs more than it saves.
        for place, (track, artist) in enumerate(zip(found.tolist(), by, strict=True)):
            because, rest = self._explainer.strongest(parts, place)
            tracks.append(
                Recommendation(
                    place + 1,
                    catalog.track_ids[track].as_py(),
                    catalog.track_names[track].as_py(),
                    artist,
                    float(score[0, place]),
                    because,
                    rest,
                    same_artist[place],
                    None if shared is None else shared[place],
                )
            )
        return Recommendations(title, self._ids_of(query), tuple(tracks), bool(query.empty[0]))

    def _ids_of(self, query: Query) -> tuple[str, ...]:
        catalog = self.bundle.catalog
        ids = [catalog.track_ids[row].as_py() for row in query.tracks.track_index.tolist()]
        if query.artists is not None:
            ids += [catalog.artists.ids[row].as_py() for row in query.artists.track_index.tolist()]
        return tuple(ids)
