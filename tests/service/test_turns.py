"""What arrives leaves the interpreter to the answers."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from segue.service import turns as turns_module
from segue.service.serving import Served, Serving
from segue.service.turns import Turns
from segue.service.work import Work


class Clock:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.now = self.taken = 0.0

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.taken


class Waits:
    """Stands for work that goes on."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.seconds = clock, [0.0]

    def wait(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.clock.now += seconds


def test_the_loop_takes_its_share_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(turns_module, "time", clock)
    waits: Any = Waits(clock)
    turns = Turns(waits)
    for _ in range(10_000):  # a flood: each takes .3 ms
        clock.now += 3e-4
        clock.taken += 3e-4
        turns.arrive()
    assert 0.18 < clock.taken / clock.now < 0.22
    assert max(waits.seconds) <= 5e-3
    waits.seconds.clear()
    for _ in range(100):  # somebody who asks now and then: .5 ms every 20 ms
        clock.now += 20e-3
        clock.taken += 5e-4
        turns.arrive()
    assert waits.seconds == []
    clock.now, clock.taken = clock.now + 60, clock.taken + 60  # a flood while nobody asked
    turns.arrive()
    assert waits.seconds == pytest.approx([5e-3]), "is not held against those who come then"


def test_the_wait_ends_with_an_answer(serving: Serving) -> None:
    go = threading.Event()

    def question(_: Served) -> bytes:
        assert go.wait(30)
        return b""

    async def ask() -> float:
        work = Work(serving, 1)
        began = time.monotonic()
        work.wait(30)
        assert time.monotonic() - began < 5, "nothing goes on"
        answer = asyncio.create_task(work.run(question))
        await asyncio.sleep(0)
        work.wait(0.01)
        assert time.monotonic() - began >= 0.01
        threading.Timer(0.1, go.set).start()
        began = time.monotonic()
        work.wait(30)
        taken = time.monotonic() - began
        assert await answer == b""
        work.wait(30)
        work.close()
        return taken

    assert asyncio.run(ask()) < 20
