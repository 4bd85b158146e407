"""The terms of a score that a bundle may hold beside its vectors."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from segue.bundle import Terms
from segue.errors import ArtefactError
from segue.scoring.wide import WidePart

# By the name that a bundle gives to their arrays.
STORED = {"wide": WidePart}


def load_terms(stored: Terms, num_tracks: int) -> dict[str, WidePart]:
    """The terms of a bundle from their arrays.

    Raises
    ------
    ArtefactError
        If a name is unknown, or the arrays are not those of such a term and of so many tracks.
    """
    terms = {}
    for name, arrays in stored.items():
        if name not in STORED:
            raise ArtefactError(
                f"the bundle's score has a term {name!r} that this version of Segue does not know"
            )
        try:
            terms[name] = STORED[name](**arrays)
        except (TypeError, ValueError) as error:
            raise ArtefactError(f"the term {name!r} cannot be read ({error})") from error
        if terms[name].num_tracks != num_tracks:
            raise ArtefactError(
                f"the term {name!r} has {terms[name].num_tracks} tracks, expected {num_tracks}"
            )
    return terms


def with_tracks(stored: Terms, before: int, after: int) -> dict[str, dict[str, NDArray[Any]]]:
    """The same terms with further tracks after the others, of which nothing is known."""
    terms = load_terms(stored, before)
    return {name: term.with_tracks(after).arrays() for name, term in terms.items()}
