"""Contents of the pictures of a graph: from a bundle to a `Scene`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segue.bundle import Bundle
from segue.data.playlists import Int32Array, Playlists, TrackLists
from segue.errors import InputError
from segue.graph import subgraph as extract
from segue.graph.subgraph import NODE_TYPES, Neighbours, Node, NodeType, Subgraph
from segue.pictures.backbone import with_backbone
from segue.pictures.layout import (
    column_layout,
    flow_layout,
    force_layout,
    order_columns,
    ring_angles,
)
from segue.pictures.scene import (
    Scene,
    SceneEdge,
    SceneNode,
    counted,
    describe,
    edges_of,
    nodes_of,
    summary,
)
from segue.pictures.text import clean, from_left, name_in_sentence
from segue.recommend.recommender import Recommender

# How many further nodes an interactive picture contains, by wave and type.
_BEYOND_LIMIT = 80
_MAX_SEEDS = 8


def playlists_of(bundle: Bundle) -> Playlists:
    """The bundle's playlists (InputError if it has none)."""
    if bundle.playlists is None:
        raise InputError(
            "this bundle was made without playlists (--no-playlists), so there is no graph to draw"
        )
    return bundle.playlists


def neighbours_of(bundle: Bundle) -> Neighbours:
    """The bundle's graph (InputError if it has no playlists)."""
    catalog = bundle.catalog
    tracks = playlists_of(bundle).tracks
    return Neighbours(tracks, catalog.relations["artist"], bundle.popularity)


def snowball(
    bundle: Bundle,
    start: Node,
    *,
    waves: int = 3,
    limit: int = 20,
    at_random: bool = False,
    rng_seed: int = 0,
    neighbours: Neighbours | None = None,
) -> Scene:
    """A connected piece of the graph around a node, laid out by forces.

    Parameters are those of `segue.graph.subgraph.snowball`; `rng_seed` is for the sampling, if
    random, and for the layout. To draw many pictures, keep `Recommender.neighbours`.

    Raises
    ------
    InputError
        If the bundle was made without playlists.
    """
    nodes, edges, note = _grown(bundle, start, waves, limit, at_random, rng_seed, neighbours)
    # The faint edges of a dense picture would pull everything into one heap. An artist's tracks
    # should end up close together.
    pulling = [edge for edge in edges if not edge.faint]
    lengths = [0.55 if edge.kind == "structural" else 1.0 for edge in pulling]
    position = force_layout(len(nodes), _pairs(pulling), lengths, rng_seed)
    return Scene(f"Around {_named(nodes)}", note, "force", nodes, edges, position)


def layers(
    bundle: Bundle,
    start: Node,
    *,
    waves: int = 2,
    limit: int = 16,
    at_random: bool = False,
    rng_seed: int = 0,
) -> Scene:
    """A snowball in three columns, playlists, tracks and artists, with few crossings."""
    nodes, edges, note = _grown(bundle, start, waves, limit, at_random, rng_seed)
    columns = [[at for at, node in enumerate(nodes) if node.type == t] for t in NODE_TYPES]
    order = order_columns(columns, _pairs(edges))
    position = column_layout(order, _pairs(edges), len(nodes))
    headings = ("Playlists", "Tracks", "Artists")
    title = f"Around {_named(nodes)}"
    return Scene(title, note, "columns", nodes, edges, position, headings=headings)


def artist(bundle: Bundle, row: int, *, num_tracks: int = 12, num_playlists: int = 24) -> Scene:
    """An artist in the centre, its best-known tracks around it, their playlists outside."""
    limit: dict[NodeType, int] = {"track": num_tracks, "playlist": num_playlists}
    found = extract.snowball(neighbours_of(bundle), [("artist", row)], waves=2, limit=limit)
    nodes = nodes_of(found, bundle.catalog, playlists_of(bundle))
    edges = with_backbone(edges_of(found), nodes)
    places = {t: [at for at, node in enumerate(nodes) if node.type == t] for t in NODE_TYPES}
    inner, outer = places["track"], places["playlist"]
    joined = [
        (inner.index(edge.target), outer.index(edge.source))
        for edge in edges
        if edge.kind == "interaction"
    ]
    position = np.full((len(nodes), 2), 0.5)
    angles = ring_angles(len(inner), len(outer), joined)
    for ring, angle, radius in zip((inner, outer), angles, (0.25, 0.5), strict=True):
        position[ring, 0] += radius * np.sin(angle)
        position[ring, 1] -= radius * np.cos(angle)
    parts = [f"{len(inner)} of {counted(nodes[places['artist'][0]].degree, 'track')}"]
    if outer:
        parts.append(f"the {counted(len(outer), 'playlist')} with the most of them")
    return Scene(_named(nodes), ", ".join(parts), "rings", nodes, edges, position)


def reasons(
    recommender: Recommender,
    seeds: Sequence[int] | Int32Array,
    *,
    n: int = 8,
    num_playlists: int = 10,
    without: int | None = None,
) -> Scene:
    """Seeds, recommended tracks, and what links the two; widths show contributions.

    A seed's contribution to the score of a track is divided evenly among the playlists and artists
    in the picture that link the two; if there are none, it passes through a node of its own. What
    flows into a track is therefore the sum of its seeds' positive contributions. Negative ones are
    not drawn, nor is the part of the score due to popularity.

    Parameters
    ----------
    recommender
    seeds
        Rows of tracks. If there are more than eight, the eight that contribute most are drawn.
    n
        Recommended tracks.
    num_playlists
        Maximum number of playlists drawn as links.
    without
        Row of a playlist that does not count as a link (the one being completed).

    Raises
    ------
    InputError
        If the bundle was made without playlists, there are no seeds, or nothing is recommended.
    """
    bundle = recommender.bundle
    catalog, playlists = bundle.catalog, playlists_of(bundle)
    query = np.array(list(dict.fromkeys(int(row) for row in seeds)), dtype=np.int32)
    if not len(query):
        raise InputError("a picture of reasons needs at least one seed song")
    # Like the query of `Recommender.complete`: the end of an ordered playlist counts more.
    ordered = without is not None and bool(playlists.order_known[without])
    asked = recommender.queries.of_lists(
        TrackLists.from_lists([query.tolist()]), np.array([ordered])
    )
    track_index, score = recommender.rank(asked, n, variety=1.0)
    found = track_index[0][track_index[0] >= 0]
    if not len(found):
        raise InputError("every track of the bundle is a seed, so nothing is recommended")
    # The seeds' terms come first; popularity belongs to no seed.
    parts = recommender.stages.first.parts(asked, found).parts[:, : len(query)]
    strongest = np.sort(np.argsort(-np.maximum(parts, 0).sum(axis=0), kind="stable")[:_MAX_SEEDS])
    note = "Width: what a seed adds to a track's score, divided among what links the two"
    if len(strongest) < len(query):
        note += f"; {len(strongest)} of {len(query)} seeds, those that add most"
    query, parts = query[strongest], parts[:, strongest]
    limit: dict[NodeType, int] = {"playlist": num_playlists, "artist": num_playlists}
    tied = extract.links_between(
        neighbours_of(bundle), query.astype(np.int64), found.astype(np.int64), parts,
        limit=limit, without=without,
    )  # fmt: skip
    nodes = list(nodes_of(tied, catalog, playlists))
    place = {node.key: at for at, node in enumerate(nodes)}
    seed_at = [place[f"track:{row}"] for row in query]
    found_at = [place[f"track:{row}"] for row in found]
    by = [clean(str(name)) for name in catalog.artist_of(np.concatenate([query, found]))]
    for at, name in zip(seed_at, by, strict=False):
        nodes[at] = replace(nodes[at], role="seed", detail=name)
    for rank, (at, name) in enumerate(zip(found_at, by[len(query) :], strict=True), start=1):
        detail = " · ".join([f"{score[0, rank - 1]:.3f}", *([name] if name else [])])
        label = from_left(f"{rank}. {name_in_sentence(nodes[at].label, 'track')}")
        nodes[at] = replace(nodes[at], role="found", label=label, detail=from_left(detail))
    edges = _flows(tied, seed_at, found_at, parts, len(nodes))
    if any(edge.target == len(nodes) for edge in edges):
        about = "what the vectors add where no playlist or artist in this picture links the two"
        nodes.append(SceneNode("rest", "rest", "no link in this picture", about, 0, wave=1))
    ties_at = sorted({edge.target for edge in edges} - {*found_at})
    nodes, edges = _only(nodes, edges, [*seed_at, *ties_at, *found_at])
    columns = [
        list(range(len(seed_at))),
        list(range(len(seed_at), len(nodes) - len(found_at))),
        list(range(len(nodes) - len(found_at), len(nodes))),
    ]
    order = order_columns(columns, _pairs(edges), fixed=(2,))
    flow = np.zeros(len(nodes))
    for edge in edges:
        flow[edge.source] += edge.weight
        flow[edge.target] += edge.weight
    flow[columns[1]] /= 2  # inflow equals outflow
    position = flow_layout(order, flow, 0.8 / max(map(len, columns)))
    groups = tuple(nodes[at].label for at in columns[0])
    if without is None:
        title = "Why these go with " + " + ".join(
            name_in_sentence(name, "track") for name in groups
        )
    else:
        own = describe("playlist", without, 0, catalog, playlists)[0]
        title = f"Why these are recommended for {name_in_sentence(own, 'playlist')}"
    return Scene(
        title,
        note,
        "columns",
        tuple(nodes),
        tuple(edges),
        position,
        groups,
        ("Seeds", "What links them", "Recommended"),
    )


def with_beyond(scene: Scene, bundle: Bundle) -> Scene:
    """The scene with its surroundings, for exploring in an interactive picture."""
    start: list[Node] = []
    for node in scene.nodes:
        for node_type in NODE_TYPES:
            if node.type == node_type:
                start.append((node_type, int(node.key.partition(":")[2])))
    around = extract.snowball(neighbours_of(bundle), start, waves=2, limit=_BEYOND_LIMIT)
    place = {node.key: at for at, node in enumerate(scene.nodes)}
    new: list[SceneNode] = []
    places = []
    for node in nodes_of(around, bundle.catalog, playlists_of(bundle)):
        if node.key not in place:
            place[node.key] = len(scene.nodes) + len(new)
            new.append(node)
        places.append(place[node.key])
    edges = [
        replace(edge, source=places[edge.source], target=places[edge.target])
        for edge in edges_of(around)
    ]
    seen = len(scene.nodes)
    more = [edge for edge in edges if edge.source >= seen or edge.target >= seen]
    return replace(scene, beyond=(tuple(new), tuple(more)))


def _grown(
    bundle: Bundle,
    start: Node,
    waves: int,
    limit: int,
    at_random: bool,
    rng_seed: int,
    neighbours: Neighbours | None = None,
) -> tuple[tuple[SceneNode, ...], tuple[SceneEdge, ...], str]:
    found = extract.snowball(
        neighbours or neighbours_of(bundle),
        [start],
        waves=waves,
        limit=limit,
        rng=np.random.default_rng(rng_seed) if at_random else None,
    )
    nodes = nodes_of(found, bundle.catalog, playlists_of(bundle))
    edges = with_backbone(edges_of(found), nodes)
    how = "drawn at random" if at_random else "best-connected first"
    note = f"{counted(waves, 'wave')}, {how}: {summary(nodes, len(edges))}"
    return nodes, edges, note


def _named(nodes: Sequence[SceneNode]) -> str:
    """Name of the node or nodes that a picture starts from."""
    start = next(node for node in nodes if node.role == "start")
    artist_name = start.detail.rpartition(" · ")[0] if start.type == "track" else ""
    by = f" by {name_in_sentence(artist_name, 'artist')}" if artist_name else ""
    return name_in_sentence(start.label, start.type) + by


def _pairs(edges: Sequence[SceneEdge]) -> list[tuple[int, int]]:
    return [(edge.source, edge.target) for edge in edges]


def _flows(
    tied: Subgraph,
    seed_at: list[int],
    found_at: list[int],
    parts: NDArray[np.float64],
    rest: int,
) -> list[SceneEdge]:
    """Edges seed → link and link → found; through the node `rest` where nothing links the two."""
    owners: dict[int, set[int]] = {at: set() for at in range(len(tied))}
    for playlist, track in tied.interaction.T.tolist():
        owners[track].add(playlist)
    for track, artist_at in tied.structural.T.tolist():
        owners[track].add(artist_at)
    into: dict[tuple[int, int], float] = {}
    onward: dict[tuple[int, int, int], float] = {}
    for s, seed in enumerate(seed_at):
        for f, track in enumerate(found_at):
            part = float(parts[f, s])
            if part <= 0:
                continue
            between = sorted(owners[seed] & owners[track]) or [rest]
            for tie in between:
                share = part / len(between)
                into[seed, tie] = into.get((seed, tie), 0.0) + share
                onward[tie, track, s] = onward.get((tie, track, s), 0.0) + share
    edges = [
        SceneEdge(seed, tie, "contribution", weight, seed_at.index(seed))
        for (seed, tie), weight in into.items()
    ]
    edges += [
        SceneEdge(tie, track, "contribution", weight, s)
        for (tie, track, s), weight in onward.items()
    ]
    return edges


def _only(
    nodes: list[SceneNode], edges: list[SceneEdge], kept: list[int]
) -> tuple[list[SceneNode], list[SceneEdge]]:
    """The given nodes, in that order, with the edges among them."""
    place = {at: new for new, at in enumerate(kept)}
    moved = [
        replace(edge, source=place[edge.source], target=place[edge.target])
        for edge in edges
        if edge.source in place and edge.target in place
    ]
    return [nodes[at] for at in kept], moved
