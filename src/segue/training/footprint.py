"""How much memory training takes: reckoned before anything large is allocated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segue.graph.playlist_graph import PlaylistGraph
from segue.models.encoder import Encoder, MessageGraph
from segue.models.readout import CentroidReadout
from segue.training import losses
from segue.training.config import TrainConfig
from segue.training.objectives import HardNegatives, PooledSoftmax
from segue.training.pairs import SCORED_BYTES
from segue.training.start import memory_of_start
from segue.training.steps import steps_of
from segue.training.train import made_encoder

# Playlists of the sample on which a step is tried.
_SAMPLE = 2000
# Bytes of a pair in a message graph: column, value, and where it stands in the transpose, for both
# directions.
PAIR_BYTES = 2 * (4 + 4 + 4)
# The values of both again, with some hidden.
_HIDDEN_BYTES = 2 * 4
# Bytes of a pair while some are picked: whether it is, and how many are before it.
_PICKED_BYTES = 1 + 1 + 4


@dataclass(frozen=True)
class Footprint:
    """Bytes of memory that training takes.

    Attributes
    ----------
    num_parameters
        Learned numbers.
    parameters
        Parameters, their gradients, Adam's two moments and what it works with, and the parameters
        of the best epoch.
    edges
        The message graph, in both directions.
    step
        What a step keeps for its backward pass, and works with.
    ranking
        What hard negatives are drawn from: the vectors of a ranking and of the one that replaces
        it, and scores in blocks. 0 without hard negatives.
    start
        What finding the spectrum takes before the first step, beside parameters. 0 for a start
        from noise.
    """

    num_parameters: int
    parameters: int
    edges: int
    step: int
    ranking: int = 0
    start: int = 0

    @property
    def total(self) -> int:
        """At the peak: in a step, or before the first."""
        steps = self.parameters + self.edges + self.step + self.ranking
        return max(steps, 4 * self.num_parameters + self.start)


def footprint(
    graph: PlaylistGraph, config: TrainConfig, encoder: Callable[..., Encoder] | None = None
) -> Footprint:
    """Reckon the memory of training, for any encoder.

    Parameters are counted on graphs of a node or two of each kind. What a step keeps is measured on
    a sample of up to 2,000 playlists, and once more on half its pairs and on half its playlists:
    from these follow the bytes of each node, of each edge and of each step.

    Parameters
    ----------
    graph
        The training graph.
    config, encoder
        As for `segue.training.train.train`.
    """
    num_parameters = _num_parameters(graph.num_nodes, config, encoder)
    share = 1.0 if _has_playlists(config, encoder) else config.message_share
    num_nodes, num_edges = _size(graph, config, share)
    kept = _kept(graph, config, share, encoder)
    compared = graph.num_nodes["track"]
    if isinstance(config.objective, PooledSoftmax):
        compared = min(compared, config.objective.pool_size)
    rows = max(losses.LEAST_ROWS, losses.BLOCK_BYTES // (4 * compared))
    block = 4 * compared * min(rows, config.batch_size)
    # The vectors of each layer are summed up, made unit, and have gradients on the way back.
    vectors = 4 * config.dim * num_nodes
    return Footprint(
        num_parameters,
        6 * 4 * num_parameters,
        PAIR_BYTES * num_edges + _of_a_step(config, num_edges),
        kept + 3 * vectors + block,
        _ranking(graph, config),
        memory_of_start(graph, config.dim) if config.start == "spectrum" else 0,
    )


def _of_a_step(config: TrainConfig, num_edges: int) -> int:
    """Edges that a step hears, some hidden; and what it takes to pick those of some playlists."""
    if config.message_share == 1:
        return _HIDDEN_BYTES * num_edges
    of_heard = config.message_share * (PAIR_BYTES + _HIDDEN_BYTES)
    return round((_PICKED_BYTES + of_heard) * num_edges)


def _ranking(graph: PlaylistGraph, config: TrainConfig) -> int:
    if not isinstance(getattr(config.objective, "negatives", None), HardNegatives):
        return 0
    of_playlist = 4 * config.dim + 4 + 8  # its query, threshold and number of tracks above it
    vectors = of_playlist * len(graph.playlists) + 4 * config.dim * graph.num_nodes["track"]
    # The scores, as they come and as they are compared, or at least one row of them.
    scores = max(SCORED_BYTES, 4 * graph.num_nodes["track"])
    return 2 * vectors + 3 * scores


def _num_parameters(
    num_nodes: dict[str, int], config: TrainConfig, make: Callable[..., Encoder] | None
) -> int:
    """The number of parameters, which grows evenly with the nodes of each kind."""

    def count(counts: dict[str, int]) -> int:
        model = made_encoder(counts, config, make)
        readout = CentroidReadout(counts["track"], counts.get("word", 0))
        return sum(p.numel() for part in (model, readout) for p in part.parameters())

    ones = dict.fromkeys(num_nodes, 1)
    first = count(ones)
    return first + sum(
        (count({**ones, kind: 2}) - first) * (number - 1) for kind, number in num_nodes.items()
    )


def _has_playlists(config: TrainConfig, make: Callable[..., Encoder] | None) -> bool:
    """Whether playlists have vectors of their own, so that a step holds all of them."""
    ones = dict.fromkeys(("playlist", "track", *config.relations), 1)
    return "playlist" in made_encoder(ones, config, make).initial_vectors()


def _size(graph: PlaylistGraph, config: TrainConfig, share: float) -> tuple[int, int]:
    """Nodes that take part in the messages of a step, with a share of playlists, and all edges."""
    kinds = ("track", *config.relations)
    edges = sum(graph.relation(kind).num_edges for kind in config.relations)
    return (
        round(share * len(graph.playlists)) + sum(graph.num_nodes[kind] for kind in kinds),
        graph.playlists.tracks.num_pairs + edges,
    )


def _kept(
    graph: PlaylistGraph,
    config: TrainConfig,
    share: float,
    make: Callable[..., Encoder] | None,
) -> int:
    """Bytes that a step keeps for its backward pass."""
    tracks = graph.playlists.tracks
    eligible = np.flatnonzero(tracks.lengths >= 2)
    if len(eligible) <= _SAMPLE:
        return _kept_by_step(graph, config, make)
    rows = eligible[np.linspace(0, len(eligible) - 1, _SAMPLE).astype(np.int64)]
    some = _of_rows(graph, rows)
    pairs = np.ones(some.playlists.tracks.num_pairs, dtype=bool)
    # Two tracks of each playlist at least, so that one can be hidden.
    pairs[(some.playlists.tracks.positions() >= 2) & (np.arange(len(pairs)) % 2 == 0)] = False
    samples = (
        some,
        some.with_tracks(some.playlists.tracks.keep(pairs)),
        _of_rows(graph, rows[::2]),
    )
    sizes = np.array([[*_size(each, config, share), 1] for each in samples], dtype=np.float64)
    found = np.array([_kept_by_step(each, config, make) for each in samples], dtype=np.float64)
    of_node, of_edge, of_step = np.maximum(np.linalg.lstsq(sizes, found, rcond=None)[0], 0)
    num_nodes, num_edges = _size(graph, config, share)
    # What attention keeps of each edge has a gradient as large on the way back.
    return int(of_node * num_nodes + 2 * of_edge * num_edges + of_step)


def _of_rows(graph: PlaylistGraph, rows: Any) -> PlaylistGraph:
    """Some playlists and their tracks."""
    playlists = graph.playlists.rows(rows)
    return PlaylistGraph(playlists, graph.catalog).k_core(1)


def _kept_by_step(
    graph: PlaylistGraph, config: TrainConfig, make: Callable[..., Encoder] | None
) -> int:
    """Bytes of the tensors that one step keeps for its backward pass, each once."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    message_graph = MessageGraph.from_graph(graph, config.relations)
    steps = steps_of(config, graph, message_graph)
    encoder = made_encoder(graph.num_nodes, config, make).train()
    num_words = graph.num_nodes["word"] if "word" in config.relations else 0
    readout = CentroidReadout(graph.num_nodes["track"], num_words)
    steps.begin(encoder, readout, 0, 1)
    own = {p.untyped_storage().data_ptr() for p in (*encoder.parameters(), *readout.parameters())}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        steps.loss(encoder, readout, 0, 0)
    return sum(size for at, size in kept.items() if at not in own)
