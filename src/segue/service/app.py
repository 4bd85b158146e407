"""The web service: the API by its routes, the page, and what goes round them."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

import segue
import segue.pictures
from segue.errors import NameLookupError, SegueError
from segue.names.name_file import Kind
from segue.pictures.compose import snowball
from segue.recommend.details import ArtistDetails, Found, PlaylistDetails, Track
from segue.recommend.lists import Recommendations, SimilarArtists
from segue.recommend.reasons import Explanation
from segue.service import questions as ask
from segue.service.gate import API, Gate, Places
from segue.service.limits import Limits
from segue.service.metrics import Metrics
from segue.service.serving import Served, Serving
from segue.service.work import NothingServedError, Work

_PAGE = Path(__file__).with_name("static")
_GRAPH = Path(segue.pictures.__file__).with_name("static")
_WATCH_SECONDS = 1.0

_ABOUT = """Recommends music from a bundle of Segue.

Every error is JSON: `{"error": "<one clear sentence>"}`, with `candidates` where a name stands for
nothing or for several things. Where more is asked than can be answered in time, requests are
refused with status 503 and `Retry-After`.
"""
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ask.Error, "description": description}
    for status, description in {
        400: "What is asked cannot be answered by this bundle, or the body is not JSON.",
        404: "There is no such playlist, track or artist.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        422: "The question is not of the form that is expected.",
        500: "An error of the service; its log says more.",
        503: "The service is busy, or serves no bundle yet.",
    }.items()
}


def create_app(serving: Serving, limits: Limits | None = None, *, watch: bool = False) -> FastAPI:
    """The application, for any ASGI server.

    Parameters
    ----------
    serving
        A bundle is loaded when the application starts, unless it has one already.
    limits
    watch
        Look every second whether another bundle is in the folder. SIGHUP does the same once.
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
        keeper = asyncio.create_task(keep_up())
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and hasattr(signal, "SIGHUP"):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, wanted.set)
            # Who started this may have held it back until now.
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
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.include_router(_music(work), prefix=API)
    app.include_router(_state(serving, metrics), prefix=API)
    _add_page(app)
    _add_errors(app)
    places = Places(limits.max_requests)
    app.add_middleware(Gate, places=places, max_body=limits.max_body, metrics=metrics)
    app.state.places, app.state.metrics = places, metrics
    return app


def _music(work: Work) -> APIRouter:
    """All that is asked of the bundle."""
    api = APIRouter(tags=["music"], responses=_ERRORS)

    @api.get("/find", response_model=Found)
    async def find(
        text: Annotated[
            str,
            Query(
                max_length=ask.MAX_TEXT,
                description="Words of names and beginnings of words, title and artist mixed.",
            ),
        ],
        kind: Annotated[
            list[Kind] | None, Query(description="What to look for; all, unless given.")
        ] = None,
        n: Annotated[int, Query(ge=1, le=ask.MAX_N, description="Most of each.")] = 10,
    ) -> Response:
        """Find tracks, artists and playlists by name."""
        return await work.answer(lambda served: served.recommender.find(text, n, kind=kind))

    @api.post("/complete", response_model=Recommendations)
    async def complete(question: ask.Complete) -> Response:
        """Continue a playlist."""
        return await work.answer(lambda served: _complete(served, question, question))

    @api.post("/recommend", response_model=ask.Answers)
    async def recommend(question: ask.Recommend) -> Response:
        """Continue several playlists."""

        def answers(served: Served) -> Any:
            return {"answers": [one(served, playlist) for playlist in question.playlists]}

        def one(served: Served, playlist: ask.Playlist) -> Any:
            try:
                return _complete(served, playlist, question)
            except SegueError as error:
                return _content(error)

        return await work.answer(answers)

    @api.post("/vibe", response_model=Recommendations)
    async def vibe(question: ask.Vibe) -> Response:
        """Find what goes with a few songs and artists."""
        return await work.answer(
            lambda served: served.recommender.vibe(
                question.tracks,
                question.n,
                artists=question.artists,
                reasons=question.reasons,
                **question.options(),
            )
        )

    @api.post("/similar", response_model=Recommendations | SimilarArtists)
    async def similar(question: ask.Similar) -> Response:
        """Find tracks like a track, or artists like an artist."""

        def answer(served: Served) -> Any:
            if question.artist is None:
                return served.recommender.similar(str(question.track), question.n)
            return served.recommender.similar(artist=question.artist, n=question.n)

        return await work.answer(answer)

    @api.post("/why", response_model=Explanation)
    async def why(question: ask.Why) -> Response:
        """Say all that speaks for and against one track."""
        return await work.answer(
            lambda served: served.recommender.why(
                question.track,
                question.playlist,
                tracks=question.tracks,
                artists=question.artists,
                ordered=question.ordered,
                dial=question.dial,
            )
        )

    @api.get("/subgraph", response_model=ask.Picture)
    async def subgraph(
        an_id: Annotated[str, Query(alias="id", max_length=500)],
        kind: Kind,
        waves: Annotated[int, Query(ge=0, le=3, description="Steps away from it.")] = 2,
        limit: Annotated[
            int, Query(ge=0, le=40, description="Most nodes of each kind in a wave.")
        ] = 12,
    ) -> Response:
        """Draw the neighbourhood of a track, artist or playlist."""

        def picture(served: Served) -> Any:
            recommender = served.recommender
            rows = recommender.rows
            row = {"track": rows.track, "artist": rows.artist, "playlist": rows.playlist}[kind]
            scene = snowball(
                recommender.bundle,
                (kind, row(an_id)),
                waves=waves,
                limit=limit,
                neighbours=served.neighbours,
            )
            return scene.to_json()

        return await work.answer(picture)

    @api.get("/tracks/{track_id:path}", response_model=Track)
    async def track(track_id: str) -> Response:
        """What is known of a track."""
        return await work.answer(lambda served: served.recommender.details.track(track_id))

    @api.get("/artists/{artist_id:path}", response_model=ArtistDetails)
    async def artist(artist_id: str) -> Response:
        """What is known of an artist, with its best-known tracks."""
        return await work.answer(lambda served: served.recommender.details.artist(artist_id))

    @api.get("/playlists/{playlist_id:path}", response_model=PlaylistDetails)
    async def playlist(playlist_id: str) -> Response:
        """What is in a playlist."""
        return await work.answer(lambda served: served.recommender.details.playlist(playlist_id))

    return api


def _complete(
    served: Served, asked: ask.Playlist, options: ask.Complete | ask.Recommend
) -> Recommendations:
    return served.recommender.complete(
        asked.playlist,
        options.n,
        tracks=asked.tracks,
        ordered=asked.ordered,
        reasons=options.reasons,
        **options.options(),
    )


def _state(serving: Serving, metrics: Metrics) -> APIRouter:
    """How the service fares."""
    state = APIRouter(tags=["service"])

    @state.get("/health", response_model=ask.Status)
    async def health() -> Response:
        """Say that the process lives."""
        return _json({"status": "ok"})

    @state.get("/ready", response_model=ask.Status, responses={503: _ERRORS[503]})
    async def ready() -> Response:
        """Say whether a bundle is served."""
        if serving.current is None:
            raise NothingServedError
        return _json({"status": "ready"})

    @state.get("/version", response_model=ask.Version)
    async def version() -> Response:
        """Name the program and the bundle."""
        served, facts = serving.current, None
        if served is not None:
            bundle = served.recommender.bundle
            facts = {
                "fingerprint": served.fingerprint,
                "num_tracks": bundle.catalog.num_tracks,
                "num_artists": len(bundle.catalog.artists),
                "num_playlists": 0 if bundle.playlists is None else len(bundle.playlists),
                "has_playlists": bundle.playlists is not None,
                "loaded_at": served.loaded_at.isoformat(),
            }
        return _json({"version": segue.__version__, "bundle": facts, "failure": serving.failure})

    @state.get("/metrics", responses={200: {"content": {"text/plain": {}}}})
    async def figures() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return state


def _add_page(app: FastAPI) -> None:
    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> FileResponse:
        path = _PAGE / "index.html"
        if not path.is_file():
            raise HTTPException(404)
        return FileResponse(path)

    app.mount("/static", StaticFiles(directory=_PAGE, check_dir=False), name="static")
    app.mount("/graph", StaticFiles(directory=_GRAPH), name="graph")


def _add_errors(app: FastAPI) -> None:
    """Every error becomes a sentence in JSON."""

    @app.exception_handler(SegueError)
    async def of_segue(_: Request, error: SegueError) -> Response:
        return _json(_content(error), 404 if isinstance(error, NameLookupError) else 400)

    @app.exception_handler(RequestValidationError)
    async def of_form(_: Request, error: RequestValidationError) -> Response:
        return _json({"error": _sentence(error.errors())}, 422)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        path = request.url.path
        sentence = {
            400: "The body cannot be read as JSON.",
            404: f"There is nothing at {path}.",
            405: f"{request.method} is not allowed at {path}.",
        }.get(error.status_code)
        return _json({"error": sentence or str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(NothingServedError)
    async def of_no_bundle(_: Request, __: NothingServedError) -> Response:
        sentence = "No bundle is served yet; try again in a few seconds."
        return _json({"error": sentence}, 503, {"retry-after": "5"})


def _content(error: SegueError) -> dict[str, Any]:
    content: dict[str, Any] = {"error": str(error)}
    if isinstance(error, NameLookupError) and error.candidates:
        content["candidates"] = error.candidates
    return content


def _json(content: Any, status: int = 200, headers: Any = None) -> Response:
    # Half of a surrogate pair, which JSON can bring in, is no UTF-8.
    text = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return Response(text, status, headers, media_type="application/json")


def _sentence(errors: Sequence[Any]) -> str:
    """One sentence of what pydantic found: the first thing, and how many more there are."""
    first = errors[0]
    said = str(first["msg"]).removeprefix("Value error, ")
    said = said[0].lower() + said[1:]
    if first["type"] == "json_invalid":
        said = str(first["ctx"]["error"])
        return f"The body is not valid JSON: {said[0].lower()}{said[1:]}."
    place = ".".join(str(part) for part in first["loc"][1:])
    if not place and first["type"] != "value_error":
        return "The body must be a JSON object, sent as application/json."
    if first["type"].startswith(("greater_than", "less_than")):
        place += f" is {first['input']}"
    sentence = f"{place}: {said}" if place else said[0].upper() + said[1:]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{sentence}{more}."
