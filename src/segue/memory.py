"""How much memory is available: checked before large allocations."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from segue.errors import ResourceError

_MEMINFO = Path("/proc/meminfo")
_STATM = Path("/proc/self/statm")
# Limit, use, and the part of the use that is reclaimable file cache: cgroups 2 and 1.
_CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (
        Path("/sys/fs/cgroup/memory"),
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)


def require_memory(
    num_bytes: int, purpose: str, remedy: Callable[[int], str] | None = None
) -> None:
    """Raise if a task needs more memory than this machine has available.

    Parameters
    ----------
    num_bytes
        What it needs.
    purpose
        How the error message starts: ``"EASE of 2,262,292 tracks"``.
    remedy
        Called with the bytes available for what the message ends with: what would fit.

    Raises
    ------
    ResourceError
        If less is available. Never where the system does not report it (Windows).
    """
    available = available_memory()
    if available is not None and num_bytes > available:
        ending = "" if remedy is None else f"; {remedy(available)}"
        raise ResourceError(
            f"{purpose} needs {gib(num_bytes)} of memory, of which {gib(available)} "
            f"are available here{ending}"
        )


def available_memory() -> int | None:
    """Bytes that can be allocated without swapping; None where the system does not report it.

    On Linux this respects the container's and the process's limits. Elsewhere it is all of the
    machine's memory, which is more than is free, so that only what can never fit is rejected.
    """
    limits = [_unused_in(*cgroup) for cgroup in _CGROUPS]
    limits.append(_unused_addresses())
    try:
        fields = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        limits.append(int(fields["MemAvailable"].split()[0]) * 1024)
    except (OSError, ValueError, KeyError):
        limits.append(machine_memory())
    return min((limit for limit in limits if limit is not None), default=None)


def total_memory() -> int | None:
    """Bytes that a process alone on this machine could have; None where nothing reports it.

    Unlike `available_memory` it is the same however much is in use. It respects the same limits.
    """
    limits = [_limit_of(folder, limit) for folder, limit, *_ in _CGROUPS]
    limits += [memory_limit(), machine_memory()]
    return min((limit for limit in limits if limit is not None), default=None)


def memory_limit() -> int | None:
    """The limit of this process's address space or data in bytes; None if it has none."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
    limits = [resource.getrlimit(kind)[0] for kind in kinds]
    return min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=None)


def machine_memory() -> int | None:
    """Bytes of memory that this machine has; None where the system does not report it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _unused_addresses() -> int | None:
    """What the process may still map; None where nothing limits that."""
    limit = memory_limit()
    with suppress(OSError, ValueError, IndexError):
        if limit is not None:
            return max(0, limit - int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE"))
    return limit


def _unused_in(folder: Path, limit: str, used: str, reclaimable: str) -> int | None:
    """What a control group may still allocate; None if there is no group, or it has no limit."""
    try:
        statistics = dict(
            line.split() for line in (folder / "memory.stat").read_text().splitlines()
        )
        unused = _limit_of(folder, limit)
        if unused is None:
            return None
        unused -= int((folder / used).read_text())
        return max(0, unused + int(statistics[reclaimable]))
    except (OSError, ValueError, KeyError):
        return None


def _limit_of(folder: Path, limit: str) -> int | None:
    """What a control group may allocate in all; None if there is no group, or it has no limit."""
    try:
        return int((folder / limit).read_text())
    except (OSError, ValueError):  # a group without a limit says "max"
        return None


def gib(num_bytes: int) -> str:
    """Bytes as people read them: ``"1.5 GiB"``, and small ones ``"20 MiB"``."""
    if num_bytes < 2**29:
        return f"{num_bytes / 2**20:.0f} MiB"
    return f"{num_bytes / 2**30:,.1f} GiB"
