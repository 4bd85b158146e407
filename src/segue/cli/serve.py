"""`segue serve`: a bundle as a web service, with a page."""

from __future__ import annotations

from pathlib import Path

import click

from segue.service.limits import Limits


@click.command(short_help="Serve a bundle as a web service with a page.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0: any free port.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes."
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Per process.  [default: one per core, up to 4]"
)
@click.option(
    "--watch",
    is_flag=True,
    help="Switch to a new bundle when this one is replaced; wait for the first.",
)
@click.option(
    "--max-requests",
    type=click.IntRange(min=1),
    default=Limits.max_requests,
    show_default=True,
    help="Running or waiting in a process; more are refused with status 503.",
)
@click.option(
    "--max-body",
    type=click.IntRange(min=1),
    default=Limits.max_body,
    show_default=True,
    help="Maximum size of a request in bytes.",
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="Answer requests for this host name too, besides localhost; may be repeated. '*': any.",
)
@click.option(
    "--no-second-stage",
    is_flag=True,
    help="Do not reorder the best tracks: three times the throughput.",
)
def serve(
    bundle: Path,
    host: str,
    port: int,
    workers: int,
    threads: int | None,
    watch: bool,
    max_requests: int,
    max_body: int,
    allow_host: tuple[str, ...],
    no_second_stage: bool,
) -> None:
    """Serve BUNDLE over HTTP: an API under /api/v1 and a page at /.

    On SIGHUP it reloads BUNDLE; on SIGTERM it finishes running requests and exits.
    """
    from segue.extras import required

    options = (bundle, host, port, workers, threads, watch, max_requests, max_body)
    with required("segue serve", extra="segue[serve]"):
        from segue.service.server import Options, run

        run(Options(*options, second_stage=not no_second_stage, allow_host=allow_host))
