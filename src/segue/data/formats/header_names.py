"""The names that columns of tables have, in English and other languages.

Case, spaces and punctuation do not matter, see `key_of`: `userId` is `user_id`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Fields and the names by which their columns are found, the likeliest first. A column is used for
# one field only, so a plain `track` is an id, but next to a `track_id` it is the name.
FIELDS = {
    "playlist": (
        "exportid", "playlistid", "playlisturi", "pid", "playlist", "playlistname", "playlisttitle",
        "userid", "user", "username", "listener", "msno", "sessionid", "customerid", "visitorid",
        "memberid", "reviewerid",
    ),
    "track": (
        "trackid", "trackuri", "songid", "itemid", "movieid", "track", "song", "item", "productid",
        "bookid", "isbn", "asin",
    ),
    "artist": (
        "artistid", "artisturi", "artist", "artistname", "artists", "artistnames", "trackartist",
        "trackartists",
    ),
    "album": ("albumid", "albumuri", "trackalbumid", "album"),
    "title": ("playlisttitle", "playlistname", "title", "playlist"),
    "position": ("position", "pos", "rank", "playlistposition", "trackposition", "order"),
    "track_name": ("trackname", "songname", "tracktitle", "songtitle", "track", "song"),
    "artist_name": (
        "artistname", "artist", "artistnames", "artists", "trackartist", "trackartists",
    ),
    "album_name": ("albumname", "albumtitle", "trackalbumname", "album"),
    "plays": ("plays", "playcount", "listencount", "numplays", "count"),
    "isrc": ("isrc",),
    "mbid": ("mbid", "trackmbid", "recordingmbid"),
}  # fmt: skip
KNOWN = {name for names in FIELDS.values() for name in names}
USERS = {
    "user", "userid", "username", "listener", "msno", "customerid", "visitorid", "memberid",
    "reviewerid",
}  # fmt: skip
# A table of these holds bare interactions: that it names no artist is not an oversight, and the
# order of its rows means nothing.
INTERACTIONS = USERS | {"item", "itemid", "movieid", "productid", "bookid", "isbn", "asin"}
# By these a playlist has a title and no id: users may each have one of the same name.
TITLES = {"playlist", "playlistname", "playlisttitle"}
OWNERS = ("userid", "user", "username", "owner", "listener")
# Columns of times, where listens are cut into sessions; else they are pointed out, as are values
# that say how much someone likes a track.
TIMES = (
    "timestamp", "time", "listenedat", "playedat", "uts", "utctime", "datetime", "date", "unixtime",
    "ts", "scrobbledat", "scrobbletime", "isotime", "datetimeutc", "dateutc",
)  # fmt: skip
VALUES = (
    "rating", "ratings", "bookrating", "score", "stars", "target", "label", "weight", "liked",
    "interaction",
)  # fmt: skip
# What a table of tracks may say of them; there a plain name is that of a track.
PLAIN_NAMES = ("title", "name", "movietitle")

# In other languages, as players and services export tables there, and other words for the same.
_ELSEWHERE = {
    "playlistname": (
        "wiedergabeliste listedelecture nomdelaplaylist listadereproducción nombredelaplaylist "
        "nombredelalista listadereprodução nomedaplaylist afspeellijst spellista spilleliste "
        "soittolista playlista плейлист названиеплейлиста çalmalistesi プレイリスト プレイリスト名 "
        "播放列表 歌单 播放清單 플레이리스트 재생목록 listname"
    ),
    "title": (
        "titel titre título titulo titolo tittel otsikko tytuł název название назва başlık "
        "タイトル 标题 標題 제목"
    ),
    "name": "nombre nom nome navn namn naam nimi nazwa имя ad 名前 名称 名稱 이름",
    "trackname": (
        "lied liedtitel songtitel chanson morceau titredumorceau nomdutitre canción cancion pista "
        "nombredelacanción nombredelapista música faixa nomedafaixa nomedamúsica brano canzone "
        "nomebrano låt låtnamn sang sangtitel kappale utwór skladba трек песня названиетрека "
        "названиепесни композиция пісня şarkı şarkıadı parça 曲 曲名 楽曲 楽曲名 歌曲 歌名 歌曲名 "
        "歌曲名稱 单曲 곡 곡명 노래 노래제목"
    ),
    "artist": (
        "interpret interpreten künstler künstlername artiste artistes interprète nomdelartiste "
        "artista artistas intérprete nombredelartista nomedoartista artiest uitvoerder artistnamn "
        "kunstner esittäjä artisti wykonawca artysta umělec исполнитель исполнители артист "
        "имяисполнителя виконавець sanatçı アーティスト アーティスト名 歌手 艺人 "
        "艺术家 藝人 演出者 아티스트 가수 performer singer band"
    ),
    "album": (
        "albumtitel álbum nomdelalbum nombredelálbum nomedoálbum albumi альбом названиеальбома "
        "albüm アルバム アルバム名 专辑 專輯 앨범"
    ),
}
_TRANSLATED = {word: key for key, words in _ELSEWHERE.items() for word in words.split()}
_RECBOLE_TYPE = re.compile(r":(token|float)(_seq)?$")


def bare_name(name: str) -> str:
    """A column's name without RecBole's type."""
    return _RECBOLE_TYPE.sub("", name)


def key_of(name: str) -> str:
    """A column's name without case, spaces, punctuation and RecBole's type; in English."""
    key = re.sub(r"[\W_]", "", bare_name(name)).lower()
    return _TRANSLATED.get(key, key)


def is_translated(name: str) -> bool:
    """Whether a column's name is known in another language."""
    return re.sub(r"[\W_]", "", name).lower() in _TRANSLATED


def names_columns(cells: Sequence[str]) -> bool:
    """Whether at least two cells are names by which columns are found."""
    return sum(key_of(cell) in KNOWN or key_of(cell) in TIMES for cell in cells) > 1
