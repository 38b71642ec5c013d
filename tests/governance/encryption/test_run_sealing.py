"""What the history keeps of a run is not in clear, opens for that run alone, and only with the key."""

from __future__ import annotations

import base64
import json
import sqlite3
from pathlib import Path

import pytest

from automation_scripts.governance.encryption.file_keys import FileKeys
from automation_scripts.governance.encryption.key_store import KeyStore
from automation_scripts.governance.encryption.run_sealing import PREFIX, RunSealing
from automation_scripts.governance.encryption.unreadable import KeyMissing, Unreadable
from automation_scripts.governance.encryption.vault import Vault
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
from automation_scripts.storage.times import now

CANARY = "canary-in-the-result"
WORDS = {"result": f"{CANARY}-1", "error_message": f"{CANARY}-2 of the error", "reason": f"{CANARY}-3 why"}


class Place:
    """A state folder with a history and the keys that seal it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.keyring = folder / "keyring.json"
        self.history = folder / "history.db"

    def store(self) -> HistoryStore:
        """Opened as by a process that has just begun."""
        keys = KeyStore(f"sqlite:///{self.folder / 'governance.db'}")
        vault = Vault(FileKeys(self.keyring), keys)
        return HistoryStore(f"sqlite:///{self.history}", sealing=RunSealing(lambda: vault))

    def ran(self, execution_id: str, **words: str) -> None:
        words = WORDS | words
        with self.store() as store:
            store.open_run(
                RunRecord(
                    execution_id=execution_id,
                    script="config_validator",
                    category="validation",
                    environment="production",
                    user="ada",
                    trigger="cli",
                    level="automatic",
                    attempt=1,
                    dry_run=False,
                    requested_at=now(),
                    parameters={},
                )
            )
            store.transition(execution_id, "requested", "planning", reason=words["reason"])
            store.close_run(
                execution_id,
                "planning",
                "failed",
                reason=words["reason"],
                result={"message": words["result"], "findings": [words["result"]]},
                error_message=words["error_message"],
            )

    def sql(self, statement: str, *values: str) -> list[tuple[str, ...]]:
        connection = sqlite3.connect(self.history)
        with connection:
            rows = connection.execute(statement, values).fetchall()
        connection.close()
        return rows


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "home")


def test_nothing_of_it_is_in_the_files_and_it_opens_again(place: Place) -> None:
    place.ran("exec_1")
    written = b"".join(file.read_bytes() for file in place.folder.iterdir())
    for form in (CANARY.encode(), base64.b64encode(CANARY.encode())[:-4], CANARY.encode().hex().encode()):
        assert form not in written
    assert b"config_validator" in written  # what is looked for by the same means is found when it is there
    with place.store() as store:
        record, moves = store.get("exec_1"), store.transitions("exec_1")
    assert record.result == {"message": WORDS["result"], "findings": [WORDS["result"]]}
    assert record.error_message == WORDS["error_message"]
    assert [move.reason for move in moves] == ["", WORDS["reason"], WORDS["reason"]]


@pytest.mark.parametrize(
    "swap",
    [
        "UPDATE run_results SET result = (SELECT result FROM run_results WHERE execution_id = 'exec_1') WHERE execution_id = 'exec_2'",
        "UPDATE runs SET error_message = (SELECT error_message FROM runs WHERE execution_id = 'exec_1') WHERE execution_id = 'exec_2'",
        "UPDATE transitions SET reason = (SELECT max(reason) FROM transitions WHERE execution_id = 'exec_1') "
        "WHERE execution_id = 'exec_2' AND reason != ''",
        # Another field of the same run.
        "UPDATE runs SET error_message = (SELECT max(reason) FROM transitions WHERE execution_id = 'exec_2') "
        "WHERE execution_id = 'exec_2'",
    ],
    ids=["result", "error message", "reason", "field"],
)
def test_what_was_sealed_for_another_place_does_not_open(place: Place, swap: str) -> None:
    place.ran("exec_1")
    place.ran("exec_2")
    place.sql(swap)
    with place.store() as store, pytest.raises(Unreadable) as refused:
        store.get("exec_2")
        store.transitions("exec_2")
    assert CANARY not in str(refused.value)


def test_without_the_key_it_says_which_one_and_what_to_do(place: Place) -> None:
    place.ran("exec_1")
    kek = next(iter(FileKeys(place.keyring).keks().secrets))
    place.keyring.unlink()
    with place.store() as store:
        for look in (lambda: store.get("exec_1"), lambda: store.transitions("exec_1")):
            with pytest.raises(KeyMissing, match=f"{kek}.*Put it back"):
                look()


def test_a_run_of_before_sealing_is_shown_as_it_is(place: Place) -> None:
    with HistoryStore(f"sqlite:///{place.history}"):
        pass
    place.ran("exec_1")
    place.sql("UPDATE run_results SET result = ?", json.dumps({"message": "old"}))
    place.sql("UPDATE runs SET error_message = 'old'")
    with place.store() as store:
        record = store.get("exec_1")
    assert (record.result, record.error_message) == ({"message": "old"}, "old")
    assert all(not text.startswith(PREFIX) for text in (str(record.result), str(record.error_message)))
