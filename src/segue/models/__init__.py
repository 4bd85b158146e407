"""Encoders: graph neural networks that turn a `MessageGraph` into `NodeVectors`.

To add an architecture, write one file here and add one line to `ENCODERS`, which makes it available
on the command line and to the conformance tests. From Python neither is needed: see
`segue.training.train.train`.
"""

from collections.abc import Callable

from segue.errors import InputError
from segue.models.encoder import Encoder
from segue.models.gat import GAT
from segue.models.gcn import GCN
from segue.models.graphsage import GraphSAGE
from segue.models.lightgcn import LightGCN
from segue.models.rgcn import RGCN

ENCODERS: dict[str, Callable[..., Encoder]] = {
    "lightgcn": LightGCN,
    "gcn": GCN,
    "graphsage": GraphSAGE,
    "gat": GAT,
    "rgcn": RGCN,
}
"""Architectures by name."""


def encoder_named(name: str) -> Callable[..., Encoder]:
    """The class of an architecture (InputError if the name is unknown)."""
    if name not in ENCODERS:
        raise InputError(f"model {name!r} is not known, expected {', '.join(ENCODERS)}")
    return ENCODERS[name]
