"""What figures of time and memory belong to: hardware, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

import segue
from segue.memory import machine_memory


def machine() -> dict[str, Any]:
    """What the figures of time and memory belong to."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": machine_memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "segue": segue.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
    }


def commit() -> str | None:
    """The commit that this package is of, with ``-dirty`` where files differ from it.

    None for an installed package, though it may lie within somebody else's repository.
    """
    package = Path(segue.__file__).parent
    root = package.parent.parent
    if package.parent.name != "src" or not (root / ".git").exists():
        return None
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(
            [
                "git",
                "-C",
                str(root),
                "describe",
                "--always",
                "--dirty",
                "--abbrev=12",
                "--exclude=*",
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout.strip()
    return None


def peak_memory() -> int | None:
    """The most memory that this process has held at once, in bytes: all of it, Python included.

    From the kernel's high-water mark. `resource.getrusage` would also count what the process that
    started this one held.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
