"""Songs as people and programs write them: "Artist - Title", a path, a link, an ISRC.

What the readers of playlist files and services share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote

from segue.data.records import Track
from segue.data.text import spotify_uri
from segue.data.track_columns import Location

_MBID = re.compile(
    r"(?:https?://(?:\w+\.)?musicbrainz\.org/recording/|mbid:)(?P<mbid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?",
    re.IGNORECASE,
)
_MUSICBRAINZ = re.compile(r"https?://(?:\w+\.)?musicbrainz\.org/", re.IGNORECASE)
_ISRC = re.compile(r"(?:urn:)?(?:isrc:)?([A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5})", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # at least two letters: C:\ is a drive
_FILE = re.compile(r"file:(?://(?:localhost)?(?=/))?", re.IGNORECASE)
_WEB = ("http", "https", "rtsp", "rtmp", "mms")
_SHARES = ("smb", "nfs", "ftp", "ftps", "sftp", "dav", "davs", "afp", "upnp", "mtp", "content")
# "1. ", "12) ", "[3] ", "- ", "• ": what stands before the entries of a list.
_NUMBER = re.compile(r"\s*(?:#?\d{1,4}[.):]|\[\d{1,4}\]|[-*•‣·–])\s+")
# Notes, hearts and the like before a line.
_PICTURES = re.compile("\\s*[\u2190-\u2bff\U0001f000-\U0001faff\ufe0f\u200d]+\\s+")
_QUOTED_WHOLE = re.compile('["“”„«»]([^"“”„«»]+)["“”„«»]')
_NUMBER_DASH = re.compile(r"\s*\d{1,3}\s+[-–—]\s+")
_TIME = r"[(\[]?\d{1,2}:\d{2}(?::\d{2})?[)\]]?"
_STARTS_AT = re.compile(rf"\s*{_TIME}\s+(?:[-–—]\s+)?")
_LASTS = re.compile(rf"\s+{_TIME}\s*$")
_DASH = re.compile(r"\s+[-–—]{1,2}\s+|\s*\t\s*|(?<=\w)\s*[–—]\s*(?=\w)")
_BY = re.compile(r'\s*["“«„](?P<title>.+)["”»“],?\s+by\s+(?P<artist>.+)', re.IGNORECASE)
_GUESTS = re.compile(r"\s+(?:feat\.?|ft\.?|featuring)\s+|\s*;\s*", re.IGNORECASE)
# "01 ", "1-01 ", "1.01 ", "12. ", "12-", but not the 50 of "50 Cent - In da Club".
_TRACK_NUMBER = re.compile(
    r"(?:\d[-.])?(?:0\d{1,2}\s*[-_.]?\s*|\d{1,3}\s*[-_.]\s*|[1-4]\d\s+(?!.*\s[-–—]\s))(?=\D)"
)
# Folders between an artist and its songs, and folders that are not an artist.
_DISC = re.compile(r"(?:cd|dis[ck])\s*\d+", re.IGNORECASE)
_NO_ARTIST = re.compile(
    r"(?:[a-z]:|\.{0,2}|music|musik|musique|música|media|mp3s?|flac|songs|downloads?|itunes.*|"
    r"playlists?|various( artists)?|compilations|unknown artist|home|users|volumes)",
    re.IGNORECASE,
)


def song(
    title: str,
    artists: Iterable[str | tuple[str, str]] = (),
    album: str | tuple[str, str] | None = None,
    *,
    track_id: str | None = None,
    aliases: Iterable[str] = (),
    location: Location | None = None,
) -> Track:
    """A track from what a file says about it.

    Parameters
    ----------
    title
    artists
        Names, or (id, name), the main one first. An artist without an id is known by the name.
    album
        Its name, or (id, name).
    track_id
        Without one, title and main artist identify the track, as they do in tables: ``"Innuendo -
        Queen"``.
    aliases
        Further identifiers.
    location
        Where its file is.
    """
    pairs = tuple((a, a) if isinstance(a, str) else a for a in artists)
    pairs = tuple(pair for pair in pairs if pair[0])
    main = pairs[0][1] if pairs else ""
    if isinstance(album, str):
        album = (f"{album} - {main}" if main else album, album) if album else None
    track_id = track_id or (f"{title} - {main}" if main else title)
    return Track(
        track_id,
        title or track_id,
        pairs,
        album,
        aliases=tuple(aliases),
        location=location,
    )


def artists_of(credit: str) -> list[str]:
    """The artists of a credit: ``"Queen feat. David Bowie"`` has two.

    Neither a comma nor an ampersand divides: "Tyler, The Creator", "Simon & Garfunkel".
    """
    return [name.strip() for name in _GUESTS.split(credit) if name.strip()]


def alias_of(identifier: str) -> str | None:
    """The alias that an ISRC or a MusicBrainz recording means: ``"isrc:GBUM71029604"``."""
    identifier = identifier.strip()
    if match := _MBID.fullmatch(identifier):
        return f"mbid:{match['mbid'].lower()}"
    if match := _ISRC.fullmatch(identifier):
        return f"isrc:{match[1].replace('-', '').upper()}"
    return None


def identified(identifiers: Iterable[str]) -> tuple[str | None, tuple[str, ...]]:
    """The id among some identifiers, links and locations of a track, if any, and its aliases.

    Spotify's counts before others; URLs of web pages and files are not ids.
    """
    track_id, aliases = None, []
    for identifier in identifiers:
        if alias := alias_of(identifier):
            aliases.append(alias)
        elif spotify := spotify_uri(identifier):
            if not (track_id or "").startswith("spotify:"):
                track_id = spotify
        elif track_id is None and _is_id(identifier):
            track_id = identifier.strip()
    return track_id, tuple(dict.fromkeys(aliases))


def _is_id(identifier: str) -> bool:
    scheme = _SCHEME.match(identifier.strip())
    others = (*_WEB, *_SHARES, "file", "spotify", "urn")
    return scheme is not None and scheme[1].lower() not in others


def is_stream(location: str) -> bool:
    """Whether it is an address on the web."""
    scheme = _SCHEME.match(location)
    return scheme is not None and scheme[1].lower() in _WEB


def location_of(place: str, folder: Path | None) -> Location | None:
    """Where a list in a folder says that a file is; None where it says an id, or nothing of use.

    In a zip a list has no folder, so what is relative to it is nowhere.
    """
    if not place.isprintable():  # it would not be one line of a list
        return None
    scheme = _SCHEME.match(place)
    if is_stream(place) or (scheme and scheme[1].lower() in _SHARES):
        return Location(place)
    if place.lower().startswith("file:"):
        place = re.sub(r"^/(?=[A-Za-z]:)", "", unquote(_FILE.sub("", place)))
    elif scheme:
        return None
    if not place or not place.isprintable():
        return None
    if place.startswith(("/", "\\")) or PureWindowsPath(place).drive:
        return Location(place)
    if folder is None:
        return None
    return Location(place if "/" in place else place.replace("\\", "/"), str(folder.absolute()))


def no_song(uri: str) -> str | None:
    """What a Spotify URI or link names if it is not a track: ``"podcast episode"``."""
    if "spotify" not in uri:
        return None
    if uri.startswith("spotify:local:") or "open.spotify.com/local/" in uri:
        return "local file"
    if spotify_uri(uri, "episode"):
        return "podcast episode"
    return None


def song_of_line(line: str) -> tuple[str, list[str]]:
    """Title and artists of a line such as ``1. Queen - Innuendo (6:31)``.

    Without a dash, or ``"Title" by Artist``, the line is a title.
    """
    for before in (_PICTURES, _NUMBER):
        if match := before.match(line):
            line = line[match.end() :]
    line = _LASTS.sub("", line)
    for prefix in (_STARTS_AT, _NUMBER_DASH):
        match = prefix.match(line)
        rest = line[match.end() :] if match else ""
        if _DASH.search(rest):  # else "2:54 - Creeping" and "311 - Amber" name an artist
            line = rest
    if match := _BY.fullmatch(line):
        return match["title"].strip(), artists_of(match["artist"])
    parts = [part.strip() for part in _DASH.split(line.strip(), maxsplit=1)]
    if len(parts) == 2 and all(parts):
        quoted = [_QUOTED_WHOLE.fullmatch(part) for part in parts]
        if quoted[0] and not quoted[1]:
            return quoted[0][1].strip(), artists_of(parts[1])
        return (quoted[1][1].strip() if quoted[1] else parts[1]), artists_of(parts[0])
    return line.strip(), []


def song_of_path(path: str) -> tuple[str, list[str], str]:
    r"""Title, artists and album, as far as a path has them: ``Queen\Innuendo\01 Innuendo.mp3``."""
    if path.lower().startswith("file:"):
        path = unquote(path[5:])
    elif scheme := _SCHEME.match(path):
        path = re.sub("^//[^/]*/", "", path[scheme.end() :])  # without the name of a server
    parts = [part for part in re.split(r"[/\\]", path) if part]
    *folders, file = parts or [""]
    stem = re.sub(r"\.\w{1,5}$", "", file) or file
    if "%" in stem and "%" not in unquote(stem):
        stem, folders = unquote(stem), [unquote(folder) for folder in folders]
    if " " not in stem:
        stem = stem.replace("_", " ")
    if match := _TRACK_NUMBER.match(stem):
        stem = stem[match.end() :]
    folders = [folder for folder in folders if not _DISC.fullmatch(folder)]
    title, artists = song_of_line(stem)
    if artists:
        # "Artist - Album - 01 - Title"
        pieces = [piece.strip() for piece in _DASH.split(stem)]
        number = [at for at, piece in enumerate(pieces) if re.fullmatch(r"\d{1,3}", piece)]
        if len(pieces) == 4 and number == [2]:
            return pieces[3], artists_of(pieces[0]), pieces[1]
        return title, artists, ""
    above = [folder for folder in folders[-2:] if not _NO_ARTIST.fullmatch(folder)]
    if len(above) == 2:
        return title, artists_of(above[0]), above[1]
    if folders and above and above[-1] == folders[-1]:
        return title, artists_of(above[-1]), ""
    return title, [], ""
