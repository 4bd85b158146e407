"""`Relation` against plain Python."""

import hashlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import TrackLists
from segue.data.relations import Nodes, Relation

NUM_TARGETS = 6
some_targets = st.lists(st.integers(0, NUM_TARGETS - 1), unique=True, max_size=4)
edges = st.lists(some_targets, max_size=7)


def relation(targets: list[list[int]]) -> Relation:
    lists = TrackLists.from_lists(targets)
    return Relation("by", "track", "artist", lists.offsets, lists.track_index, NUM_TARGETS)


def as_lists(found: Relation) -> list[list[int]]:
    return [found[row].tolist() for row in range(found.num_sources)]


def digest_of(found: Relation) -> str:
    digest = hashlib.sha256()
    found.update_digest(digest)
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("offsets", "targets", "message"),
    [
        ([0, 1], [6], "track by artist points outside the artists"),
        ([0, 1], [-1], "must not be negative"),
        ([0, 2], [1, 1], "repeats"),
        ([0, 2], [1], "rise from 0"),
        ([], [], "not empty"),
    ],
)
def test_refuses(offsets, targets, message):
    with pytest.raises(ValueError, match=message):
        Relation(
            "by", "track", "artist", np.array(offsets, np.int64), np.array(targets, np.int32), 6
        )


@given(edges)
def test_what_it_says_of_its_edges(targets):
    found = relation(targets)
    pairs = [(source, target) for source, row in enumerate(targets) for target in row]
    assert as_lists(found) == targets
    assert (found.num_sources, found.num_edges) == (len(targets), len(pairs))
    assert list(zip(found.source_index.tolist(), found.target_index.tolist(), strict=True)) == pairs
    assert found.main.tolist() == [row[0] if row else -1 for row in targets]
    assert found.is_single == all(len(row) <= 1 for row in targets)
    assert found.source_degree.tolist() == [len(row) for row in targets]
    assert found.target_degree.tolist() == [
        sum(target in row for row in targets) for target in range(NUM_TARGETS)
    ]
    dense = np.zeros((len(targets), NUM_TARGETS))
    for source, target in pairs:
        dense[source, target] = 1
    np.testing.assert_array_equal(found.matrix.toarray(), dense)


@given(edges, some_targets)
def test_sources_of_some_targets(targets, asked):
    found = relation(targets).sources_of(np.array(asked, dtype=np.int64))
    assert found.tolist() == [s for s, row in enumerate(targets) if set(row) & set(asked)]


@given(edges, st.data())
def test_rows_and_joined(targets, data):
    rows = data.draw(
        st.lists(st.integers(0, len(targets) - 1), max_size=5) if targets else st.just([])
    )
    found = relation(targets)
    some = found.rows(np.array(rows, dtype=np.int64))
    assert as_lists(some) == [targets[row] for row in rows]
    assert as_lists(found.joined(some)) == [*targets, *(targets[row] for row in rows)]
    assert as_lists(found.without_edges(3)) == [[], [], []]


@given(edges)
def test_compacted_drops_what_nobody_is_tied_to(targets):
    found, kept = relation(targets).compacted()
    assert kept.tolist() == sorted({target for row in targets for target in row})
    assert found.num_targets == len(kept)
    assert [[int(kept[t]) for t in row] for row in as_lists(found)] == targets


@given(edges)
def test_with_targets_leaves_out_what_is_nowhere(targets):
    row = np.array([2, -1, 0, 1, -1, 3])
    found = relation(targets).with_targets(row, 4)
    assert as_lists(found) == [[int(row[t]) for t in ts if row[t] >= 0] for ts in targets]


@given(edges, edges)
def test_digests_are_equal_where_the_edges_are(ours, theirs):
    equal = digest_of(relation(ours)) == digest_of(relation(theirs))
    assert equal == (ours == theirs)


def test_a_digest_of_several_edges_knows_the_relation():
    duet, solo = relation([[0, 1]]), relation([[0]])
    assert digest_of(duet) != digest_of(replace(duet, name="with"))
    # With one edge each it is that of the column alone, as fingerprints have always been made.
    column = hashlib.sha256(np.array([0], dtype=np.int32).tobytes()).hexdigest()
    assert digest_of(solo) == column


@given(edges)
def test_to_arrow_and_back(targets):
    field, lists = relation(targets).to_arrow()
    found = Relation.from_arrow(field, lists)
    assert found.key == ("track", "by", "artist")
    assert found.num_targets == NUM_TARGETS
    assert as_lists(found) == targets


def test_single_is_a_column():
    found = Relation.single("on", "track", "album", np.array([1, -1, 0], dtype=np.int32), 2)
    assert as_lists(found) == [[1], [], [0]]
    assert found.main.tolist() == [1, -1, 0]
    assert str(found) == "track on album"


def test_nodes():
    nodes = Nodes(pa.array(["a", "b"]), pa.array(["A", "B"]))
    assert nodes.index_of == {"a": 0, "b": 1}
    both = nodes.joined(nodes.take(np.array([1])))
    assert both.ids.to_pylist() == ["a", "b", "b"]
    with pytest.raises(ValueError, match="word ids must be present and all different"):
        both.check("word")
