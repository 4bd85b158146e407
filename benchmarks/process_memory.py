"""How much memory a command and the processes that it starts have together."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path


def memory_of(pid: int) -> int:
    """Resident bytes of a process and all below it; what they share, such as files, counts once."""
    parent, own, shared = {}, {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it has ended
            number = int(folder.name)
            parent[number] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            _, resident, mapped, *_ = map(int, (folder / "statm").read_text().split())
            own[number], shared[number] = resident - mapped, mapped
    ours, new = set(), {pid}
    while new:
        ours |= new
        new = {each for each, above in parent.items() if above in new} - ours
    pages = sum(own.get(each, 0) for each in ours)
    pages += max((shared.get(each, 0) for each in ours), default=0)
    return pages * resource.getpagesize()
