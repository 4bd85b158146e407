"""Engines: what a large work is shared among.

``"local"`` is the processes of this machine, each room's own way. ``"ray"`` is Ray, which shares
work among machines: `in_order` runs a function on many items under Ray Data, `together` one
function in several processes at once under Ray Train. Both run the house's own functions; nothing
here knows what they compute. Files are named as on this machine, so on a cluster sources and
results are on a file system that all its machines see, under the same paths.
"""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from numbers import Integral
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar, get_args

from segue.errors import InputError, ResourceError, SegueError
from segue.extras import required
from segue.machine import limit_threads

Engine = Literal["local", "ray"]

# Of the processes that work together: after more deaths than this the work is given up.
MOST_DEATHS = 5
# A process waits for others this long: one of them may measure a large model meanwhile.
_PATIENCE_SECONDS = 6 * 3600
_POLL_SECONDS, _STOP_SECONDS = 0.1, 30.0

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
# What a function is told that works together with others: its rank, how many there are, and where
# messages to the process that started them go.
Together = Callable[[int, int, Callable[[Any], None]], _Result]


def check_engine(engine: str) -> None:
    """Raise InputError for an unknown engine, and ResourceError for one that is not installed."""
    if engine not in get_args(Engine):
        raise InputError(f"engine is {engine!r}, expected {' or '.join(get_args(Engine))}")
    if engine == "ray":
        with _needed():
            import ray  # noqa: F401


def check_workers(workers: int | None) -> None:
    """Raise InputError unless a number of processes is a whole number from 1, or None."""
    if workers is None:
        return
    if isinstance(workers, bool) or not isinstance(workers, Integral) or workers < 1:
        raise InputError(f"workers is {workers!r}, expected a whole number from 1")


def in_order(
    make: Callable[[], Callable[[_Item], _Result]],
    items: Sequence[_Item],
    *,
    workers: int | None = None,
    memory: int = 0,
) -> Generator[_Result, None, None]:
    """The results of a function for some items, in their order, by the processes of Ray Data.

    The work of a process that was killed is done again by another.

    Parameters
    ----------
    make
        Called once in each process; returns the function.
    items
    workers
        Processes at most; None: one for each core.
    memory
        Bytes that each process needs: a machine gets no more processes than that allows.

    Raises
    ------
    ResourceError
        If Ray is not installed, cannot be reached, or gives up.
    SegueError
        What the function raised for the first item that it failed for.
    """
    if not items:
        return
    with connected():
        import ray.data
        from ray import cloudpickle

        settings = ray.data.DataContext.get_current().copy()
        settings.execution_options.preserve_order = True
        settings.enable_progress_bars = settings.print_on_execution_start = False
        cores = int(ray.cluster_resources().get("CPU", 1))
        processes = max(1, min(workers or cores, cores, len(items)))
        with ray.data.DataContext.current(settings), _wording_of_ray():
            results = ray.data.from_items(
                [{"item": cloudpickle.dumps(item)} for item in items],
                override_num_blocks=max(1, len(items)),
            ).map(
                _Worker,
                fn_constructor_args=(cloudpickle.dumps(make), Path.cwd()),
                compute=ray.data.ActorPoolStrategy(
                    min_size=1, max_size=processes, initial_size=processes
                ),
                num_cpus=1,
                memory=memory or None,
            )
            for row in results.iter_rows():
                result, error = pickle.loads(row["outcome"])
                if error is not None:
                    raise error
                yield result


class _Worker:
    """A process of `in_order`."""

    def __init__(self, make: bytes, folder: Path) -> None:
        os.chdir(folder)  # paths may be relative
        limit_threads(1)
        self._function = pickle.loads(make)()

    def __call__(self, row: dict[str, Any]) -> dict[str, bytes]:
        from ray import cloudpickle

        outcome: tuple[Any, SegueError | None]
        try:
            outcome = self._function(pickle.loads(row["item"])), None
        except SegueError as error:
            # Ray would wrap it, and take it for a fault of its own.
            outcome = None, error
        return {"outcome": cloudpickle.dumps(outcome)}


def together(
    function: Together[_Result],
    *,
    receive: Callable[[Any], None],
    workers: int | None = None,
    threads: int | None = None,
    gpus: bool = False,
) -> _Result:
    """Run a function in several processes at once, which torch.distributed joins: Ray Train.

    If one of them is killed, all begin again, so the function goes on from what it has kept.

    Parameters
    ----------
    function
        Called as ``function(rank, num_ranks, send)`` in each process.
    receive
        Called here with each message that rank 0 gives to `send`, in order. What it raises ends the
        work.
    workers
        Processes; None: one for each GPU, or without GPUs for each machine.
    threads
        Of each process at most; None: its share of the cores.
    gpus
        Whether each process has a GPU of its own.

    Returns
    -------
    What the function returned to rank 0.

    Raises
    ------
    ResourceError
        If Ray is not installed, cannot be reached or gives up, or has fewer GPUs or cores.
    SegueError
        What the function raised.
    """
    with connected(), TemporaryDirectory(prefix="segue-ray-") as storage:
        import ray
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig, TorchTrainer

        there = ray.cluster_resources()
        cores, num_gpus = int(there.get("CPU", 1)), int(there.get("GPU", 0))
        workers = workers or num_gpus * gpus or sum(node["Alive"] for node in ray.nodes())
        if workers > (num_gpus if gpus else cores):
            what = f"{num_gpus} GPUs" if gpus else f"{cores} cores"
            raise ResourceError(f"{workers} workers need one each of the {what} that Ray has")
        share = cores // workers
        mailbox = ray.remote(num_cpus=0)(_Mailbox).remote()
        packed = ray.put(ray.cloudpickle.dumps(function))
        work = partial(_work, packed, mailbox, Path.cwd(), min(threads or share, share))
        trainer = TorchTrainer(
            lambda: work(),
            torch_config=TorchConfig(timeout_s=_PATIENCE_SECONDS),
            scaling_config=ScalingConfig(
                num_workers=workers, use_gpu=gpus, resources_per_worker={"CPU": max(share, 1)}
            ),
            run_config=RunConfig(
                storage_path=storage, failure_config=FailureConfig(max_failures=MOST_DEATHS)
            ),
        )
        failed: list[Exception] = []

        def fit() -> None:
            try:
                trainer.fit()
            except Exception as error:  # raised again in the process's main thread
                failed.append(error)

        def receive_all() -> None:
            for message in ray.get(mailbox.take.remote()):
                receive(message)

        # In a thread, as in the main one Ray takes Ctrl-C for itself.
        running = threading.Thread(target=fit, daemon=True)
        running.start()
        try:
            while running.is_alive():
                running.join(_POLL_SECONDS)
                receive_all()
            receive_all()
        except BaseException:
            mailbox.end.remote(None, None)
            running.join(_STOP_SECONDS)
            raise
        result, error = ray.get(mailbox.outcome.remote())
        if error is not None:
            raise error
        with _wording_of_ray():
            if failed:
                raise failed[0]
        kept: _Result = pickle.loads(result)
        return kept


class _Mailbox:
    """An actor: messages of rank 0, and how the work ended."""

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._outcome: tuple[bytes | None, SegueError | None] = None, None
        self._ended = False

    def put(self, message: Any) -> bool:
        """Keep a message; whether the work has ended."""
        self._messages.append(message)
        return self._ended

    def take(self) -> list[Any]:
        messages, self._messages = self._messages, []
        return messages

    def end(self, result: bytes | None, error: SegueError | None) -> None:
        if not self._ended:
            self._outcome, self._ended = (result, error), True

    def ended(self) -> bool:
        return self._ended

    def outcome(self) -> tuple[bytes | None, SegueError | None]:
        return self._outcome


class _StoppedError(Exception):
    """The caller that started the work has cancelled it."""


def _work(function: Any, mailbox: Any, folder: Path, threads: int) -> None:
    """What each process of `together` does."""
    import ray
    import ray.train

    if ray.get(mailbox.ended.remote()):
        return  # started again by Ray after what was no accident
    os.chdir(folder)
    limit_threads(threads)
    context = ray.train.get_context()
    rank = context.get_world_rank()
    last = None

    def send(message: Any) -> None:
        nonlocal last
        if last is not None and ray.get(last):
            raise _StoppedError
        last = mailbox.put.remote(message)

    call = pickle.loads(ray.get(function))
    try:
        result = call(rank, context.get_world_size(), send)
    except SegueError as error:
        ray.get(mailbox.end.remote(None, error))
        raise
    if rank == 0:
        ray.get(mailbox.end.remote(ray.cloudpickle.dumps(result), None))


def gpus_of_ray() -> int:
    """How many GPUs Ray has, while `connected`."""
    import ray

    return int(ray.cluster_resources().get("GPU", 0))


@contextmanager
def connected() -> Iterator[None]:
    """Connected to Ray: to the cluster that there is, else to one of this machine for so long.

    Raises
    ------
    ResourceError
        If Ray is not installed, cannot be reached or does not start.
    """
    # Ray asks for leave to tell its makers, and does so where nobody answers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with _needed():
        import ray
        import ray.data
        import ray.train
    for name in ("ray.data", "ray.train"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if ray.is_initialized():
        yield
        return
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ResourceError(f"Ray cannot be reached or started: {_first_line(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _needed() -> AbstractContextManager[None]:
    return required("the engine ray", "segue[ray]")


@contextmanager
def _wording_of_ray() -> Iterator[None]:
    """ResourceError for what Ray raises, which fills screens."""
    import ray.exceptions
    import ray.train

    try:
        yield
    except (ray.exceptions.RayError, ray.train.TrainingFailedError) as error:
        raise ResourceError(f"Ray could not finish the work: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """The last line of a message that says something, which is the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
