"""Secret fields of JSON documents: sealed in their place, the rest readable."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.fields import open_fields, pointer, seal_fields
from automation_scripts.governance.encryption.secret_value import SecretValue
from automation_scripts.governance.encryption.unreadable import Shredded, Unreadable

CONTEXT = Context("run.parameters", "run-1")
CANARY = "canary-77aa"
DOCUMENT = {
    "host": "db1",
    "password": CANARY,
    "users": [{"name": "ada", "token": CANARY + "1"}, {"name": "bob", "token": {"value": CANARY, "n": 1.5}}],
    "a/b": {"~": CANARY},
    "none": None,
}
PLACES = ["/password", "/users/*/token", "/a~1b/~0", "/none", "/missing/x"]


def test_the_secret_fields_are_sealed_and_the_rest_is_readable(vault):
    before = copy.deepcopy(DOCUMENT)
    sealed = seal_fields(vault, DOCUMENT, PLACES, CONTEXT)
    assert before == DOCUMENT
    text = json.dumps(sealed)
    assert CANARY not in text and text.count("enc:v1:") == 5
    assert (sealed["host"], sealed["users"][0]["name"]) == ("db1", "ada")
    assert open_fields(vault, sealed, CONTEXT) == DOCUMENT


def test_a_predicate_decides_by_path_and_value(vault):
    sealed = seal_fields(vault, DOCUMENT, lambda path, value: path[-1:] == ("token",) or value == CANARY, CONTEXT)
    assert CANARY not in json.dumps(sealed)
    assert open_fields(vault, sealed, CONTEXT) == DOCUMENT


def test_sealed_values_cannot_be_exchanged_or_moved(vault):
    sealed = seal_fields(vault, DOCUMENT, PLACES, CONTEXT)
    users = sealed["users"]
    users[0]["token"], users[1]["token"] = users[1]["token"], users[0]["token"]
    with pytest.raises(Unreadable, match=r"run.parameters run-1 /users/0/token"):
        open_fields(vault, sealed, CONTEXT)
    with pytest.raises(Unreadable, match="run-2"):
        open_fields(vault, seal_fields(vault, DOCUMENT, PLACES, CONTEXT), Context("run.parameters", "run-2"))


def test_a_clear_text_that_looks_sealed_comes_back_as_it_was(vault):
    document = {"note": "enc:v1:AAAA", "list": ["enc:v1:"]}
    sealed = seal_fields(vault, document, [], CONTEXT)
    assert sealed["note"] != document["note"]
    assert open_fields(vault, sealed, CONTEXT) == document
    twice = seal_fields(vault, sealed, [], CONTEXT)
    assert open_fields(vault, open_fields(vault, twice, CONTEXT), CONTEXT) == document


def test_an_erased_field_is_marked_and_the_rest_is_read(vault):
    sealed = seal_fields(vault, {"name": "Ada", "host": "db1"}, ["/name"], CONTEXT, subject="ada")
    done = vault.shred("ada", "dpo", "asked")
    opened = open_fields(vault, sealed, CONTEXT)
    assert opened == {"name": Shredded(done.id, done.at), "host": "db1"}


def test_the_whole_document_and_secret_values_can_be_sealed(vault):
    assert open_fields(vault, seal_fields(vault, DOCUMENT, lambda path, value: not path, CONTEXT), CONTEXT) == DOCUMENT
    sealed = seal_fields(vault, {"password": SecretValue(CANARY)}, ["/password"], CONTEXT)
    assert open_fields(vault, sealed, CONTEXT) == {"password": CANARY}


class Odd:
    def __repr__(self) -> str:
        return CANARY


@pytest.mark.parametrize("value", [Odd(), {CANARY: Odd()}, float("nan"), {1, 2}, b"bytes"])
def test_what_is_no_json_is_refused_with_its_place_only(vault, value):
    with pytest.raises(InvalidParameters, match=r"run.parameters run-1 /password .*no JSON") as refused:
        seal_fields(vault, {"password": value}, ["/password"], CONTEXT)
    assert CANARY not in str(refused.value)
    assert refused.value.__context__ is None


def test_bad_pointers_and_deep_nesting_are_refused(vault):
    with pytest.raises(InvalidParameters, match=r"'password' is no JSON Pointer.*slash"):
        seal_fields(vault, {}, ["password"], CONTEXT)
    deep: list[object] = []
    deep.append(deep)
    for call in (lambda: seal_fields(vault, deep, [], CONTEXT), lambda: open_fields(vault, deep, CONTEXT)):
        with pytest.raises(InvalidParameters, match="nested deeper"):
            call()


keys = st.text(max_size=6)
documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | keys
    | st.just("enc:v1:x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(documents, st.integers(1, 4))
def test_any_document_comes_back(vault, document, every):
    sealed = seal_fields(vault, document, lambda path, value: len(pointer(path)) % every == 0, CONTEXT)
    assert open_fields(vault, json.loads(json.dumps(sealed)), CONTEXT) == document
