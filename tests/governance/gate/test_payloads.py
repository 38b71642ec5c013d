"""What runs were given is sealed in the audit log, and can be erased without a hole in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.errors import AccessDenied
from automation_scripts.governance.audit.search import read_all
from automation_scripts.governance.audit.verify import verify
from automation_scripts.governance.payloads import ERASED
from tests.governance.gate.office import PARAMETERS, Office


def test_erasure_leaves_the_tree_whole(tmp_path: Path) -> None:
    office = Office(tmp_path)
    for name in ("rita", "otto"):
        entry = office.entry(name, environment="staging", execution_id=f"exec_{name}")
        office.gate.outcome(office.change(entry), "succeeded", f"done for {name}")
    with pytest.raises(AccessDenied):
        office.admit(office.entry("vera", execution_id="exec_vera"))
    everything = b"".join(entry.raw for entry in read_all(office.audit))
    assert b"v2.1.0" not in everything
    assert b"done for" not in everything
    assert b"rita" in everything, "who did it stays readable"

    def told(name: str) -> list[object]:
        details = [record["details"] for record in office.records() if record["execution_id"] == f"exec_{name}"]
        return [words[key] for words in details for key in ("parameters", "message") if words.get(key)]

    assert told("rita") == [PARAMETERS, PARAMETERS, "done for rita"]
    assert "may not" in str(told("vera"))
    office.vault.shred("rita", "ada", "asked for it")
    assert told("rita") == [ERASED] * 3
    assert told("otto") == [PARAMETERS, PARAMETERS, "done for otto"]
    assert verify(office.audit).ok


def test_a_sealed_word_does_not_open_in_another_record(tmp_path: Path) -> None:
    from automation_scripts.governance.encryption.unreadable import Unreadable

    office = Office(tmp_path)
    office.admit(office.entry("rita", environment="staging", execution_id="exec_1"))
    *_, entry = read_all(office.audit)
    with pytest.raises(Unreadable):
        office.payloads.open({**entry.members, "execution_id": "exec_2"})
