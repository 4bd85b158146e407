"""From the command line to a listening service with one or several processes."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from threadpoolctl import threadpool_limits

from segue.errors import ResourceError, SegueError
from segue.files import read_manifest, scratch_folder
from segue.service.app import create_app
from segue.service.hosts import Hosts
from segue.service.limits import Limits, default_threads
from segue.service.metrics import SHARED
from segue.service.serving import Serving
from segue.service.shedding import shedding
from segue.service.turns import Turns

log = logging.getLogger("segue.service")
_BLOCK, _UNBLOCK = getattr(signal, "SIG_BLOCK", 0), getattr(signal, "SIG_UNBLOCK", 0)
# The event loop releases the interpreter at every read and write; while a thread works, it gets it
# back after this, in seconds. Python's default of 5 ms would queue what takes only an instant.
_SWITCH = 1e-4
# Time for running requests to finish, in seconds.
_GRACE = 30
# At most as long, in seconds, are connections that wait taken when the service ends.
_LAST_CONNECTIONS = 5.0
# Exit status of a worker that could not load the bundle.
_NOT_LOADED = 3
# A worker that ends before it is ready is replaced after a pause, which doubles from a second to
# this: a fault at startup must not keep the machine busy. One that was ready is replaced at once.
_LONGEST_PAUSE = 30.0
# Connections and files that a process may have open, if the system lets it.
_DESCRIPTORS = 1 << 16
# What a worker imports, also when it loads its bundle: most of its start.
_IMPORTED = ["segue.service.server", "networkx", "scipy.optimize", "scipy.sparse"]


@dataclass(frozen=True)
class Options:
    """The options of `segue serve`; see its help."""

    bundle: Path
    host: str
    port: int
    workers: int
    threads: int | None
    watch: bool
    max_requests: int
    max_body: int
    second_stage: bool = True
    allow_host: tuple[str, ...] = ()


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises
    ------
    ArtefactError
        If there is no complete bundle in the folder; with `watch`, it waits for one.
    ResourceError
        If it cannot listen at that address.
    """
    logging.basicConfig(format="segue: %(message)s", level=logging.INFO)
    # Else it tells which of its variants this processor cannot run.
    logging.getLogger("faiss").setLevel(logging.WARNING)
    # SIGHUP would end a process that is not ready to reload; the application lifts this.
    _hold_back(_BLOCK, "SIGHUP")
    _allow_descriptors()
    listener = _listen(options)
    if options.workers == 1:
        _serve(options, listener)
    else:
        _supervise(options, listener)


def _hold_back(how: int, *names: str) -> None:
    """Block signals, or unblock them; those that the system does not have are left out."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(how, {getattr(signal, name) for name in names})


def _allow_descriptors() -> None:
    """Let this process hold many connections: of the usual 1,024, idle ones would take all."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        address = options.host, options.port
        listener = socket.create_server(address, family=family, backlog=2048)
        # Connections inherit it; without it, the body of a response waits 40 ms for the
        # acknowledgement of its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        why = error.strerror if error.errno is None or error.errno < 0 else os.strerror(error.errno)
        raise ResourceError(
            f"{options.host}:{options.port}: cannot listen there ({why})"
        ) from error


def _serve(options: Options, listener: socket.socket, ready: Connection | None = None) -> None:
    """One process of the service; it notifies its supervisor, if it has one, when it is ready."""
    serving = Serving(options.bundle, second_stage=options.second_stage)
    try:
        serving.load()
    except SegueError as error:
        if not options.watch:
            raise
        log.warning("%s; waiting for one", error)
    threads = options.threads or default_threads(options.workers)
    limits = Limits(threads, options.max_requests, options.max_body)
    # Requests share the cores by threads; a matrix product stays on its request's thread.
    threadpool_limits(1)
    sys.setswitchinterval(_SWITCH)
    hosts = Hosts(options.allow_host)
    app = create_app(serving, limits, watch=options.watch, hosts=hosts)
    config = uvicorn.Config(
        app,
        http=shedding(app.state.slots, app.state.metrics.refuse, Turns(app.state.work).arrive),
        # Its warnings are about requests that are none: anybody could fill the log with them.
        log_level="error",
        access_log=False,
        server_header=False,
        # A request's connection is identified by its actual address, not the one a proxy reports.
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE,
    )
    if ready is None:
        _announce(options, listener)
    else:
        with suppress(OSError):  # without a supervisor it is about to end
            ready.send(None)
    _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Before it closes its socket, take the connections that the system has made already.

        Their clients have sent requests and would find them reset.
        """
        deadline = time.monotonic() + _LAST_CONNECTIONS
        while select.select(sockets or [], [], [], 0)[0] and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        await super().shutdown(sockets)


def _announce(options: Options, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    log.info("Serving %s at http://%s:%d (Ctrl-C ends it)", options.bundle, name, port)


def _work(options: Options, listener: socket.socket, ready: Connection) -> None:
    """The main function of a worker; an error is one line."""
    _hold_back(_UNBLOCK, "SIGTERM")
    logging.basicConfig(format=f"segue[{os.getpid()}]: %(message)s", level=logging.INFO)
    logging.getLogger("faiss").setLevel(logging.WARNING)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _serve(options, listener, ready)
    except SegueError as error:
        log.error("%s", error)
        sys.exit(_NOT_LOADED)
    except KeyboardInterrupt:
        pass


def _end_with_parent() -> None:
    """End gracefully when the supervisor is gone: nobody else would free the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _context() -> BaseContext:
    """How workers are started: by a process without threads that has imported what they need.

    A new interpreter would take a second or two to import it each time that a worker is replaced,
    and a fork of the supervisor would inherit its signal handlers and its end of every worker's
    pipe. The process that forks inherits blocked signals, so that one for the whole group ends the
    workers, but not the process that reports their exit status; a worker lifts the block.
    """
    # Elsewhere the system's libraries may not survive a fork, and before that release any user of
    # the machine could ask the process for a fork (CVE-2022-42919).
    if sys.platform != "linux" or sys.version_info < (3, 11, 1):
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    resource_tracker.ensure_running()  # it would lift the block of SIGTERM
    return context


def _supervise(options: Options, listener: socket.socket) -> None:
    """Keep workers on one socket, pass signals on to them, replace one that ends.

    uvicorn has a supervisor, too, but on SIGHUP it restarts every worker instead of loading the new
    bundle within it, which costs each a full start, gives up on a bundle that takes long to load,
    and hides a refused one from ``/version``. Its workers outlive it when it is killed, and a
    worker that cannot load the current bundle ends those that still serve the previous one.
    """
    if not options.watch:
        read_manifest(options.bundle, "bundle", verify=False)
    with scratch_folder("segue-metrics") as shared:
        os.environ[SHARED] = str(shared)
        context = _context()
        workers: list[BaseProcess] = []
        # Those that are not ready, by the pipe in which they will say so.
        starting: dict[Connection, BaseProcess] = {}
        stopping, failed, announced, pause, due = False, False, False, 0.0, 0.0

        def start() -> None:
            nonlocal due
            receiver, sender = context.Pipe(duplex=False)
            # (typeshed gives only the contexts of one method each a `Process`.)
            worker: BaseProcess = context.Process(  # type: ignore[attr-defined]
                target=_work, args=(options, listener, sender)
            )
            _hold_back(_BLOCK, "SIGHUP", "SIGTERM")
            try:
                worker.start()
            except (EOFError, OSError):  # the process that forks has just ended
                due = time.monotonic() + 1
            else:
                workers.append(worker)
                starting[receiver] = worker
            finally:
                _hold_back(_UNBLOCK, "SIGHUP", "SIGTERM")
                sender.close()

        def stop(*_: object) -> None:
            nonlocal stopping
            stopping = True

        def pass_on(number: int, *_: object) -> None:
            for worker in workers:
                if worker.pid is not None and worker.is_alive():
                    os.kill(worker.pid, number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, pass_on)
        while not (stopping or failed):
            while len(workers) < options.workers and time.monotonic() >= due:
                start()
            for pipe in wait([*(w.sentinel for w in workers), *starting], timeout=0.2):
                if isinstance(pipe, Connection):
                    with suppress(EOFError, OSError):  # it has ended without a word
                        pipe.recv()
                        del starting[pipe]
                        pause = 0.0
                        if not announced:
                            _announce(options, listener)
                        announced = True
            for worker in [worker for worker in workers if not worker.is_alive()]:
                workers.remove(worker)
                mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
                unready = [pipe for pipe, of in starting.items() if of is worker]
                # If none could load it, none will.
                failed = worker.exitcode == _NOT_LOADED and not announced
                if stopping or failed:
                    break
                log.warning("Worker %s ended (%s), another is started", worker.pid, worker.exitcode)
                worker.close()  # one that lives, but whose parent has ended, is told to end
                if unready:
                    del starting[unready[0]]
                    pause = min(2 * pause or 1, _LONGEST_PAUSE)
                    due = time.monotonic() + pause
        pass_on(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE + 5
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            if worker.is_alive():
                worker.kill()
    if failed:
        sys.exit(1)
