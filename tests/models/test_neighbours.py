"""Sampled neighbourhoods: what may be drawn, how often, and what training makes of it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import InputError
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.models import ENCODERS
from segue.models.encoder import MessageGraph
from segue.models.neighbours import neighbourhoods, sampled
from segue.models.sparse import SparseMatrix
from segue.training.config import TrainConfig
from segue.training.train import train

FANOUT = 3

Make = Callable[..., torch.nn.Module]


@pytest.fixture(params=["graphsage", "gat"])
def make(request: pytest.FixtureRequest, planted_graph: PlaylistGraph) -> Make:
    def make(**options: Any) -> torch.nn.Module:
        options = {"dim": 8, "num_layers": 2, "initial_std": 0.5} | options
        rng = np.random.default_rng(3)
        relations = ("artist", "album")
        return ENCODERS[request.param](planted_graph.num_nodes, relations, **options, rng=rng)

    return make


@pytest.fixture
def seen(planted_graph: PlaylistGraph) -> MessageGraph:
    """With two of five pairs hidden."""
    num_pairs = planted_graph.playlists.tracks.num_pairs
    hidden = np.flatnonzero(np.random.default_rng(0).random(num_pairs) < 0.4)
    graph = MessageGraph.from_graph(planted_graph, ("artist", "album"))
    return graph.hide(torch.from_numpy(hidden))


def entries(matrix: SparseMatrix) -> list[tuple[int, int, float]]:
    """(row, column, value) of every entry, sorted; both directions must agree."""
    columns = zip(matrix.row().tolist(), matrix.column.tolist(), matrix.value.tolist(), strict=True)
    found = sorted(columns)
    other = matrix.transpose()
    turned = zip(other.row().tolist(), other.column.tolist(), other.value.tolist(), strict=True)
    assert sorted((row, column, value) for column, row, value in turned) == found
    return found


def counts(matrix: SparseMatrix) -> list[int]:
    visible = matrix.row()[matrix.value != 0]
    return torch.bincount(visible, minlength=matrix.shape[0]).tolist()


@given(
    st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.5]), max_size=7), min_size=1, max_size=6),
    st.integers(1, 8),
    st.integers(0, 99),
)
def test_at_most_so_many_entries_of_a_row_and_none_at_zero(
    rows: list[list[float]], fanout: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    column = [rng.permutation(7)[: len(row)] for row in rows]
    matrix = SparseMatrix.from_csr(
        np.cumsum([0, *map(len, rows)]),
        np.concatenate(column).astype(np.int32),
        np.array([value for row in rows for value in row], dtype=np.float32),
        7,
    )
    torch.manual_seed(seed)
    drawn = sampled(matrix, fanout)
    assert drawn.shape == matrix.shape
    visible = [entry for entry in entries(matrix) if entry[2]]
    found = entries(drawn)
    assert len(set(found)) == len(found), "each once"
    assert set(found) <= set(visible)
    assert counts(drawn) == [min(fanout, count) for count in counts(matrix)]
    # What is drawn is a matrix like any other.
    order = torch.arange(len(found), dtype=torch.int32)
    torch.testing.assert_close(drawn.place[drawn.transposed_place], order)
    for offsets in (drawn.offsets, drawn.column, drawn.transposed_offsets, drawn.transposed_column):
        assert offsets.dtype == torch.int32
    vectors = torch.from_numpy(rng.integers(-4, 5, (7, 2)).astype(np.float32))
    dense = torch.zeros(matrix.shape)
    for row, place, value in found:
        dense[row, place] = value
    torch.testing.assert_close(drawn @ vectors, dense @ vectors)
    torch.testing.assert_close(
        drawn.transposed_matmul(dense @ vectors), dense.T @ (dense @ vectors)
    )


def test_all_choices_are_equally_likely() -> None:
    """In 12,000 rows of five entries, of which the third is hidden, two are drawn of four."""
    num_rows = 12_000
    value = np.tile(np.array([1, 1, 0, 1, 1], dtype=np.float32), num_rows)
    column = np.tile(np.arange(5, dtype=np.int32), num_rows)
    matrix = SparseMatrix.from_csr(np.arange(num_rows + 1) * 5, column, value, 5)
    torch.manual_seed(0)
    pairs = sampled(matrix, 2).column.view(num_rows, 2).sort(dim=1).values
    choices, times = pairs.unique(dim=0, return_counts=True)
    assert choices.tolist() == [[0, 1], [0, 3], [0, 4], [1, 3], [1, 4], [3, 4]]
    # 2,000 each, with a standard deviation of 41.
    assert (times - 2000).abs().max() < 200


def test_neighbourhoods_without_a_limit_are_the_graph(seen: MessageGraph) -> None:
    hear, tell = neighbourhoods(seen, None)
    assert list(hear) == list(tell) == ["playlist", "artist", "album"]
    assert hear["playlist"] is seen.contains
    assert entries(tell["playlist"]) == entries(seen.contains.transpose())
    for kind, edges in seen.structural.items():
        assert tell[kind] is edges
        assert entries(hear[kind]) == entries(edges.transpose())


def test_of_several_words_some_are_drawn(tied_graph: PlaylistGraph) -> None:
    graph = MessageGraph.from_graph(tied_graph, ("artist", "word"))
    _, tell = neighbourhoods(graph, 2)
    expected = [min(2, count) for count in counts(graph.structural["word"])]
    assert max(counts(graph.structural["word"])) == 4
    assert counts(tell["word"]) == expected
    assert tell["artist"] is graph.structural["artist"], "of two artists none is left out"


def test_neighbourhoods_are_drawn_in_each_relation_and_direction(seen: MessageGraph) -> None:
    whole_hear, whole_tell = neighbourhoods(seen, None)
    torch.manual_seed(0)
    hear, tell = neighbourhoods(seen, FANOUT)
    for drawn, whole in ((hear, whole_hear), (tell, whole_tell)):
        for kind, edges in drawn.items():
            expected = [min(FANOUT, count) for count in counts(whole[kind])]
            assert counts(edges) == expected, kind
            assert max(counts(whole[kind])) > FANOUT or kind in seen.structural
            assert set(entries(edges)) <= {entry for entry in entries(whole[kind]) if entry[2]}
    # The two directions of a relation are drawn apart.
    assert entries(hear["playlist"]) != entries(tell["playlist"].transpose())


def test_training_draws_anew_in_each_pass(make: Make, seen: MessageGraph) -> None:
    encoder = make(fanout=FANOUT).train()
    torch.manual_seed(0)
    first, second = encoder(seen)["track"], encoder(seen)["track"]
    torch.manual_seed(0)
    assert torch.equal(encoder(seen)["track"], first), "from torch's own generator"
    assert (first - second).abs().max() > 1e-2
    whole = make().train()(seen)["track"]
    assert (first - whole).abs().max() > 1e-2


def test_evaluation_hears_all_neighbours(make: Make, seen: MessageGraph) -> None:
    sampling, whole = make(fanout=FANOUT).eval()(seen), make().eval()(seen)
    for kind in ("track", "artist", "album"):
        assert torch.equal(sampling[kind], whole[kind])


def test_where_there_are_no_more_neighbours_nothing_changes(make: Make, seen: MessageGraph) -> None:
    sampling, whole = make(fanout=10_000).train()(seen), make().train()(seen)
    torch.testing.assert_close(sampling["track"], whole["track"], rtol=0, atol=1e-6)


def test_hidden_pairs_are_never_drawn(make: Make, planted_graph: PlaylistGraph) -> None:
    """A playlist that is hidden as a whole gets no gradient of anything: nobody hears it."""
    encoder = make(fanout=FANOUT, playlist_vectors=True, num_layers=1).train()
    offsets = planted_graph.playlists.tracks.offsets
    hidden = torch.arange(int(offsets[5]), int(offsets[6]))
    graph = MessageGraph.from_graph(planted_graph, ("artist", "album"))
    heard = torch.zeros(len(planted_graph.playlists), dtype=torch.bool)
    for _ in range(12):
        encoder.zero_grad()
        encoder(graph.hide(hidden))["track"].square().sum().backward()
        grad = encoder.playlist.grad.abs().sum(dim=1)
        assert grad[5] == 0
        heard |= grad > 0
    assert heard.sum() == len(heard) - 1, "all others are, now and then"


@pytest.mark.parametrize("fanout", [0, -1])
def test_a_fanout_below_one_is_refused(make: Make, fanout: int) -> None:
    with pytest.raises(InputError, match=f"fanout is {fanout}, expected 1 or more, or none"):
        make(fanout=fanout)


@pytest.mark.parametrize("name", ["graphsage", "gat"])
def test_sampled_training_is_determined_and_learns(
    planted_graph: PlaylistGraph, name: str, tmp_path: Path
) -> None:
    split = split_graph(planted_graph, SplitRecipe(rng_seed=1))
    config = TrainConfig(model=name, dim=16, epochs=6, batch_size=64, learning_rate=0.02)
    results = []
    for run in "ab":
        folder = tmp_path / run
        folder.mkdir()
        torch.manual_seed(ord(run))  # means nothing: each step has a seed of its own
        encoder = partial(ENCODERS[name], fanout=FANOUT)
        results.append(
            train(split.train, None, config, folder=folder, identity="planted", encoder=encoder)
        )
    first, second = results
    np.testing.assert_array_equal(first.track_vectors, second.track_vectors)
    cosine = first.track_vectors @ first.track_vectors.T
    np.fill_diagonal(cosine, -1)
    same = np.argsort(-cosine, axis=1)[:, :10] // 40 == np.arange(160)[:, None] // 40
    assert same.mean() > 0.8
