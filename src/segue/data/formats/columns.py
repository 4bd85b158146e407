"""`Columns`: which columns of a table hold which *fields*, and what follows for its playlists."""

from __future__ import annotations

from dataclasses import dataclass, field

from segue.data.formats.header_names import (
    FIELDS,
    INTERACTIONS,
    TIMES,
    TITLES,
    USERS,
    VALUES,
    key_of,
)
from segue.data.text import shorten


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
    owner : list of int
        Indices of the columns that name a playlist together with that of ``playlist``, before it.
    at_least : dict of int to float
        Index of a column → the least value that counts.
    listens : bool
        Whether the rows are a listening history.
    order_stated : bool
        Whether someone has said which column is the position, or its name does.
    of_artists : bool
        Whether the tracks are artists, as what listeners have is known of artists only.
    """

    table: str
    header: list[str]
    has_header: bool
    column_index: dict[str, int]
    artist_separator: str | None = None
    owner: list[int] = field(default_factory=list)
    at_least: dict[int, float] = field(default_factory=dict)
    listens: bool = False
    order_stated: bool = False
    of_artists: bool = False

    def __str__(self) -> str:
        """``playlist = userId, track = movieId; no artists``."""
        shown = {name: self.header[at] for name, at in self.column_index.items()}
        owners = [self.header[at] for at in self.owner]
        if "playlist" in shown:
            shown["playlist"] = " + ".join([*owners, shown["playlist"]])
        found = ", ".join(f"{name} = {column}" for name, column in shown.items())
        if "artist" not in shown:
            found += "; no artists"
        return f"{found}; a listening history" if self.listens else found

    @property
    def has_ids(self) -> bool:
        """Whether tracks have ids; otherwise name and artist identify them."""
        return "track" in self.column_index

    @property
    def used(self) -> list[int]:
        """Indices of the columns that are read."""
        return sorted({*self.column_index.values(), *self.owner, *self.at_least})

    @property
    def exported(self) -> bool:
        """Whether Segue wrote the table: each list has an id of its own, and artists may lack."""
        return self.has_header and "exportid" in map(key_of, self.header)

    @property
    def ordered(self) -> bool:
        """Whether the order of the rows may be meaningful: not for bare interactions."""
        return "position" in self.column_index or not self._interactions

    @property
    def users(self) -> bool:
        """Whether the playlists are users."""
        if not self.has_header or "playlist" not in self.column_index:
            return self.listens or self._interactions
        return self._key_of("playlist") in USERS

    @property
    def named(self) -> bool:
        """Whether playlists are told apart by their titles alone."""
        if not self.has_header or self.owner or "playlist" not in self.column_index:
            return False
        return self._key_of("playlist") in TITLES

    @property
    def unused(self) -> list[str]:
        """What recognised columns would do that are not read: sentences."""
        if self.exported:
            return []
        keys = {key_of(name): at for at, name in enumerate(self.header) if self.has_header}
        free = {key: self.header[at] for key, at in keys.items() if at not in self.used}
        said = ["the tracks are artists: there are no others"] if self.of_artists else []
        said += [
            f"`{free[key]}` is not used, every row counts: "
            f"--at-least {free[key]}=… leaves out the others"
            for key in VALUES
            if key in free
        ]
        plays = next((free[key] for key in FIELDS["plays"] if key in free), None)
        if plays is not None and self.users:
            said.append(f"`{plays}` is not used: --top N takes each listener's most played tracks")
        time = next((free[key] for key in TIMES if key in free), None)
        if time is not None and self.users and "position" not in self.column_index:
            said.append(
                f"`{time}` is not used: --columns position={time} puts tracks in its order, "
                "--session-gap MINUTES cuts sessions"
            )
        return said

    @property
    def _interactions(self) -> bool:
        if not self.has_header:
            return "artist" not in self.column_index
        ids = (name for name in ("playlist", "track") if name in self.column_index)
        return any(self._key_of(name) in INTERACTIONS for name in ids)

    def _key_of(self, name: str) -> str:
        return key_of(self.header[self.column_index[name]])

    def shown(self, name: str) -> str:
        """A field's column in messages."""
        return self.shown_column(self.column_index[name])

    def shown_column(self, at: int) -> str:
        """A column in messages."""
        return f"`{shorten(self.header[at], 60)}`" if self.has_header else f"column {at + 1}"
