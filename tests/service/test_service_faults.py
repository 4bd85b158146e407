"""Attacks on a running service, as in benchmarks/service_faults.py, which tries them for longer."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "service_faults.py"


def times(name: str, usual: int) -> int:
    return int(os.environ.get(f"SEGUE_FAULTS_{name}", usual))


@pytest.fixture(scope="module")
def faults() -> Iterator[ModuleType]:
    if not SCRIPT.exists():
        pytest.skip("the benchmarks are not part of this distribution")
    spec = importlib.util.spec_from_file_location("service_faults", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["service_faults"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["service_faults"]


def test_each_attack_is_refused_and_others_are_answered(shipped: Path, faults: ModuleType) -> None:
    service = faults.Service(shipped)

    async def attack() -> dict[str, int]:
        found = {}
        for name, attack in faults.ATTACKS.items():
            found[name] = await attack(service)
            assert await faults.ask(service, healthy) == 200, name
        return found

    healthy = faults.get("/api/v1/find?text=a", "host: localhost")
    assert asyncio.run(faults.ask(service, healthy)) == 200
    before = service.descriptors()
    statuses = asyncio.run(attack())
    # A client that still sends may find the connection closed before it has read why.
    closed = {name for name, status in statuses.items() if status == 0}
    assert closed <= {"1 GB body", "1 GB body in chunks", "endless head"}
    answered = {name: status for name, status in statuses.items() if name not in closed | {"reset"}}
    assert all(400 <= status < 500 for status in answered.values()), statuses
    assert service.descriptors() <= before + 3
    assert service.stop() < 20
    assert "Traceback" not in service.log()


def test_the_end_answers_what_was_asked(shipped: Path, faults: ModuleType) -> None:
    figures = faults.ends(shipped, 30, 1)
    assert figures["statuses"] == {"200": 30}


@pytest.mark.slow
def test_swaps_under_load(shipped: Path, faults: ModuleType) -> None:
    swaps = times("SWAPS", 100)
    figures = faults.swap(shipped, swaps, 4)
    print(figures)
    assert set(figures["answers"]) == {"right"}
    assert figures["swaps"] == swaps


@pytest.mark.slow
def test_kills_of_workers(shipped: Path, faults: ModuleType) -> None:
    figures = faults.kills(shipped, times("KILLS", 50))
    print(figures)
    assert figures["seconds until it answers, longest"] < 30


@pytest.mark.slow
def test_many_ends(shipped: Path, faults: ModuleType) -> None:
    number = times("ENDS", 20)
    figures = faults.ends(shipped, 50, number)
    print(figures)
    assert figures["statuses"] == {"200": 50 * number}


@pytest.mark.slow
def test_soak(shipped: Path, faults: ModuleType) -> None:
    figures = faults.soak(shipped, times("REQUESTS", 1_000_000), 8, False, print)
    assert set(figures["answers"]) == {"right"}
    assert figures["descriptors"][1] <= figures["descriptors"][0] + 8
    assert figures["memory"][1] < figures["memory"][0] * 1.2 + 20
