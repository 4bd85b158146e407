"""A list of links: the id of each track on a line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from segue.recommend.exported import Exported, Writer
from segue.recommend.writers.texts import is_uri, readable


def _write(lists: Iterable[Exported], file: IO[bytes]) -> None:
    for exported in lists:
        for track in exported.tracks:
            # An id that is no address is read as a name: then better artist and title.
            line = track.id if is_uri(track.id) else readable(track)
            if line.startswith("#"):  # a comment, else
                line = f"- {line}"
            file.write(f"{line}\n".encode())


URIS = Writer("uris", "links, one a line", (".txt",), "text/plain", _write, holds_many=False)
