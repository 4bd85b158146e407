"""The terms that a bundle holds are read as what they are, and refused where they are not."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array

from segue.errors import ArtefactError
from segue.scoring.factors import Factors
from segue.scoring.terms import load_terms, with_tracks
from segue.scoring.wide import WidePart
from segue.scoring.word_odds import WordOdds

WEIGHTS = np.array([[0, 1, 0], [2, 0, 0], [0, 0.5, 0]], dtype=np.float32)


@pytest.fixture
def wide() -> WidePart:
    return WidePart.from_matrix(csr_array(WEIGHTS))


def test_the_wide_part_comes_back(wide):
    (found,) = load_terms({"wide": wide.arrays()}, {"track": 3}).values()
    np.testing.assert_array_equal(found.matrix.toarray(), WEIGHTS)
    assert load_terms({}, {"track": 3}) == {}


def test_what_is_not_a_term_of_this_bundle_is_refused(wide):
    arrays = wide.arrays()
    lies = arrays | {"track_index": arrays["track_index"] + np.int32(2)}
    short = {"weight": arrays["weight"]}
    for stored, num_tracks, says in (
        ({"titles": arrays}, 3, "'titles' that this version of Segue does not know"),
        ({"wide": lies}, 3, r"'wide' cannot be read \(the wide part points at"),
        ({"wide": short}, 3, "'wide' cannot be read"),
        ({"wide": arrays}, 4, "'wide' has 3 tracks, expected 4"),
    ):
        with pytest.raises(ArtefactError, match=says):
            load_terms(stored, {"track": num_tracks})


def test_odds_are_of_the_words_of_the_catalogue():
    odds = WordOdds.from_matrix(csr_array(WEIGHTS[:2]), 0.5, -0.5).arrays()
    (found,) = load_terms({"words": odds}, {"track": 3, "word": 2}).values()
    np.testing.assert_array_equal(found.matrix.toarray(), WEIGHTS[:2])
    for num_nodes, says in (
        ({"track": 3, "word": 3}, "'words' has 2 words, expected 3"),
        ({"track": 3}, "'words' has 2 words, expected 0"),
        ({"track": 4, "word": 2}, "'words' has 3 tracks, expected 4"),
    ):
        with pytest.raises(ArtefactError, match=says):
            load_terms({"words": odds}, num_nodes)


def test_factors_are_of_the_tracks_of_the_catalogue():
    one = np.ones(1, dtype=np.float32)
    arrays = Factors(np.full((3, 2), 0.5, dtype=np.float32), one, one).arrays()
    (found,) = load_terms({"factors": arrays}, {"track": 3}).values()
    np.testing.assert_array_equal(found.factors, arrays["factors"])
    with pytest.raises(ArtefactError, match="'factors' has 3 tracks, expected 4"):
        load_terms({"factors": arrays}, {"track": 4})
    with pytest.raises(ArtefactError, match=r"'factors' cannot be read \(alpha of the factors"):
        load_terms({"factors": arrays | {"alpha": -one}}, {"track": 3})


def test_further_tracks(wide, small_catalog):
    nodes = small_catalog.nodes | {"track": small_catalog.tracks.take(np.arange(3))}
    catalog = SimpleNamespace(nodes=nodes | {"word": ["a", "b"]})
    odds = WordOdds.from_matrix(csr_array(WEIGHTS[:2]), 0.5, -0.5)
    stored = {"wide": wide.arrays(), "words": odds.arrays()}
    found = load_terms(with_tracks(stored, catalog, 5), {"track": 5, "word": 2})
    np.testing.assert_array_equal(found["wide"].matrix.toarray()[:3, :3], WEIGHTS)
    np.testing.assert_array_equal(found["words"].matrix.toarray()[:, :3], WEIGHTS[:2])
    assert found["wide"].matrix.nnz + found["words"].matrix.nnz == 5
    assert (found["words"].scale, found["words"].growth) == (0.5, -0.5)
