"""Sampled neighbourhoods: a few of each node's neighbours in each training step."""

from __future__ import annotations

import torch

from segue.errors import InputError
from segue.models.encoder import MessageGraph
from segue.models.sparse import SparseMatrix


def check_fanout(fanout: int | None) -> None:
    """Raise InputError for a number of neighbours below 1; None means all."""
    if fanout is not None and fanout < 1:
        raise InputError(f"fanout is {fanout}, expected 1 or more, or none")


def neighbourhoods(
    message_graph: MessageGraph, fanout: int | None
) -> tuple[dict[str, SparseMatrix], dict[str, SparseMatrix]]:
    """The neighbours that send messages to each node.

    Parameters
    ----------
    message_graph
    fanout
        Maximum number of a node's neighbours that send messages, per relation and direction, drawn
        by `sampled`; None for all.

    Returns
    -------
    hear : dict of SparseMatrix [num_nodes, num_sources]
        Messages to playlists from tracks, and to structural nodes from tracks or playlists, by the
        kind that receives them.
    tell : dict of SparseMatrix [num_sources, num_nodes]
        The opposite direction: messages that they send.
    """
    contains, structural = message_graph.contains, message_graph.structural
    hear = {"playlist": contains, **{n: edges.transpose() for n, edges in structural.items()}}
    tell = {"playlist": contains.transpose(), **structural}
    if fanout is None:
        return hear, tell
    drawn = {kind: sampled(edges, fanout) for kind, edges in hear.items()}
    # With one artist and one album there is nothing to sample.
    several = {kind: edges for kind, edges in tell.items() if (edges.offsets.diff() > fanout).any()}
    return drawn, {**tell, **{kind: sampled(edges, fanout) for kind, edges in several.items()}}


def sampled(matrix: SparseMatrix, fanout: int) -> SparseMatrix:
    """At most this many entries of each row that are not at zero, and none that are.

    Drawn without replacement from torch's own generator, all choices of a row equally likely: the
    first steps of a shuffle (R. Durstenfeld: "Algorithm 235: Random permutation", CACM 1964), taken
    in all rows at once. Rows with no more than that stay whole. The draw depends only on the
    nonzero entries.

    Parameters
    ----------
    matrix : SparseMatrix [num_rows, num_cols]
    fanout
        1 or more.

    Returns
    -------
    SparseMatrix [num_rows, num_cols]
        The entries drawn, with their values.
    """
    visible = matrix.value != 0
    device = visible.device
    (entry,) = visible.nonzero(as_tuple=True)
    before = torch.zeros(len(visible) + 1, dtype=torch.int32, device=device)
    torch.cumsum(visible, 0, dtype=torch.int32, out=before[1:])
    first = before.index_select(0, matrix.offsets).long()
    length = first.diff()
    (long,) = (length > fanout).nonzero(as_tuple=True)
    start, left = first[long], length[long]
    # Doubles: integers up to any row length are equally likely.
    draws = torch.rand(fanout, len(long), dtype=torch.float64, device=device)
    for place, draw in enumerate(draws):
        here = start + place
        there = here + (draw * (left - place)).long()
        drawn = entry[there]
        entry[there] = entry[here]
        entry[here] = drawn
    count = length.clamp(max=fanout)
    ends = count.cumsum(0)
    drawn = torch.arange(int(ends[-1]) if len(ends) else 0, device=device)
    drawn += torch.repeat_interleave(first[:-1] - (ends - count), count)
    return matrix.of_entries(entry[drawn], count)
