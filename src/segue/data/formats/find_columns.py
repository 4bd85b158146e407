"""Finding which columns of a table hold which *fields*, as given, by name or by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segue.data.formats.columns import Columns
from segue.data.formats.header_names import (
    FIELDS,
    INTERACTIONS,
    KNOWN,
    OWNERS,
    PLAIN_NAMES,
    TIMES,
    USERS,
    bare_name,
    key_of,
)
from segue.data.formats.headerless import MSD_SONG, OF_ARTISTS, by_place
from segue.data.records import TableOptions
from segue.data.text import shorten
from segue.errors import InputError

# One column may be given for both: the id is then the name.
_ID_AND_NAME = ({"playlist", "title"}, *({kind, f"{kind}_name"} for kind in FIELDS))
_IDS = ("id", "ids", "uri", "uris", "mbid", "key")  # How columns of ids end.
# What a table of tracks may say of them; there a plain name is that of a track.
_OF_TRACKS = ("track_name", "artist_name", "album_name", "isrc", "mbid")
_MANY_COLUMNS = 20


class UnrelatedTableError(InputError):
    """A table has neither playlists nor tracks."""


def find_columns(
    table: str,
    header: list[str],
    options: TableOptions,
    *,
    has_header: bool = True,
    sample: Sequence[Sequence[str]] = (),
) -> Columns:
    """Find the column of each field, as given or by its name.

    Parameters
    ----------
    sample
        The first rows of a table without a header: their contents say more than their places.

    Raises
    ------
    InputError
        If a field is unknown, or a column is missing, ambiguous, or given for two fields.
    """
    wanted = dict(options.columns)
    for name in wanted:
        if name not in FIELDS:
            raise InputError(f"{name!r} is not a field of a table, expected one of {_list(FIELDS)}")
    if not has_header:
        header = [str(number + 1) for number in range(len(header))]
    owner = _owner(table, header, has_header, wanted)
    column_index = _stated(table, header, has_header, wanted)
    listening = options.listening
    listens = listening is not None
    of_artists = False
    if has_header:
        _find_by_name(table, header, wanted, column_index)
        of_artists = _takes_artists(header, wanted, column_index)
        listens |= _is_history(header, wanted, column_index)
        if not owner and "playlist" not in wanted:
            owner = _found_owner(header, column_index)
        if listens and "position" not in {**column_index, **wanted}:
            _find_time(header, column_index)
    else:
        placed, heard = by_place(wanted, column_index, len(header), sample)
        column_index |= placed
        listens |= heard
    _check_complete(table, header, has_header, wanted, column_index, listens=listens)
    of_artists |= not has_header and not wanted and column_index == OF_ARTISTS
    if "plays" not in wanted and not (listening and listening.top):
        column_index.pop("plays", None)
    if listens and not (listening and listening.top) and "position" not in column_index:
        raise InputError(
            f"{table}: has no column recognised as the time of a listen; "
            f"{_there(header, has_header)}; say which one it is: --columns position=…"
        )
    return Columns(
        table,
        header,
        has_header,
        {name: column_index[name] for name in FIELDS if name in column_index},
        options.artist_separator,
        owner,
        {
            _place(table, header, has_header, column, "least value"): float(value)
            for column, value in options.at_least.items()
        },
        listens,
        bool(wanted.get("position")) or _names_position(header, column_index),
        of_artists,
    )


def name_columns(
    table: str, header: list[str], *, has_header: bool, sample: Sequence[Sequence[str]] = ()
) -> Columns:
    """The columns of a table that has names for the ids of tracks, and no playlists.

    Raises
    ------
    InputError
        If there is no column for the ids, or none for names.
    """
    width, found = len(header), dict[str, int]()
    if has_header:
        keys = [key_of(name) for name in header]
        for name in ("track", *_OF_TRACKS):
            names = FIELDS[name] if name != "track_name" else (*FIELDS[name], *PLAIN_NAMES)
            names = (*names, "id") if name == "track" else names
            free = ["" if at in found.values() else key for at, key in enumerate(keys)]
            first = next((key for key in names if key in free), None)
            if first:
                found[name] = free.index(first)
    else:
        header = [str(number + 1) for number in range(width)]
        found = {"track": 0, "track_name": 1}
        rows = [row for row in sample if len(row) == width]
        if width == 4 and rows and all(MSD_SONG.fullmatch(row[1]) for row in rows):
            # The Million Song Dataset's unique_tracks.txt: track, song, artist, title.
            found = {"track": 1, "artist_name": 2, "track_name": 3}
    if "track" not in found or len(found) == 1 or max(found.values()) >= width:
        raise InputError(
            f"{table}: has no columns recognised as ids and names of tracks; "
            f"{_there(header, has_header)}; expected for example track_id and track_name"
        )
    return Columns(table, header, has_header, found)


def _owner(table: str, header: list[str], has_header: bool, wanted: dict[str, str]) -> list[int]:
    """The further columns of ``playlist=user_id+name``; `wanted` keeps the last one."""
    stated = wanted.get("playlist", "")
    if "+" not in stated or stated in header:
        return []
    *owners, wanted["playlist"] = (part.strip() for part in stated.split("+"))
    return [_place(table, header, has_header, column, "playlist") for column in owners]


def _stated(
    table: str, header: list[str], has_header: bool, wanted: Mapping[str, str]
) -> dict[str, int]:
    column_index: dict[str, int] = {}
    for name in [name for name in FIELDS if wanted.get(name)]:
        at = _place(table, header, has_header, wanted[name], name)
        for other in [other for other in column_index if column_index[other] == at]:
            if {name, other} not in _ID_AND_NAME:
                raise InputError(
                    f"{table}: column {wanted[name]!r} is given for both the {other} and the "
                    f"{name}, expected a column for each"
                )
        column_index[name] = at
    return column_index


def _place(table: str, header: list[str], has_header: bool, column: str, what: str) -> int:
    """The index of a column, by its name or number."""
    if column.isdecimal() and 0 < int(column) <= len(header):
        return int(column) - 1
    bare = [bare_name(name) for name in header]
    places = [at for at, pair in enumerate(zip(header, bare, strict=True)) if column in pair]
    if not places:
        there = _there(header, has_header)
        raise InputError(f"{table}: has no column {column!r} for the {what}; {there}")
    return _only(table, header, places, what)


def _find_by_name(
    table: str, header: list[str], wanted: Mapping[str, str], column_index: dict[str, int]
) -> None:
    keys = [key_of(name) for name in header]
    for name, names in FIELDS.items():
        free = ["" if at in column_index.values() else key for at, key in enumerate(keys)]
        stated = column_index["artist"] if wanted.get("artist") else None
        if name == "artist_name" and stated is not None and not keys[stated].endswith(_IDS):
            continue  # It holds the names: another column is about something else.
        first = next((key for key in names if key in free), None)
        if first and name not in wanted:
            places = [at for at, key in enumerate(free) if key == first]
            column_index[name] = _only(table, header, places, name)
    if "track" not in column_index and "track_name" not in {**column_index, **wanted}:
        # Beside a playlist and an artist, a plain title is that of the song.
        for key in ("title", "name"):
            if key in keys and "title" not in wanted:
                at = _only(table, header, [at for at, k in enumerate(keys) if k == key], "track")
                if column_index.get("title") == at:
                    del column_index["title"]
                if at not in column_index.values():
                    column_index["track_name"] = at
                    break
    if "title" not in {**column_index, **wanted} and "playlist" in column_index:
        at = column_index["playlist"]
        if keys[at] in ("playlistname", "playlisttitle"):
            column_index["title"] = at


def _takes_artists(
    header: list[str], wanted: Mapping[str, str], column_index: dict[str, int]
) -> bool:
    """Whether the artists are the tracks: listeners have artists, and nothing else is known."""
    keys = {name: key_of(header[at]) for name, at in column_index.items()}
    if wanted or keys.get("playlist") not in USERS or {"track", "track_name"} & column_index.keys():
        return False
    if "artist" not in column_index:
        return False
    column_index["track"] = column_index.pop("artist")
    if "artist_name" in column_index:
        column_index["track_name"] = column_index.pop("artist_name")
    return True


def _names_position(header: list[str], column_index: Mapping[str, int]) -> bool:
    """Whether a column is called a position; that of a time is found otherwise."""
    at = column_index.get("position")
    return at is not None and key_of(header[at]) in FIELDS["position"]


def _found_owner(header: list[str], column_index: Mapping[str, int]) -> list[int]:
    """The column that names the user, where a playlist has a title of its own and no id."""
    keys = [key_of(name) for name in header]
    if "playlist" not in column_index or keys[column_index["playlist"]] not in (
        "playlistname",
        "playlisttitle",
    ):
        return []
    owners = [keys.index(key) for key in OWNERS if key in keys]
    return [at for at in owners if at not in column_index.values()][:1]


def _is_history(header: list[str], wanted: Mapping[str, str], column_index: dict[str, int]) -> bool:
    """Whether it is one person's listening history: tracks, times and no playlist.

    A plain ``track`` is then a name.
    """
    keys = [key_of(name) for name in header]
    named = {"track", "track_name"} & column_index.keys()
    if wanted or "playlist" in column_index or not named or not {*TIMES} & {*keys}:
        return False
    at = column_index.get("track")
    if at is not None and keys[at] in ("track", "song") and "artist" in column_index:
        del column_index["track"]
        column_index["track_name"] = at
    return True


def _find_time(header: list[str], column_index: dict[str, int]) -> None:
    keys = [key_of(name) for name in header]
    for key in TIMES:
        if key in keys and keys.index(key) not in column_index.values():
            column_index["position"] = keys.index(key)
            return


def _check_complete(
    table: str,
    header: list[str],
    has_header: bool,
    wanted: Mapping[str, str],
    column_index: dict[str, int],
    *,
    listens: bool,
) -> None:
    ids = [header[column_index[name]] for name in ("playlist", "track") if name in column_index]
    interactions = any(key_of(column) in INTERACTIONS for column in ids)
    for name in ("playlist", "track", "artist"):
        if name in column_index or (name == "track" and "track_name" in column_index):
            continue
        if name == "playlist" and listens:
            continue  # of one person
        if name == "artist" and ("artist" in wanted or interactions or not has_header):
            continue
        more = ""
        if name == "artist":
            more = ", or that there is none: --columns artist="
        elif has_header and not any(key_of(column) in KNOWN for column in header):
            more = "; if that is no header: --no-header"
        elif name == "track" and "artist" in column_index:
            artist = header[column_index["artist"]]
            more = f"; to take artists for tracks: --columns track={artist},artist="
        nothing = has_header and not {"playlist", "track", "track_name"} & column_index.keys()
        kind = UnrelatedTableError if nothing and not wanted else InputError
        raise kind(
            f"{table}: has no column recognised as the {name}; {_there(header, has_header)}; "
            f"say which one it is, by name or number: --columns {name}=…{more}"
        )


def _only(table: str, header: list[str], places: list[int], what: str) -> int:
    if len(places) > 1:
        raise InputError(
            f"{table}: has several columns {header[places[0]]!r}; "
            f"say which is the {what}: --columns {what}=…"
        )
    return places[0]


def _there(header: list[str], has_header: bool) -> str:
    if not has_header:
        return f"it has no header, its columns are 1 to {len(header)}"
    return f"its columns are {_list(header)}"


def _list(names: Mapping[str, object] | list[str]) -> str:
    shown = [shorten(name, 60) for name in names][:_MANY_COLUMNS]
    more = [f"and {len(names) - len(shown)} more"] if len(names) > len(shown) else []
    return shorten(", ".join(shown + more), 600)
