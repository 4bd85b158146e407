"""Encoders: graph neural networks that turn a `MessageGraph` into `NodeVectors`.

A further architecture is one file here and one line in `ENCODERS`, which gives it to the command
line and to the conformance tests.
"""

from segue.models.lightgcn import LightGCN

ENCODERS = {"lightgcn": LightGCN}
