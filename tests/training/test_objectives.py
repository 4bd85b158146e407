"""Objectives and negatives: what they refuse, as plain values, and changed by name."""

import json
from typing import Any

import pytest

from segue.errors import InputError
from segue.training.objective_json import changed, objective_from_json, to_json
from segue.training.objectives import (
    BPR,
    NEGATIVES,
    OBJECTIVES,
    CatalogueSoftmax,
    HardestNegatives,
    HardNegatives,
    Objective,
    PooledSoftmax,
    RandomNegatives,
    SampledSoftmax,
    Triples,
    has_negatives,
)

HARD = HardNegatives(share=(0.5, 0.05), mix=(0.25, 1.0), refresh_every=2)
EVERY: list[Objective] = [
    CatalogueSoftmax(temperature=0.2, hidden_share=(0.1, 0.2), few_share=0.5, hide_targets=False),
    PooledSoftmax(pool_size=7, popularity_power=0.0),
    SampledSoftmax(num_negatives=3, negatives=HardestNegatives(pool_size=7)),
    SampledSoftmax(negatives=HardestNegatives()),
    BPR(negatives=HARD),
    Triples(l2=0.5, negatives=RandomNegatives()),
]


def test_names() -> None:
    assert list(OBJECTIVES) == [
        "catalogue-softmax", "pooled-softmax", "sampled-softmax", "bpr", "triples",
    ]  # fmt: skip
    assert list(NEGATIVES) == ["random", "hard", "hardest"]
    assert [name for name, kind in OBJECTIVES.items() if not has_negatives(kind)] == [
        "catalogue-softmax", "pooled-softmax",
    ]  # fmt: skip


@pytest.mark.parametrize("objective", EVERY, ids=lambda objective: objective.name)
def test_round_trip_through_json(objective: Objective) -> None:
    assert objective_from_json(json.loads(json.dumps(to_json(objective)))) == objective


def test_as_plain_values() -> None:
    assert to_json(BPR(negatives=HARD)) == {
        "name": "bpr",
        "temperature": 0.1,
        "hidden_share": (0.3, 0.7),
        "few_share": 0.1,
        "negatives": {
            "name": "hard",
            "share": (0.5, 0.05),
            "mix": (0.25, 1.0),
            "refresh_every": 2,
        },
    }
    assert objective_from_json({"name": "triples"}) == Triples()


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (CatalogueSoftmax, {"temperature": 0.01}, "temperature is 0.01, expected 0.025 or more"),
        (SampledSoftmax, {"temperature": float("nan")}, "temperature"),
        (BPR, {"hidden_share": (0.7, 0.3)}, "hidden_share is 0.7 to 0.3"),
        (CatalogueSoftmax, {"hidden_share": (0.0, 0.3)}, "hidden_share"),
        (SampledSoftmax, {"hidden_share": (0.5, 1.0)}, "hidden_share"),
        (CatalogueSoftmax, {"few_share": 1.5}, "few_share is 1.5"),
        (PooledSoftmax, {"pool_size": 0}, "pool_size is 0, expected 1 or more"),
        (PooledSoftmax, {"popularity_power": 1.5}, "popularity_power is 1.5, expected a number"),
        (PooledSoftmax, {"temperature": 0.0}, "temperature is 0.0"),
        (SampledSoftmax, {"num_negatives": 0}, "num_negatives is 0, expected 1 or more"),
        *(
            (kind, {"negatives": "hard"}, "negatives is 'hard', expected .*segue.HardNegatives")
            for kind in (SampledSoftmax, BPR, Triples)
        ),
        (Triples, {"l2": -0.1}, "l2 is -0.1, expected 0 or more"),
        (Triples, {"l2": float("inf")}, "l2"),
        (HardestNegatives, {"pool_size": 0}, "pool_size is 0"),
        (HardNegatives, {"refresh_every": 0}, "refresh_every is 0"),
        (HardNegatives, {"share": (1.0, 0.0)}, "share of hard negatives"),
        (HardNegatives, {"share": (1.5, 0.5)}, "share of hard negatives"),
        (HardNegatives, {"mix": (-0.1, 0.5)}, "mix of hard negatives"),
    ],
    ids=str,
)
def test_values_outside_their_range_are_refused(
    kind: Any, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        kind(**fields)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "objective None is not known, expected catalogue-softmax, pooled-softmax, sampled"),
        ({"name": "hinge"}, "objective 'hinge' is not known"),
        ({"name": "bpr", "l2": 1.0}, "bpr has no option 'l2', expected some of: temperature"),
        ({"name": "bpr", "temperature": "warm"}, "is 'warm', expected a number"),
        ({"name": "bpr", "temperature": True}, "is True, expected a number"),
        ({"name": "bpr", "hidden_share": [0.3]}, r"is \[0.3\], expected two numbers"),
        ({"name": "sampled-softmax", "num_negatives": 2.5}, "is 2.5, expected a whole number"),
        ({"name": "bpr", "negatives": {"name": "easy"}}, "negatives 'easy' is not known, exp"),
        (
            {"name": "bpr", "negatives": {"name": "random", "share": [1, 1]}},
            "random negatives has no option 'share', expected some of: none",
        ),
        ({"name": "catalogue-softmax", "negatives": {"name": "hard"}}, "compares with the whole"),
        ({"name": "pooled-softmax", "negatives": {"name": "hard"}}, "it compares with a pool"),
    ],
    ids=str,
)
def test_plain_values_that_make_no_sense_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        objective_from_json(values)


def test_changed_by_name() -> None:
    tuned = CatalogueSoftmax(temperature=0.085)
    assert changed(tuned) == tuned
    assert changed(tuned, options={"few_share": 0}) == CatalogueSoftmax(
        temperature=0.085, few_share=0.0
    )
    assert changed(tuned, "bpr") == BPR(), "what was tuned for another objective does not hold"
    assert changed(tuned, "sampled-softmax", "hard", {"negatives.share": [0.5, 0.05]}) == (
        SampledSoftmax(negatives=HardNegatives(share=(0.5, 0.05)))
    )
    assert changed(BPR(negatives=HARD), negatives="hard") == BPR(negatives=HARD)
    assert changed(BPR(negatives=HARD), negatives="random") == BPR()


@pytest.mark.parametrize("option", ["name", "negatives", "negatives.name"])
def test_a_kind_is_not_changed_by_an_option(option):
    options = {option: "hard", "negatives.share": [0.5, 0.05]}
    with pytest.raises(InputError, match=f"^{option} is not an option of an objective: "):
        changed(SampledSoftmax(), options=options)
