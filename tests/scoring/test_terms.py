"""The terms that a bundle holds are read as what they are, and refused where they are not."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from segue.errors import ArtefactError
from segue.scoring.terms import load_terms, with_tracks
from segue.scoring.wide import WidePart

WEIGHTS = np.array([[0, 1, 0], [2, 0, 0], [0, 0.5, 0]], dtype=np.float32)


@pytest.fixture
def wide() -> WidePart:
    return WidePart.from_matrix(csr_array(WEIGHTS))


def test_the_wide_part_comes_back(wide):
    (found,) = load_terms({"wide": wide.arrays()}, 3).values()
    np.testing.assert_array_equal(found.matrix.toarray(), WEIGHTS)
    assert load_terms({}, 3) == {}


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
            load_terms(stored, num_tracks)


def test_further_tracks(wide):
    found = load_terms(with_tracks({"wide": wide.arrays()}, 3, 5), 5)["wide"]
    np.testing.assert_array_equal(found.matrix.toarray()[:3, :3], WEIGHTS)
    assert found.matrix.nnz == wide.matrix.nnz
