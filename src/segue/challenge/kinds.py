"""The ten kinds of incomplete playlist of the RecSys Challenge 2018."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What is shown of a playlist that is to be continued.

    Attributes
    ----------
    titled
        Whether the title is shown.
    num_given
        Number of tracks shown.
    at_random
        Whether they are random ones of the playlist; else they are its first.
    shortest, longest
        How many tracks such a playlist has in all.
    """

    titled: bool
    num_given: int
    at_random: bool
    shortest: int
    longest: int

    @property
    def name(self) -> str:
        """``"title"``, ``"title + first 5"``, ``"first 5"``, ``"title + random 25"``."""
        return kind_name(titled=self.titled, num_given=self.num_given, at_random=self.at_random)


def kind_name(*, titled: bool, num_given: int, at_random: bool) -> str:
    """The name of a kind, be it one of the ten or not."""
    given = f"{'random' if at_random else 'first'} {num_given}" if num_given else ""
    return " + ".join(part for part in ("title" if titled else "", given) if part) or "nothing"


# In the order of the challenge set's README. Its lengths are not in the rules: these are the
# shortest and longest playlists of each kind in the published challenge set, as teams counted them.
KINDS = (
    Kind(True, 0, False, 10, 50),
    Kind(True, 1, False, 10, 78),
    Kind(True, 5, False, 10, 100),
    Kind(False, 5, False, 40, 100),
    Kind(True, 10, False, 40, 100),
    Kind(False, 10, False, 40, 100),
    Kind(True, 25, False, 101, 250),
    Kind(True, 25, True, 101, 250),
    Kind(True, 100, False, 150, 250),
    Kind(True, 100, True, 150, 250),
)
