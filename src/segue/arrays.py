"""Files of arrays, in the safetensors format: nothing in one is trusted before it is checked.

The format: eight bytes with the length of a JSON header, the header, then the arrays' bytes
(https://huggingface.co/docs/safetensors, "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from segue.errors import ArtefactError
from segue.files import atomic_file, parsed_json

_DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1", "F16": "<f2"}
_MOST_HEADER_BYTES, _MOST_AXES = 16 << 20, 4
_FACTS, _CHECKSUM = "facts", "sha256"


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], **metadata: str) -> None:
    """Write arrays to a file.

    Raises
    ------
    OSError
        If it cannot be written, for example because the disk is full.
    """
    contiguous = {
        name: array if array.flags.c_contiguous else array.copy() for name, array in arrays.items()
    }
    try:
        save_file(contiguous, path, metadata=metadata or None)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def map_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file, memory-mapped for reading; the library's own loader copies them.

    Raises
    ------
    ArtefactError
        If the file is not in that format. What is in the arrays is not checked.
    """
    return _parsed(path)[0]


def save_checked(path: Path, arrays: Mapping[str, NDArray[Any]], facts: Any = None) -> None:
    """Write arrays and facts (plain values) atomically, with a checksum over all of them.

    Raises
    ------
    ArtefactError
        If it cannot be written.
    """
    text = json.dumps(facts)
    with atomic_file(path) as temporary:
        write_arrays(temporary, arrays, **{_FACTS: text, _CHECKSUM: _checksum(arrays, text)})


def load_checked(path: Path) -> tuple[dict[str, NDArray[Any]], Any]:
    """The arrays (memory-mapped) and facts that `save_checked` wrote.

    Raises
    ------
    ArtefactError
        If the file cannot be read, or is not as it was written.
    """
    arrays, metadata = _parsed(path)
    text, checksum = metadata.get(_FACTS), metadata.get(_CHECKSUM)
    if not isinstance(text, str):
        raise ArtefactError(f"{path}: has no checksum, so another version of Segue wrote it")
    if _checksum(arrays, text) != checksum:
        raise ArtefactError(f"{path}: is not as it was written (its checksum differs)")
    return arrays, parsed_json(text, path)


def _checksum(arrays: Mapping[str, NDArray[Any]], facts: str) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        # One axis: to make an array of none contiguous would give it one.
        array = np.ascontiguousarray(arrays[name].reshape(-1))
        digest.update(json.dumps([name, array.dtype.str, arrays[name].shape]).encode())
        digest.update(array.view(np.uint8).data)
    digest.update(facts.encode())
    return digest.hexdigest()


def _parsed(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the metadata of a file."""

    def wrong(why: str) -> ArtefactError:
        return ArtefactError(f"{path}: cannot be read as a file of arrays ({why})")

    try:
        content = np.asarray(np.memmap(path, np.uint8, mode="r"))
    except (OSError, ValueError) as error:  # ValueError: it is empty
        raise wrong(str(error)) from error
    size = int.from_bytes(content[:8].tobytes(), "little")
    start = 8 + size
    if len(content) < 8 or size > _MOST_HEADER_BYTES or start > len(content):
        raise wrong("its header lies outside the file")
    header = parsed_json(content[8:start].tobytes(), path)
    metadata = header.pop("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict):
        raise wrong("its header is something else")
    arrays, data, used = {}, content[start:], 0
    for name, entry in header.items():
        try:
            dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), entry["shape"]
            first, last = entry["data_offsets"]
        except (KeyError, TypeError, ValueError):
            raise wrong(f"{name!r} is not described as an array") from None
        if not isinstance(shape, list) or len(shape) > _MOST_AXES:
            raise wrong(f"{name!r} has no shape, or too many axes")
        numbers = [first, last, *shape]
        if any(type(n) is not int or n < 0 for n in numbers):
            raise wrong(f"the shape or place of {name!r} is not given in whole numbers")
        if max(numbers) > 1 << 48 or first > last or last > len(data):
            raise wrong(f"{name!r} lies outside the file")
        if math.prod(shape) * dtype.itemsize != last - first or (start + first) % dtype.itemsize:
            raise wrong(f"{name!r} is not as long as its shape, or begins within a number")
        used += last - first
        arrays[name] = data[first:last].view(dtype).reshape(shape)
    if used != len(data):
        raise wrong("it holds more than it describes, or arrays that overlap")
    return arrays, metadata
