"""Results of Prefect: sealed bytes in and out."""

from __future__ import annotations

import pickle

import pytest

from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.envelopes import to_text
from automation_scripts.governance.encryption.results import open_result, seal_result
from automation_scripts.governance.encryption.unreadable import Unreadable


def test_a_result_is_sealed_as_ascii_and_comes_back(vault, another):
    sealed = seal_result(vault, b"\x80canary")
    assert sealed.isascii() and b"canary" not in sealed
    assert open_result(another(vault), sealed) == b"\x80canary"


@pytest.mark.parametrize("blob", [b"", pickle.dumps({"a": 1}), b'{"a": 1}', b"enc:v1:", b"enc:v1:\xff"])
def test_what_was_not_sealed_is_refused(vault, blob):
    with pytest.raises(Unreadable):
        open_result(vault, blob)


def test_what_was_sealed_for_something_else_is_refused(vault):
    with pytest.raises(Unreadable, match=r"prefect.result"):
        open_result(vault, to_text(vault.seal(b"x", Context("run.parameters"))).encode())
