"""LightGCN on typed relations."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from segue.models.encoder import MessageGraph, NodeVectors


class LightGCN(nn.Module):
    """LightGCN: propagation without weights or nonlinearity, layers summed.

    X. He, K. Deng, X. Wang, Y. Li, Y. Zhang, M. Wang: "LightGCN: Simplifying and Powering Graph
    Convolution Network for Recommendation", SIGIR 2020, equations 3 to 8, with two changes.
    A playlist has no parameters: its state is the normalised sum of its visible tracks,

        h_p(l) = Σ_t h_t(l) / √(deg_p · deg_t)

    and a structural relation r comes in with one learned weight s_r,

        h_t(l+1) = Σ_p h_p(l) / √(deg_t · deg_p) + Σ_r s_r Σ_a h_a(l) / √(deg_t · deg_a)
        h_a(l+1) = s_r Σ_t h_t(l) / √(deg_a · deg_t)

    The result of a node is Σ_l h(l), l = 0 … num_layers: a sum in place of the paper's mean,
    which differs by a factor that the unit length of the readout takes out.

    Parameters
    ----------
    num_nodes
        Number of nodes by type.
    relations
        The structural relations that the graph has.
    dim
        Length of a vector.
    num_layers
        How many times messages are passed.
    initial_std
        Standard deviation of the initial vectors.
    relation_weight
        Initial s_r.
    rng
        Draws the initial vectors.
    """

    def __init__(
        self,
        num_nodes: dict[str, int],
        relations: tuple[str, ...],
        *,
        dim: int,
        num_layers: int,
        initial_std: float,
        relation_weight: float = 0.5,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.num_layers = num_layers

        def initial(count: int) -> nn.Parameter:
            # Drawn by NumPy: the same on every device and in every version of torch.
            values = rng.standard_normal((count, dim), dtype=np.float32) * np.float32(initial_std)
            return nn.Parameter(torch.from_numpy(values))

        self.track = initial(num_nodes["track"])
        self.structural = nn.ParameterDict({name: initial(num_nodes[name]) for name in relations})
        self.relation_weight = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(relation_weight)) for name in relations}
        )

    def forward(self, message_graph: MessageGraph) -> NodeVectors:
        """Vectors of tracks and of the structural nodes."""
        track: Tensor = self.track
        nodes: dict[str, Tensor] = dict(self.structural.items())
        track_sum, node_sum = track, dict(nodes)
        for _ in range(self.num_layers):
            message = message_graph.contains.transposed_matmul(message_graph.contains @ track)
            received = {}
            for name, state in nodes.items():
                weight, edges = self.relation_weight[name], message_graph.structural[name]
                message = message + weight * (edges @ state)
                received[name] = weight * edges.transposed_matmul(track)
            track, nodes = message, received
            track_sum = track_sum + track
            node_sum = {name: node_sum[name] + state for name, state in nodes.items()}
        return NodeVectors(track_sum, node_sum.get("artist"), node_sum.get("album"))
