"""Answers from rows and scores: lists of tracks and artists, and the reasons for one track."""

from __future__ import annotations

from segue.bundle import Bundle
from segue.data.playlists import Float32Array, Int32Array
from segue.recommend.exported import TrackRecords
from segue.recommend.lists import (
    Named,
    Recommendation,
    Recommendations,
    SimilarArtist,
    SimilarArtists,
)
from segue.recommend.reasons import Explainer, Explanation
from segue.recommend.titles import AskedTitle
from segue.scoring.query import Query
from segue.scoring.term import ScoreParts


class Answers:
    """Turns rows into answers: looks up ids and names, and the parts of each score.

    Parameters
    ----------
    bundle

    Attributes
    ----------
    explainer : Explainer
    """

    def __init__(self, bundle: Bundle) -> None:
        self._catalog = bundle.catalog
        self.explainer = Explainer(bundle.catalog, bundle.playlists, bundle.popularity)

    def tracks(
        self,
        title: str,
        query: Query,
        found: Int32Array,
        score: Float32Array,
        parts: ScoreParts,
        *,
        shared: bool,
        without: int | None,
        asked: AskedTitle,
    ) -> Recommendations:
        """A list of tracks.

        Parameters
        ----------
        title
        query
            A query of one list.
        found : int32 [num_found]
            Tracks, best first.
        score : float32 [num_found]
        parts
            The parts of each score.
        shared
            Look up playlists that hold both a recommended track and some of the query.
        without
            A playlist to leave out: the one being completed.
        asked
            The title in the query.
        """
        explainer = self.explainer
        parts = asked.by_word(parts)
        playlists = explainer.playlists(query, found, without) if shared else None
        same_artist = explainer.same_artist(query, found)
        goes_with = explainer.distinctive(parts, asked.words)
        tracks = []
        for place, track in enumerate(TrackRecords(self._catalog).of_rows(found.tolist())):
            because, rest = explainer.strongest(parts, place, asked.words)
            tracks.append(
                Recommendation(
                    place + 1,
                    track.id,
                    track.name,
                    track.artists[0][0] if track.artists else "",
                    ", ".join(name for _, name in track.artists),
                    float(score[place]),
                    because,
                    rest,
                    same_artist[place],
                    None if playlists is None else playlists[place],
                    tuple(Named(*artist) for artist in track.artists),
                    None if track.album is None else Named(*track.album),
                    track.aliases,
                    goes_with[place],
                )
            )
        return Recommendations(
            title,
            self._ids_of(query),
            tuple(tracks),
            bool(query.empty[0]),
            asked.words,
            asked.by_parts,
            asked.unknown,
        )

    def heading_of_seeds(self, query: Query, title: str | None) -> str:
        """The heading of a list for songs, artists and a title: ``Goes with Kashmir + Queen``."""
        rows = query.tracks.track_index.tolist()
        names = [str(self._catalog.track_names[row]) for row in rows]
        if query.artists is not None:
            rows = query.artists.track_index.tolist()
            names += [str(self._catalog.artists.names[row]) for row in rows]
        if title:
            names.append(f"“{title}”")
        return "Goes with " + " + ".join(names)

    def artists(self, row: int, found: Int32Array, score: Float32Array) -> SimilarArtists:
        """A list of artists like the one in a row.

        Parameters
        ----------
        row
        found : int32 [num_found]
            Rows of artists, best first.
        score : float32 [num_found]
        """
        ids, names = self._catalog.artists.ids, self._catalog.artists.names
        artists = tuple(
            SimilarArtist(rank, ids[at].as_py(), names[at].as_py(), value)
            for rank, (at, value) in enumerate(
                zip(found.tolist(), score.tolist(), strict=True), start=1
            )
        )
        return SimilarArtists(f"Artists like {names[row]}", (str(ids[row]),), artists)

    def explanation(
        self,
        query: Query,
        asked: Int32Array,
        parts: ScoreParts,
        without: int | None,
        title: AskedTitle,
    ) -> Explanation:
        """All reasons for one track (`asked`, int32 [1]); the rest as for `tracks`."""
        catalog, explainer = self._catalog, self.explainer
        shared = explainer.playlists(query, asked, without)
        return Explanation(
            str(catalog.track_ids[int(asked[0])]),
            str(catalog.track_names[int(asked[0])]),
            catalog.artist_of(asked)[0].as_py(),
            float(parts.parts.sum()),
            explainer.terms(title.by_word(parts), 0, title.words),
            explainer.same_artist(query, asked)[0],
            None if shared is None else shared[0],
            title.by_parts,
            title.unknown,
        )

    def _ids_of(self, query: Query) -> tuple[str, ...]:
        catalog = self._catalog
        ids = [catalog.track_ids[row].as_py() for row in query.tracks.track_index.tolist()]
        if query.artists is not None:
            ids += [catalog.artists.ids[row].as_py() for row in query.artists.track_index.tolist()]
        return tuple(ids)
