"""Encoders: graph neural networks that turn a `MessageGraph` into `NodeVectors`.

A further architecture is one file here and one line in `ENCODERS`, which gives it to the command
line and to the conformance tests. From Python it needs neither: see `segue.training.train.train`.
"""

from segue.errors import InputError
from segue.models.lightgcn import LightGCN

ENCODERS = {"lightgcn": LightGCN}


def encoder_named(name: str) -> type[LightGCN]:
    """The class of an architecture (InputError if there is none of that name)."""
    if name not in ENCODERS:
        raise InputError(f"model {name!r} is not known, expected {', '.join(ENCODERS)}")
    return ENCODERS[name]
