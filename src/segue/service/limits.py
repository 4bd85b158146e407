"""How much a service takes upon itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


def available_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def default_threads(workers: int = 1) -> int:
    """A thread for each core that a worker has to itself, but four at most."""
    return min(4, max(1, available_cores() // workers))


@dataclass(frozen=True)
class Limits:
    """How much one process takes upon itself.

    Attributes
    ----------
    threads
        Requests that are worked on at once.
    max_requests
        Requests that are worked on or wait; more are refused.
    max_body
        Of a request, in bytes.
    """

    threads: int = field(default_factory=default_threads)
    max_requests: int = 32
    max_body: int = 1 << 20
