"""What `segue.build` says of a source in memory."""

import pytest

import segue
from segue.errors import InputError


@pytest.mark.parametrize("source", [{"road trip": ["a", "b"]}, [["a", "b"]]])
def test_a_source_in_memory_is_not_printed_whole(source):
    with pytest.raises(InputError) as caught:
        segue.build(source, k_core=5)
    what = type(source).__name__
    assert str(caught.value) == f"nothing is left of the {what} in the 5-core; try a smaller k"
