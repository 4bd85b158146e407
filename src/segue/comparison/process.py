"""Each cell in its own process, so that its peak memory can be measured and it can be stopped."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from segue.comparison.estimate import Estimate, estimate_cells
from segue.comparison.grid import Cell
from segue.comparison.measure import OnProgress, OutOfTimeError, RunSettings, measure_cell
from segue.comparison.source import Source
from segue.errors import ResourceError, SegueError
from segue.machine import limit_threads


@dataclass(frozen=True)
class ProcessRunner:
    """Measures each cell in a new process.

    Attributes
    ----------
    source
        Each process reads it itself.
    settings
    """

    source: Source
    settings: RunSettings

    def measure(self, cell: Cell, on_progress: OnProgress) -> dict[str, Any]:
        """As for `measure_cell`.

        Raises
        ------
        ResourceError
            If the process was killed, for example because memory ran out.
        """
        result: dict[str, Any] = self.run(measure_cell, cell, on_progress, cell.name)
        return result

    def estimate(self, cells: list[Cell], on_progress: OnProgress) -> dict[str, Estimate]:
        """As for `estimate_cells`."""
        result: dict[str, Estimate] = self.run(estimate_cells, cells, on_progress, "the estimate")
        return result

    def run(self, task: Callable[..., Any], work: Any, on_progress: OnProgress, name: str) -> Any:
        """Return the result of ``task(work, split, settings, on_progress)`` in a new process."""
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(sender, self, task, work), daemon=True)
        with _ignoring_interrupts():
            process.start()
        sender.close()
        try:
            while True:
                kind, content = receiver.recv()
                if kind == "progress":
                    on_progress(*content)
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
            # A finished process ends soon; an interrupted one must not outlive us.
            process.join(timeout=1)
            process.terminate()
            process.join()
            receiver.close()


def _child(sender: Connection, runner: ProcessRunner, task: Callable[..., Any], work: Any) -> None:
    def on_progress(share: float, note: str) -> None:
        sender.send(("progress", (share, note)))

    # A broken pipe: the parent process has gone, and nobody waits for the result.
    with suppress(BrokenPipeError):
        try:
            limit_threads(runner.settings.threads)
            result = task(work, runner.source.load(), runner.settings, on_progress)
            sender.send(("done", result))
        except (SegueError, OutOfTimeError, MemoryError) as error:
            sender.send(("failed", error))


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Make processes started meanwhile ignore Ctrl-C, which a terminal sends to all of them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
