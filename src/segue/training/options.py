"""The options of an architecture: those that its constructor names, and no others."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from segue.errors import InputError
from segue.training.config import TrainConfig

# Fields of `TrainConfig` themselves, or what a training gives.
GIVEN = ("dim", "num_layers", "initial_std", "rng")


def known_options(make_encoder: Callable[..., Any]) -> dict[str, Any] | None:
    """The options that can be given as plain values: name and type, as the constructor states them.

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


def options_for(
    make_encoder: Callable[..., Any], config: TrainConfig
) -> dict[str, bool | int | float | str]:
    """The options of a configuration as the constructor wants them.

    Raises
    ------
    InputError
        If the architecture does not have one of them, or wants another type.
    """
    options = dict(config.options)
    known = known_options(make_encoder) if options else None
    if known is None:
        return options
    listed = ", ".join(f"{name} ({_words(kind)})" for name, kind in known.items()) or "none"
    for name, value in options.items():
        if name not in known:
            raise InputError(f"{config.model} has no option {name!r}, expected some of: {listed}")
        if not _fits(value, known[name]):
            raise InputError(
                f"option {name} of {config.model} is {value!r}, expected {_words(known[name])} "
                f"(its options: {listed})"
            )
        if known[name] is float:
            options[name] = float(value)  # 2 is meant as 2.0
    return options


def _plain(kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType):
        return any(_plain(each) for each in get_args(kind))
    return kind in (bool, int, float, str) or get_origin(kind) is Literal


def _fits(value: bool | int | float | str, kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType):
        return any(_fits(value, each) for each in get_args(kind))
    if get_origin(kind) is Literal:
        # True is equal to 1, but it is no choice of a number.
        return any(value == each and type(value) is type(each) for each in get_args(kind))
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind


def _words(kind: Any) -> str:
    """A type, for people."""
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_words(each) for each in get_args(kind) if _plain(each))
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    return words[kind]
