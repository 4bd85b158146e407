"""Cells in processes of their own, so that each has its own peak of memory and can be stopped."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from segue.compare.cells import OutOfTimeError, Terms, Watch, measure_cell
from segue.compare.estimate import Estimate, estimate_cells
from segue.compare.grid import Cell, Source
from segue.errors import ResourceError, SegueError


@dataclass(frozen=True)
class Apart:
    """Measures cells each in a new process.

    Attributes
    ----------
    source
        Read anew by each process.
    prepare
        Called first in it, to limit its threads; can be pickled.
    """

    source: Source
    prepare: Callable[[], None]

    def measure(self, cell: Cell, terms: Terms, watch: Watch) -> dict[str, Any]:
        """As `measure_cell`.

        Raises
        ------
        ResourceError
            If the process has been killed, as where memory runs out.
        """
        result: dict[str, Any] = _run_apart(_measure, (self, cell, terms), watch, cell.name)
        return result

    def estimate(self, cells: list[Cell], terms: Terms, watch: Watch) -> dict[str, Estimate]:
        """As `estimate_cells`."""
        result: dict[str, Estimate] = _run_apart(
            _estimate, (self, cells, terms), watch, "the estimate"
        )
        return result


def _measure(apart: Apart, cell: Cell, terms: Terms, watch: Watch) -> dict[str, Any]:
    return measure_cell(cell, apart.source.load(), terms, watch)


def _estimate(apart: Apart, cells: list[Cell], terms: Terms, watch: Watch) -> dict[str, Estimate]:
    return estimate_cells(cells, apart.source.load(), terms, watch)


def _run_apart(
    task: Callable[..., Any], arguments: tuple[Any, ...], watch: Watch, name: str
) -> Any:
    """Call ``task(*arguments, watch)`` in a new process, and give what it gives or raises."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sender, task, arguments), daemon=True)
    with _deaf_to_interrupts():
        process.start()
    sender.close()
    try:
        while True:
            kind, content = receiver.recv()
            if kind == "watch":
                watch(*content)
            elif kind == "done":
                return content
            else:
                raise content
    except EOFError:
        process.join()
        raise ResourceError(
            f"the process of {name} ended without a result (exit status {process.exitcode})"
            + ("; it may have run out of memory" if process.exitcode == -9 else "")
        ) from None
    finally:
        # Where it is done this is soon; where we were interrupted it must not go on alone.
        process.join(timeout=1)
        process.terminate()
        process.join()
        receiver.close()


def _child(sender: Connection, task: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    def watch(share: float, note: str) -> None:
        sender.send(("watch", (share, note)))

    # A broken pipe: the process that asked has gone, and nobody waits for the answer.
    with suppress(BrokenPipeError):
        try:
            arguments[0].prepare()
            sender.send(("done", task(*arguments, watch)))
        except (SegueError, OutOfTimeError, MemoryError) as error:
            sender.send(("failed", error))


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """What is started meanwhile ignores Ctrl-C, which a terminal sends to all: one of us acts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
