"""SIGKILL at random moments of whatever writes something, and what a rerun makes of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fault_world import COMMANDS, times
from forks import Forks
from test_failing_writes import Trials

KILLED = ("train", "build", "index", "update", "recommend", "complete-m3u8", "sort", "compare")


def kill_at_random(trials: Trials, kills: int, rng_seed: int) -> tuple[list[str], int]:
    """Complaints, and how many runs were killed: those that had ended before do not count."""
    rng = random.Random(rng_seed)
    complaints, hit, seconds = [], 0, trials.seconds
    for number in range(3 * kills):
        if hit == kills:
            break
        args = trials.prepared()
        done = trials.forks.run(args, kill_after=rng.uniform(0, seconds))
        if done.status == 0:
            continue
        hit += 1
        found = [] if done.status == -9 else [f"status {done.status}: {done.err[-300:]}"]
        if trials.written() not in (trials.older, trials.whole):
            found.append(f"half written: {sorted(trials.written())}")
        found += trials.complaints_after_a_kill(args)
        complaints += [f"kill {number}: {complaint}" for complaint in found]
    return complaints, hit


@pytest.mark.parametrize("name", ["build", "update"])
def test_some_kills(name: str, forks: Forks, world: Path, tmp_path: Path) -> None:
    trials = Trials(name, forks, world, tmp_path / "out")
    complaints, hit = kill_at_random(trials, 4, 1)
    assert complaints == []
    assert hit


@pytest.mark.slow
@pytest.mark.parametrize("name", KILLED)
def test_many_kills(name: str, forks: Forks, world: Path, tmp_path: Path) -> None:
    assert name in COMMANDS
    trials = Trials(name, forks, world, tmp_path / "out")
    kills = times("KILLS", 10 if name == "compare" else 100)
    complaints, hit = kill_at_random(trials, kills, 2)
    print(f"{name}: {hit} killed")
    assert complaints == []
    assert hit == kills
