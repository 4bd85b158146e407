"""`Scene`: the contents of a picture of a graph, before anything is drawn.

The same scene is drawn by matplotlib (`segue.pictures.draw`) and by the graph view in JavaScript
(`static/graph_view.js`), which receives it as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Catalog, Playlists
from segue.graph.subgraph import NODE_TYPES, Subgraph
from segue.pictures.text import clean

Positions = NDArray[np.float64]


@dataclass(frozen=True)
class SceneNode:
    """A node and its description.

    Attributes
    ----------
    key
        ``"track:17"``: type and row, the same in every picture of a bundle.
    type
        ``"playlist"``, ``"track"``, ``"artist"``; ``"rest"`` stands for contributions without a
        linking node.
    label, detail
        Its name on one line, and details.
    degree
        Degree in the whole graph; nodes of higher degree are drawn larger.
    wave
        As in `Subgraph`.
    role
        ``"start"`` of a snowball, a ``"seed"``, a recommended (``"found"``) track, or empty.
    group
        Index in the groups of the scene, −1 for none.
    id
        The identifier in the source; empty for ``"rest"``.
    """

    key: str
    type: str
    label: str
    detail: str
    degree: int
    wave: int = 0
    role: Literal["", "start", "seed", "found"] = ""
    group: int = -1
    id: str = ""


@dataclass(frozen=True)
class SceneEdge:
    """An edge between two nodes, given by index; `weight` determines its width.

    A `faint` one stays in the background.
    """

    source: int
    target: int
    kind: Literal["interaction", "structural", "contribution"]
    weight: float = 1.0
    group: int = -1
    faint: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture of a graph, not yet drawn.

    Attributes
    ----------
    title, note
        A title line, and a smaller line below it.
    layout
        ``"force"``, ``"columns"``, ``"rings"`` or ``"map"``.
    nodes, edges
    position : float64 [num_nodes, 2]
        In the unit square, from the left and from the top.
    groups
        Names of the categories shown as colours.
    headings
        Headings of the columns.
    beyond
        More nodes and edges around these, for a view that can be explored. The node indices in its
        edges continue those of this scene's nodes.
    """

    title: str
    note: str
    layout: Literal["force", "columns", "rings", "map"]
    nodes: tuple[SceneNode, ...]
    edges: tuple[SceneEdge, ...]
    position: Positions
    groups: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    beyond: tuple[tuple[SceneNode, ...], tuple[SceneEdge, ...]] = field(default=((), ()))

    def __post_init__(self) -> None:
        """Raise ValueError if positions or edges do not fit the nodes."""
        if self.position.shape != (len(self.nodes), 2):
            raise ValueError("position must have two numbers per node")
        if not np.isfinite(self.position).all():
            raise ValueError("position must be finite")
        places = [place for edge in self.edges for place in (edge.source, edge.target)]
        if places and not (min(places) >= 0 and max(places) < len(self.nodes)):
            raise ValueError("an edge points outside the nodes")

    def with_title(self, title: str) -> Scene:
        """The same scene with another title; an empty title also removes the note."""
        return replace(self, title=title, note=self.note if title else "")

    def to_json(self) -> dict[str, Any]:
        """As plain values; edges refer to nodes by their keys (see ``static/graph_view.js``)."""
        nodes = [
            _node_json(node) | {"x": round(float(x), 5), "y": round(float(y), 5)}
            for node, (x, y) in zip(self.nodes, self.position, strict=True)
        ]
        more_nodes, more_edges = self.beyond
        every = (*self.nodes, *more_nodes)
        return {
            "title": self.title,
            "note": self.note,
            "layout": self.layout,
            "groups": list(self.groups),
            "nodes": nodes,
            "edges": [_edge_json(edge, every) for edge in self.edges],
            "beyond": {
                "nodes": [_node_json(node) for node in more_nodes],
                "edges": [_edge_json(edge, every) for edge in more_edges],
            },
        }


def _node_json(node: SceneNode) -> dict[str, Any]:
    names = ("key", "type", "label", "detail", "degree", "wave", "role", "group", "id")
    return {name: getattr(node, name) for name in names}


def _edge_json(edge: SceneEdge, nodes: Sequence[SceneNode]) -> dict[str, Any]:
    ends = {"source": nodes[edge.source].key, "target": nodes[edge.target].key}
    if edge.kind != "contribution":
        return ends | {"kind": edge.kind, "faint": edge.faint}
    return ends | {"kind": edge.kind, "weight": round(edge.weight, 6), "group": edge.group}


def nodes_of(subgraph: Subgraph, catalog: Catalog, playlists: Playlists) -> tuple[SceneNode, ...]:
    """The nodes of a subgraph with their names; the first ones (wave 0) are its starting points."""
    made = []
    columns = (subgraph.node_type, subgraph.row, subgraph.degree, subgraph.wave)
    for kind, row, degree, wave in zip(*(column.tolist() for column in columns), strict=True):
        node_type = NODE_TYPES[kind]
        label, detail = describe(node_type, row, degree, catalog, playlists)
        role: Literal["", "start"] = "start" if wave == 0 else ""
        ids = playlists.ids if node_type == "playlist" else catalog.nodes[node_type].ids
        made.append(
            SceneNode(
                f"{node_type}:{row}", node_type, label, detail, degree, wave, role,
                id=str(ids[row]),
            )
        )  # fmt: skip
    return tuple(made)


def edges_of(subgraph: Subgraph) -> tuple[SceneEdge, ...]:
    """The edges of a subgraph."""
    edges = [SceneEdge(s, t, "interaction") for s, t in subgraph.interaction.T.tolist()]
    edges += [SceneEdge(s, t, "structural") for s, t in subgraph.structural.T.tolist()]
    return tuple(edges)


def describe(
    node_type: str, row: int, degree: int, catalog: Catalog, playlists: Playlists | None
) -> tuple[str, str]:
    """Label and detail of a node."""
    if node_type == "playlist":
        if playlists is None:
            raise ValueError("a playlist was requested but there are none")
        title = clean(playlists.titles[row].as_py() or "")
        return title or f"playlist {playlists.ids[row]}", counted(degree, "track")
    if node_type == "artist":
        name = clean(str(catalog.artists.names[row]))
        return name or str(catalog.artists.ids[row]), counted(degree, "track")
    name = clean(str(catalog.track_names[row])) or str(catalog.track_ids[row])
    artist = clean(str(catalog.artist_of(np.array([row], dtype=np.int32))[0]))
    return name, " · ".join([*([artist] if artist else []), f"in {counted(degree, 'playlist')}"])


def counted(count: int, thing: str) -> str:
    """``1 track``, ``2,000 tracks``."""
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


def summary(nodes: Iterable[SceneNode], num_edges: int) -> str:
    """How many nodes of each type, and edges, a picture shows."""
    kinds = [node.type for node in nodes]
    parts = [counted(kinds.count(t), t) for t in NODE_TYPES if t in kinds]
    return " · ".join([*parts, counted(num_edges, "edge")])
