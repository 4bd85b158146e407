"""The shipped sample: facts about real songs, and playlists generated from them.

``sample.tsv`` lists songs with their artist, album, year, genre, sub-genre and mood. Nobody made
any of the playlists: `sample_playlists` invents listeners with hidden tastes and draws what they
might have put together, so that all of Segue can be tried without a download. What it recommends
from them says nothing about what anybody listens to.

The model: a *scene* is a hidden cluster of artists around a home sub-genre, extending into related
genres. A listener likes two or three scenes. A playlist has a kind (a genre, a mood, a decade, an
artist …), and songs are drawn into it by taste × popularity × fit to the kind.
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

from segue.data.formats.mpd import write_slice
from segue.errors import ArtefactError, InputError
from segue.files import atomic_file
from segue.synthetic.vocabulary import CALLED, EMOJI, GENRES, KINDS, MOODS, TITLES

COLUMNS = ("track", "artist", "album", "year", "genre", "subgenre", "mood")
YEARS = range(1900, 2031)
SLICE_SIZE = 1000

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def slug(name: str) -> str:
    """A name as part of an id: ``"Beyoncé & Jay-Z"`` → ``"beyonce-jay-z"``.

    Letters and digits of any script are kept, accents are dropped, everything else becomes one
    hyphen. A name without letters or digits, such as ``"÷"``, is spelt in code points: ``"u00f7"``.
    """
    folded = unicodedata.normalize("NFKD", name).lower()
    # Drop accents of Latin, Greek and Cyrillic; recompose characters of other scripts.
    folded = "".join(c for c in folded if not "\u0300" <= c <= "\u036f")
    folded = unicodedata.normalize("NFC", folded)
    # Marks (M) are the vowels of some scripts.
    kept = (c if unicodedata.category(c)[0] in "LNM" else " " for c in folded)
    return "-".join("".join(kept).split()) or "-".join(f"u{ord(c):04x}" for c in name)


@dataclass(frozen=True)
class Song:
    """One song of the sample, as facts; the ids are made of the names (see `slug`)."""

    track: str
    artist: str
    album: str
    year: int
    genre: str
    subgenre: str
    mood: str

    @cached_property
    def track_id(self) -> str:
        """``segue:track:<artist>:<title>``."""
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
    """Read the songs of the shipped sample, or of another file in its format.

    Raises
    ------
    InputError
        Naming the line and what was expected: a line is malformed, a genre, mood or year is
        not known, a song appears twice, or two lines contradict each other (an artist with two
        spellings or genres, an album with two spellings or years, a sub-genre with two genres).
    """
    source = path or resources.files("segue.synthetic").joinpath("sample.tsv")
    try:
        lines = source.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: cannot be read as UTF-8 text ({error})") from error
    if lines[0] != "\t".join(COLUMNS):
        raise InputError(f"{source}: line 1: expected the header {', '.join(COLUMNS)}, by tabs")
    songs: dict[str, Song] = {}
    stated: dict[tuple[str, str], tuple[object, int]] = {}
    for number, line in enumerate(lines[1:], start=2):
        try:
            song = _parse(line)
            for what, key, value in (
                ("spelling of artist", song.artist_id, song.artist),
                ("spelling of album", song.album_id, song.album),
                ("genre of artist", song.artist, song.genre),
                ("genre of sub-genre", song.subgenre, song.genre),
                ("year of album", song.album_id, song.year),
            ):
                first, at = stated.setdefault((what, key), (value, number))
                if first != value:
                    raise ValueError(
                        f"{what} {key}: expected {first!r} as in line {at}, got {value!r}"
                    )
            if songs.setdefault(song.track_id, song) is not song:
                raise ValueError(f"expected each song once, {song.track_id} repeats")
        except ValueError as error:
            raise InputError(f"{source}: line {number}: {error}") from None
    return list(songs.values())


def _parse(line: str) -> Song:
    """One line, validated by itself (ValueError)."""
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


def sample_playlists(num_playlists: int = 2000, rng_seed: int = 0) -> list[dict[str, Any]]:
    """Generate playlists of the shipped songs, in MPD format. Nobody made them.

    The same `rng_seed` gives the same playlists. InputError if an argument is out of range.
    """
    if num_playlists < 1 or rng_seed < 0:
        raise InputError(
            f"got {num_playlists} playlists and seed {rng_seed}, expected at least 1 "
            "playlist and a seed of at least 0"
        )
    songs = load_songs()
    rng = np.random.default_rng(rng_seed)
    world = _World(songs, rng)
    listeners = [world.listener(rng) for _ in range(num_playlists // 3 + 1)]
    records = [
        {"track_uri": s.track_id, "track_name": s.track, "artist_uri": s.artist_id}
        | {"artist_name": s.artist, "album_uri": s.album_id, "album_name": s.album}
        for s in songs
    ]
    playlists = []
    for pid in range(num_playlists):
        title, rows = _playlist(world, listeners[rng.integers(len(listeners))], rng)
        playlists.append(
            {
                "pid": pid,
                "name": title,
                "collaborative": "false",
                # Midnights over ten years from 2015.
                "modified_at": 1_420_070_400 + 86_400 * int(rng.integers(3650)),
                "num_tracks": len(rows),
                "num_albums": len({songs[row].album_id for row in rows}),
                "num_artists": len({songs[row].artist_id for row in rows}),
                "num_followers": int(min(rng.zipf(2.5), 10_000)),
                "num_edits": 1 + int(rng.geometric(min(1.0, 3 / len(rows)))),
                "tracks": [{"pos": pos, **records[row]} for pos, row in enumerate(rows)],
            }
        )
    return playlists


def write_sample(folder: Path, num_playlists: int = 2000, rng_seed: int = 0) -> None:
    """Write `sample_playlists` into a folder, as slices of 1,000: ``mpd.slice.0-999.json`` ….

    ArtefactError if it holds slices already (two collections would get mixed) or cannot be written.
    """
    playlists = sample_playlists(num_playlists, rng_seed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.glob("mpd.slice.*")):
            raise ArtefactError(f"{folder}: already contains slices, expected an empty folder")
        for first in range(0, num_playlists, SLICE_SIZE):
            part = playlists[first : first + SLICE_SIZE]
            last = first + len(part) - 1
            with atomic_file(folder / f"mpd.slice.{first}-{last}.json") as temporary:
                write_slice(temporary, part, first, last)
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be written ({error.strerror or error})") from error


class _World:
    """The hidden side: how popular the songs are, and which scenes exist."""

    def __init__(self, songs: list[Song], rng: np.random.Generator) -> None:
        self.songs = songs
        self.columns = {
            column: np.unique([getattr(song, column) for song in songs], return_inverse=True)[1]
            for column in ("artist", "genre", "subgenre", "mood")
        }
        self.artist, subgenre = self.columns["artist"], self.columns["subgenre"]
        self.year = np.array([song.year for song in songs])

        # Zipf twice: over artists (those with more songs here tend to be better known), and over
        # each artist's songs.
        num_songs = np.bincount(self.artist)
        renown = np.argsort(-num_songs * rng.lognormal(0, 0.7, len(num_songs)), kind="stable")
        self.popularity = (np.argsort(renown)[self.artist] + 10.0) ** -0.4
        by_artist = np.argsort(self.artist, kind="stable")
        hits = np.concatenate([rng.permutation(n) for n in num_songs])
        self.popularity[by_artist] *= (hits + 1.0) ** -0.45

        # Every sub-genre is home to a scene, some to several. Gamma weights with a small shape
        # leave many artists out: artists of one genre need not share an audience.
        homes = np.unique(subgenre, return_index=True)[1]
        self.homes = np.append(homes, rng.integers(len(songs), size=len(homes) // 2))
        genres = [song.genre for song in songs]
        reach = [(songs[home].genre, *GENRES[songs[home].genre]) for home in self.homes]
        close = np.where([[genre in near for genre in genres] for near in reach], 0.3, 0.001)
        close[subgenre == subgenre[self.homes, None]] = 1.0
        close *= np.exp(-np.abs(self.year - self.year[self.homes, None]) / 15)
        close *= rng.gamma(0.2, size=(len(close), len(num_songs)))[:, self.artist] + 1e-6
        close *= rng.lognormal(0, 1.2, size=close.shape)
        self.scenes = close / close.sum(axis=1, keepdims=True)  # [num_scenes, num_songs]

    def listener(self, rng: np.random.Generator) -> IntArray:
        """Two or three scenes, mostly from genres close to the first."""
        first = int(rng.integers(len(self.scenes)))
        genre = self.songs[self.homes[first]].genre
        genres = [self.songs[home].genre for home in self.homes]
        near = np.array([1.0 if g in (genre, *GENRES[genre]) else 0.1 for g in genres])
        near[first] = 0
        size = int(rng.integers(1, 3))
        return np.append(first, rng.choice(len(near), size, replace=False, p=near / near.sum()))


def _playlist(world: _World, scenes: IntArray, rng: np.random.Generator) -> tuple[str, list[int]]:
    """One playlist of a listener: its title and its songs, rows of ``world.songs``, in order."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    taste = rng.dirichlet([4.0, 1.0, 1.0][: len(scenes)]) @ world.scenes[scenes]
    weight = (taste + 0.05 / len(taste)) * world.popularity
    # The song that the listener has in mind sets the genre, mood, decade or artist.
    home = int(rng.choice(len(weight), p=weight / weight.sum()))
    fit = _fit(world, kind, home)

    length = int(np.clip(rng.lognormal(np.log(34), 0.78), 5, 119))
    if kind != "mixed":  # A list has no more songs than there are of its kind.
        length = min(length, max(8, 3 * int((fit == fit.max()).sum())))
    num_noise = int(rng.binomial(length, rng.uniform(0.05, 0.1)))
    # Gumbel noise on log weights draws without replacement; songs outside the scenes are drawn by
    # popularity alone.
    draw = np.argsort(-(np.log(weight * fit) + rng.gumbel(size=len(fit))), kind="stable")
    chosen, rest = np.split(draw, [length - num_noise])
    odds = np.sqrt(world.popularity[rest])
    noise = rng.choice(rest, num_noise, replace=False, p=odds / odds.sum())

    rows = [int(row) for row in _in_order(world, kind, scenes, np.append(chosen, noise), rng)]
    if rng.random() < 0.04:  # As in the MPD, somebody added a song twice.
        rows.insert(int(rng.integers(len(rows) + 1)), rows[int(rng.integers(len(rows)))])
    return _title(world.songs[home], kind, rng), rows


def _fit(world: _World, kind: str, home: int) -> FloatArray:
    """How well each song fits the kind: high for a match, low for a stray."""
    same = {column: values == values[home] for column, values in world.columns.items()}
    fit = np.ones(len(world.songs))
    if kind == "subgenre":
        fit[~same["subgenre"]] = 0.05
    elif kind == "artist":
        fit = np.where(same["artist"], 25.0, np.where(same["genre"], 1.0, 0.3))
    elif "mood" in kind:
        fit[~same["mood"]] = 0.03
    elif "era" in kind:
        fit = np.exp(-2.0 * np.abs(world.year // 10 - world.year[home] // 10))
    if "genre" in kind:  # Sub-genres too: each lies within a genre.
        fit[~same["genre"]] *= 0.02
    return fit


def _in_order(
    world: _World, kind: str, scenes: IntArray, rows: IntArray, rng: np.random.Generator
) -> IntArray:
    """The order of a playlist: it drifts in taste, and an artist's songs come in short runs."""
    artist, year = world.artist[rows], world.year[rows]
    if kind == "mixed":  # From one scene to the next.
        liked = world.scenes[scenes][:, rows]
        drift = liked[-1] / liked.sum(axis=0)
    else:  # Through the years, loosely, forwards or backwards.
        drift = (year - year.min()) / max(1, int(np.ptp(year))) * rng.choice([-0.7, 0.4, 0.7])
    drift += rng.normal(0, 0.4, int(world.artist.max()) + 1)[artist]
    # About half of the songs stay with their artist, the others move elsewhere.
    alone = rng.random(len(rows)) < 0.5
    return rows[np.argsort(drift + rng.normal(0, np.where(alone, 0.4, 0.02)), kind="stable")]


def _title(home: Song, kind: str, rng: np.random.Generator) -> str:
    """A short title, as people type them."""

    def pick(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    decade = home.year // 10 * 10
    # "90s", but "2000s" and "1920s" are clearer than "00s" and "20s".
    years = f"{decade % 100 if 1930 <= decade < 2000 else decade}s"
    music = home.subgenre if kind == "subgenre" else home.genre
    title = pick(TITLES["genre" if kind == "subgenre" else kind]).format(
        artist=home.artist,
        years=years,
        mood=pick(MOODS[home.mood]),
        music=pick(CALLED.get(music, (music,))),
    )
    style = rng.random()
    if style < 0.35:
        title = title.lower()
    elif style < 0.55:
        title = " ".join(word[:1].upper() + word[1:] for word in title.split())
    elif style < 0.58:
        title = title.upper()
    return f"{title} {pick(EMOJI)}" if rng.random() < 0.04 else title
