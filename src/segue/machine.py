"""This machine: a description that figures of time and memory carry, and limits on its threads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import segue
from segue.memory import machine_memory


def machine() -> dict[str, Any]:
    """Hardware, versions and commit: what figures of time and memory belong to.

    PyTorch, its threads and a GPU are in it where PyTorch is loaded, and None otherwise.
    """
    torch = sys.modules.get("torch")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": machine_memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "gpu": torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None,
        "threads": torch.get_num_threads() if torch else None,
        "segue": segue.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__ if torch else None,
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


def limit_threads(threads: int | None) -> None:
    """Limit the threads of every numerical library that is loaded, PyTorch's too."""
    if threads is None:
        return
    import scipy.linalg  # noqa: F401 - loads what is to be limited: NumPy's BLAS and SciPy's own
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
