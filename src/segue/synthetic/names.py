"""Made-up names of artists, albums and tracks, each determined by its number.

Only a few thousand made-up words are stored: the digits of a hash of its number pick a name's words
from them, so every process gives the same name. An artist has a script, and most of its titles are
in it. As in real data, a few names are very long, contain punctuation or accents, or have no
letters at all, and readers have to cope.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# fmt: off
# Beginnings and ends of syllables by script, and the share of artists that use it.
_SYLLABLES = {
    "latin": ("b br ch d dr f g gl h j k kr l m n p pl r s sh st t th tr v w z",
              "a e i o u ai ea oo an el en ia in or ul ar"),
    "accents": ("b c d f g j l m n ñ p qu r s t v ç ž š",
                "á é í ó ú ã ê ø å ü ö ä e a i ão ón és"),
    "cyrillic": ("б в г д ж з к л м н п р с т х ш", "а е и о у ы я ой ан ел"),
    "greek": ("β γ δ θ κ λ μ ν π ρ σ τ φ χ", "α ε η ι ο ω ου άν ία"),
    "kana": ("か さ た な は ま や ら カ サ タ ナ マ ラ", "い う お ん り み の き"),
    "hangul": ("가 나 다 라 마 바 사 아 자 하", "은 미 수 진 리 호 연 빛"),
    "arabic": ("ب ت ج د ر س ش ع ف ق ك ل م ن", "ا و ي ان ير ول"),
    "han": ("風 月 花 星 海 雨 山 夜 光 夢", "人 心 天 声 空 年 色 路"),
}
SCRIPTS = tuple(_SYLLABLES)
_SHARES = (0.84, 0.08, 0.02, 0.01, 0.015, 0.015, 0.01, 0.01)
_WORDS_OF_SCRIPT = 3000

_BANDS = (
    "{a}", "{a}", "{a} {b}", "{a} {b}", "{a} {b}", "{a} {b}", "{b} {a}", "The {a}s", "{a} & {b}",
    "DJ {a}", "{a}", "{a} {b} Trio", "MC {a}-{b}", "{a}.{b}", "Lil {a}", "{a}'s {b}", "{a} {b} {c}",
    "$ {a}!", "[{a}]", "{a}, {b} & The {c}s",
)
_ALBUMS = (
    "{a}", "{a}", "{a} {b}", "{a} {b}", "{b} of {a}", "The {a}", "{a} & {b}", "{a} (Deluxe)",
    "{a}: {b}", "Best of {a}", "{a}, Vol. 2", "{a} EP", "Live in {a}", "{a} {b} {c}", "#{a}",
    "{a} (Original Motion Picture Soundtrack)",
)
_TITLES = (
    "{a}", "{a}", "{a}", "{a} {b}", "{a} {b}", "{a} {b}", "My {a}", "The {a}", "{a} of {b}",
    "{a} in the {b}", "{a} {b} {c}", "No {a}", "{a} (Live)", "{a} - Remastered 2009",
    "{a} (feat. {c} {b})", "{a}, {b}", "{a}?", "¿{a} o {b}?", "{a} / {b}", '"{a}"',
    "{a} - {b} Remix", "{a}…", "{a} & {b}", "I {a} You {b}", "We Are {a}", "{a} No. 5", "Oh {a}!",
)
# For scripts other than Latin.
_PLAIN = ("{a}", "{a} {b}", "{a} {b} {c}", "{a} - {b}", "{a} ({b})", "{a}!")
_ODD = ("÷", "...", "1979", "!!!", "4'33\"", "<3", "(  )", "†", "🔥", "00:00", "\\o/", "&")
# fmt: on


def _hash(index: NDArray[np.int64], salt: int) -> NDArray[np.uint64]:
    """Splitmix64 of each number (G. Steele, D. Lea, C. Flood, OOPSLA 2014), as a stream `salt`."""
    with np.errstate(over="ignore"):
        z = index.astype(np.uint64) + np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _words(script: str) -> list[str]:
    """Distinct words of one to three syllables, always the same."""
    begin, end = (part.split() for part in _SYLLABLES[script])
    number = len(begin) * len(end)
    syllables = [first + last for last in end for first in begin]
    words: dict[str, None] = {}
    draws = _hash(np.arange(8 * _WORDS_OF_SCRIPT), 1000 + SCRIPTS.index(script)).tolist()
    for draw in draws:
        length = 1 + (draw % 8 > 0) + (draw % 8 > 5)
        word = ""
        for _ in range(length):
            draw //= number
            word += syllables[draw % number]
        words[word.capitalize()] = None
        if len(words) == _WORDS_OF_SCRIPT:
            break
    return list(words)


class MadeUpNames:
    """The names of a world.

    Parameters
    ----------
    rng_seed
        With another seed the same numbers get other names.
    """

    def __init__(self, rng_seed: int) -> None:
        self.words = [_words(script) for script in SCRIPTS]
        self._salt = 10 * rng_seed
        self._script_until = np.cumsum(_SHARES)

    def artists(self, index: NDArray[np.int64]) -> list[str]:
        """Names of artists; the index also determines the script."""
        return list(self._made(index, index, 1, _BANDS))

    def albums(self, index: NDArray[np.int64], artist: NDArray[np.int64]) -> list[str]:
        """Names of albums by these artists."""
        return list(self._made(index, artist, 2, _ALBUMS))

    def tracks(self, index: NDArray[np.int64], artist: NDArray[np.int64]) -> list[str]:
        """Names of tracks by these artists."""
        return list(self._made(index, artist, 3, _TITLES))

    def durations(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Durations of tracks in milliseconds: mostly two to five minutes."""
        digits = _hash(index, self._salt + 5)
        # The sum of three uniform draws has a hump.
        shifts = np.array([0, 16, 32], dtype=np.uint64)
        draws = ((digits[:, None] >> shifts) & np.uint64(0xFFFF)).sum(axis=1)
        milliseconds: NDArray[np.int64] = (60_000 + 330_000 * (draws / (3 * 2.0**16))).astype(int)
        return milliseconds

    def _made(
        self,
        index: NDArray[np.int64],
        artist: NDArray[np.int64],
        stream: int,
        patterns: tuple[str, ...],
    ) -> Iterator[str]:
        chance = (_hash(artist, self._salt + 4) >> np.uint64(11)) / 2.0**53
        script = np.searchsorted(self._script_until, chance, side="right")
        # Many titles are in English in other countries, too.
        digits = _hash(index, self._salt + stream)
        script = np.minimum(script, len(SCRIPTS) - 1)
        script[(stream > 1) & (digits % np.uint64(3) == 0)] = 0
        for draw, words_of in zip(digits.tolist(), script.tolist(), strict=True):
            words = self.words[words_of]
            draw, odd = divmod(draw // 3, 1500)
            if odd == 0 and stream > 1:
                yield _ODD[draw % len(_ODD)]
                continue
            few = len(words)
            draw, a = divmod(draw, few)
            draw, b = divmod(draw, few)
            draw, c = divmod(draw, few)
            known = patterns if words_of < 2 else _PLAIN
            pattern = known[draw % len(known)]
            if odd == 1:
                # Like the movements of a suite.
                yield f"{words[a]}: " + ", ".join(words[(a + i * b) % few] for i in range(1, 25))
            else:
                yield pattern.format(a=words[a], b=words[b], c=words[c])
