"""Who is near: the artists and tracks closest to one of them, laid out by their vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.bundle import Bundle
from segue.data.playlists import Int64Array, TrackLists
from segue.graph.subgraph import Neighbours, Node
from segue.pictures.layout import Positions
from segue.recommend.recommender import Recommender
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query

_MAX_PER_ARTIST = 2  # songs
_NUM_PLAYLISTS = 3
# An artist's playlists are looked up by its best-known songs.
_NUM_SONGS = 10
_ROUNDS = 200


@dataclass(frozen=True)
class Near:
    """An artist or a track, and where it stands around the one in the middle.

    Attributes
    ----------
    type
        ``"artist"`` or ``"track"``.
    id, name
    artist_id, artist_name
        Of a track, else empty.
    similarity
        Cosine of its vector with that of the one in the middle.
    playlists : tuple of str
        Titles of a few that hold both; empty if the bundle has none.
    x, y
        From 0 to 1, from the left and from the top; the nearer to the middle, the more similar.
    """

    type: str
    id: str
    name: str
    artist_id: str
    artist_name: str
    similarity: float
    playlists: tuple[str, ...]
    x: float
    y: float


def nearby(
    recommender: Recommender,
    start: Node,
    *,
    artists: int = 20,
    tracks: int = 16,
    neighbours: Neighbours | None = None,
) -> tuple[Near, ...]:
    """The one in the middle, then the artists and the tracks nearest to it, nearest first.

    Parameters
    ----------
    recommender
    start
        ``("artist", row)`` or ``("track", row)``.
    artists, tracks
        How many of each at most; of one artist at most two tracks.
    neighbours
        For the playlists; None: none are named.
    """
    bundle = recommender.bundle
    catalog = bundle.catalog
    nodes: list[Node] = [start]
    nodes += [("artist", row) for row in _nearest_artists(bundle, start, artists)]
    nodes += [("track", row) for row in _nearest_tracks(recommender, start, tracks)]
    vectors = np.stack([bundle.vectors[of][at] for of, at in nodes]).astype(np.float64)
    similarity = vectors @ vectors[0]
    position = around_first(vectors)
    together = _together(bundle, nodes, neighbours)
    found = []
    for place, (of, at) in enumerate(nodes):
        artist_id = artist_name = ""
        if of == "track":
            main = int(catalog.main_artist[at])
            artist_id = catalog.artists.ids[main].as_py() if main >= 0 else ""
            artist_name = catalog.artist_of(np.array([at], dtype=np.int32))[0].as_py()
        x, y = position[place]
        found.append(
            Near(
                of, catalog.nodes[of].ids[at].as_py(), catalog.nodes[of].names[at].as_py(),
                artist_id, artist_name, float(similarity[place]), together[place],
                float(x), float(y),
            )
        )  # fmt: skip
    return tuple(found)


def around_first(vectors: NDArray[np.float64]) -> Positions:
    """Positions around the first of some vectors, which is in the middle.

    By stress majorization (E. R. Gansner, Y. Koren, S. North: "Graph drawing by stress
    majorization", Graph Drawing 2004) of the angles between the vectors. Then each is moved along
    its ray, so that the distance from the middle tells its own similarity, and that alone.

    Parameters
    ----------
    vectors : float64 [num_rows, dim]
        Unit length.

    Returns
    -------
    float64 [num_rows, 2]
        In the unit square; the first in its centre.
    """
    count = len(vectors)
    if count == 1:
        return np.full((1, 2), 0.5)
    angle = np.arccos(np.clip(vectors @ vectors.T, -1, 1))
    # The golden angle: no two begin in the same direction.
    turn = np.arange(count) * (3 - np.sqrt(5)) * np.pi
    position = np.stack([np.sin(turn), -np.cos(turn)], axis=1) * np.sqrt(np.arange(count))[:, None]
    weight = 1 / np.maximum(angle, 0.05) ** 2
    np.fill_diagonal(weight, 0)
    for _ in range(_ROUNDS):
        apart = position[:, None] - position
        far = np.maximum(np.linalg.norm(apart, axis=2), 1e-9)
        wanted = position + apart * (angle / far)[:, :, None]
        position = (weight[:, :, None] * wanted).sum(axis=1) / weight.sum(axis=1)[:, None]
    ray = position[1:] - position[0]
    ray /= np.maximum(np.linalg.norm(ray, axis=1), 1e-9)[:, None]
    # Half by similarity and half by rank: those of a close circle remain apart.
    nearness = angle[0, 1:]
    spread = np.ptp(nearness)
    value = (nearness - nearness.min()) / spread if spread > 1e-9 else np.zeros(count - 1)
    rank = np.argsort(np.argsort(nearness, kind="stable")) / max(1, count - 2)
    radius = 0.14 + 0.36 * (value + np.sqrt(rank)) / 2
    return np.concatenate([np.full((1, 2), 0.5), 0.5 + radius[:, None] * ray])


def _nearest_artists(bundle: Bundle, start: Node, n: int) -> list[int]:
    kind, row = start
    vectors = bundle.vectors["artist"]
    score = vectors @ bundle.vectors[kind][row]
    own = {row} if kind == "artist" else set(bundle.catalog.relations["artist"][row].tolist())
    best = np.argsort(-score, kind="stable")[: n + len(own)].tolist()
    return [at for at in best if at not in own][:n]


def _nearest_tracks(recommender: Recommender, start: Node, n: int) -> list[int]:
    if not n:
        return []
    bundle, (kind, row) = recommender.bundle, start
    catalog = bundle.catalog
    cosine = FirstStage(
        Centroid(
            bundle.track_vectors, bundle.query_weight, bundle.popularity,
            catalog.relations["artist"],
        ),
        index=recommender.stages.first.index,
    )  # fmt: skip
    own = TrackLists.from_lists([[row]])
    none = TrackLists.from_lists([[]])
    query = Query(own) if kind == "track" else Query(none, artists=own)
    # Enough for the limit on each artist.
    best, _ = cosine.best(query, min(20 * n, catalog.num_tracks))
    held: dict[int, int] = {}
    found = []
    for at in best[0].tolist():
        artist = int(catalog.main_artist[at]) if at >= 0 else -1
        held[artist] = held.get(artist, 0) + 1
        if at >= 0 and (artist < 0 or held[artist] <= _MAX_PER_ARTIST):
            found.append(at)
    return found[:n]


def _together(
    bundle: Bundle, nodes: list[Node], neighbours: Neighbours | None
) -> list[tuple[str, ...]]:
    """For each node, titles of the playlists with most of its songs that hold the first's, too."""
    playlists = bundle.playlists
    if neighbours is None or playlists is None:
        return [()] * len(nodes)
    holders, _ = neighbours.of_tracks(_songs(bundle, nodes[0]))
    held = np.zeros(len(playlists), dtype=bool)
    held[holders] = True
    found = []
    for node in nodes:
        rows, count = np.unique(neighbours.of_tracks(_songs(bundle, node))[0], return_counts=True)
        rows, count = rows[held[rows]], count[held[rows]]
        # A long playlist says little.
        best = np.argsort(-count / np.sqrt(playlists.tracks.lengths[rows]), kind="stable")
        titles = (playlists.titles[int(at)].as_py() for at in rows[best[: 4 * _NUM_PLAYLISTS]])
        found.append(tuple(dict.fromkeys(filter(None, titles)))[:_NUM_PLAYLISTS])
    return found


def _songs(bundle: Bundle, node: Node) -> Int64Array:
    """The track itself, or the best-known ones of the artist."""
    kind, row = node
    if kind == "track":
        return np.array([row], dtype=np.int64)
    own = bundle.catalog.relations["artist"].sources_of(np.array([row]))
    return own[np.argsort(-bundle.popularity[own], kind="stable")[:_NUM_SONGS]]
