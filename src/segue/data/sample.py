"""The shipped sample: real songs as facts, and playlists that are generated over them.

``sample.tsv`` lists songs with their artist, album, year, genre, sub-genre and mood. No person
made any of the playlists: `sample_playlists` invents listeners with hidden tastes and draws what
they might have put together, so that the whole of Segue can be tried without a download. What
it recommends from them says nothing about what anybody listens to.

The model: a *scene* is a hidden cluster of artists around a home sub-genre that reaches into
related genres. A listener likes up to three scenes. A playlist has a kind (a genre, a mood, a
decade, an artist …), and a song gets into it by taste × popularity × fit to the kind.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.mpd import write_slice
from segue.errors import ArtefactError, InputError

COLUMNS = ("track", "artist", "album", "year", "genre", "subgenre", "mood")
YEARS = range(1900, 2031)
SLICE_SIZE = 1000

# Each genre with those that its listeners also like.
GENRES = {
    "african": ("reggae", "latin", "arabic", "blues"),
    "alternative": ("rock", "indie", "punk"),
    "ambient & score": ("electronic", "jazz"),
    "arabic": ("african", "european pop"),
    "blues": ("rock", "soul", "jazz"),
    "country": ("folk", "rock"),
    "east asian pop": ("pop", "r&b", "electronic"),
    "electronic": ("pop", "indie", "funk & disco", "ambient & score"),
    "european pop": ("pop", "folk", "electronic"),
    "folk": ("country", "indie", "rock"),
    "funk & disco": ("soul", "electronic", "pop"),
    "hip hop": ("r&b", "funk & disco", "reggae"),
    "indie": ("alternative", "folk", "electronic"),
    "jazz": ("blues", "soul", "latin"),
    "latin": ("pop", "reggae", "jazz"),
    "metal": ("rock", "punk", "alternative"),
    "pop": ("r&b", "funk & disco", "electronic"),
    "punk": ("alternative", "metal", "reggae"),
    "r&b": ("soul", "hip hop", "pop"),
    "reggae": ("hip hop", "african", "latin"),
    "rock": ("alternative", "blues", "metal", "folk"),
    "soul": ("r&b", "funk & disco", "blues"),
}
# Each mood with the titles that such playlists bear.
MOODS = {
    "angry": ("angry", "rage", "scream it out", "mad", "bad day"),
    "calm": ("Chill", "chill", "study", "relax", "Sunday morning", "coffee", "sleep"),
    "defiant": ("fight songs", "attitude", "rebel", "not today", "badass"),
    "dreamy": ("dreamy", "late night drive", "night", "floating", "sleep", "stargazing"),
    "energetic": ("workout", "gym", "running", "Pump Up", "energy", "workout 2"),
    "happy": ("happy", "good vibes", "feel good", "sunshine", "Summer", "good mood"),
    "melancholy": ("sad songs", "sad", "in my feelings", "rainy day", "heartbreak", "3am"),
    "nostalgic": ("throwback", "Throwbacks", "nostalgia", "memories", "the good old days", "tbt"),
    "party": ("party", "kitchen disco", "friday night", "dance", "house party", "pregame"),
    "romantic": ("love songs", "love", "date night", "wedding", "slow dance", "romance"),
}
MIXED = (
    "road trip", "Road Trip", "favorites", "my music", "everything", "on repeat", "car", "random",
    "jams", "shower", "work", "cooking", "bangers", "My Playlist", "stuff", "new", "summer 2017",
    "drive", "good stuff", "music", "old and new", "weekend",
)  # fmt: skip
STYLE = ("{}", "{}", "{}", "{} mix", "{} favorites", "best of {}", "{} playlist", "{} vibes")
MOOD_STYLE = ("{} {}", "{} {}", "{} ({})")
DECADE = ("{}s", "{}s", "the {}s", "{}s music", "{}s hits", "best of the {}s", "{}s throwback")
DECADE_GENRE = ("{}s {}", "{}s {}", "{}s {} mix", "best {}s {}", "{}s {} throwback")
ARTIST = ("{}", "{}", "{}", "best of {}", "{} & more", "{} mix", "Essential {}", "like {}")
# Titles in the language of the songs, by sub-genre.
LOCAL = {
    "bossa nova": ("bossa nova", "música brasileira", "Rio"),
    "chanson": ("chanson française", "Paris", "chansons"),
    "city pop": ("シティポップ", "夜のドライブ"),
    "classic arabic": ("طرب", "أغاني قديمة"),
    "italian pop": ("musica italiana", "canzoni"),
    "j-pop": ("邦楽", "Jポップ", "カラオケ"),
    "k-pop": ("케이팝", "노래방", "kpop"),
    "latin pop": ("música latina", "amor", "en español"),
    "modern arabic": ("أغاني عربية", "عربي"),
    "reggaeton": ("perreo", "fiesta", "reggaetón"),
    "rock en español": ("rock en español", "rock en tu idioma"),
    "russian rock": ("русский рок", "рок"),
    "salsa": ("para bailar", "salsa vieja"),
    "schlager": ("Schlagerparty", "deutsche Musik"),
}
EMOJI = ("🔥", "❤️", "✨", "🎶", "☀️")

KINDS = ("genre", "subgenre", "mood", "era", "artist", "mixed")
KIND_SHARES = (0.17, 0.15, 0.20, 0.17, 0.12, 0.19)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def slug(name: str) -> str:
    """A name as part of an id: ``"Beyoncé & Jay-Z"`` → ``"beyonce-jay-z"``.

    Letters and digits of any script stay, accents go, all else becomes one hyphen. A name
    without any, such as ``"÷"``, is spelt in code points: ``"u00f7"``.
    """
    folded = unicodedata.normalize("NFKD", name).lower()
    # Accents of Latin, Greek and Cyrillic go; what other scripts compose is put together again.
    folded = "".join(c for c in folded if not "\u0300" <= c <= "\u036f")
    folded = unicodedata.normalize("NFC", folded)
    # Marks (M) are the vowels of some scripts.
    kept = (c if unicodedata.category(c)[0] in "LNM" else " " for c in folded)
    return "-".join("".join(kept).split()) or "-".join(f"u{ord(c):04x}" for c in name)


@dataclass(frozen=True)
class Song:
    """One song of the sample, as facts.

    Attributes
    ----------
    track, artist, album
        Names.
    year
        Of the album.
    genre, subgenre, mood
        Of the artist's kind of music, and of the song.
    """

    track: str
    artist: str
    album: str
    year: int
    genre: str
    subgenre: str
    mood: str

    @cached_property
    def track_id(self) -> str:
        """``segue:track:<artist>:<title>``, see `slug`."""
        return f"segue:track:{slug(self.artist)}:{slug(self.track)}"

    @cached_property
    def artist_id(self) -> str:
        """``segue:artist:<artist>``."""
        return f"segue:artist:{slug(self.artist)}"

    @cached_property
    def album_id(self) -> str:
        """``segue:album:<artist>:<album>``."""
        return f"segue:album:{slug(self.artist)}:{slug(self.album)}"


def load_songs(path: Path | None = None) -> list[Song]:
    """Read the songs of the shipped sample, or of another file of its form.

    Raises
    ------
    InputError
        Naming the line and what was expected: a line is malformed, a genre, mood or year is
        not known, a song stands twice, or two lines contradict each other (an artist of two
        spellings or genres, an album of two spellings or years, a sub-genre of two genres).
    """
    try:
        source = path or resources.files("segue.data").joinpath("sample.tsv")
        lines = source.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    name = str(path or "sample.tsv")
    if lines[0] != "\t".join(COLUMNS):
        raise InputError(f"{name}: line 1: expected the header {', '.join(COLUMNS)}, by tabs")
    songs: list[Song] = []
    stated: dict[tuple[str, str], tuple[object, int]] = {}
    for number, line in enumerate(lines[1:], start=2):
        try:
            song = _parse(line)
            facts: list[tuple[str, str, object]] = [
                ("spelling of artist", song.artist_id, song.artist),
                ("spelling of album", song.album_id, song.album),
                ("genre of artist", song.artist, song.genre),
                ("genre of sub-genre", song.subgenre, song.genre),
                ("year of album", song.album_id, song.year),
                ("line for song", song.track_id, number),
            ]
            for what, key, value in facts:
                earlier, at = stated.setdefault((what, key), (value, number))
                if earlier != value:
                    raise ValueError(
                        f"expected one {what} {key}, got {value!r} here and {earlier!r} in line {at}"
                    )
        except ValueError as error:
            raise InputError(f"{name}: line {number}: {error}") from None
        songs.append(song)
    return songs


def _parse(line: str) -> Song:
    """One line, checked for itself (ValueError)."""
    values = line.split("\t")
    if len(values) != len(COLUMNS) or any(not v or v != v.strip() for v in values):
        raise ValueError(f"expected {len(COLUMNS)} values, none of them empty or padded: {line!r}")
    track, artist, album, year, genre, subgenre, mood = values
    if not (year.isascii() and year.isdigit() and int(year) in YEARS):
        raise ValueError(f"expected a year from {YEARS[0]} to {YEARS[-1]}, got {year!r}")
    for what, value, known in (("genre", genre, GENRES), ("mood", mood, MOODS)):
        if value not in known:
            raise ValueError(f"{what} {value!r} is not known, expected one of {', '.join(known)}")
    return Song(track, artist, album, int(year), genre, subgenre, mood)


class _World:
    """The hidden side: what the songs are like, how popular they are, and which scenes exist."""

    def __init__(self, songs: list[Song], rng: np.random.Generator) -> None:
        self.songs = songs
        artists = {song.artist: song for song in songs}
        row = {artist: at for at, artist in enumerate(artists)}
        self.artist = np.array([row[song.artist] for song in songs])
        self.year = np.array([song.year for song in songs])
        self.columns = {
            column: np.array([getattr(song, column) for song in songs])
            for column in ("artist", "genre", "subgenre", "mood")
        }
        # Zipf twice: over artists (those with more songs here tend to be the better known), and
        # over the songs of each.
        num_songs = np.bincount(self.artist)
        fame = np.empty(len(artists))
        order = np.argsort(-num_songs * rng.lognormal(0, 0.7, len(artists)), kind="stable")
        fame[order] = (np.arange(len(artists)) + 10.0) ** -0.4
        hits = np.concatenate([rng.permutation(n) for n in num_songs])
        by_artist = np.argsort(self.artist, kind="stable")
        self.popularity = fame[self.artist]
        self.popularity[by_artist] *= (hits + 1.0) ** -0.45

        # One scene or more around each sub-genre, at a time; gamma weights of a small shape
        # leave many artists out, so that neighbours in a genre need not share an audience.
        homes = list({song.subgenre: song for song in songs}.values())
        homes += [songs[at] for at in rng.integers(len(songs), size=len(homes) // 2)]
        years = np.bincount(self.artist, self.year) / num_songs
        self.home_genre = [home.genre for home in homes]
        self.scenes = np.empty((len(homes), len(artists)))
        for scene, home in zip(self.scenes, homes, strict=True):
            close = np.array([_closeness(home, other) for other in artists.values()])
            close *= np.exp(-np.abs(years - home.year) / 15)
            scene[:] = close * rng.gamma(0.5, size=len(artists)) + 1e-9
            scene /= scene.sum()

    def listener(self, rng: np.random.Generator) -> IntArray:
        """Up to three scenes, the others mostly of genres near the first."""
        first = int(rng.integers(len(self.scenes)))
        genre = self.home_genre[first]
        near = np.array([1.0 if g in (genre, *GENRES[genre]) else 0.1 for g in self.home_genre])
        others = rng.choice(
            len(near), size=int(rng.integers(1, 3)), replace=False, p=near / near.sum()
        )
        return np.array([first, *(other for other in others if other != first)])


def _closeness(home: Song, artist: Song) -> float:
    if artist.subgenre == home.subgenre:
        return 1.0
    if artist.genre == home.genre:
        return 0.3
    return 0.1 if artist.genre in GENRES[home.genre] else 0.002


def sample_playlists(num_playlists: int = 2000, rng_seed: int = 0) -> list[dict[str, Any]]:
    """Generate playlists over the shipped songs, in the form of the MPD. Nobody made them.

    Parameters
    ----------
    num_playlists
        How many.
    rng_seed
        For everything that is drawn; the same seed gives the same playlists.

    Returns
    -------
    list of dict
        With ``pid`` from 0, ``name``, ``tracks`` and the other fields of the MPD, except
        durations.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    if num_playlists < 1:
        raise InputError(f"number of playlists {num_playlists} must be at least 1")
    if rng_seed < 0:
        raise InputError(f"seed {rng_seed} must be at least 0")
    songs = load_songs()
    rng = np.random.default_rng(rng_seed)
    world = _World(songs, rng)
    listeners = [world.listener(rng) for _ in range(-(-num_playlists // 3))]
    records = [
        {
            "track_uri": song.track_id,
            "track_name": song.track,
            "artist_uri": song.artist_id,
            "artist_name": song.artist,
            "album_uri": song.album_id,
            "album_name": song.album,
        }
        for song in songs
    ]
    playlists = []
    for pid in range(num_playlists):
        title, rows = _playlist(world, listeners[rng.integers(len(listeners))], rng)
        tracks = [{"pos": pos, **records[row]} for pos, row in enumerate(rows)]
        playlists.append(
            {
                "pid": pid,
                "name": title,
                "collaborative": "false",
                # Midnights from 2015 on, for ten years.
                "modified_at": 1_420_070_400 + 86_400 * int(rng.integers(3650)),
                "num_tracks": len(tracks),
                "num_albums": len({track["album_uri"] for track in tracks}),
                "num_artists": len({track["artist_uri"] for track in tracks}),
                "num_followers": int(min(rng.zipf(2.5), 10_000)),
                "num_edits": 1 + int(rng.geometric(min(1.0, 3 / len(tracks)))),
                "tracks": tracks,
            }
        )
    return playlists


def write_sample(folder: Path, num_playlists: int = 2000, rng_seed: int = 0) -> None:
    """Write generated playlists (see `sample_playlists`) as slices of 1,000.

    Parameters
    ----------
    folder
        Where ``mpd.slice.0-999.json`` and so on go; made if it is not there.
    num_playlists, rng_seed
        As for `sample_playlists`.

    Raises
    ------
    ArtefactError
        If `folder` holds slices already (two collections would mix) or cannot be written.
    """
    playlists = sample_playlists(num_playlists, rng_seed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.glob("mpd.slice.*")):
            raise ArtefactError(f"{folder}: holds slices already, expected a new or empty folder")
        for first in range(0, num_playlists, SLICE_SIZE):
            part = playlists[first : first + SLICE_SIZE]
            last = first + len(part) - 1
            write_slice(folder / f"mpd.slice.{first}-{last}.json", part, first, last)
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be written ({error.strerror or error})") from error


def _playlist(world: _World, scenes: IntArray, rng: np.random.Generator) -> tuple[str, list[int]]:
    """One playlist of a listener: its title and its songs, rows of ``world.songs``, in order."""
    kind = KINDS[int(rng.choice(len(KINDS), p=KIND_SHARES))]
    shares = rng.dirichlet(np.where(np.arange(len(scenes)) == 0, 3.0, 1.5))
    taste = shares @ world.scenes[scenes]
    weight = (taste[world.artist] + 2e-5) * world.popularity
    # The song that the listener had in mind names the genre, mood, decade or artist.
    home = int(rng.choice(len(weight), p=weight / weight.sum()))
    narrow = kind in ("mood", "era") and rng.random() < 0.5
    fit = _fit(world, kind, home, narrow)

    length = int(np.clip(rng.lognormal(np.log(34), 0.78), 5, 120))
    if kind != "mixed":  # What there is of a kind bounds the list.
        length = min(length, max(8, 3 * int((fit == fit.max()).sum())))
    num_noise = int(rng.binomial(length, rng.uniform(0.05, 0.1)))
    # Gumbel noise on log weights draws without replacement; strangers go by popularity alone.
    draw = np.argsort(-(np.log(weight * fit) + rng.gumbel(size=len(weight))), kind="stable")
    chosen = draw[: length - num_noise]
    rest = draw[length - num_noise :]
    odds = np.sqrt(world.popularity[rest])
    noise = rng.choice(rest, size=num_noise, replace=False, p=odds / odds.sum())

    rows = [int(row) for row in _in_order(world, kind, scenes, np.append(chosen, noise), rng)]
    if rng.random() < 0.04:  # As in the MPD, somebody added a song twice.
        rows.insert(int(rng.integers(len(rows) + 1)), rows[int(rng.integers(len(rows)))])
    return _title(world.songs[home], kind, narrow, rng), rows


def _fit(world: _World, kind: str, home: int, narrow: bool) -> FloatArray:
    """How well each song fits the kind: 1 where it does, small where it would be a slip."""
    same = {column: values == values[home] for column, values in world.columns.items()}
    fit = np.ones(len(world.songs))
    if kind == "subgenre":
        fit = np.where(same["subgenre"], 1.0, 0.05)
    elif kind == "mood":
        fit = np.where(same["mood"], 1.0, 0.03)
    elif kind == "era":
        decade = world.year // 10
        fit = np.where(decade == decade[home], 1.0, np.exp(-2.0 * np.abs(decade - decade[home])))
    elif kind == "artist":
        fit = np.where(same["artist"], 25.0, 1.0) * np.where(same["genre"], 1.0, 0.3)
    if kind in ("genre", "subgenre") or narrow:
        fit = fit * np.where(same["genre"], 1.0, 0.02)
    return fit


def _in_order(
    world: _World, kind: str, scenes: IntArray, rows: IntArray, rng: np.random.Generator
) -> IntArray:
    """The order of a playlist: its taste drifts, and an artist's songs come in short runs."""
    artist, year = world.artist[rows], world.year[rows]
    if kind == "mixed":  # From one scene to the other.
        liked = world.scenes[scenes][:, artist]
        drift = liked[-1] / liked.sum(axis=0)
    else:  # Through the years, loosely, forwards or backwards.
        drift = (year - year.min()) / max(1, int(np.ptp(year))) * rng.choice([-0.7, 0.4, 0.7])
    by_artist = rng.normal(0, 0.4, int(world.artist.max()) + 1)[artist]
    # About half of the songs stay with their artist, the others come up somewhere else.
    alone = rng.random(len(rows)) < 0.5
    place = drift + by_artist + rng.normal(0, np.where(alone, 0.4, 0.02))
    return rows[np.argsort(place, kind="stable")]


def _title(home: Song, kind: str, narrow: bool, rng: np.random.Generator) -> str:
    """A short title, as people type them."""

    def pick(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    decade = home.year // 10 * 10
    # "90s", but "1920s" and "2000s" are clearer than "20s" and "00s".
    years = str(decade) if decade < 1930 or decade >= 2000 else str(decade % 100)
    if kind in ("genre", "subgenre"):
        title = pick(STYLE).format(getattr(home, kind))
        if home.subgenre in LOCAL and rng.random() < 0.4:
            title = pick(LOCAL[home.subgenre])
    elif kind == "mood":
        title = pick(MOODS[home.mood])
        title = pick(MOOD_STYLE).format(title, home.genre) if narrow else title
    elif kind == "era":
        title = pick(DECADE_GENRE if narrow else DECADE).format(years, home.genre)
    else:
        title = pick(ARTIST).format(home.artist) if kind == "artist" else pick(MIXED)
    style = rng.random()
    if style < 0.35:
        title = title.lower()
    elif style < 0.55:
        title = " ".join(word[:1].upper() + word[1:] for word in title.split())
    elif style < 0.58:
        title = title.upper()
    return f"{title} {pick(EMOJI)}" if rng.random() < 0.04 else title
