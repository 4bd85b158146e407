"""Which edges carry the messages of a step, and the triples that one draws."""

import numpy as np
import pytest
import torch
from torch import nn

from segue.data.playlists import TrackLists
from segue.errors import TrainingError
from segue.graph.playlist_graph import PlaylistGraph
from segue.models.encoder import Encoder, MessageGraph, NodeVectors
from segue.models.readout import CentroidReadout
from segue.training.config import TrainConfig
from segue.training.draws import FOR_HIDING, FOR_ORDER, generator
from segue.training.hiding import hide
from segue.training.losses import catalogue_softmax
from segue.training.objectives import CatalogueSoftmax, Triples
from segue.training.steps import HiddenTrackSteps, TripleSteps, steps_of

SHARE = CatalogueSoftmax.hidden_share


class Watching(Encoder):
    """Gives vectors that are the same in every step, and keeps the graph that it was given."""

    def __init__(self, num_nodes: dict[str, int]) -> None:
        super().__init__()
        rng = np.random.default_rng(3)
        self.track, self.playlist = (
            torch.from_numpy(rng.standard_normal((num_nodes[kind], 4), dtype=np.float32))
            for kind in ("track", "playlist")
        )

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        self.seen = message_graph.contains
        artist = torch.zeros(message_graph.num_nodes["artist"], 4)
        return {"track": self.track, "playlist": self.playlist, "artist": artist}


@pytest.mark.parametrize("hide_targets", [True, False])
def test_only_hidden_targets_carry_no_message(
    planted_graph: PlaylistGraph, hide_targets: bool
) -> None:
    """What is predicted is the same in both; only the edges that messages pass along differ."""
    tracks = planted_graph.playlists.tracks
    objective = CatalogueSoftmax(hide_targets=hide_targets)
    config = TrainConfig(objective=objective, readout="node", batch_size=50)
    message_graph = MessageGraph.from_graph(planted_graph)
    drawing = HiddenTrackSteps(planted_graph, message_graph, config)
    encoder, readout = Watching(message_graph.num_nodes), CentroidReadout(len(tracks))
    drawing.begin(encoder, readout, 0, 1)
    loss = drawing.loss(encoder, readout, 0, 1)

    order = generator(config.rng_seed, FOR_ORDER).permutation(drawing.eligible)
    rows, rng = np.sort(order[50:100]), generator(config.rng_seed, FOR_HIDING, 0, 1)
    hidden_pairs, visible, hidden = hide(tracks, rows, SHARE, objective.few_share, rng)
    carries = np.ones(tracks.num_pairs, dtype=bool)
    carries[hidden_pairs] = not hide_targets
    np.testing.assert_array_equal(encoder.seen.value.numpy() != 0, carries)
    expected = catalogue_softmax(
        nn.functional.normalize(encoder.playlist[rows]),
        nn.functional.normalize(encoder.track),
        visible,
        hidden,
        temperature=objective.temperature,
        playlist_weight=torch.from_numpy(hidden.lengths).float().sqrt(),
    )
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("objective", [CatalogueSoftmax(), Triples()])
def test_a_step_passes_the_messages_of_some_playlists(planted_graph, objective) -> None:
    """Drawn anew in each step, the same for the same seed, whoever is in the batch."""
    config = TrainConfig(objective=objective, readout="node", batch_size=50, message_share=0.25)
    message_graph = MessageGraph.from_graph(planted_graph)
    steps = steps_of(config, planted_graph, message_graph)
    encoder = Watching(message_graph.num_nodes)
    readout = CentroidReadout(160)
    steps.begin(encoder, readout, 0, 1)
    heard = []
    for step in (0, 1, 0):
        steps.loss(encoder, readout, 0, step)
        heard.append(np.flatnonzero(encoder.seen.offsets.diff().numpy()))
    np.testing.assert_array_equal(heard[0], heard[2])
    assert not np.array_equal(heard[0], heard[1])
    assert 40 <= len(heard[0]) <= 80


# --- triples ------------------------------------------------------------------------------------


NO_VECTORS = torch.empty(0)  # random negatives look at none


def triples_of(graph: PlaylistGraph, batch_size: int) -> TripleSteps:
    config = TrainConfig(objective=Triples(), readout="node", batch_size=batch_size)
    return TripleSteps(graph, MessageGraph.from_graph(graph), config)


def test_triples_hold_a_track_of_the_playlist_and_one_that_it_lacks(
    planted_graph: PlaylistGraph,
) -> None:
    drawing, tracks = triples_of(planted_graph, 1000), planted_graph.playlists.tracks
    assert drawing.num_steps == -(-tracks.num_pairs // 1000)
    for step in range(drawing.num_steps):
        rows, positive, negative = drawing.draw(NO_VECTORS, NO_VECTORS, 0, step)
        left = tracks.num_pairs - 1000 * step
        assert len(rows) == len(positive) == len(negative) == min(1000, left)
        for row, held, lacked in zip(rows, positive, negative, strict=True):
            assert held in tracks[row]
            assert lacked not in tracks[row]


def test_playlists_are_drawn_evenly_however_long(small_graph: PlaylistGraph) -> None:
    """Of 1, 4 and no tracks, and one that holds them all: the first two alone can be drawn."""
    lists = TrackLists.from_lists([[2], [0, 1, 2, 5], [], [0, 1, 2, 3, 4, 5]])
    drawing = triples_of(small_graph.with_tracks(lists), 8)
    drawn = [drawing.draw(NO_VECTORS, NO_VECTORS, epoch, 0) for epoch in range(1000)]
    rows, positive, _ = (np.concatenate(part) for part in zip(*drawn, strict=True))
    counts = np.bincount(rows, minlength=4)
    assert counts[2] == counts[3] == 0
    # 4,000 expected of each; 200 are more than four standard deviations.
    assert abs(counts[0] - 4000) < 200
    of_second = np.bincount(positive[rows == 1], minlength=6)
    assert np.abs(of_second[[0, 1, 2, 5]] - counts[1] / 4).max() < 130
    assert of_second[[3, 4]].tolist() == [0, 0]


def test_every_step_draws_its_own_triples(planted_graph: PlaylistGraph) -> None:
    drawing = triples_of(planted_graph, 500)
    first, again = (
        drawing.draw(NO_VECTORS, NO_VECTORS, 0, 1),
        drawing.draw(NO_VECTORS, NO_VECTORS, 0, 1),
    )
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    for elsewhere in (
        drawing.draw(NO_VECTORS, NO_VECTORS, 0, 2),
        drawing.draw(NO_VECTORS, NO_VECTORS, 1, 1),
    ):
        assert not np.array_equal(first[0], elsewhere[0])


def test_nothing_to_draw(small_graph: PlaylistGraph) -> None:
    full = small_graph.with_tracks(TrackLists.from_lists([[0, 1, 2, 3, 4, 5], [], [], []]))
    with pytest.raises(TrainingError, match="no playlist has both a track and one that it"):
        triples_of(full, 4)
