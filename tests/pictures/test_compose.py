"""What pictures show, before they are drawn."""

from dataclasses import replace

import numpy as np
import pytest

from segue.data.playlists import Catalog, TrackLists
from segue.data.relations import Nodes, Relation
from segue.errors import InputError
from segue.pictures import compose
from segue.pictures.map import catalogue_map
from segue.pictures.scene import Scene, SceneEdge, SceneNode
from segue.pictures.text import drawable
from segue.recommend.recommender import Recommender


def rows_of(scene, node_type):
    return {int(n.key.split(":")[1]) for n in scene.nodes if n.type == node_type}


def test_a_snowball_shows_what_the_graph_holds(bundle):
    scene = compose.snowball(bundle, ("track", 30), waves=2, limit=6)
    (start,) = (node for node in scene.nodes if node.role == "start")
    assert (start.key, start.label) == ("track:30", "Track 30")
    assert start.detail.endswith(f" · in {start.degree} playlists")
    assert start.degree == bundle.popularity[30]
    assert scene.layout == "force"
    assert scene.title.startswith("Around Track 30 by ")
    assert scene.note.startswith("2 waves, best-connected first: 6 playlists · ")
    for edge in scene.edges:
        kinds = (scene.nodes[edge.source].type, scene.nodes[edge.target].type)
        assert (
            kinds
            == {"interaction": ("playlist", "track"), "structural": ("track", "artist")}[edge.kind]
        )
    for row in rows_of(scene, "playlist"):
        held = set(bundle.playlists.tracks[row].tolist()) & rows_of(scene, "track")
        at = next(i for i, n in enumerate(scene.nodes) if n.key == f"playlist:{row}")
        drawn = {
            int(scene.nodes[e.target].key.split(":")[1]) for e in scene.edges if e.source == at
        }
        assert drawn == held


def test_the_same_seed_gives_the_same_scene(bundle):
    options = {"waves": 2, "limit": 5, "at_random": True}
    one = compose.snowball(bundle, ("playlist", 3), rng_seed=1, **options)
    two = compose.snowball(bundle, ("playlist", 3), rng_seed=1, **options)
    other = compose.snowball(bundle, ("playlist", 3), rng_seed=2, **options)
    assert one.to_json() == two.to_json()
    assert {node.key for node in one.nodes} != {node.key for node in other.nodes}
    assert "drawn at random" in one.note


def test_layers_stand_in_columns(bundle):
    scene = compose.layers(bundle, ("artist", 2), waves=2, limit=8)
    column = {"playlist": 0.0, "track": 0.5, "artist": 1.0}
    assert [p[0] for p in scene.position] == [column[node.type] for node in scene.nodes]
    assert scene.headings == ("Playlists", "Tracks", "Artists")


def test_an_artist_stands_in_the_middle(bundle):
    scene = compose.artist(bundle, 4, num_tracks=5, num_playlists=9)
    distance = {"artist": 0.0, "track": 0.25, "playlist": 0.5}
    radius = np.linalg.norm(scene.position - 0.5, axis=1)
    assert radius.tolist() == pytest.approx([distance[node.type] for node in scene.nodes])
    assert [sum(n.type == t for n in scene.nodes) for t in distance] == [1, 5, 9]
    assert (bundle.catalog.main_artist[sorted(rows_of(scene, "track"))] == 4).all()
    assert scene.note == "5 of 8 tracks, the 9 playlists with the most of them"


def test_a_node_without_edges_is_a_picture_of_one(bundle):
    scene = compose.snowball(bundle, ("track", 30), waves=0, limit=0)
    assert len(scene.nodes) == 1
    assert scene.position.tolist() == [[0.5, 0.5]]
    scene = compose.layers(bundle, ("track", 30), waves=0, limit=0)
    assert len(scene.nodes) == 1


def test_reasons_add_up_to_what_the_seeds_add(recommender):
    seeds = [40, 45, 90]
    scene = compose.reasons(recommender, seeds, n=6, num_playlists=5)
    found = [at for at, node in enumerate(scene.nodes) if node.role == "found"]
    assert [scene.nodes[at].label.split(".")[0] for at in found] == list("123456")
    rows = np.array([int(scene.nodes[at].key.split(":")[1]) for at in found], dtype=np.int32)
    query = TrackLists.from_lists([seeds])
    # The last term, what everyone knows, is no seed's.
    parts = np.maximum(recommender.stages.first.parts(query, rows).parts[:, :3], 0)
    into = [sum(e.weight for e in scene.edges if e.target == at) for at in found]
    assert into == pytest.approx(parts.sum(axis=1).tolist(), abs=1e-6)
    for at, seed in enumerate(seeds):
        place = next(i for i, n in enumerate(scene.nodes) if n.key == f"track:{seed}")
        assert scene.nodes[place].role == "seed"
        out = sum(e.weight for e in scene.edges if e.source == place)
        assert out == pytest.approx(float(parts[:, at].sum()), abs=1e-6)
        assert scene.groups[scene.edges[0].group] in scene.groups
    # What comes into a tie goes out of it, and it ties what it says.
    for at, node in enumerate(scene.nodes):
        if node.role:
            continue
        flow_in = sum(e.weight for e in scene.edges if e.target == at)
        flow_out = sum(e.weight for e in scene.edges if e.source == at)
        assert flow_in == pytest.approx(flow_out)
        ends = [e.source for e in scene.edges if e.target == at]
        ends += [e.target for e in scene.edges if e.source == at]
        near = {int(scene.nodes[end].key.split(":")[1]) for end in ends}
        if node.type == "playlist":
            row = int(node.key.split(":")[1])
            assert near <= set(recommender.bundle.playlists.tracks[row].tolist())
    assert {edge.kind for edge in scene.edges} == {"contribution"}


def test_reasons_of_a_playlist_leave_it_out_and_show_its_strongest_tracks(recommender):
    tracks = recommender.bundle.playlists.tracks[5]
    scene = compose.reasons(recommender, tracks, n=3, without=5)
    assert scene.title == f"Why these are recommended for {recommender.bundle.playlists.titles[5]}"
    assert "playlist:5" not in {node.key for node in scene.nodes}
    assert sum(node.role == "seed" for node in scene.nodes) == 8
    assert f"8 of {len(tracks)} seeds, those that add most" in scene.note


@pytest.mark.parametrize("row", [5, 6])
def test_reasons_of_a_playlist_are_those_of_its_completion(recommender, row):
    """Playlist 6 is ordered, so its end counts more; the order of playlist 5 is not known."""
    playlists = recommender.bundle.playlists
    assert playlists.order_known[row] == (row == 6)
    scene = compose.reasons(recommender, playlists.tracks[row], n=5, without=row)
    found = recommender.complete(str(playlists.ids[row]), 5)
    shown = [node for node in scene.nodes if node.role == "found"]
    assert [node.label.split(". ")[1] for node in shown] == [t.track_name for t in found.tracks]
    for node, track in zip(shown, found.tracks, strict=True):
        assert node.detail.startswith(f"{track.score:.3f}")


def test_reasons_without_a_tie_go_by_a_node_of_their_own(recommender):
    scene = compose.reasons(recommender, [40], n=3, num_playlists=0)
    (rest,) = (node for node in scene.nodes if node.type == "rest")
    assert rest.label == "no link in this picture"


def test_reasons_need_a_seed_and_a_track_to_recommend(recommender):
    with pytest.raises(InputError, match="at least one seed"):
        compose.reasons(recommender, [])
    with pytest.raises(InputError, match="every track of the bundle is a seed"):
        compose.reasons(recommender, range(recommender.bundle.catalog.num_tracks))


def test_without_playlists_there_is_nothing_to_draw(bundle):
    with pytest.raises(InputError, match=r"made without playlists \(--no-playlists\)"):
        compose.snowball(replace(bundle, playlists=None), ("track", 0))


def test_what_lies_beyond_is_not_what_is_seen(bundle):
    scene = compose.with_beyond(compose.snowball(bundle, ("track", 3), waves=1, limit=3), bundle)
    seen, (more, edges) = {node.key for node in scene.nodes}, scene.beyond
    assert more
    assert not seen & {node.key for node in more}
    assert len({node.key for node in more}) == len(more)
    every = (*scene.nodes, *more)
    for edge in edges:
        assert max(edge.source, edge.target) >= len(scene.nodes)
        ends = (every[edge.source].key, every[edge.target].key)
        if edge.kind == "interaction":
            playlist, track = (int(key.split(":")[1]) for key in ends)
            assert track in bundle.playlists.tracks[playlist]
    content = scene.to_json()
    assert len(content["beyond"]["nodes"]) == len(more)
    keys = {node["key"] for node in content["nodes"] + content["beyond"]["nodes"]}
    assert {e["source"] for e in content["beyond"]["edges"]} <= keys


def test_a_scene_checks_itself():
    node = SceneNode("track:0", "track", "A", "", 1)
    with pytest.raises(ValueError, match="two numbers per node"):
        Scene("", "", "force", (node,), (), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="finite"):
        Scene("", "", "force", (node,), (), np.array([[np.nan, 0]]))
    with pytest.raises(ValueError, match="outside the nodes"):
        Scene("", "", "force", (node,), (SceneEdge(0, 1, "interaction"),), np.zeros((1, 2)))


def test_an_empty_title_takes_the_note_along(scene_of):
    scene = scene_of("one")
    assert (scene.with_title("Other").title, scene.with_title("Other").note) == ("Other", "A note")
    assert (scene.with_title("").title, scene.with_title("").note) == ("", "")


def test_tracks_without_a_known_artist(bundle):
    """As interaction data have them: no artist at all."""
    catalog = bundle.catalog
    no_artists = Nodes(catalog.artists.ids[:0], catalog.artists.names[:0])
    by_none = np.full(catalog.num_tracks, -1, dtype=np.int32)
    nobody = Catalog(
        {**catalog.nodes, "artist": no_artists},
        {**catalog.relations, "artist": Relation.single("by", "track", "artist", by_none, 0)},
    )
    bare = replace(
        bundle, catalog=nobody, vectors={**bundle.vectors, "artist": bundle.vectors["artist"][:0]}
    )
    scene = compose.with_beyond(compose.layers(bare, ("track", 30)), bare)
    assert scene.title == "Around Track 30"
    assert {node.type for node in scene.nodes} == {"playlist", "track"}
    assert {edge.kind for edge in scene.edges} == {"interaction"}
    start = next(node for node in scene.nodes if node.role)
    assert start.detail == f"in {start.degree} playlists"
    reasons = compose.reasons(Recommender(bare), [0, 45], n=3)
    found = [node.detail for node in reasons.nodes if node.role == "found"]
    assert len(found) == 3
    assert not any("·" in detail for detail in found)
    assert set(catalogue_map(bare, num_clusters=2).groups) == {"cluster 1", "cluster 2"}


def test_a_name_of_signs_alone_leaves_a_word_in_every_title(bundle, recommender):
    def drawn(scene):
        return drawable(scene.title)

    track, playlist = ("track", 15), ("playlist", 15)
    assert bundle.catalog.track_names[15].as_py() == "🎉🎉"
    scene = compose.reasons(recommender, [15, 1])
    assert scene.title == "Why these go with 🎉🎉 (track) + Track 1"
    assert drawn(scene) == "Why these go with (track) + Track 1"
    scene = compose.reasons(recommender, [0, 1], without=15)
    assert drawn(scene) == "Why these are recommended for (playlist)"
    assert drawn(compose.snowball(bundle, playlist, waves=1)) == "Around (playlist)"
    assert drawn(compose.snowball(bundle, track, waves=1)).startswith("Around (track) by ")
    found = compose.reasons(recommender, [1, 2], n=len(bundle.popularity) - 2).nodes
    (named,) = (node.label for node in found if node.key == "track:15")
    assert named.endswith(". 🎉🎉 (track)")
