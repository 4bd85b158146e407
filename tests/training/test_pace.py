"""How often long work saves what it has."""

import pytest

from segue.training import pace
from segue.training.pace import SAVE_SECONDS, Pace


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [1000.0]
    monkeypatch.setattr(pace.time, "perf_counter", lambda: now[0])
    return now


def save(pace: Pace, clock: list[float], seconds: float) -> None:
    with pace.saving():
        clock[0] += seconds


def test_work_in_progress_is_saved_every_five_minutes(clock):
    pace = Pace()
    clock[0] += SAVE_SECONDS - 1
    assert not pace.due()
    clock[0] += 2
    assert pace.due()
    save(pace, clock, 0.4)
    assert not pace.due()
    clock[0] += SAVE_SECONDS + 1
    assert pace.due()


@pytest.mark.parametrize("finished", [True, False])
def test_saving_takes_a_twentieth_of_the_time(clock, finished):
    pace = Pace()
    clock[0] += SAVE_SECONDS + 1
    save(pace, clock, 60)
    clock[0] += 20 * 60 - 1
    assert not pace.due(finished=finished)
    clock[0] += 2
    assert pace.due(finished=finished)


def test_what_is_finished_is_saved_at_once_if_that_takes_a_moment(clock):
    pace = Pace()
    save(pace, clock, 0.4)
    clock[0] += 1
    assert pace.due(finished=True)
    assert not pace.due()
