"""Disks that are full, fail, or take half of what is written, at every call; and kills there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fault_world import COMMANDS, content, prepare, times
from forks import BROKEN, FULL, KILL, NOTHING, SHORT, Forks

# The others need some seconds for each trial.
SMALL = [name for name in COMMANDS if name not in ("generate", "challenge-submit", "compare")]
KINDS = {"full": FULL, "broken": BROKEN, "short": SHORT, "killed": KILL}


class Trials:
    """One command, tried with a fault at one writing call after another.

    What it wrote without a fault is the measure of what it may leave.
    """

    def __init__(self, name: str, forks: Forks, world: Path, out: Path) -> None:
        self.command, self.forks, self.world, self.out = COMMANDS[name], forks, world, out
        args = self.prepared()
        self.older = self.written()
        done = forks.run(args, under=out)
        assert done.status == 0, done.err
        self.calls, self.seconds, self.whole = done.calls, done.seconds, self.written()
        assert self.calls or forks.shim is None, "nothing is counted"
        assert self.whole != self.older

    def prepared(self) -> list[str]:
        """The arguments, once everything is as it was before."""
        return prepare(self.command, self.world, self.out)

    def written(self) -> dict[str, object]:
        return content(self.out / self.command.target)

    def left(self) -> set[str]:
        """What is beside the target."""
        return {path.name for path in self.out.iterdir()} - {self.command.target}

    def is_whole(self, written: dict[str, object]) -> bool:
        """Whether it is the older or the new artefact; of a folder filled by file, some files."""
        if self.command.by_file:
            return written.items() <= self.whole.items()
        return written in (self.older, self.whole)

    def complaints(self, kind: int, at: int) -> list[str]:
        """What was not as it must be."""
        args = self.prepared()
        done = self.forks.run(args, under=self.out, kind=kind, at=at)
        training = f"{self.command.target}.training"
        found = []
        if not self.is_whole(self.written()):
            found.append(f"half written: {sorted(self.written())}")
        if kind == KILL:
            # Each cell of a comparison has a process of its own, whose end leaves that cell out.
            left_out = "ended without a result (exit status -9)" in done.err
            if done.status != -9 and not left_out:
                found.append(f"status {done.status}, expected a kill")
            return found + self.complaints_after_a_kill(args)
        if kind == SHORT and done.status == 0:
            if self.written() != self.whole:
                found.append("a short write went unnoticed")
        else:
            last = done.err.rstrip().rpartition("\n")[2]
            if done.status != 1:
                found.append(f"status {done.status}")
            if not last.startswith("segue: ") or str(self.out) not in last or len(last) > 600:
                found.append(f"says {done.err[-600:]!r}")
            if "unexpected" in last or "Traceback" in done.err:
                found.append(f"unexpected: {done.err[-600:]!r}")
        if self.left() - {training}:
            found.append(f"leaves {self.left()}")
        return found

    def complaints_after_a_kill(self, args: list[str]) -> list[str]:
        """What was not as it must be when the same command is given again."""
        training = self.out / f"{self.command.target}.training"
        if training.is_dir() and any(training.iterdir()):
            again = self.forks.run([*args, "--resume"])
            if "there is no checkpoint to resume from" in again.err:
                again = self.forks.run(args)
        else:
            again = self.forks.run(args)
        found = []
        if "is not empty, expected a new" in again.err and self.written() == self.whole:
            return found
        if again.status != 0:
            found.append(f"cannot be run again: {again.err[-600:]!r}")
        elif self.written() != self.whole:
            found.append("another result after a kill")
        left = self.left() | {path.name for path in self.out.rglob(".*")}
        if left:
            found.append(f"leaves {left}")
        return found

    def all_complaints(self, kind: int, places: list[int]) -> list[str]:
        return [
            f"at call {at} of {self.calls}: {complaint}"
            for at in places
            for complaint in self.complaints(kind, at)
        ]


@pytest.mark.parametrize("name", SMALL)
def test_some_writes(name: str, failing: Forks, world: Path, tmp_path: Path) -> None:
    trials = Trials(name, failing, world, tmp_path / "out")
    last = trials.calls
    complaints = []
    tried = [(FULL, last // 2 + 1), (KILL, last // 2 + 1)]
    if name != "train":  # which takes some seconds each time
        tried += [(FULL, 1), (BROKEN, max(1, last - 2)), (SHORT, min(last, 2))]
    for kind, at in tried:
        complaints += trials.all_complaints(kind, [at])
    assert complaints == []


def test_a_pdf_on_a_full_disk(failing: Forks, world: Path, tmp_path: Path) -> None:
    """At every call: matplotlib fails in other ways as it closes one that it could not write."""
    trials = Trials("draw-pdf", failing, world, tmp_path / "out")
    assert trials.all_complaints(FULL, list(range(1, trials.calls + 1))) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_write(
    name: str, kind: str, failing: Forks, large_world: Path, tmp_path: Path
) -> None:
    trials = Trials(name, failing, large_world, tmp_path / "out")
    number = times("CALLS", trials.calls)  # of all calls, evenly spread
    places = sorted({round(at) for at in np.linspace(1, trials.calls, number)})
    complaints = trials.all_complaints(KINDS[kind], places)
    print(f"{name}, {kind}: {len(places)} of {trials.calls} calls")
    assert complaints == []


def test_the_measure_is_steady(failing: Forks, world: Path, tmp_path: Path) -> None:
    """Two runs without a fault count the same calls and write the same."""
    one = Trials("build", failing, world, tmp_path / "out")
    args = prepare(one.command, world, one.out)
    assert failing.run(args, under=one.out, kind=NOTHING).calls == one.calls
    assert one.written() == one.whole
