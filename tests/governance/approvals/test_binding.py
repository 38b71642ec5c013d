"""What an approval is bound to: each difference changes the hash, each other writing of the same does not."""

from __future__ import annotations

import copy
import enum
import hashlib
import json
import math
import unicodedata

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.approvals.binding import binding_hash

TEXT = st.text(st.characters(codec=None), max_size=6)  # lone surrogates too
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(TEXT, v, max_size=3), max_leaves=6)
MAPPINGS = st.dictionaries(TEXT, VALUES, max_size=4)
CHANGES = st.fixed_dictionaries(
    {"resource": st.sampled_from(["a", "b", "c"]), "action": st.sampled_from(["create", "delete"]), "after": VALUES}
)
PLANS = st.lists(CHANGES, max_size=3)


def hashed(parameters=None, plan=(), script="deploy", environment="production") -> str:
    return binding_hash(script, environment, parameters or {}, plan)


def same(a, b) -> bool:
    """Equality of JSON values: Python finds True equal to 1, and a large integer equal to the float it rounds to."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None or isinstance(a, str):
        return type(a) is type(b) and a == b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b and (type(a) is type(b) or abs(a) < 2**53)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return False


def shuffled(value, random):
    """The same value with its mappings in another order."""
    if isinstance(value, dict):
        pairs = [(key, shuffled(item, random)) for key, item in value.items()]
        random.shuffle(pairs)
        return dict(pairs)
    return [shuffled(item, random) for item in value] if isinstance(value, list) else value


@given(MAPPINGS, MAPPINGS)
@example({"a": 2**60}, {"a": str(2**60)})
@example({"a": 2**60}, {"a": {"integer": f"{2**60:x}"}})
@example({"a": math.inf}, {"a": "inf"})
@example({"a": 1}, {"a": True})
@example({"a": "\udce4"}, {"a": "\ufffd"})
@example({"a": "\udce4"}, {"a": {"bytes": "edb3a4"}})
@example({"a": "\udce4"}, {"a": "\udce5"})
@example({"\udce4": 1}, {"\udce5": 1})
@example({"a": "e\u0301"}, {"a": "\u00e9"})
@example({"a": "x\0"}, {"a": "x"})
@example({"a": []}, {"a": {}})
@example({"a": {"mapping": []}}, {"a": {}})
@example({"a": None}, {})
@example({"a": [["b", 1]]}, {"a": {"b": 1}})
@example({"a": 2**53}, {"a": 2**53 + 1})
def test_parameters_have_one_hash_exactly_when_they_are_the_same(one, other):
    assert (hashed(one) == hashed(other)) is same(one, other)


@given(MAPPINGS, PLANS, st.randoms(use_true_random=False))
def test_the_order_of_keys_and_of_the_plan_does_not_matter(parameters, plan, random):
    again = shuffled(copy.deepcopy(plan), random)
    random.shuffle(again)
    assert hashed(shuffled(parameters, random), again) == hashed(parameters, plan)


@given(PLANS, CHANGES)
def test_one_more_change_in_the_plan_is_another_plan(plan, change):
    assert hashed(plan=[*plan, change]) != hashed(plan=plan)


@given(PLANS.filter(bool), st.sampled_from(["resource", "action", "before", "after"]), VALUES, st.data())
def test_another_value_in_the_plan_is_another_plan(plan, member, value, data):
    number = data.draw(st.integers(0, len(plan) - 1))
    assume(value or member in ("before", "after"))
    assume(not same(plan[number].get(member), value))
    changed = [{**change, member: value} if place == number else change for place, change in enumerate(plan)]
    assume(sorted(map(repr, changed)) != sorted(map(repr, plan)))
    assert hashed(plan=changed) != hashed(plan=plan)


@settings(max_examples=50)
@given(MAPPINGS)
def test_the_hash_survives_a_journey_through_json(parameters):
    try:
        text = json.dumps(parameters, allow_nan=False)
    except ValueError:
        assume(False)
    assume("\\ud" not in text)  # halves of surrogates that stand side by side are joined on the way
    assert hashed(json.loads(text)) == hashed(parameters)


def test_how_a_plan_is_explained_does_not_matter():
    change = {"resource": "a", "action": "update", "before": 1, "after": 2}
    explained = {**change, "reason": "because", "risk": "high", "confidence": 0.3, "reversible": False}
    assert hashed(plan=[explained]) == hashed(plan=[change])
    assert hashed(plan=[{"resource": "a", "action": "create"}]) == hashed(
        plan=[{"resource": "a", "action": "create", "before": None, "after": None}]
    )


def test_script_environment_and_parameters_cannot_be_moved_into_each_other():
    assert len({hashed(script="a", environment="bc"), hashed(script="ab", environment="c")}) == 2
    names = ["production", "Production", "production ", "production\u200b", "ｐroduction", "produсtion"]
    assert len({hashed(environment=name) for name in names}) == len(names)
    assert unicodedata.normalize("NFKC", names[4]) == names[0]


def test_the_form_that_is_hashed_stays_so_that_stored_approvals_hold_after_an_upgrade():
    written = (
        "automation-scripts:approval-binding:v1\n"
        '["deploy","production",{"mapping":[["big",{"integer":"20000000000000"}],["rate",0.5]]},'
        '[{"mapping":[["action","update"],["after",[1,"é"]],["before",null],["resource","web"]]}]]'
    )
    change = {"resource": "web", "action": "update", "before": None, "after": (1, "é")}
    assert hashed({"rate": 0.5, "big": 2**53}, [change]) == hashlib.sha256(written.encode()).hexdigest()


def test_an_enum_is_its_value():
    word = enum.StrEnum("word", {"UPDATE": "update"})
    change = {"resource": "a", "action": "update"}
    assert hashed(plan=[{**change, "action": word.UPDATE}]) == hashed(plan=[change])


def circle():
    found: list = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    ("parameters", "plan", "says"),
    [
        ({"a": object()}, [], r"`parameters.a` is object, which has no JSON form"),
        ({"a": {1: 2}}, [], r"`parameters.a` has the key 1, which is not text"),
        ({"a": circle()}, [], "nested more than 64 deep"),
        ({"a": {"x"}}, [], "is set"),
        ([], [], r"`parameters` is list"),
        ({}, [{"action": "create"}], r"`plan\[0\]` has no resource"),
        ({}, [{"resource": "a"}], r"`plan\[0\]` has no action"),
        ({}, ["a"], r"`plan\[0\]` is str"),
    ],
)
def test_what_cannot_be_bound_is_refused(parameters, plan, says):
    with pytest.raises(InvalidParameters, match=says):
        binding_hash("deploy", "production", parameters, plan)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_missing_script_or_environment_is_refused(name):
    with pytest.raises(InvalidParameters, match="script"):
        hashed(script=name)
    with pytest.raises(InvalidParameters, match="environment"):
        hashed(environment=name)
