"""Descriptions of tracks as columns, in which many are read and stored at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Location(NamedTuple):
    """Where a track's file is.

    Attributes
    ----------
    place
        A path or an address on the web.
    folder
        The folder that the path is relative to; empty if to none.
    """

    place: str
    folder: str = ""


@dataclass(frozen=True, eq=False)
class TrackColumns:
    """Some tracks, a row each.

    Attributes
    ----------
    ids, names : Arrow string [num_rows]
    artist_ids, artist_names : Arrow list of string [num_rows]
        The main one first; empty where none is known.
    album_ids, album_names : Arrow string [num_rows]
        Null where none is known.
    aliases, locations : dict
        By row; few sources know any.
    """

    NAMES: ClassVar = (
        "ids", "names", "artist_ids", "artist_names", "album_ids", "album_names",
    )  # fmt: skip

    ids: pa.Array
    names: pa.Array
    artist_ids: pa.Array
    artist_names: pa.Array
    album_ids: pa.Array
    album_names: pa.Array
    aliases: Mapping[int, Sequence[str]] = field(default_factory=dict)
    locations: Mapping[int, Location] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.ids)

    @property
    def columns(self) -> dict[str, pa.Array]:
        """The Arrow columns by name."""
        return {name: getattr(self, name) for name in self.NAMES}

    def take(self, rows: NDArray[np.int64]) -> TrackColumns:
        """Some of the rows; `rows` ascend."""
        if len(rows) == len(self):
            return self
        places = pa.array(rows)
        columns = {name: column.take(places) for name, column in self.columns.items()}
        aliases, locations = self.aliases, self.locations
        if aliases or locations:
            new_row = dict(zip(rows.tolist(), range(len(rows)), strict=True))
            aliases = {new_row[row]: those for row, those in aliases.items() if row in new_row}
            locations = {new_row[row]: it for row, it in locations.items() if row in new_row}
        return TrackColumns(**columns, aliases=aliases, locations=locations)

    @classmethod
    def joined(cls, parts: Sequence[TrackColumns]) -> TrackColumns:
        """The rows of all parts, of which there is at least one."""
        if len(parts) == 1:
            return parts[0]
        columns = {
            name: pa.concat_arrays([part.columns[name] for part in parts])
            for name in parts[0].columns
        }
        aliases: dict[int, Sequence[str]] = {}
        locations: dict[int, Location] = {}
        start = 0
        for part in parts:
            aliases |= {start + row: those for row, those in part.aliases.items()}
            locations |= {start + row: location for row, location in part.locations.items()}
            start += len(part)
        return cls(**columns, aliases=aliases, locations=locations)
