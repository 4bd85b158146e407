"""How often long work saves what it has."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

# Work in progress is saved this often. What takes long to save is saved less often: for no more
# than this share of the time, unless it is done in a moment.
SAVE_SECONDS = 300.0
_SHARE, _MOMENT = 0.05, 0.5


class Pace:
    """Says when to save, from the time of the last save and how long it took."""

    def __init__(self) -> None:
        self._saved = time.perf_counter()
        self._taken = 0.0

    def due(self, *, finished: bool = False) -> bool:
        """Whether it is time to save; what is finished does not wait for `SAVE_SECONDS`."""
        needed = self._taken / _SHARE if self._taken > _MOMENT else 0.0
        if not finished:
            needed = max(needed, SAVE_SECONDS)
        return time.perf_counter() - self._saved > needed

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Notes how long a save takes."""
        started = time.perf_counter()
        yield
        self._saved = time.perf_counter()
        self._taken = self._saved - started
