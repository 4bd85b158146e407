"""How the bytes of a file are opened: on disk, or in a zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True)
class OnDisk:
    """Opens a file."""

    path: Path

    def __call__(self) -> IO[bytes]:
        """The file, opened for reading."""
        return self.path.open("rb")


@dataclass
class Archive:
    """A zip, opened once in each process that reads it."""

    opener: Callable[[], IO[bytes]]
    _opened: zipfile.ZipFile | None = field(default=None, repr=False, compare=False)

    def zip(self) -> zipfile.ZipFile:
        """The zip, opened the first time (zipfile's errors if it is none)."""
        if self._opened is None:
            content = self.opener()
            try:
                self._opened = zipfile.ZipFile(content)
            except BaseException:
                content.close()
                raise
        return self._opened

    def __getstate__(self) -> dict[str, Any]:
        return {"opener": self.opener, "_opened": None}


@dataclass(frozen=True)
class Member:
    """Opens a file of a zip; `whole` reads it into memory first, as a zip in a zip has to be."""

    archive: Archive
    entry: str
    whole: bool = False

    def __call__(self) -> IO[bytes]:
        """The member, opened for reading."""
        archive = self.archive.zip()
        return io.BytesIO(archive.read(self.entry)) if self.whole else archive.open(self.entry)
