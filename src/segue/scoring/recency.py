"""The order of a playlist: its last tracks say more about what comes next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.data.playlists import Float32Array, TrackLists

# So that sums in float32 stay finite, whatever a bundle states.
_MOST = 1000.0


@dataclass(frozen=True)
class Recency:
    """How much more the end of an ordered playlist counts.

        e = 1 + strength · 2^(−p / half_life)

    for a track followed by `p` others.

    Attributes
    ----------
    strength
        From 0, no emphasis, to 1,000.
    half_life
        In tracks, above 0.
    """

    strength: float = 8.0
    half_life: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        if not (0 <= self.strength <= _MOST and 0 < self.half_life < np.inf):
            raise ValueError(f"{self} is out of range")

    def emphasis(self, tracks: TrackLists) -> Float32Array:
        """e of each pair: float32 [num_pairs]."""
        emphasis = 1 + self.strength * np.exp2(-tracks.following() / self.half_life)
        return emphasis.astype(np.float32)
