"""Which edges of a dense picture stand out."""

import pytest

from segue.pictures.backbone import with_backbone
from segue.pictures.scene import SceneEdge, SceneNode


def picture(num_playlists, tracks_of, start=None):
    """Playlists first, then tracks; the first track of all is by an artist."""
    num_tracks = 1 + max(track for tracks in tracks_of for track in tracks)
    kinds = ["playlist"] * num_playlists + ["track"] * num_tracks + ["artist"]
    nodes = [
        SceneNode(f"{kind}:{at}", kind, "", "", 1, role="start" if at == start else "")
        for at, kind in enumerate(kinds)
    ]
    edges = [
        SceneEdge(playlist, num_playlists + track, "interaction")
        for playlist, tracks in enumerate(tracks_of)
        for track in tracks
    ]
    return [*edges, SceneEdge(num_playlists, len(nodes) - 1, "structural")], nodes


def test_a_sparse_picture_is_left_alone():
    edges, nodes = picture(3, [[0, 1], [1, 2], [2, 3]])
    assert with_backbone(edges, nodes) == tuple(edges)


@pytest.mark.parametrize("start", [None, 0, 12])
def test_of_a_dense_picture_every_node_keeps_an_edge(start):
    edges, nodes = picture(12, [list(range(12))] * 12, start)
    drawn = with_backbone(edges, nodes)
    assert [(e.source, e.target, e.kind) for e in drawn] == [
        (e.source, e.target, e.kind) for e in edges
    ]
    strong = [edge for edge in drawn if not edge.faint]
    assert len(strong) < len(edges) / 2
    assert {end for edge in strong for end in (edge.source, edge.target)} == set(range(25))
    if start is not None:
        own = [edge for edge in drawn if start in (edge.source, edge.target)]
        assert len(own) >= 12
        assert not any(edge.faint for edge in own)


def test_the_edges_kept_are_those_to_what_few_others_have():
    # Every playlist holds tracks 0 to 9, and one of its own.
    tracks_of = [[*range(10), 10 + playlist] for playlist in range(10)]
    drawn = with_backbone(*picture(10, tracks_of))
    own = [edge for edge in drawn if edge.kind == "interaction" and edge.target >= 20]
    assert len(own) == 10
    assert not any(edge.faint for edge in own)
    assert sum(edge.faint for edge in drawn) > 50
