"""Several processes that train one model: data parallelism.

Each holds the whole model and graph, draws the same batch and passes the same messages; it scores
its own share of the batch's playlists, which is what costs where the catalogue is large. Their
gradients add up to those of the whole batch, so all take the same step, and the vectors are those
of one process but for rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, distributed, nn

from segue.data.playlists import Int64Array
from segue.errors import TrainingError

# Where no more than this share of a gradient's rows differ from 0, only these are sent.
SPARSE_SHARE = 0.5


@dataclass(frozen=True)
class Ranks:
    """This process, and how many train together, joined by `torch.distributed`.

    Attributes
    ----------
    rank
        From 0.
    count
        At least 1.
    """

    rank: int
    count: int

    def share(self, size: int) -> Int64Array:
        """Which of a batch this process scores: int64, ascending.

        Every one of them has to have something; where there is too little, the first scores all
        and the others nothing.
        """
        if size < self.count:
            return np.arange(size if self.rank == 0 else 0)
        return np.arange(self.rank, size, self.count)

    def begin(self, model: nn.Module, position: tuple[int, int]) -> None:
        """Start all with the parameters of rank 0.

        Raises
        ------
        TrainingError
            If they are not at the same epoch and step: they see different checkpoints.
        """
        if self.count == 1:
            return
        device = next(model.parameters()).device
        lowest = torch.tensor(position, device=device)
        highest = lowest.clone()
        distributed.all_reduce(lowest, distributed.ReduceOp.MIN)
        distributed.all_reduce(highest, distributed.ReduceOp.MAX)
        if not torch.equal(lowest, highest):
            raise TrainingError(
                "the processes see different checkpoints: the folder has to be on a file system "
                "that all machines see"
            )
        for parameter in model.parameters():
            distributed.broadcast(parameter.data, src=0)

    def add_up(self, loss: Tensor, model: nn.Module) -> float:
        """Add the gradients of all, in place, and their losses."""
        total = loss.detach()
        if self.count > 1:
            total = total.clone()
            distributed.all_reduce(total)
            for parameter in model.parameters():
                if parameter.grad is not None:
                    _add_up(parameter.grad)
        return float(total)


ALONE = Ranks(0, 1)


def _add_up(grad: Tensor) -> None:
    """Add a gradient of all processes, in place; of a sparse one only the rows that are not 0."""
    if grad.dim() == 2:
        touched = grad.any(dim=1).to(torch.uint8)
        distributed.all_reduce(touched, distributed.ReduceOp.MAX)
        rows = touched.nonzero()[:, 0]
        if len(rows) <= SPARSE_SHARE * len(grad):
            part = grad[rows]
            distributed.all_reduce(part)
            grad[rows] = part
            return
    distributed.all_reduce(grad)
