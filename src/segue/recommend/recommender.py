"""`Recommender`: a bundle that answers questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from scipy.sparse import csr_array

from segue.bundle import Bundle
from segue.data.playlists import BoolArray, Float32Array, Int32Array, Playlists, TrackLists
from segue.errors import InputError, NameLookupError
from segue.graph.subgraph import Neighbours
from segue.names.lookup import Names
from segue.recommend.filters import Filters
from segue.recommend.lists import Recommendation, Recommendations, SimilarArtist, SimilarArtists
from segue.recommend.ranking import Ranker, check_length
from segue.recommend.reasons import Explainer, Explanation
from segue.scoring.ann import AnnIndex
from segue.scoring.first_stage import best_tracks
from segue.scoring.recency import Recency
from segue.scoring.rerank import check_dial
from segue.scoring.scorer import CentroidScorer, Query
from segue.scoring.second_stage import SecondStage
from segue.scoring.terms import load_terms

if TYPE_CHECKING:
    from typing_extensions import Unpack

_NO_FILTERS = Filters()


class ListOptions(TypedDict, total=False):
    """What every verb that gives tracks takes, as keywords.

    Attributes
    ----------
    dial : float
        From −1, mainstream, over 0, the model itself (the default), to 1, deep cuts.
    diversity : float
        From 0, none (the default), to 1: maximal marginal relevance.
    filters : Filters
        What the list may hold.
    """

    dial: float
    diversity: float
    filters: Filters


class Recommender:
    """Recommends tracks from a bundle: for its playlists, for new ones, for a few seed songs.

    A playlist of the bundle and one that was never seen take the same path. All verbs that give
    tracks take `ListOptions` as keywords, and:

    n
        Length of the list, at least 1; shorter only if no other track is left that may stand in it.
    reasons
        Look up playlists that hold both a recommended track and some that were asked with.

    Parameters
    ----------
    bundle
    recency
        How much more the last tracks of a playlist count where its order is known; None: no more
        than the others.
    ann
        Finds the tracks that are then scored exactly; None: all are scored.
    second_stage
        Order the best tracks anew where the bundle has a second stage. Without, lists take a
        quarter of the time, and LightGBM need not be installed.

    Raises
    ------
    ResourceError, ArtefactError
        As `segue.scoring.second_stage.SecondStage`.
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
        self.names = Names(bundle.catalog, bundle.popularity, bundle.playlists, bundle.folder)
        self.scorer = CentroidScorer(
            bundle.track_vectors,
            bundle.query_weight,
            bundle.popularity,
            bundle.catalog.track_artist,
            load_terms(bundle.terms, bundle.catalog.num_tracks).get("wide"),
        )
        stage = None
        if second_stage and bundle.second_stage is not None:
            stage = SecondStage(bundle.second_stage, self.scorer, bundle.catalog, bundle.popularity)
        self._ranker = Ranker(self.scorer, bundle.catalog, bundle.popularity, ann, stage)
        self._explainer = Explainer(bundle.catalog, bundle.playlists, bundle.popularity)

    @classmethod
    def load(
        cls, folder: str | Path, *, exact: bool = False, second_stage: bool = True
    ) -> Recommender:
        """Read a bundle (ArtefactError if it is none), with its index if `segue index` made one.

        With `exact` all tracks are scored nonetheless.
        """
        folder = Path(folder)
        bundle = Bundle.load(folder)
        return cls(bundle, ann=None if exact else AnnIndex.load(folder), second_stage=second_stage)

    def complete(
        self,
        playlist: str | Sequence[str],
        n: int = 10,
        *,
        ordered: bool = False,
        reasons: bool = False,
        **options: Unpack[ListOptions],
    ) -> Recommendations:
        """Tracks that would go on with a playlist, none that it holds already.

        Parameters
        ----------
        playlist
            The id of a playlist of the bundle, or the ids of the tracks of any playlist.
        ordered
            Whether the order of tracks that are given means something; that of a playlist of the
            bundle is known.
        n, reasons, options
            As for all verbs.

        Raises
        ------
        InputError
            If the bundle has no playlists, or an option is out of its range.
        NameLookupError
            If there is no such playlist, track or artist.
        """
        query, without = self._query_of(playlist, ordered)
        label = "this playlist"
        if without is not None:
            title = self.playlists.titles[without].as_py()
            label = f"playlist {playlist}" + (f" ({title})" if title else "")
        return self._answer(
            f"To go on with {label}",
            query,
            n,
            reasons,
            options,
            without=without,
        )

    def vibe(
        self,
        seeds: Sequence[str] = (),
        n: int = 10,
        *,
        artists: Sequence[str] = (),
        reasons: bool = False,
        **options: Unpack[ListOptions],
    ) -> Recommendations:
        """Tracks that go with a few seed songs and artists; none of the songs.

        Parameters
        ----------
        seeds
            Track ids or names.
        artists
            Artist ids or names; their own tracks may be recommended (a filter keeps them out).
        n, reasons, options
            As for all verbs.

        Raises
        ------
        NameLookupError
            If a seed stands for nothing or for several.
        InputError
            If there are neither songs nor artists, or an option is out of its range.
        """
        query = self._seeds(seeds, artists)
        catalog = self.bundle.catalog
        names = [str(catalog.track_names[int(row)]) for row in query.tracks.track_index]
        if query.artists is not None:
            names += [str(catalog.artist_names[int(row)]) for row in query.artists.track_index]
        return self._answer(
            "Goes with " + " + ".join(names),
            query,
            n,
            reasons,
            options,
        )

    def similar_tracks(
        self,
        track: str,
        n: int = 10,
        *,
        reasons: bool = False,
        **options: Unpack[ListOptions],
    ) -> Recommendations:
        """Tracks like one track, by the cosine of their vectors: a vibe check with one seed."""
        return self.vibe([track], n, reasons=reasons, **options)

    def similar_artists(self, artist: str, n: int = 10) -> SimilarArtists:
        """Artists like one artist, by the cosine of their vectors.

        Parameters
        ----------
        artist
            Its id or name.
        n
            Length of the list, at least 1.
        """
        check_length(n)
        row, catalog = self.names.find(artist, "artist"), self.bundle.catalog
        vectors = self.bundle.artist_vectors
        artist_index, score = best_tracks(
            vectors[row : row + 1],
            vectors,
            TrackLists.from_lists([[row]]),
            min(n, catalog.num_artists),
        )
        artists = tuple(
            SimilarArtist(
                rank,
                str(catalog.artist_ids[at]),
                str(catalog.artist_names[at]),
                value,
            )
            for rank, (at, value) in enumerate(
                zip(artist_index[0].tolist(), score[0].tolist(), strict=True), start=1
            )
            if at >= 0
        )
        title = f"Artists like {catalog.artist_names[row]}"
        return SimilarArtists(title, (str(catalog.artist_ids[row]),), artists)

    def explain(
        self,
        track: str,
        playlist: str | Sequence[str] | None = None,
        *,
        seeds: Sequence[str] = (),
        artists: Sequence[str] = (),
        ordered: bool = False,
        dial: float = 0.0,
    ) -> Explanation:
        """All that speaks for and against one track.

        Parameters
        ----------
        track
            Its id or name.
        playlist, ordered
            What is completed, as for `complete`; or
        seeds, artists
            what it is to go with, as for `vibe`.
        dial
            As for all verbs.
        """
        check_dial(dial)
        without = None
        if playlist is None:
            query = self._seeds(seeds, artists)
        else:
            if seeds or artists:
                raise InputError("give either a playlist or seeds, not both")
            query, without = self._query_of(playlist, ordered)
        asked = np.array([self.names.find(track)], dtype=np.int32)
        contributions = self.scorer.contributions(query, asked, dial)
        if self._ranker.second_stage is not None:
            contributions = contributions.lifted(self._ranker.lift(query, asked))
        parts = contributions.parts[0]
        shared = self._explainer.playlists(query, asked, without)
        catalog = self.bundle.catalog
        return Explanation(
            str(catalog.track_ids[int(asked[0])]),
            str(catalog.track_names[int(asked[0])]),
            catalog.artist_of(asked)[0].as_py(),
            float(parts.sum()),
            self._explainer.terms(contributions, 0),
            self._explainer.same_artist(query, asked)[0],
            None if shared is None else shared[0],
        )

    def recommend(
        self,
        playlist_index: Any = None,
        playlist_tracks: Any = None,
        n: int = 10,
        **options: Unpack[ListOptions],
    ) -> tuple[Int32Array, Float32Array]:
        """The best tracks for many playlists at once, as arrays; none that a playlist holds.

        Parameters
        ----------
        playlist_index : int array [batch_size], optional
            Rows of the bundle's playlists. With `playlist_tracks` they are not looked at.
        playlist_tracks : csr_matrix [batch_size, num_tracks], optional
            Which tracks each playlist holds, its values not looked at; by default what the
            bundle's playlists hold. An empty row is answered with the most popular tracks.
        n, options
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
        return self.rank(query, n, **options)

    def rank(
        self,
        query: TrackLists | Query,
        n: int,
        **options: Unpack[ListOptions],
    ) -> tuple[Int32Array, Float32Array]:
        """`recommend` for lists of tracks as the package itself holds them."""
        if isinstance(query, TrackLists):
            query = Query(query)
        filters = options.get("filters", _NO_FILTERS)
        return self._ranker.rank(
            query,
            n,
            dial=options.get("dial", 0.0),
            diversity=options.get("diversity", 0.0),
            filters=filters,
            candidates=filters.candidates(self.bundle.catalog, self.track_row, self.artist_row),
        )

    def query_of_rows(self, playlist_index: Any) -> Query:
        """What some playlists of the bundle ask with (rows, an int array)."""
        order_known = self.playlists.order_known[playlist_index]
        return self.query_of(self.playlists.tracks.rows(playlist_index), order_known)

    def query_of(self, tracks: TrackLists, order_known: BoolArray) -> Query:
        """What some lists ask with: the last tracks of those whose order is known count more."""
        emphasis = None
        if self.recency is not None:
            emphasis = self.recency.emphasis(tracks, order_known)
        return Query(tracks, emphasis, order_known=order_known)

    @property
    def playlists(self) -> Playlists:
        """The bundle's playlists (InputError if they were left out)."""
        if self.bundle.playlists is None:
            raise InputError(
                "this bundle was made without playlists (--no-playlists), so none can be named; "
                "give the tracks instead"
            )
        return self.bundle.playlists

    @property
    def neighbours(self) -> Neighbours | None:
        """The graph of the bundle's playlists, built once; None if they were left out."""
        return self._explainer.neighbours

    def playlist_row(self, playlist_id: str) -> int:
        """Row of a playlist of the bundle (NameLookupError if it has no such playlist)."""
        playlists = self.playlists
        row = playlists.index_of.get(playlist_id)
        if row is None:
            some = ", ".join(str(playlist) for playlist in playlists.ids[:3])
            raise NameLookupError(
                f"{playlist_id!r} is no playlist of this bundle"
                + (f", expected an id such as {some}" if some else ", which has none")
            )
        return row

    def track_row(self, track_id: str) -> int:
        """Row of a track (NameLookupError if the bundle has no such track)."""
        row = self.bundle.catalog.track_index_of.get(track_id)
        if row is None:
            raise NameLookupError(f"{track_id!r} is the id of no track of this bundle")
        return row

    def artist_row(self, artist_id: str) -> int:
        """Row of an artist (NameLookupError if the bundle has no such artist)."""
        row = self.bundle.catalog.artist_index_of.get(artist_id)
        if row is None:
            raise NameLookupError(f"{artist_id!r} is the id of no artist of this bundle")
        return row

    def _query_of(self, playlist: str | Sequence[str], ordered: bool) -> tuple[Query, int | None]:
        """What a playlist asks with, and its row if it is one of the bundle."""
        if isinstance(playlist, str):
            row = self.playlist_row(playlist)
            return self.query_of_rows(np.array([row])), row
        rows = dict.fromkeys(self.track_row(track) for track in playlist)
        return self.query_of(TrackLists.from_lists([list(rows)]), np.array([ordered])), None

    def _seeds(self, seeds: Sequence[str], artists: Sequence[str]) -> Query:
        if not seeds and not artists:
            raise InputError("a vibe check needs at least one seed song or artist")
        tracks = dict.fromkeys(self.names.find(seed) for seed in seeds)
        by = dict.fromkeys(self.names.find(artist, "artist") for artist in artists)
        return Query(
            TrackLists.from_lists([list(tracks)]),
            artists=TrackLists.from_lists([list(by)]) if by else None,
        )

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
    ) -> Recommendations:
        check_length(n)
        width = min(n, max(1, self.bundle.catalog.num_tracks))
        track_index, score = self.rank(query, width, **options)
        found = track_index[0][track_index[0] >= 0]
        by_popularity = bool(query.empty[0])
        catalog = self.bundle.catalog
        dial = 0.0 if by_popularity else options.get("dial", 0.0)
        contributions = self.scorer.contributions(query, found, dial)
        if self._ranker.second_stage is not None and not by_popularity:
            lift = score[0, : len(found)] - contributions.parts.sum(axis=1)
            contributions = contributions.lifted(lift)
        shared = self._explainer.playlists(query, found, without) if reasons else None
        tracks = []
        same_artist = self._explainer.same_artist(query, found)
        by = catalog.track_artist[found].tolist()
        # One by one: for a short list Arrow's `take` costs more than it saves.
        for place, (track, artist) in enumerate(zip(found.tolist(), by, strict=True)):
            because, rest = self._explainer.strongest(contributions, place)
            tracks.append(
                Recommendation(
                    place + 1,
                    catalog.track_ids[track].as_py(),
                    catalog.track_names[track].as_py(),
                    catalog.artist_names[artist].as_py() if artist >= 0 else "",
                    float(score[0, place]),
                    because,
                    rest,
                    same_artist[place],
                    None if shared is None else shared[place],
                )
            )
        return Recommendations(title, self._ids_of(query), tuple(tracks), by_popularity)

    def _ids_of(self, query: Query) -> tuple[str, ...]:
        catalog = self.bundle.catalog
        ids = [catalog.track_ids[row].as_py() for row in query.tracks.track_index.tolist()]
        if query.artists is not None:
            ids += [catalog.artist_ids[row].as_py() for row in query.artists.track_index.tolist()]
        return tuple(ids)
