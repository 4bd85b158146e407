"""Titles of generated playlists, as people type them.

Many say what is inside (the genre, a mood, a decade, an artist), in the words of the shipped
sample. The others are the maker's own names and jokes: made-up words, a few of them frequent.
"""

from __future__ import annotations

import numpy as np

from segue.synthetic.tastes import Tastes
from segue.synthetic.vocabulary import CALLED, EMOJI, GENRES, MOODS, TITLES
from segue.synthetic.world import DECADES, World

_KINDS = {
    "genre": 0.10, "mood": 0.09, "mood genre": 0.04, "era": 0.04, "era genre": 0.02,
    "mixed": 0.20, "personal": 0.51,
}  # fmt: skip
# A playlist with a larger share of one favourite artist is often named after it.
_ABOUT_AN_ARTIST = 0.4
# Keeps any made-up word from becoming too frequent.
_SHIFT = 60
_PERSONAL = ("{word}", "{word}", "{word}", "{word}'s", "for {word}", "{word} mix", "{word} {more}",
             "{more} {word}", "{word} 2", "{mood} {word}", "{word} ♡", "my {word}")  # fmt: skip


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
    scene = tastes.scene[:, 0]
    genre, mood = world.scene_genre[scene].tolist(), world.scene_mood[scene].tolist()
    decade = world.scene_decade[scene].tolist()
    kind = rng.choice(len(_KINDS), count, p=list(_KINDS.values())).tolist()
    about = ((tastes.favoured > _ABOUT_AN_ARTIST) & (rng.random(count) < 0.6)).tolist()
    picks = rng.random((count, 4)).tolist()
    # Zipf's law with exponent 1 and, as Mandelbrot has it, a shifted rank.
    rank = _SHIFT * ((len(words) / _SHIFT + 1) ** rng.random((count, 2)) - 1)
    word = np.minimum(rank.astype(np.int64), len(words) - 1).tolist()
    style, emoji = rng.random(count).tolist(), rng.random(count).tolist()

    genres, moods, kinds = list(GENRES), list(MOODS.values()), list(_KINDS)
    titles = []
    for row in range(count):
        name = "artist" if about[row] else kinds[kind[row]]
        pattern, by_mood, by_genre, which = picks[row]
        years = DECADES[decade[row]]
        music = genres[genre[row]]
        title = _pick(_PERSONAL if name == "personal" else TITLES[name], pattern).format(
            artist=favourite[row],
            years=f"{years % 100}s" if years < 2000 else f"{years}s",
            mood=_pick(moods[mood[row]], by_mood),
            music=_pick(CALLED.get(music, (music,)), by_genre),
            word=words[word[row][0]],
            more=words[word[row][1]],
        )
        titles.append(_styled(title, style[row]))
        if emoji[row] < 0.04:
            titles[-1] += f" {_pick(EMOJI, which)}"
    return titles


def _pick(options: tuple[str, ...], chance: float) -> str:
    return options[int(chance * len(options))]


def _styled(title: str, chance: float) -> str:
    if chance < 0.35:
        return title.lower()
    if chance < 0.55:
        return " ".join(word[:1].upper() + word[1:] for word in title.split())
    return title.upper() if chance < 0.58 else title
