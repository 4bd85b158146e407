"""A recommender's answers: lists of tracks or artists, for people and programs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from segue.console import table_text
from segue.extras import required
from segue.names.matches import Taken
from segue.recommend.reasons import Reason, SharedPlaylist, plain

if TYPE_CHECKING:
    from segue.recommend.export import Saved
    from segue.recommend.exported import Exported


@dataclass(frozen=True)
class Named:
    """The id and the name of an artist or an album."""

    id: str
    name: str


@dataclass(frozen=True)
class Recommendation:
    """One recommended track.

    Attributes
    ----------
    rank
        From 1.
    track_id, track_name
    artist_id, artist_name
        Empty where none is known. If there are several, `artist_name` names all and `artist_id` is
        the main one's.
    score
    because : tuple of Reason
        The largest parts of the score, at most three, and `rest`, the sum of all others: together
        they are the score.
    rest
    same_artist : tuple of str
        Names of tracks and artists in the query by the same artist.
    playlists : tuple of SharedPlaylist or None
        Playlists that hold it together with some of the query; None unless reasons were requested,
        or if the bundle has no playlists.
    artists : tuple of Named
        The main one first.
    album : Named or None
    aliases : tuple of str
        Further ids: ISRC, MusicBrainz id.
    goes_with : Reason or None
        What of the query speaks for it more than for the other tracks of the list, with its part
        of the score; None if nothing in the query does.
    """

    rank: int
    track_id: str
    track_name: str
    artist_id: str
    artist_name: str
    score: float
    because: tuple[Reason, ...] = ()
    rest: float = 0.0
    same_artist: tuple[str, ...] = ()
    playlists: tuple[SharedPlaylist, ...] | None = None
    artists: tuple[Named, ...] = ()
    album: Named | None = None
    aliases: tuple[str, ...] = ()
    goes_with: Reason | None = None


@dataclass(frozen=True)
class Recommendations:
    """A list of recommended tracks, best first; prints as a table.

    Attributes
    ----------
    title
        A readable title.
    query : tuple of str
        Ids of the tracks and artists in the query.
    tracks : tuple of Recommendation
    by_popularity
        True if the query was empty: the list is then the most popular tracks, and a score is the
        share of all training pairs.
    words : tuple of str
        Words of the title in the query, without those about which nothing is known.
    words_by_parts : tuple of str
        Those of them that are known only by their parts, because they are in few titles.
    unknown_words : tuple of str
        Words of the title about which nothing is known; they do not count.
    took : tuple of Taken
        Tracks that were taken for songs of another spelling, or as the best known of several.
    unknown : tuple of str
        Songs of the query that are not in the bundle.

    Examples
    --------
    >>> found = recommender.vibe(["Bohemian Rhapsody"], n=2)
    >>> list(found.to_pandas().columns)
    ['rank', 'track_id', 'track_name', 'artist_name', 'score']
    """

    title: str
    query: tuple[str, ...]
    tracks: tuple[Recommendation, ...]
    by_popularity: bool = False
    words: tuple[str, ...] = ()
    words_by_parts: tuple[str, ...] = ()
    unknown_words: tuple[str, ...] = ()
    took: tuple[Taken, ...] = ()
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The list as a table."""
        return self.table()

    def __repr__(self) -> str:
        """``Recommendations('Goes with Superstition', 10 tracks)``."""
        return f"Recommendations({self.title!r}, {len(self.tracks)} tracks)"

    def table(self, *, because: bool = True) -> str:
        """The list for people, `because` with what each track goes with of several seeds."""
        asked = len(self.query) + len(self.words)
        because = because and not self.by_popularity and asked > 1
        by = any(track.artist_name for track in self.tracks)
        header = ["", "track", *(["artist"] if by else []), "score"]
        header += ["goes with", "part"] if because else []
        rows = []
        for track in self.tracks:
            artist = [track.artist_name] if by else []
            cells = [str(track.rank), track.track_name, *artist, f"{track.score:.3f}"]
            if because:
                best = track.goes_with
                cells += [best.name, f"{best.part:.3f}"] if best else ["", "–"]
            rows.append(cells)
        return table_text(self.title, header, rows)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        content: dict[str, Any] = plain(self)
        return content

    def to_arrow(self) -> pa.Table:
        """Columns ``rank``, ``track_id``, ``track_name``, ``artist_name``, ``score``."""
        return _table(self.tracks, ("track_id", "track_name", "artist_name"))

    def to_pandas(self) -> Any:
        """The same as a data frame (ResourceError if pandas is not installed)."""
        return _data_frame(self.to_arrow())

    def exported(self) -> Exported:
        """The list as the writers of files take it."""
        from segue.data.records import Track
        from segue.recommend.exported import Exported

        tracks = tuple(
            Track(
                track.track_id,
                track.track_name,
                tuple((artist.id, artist.name) for artist in track.artists),
                (track.album.id, track.album.name) if track.album else None,
                aliases=track.aliases,
            )
            for track in self.tracks
        )
        return Exported(self.title, tracks, tuple(track.score for track in self.tracks))

    def save(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,  # noqa: A002 - as on the command line and over HTTP
        library: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool = False,
    ) -> Saved:
        """Write the list for a player, a service or a program, completely or not at all.

        Parameters
        ----------
        path
        format
            ``"m3u8"``, ``"xspf"``, ``"jspf"``, ``"csv"``, ``"json"``, ``"mpd"``, ``"uris"`` or
            ``"parquet"``; by default the ending of `path` decides.
        library
            A music folder: the list then names the tracks' files in it, relative to `path`, and
            leaves out tracks that are not there. For M3U8, XSPF and JSPF.
        overwrite
            Replace an older file.

        Returns
        -------
        Saved
            How many tracks were written, and how many left out.

        Raises
        ------
        InputError
            If the format is unknown or names no files, or none of the tracks is in `library`.
        ArtefactError
            If the file is in the way or cannot be written.

        Examples
        --------
        >>> found = recommender.vibe(["Bohemian Rhapsody"], n=5)
        >>> found.save("next.m3u8").num_tracks
        5
        """
        from segue.recommend.export import save

        return save([self.exported()], path, format, library=library, overwrite=overwrite)


@dataclass(frozen=True)
class SimilarArtist:
    """One artist similar to another."""

    rank: int
    artist_id: str
    artist_name: str
    score: float


@dataclass(frozen=True)
class SimilarArtists:
    """A list of artists, best first, which prints as a table.

    A score is the cosine of two artists' vectors.

    Attributes
    ----------
    title
        A readable title.
    query : tuple of str
        Id of the artist in the query.
    artists : tuple of SimilarArtist

    Examples
    --------
    >>> recommender.similar(artist="Queen", n=2).to_arrow().column_names
    ['rank', 'artist_id', 'artist_name', 'score']
    """

    title: str
    query: tuple[str, ...]
    artists: tuple[SimilarArtist, ...]

    def __str__(self) -> str:
        """The list as a table."""
        rows = [[str(a.rank), a.artist_name, f"{a.score:.3f}"] for a in self.artists]
        return table_text(self.title, ["", "artist", "score"], rows)

    def __repr__(self) -> str:
        """``SimilarArtists('Artists like Queen', 10 artists)``."""
        return f"SimilarArtists({self.title!r}, {len(self.artists)} artists)"

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        content: dict[str, Any] = plain(self)
        return content

    def to_arrow(self) -> pa.Table:
        """Columns ``rank``, ``artist_id``, ``artist_name``, ``score``."""
        return _table(self.artists, ("artist_id", "artist_name"))

    def to_pandas(self) -> Any:
        """The same as a data frame (ResourceError if pandas is not installed)."""
        return _data_frame(self.to_arrow())


def _table(
    rows: tuple[Recommendation, ...] | tuple[SimilarArtist, ...], texts: tuple[str, ...]
) -> pa.Table:
    columns = {
        "rank": pa.array([row.rank for row in rows], pa.int32()),
        **{name: pa.array([getattr(row, name) for row in rows], pa.string()) for name in texts},
        "score": pa.array([row.score for row in rows], pa.float64()),
    }
    return pa.table(columns)


def _data_frame(table: pa.Table) -> Any:
    with required("a data frame"):
        return table.to_pandas()
