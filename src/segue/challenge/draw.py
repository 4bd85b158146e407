"""Which playlists are held out for a challenge set, and as which kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.challenge.kinds import Kind
from segue.data.playlists import BoolArray, Playlists


def suitable(playlists: Playlists, titled: BoolArray, kind: Kind, *, any_length: bool) -> BoolArray:
    """Which playlists may be cut into a kind: bool [num_playlists].

    Parameters
    ----------
    playlists
    titled : bool [num_playlists]
        Which have a title that says something.
    kind
        Its first tracks can only be shown where the order is known.
    any_length
        Any length will do that leaves a track to be found.
    """
    lengths = playlists.tracks.lengths
    fits: BoolArray = lengths > kind.num_given
    if not any_length:
        fits &= (lengths >= kind.shortest) & (lengths <= kind.longest)
    if kind.titled:
        fits &= titled
    if kind.num_given and not kind.at_random:
        fits &= playlists.order_known
    return fits


def drawn(
    playlists: Playlists,
    num_tracks: int,
    candidates: Sequence[BoolArray],
    per_kind: int,
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """Draw playlists to hold out, so that every track of theirs stays in some other playlist.

    Parameters
    ----------
    playlists
    num_tracks
        Size of the catalogue.
    candidates : bool [num_playlists] for each kind
        From `suitable`.
    per_kind
        Number drawn for each kind; fewer if there are not enough.
    rng

    Returns
    -------
    int8 [num_playlists]
        Number of its kind, −1 for a playlist that is not held out.
    """
    tracks = playlists.tracks
    left = tracks.track_counts(num_tracks)
    kind_of = np.full(len(playlists), -1, dtype=np.int8)
    # Kinds that few playlists suit come first, before others take these.
    for kind in sorted(range(len(candidates)), key=lambda kind: int(candidates[kind].sum())):
        found = 0
        for row in rng.permutation(np.flatnonzero(candidates[kind])).tolist():
            if found == per_kind:
                break
            held = tracks[row]
            if kind_of[row] < 0 and (left[held] > 1).all():
                left[held] -= 1
                kind_of[row] = kind
                found += 1
    return kind_of
