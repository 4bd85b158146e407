"""Which columns of a table hold which *fields*, by name or by number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from segue.data.records import TableOptions
from segue.data.text import shorten
from segue.errors import InputError

# Fields and the names by which their columns are found, the likeliest first. Case, spaces and
# punctuation do not matter: `userId` is `user_id`. A column is used for one field only, so a plain
# `track` is an id, but next to a `track_id` it is the name.
FIELDS = {
    "playlist": ("playlistid", "playlisturi", "pid", "playlist", "userid", "user", "sessionid"),
    "track": ("trackid", "trackuri", "songid", "itemid", "movieid", "track", "song", "item"),
    "artist": ("artistid", "artisturi", "artist", "artistname"),
    "album": ("albumid", "albumuri", "album"),
    "title": ("title", "playlisttitle", "playlistname", "playlist"),
    "position": ("position", "pos"),
    "track_name": ("trackname", "songname", "track", "song"),
    "artist_name": ("artistname", "artist"),
    "album_name": ("albumname", "album"),
}
_KNOWN = {name for names in FIELDS.values() for name in names}
# One column may be given for both: the id is then the name.
_ID_AND_NAME = ({"playlist", "title"}, *({kind, f"{kind}_name"} for kind in FIELDS))
# A table of these holds bare interactions: that it names no artist is not an oversight, and the
# order of its rows means nothing.
_INTERACTIONS = {"item", "itemid", "movieid", "user", "userid"}
_RECBOLE_TYPE = re.compile(r":(token|float)(_seq)?$")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_MANY_COLUMNS = 20


@dataclass(frozen=True)
class Columns:
    """The columns of one table.

    Attributes
    ----------
    table : str
        The table's name in messages.
    header : list of str
        The names of the columns, or their numbers from 1 if there is no header.
    has_header : bool
    column_index : dict of str to int
        Field → index of its column, counted from 0.
    artist_separator : str or None
        Separator between several artists in one cell.
    """

    table: str
    header: list[str]
    has_header: bool
    column_index: dict[str, int]
    artist_separator: str | None = None

    def __str__(self) -> str:
        """``playlist = userId, track = movieId; no artists``."""
        found = ", ".join(f"{field} = {self.header[at]}" for field, at in self.column_index.items())
        return found if "artist" in self.column_index else f"{found}; no artists"

    @property
    def has_ids(self) -> bool:
        """Whether tracks have ids; otherwise name and artist identify them."""
        return "track" in self.column_index

    @property
    def ordered(self) -> bool:
        """Whether the order of the rows may be meaningful: not for bare interactions."""
        return "position" in self.column_index or not self._interactions

    @property
    def _interactions(self) -> bool:
        if not self.has_header:
            return "artist" not in self.column_index
        ids = (
            self.column_index[field]
            for field in ("playlist", "track")
            if field in self.column_index
        )
        return any(_key(self.header[at]) in _INTERACTIONS for at in ids)

    def shown(self, field: str) -> str:
        """A column's name in messages."""
        at = self.column_index[field]
        return f"`{shorten(self.header[at], 60)}`" if self.has_header else f"column {at + 1}"


def looks_like_header(cells: list[str], stated: Mapping[str, str]) -> bool:
    """Whether the first row of a text holds names of columns.

    It does if one of them is known or was given. Otherwise it does not if all are numbers, or if
    columns were given by number.
    """
    names = {*cells, *(_RECBOLE_TYPE.sub("", cell) for cell in cells)}
    stated_names = {name for name in stated.values() if name and not name.isdecimal()}
    if all(map(_NUMBER.fullmatch, cells)):
        return False
    if names & stated_names or any(_key(cell) in _KNOWN for cell in cells):
        return True
    return stated_names != set() or not any(stated.values())


def find_columns(
    table: str, header: list[str], options: TableOptions, *, has_header: bool = True
) -> Columns:
    """Find the column of each field, as given or by its name.

    Raises
    ------
    InputError
        If a field is unknown, or a column is missing, ambiguous, or given for two fields.
    """
    wanted = options.columns
    for field in wanted:
        if field not in FIELDS:
            raise InputError(
                f"{field!r} is not a field of a table, expected one of {_list(FIELDS)}"
            )
    if not has_header:
        header = [str(number + 1) for number in range(len(header))]
    column_index = _stated(table, header, has_header, wanted)
    if has_header:
        _find_by_name(table, header, wanted, column_index)
    _check_complete(table, header, has_header, wanted, column_index)
    return Columns(
        table,
        header,
        has_header,
        {field: column_index[field] for field in FIELDS if field in column_index},
        options.artist_separator,
    )


def _stated(
    table: str, header: list[str], has_header: bool, wanted: Mapping[str, str]
) -> dict[str, int]:
    bare = [_RECBOLE_TYPE.sub("", name) for name in header]
    column_index: dict[str, int] = {}
    for field in [field for field in FIELDS if wanted.get(field)]:
        name = wanted[field]
        if name.isdecimal() and 0 < int(name) <= len(header):
            at = int(name) - 1
        else:
            places = [at for at, pair in enumerate(zip(header, bare, strict=True)) if name in pair]
            if not places:
                there = _there(header, has_header)
                raise InputError(f"{table}: has no column {name!r} for the {field}; {there}")
            at = _only(table, header, places, field)
        for other in [other for other in column_index if column_index[other] == at]:
            if {field, other} not in _ID_AND_NAME:
                raise InputError(
                    f"{table}: column {name!r} is given for both the {other} and the {field}, "
                    "expected a column for each"
                )
        column_index[field] = at
    if not has_header:
        # As in MovieLens: playlist, track, and numbers about the pair.
        defaults = {"playlist": 0}
        if "track_name" not in column_index:
            defaults["track"] = 1
        for field, at in defaults.items():
            if field not in wanted and at < len(header) and at not in column_index.values():
                column_index[field] = at
    return column_index


def _find_by_name(
    table: str, header: list[str], wanted: Mapping[str, str], column_index: dict[str, int]
) -> None:
    keys = [_key(name) for name in header]
    for field, names in FIELDS.items():
        free = ["" if at in column_index.values() else key for at, key in enumerate(keys)]
        first = next((name for name in names if name in free), None)
        if first and field not in wanted:
            places = [at for at, key in enumerate(free) if key == first]
            column_index[field] = _only(table, header, places, field)


def _check_complete(
    table: str,
    header: list[str],
    has_header: bool,
    wanted: Mapping[str, str],
    column_index: dict[str, int],
) -> None:
    interactions = "track" in column_index and _key(header[column_index["track"]]) in _INTERACTIONS
    for field in ("playlist", "track", "artist"):
        if field in column_index or (field == "track" and "track_name" in column_index):
            continue
        if field == "artist" and ("artist" in wanted or interactions or not has_header):
            continue
        none = ", or that there is none: --columns artist=" if field == "artist" else ""
        raise InputError(
            f"{table}: has no column recognised as the {field}; {_there(header, has_header)}; "
            f"say which one it is, by name or number: --columns {field}=…{none}"
        )


def _only(table: str, header: list[str], places: list[int], field: str) -> int:
    if len(places) > 1:
        raise InputError(
            f"{table}: has several columns {header[places[0]]!r}; "
            f"say which is the {field}: --columns {field}=…"
        )
    return places[0]


def _key(name: str) -> str:
    return re.sub(r"[\W_]", "", _RECBOLE_TYPE.sub("", name)).lower()


def _there(header: list[str], has_header: bool) -> str:
    if not has_header:
        return f"it has no header, its columns are 1 to {len(header)}"
    return f"its columns are {_list(header)}"


def _list(names: Mapping[str, object] | list[str]) -> str:
    shown = [shorten(name, 60) for name in names][:_MANY_COLUMNS]
    more = [f"and {len(names) - len(shown)} more"] if len(names) > len(shown) else []
    return shorten(", ".join(shown + more), 600)
