"""JSON as services write it: any value may be missing, null or of another type than expected."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from segue.data.records import Reject
from segue.data.source_file import SourceFile

_KEY = re.compile(rb'"(\w+)"\s*:')


@lru_cache(maxsize=8)  # Several formats ask in turn.
def keys_of(file: SourceFile) -> frozenset[bytes]:
    """The keys of objects at the beginning of a JSON file; none if it is not JSON."""
    start = file.head.lstrip()
    return frozenset(_KEY.findall(file.head)) if start[:1] in (b"{", b"[") else frozenset()


def loaded(file: SourceFile, reject: Reject) -> Any:
    """The file's content; None, after a call of `reject`, if it is not JSON. NaN becomes None."""
    content = file.json()
    try:
        return json.loads(content.decode(), parse_constant=lambda name: None)
    except UnicodeDecodeError as error:
        reject(file.name, "whole file", f"is not UTF-8 text, at byte {error.start}", None)
    except json.JSONDecodeError as error:
        reason = f"not complete JSON ({error.msg}), the file may have been cut off"
        reject(file.name, f"line {error.lineno}", reason, None)
    except (RecursionError, ValueError):
        reject(file.name, "whole file", "is nested too deeply, or holds too long a number", None)
    return None


def text(value: Any) -> str:
    """Trimmed text, or the digits of a whole number; empty for anything else."""
    if isinstance(value, str):
        # Half of a surrogate pair can be written in JSON, but is not text.
        whole = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def texts(value: Any) -> list[str]:
    """The texts of a list, or the only one; empty ones dropped."""
    values = value if isinstance(value, list) else [value]
    return [found for found in map(text, values) if found]


def record(value: Any) -> dict[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def records(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; what is none is an empty one."""
    return [record(entry) for entry in value] if isinstance(value, list) else []
