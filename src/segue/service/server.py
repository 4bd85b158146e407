"""From a command line to a listening service, of one process or of several."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from threadpoolctl import threadpool_limits

from segue.errors import SegueError
from segue.service.app import Limits, create_app
from segue.service.serving import Serving
from segue.service.work import available_cores


@dataclass(frozen=True)
class Options:
    """What `segue serve` was asked for; see its help."""

    bundle: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int | None = None
    watch: bool = False
    max_requests: int = 32
    max_body: int = 1 << 20


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises
    ------
    ArtefactError
        If there is no whole bundle in the folder; with `watch` one is waited for.
    """
    logging.basicConfig(format="segue: %(message)s", level=logging.INFO)
    serving = Serving(options.bundle)
    try:
        serving.load()
    except SegueError:
        if not options.watch:
            raise
    threads = options.threads or min(4, available_cores())
    limits = Limits(threads, options.max_requests, options.max_body)
    # Requests share the cores by threads; a matrix product within one keeps to its own.
    threadpool_limits(1)
    app = create_app(serving, limits, watch=options.watch)
    config = uvicorn.Config(
        app, host=options.host, port=options.port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=30, server_header=False, workers=1,
    )  # fmt: skip
    uvicorn.Server(config).run()
