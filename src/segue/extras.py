"""Optional libraries: which extra of Segue installs what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from segue.errors import ResourceError

# Module → the library's name, and what to pip install.
_LIBRARIES = {
    "torch": ("PyTorch", "segue[train]"),
    "lightgbm": ("LightGBM", "segue[train]"),
    "matplotlib": ("matplotlib", "segue[draw]"),
    "networkx": ("networkx", "segue[draw]"),
    "umap": ("UMAP", "segue[umap]"),
    "faiss": ("FAISS", "segue[ann]"),
    "implicit": ("implicit", "segue[baselines]"),
    "ray": ("Ray", "segue[ray]"),
    "tensorboard": ("TensorBoard", "segue[tensorboard]"),
    "fastapi": ("FastAPI", "segue[serve]"),
    "pydantic": ("pydantic", "segue[serve]"),
    "starlette": ("Starlette", "segue[serve]"),
    "uvicorn": ("uvicorn", "segue[serve]"),
    "uvloop": ("uvloop", "segue[serve]"),
    "httptools": ("httptools", "segue[serve]"),
    "prometheus_client": ("prometheus-client", "segue[serve]"),
    "pandas": ("pandas", "pandas"),
    "torch_geometric": ("PyTorch Geometric", "torch_geometric"),
}


@contextmanager
def required(what: str, extra: str | None = None) -> Iterator[None]:
    """Guard imports of optional libraries: a missing one raises ResourceError.

    Parameters
    ----------
    what
        What needs them; the error message starts with it.
    extra
        The one that brings all of them; None: that of the library that is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _LIBRARIES:
            raise
        library, requirement = _LIBRARIES[name]
        requirement = extra or requirement
        raise ResourceError(
            f"{what} needs {library}, which is not installed: pip install '{requirement}'"
        ) from error


def lightgbm_library() -> Any:
    """LightGBM; ResourceError if it is not installed or cannot be loaded."""
    try:
        with required("training a second stage"):
            import lightgbm
    except OSError as error:
        raise ResourceError(
            f"training a second stage needs LightGBM, which cannot be loaded ({error}); where it "
            "is libgomp.so.1 that is missing: apt-get install libgomp1"
        ) from error
    return lightgbm
