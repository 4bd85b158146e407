"""Which edges of a dense picture stand out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segue.pictures.scene import SceneEdge, SceneNode

# A picture with more interaction edges per node than this is dense.
_DENSE = 2.5
# Of its d edges, a node keeps about d to the power of this.
_POWER = 0.25


def with_backbone(edges: Sequence[SceneEdge], nodes: Sequence[SceneNode]) -> tuple[SceneEdge, ...]:
    """The edges, those that a dense picture can do without marked as faint.

    As in local sparsification (M. Hamann and others: "Structure-preserving sparsification methods
    for social networks", SNAM 2016), each node keeps ⌈d^¼⌉ of its d interaction edges, so that none
    loses all. It keeps those to the neighbours with the fewest edges in the picture: an edge to a
    track that every playlist holds says little. Structural edges, which are few, and those of the
    nodes that the picture starts from are kept.
    """
    start = {at for at, node in enumerate(nodes) if node.role == "start"}
    shown = [at for at, edge in enumerate(edges) if edge.kind == "interaction"]
    if len(shown) <= _DENSE * len(nodes):
        return tuple(edges)
    ends = np.array([(edges[at].source, edges[at].target) for at in shown])
    degree = np.bincount(ends.ravel(), minlength=len(nodes))
    kept: set[int] = set()
    for own, other in ((0, 1), (1, 0)):
        for node in np.unique(ends[:, own]):
            mine = np.flatnonzero(ends[:, own] == node)
            fewest = np.argsort(degree[ends[mine, other]], kind="stable")
            kept.update(mine[fewest[: math.ceil(len(mine) ** _POWER)]].tolist())
    kept.update(np.flatnonzero(np.isin(ends, list(start)).any(axis=1)).tolist())
    faint = {at for place, at in enumerate(shown) if place not in kept}
    return tuple(replace(edge, faint=at in faint) for at, edge in enumerate(edges))
