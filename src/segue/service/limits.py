"""Limits on the load of a service."""

from __future__ import annotations

from dataclasses import dataclass, field

from segue.machine import available_cores


def default_threads(workers: int = 1) -> int:
    """One thread per core that a worker has to itself, but at most four."""
    return min(4, max(1, available_cores() // workers))


@dataclass(frozen=True)
class Limits:
    """Limits on the load of one process.

    Attributes
    ----------
    threads
        Requests processed at a time.
    max_requests
        Requests processed or waiting; further ones are refused.
    max_body
        Maximum size of a request body, in bytes.
    max_upload
        The same for files that are to be read.
    """

    threads: int = field(default_factory=default_threads)
    max_requests: int = 32
    max_body: int = 1 << 20
    max_upload: int = 16 << 20
