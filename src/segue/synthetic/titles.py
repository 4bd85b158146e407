"""Titles of generated playlists, as people type them.

Most say what is inside: the scene that most of the playlist is from, under one of the names that
its own people have for it; a genre, a mood, a decade, an artist, or two of these together. The
others are occasions and the maker's own names and jokes, which tell nothing. How often, and with
how many words, is fitted to titles of the Million Playlist Dataset: `benchmarks/generated_shape.py`
compares them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.synthetic.tastes import Int64Array, Tastes
from segue.synthetic.vocabulary import CALLED, EMOJI, GENRES, MOODS, TITLES
from segue.synthetic.world import DECADES, NUM_GENRES, World

# What titles are about, and how often: where one scene prevails, and where none does.
_FOCUSED = {
    "{scene}": 0.69, "{music}": 0.04, "{mood}": 0.05, "{years}": 0.02, "{occasion}": 0.03,
    "{word}": 0.04, "{word} {more}": 0.03, "{mood} {scene}": 0.05, "{mood} {music}": 0.02,
    "{years} {music}": 0.03,
}  # fmt: skip
_MIXED = {
    "{scene}": 0.36, "{music}": 0.04, "{mood}": 0.16, "{years}": 0.03, "{occasion}": 0.11,
    "{word}": 0.16, "{word} {more}": 0.08, "{mood} {music}": 0.03, "{mood} {word}": 0.03,
}  # fmt: skip
_PREVAILS = 0.6
# A playlist with a larger share of one favourite artist is often named after it.
_ABOUT_AN_ARTIST, _NAMED_AFTER_THE_ARTIST = 0.4, 0.6
# What stands around it.
_AROUND = {
    "{about}": 0.73, "{about} music": 0.03, "{about} mix": 0.03, "{about} playlist": 0.02,
    "{about} songs": 0.03, "{about} jams": 0.02, "{about} vibes": 0.03, "{about} 2": 0.02,
    "best of {about}": 0.01, "my {about}": 0.02, "good {about}": 0.02, "{about} 2017": 0.02,
    "new {about}": 0.01, "{about}!": 0.01,
}  # fmt: skip
# How often each name of a scene is used; the first one of a genre's mainstream is the genre's.
_NAMES = (0.3, 0.2, 0.14, 0.1, 0.08, 0.07, 0.06, 0.05)
# Keeps any made-up word from becoming too frequent.
_SHIFT = 60
# Steps from a made-up word to others, prime to their number.
_STEPS = (389, 1427)
_MISTYPED, _EMOJI = 0.004, 0.01


def draw_titles(
    world: World,
    tastes: Tastes,
    favourite: list[str],
    words: list[str],
    rng: np.random.Generator,
) -> list[str]:
    """A title for each playlist.

    Parameters
    ----------
    world, tastes
    favourite
        Name of each maker's favourite artist.
    words
        Made-up words, the first ones used most often.
    rng
    """
    count = len(favourite)
    shares = np.diff(tastes.scene_until, axis=1, prepend=0)
    main = shares.argmax(axis=1)
    scene = tastes.scene[np.arange(count), main]
    focused = shares.max(axis=1) * (1 - tastes.stray) > _PREVAILS
    about = np.where(focused, *(_drawn(kinds, count, rng) for kinds in (_FOCUSED, _MIXED)))
    named = tastes.favoured > _ABOUT_AN_ARTIST
    about[named & (rng.random(count) < _NAMED_AFTER_THE_ARTIST)] = "{artist}"
    around = _drawn(_AROUND, count, rng)
    # Zipf's law with exponent 1 and, as Mandelbrot has it, a shifted rank.
    rank = _SHIFT * ((len(words) / _SHIFT + 1) ** rng.random(count) - 1)
    word = np.minimum(rank.astype(np.int64), len(words) - 1).tolist()
    name = rng.choice(len(_NAMES), count, p=_NAMES)
    by_genre_name = (scene < NUM_GENRES) & (name == 0)
    names = _scene_names(scene, name, words)
    picks, style = rng.random((count, 3)).tolist(), rng.random((count, 3)).tolist()

    genre, mood = world.scene_genre[scene].tolist(), world.scene_mood[scene].tolist()
    decade = world.scene_decade[scene].tolist()
    genres, moods = list(GENRES), list(MOODS.values())
    titles = []
    for row in range(count):
        years, music = DECADES[decade[row]], genres[genre[row]]
        by_mood, by_genre, which = picks[row]
        called = _pick(CALLED.get(music, (music,)), by_genre)
        phrase = about[row].format(
            scene=called if by_genre_name[row] else names[row],
            artist=favourite[row],
            years=f"{years % 100}s" if years < 2000 else f"{years}s",
            mood=_pick(moods[mood[row]], by_mood),
            music=called,
            occasion=_pick(TITLES["mixed"], which),
            word=words[word[row]],
            # Always the same one: hardly any title is unique among a million.
            more=words[word[row] * _STEPS[0] % len(words)],
        )
        title = _styled(around[row].format(about=phrase), style[row][0])
        if style[row][1] < _MISTYPED:
            title = _mistyped(title, style[row][1] / _MISTYPED)
        if style[row][2] < _EMOJI:
            title += f" {_pick(EMOJI, style[row][2] / _EMOJI)}"
        titles.append(title)
    return titles


def _drawn(shares: dict[str, float], count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    """One of the patterns for each playlist: object [count]."""
    share = np.array([*shares.values()])
    chosen: NDArray[np.object_] = rng.choice(
        np.array([*shares], dtype=object), count, p=share / share.sum()
    )
    return chosen


def _scene_names(scene: Int64Array, name: Int64Array, words: list[str]) -> list[str]:
    """Some of the names of some scenes: a made-up word with the end of another."""
    first, second = (scene * len(_NAMES) + name) * np.array(_STEPS)[:, None] % len(words)
    return [
        words[a] + words[b].lower()[-3:]
        for a, b in zip(first.tolist(), second.tolist(), strict=True)
    ]


def _pick(options: tuple[str, ...], chance: float) -> str:
    return options[int(chance * len(options))]


def _styled(title: str, chance: float) -> str:
    if chance < 0.35:
        return title.lower()
    if chance < 0.55:
        return " ".join(word[:1].upper() + word[1:] for word in title.split())
    return title.upper() if chance < 0.58 else title


def _mistyped(title: str, chance: float) -> str:
    """With one character left out, or twice."""
    at = int(chance * 2 * len(title))
    place = at % len(title)
    return title[:place] + (title[place] * 2 if at >= len(title) else "") + title[place + 1 :]
