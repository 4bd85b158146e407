"""How much memory there is, and the sentence when it is too little."""

import pytest

from segue import memory
from segue.errors import ResourceError
from segue.memory import available_memory, require_memory, total_memory


def test_some_memory_is_available_here():
    available = available_memory()
    assert available is None or available > 2**20


def test_the_refusal_says_both_figures(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 3 * 2**30)
    require_memory(3 * 2**30, "A task")
    with pytest.raises(ResourceError) as error:
        require_memory(20_471_880_515_584, "EASE of 2,262,292 tracks")
    assert str(error.value) == (
        "EASE of 2,262,292 tracks needs 19,065.9 GiB of memory, of which 3.0 GiB are available here"
    )


def test_a_container_may_take_less_than_the_machine_has(tmp_path, monkeypatch):
    group, machine = tmp_path / "cgroup", tmp_path / "meminfo"
    group.mkdir()
    machine.write_text("MemTotal: 4000 kB\nMemAvailable: 3000 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", machine)
    names = ("memory.max", "memory.current", "inactive_file")
    monkeypatch.setattr(memory, "_CGROUPS", ((group, *names),))
    assert available_memory() == 3000 * 1024, "no control group"
    (group / "memory.max").write_text("1000000\n")
    (group / "memory.current").write_text("400000\n")
    (group / "memory.stat").write_text("anon 300000\ninactive_file 50000\n")
    assert available_memory() == 650_000, "files in memory make way"
    (group / "memory.max").write_text("max\n")
    assert available_memory() == 3000 * 1024
    machine.unlink()
    monkeypatch.setattr(memory, "machine_memory", lambda: None)
    assert available_memory() is None


def test_all_memory_is_that_of_the_machine_or_of_its_container(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUPS", ((tmp_path, "memory.max", "", ""),))
    monkeypatch.setattr(memory, "machine_memory", lambda: 5000)
    monkeypatch.setattr(memory, "memory_limit", lambda: None)
    assert total_memory() == 5000
    (tmp_path / "memory.max").write_text("max\n")
    assert total_memory() == 5000
    (tmp_path / "memory.max").write_text("3000\n")
    assert total_memory() == 3000
    monkeypatch.setattr(memory, "memory_limit", lambda: 2000)
    assert total_memory() == 2000
