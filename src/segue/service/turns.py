"""The interpreter's time, shared between what arrives and what is being answered.

Questions are answered in threads, while the event loop reads requests and writes answers. Only one
of them has Python's interpreter at a time, and the loop gets it back at once: a thread that waits
for it is told when the loop lets go of it, at each read and write, but wakes too late to get it if
there is more to read. So a flood of requests that are refused, which cost the loop little each,
would make each answer take several times as long. The loop keeps from that by its own choice:
while a question is being answered, it waits at an arrival if it has taken more than its share.
"""

from __future__ import annotations

import time

from segue.service.work import Work

# Of a processor's time, while a question is being answered.
_SHARE = 0.2
# Seconds of processor time that it may take at once.
_AT_ONCE = 5e-4
# Seconds that it waits at most at one arrival.
_LONGEST = 5e-3


class Turns:
    """Makes the event loop wait where it has taken more than its share.

    Parameters
    ----------
    work
        Its threads are waited for.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._owed, self._taken, self._now = 0.0, time.thread_time(), time.monotonic()

    def arrive(self) -> None:
        """Called by the event loop when somebody connects or says something."""
        taken, now = time.thread_time(), time.monotonic()
        owed = self._owed + taken - self._taken - _SHARE * (now - self._now)
        self._owed = min(max(owed, 0.0), _AT_ONCE + _SHARE * _LONGEST)
        self._taken, self._now = taken, now
        if self._owed > _AT_ONCE:
            self._work.wait((self._owed - _AT_ONCE) / _SHARE)
