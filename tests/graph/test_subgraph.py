"""Subgraphs are connected, within their limits, of the right types, and the same for a seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from segue.data.playlists import TrackLists
from segue.data.relations import Relation
from segue.graph.subgraph import NODE_TYPES, Neighbours, Subgraph, links_between, snowball

# Playlists 0 … 4 over tracks 0 … 6; artists of the tracks: 0 0 1 1 2 2 3.
LISTS = [[0, 1, 2], [0, 1], [1, 2, 3, 4], [5], []]
ARTIST = np.array([0, 0, 1, 1, 2, 2, 3], dtype=np.int32)


def by(artist: np.ndarray, num_artists: int) -> Relation:
    return Relation.single("by", "track", "artist", artist, num_artists)


@pytest.fixture
def small() -> Neighbours:
    return Neighbours(TrackLists.from_lists(LISTS), by(ARTIST, 5))


def nodes(found: Subgraph) -> list[tuple[str, int, int]]:
    """Type, row and wave of each node."""
    kinds = [NODE_TYPES[kind] for kind in found.node_type]
    return list(zip(kinds, found.row.tolist(), found.wave.tolist(), strict=True))


def edges(found: Subgraph) -> set[tuple[str, int, int]]:
    """Kind and rows of each edge."""
    return {
        (kind, int(found.row[one]), int(found.row[other]))
        for kind in ("interaction", "structural")
        for one, other in getattr(found, kind).T
    }


def is_connected(found: Subgraph) -> bool:
    both = np.concatenate([found.interaction, found.structural], axis=1)
    matrix = coo_array((np.ones(both.shape[1]), tuple(both)), shape=(len(found), len(found)))
    return connected_components(matrix, directed=False)[0] == 1


@st.composite
def graphs(draw):
    """A small graph and one of its nodes."""
    num_tracks = draw(st.integers(1, 12))
    track = st.integers(0, num_tracks - 1)
    lists = draw(st.lists(st.lists(track, unique=True, max_size=8), min_size=1, max_size=10))
    num_artists = draw(st.integers(1, 4))
    artist = draw(
        st.lists(st.integers(-1, num_artists - 1), min_size=num_tracks, max_size=num_tracks)
    )
    column = np.array(artist, dtype=np.int32)
    neighbours = Neighbours(TrackLists.from_lists(lists), by(column, num_artists))
    node_type = draw(st.sampled_from(NODE_TYPES))
    return neighbours, (node_type, draw(st.integers(0, neighbours.num_nodes[node_type] - 1)))


@given(graphs(), st.integers(0, 4), st.integers(0, 3), st.none() | st.integers(0, 5))
def test_a_snowball_is_what_it_says(drawn, waves, limit, rng_seed):
    neighbours, start = drawn

    def grow():
        rng = None if rng_seed is None else np.random.default_rng(rng_seed)
        return snowball(neighbours, [start], waves=waves, limit=limit, rng=rng)

    found = grow()
    listed = nodes(found)
    assert nodes(grow()) == listed, "the same for a seed"
    assert is_connected(found)
    assert [node[:2] for node in listed if node[2] == 0] == [start]
    for node_type in NODE_TYPES:
        for wave in range(1, waves + 2):
            count = sum(node[0] == node_type and node[2] == wave for node in listed)
            assert count <= limit
            # The last wave has artists alone: those of the tracks that came last.
            assert count == 0 or wave <= waves or node_type == "artist"
    # Every edge between two of its nodes is there, and none else.
    has = {node[:2] for node in listed}
    expected = {
        ("interaction", p, int(t))
        for p in range(len(neighbours.tracks))
        for t in neighbours.tracks[p]
        if {("playlist", p), ("track", int(t))} <= has
    } | {
        ("structural", t, int(a))
        for t, a in enumerate(neighbours.by.main)
        if {("track", t), ("artist", int(a))} <= has
    }
    assert edges(found) == expected
    # Each node but the first has an edge to the wave before its own.
    wave_of = {node[:2]: node[2] for node in listed}
    ends = {"interaction": ("playlist", "track"), "structural": ("track", "artist")}
    joined = [((ends[k][0], a), (ends[k][1], b)) for k, a, b in expected]
    near = {node: {o if n == node else n for n, o in joined if node in (n, o)} for node in has}
    for node, others in near.items():
        if wave_of[node]:
            assert wave_of[node] - 1 in {wave_of[other] for other in others}


@given(graphs(), st.integers(0, 3))
def test_the_transpose_changes_nothing(drawn, waves):
    neighbours, start = drawn
    plain = snowball(neighbours, [start], waves=waves, limit=3)
    neighbours.keep_transpose()
    kept = snowball(neighbours, [start], waves=waves, limit=3)
    assert nodes(kept) == nodes(plain)
    assert edges(kept) == edges(plain)
    assert kept.degree.tolist() == plain.degree.tolist()


def test_the_best_connected_come_first(small):
    found = snowball(small, [("playlist", 0)], waves=2, limit=2)
    assert nodes(found) == [
        ("playlist", 0, 0),
        ("playlist", 1, 2),  # holds tracks 1 and 0
        ("playlist", 2, 2),  # holds track 1
        ("track", 1, 1),  # in three playlists
        ("track", 0, 1),  # in two, as is track 2, which has the higher row
        ("artist", 0, 2),
    ]
    assert found.degree.tolist() == [3, 2, 4, 3, 2, 2]


def test_popularity_breaks_ties():
    lists = TrackLists.from_lists(LISTS)
    popularity = np.array([1, 1, 9, 1, 1, 1, 1], dtype=np.int64)
    found = snowball(
        Neighbours(lists, by(ARTIST, 5), popularity), [("playlist", 0)], waves=1, limit=1
    )
    assert [node[:2] for node in nodes(found) if node[0] == "track"] == [("track", 2)]


def test_at_random_every_neighbour_has_its_turn(small):
    chosen = {
        nodes(
            snowball(small, [("playlist", 2)], waves=1, limit=1, rng=np.random.default_rng(seed))
        )[1][1]
        for seed in range(60)
    }
    assert chosen == {1, 2, 3, 4}


def test_limits_by_type(small):
    found = snowball(small, [("artist", 0)], waves=2, limit={"track": 5, "playlist": 1})
    assert nodes(found) == [
        ("playlist", 0, 2),
        ("track", 1, 1),
        ("track", 0, 1),
        ("artist", 0, 0),
    ]


@pytest.mark.parametrize("start", [("playlist", 4), ("artist", 4)])
def test_a_node_without_edges_stands_alone(small, start):
    found = snowball(small, [start])
    assert nodes(found) == [(*start, 0)]
    assert found.interaction.shape == found.structural.shape == (2, 0)


def test_several_starts_grow_together(small):
    found = snowball(small, [("playlist", 3), ("track", 0)], waves=1, limit=5)
    assert [node for node in nodes(found) if node[2] == 0] == [("playlist", 3, 0), ("track", 0, 0)]
    assert ("track", 5, 1) in nodes(found)


@pytest.mark.parametrize("wrong", [{"waves": -1}, {"limit": -1}, {"limit": {"track": -2}}])
def test_what_cannot_be_grown(small, wrong):
    with pytest.raises(ValueError, match="at least 0"):
        snowball(small, [("track", 0)], **wrong)
    with pytest.raises(ValueError, match="given twice"):
        snowball(small, [("track", 0), ("track", 0)])


def tie(neighbours, seeds, tracks, weight, **options) -> Subgraph:
    weight = np.array(weight, dtype=np.float64)
    return links_between(neighbours, np.array(seeds), np.array(tracks), weight, **options)


def test_ties_hold_a_seed_and_a_track(small):
    found = tie(small, [0], [2, 3, 6], [[1.0], [1.0], [1.0]])
    assert nodes(found) == [
        ("playlist", 0, 1),
        ("track", 0, 0),
        ("track", 2, 2),
        ("track", 3, 2),
        ("track", 6, 2),
    ]
    assert edges(found) == {("interaction", 0, 0), ("interaction", 0, 2)}


def test_a_common_artist_is_a_tie(small):
    found = tie(small, [0, 2], [1, 3], [[1.0, 1.0], [1.0, 1.0]], limit={"artist": 5})
    assert [node for node in nodes(found) if node[0] != "track"] == [
        ("artist", 0, 1),
        ("artist", 1, 1),
    ]


def test_ties_by_weight_and_length():
    # Playlists 0 and 1 tie the same two; 2 ties another two of more weight, but is long.
    lists = TrackLists.from_lists([[0, 1], [0, 1, 4], [0, 2, *range(5, 40)], [3]])
    neighbours = Neighbours(lists, by(np.arange(40, dtype=np.int32), 40))

    def first(weight, **options):
        found = tie(neighbours, [0], [1, 2], weight, **options)
        return [node[1] for node in nodes(found) if node[0] == "playlist"]

    assert first([[1.0], [1.0]], limit=1) == [0]
    assert first([[1.0], [9.0]], limit=1) == [2]
    # What is tied already counts less, so the third playlist comes before the second.
    assert first([[1.0], [3.0]]) == [0, 2, 1]
    assert first([[1.0], [0.0]]) == [0, 1], "no tie where there is no weight"
    assert first([[1.0], [-2.0]]) == [0, 1]
    assert first([[1.0], [1.0]], without=0) == [1, 2]


def test_a_subgraph_checks_itself():
    one = np.zeros(1, dtype=np.int64)
    none = np.empty((2, 0), dtype=np.int64)
    both = (np.array([0, 0], dtype=np.int8), np.zeros(2, dtype=np.int64))
    with pytest.raises(ValueError, match="differ in length"):
        Subgraph(np.zeros(2, dtype=np.int8), one, one, one, none, none)
    with pytest.raises(ValueError, match="appears twice"):
        Subgraph(*both, both[1], both[1], none, none)
    with pytest.raises(ValueError, match="points outside"):
        Subgraph(np.zeros(1, np.int8), one, one, one, np.array([[0], [1]]), none)
    with pytest.raises(ValueError, match="wrong types"):
        Subgraph(np.zeros(1, np.int8), one, one, one, np.array([[0], [0]]), none)


def test_a_duet_belongs_to_both_artists():
    duet = Relation(
        *("by", "track", "artist"),
        np.array([0, 1, 3, 4]),
        np.array([0, 0, 1, 1], dtype=np.int32),
        num_targets=2,
    )
    neighbours = Neighbours(TrackLists.from_lists([[0, 1], [1, 2]]), duet)
    assert neighbours.of_artists(np.array([0])).tolist() == [0, 1]
    assert neighbours.of_artists(np.array([1])).tolist() == [1, 2]
    found = snowball(neighbours, [("track", 1)], waves=1)
    assert edges(found) >= {("structural", 1, 0), ("structural", 1, 1)}
    tied = links_between(neighbours, np.array([0]), np.array([1]), np.ones((1, 1)))
    assert ("artist", 0, 1) in nodes(tied)
