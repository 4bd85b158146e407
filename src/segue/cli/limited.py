"""Commands under a limit of memory (``ulimit -v``, as batch systems set it).

A library that cannot allocate, or cannot start a thread, may end the process by a signal. Under a
limit, a command therefore runs in a process of its own, and such an end is one sentence.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from segue.console import say
from segue.errors import ResourceError
from segue.memory import memory_limit

_CRASHES = {
    getattr(signal, name)
    for name in ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGTRAP")
    if hasattr(signal, name)
}
# Set in the environment of the child.
_IN_CHILD = "SEGUE_UNDER_LIMIT"
_MIB = 1 << 20
# Address space in MiB that a command's libraries take with one thread before it has read anything,
# measured on small data and rounded up.
_FLOOR = 800
_FLOORS = dict.fromkeys(("train", "compare", "demo"), 2000)
# Below this, in MiB, one thread: each takes stacks, buffers and an arena of the heap.
_ONE_THREAD = 4096
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# Rows of a matrix for whose products OpenBLAS takes a buffer.
_SQUARE = 512
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG: prctl(2)


def run_apart(command: str | None) -> None:
    """Under a limit of memory, run this program in a child, and end as that does.

    Returns at once if there is no limit, and in the child.

    Raises
    ------
    ResourceError
        If not even the libraries of a command fit.
    """
    limit = memory_limit()
    if limit is None:
        return
    if os.environ.pop(_IN_CHILD, None):
        _end_with_parent()
        if command is not None:
            _take_buffers(command)
        return
    needed = 0 if command is None else _FLOORS.get(command, _FLOOR)
    if limit < needed * _MIB:
        raise ResourceError(
            f"segue {command} needs {needed:,} MiB of memory before it has read anything, and "
            f"the limit here is {limit // _MIB:,} MiB (ulimit -v)"
        )
    environment = {**os.environ, _IN_CHILD: "1"}
    if limit < _ONE_THREAD * _MIB:
        environment = {**dict.fromkeys(_THREADS, "1"), **environment}
    child = subprocess.Popen([sys.executable, *sys.orig_argv[1:]], env=environment)
    # The terminal sends Ctrl-C to the child, too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: child.send_signal(number))
    code = child.wait()
    if -code in _CRASHES:
        say(f"segue: {no_memory(limit)}")
        code = 1
    elif code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _take_buffers(command: str) -> None:
    """Have OpenBLAS take its buffers while there is room for them.

    It takes one when it is loaded and one at the first product of matrices, 32 MiB each; if it gets
    none, it tries again for ever. NumPy, SciPy and FAISS each bring an OpenBLAS of their own.
    """
    import numpy as np
    from scipy.linalg.blas import sgemm

    square = np.ones((_SQUARE, _SQUARE), dtype=np.float32)
    square @ square
    sgemm(1.0, square, square)
    if command == "index":
        with suppress(ImportError):  # the command says what is missing
            import faiss

            faiss.pairwise_distances(square, square)


def no_memory(limit: int | None = None) -> str:
    """What to say if memory is not enough; `limit` in bytes, if there is one."""
    allowed = "" if limit is None else f" within the limit of {limit // _MIB:,} MiB (ulimit -v)"
    return f"there is not enough memory for this{allowed}"


def _end_with_parent() -> None:
    """A service must not outlive the process that was started, which alone is known to others."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)
