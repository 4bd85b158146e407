"""A small world, and a process that runs commands in it while something is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_world import make_large_world, make_world
from forks import Forks, compile_shim


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Runs commands in forks of one process."""
    for name in ("torch", "lightgbm", "faiss", "matplotlib", "networkx"):
        pytest.importorskip(name)
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    folder = tmp_path_factory.mktemp("forks")
    forks = Forks(folder, compile_shim(folder))
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def failing(forks: Forks) -> Forks:
    """The same, if it can make writes fail."""
    if forks.shim is None:
        pytest.skip("needs Linux and a C compiler, for a library that makes writes fail")
    return forks


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Path:
    folder = tmp_path_factory.mktemp("world")
    make_world(folder, forks)
    return folder


@pytest.fixture(scope="session")
def large_world(world: Path, forks: Forks) -> Path:
    """With what a submission needs."""
    make_large_world(world, forks)
    return world
