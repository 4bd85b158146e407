"""Small pieces of a playlist graph: snowballs, ego networks, and links between tracks.

No reverse edges are stored. The playlists of a track are found by one pass over the pairs, which
takes a fraction of a second for the whole Million Playlist Dataset and no memory; for many queries,
build the transpose once (`Neighbours.keep_transpose`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Int64Array, TrackLists
from segue.data.relations import Relation

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NodeType = Literal["playlist", "track", "artist"]
NODE_TYPES: tuple[NodeType, ...] = ("playlist", "track", "artist")
Node = tuple[NodeType, int]

# Pairs scanned at a time: their hits stay in the cache.
_BLOCK = 1 << 16
# Playlists among which the best links are chosen one by one.
_TIE_POOL = 1000


@dataclass(frozen=True, eq=False)
class Subgraph:
    """Some nodes of a graph and all edges among them.

    Attributes
    ----------
    node_type : int8 [num_nodes]
        Indices into `NODE_TYPES`.
    row : int64 [num_nodes]
        Row of each node among the nodes of its type.
    wave : int64 [num_nodes]
        0 for the start nodes, then the wave in which a node was added.
    degree : int64 [num_nodes]
        Degree in the whole graph: tracks of a playlist or artist, playlists of a track.
    interaction : int64 [2, num_interactions]
        Edges playlist → track, as indices of nodes.
    structural : int64 [2, num_structural]
        Edges track → artist, as indices of nodes.
    """

    node_type: NDArray[np.int8]
    row: Int64Array
    wave: Int64Array
    degree: Int64Array
    interaction: Int64Array
    structural: Int64Array

    def __post_init__(self) -> None:
        """Raise ValueError if columns do not fit together or edges join the wrong types."""
        if not len(self.node_type) == len(self.row) == len(self.wave) == len(self.degree):
            raise ValueError("node_type, row, wave and degree differ in length")
        if len(np.unique(np.stack([self.node_type, self.row]), axis=1).T) != len(self):
            raise ValueError("a node appears twice in a subgraph")
        for name, types in (("interaction", (0, 1)), ("structural", (1, 2))):
            edges = getattr(self, name)
            if edges.ndim != 2 or len(edges) != 2:
                raise ValueError(f"{name} must be [2, num_edges]")
            if edges.size and not (edges.min() >= 0 and edges.max() < len(self)):
                raise ValueError(f"{name} points outside the nodes")
            if (self.node_type[edges] != np.array(types)[:, None]).any():
                raise ValueError(f"{name} joins nodes of the wrong types")

    def __len__(self) -> int:
        """Number of nodes."""
        return len(self.node_type)


class Neighbours:
    """Neighbours of the nodes of a graph.

    Parameters
    ----------
    tracks : TrackLists
        The tracks of each playlist.
    by : Relation
        From tracks to artists.
    popularity : int64 [num_tracks], optional
        Breaks ties among tracks, higher first; by default the number of playlists.
    """

    def __init__(
        self,
        tracks: TrackLists,
        by: Relation,
        popularity: Int64Array | None = None,
    ) -> None:
        self.tracks, self.by = tracks, by
        if popularity is None:
            popularity = tracks.track_counts(by.num_sources)
        self.num_nodes = {
            "playlist": len(tracks),
            "track": by.num_sources,
            "artist": by.num_targets,
        }
        # What breaks ties between nodes of a type.
        self.prominence: dict[str, Int64Array] = {
            "playlist": tracks.lengths,
            "track": popularity,
            "artist": by.target_degree,
        }
        self._transpose: csr_array | None = None

    def keep_transpose(self) -> None:
        """Build the reverse edges once, for many queries.

        Takes about ten bytes per pair while building and five afterwards.
        """
        from scipy.sparse import csr_array  # it takes a while to load

        shape = (self.num_nodes["playlist"], self.num_nodes["track"])
        ones = np.ones(self.tracks.num_pairs, dtype=np.int8)
        pairs = csr_array((ones, self.tracks.track_index, self.tracks.offsets), shape=shape)
        self._transpose = csr_array(pairs.T)

    def of_playlists(self, playlists: Int64Array) -> tuple[Int64Array, Int64Array]:
        """All pairs of some playlists: playlist and track, int64 [num_pairs] each."""
        lists = self.tracks.rows(playlists)
        return playlists[lists.list_index()], lists.track_index.astype(np.int64)

    def of_tracks(self, tracks: Int64Array) -> tuple[Int64Array, Int64Array]:
        """All pairs of some tracks, in any order: playlist and track, int64 [num_pairs] each."""
        if self._transpose is not None:
            # Same as `self._transpose[tracks]`, without SciPy's checks: this is called often.
            start, end = self._transpose.indptr[tracks], self._transpose.indptr[tracks + 1]
            lengths = (end - start).astype(np.int64)
            pairs = np.repeat(end - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
            return self._transpose.indices[pairs].astype(np.int64), np.repeat(tracks, lengths)
        wanted = np.zeros(self.num_nodes["track"], dtype=bool)
        wanted[tracks] = True
        column = self.tracks.track_index
        starts = range(0, len(column), _BLOCK) if len(tracks) else range(0)
        hits = [np.flatnonzero(wanted.take(column[at : at + _BLOCK])) + at for at in starts]
        pairs = np.concatenate([np.empty(0, np.int64), *hits])
        playlist = np.searchsorted(self.tracks.offsets, pairs, side="right") - 1
        return playlist, column[pairs].astype(np.int64)

    def of_artists(self, artists: Int64Array) -> Int64Array:
        """All tracks of some artists: int64, ascending."""
        return self.by.sources_of(artists)

    def links(self, node_type: NodeType, frontier: Mapping[NodeType, Int64Array]) -> Int64Array:
        """How many edges join each node of a type to some others: int64 [num_nodes of the type].

        Parameters
        ----------
        node_type
        frontier
            Rows of those others, by type.
        """
        if node_type == "playlist":
            found = self.of_tracks(frontier["track"])[0]
        elif node_type == "track":
            by_playlist = self.of_playlists(frontier["playlist"])[1]
            found = np.concatenate([by_playlist, self.of_artists(frontier["artist"])])
        else:
            found = self.by.rows(frontier["track"]).target_index.astype(np.int64)
        return np.bincount(found, minlength=self.num_nodes[node_type])

    def subgraph(
        self, rows: Mapping[NodeType, Sequence[int]], waves: Mapping[NodeType, Sequence[int]]
    ) -> Subgraph:
        """The subgraph of some nodes: all edges among them, and their degrees."""
        row = {t: np.array(rows[t], dtype=np.int64) for t in NODE_TYPES}
        sizes = [len(row[t]) for t in NODE_TYPES]
        first = dict(zip(NODE_TYPES, np.cumsum([0, *sizes]).tolist(), strict=False))
        place = {t: np.full(self.num_nodes[t], -1, dtype=np.int64) for t in NODE_TYPES}
        for t in NODE_TYPES:
            place[t][row[t]] = first[t] + np.arange(len(row[t]))
        playlist, track = self.of_playlists(row["playlist"])
        interaction = np.stack([place["playlist"][playlist], place["track"][track]])
        by = self.by.rows(row["track"])
        track = row["track"][by.source_index]
        structural = np.stack([place["track"][track], place["artist"][by.target_index]])
        holders = np.bincount(
            place["track"][self.of_tracks(row["track"])[1]] - first["track"],
            minlength=len(row["track"]),
        )
        lengths = self.tracks.lengths[row["playlist"]]
        return Subgraph(
            node_type=np.repeat(np.arange(3, dtype=np.int8), sizes),
            row=np.concatenate([row[t] for t in NODE_TYPES]),
            wave=np.concatenate([np.array(waves[t], dtype=np.int64) for t in NODE_TYPES]),
            degree=np.concatenate([lengths, holders, self.prominence["artist"][row["artist"]]]),
            interaction=interaction[:, interaction[1] >= 0],
            structural=structural[:, structural[1] >= 0],
        )


def snowball(
    neighbours: Neighbours,
    start: Sequence[Node],
    *,
    waves: int = 3,
    limit: int | Mapping[NodeType, int] = 20,
    rng: np.random.Generator | None = None,
) -> Subgraph:
    """Grow a subgraph from some nodes in waves.

    A wave adds, for each type, new neighbours of the previous wave: those with the most edges to
    that wave, ties to the better-known, up to a limit. So every node except the start nodes has an
    edge to the wave before its own, and a single start node gives a connected subgraph. Finally the
    artists of the last wave's tracks are added as one more wave. The ego network of a node is its
    snowball of one or two waves.

    Parameters
    ----------
    neighbours
    start
        Nodes as (type, row), all different.
    waves
        At least 0.
    limit
        Maximum nodes of each type per wave, at least 0; a mapping gives one by type (default 0).
    rng
        If given, neighbours are chosen uniformly at random instead.

    Returns
    -------
    Subgraph
        Playlists, tracks, artists; each type ordered by wave, within a wave best first (or as
        drawn).
    """
    limits = _limits(limit)
    if waves < 0:
        raise ValueError("waves must be at least 0")
    if len(set(start)) != len(start):
        raise ValueError("a start node is given twice")
    frontier = {t: np.array([r for kind, r in start if kind == t], np.int64) for t in NODE_TYPES}
    rows: dict[NodeType, list[int]] = {t: frontier[t].tolist() for t in NODE_TYPES}
    wave_of: dict[NodeType, list[int]] = {t: [0] * len(rows[t]) for t in NODE_TYPES}
    for wave in range(1, waves + 2):
        if wave > waves:
            limits = {"artist": limits["artist"], "playlist": 0, "track": 0}
        chosen: dict[NodeType, Int64Array] = {}
        for t in NODE_TYPES:
            chosen[t] = np.empty(0, np.int64)
            if limits[t]:
                links = neighbours.links(t, frontier)
                links[rows[t]] = 0
                chosen[t] = _choose(links, neighbours.prominence[t], limits[t], rng)
            rows[t] += chosen[t].tolist()
            wave_of[t] += [wave] * len(chosen[t])
        frontier = chosen
    return neighbours.subgraph(rows, wave_of)


def links_between(
    neighbours: Neighbours,
    seeds: Int64Array,
    tracks: Int64Array,
    weight: NDArray[np.floating[Any]],
    *,
    limit: int | Mapping[NodeType, int] = 12,
    without: int | None = None,
) -> Subgraph:
    """What links some seeds to other tracks: playlists that hold both, common artists.

    Playlists are chosen greedily: each time the one that links the most weight, where pairs that
    are already linked count less (a half, a third …), so that a few playlists explain as much as
    possible. A long playlist links many tracks but means little: its weight is divided by the
    square root of its length.

    Parameters
    ----------
    neighbours
    seeds, tracks : int64 [num_seeds], int64 [num_tracks_asked]
        Rows; no track is in both.
    weight : float [num_tracks_asked, num_seeds]
        How strongly each seed relates to each track; entries not above 0 need no link.
    limit
        Maximum number of playlists, and of artists.
    without
        A playlist that does not count as a link: the one being completed.

    Returns
    -------
    Subgraph
        Seeds in wave 0, links in wave 1, the other tracks in wave 2, in the order given.
    """
    limits = _limits(limit)
    weight = np.maximum(weight, 0.0)
    everything = np.concatenate([seeds, tracks]).astype(np.int64)
    order = np.argsort(everything)

    def between(owner: Int64Array, member: Int64Array) -> tuple[Int64Array, BoolArray, BoolArray]:
        """Rows of owners of both a seed and a track, and which ones each owns: bool [n, num_…]."""
        of_seed = np.isin(member, seeds)
        owners = np.intersect1d(owner[of_seed], owner[~of_seed])
        kept = np.isin(owner, owners)
        holds = np.zeros((len(owners), len(everything)), dtype=bool)
        place = order[np.searchsorted(everything[order], member[kept])]
        holds[np.searchsorted(owners, owner[kept]), place] = True
        return owners, holds[:, : len(seeds)], holds[:, len(seeds) :]

    playlist, track = neighbours.of_tracks(everything)
    if without is not None:
        playlist, track = playlist[playlist != without], track[playlist != without]
    playlists, holds_seed, holds_track = between(playlist, track)
    share = 1 / np.sqrt(neighbours.tracks.lengths[playlists])
    value = share * ((holds_track @ weight) * holds_seed).sum(axis=1)
    pool = np.argsort(-value, kind="stable")[:_TIE_POOL]
    playlists, share = playlists[pool], share[pool]
    holds_seed, holds_track = holds_seed[pool], holds_track[pool]
    chosen: list[int] = []
    num_ties = np.zeros_like(weight)
    while len(chosen) < min(limits["playlist"], len(pool)):
        gain = share * ((holds_track @ (weight / (1 + num_ties))) * holds_seed).sum(axis=1)
        gain[chosen] = 0
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        chosen.append(best)
        num_ties += np.outer(holds_track[best], holds_seed[best])

    by = neighbours.by.rows(everything)
    artists, holds_seed, holds_track = between(
        by.target_index.astype(np.int64), everything[by.source_index]
    )
    value = ((holds_track @ weight) * holds_seed).sum(axis=1)
    best_artists = np.argsort(-value, kind="stable")[: limits["artist"]]
    best_artists = best_artists[value[best_artists] > 0]
    return neighbours.subgraph(
        {
            "playlist": playlists[chosen].tolist(),
            "track": everything.tolist(),
            "artist": artists[best_artists].tolist(),
        },
        {
            "playlist": [1] * len(chosen),
            "track": [0] * len(seeds) + [2] * len(tracks),
            "artist": [1] * len(best_artists),
        },
    )


def _limits(limit: int | Mapping[NodeType, int]) -> dict[NodeType, int]:
    limits = {t: limit if isinstance(limit, int) else limit.get(t, 0) for t in NODE_TYPES}
    if min(limits.values()) < 0:
        raise ValueError("a limit must be at least 0")
    return limits


def _choose(
    links: Int64Array, prominence: Int64Array, limit: int, rng: np.random.Generator | None
) -> Int64Array:
    """Rows with the most links, ties to the better-known, then to the lower row; or random rows."""
    rows = np.flatnonzero(links)
    if rng is not None:
        return rng.choice(rows, min(limit, len(rows)), replace=False)
    if len(rows) > limit:
        # A hit may have a million neighbours: only those that can be among the best are sorted.
        threshold = np.partition(links[rows], len(rows) - limit)[len(rows) - limit]
        rows = rows[links[rows] >= threshold]
    return rows[np.lexsort((rows, -prominence[rows], -links[rows]))][:limit]
