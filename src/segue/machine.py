"""This machine: its description, for figures of time and memory, and limits on threads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import segue
from segue.memory import machine_memory


def machine() -> dict[str, Any]:
    """Hardware, versions and commit, to go with figures of time and memory.

    PyTorch, its threads and a GPU are included if PyTorch is loaded, and None otherwise.
    """
    import numpy as np  # every command imports this module, few need it

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


def available_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def versions() -> dict[str, Any]:
    """What an artefact is made with: this package, Python, libraries, system and processor.

    Libraries that are not loaded took no part, and are left out.
    """
    libraries = ("numpy", "scipy", "pyarrow", "torch", "lightgbm", "faiss")
    loaded = {name: sys.modules[name].__version__ for name in libraries if sys.modules.get(name)}
    return {
        "segue": segue.__version__,
        "python": platform.python_version(),
        **loaded,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
    }


def commit() -> str | None:
    """The commit of this package's source, with ``-dirty`` if files differ from it.

    None for an installed package, even if it is inside somebody else's repository.
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
    """Peak memory of this process in bytes, the Python interpreter included.

    From the kernel's high-water mark. `resource.getrusage` would also count the parent process's
    memory.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def limit_threads(threads: int | None) -> None:
    """Limit the threads of every loaded numerical library, including PyTorch."""
    if threads is None:
        return
    import scipy.linalg  # noqa: F401 - loads the libraries to limit: NumPy's BLAS and SciPy's own
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def granted_threads() -> int:
    """Number of threads that the environment grants to numerical libraries."""
    from threadpoolctl import threadpool_info

    pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return max(pools, default=1)


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
