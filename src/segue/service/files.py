"""People's own lists: files in, with what became of each song, and files out."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from segue.data.collection import Collection
from segue.data.reading import read
from segue.data.source_file import SourceFile
from segue.data.sources import find_files
from segue.errors import InputError, ResourceError, SegueError
from segue.files import scratch_folder
from segue.names.match import Status
from segue.recommend.details import Track
from segue.recommend.export import content_of, file_name
from segue.recommend.exported import Exported, TrackRecords
from segue.recommend.recommender import Recommender
from segue.recommend.writers import WRITERS
from segue.service.errors import ERRORS
from segue.service.gate import API
from segue.service.schemas import MAX_FILTER, MAX_TEXT, Id, Question
from segue.service.serving import Served
from segue.service.work import Work

# Paths that take files, which may be larger than other bodies.
UPLOADS = frozenset({f"{API}/read"})
_MAX_SONGS = 20_000
_MAX_UNPACKED = 256 << 20  # bytes
_MAX_CELLS = 4 << 30  # bytes, were every cell of a column as long as all of it
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd")
_LONGEST_NAME = 100


class ReadSong(BaseModel):
    """A song of a list, and what became of it here: `track` if found, `candidates` if unsure."""

    asked: str
    status: Status
    track: Track | None
    candidates: list[Track]


class ReadPlaylist(BaseModel):
    """A playlist that was read, each song once."""

    playlist_id: str
    title: str
    ordered: bool
    songs: list[ReadSong]


class ReadFile(BaseModel):
    """The playlists of a file."""

    playlists: list[ReadPlaylist]
    set_aside: dict[str, int] = Field(description="What was left out, by kind, and how many.")
    skipped: int = Field(description="Number of bad records.")
    first_skipped: str = Field(description="Where the first is, and what is wrong with it.")
    guessed: dict[str, str] = Field(
        description="Files whose encoding is not stated, and the one that was guessed."
    )


class Export(Question):
    """A list to be written into a file."""

    title: str = Field(default="", max_length=MAX_TEXT)
    tracks: Annotated[list[Id], Field(min_length=1, max_length=MAX_FILTER)]
    format: Literal["m3u8", "xspf", "jspf", "csv", "json", "mpd", "uris", "parquet"]


def routes(work: Work) -> APIRouter:
    """Reading and writing files."""
    api = APIRouter(tags=["files"], responses=ERRORS)

    @api.post(
        "/read",
        response_model=ReadFile,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            }
        },
    )
    async def read_file(
        request: Request,
        name: Annotated[
            str,
            Query(min_length=1, max_length=500, description="Its name, which may be a playlist's."),
        ],
        encoding: Annotated[
            str | None,
            Query(max_length=50, description="Of a text, such as cp1251; by default a guess."),
        ] = None,
    ) -> Response:
        """Read a file of playlists, in any form that `segue build` reads, and match its songs.

        Nothing of it is kept.
        """
        content = await request.body()
        return await work.answer(
            lambda served: matched(served.recommender, read_content(name, content, encoding))
        )

    @api.post(
        "/export",
        response_class=Response,
        responses={200: {"content": {w.content_type: {} for w in WRITERS.values()}}},
    )
    async def export(question: Export) -> Response:
        """Write a list as a file, with an id of its own."""
        writer = WRITERS[question.format]

        def content(served: Served) -> bytes:
            recommender = served.recommender
            names = recommender.names
            rows = [names.row_of(match) for match in names.match(question.tracks)]
            records = TrackRecords(recommender.bundle.catalog).of_rows(rows)
            return content_of(Exported(question.title or "My playlist", records), writer)

        written = await work.run(content)
        name = file_name(question.title, writer)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(written, media_type=writer.content_type, headers=headers)

    return api


def read_content(name: str, content: bytes, encoding: str | None = None) -> Collection:
    """Read the content of a file of somebody else's (InputError if that fails).

    Parameters
    ----------
    name
        As it is called there; its last part counts.
    content
    encoding
        As for `read`.
    """
    plain = PurePosixPath(name.replace("\\", "/").replace("\0", "")).name
    stem, dot, ending = plain.rpartition(".")
    plain = f"{stem[:_LONGEST_NAME]}{dot}{ending[:_LONGEST_NAME]}".lstrip(".") or "list"
    with scratch_folder("segue-read") as folder:
        path = folder / plain
        try:
            path.write_bytes(content)
            _check_unpacked(path)
            found = read(path, encoding=encoding, skip_bad=True)
        except ResourceError:
            raise
        except SegueError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from error
        except OSError as error:  # a name that the system does not take
            raise InputError(f"{plain!r} cannot be read under this name") from error
    if found.playlists.tracks.num_pairs > _MAX_SONGS:
        count = found.playlists.tracks.num_pairs
        raise InputError(f"{plain}: holds {count:,} songs; at most {_MAX_SONGS:,} are read here")
    return found


def _check_unpacked(path: Path) -> None:
    """Refuse what is small as it was sent and would fill the memory as it is read."""
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                size = sum(member.file_size for member in archive.infolist())
        except (zipfile.BadZipFile, OSError):
            return  # reading it says what is wrong
        if size <= _MAX_UNPACKED:  # those in it, too
            size += sum(file.size for file in find_files(path))
        if size > _MAX_UNPACKED:
            most = _MAX_UNPACKED >> 20
            raise InputError(f"{path.name}: unpacks to {size >> 20:,} MiB; at most {most} are read")
    for file in find_files(path):
        with file.open() as opened:
            try:
                start = opened.read(4)
            except Exception as error:  # each zip decompressor has its own errors
                raise file.unreadable(error) from error
        if start.startswith(_COMPRESSED):
            raise InputError(f"{file.name}: is compressed; send it as it is, or in a zip")
        if start == b"PAR1":
            _check_parquet(file)


def _check_parquet(file: SourceFile) -> None:
    """A column may hold one long text for every row: it is stored once, but read as often."""
    try:
        facts = pq.ParquetFile(pa.BufferReader(file.read())).metadata
    except (pa.ArrowException, OSError):
        return  # reading it says what is wrong
    groups = [facts.row_group(at) for at in range(facts.num_row_groups)]
    chunks = [group.column(at) for group in groups for at in range(group.num_columns)]
    largest = max((chunk.total_uncompressed_size for chunk in chunks), default=0)
    if facts.num_rows > _MAX_SONGS or facts.num_rows * largest > _MAX_CELLS:
        raise InputError(f"{file.name}: has more rows, or longer ones, than are read here")


def matched(recommender: Recommender, found: Collection) -> dict[str, Any]:
    """What was read, with what became of each song here, as `ReadFile`."""
    matches = recommender.match(found)
    rows = {row for match in matches for row in (match.track, *match.candidates)} - {None}
    known = sorted(row for row in rows if row is not None)
    track_of = dict(zip(known, recommender.details.tracks(known), strict=True))
    songs = [
        {
            "asked": match.asked,
            "status": match.status,
            "track": None if match.track is None else track_of[match.track],
            "candidates": [track_of[row] for row in match.candidates],
        }
        for match in matches
    ]
    playlists = found.playlists
    lists = [
        {
            "playlist_id": playlists.ids[row].as_py(),
            "title": playlists.titles[row].as_py() or "",
            "ordered": bool(playlists.order_known[row]),
            "songs": [songs[track] for track in playlists.tracks[row].tolist()],
        }
        for row in range(len(playlists))
    ]
    report = found.report
    return {
        "playlists": lists,
        "set_aside": report.set_aside,
        "skipped": report.skipped,
        "first_skipped": report.first_skipped,
        "guessed": {Path(file).name: encoding for file, encoding in report.guessed.items()},
    }
