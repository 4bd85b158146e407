"""The web service: its routes, the page, and the middleware."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

import segue
import segue.pictures
from segue.service import browse, files, status, verbs
from segue.service.errors import add_error_handlers
from segue.service.gate import API, Gate, Slots
from segue.service.hosts import ANY, Hosts
from segue.service.limits import Limits
from segue.service.metrics import Metrics
from segue.service.serving import Serving, settle
from segue.service.work import Work

_PAGE = Path(__file__).with_name("static")
_GRAPH = Path(segue.pictures.__file__).with_name("static")
_WATCH_SECONDS = 1.0

_ABOUT = """Recommends music from a bundle of Segue.

Every error is JSON: `{"error": "<one clear sentence>"}`, with `candidates` if a name matches
nothing or several things. Under overload, requests are refused with status 503 and `Retry-After`.
"""


def create_app(
    serving: Serving,
    limits: Limits | None = None,
    *,
    watch: bool = False,
    hosts: Hosts | None = None,
) -> FastAPI:
    """The application, for any ASGI server.

    Parameters
    ----------
    serving
        A bundle is loaded when the application starts, unless it already has one.
    limits
    watch
        Check every second for a new bundle in the folder. SIGHUP checks once.
    hosts
        The names that are answered to; None: any, for a server that has checked that.
    """
    limits = limits or Limits()
    work, metrics = Work(serving, limits.threads), Metrics()

    wanted = asyncio.Event()

    async def load() -> None:
        await asyncio.to_thread(serving.reload)
        metrics.serve(serving.current, serving.failure)

    async def keep_up() -> None:
        while True:
            try:
                await asyncio.wait_for(wanted.wait(), _WATCH_SECONDS if watch else None)
            except asyncio.TimeoutError:
                if not serving.has_news():
                    continue
            wanted.clear()
            await load()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if serving.current is None:
            await load()
        metrics.serve(serving.current, serving.failure)
        settle()  # the application, too
        keeper = asyncio.create_task(keep_up())
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and hasattr(signal, "SIGHUP"):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, wanted.set)
            # The starter may have blocked the signal until now.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        yield
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        work.close()

    app = FastAPI(
        title="Segue",
        version=segue.__version__,
        description=_ABOUT,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # FastAPI's page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # what is not there is a 404, as the document says
        lifespan=lifespan,
    )
    everything = (
        verbs.routes(work),
        files.routes(work),
        browse.routes(work),
        status.routes(serving, metrics),
    )
    for routes in everything:
        app.include_router(routes, prefix=API)
    _add_page(app)
    add_error_handlers(app)
    slots = Slots(limits.max_requests)
    uploads = dict.fromkeys(files.UPLOADS, max(limits.max_upload, limits.max_body))
    app.add_middleware(
        Gate,
        slots=slots,
        hosts=hosts or Hosts([ANY]),
        max_body=limits.max_body,
        metrics=metrics,
        larger=uploads,
    )
    app.state.slots, app.state.metrics, app.state.work = slots, metrics, work
    return app


def _add_page(app: FastAPI) -> None:
    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> FileResponse:
        path = _PAGE / "index.html"
        if not path.is_file():
            raise HTTPException(404)
        return FileResponse(path)

    app.mount("/static", StaticFiles(directory=_PAGE, check_dir=False), name="static")
    app.mount("/graph", StaticFiles(directory=_GRAPH), name="graph")
