"""The terms of a bundle's score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from segue.bundle import Bundle, MeasuredVectors, Terms
from segue.data.playlists import Catalog
from segue.data.title_words import parts_among
from segue.errors import ArtefactError
from segue.scoring.ann import AnnIndex
from segue.scoring.centroid import Centroid, Words
from segue.scoring.factors import Factors
from segue.scoring.first_stage import FirstStage
from segue.scoring.popularity import Popularity
from segue.scoring.term import StoredTerm
from segue.scoring.wide import WidePart
from segue.scoring.word_odds import WordOdds

# By the name of their arrays in a bundle.
STORED: dict[str, type[StoredTerm[Any]]] = {
    "factors": Factors,
    "wide": WidePart,
    "words": WordOdds,
}


def first_stage_of(
    vectors: Bundle | MeasuredVectors, catalog: Catalog, index: AnnIndex | None = None
) -> FirstStage:
    """The first stage with all terms of a bundle.

    Raises
    ------
    ArtefactError
        As for `load_terms`.
    """
    return FirstStage(
        Centroid(
            vectors.track_vectors,
            vectors.query_weight,
            vectors.popularity,
            catalog.relations["artist"],
            words_of(vectors, catalog),
        ),
        Popularity(vectors.popularity),
        tuple(load_terms(vectors.terms, _sizes(catalog)).values()),
        index,
    )


def words_of(vectors: Bundle | MeasuredVectors, catalog: Catalog) -> Words | None:
    """The title words that queries may have; None if the model was trained without."""
    vector, weight, growth = vectors.word_vectors, vectors.word_weight, vectors.title_growth
    if vector is None or weight is None or growth is None:
        return None
    return Words(vector, weight, parts_among(catalog.nodes["word"]), float(growth[0]))


def load_terms(stored: Terms, num_nodes: Mapping[str, int]) -> dict[str, StoredTerm[Any]]:
    """Terms from their arrays, for a catalogue with the given number of nodes of each kind.

    Raises
    ------
    ArtefactError
        If a name is unknown, or the arrays are not of such a term or number of nodes.
    """
    terms = {}
    for name, arrays in stored.items():
        if name not in STORED:
            raise ArtefactError(
                f"the bundle's score has a term {name!r} that this version of Segue does not know"
            )
        try:
            terms[name] = STORED[name].from_arrays(arrays)
        except (TypeError, ValueError) as error:
            raise ArtefactError(f"the term {name!r} cannot be read ({error})") from error
        for kind, found in terms[name].num_nodes.items():
            if found != num_nodes.get(kind, 0):
                raise ArtefactError(
                    f"the term {name!r} has {found} {kind}s, expected {num_nodes.get(kind, 0)}"
                )
    return terms


def with_tracks(
    stored: Terms, catalog: Catalog, num_tracks: int
) -> dict[str, dict[str, NDArray[Any]]]:
    """The same terms, of a catalogue, with further tracks about which nothing is known."""
    terms = load_terms(stored, _sizes(catalog))
    return {name: term.with_tracks(num_tracks).arrays() for name, term in terms.items()}


def _sizes(catalog: Catalog) -> dict[str, int]:
    return {kind: len(nodes) for kind, nodes in catalog.nodes.items()}
