"""`Recommender`: a bundle that answers questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.bundle import Bundle
from segue.data.playlists import Float32Array, Int32Array, Playlists, TrackLists
from segue.errors import InputError, NameLookupError
from segue.recommend.index import row_batches, top_tracks
from segue.recommend.lookup import Names
from segue.recommend.scorer import CentroidScorer

_NUM_REASONS = 3


@dataclass(frozen=True)
class Recommendation:
    """One recommended track, and what of the query speaks for it.

    ``because`` lists the query tracks that add most to the score as (track id, name, part);
    over all query tracks the parts sum to the score.
    """

    rank: int
    track_id: str
    track_name: str
    artist_name: str
    score: float
    because: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True)
class Recommendations:
    """A list of recommended tracks, best first.

    Attributes
    ----------
    title
        What was asked, for people.
    query : tuple of str
        Ids of the tracks that were asked with.
    tracks : tuple of Recommendation
    by_popularity
        True where the query was empty: the list then is the most popular tracks, and a score is
        the share of all training pairs.
    """

    title: str
    query: tuple[str, ...]
    tracks: tuple[Recommendation, ...]
    by_popularity: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "title": self.title,
            "query": list(self.query),
            "by_popularity": self.by_popularity,
            "tracks": [
                {
                    "rank": track.rank,
                    "track_id": track.track_id,
                    "track_name": track.track_name,
                    "artist_name": track.artist_name,
                    "score": track.score,
                    "because": [
                        {"track_id": i, "track_name": name, "part": part}
                        for i, name, part in track.because
                    ],
                }
                for track in self.tracks
            ],
        }


class Recommender:
    """Recommends tracks from a bundle: for its playlists, for new ones, for a few seed songs.

    A playlist of the bundle and one that was never seen take the same path.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.names = Names(bundle.catalog, bundle.popularity, bundle.playlists, bundle.folder)
        self.scorer = CentroidScorer(bundle.track_vectors, bundle.query_weight)

    @classmethod
    def load(cls, folder: str | Path) -> Recommender:
        """Read a bundle (ArtefactError if it is none)."""
        return cls(Bundle.load(Path(folder)))

    def complete(self, playlist: str | Sequence[str], n: int = 10) -> Recommendations:
        """Tracks that would go on with a playlist, none that it holds already.

        Parameters
        ----------
        playlist
            The id of a playlist of the bundle, or the ids of the tracks of any playlist.
        n
            Length of the list, at least 1; shorter only if the catalogue is exhausted.

        Raises
        ------
        InputError
            If the bundle has no playlists, or n is less than 1.
        NameLookupError
            If there is no such playlist or track.
        """
        if isinstance(playlist, str):
            row, playlists = self.playlist_row(playlist), self.playlists
            title = playlists.titles[row].as_py()
            label = f"playlist {playlist}" + (f" ({title})" if title else "")
            return self._answer(f"To go on with {label}", playlists.tracks[row], n)
        rows = np.array([self.track_row(track) for track in playlist], dtype=np.int32)
        return self._answer("To go on with this playlist", rows, n)

    def vibe(self, seeds: Sequence[str], n: int = 10) -> Recommendations:
        """Tracks that go with one, two, three or more seed songs, none of the seeds.

        Parameters
        ----------
        seeds
            Track ids or names.
        n
            Length of the list, at least 1.

        Raises
        ------
        NameLookupError
            If a seed stands for no track or for several.
        InputError
            If there are no seeds, or n is less than 1.
        """
        if not seeds:
            raise InputError("a vibe check needs at least one seed song")
        rows = np.array([self.names.find(seed) for seed in seeds], dtype=np.int32)
        names = self.bundle.catalog.track_names
        title = "Goes with " + " + ".join(str(names[int(row)]) for row in dict.fromkeys(rows))
        return self._answer(title, rows, n)

    @property
    def playlists(self) -> Playlists:
        """The bundle's playlists (InputError if they were left out)."""
        if self.bundle.playlists is None:
            raise InputError(
                "this bundle was made without playlists (--no-playlists), so none can be named; "
                "give the tracks instead"
            )
        return self.bundle.playlists

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

    def recommend(self, query: TrackLists, n: int) -> tuple[Int32Array, Float32Array]:
        """The best tracks for many playlists at once, none that a playlist holds.

        Parameters
        ----------
        query : TrackLists
            Rows of the catalogue; an empty list is answered with the most popular tracks.
        n
            Length of a list, at least 1.

        Returns
        -------
        track_index : int32 [num_lists, n]
            Padded with −1 where the catalogue is exhausted.
        score : float32 [num_lists, n]
            Padded with −inf.
        """
        _check_length(n)
        track_index = np.empty((len(query), n), dtype=np.int32)
        score = np.empty((len(query), n), dtype=np.float32)
        for rows in row_batches(len(query), max(n, self.bundle.catalog.num_tracks)):
            part = query.rows(rows)
            scores = self.scorer.scores(part)
            empty = part.lengths == 0
            if empty.any():
                scores[empty] = self._popularity_share
            track_index[rows], score[rows] = top_tracks(scores, part, n)
        return track_index, score

    @property
    def _popularity_share(self) -> Float32Array:
        popularity = self.bundle.popularity
        share: Float32Array = (popularity / max(1, popularity.sum())).astype(np.float32)
        return share

    def _answer(self, title: str, rows: Int32Array, n: int) -> Recommendations:
        _check_length(n)
        query = np.array(list(dict.fromkeys(rows.tolist())), dtype=np.int32)
        width = min(n, self.bundle.catalog.num_tracks)
        track_index, score = self.recommend(TrackLists.from_lists([query.tolist()]), width)
        found = track_index[0][track_index[0] >= 0]
        parts = self.scorer.contributions(query, found)
        catalog = self.bundle.catalog
        tracks = []
        artists = catalog.artist_of(found).to_pylist()
        for place, (track, artist) in enumerate(zip(found, artists, strict=True)):
            strongest = np.argsort(-parts[place], kind="stable")[:_NUM_REASONS]
            because = tuple(
                (
                    str(catalog.track_ids[int(query[at])]),
                    str(catalog.track_names[int(query[at])]),
                    float(parts[place, at]),
                )
                for at in strongest
            )
            tracks.append(
                Recommendation(
                    place + 1,
                    str(catalog.track_ids[int(track)]),
                    str(catalog.track_names[int(track)]),
                    artist,
                    float(score[0, place]),
                    because,
                )
            )
        ids = tuple(str(catalog.track_ids[int(row)]) for row in query)
        return Recommendations(title, ids, tuple(tracks), by_popularity=len(query) == 0)


def _check_length(n: int) -> None:
    if n < 1:
        raise InputError(f"the length of a list must be at least 1, not {n}")
