"""Encoders: graph neural networks that turn a `MessageGraph` into `NodeVectors`.

A further architecture is one file here and one line in `ENCODERS`, which gives it to the command
line and to the conformance tests. From Python it needs neither: see `segue.training.train.train`.
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
"""Architectures by the name under which they are trained."""


def encoder_named(name: str) -> Callable[..., Encoder]:
    """The class of an architecture (InputError if there is none of that name)."""
    if name not in ENCODERS:
        raise InputError(f"model {name!r} is not known, expected {', '.join(ENCODERS)}")
    return ENCODERS[name]
