"""Objectives as plain values, and changed by options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from segue.errors import InputError
from segue.training.objectives import (
    NEGATIVES,
    OBJECTIVES,
    Negatives,
    Objective,
    PooledSoftmax,
    RandomNegatives,
    has_negatives,
)
from segue.training.options import checked

_Named = TypeVar("_Named", bound=Negatives | Objective)


def to_json(part: Objective | Negatives) -> dict[str, Any]:
    """An objective as plain values: its name and fields, and its negatives likewise."""
    values = {each.name: getattr(part, each.name) for each in fields(part)}
    if "negatives" in values:
        values["negatives"] = to_json(values["negatives"])
    return {"name": part.name, **values}


def objective_from_json(values: Mapping[str, Any]) -> Objective:
    """An objective from plain values: the inverse of `to_json`; missing fields get their default.

    Raises
    ------
    InputError
        If a name is unknown, or a value has the wrong type or is out of range.
    """
    given = {name: value for name, value in values.items() if name not in ("name", "negatives")}
    kind = _kind("objective", values.get("name"), OBJECTIVES)
    made = checked(given, _plain_fields(kind), kind.name)
    if "negatives" in values:
        if not has_negatives(kind):
            compared = "a pool" if kind is PooledSoftmax else "the whole catalogue"
            raise InputError(f"{kind.name} has no negatives: it compares with {compared}")
        made["negatives"] = _negatives_from_json(values["negatives"])
    return kind(**made)


def changed(
    objective: Objective,
    name: str | None = None,
    negatives: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Objective:
    """An objective with some choices changed; a different kind starts from its defaults.

    Parameters
    ----------
    objective
        The objective to start from.
    name, negatives
        In `OBJECTIVES` and `NEGATIVES`.
    options
        Fields of the objective; fields of its negatives as ``negatives.share``.

    Raises
    ------
    InputError
        As for `objective_from_json`.
    """
    values: dict[str, Any] = {"name": name}
    if name in (None, objective.name):
        values = to_json(objective)
    if negatives is not None and values.get("negatives", {}).get("name") != negatives:
        values["negatives"] = {"name": negatives}
    for option, value in (options or {}).items():
        if option in ("name", "negatives", "negatives.name"):
            raise InputError(
                f"{option} is not an option of an objective: the objective and its negatives are "
                "chosen by their names"
            )
        if option.startswith("negatives."):
            drawn = values.setdefault("negatives", {"name": RandomNegatives.name})
            drawn[option.removeprefix("negatives.")] = value
        else:
            values[option] = value
    return objective_from_json(values)


def _negatives_from_json(values: Mapping[str, Any]) -> Negatives:
    given = {name: value for name, value in values.items() if name != "name"}
    kind = _kind("negatives", values.get("name"), NEGATIVES)
    return kind(**checked(given, _plain_fields(kind), f"{kind.name} negatives"))


def _kind(what: str, name: Any, known: Mapping[str, type[_Named]]) -> type[_Named]:
    if name not in known:
        raise InputError(f"{what} {name!r} is not known, expected {', '.join(known)}")
    return known[name]


def _plain_fields(kind: type[Objective | Negatives]) -> dict[str, Any]:
    types = get_type_hints(kind)
    return {each.name: types[each.name] for each in fields(kind) if each.name != "negatives"}
