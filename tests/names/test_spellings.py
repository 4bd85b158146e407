"""Songs as other services spell them: the table that benchmarks/matching.py measures."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def quality():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        import matching

        return matching.measure_quality()


def test_there_are_thirteen_kinds_of_spellings(quality):
    assert len(quality) == 13 + 1
    assert quality["all"].asked >= 500
    assert all(of.asked >= 40 for of in quality.values())
    assert quality["absent"].there == 0


def test_what_is_taken_is_right(quality):
    assert quality["all"].precision >= 0.99
    assert quality["absent"].taken <= 2
    for kind in quality.keys() - {"absent"}:
        assert quality[kind].precision >= 0.97, kind


def test_most_songs_are_found(quality):
    assert quality["all"].recall >= 0.97
    for kind in quality.keys() - {"absent"}:
        assert quality[kind].recall >= 0.9, kind
