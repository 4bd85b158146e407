"""Commands under a limit of memory (``ulimit -v``, as batch systems set it).

A library that cannot allocate, or cannot start a thread, may end the process by a signal. Under a
limit, a command therefore runs in a process of its own, and such an end is one sentence.
"""

from __future__ import annotations

import os
import signal
import sys

from segue.console import say
from segue.memory import memory_limit

_CRASHES = {
    getattr(signal, name)
    for name in ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGTRAP")
    if hasattr(signal, name)
}
_PASSED_ON = ("SIGTERM", "SIGHUP")
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG: prctl(2)


def run_apart() -> None:
    """Under a limit of memory, continue in a child; this process waits for it and ends as it does.

    Returns at once where there is no limit, and in the child.
    """
    limit = memory_limit()
    if limit is None or not hasattr(os, "fork"):
        return
    child = os.fork()
    if child == 0:
        _end_with_parent()
        return
    # The terminal sends Ctrl-C to the child, too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _PASSED_ON:
        signal.signal(getattr(signal, name), lambda number, _: os.kill(child, number))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if -code in _CRASHES:
        say(f"segue: {no_memory(limit)}")
        code = 1
    elif code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def no_memory(limit: int | None = None) -> str:
    """What to say if memory is not enough; `limit` in bytes, if there is one."""
    allowed = "" if limit is None else f" within the limit of {limit >> 20:,} MiB (ulimit -v)"
    return f"there is not enough memory for this{allowed}"


def _end_with_parent() -> None:
    """A service must not outlive the process that was started, which alone is known to others."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)
