"""Named plain values, checked against the types of a signature or a dataclass.

Written by hand because no library gives these sentences: a refusal lists every option with its
type, and `True` does not pass for a number. Pydantic would replace `_fits` alone, and be a
dependency of training for it.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from segue.errors import InputError

# Fields of `TrainConfig`, or arguments that training provides.
GIVEN = ("dim", "num_layers", "initial_std", "rng")


def known_options(make_encoder: Callable[..., Any]) -> dict[str, Any] | None:
    """The options that can be given as plain values: names and types from the constructor.

    None if it takes any.
    """
    signature = inspect.signature(make_encoder, eval_str=True)
    if any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values()):
        return None
    return {
        name: each.annotation
        for name, each in signature.parameters.items()
        if each.kind is each.KEYWORD_ONLY and name not in GIVEN and _plain(each.annotation)
    }


def at_least(name: str, value: int, lowest: int) -> None:
    """Raise InputError for a number that is too small."""
    if value < lowest:
        raise InputError(f"{name} is {value}, expected {lowest} or more")


def checked(options: Mapping[str, Any], known: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Options converted to their types: 2 becomes 2.0, a list of two numbers a pair.

    Parameters
    ----------
    options
        Plain values by name.
    known
        Types by name.
    owner
        Whose options they are, for error messages.

    Raises
    ------
    InputError
        If one is unknown or has the wrong type.
    """
    listed = ", ".join(f"{name} ({_words(kind)})" for name, kind in known.items()) or "none"
    found = dict(options)
    for name, value in found.items():
        if name not in known:
            raise InputError(f"{owner} has no option {name!r}, expected some of: {listed}")
        if not _fits(value, known[name]):
            raise InputError(
                f"option {name} of {owner} is {value!r}, expected {_words(known[name])} "
                f"(its options: {listed})"
            )
        if known[name] is float:
            found[name] = float(value)
        elif get_origin(known[name]) is tuple:
            found[name] = tuple(map(float, value))
    return found


def _plain(kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType):
        return any(_plain(each) for each in get_args(kind))
    return kind in (bool, int, float, str) or get_origin(kind) is Literal


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType):
        return any(_fits(value, each) for each in get_args(kind))
    if get_origin(kind) is Literal:
        # True equals 1, but does not choose it.
        return any(value == each and type(value) is type(each) for each in get_args(kind))
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        return (
            isinstance(value, list | tuple)
            and len(value) == len(parts)
            and all(_fits(each, part) for each, part in zip(value, parts, strict=True))
        )
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is kind


def _words(kind: Any) -> str:
    """A type in plain words."""
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_words(each) for each in get_args(kind) if _plain(each))
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        return "two numbers"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    return words[kind]
