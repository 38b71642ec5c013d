"""Results that Prefect stores are sealed, on the disk too."""

from __future__ import annotations

import base64
import dataclasses
import json
import pickle
from urllib.parse import quote

import pytest
from prefect.serializers import JSONSerializer, Serializer

from automation_scripts.governance.encryption.unreadable import Unreadable
from automation_scripts.results import Finding, Severity
from blocks.encrypted_serializer import EncryptedSerializer, vault_here

CANARY = "canary/p&ssword=ä"


@dataclasses.dataclass
class Outcome:
    """Like the result of an execution: nested, with objects of our own."""

    status: str
    findings: list[Finding]
    metrics: dict[str, float]


RUN = """
import sys
from pathlib import Path
from prefect import flow, task
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings
from prefect.testing.utilities import prefect_test_harness
import blocks.encrypted_serializer
folder, canary = Path(sys.argv[1]), sys.argv[2]

def run(serializer):
    options = {"persist_result": True, "result_serializer": serializer}
    calls = []

    @task(**options, cache_key_fn=lambda context, parameters: "same for " + serializer)
    def step():
        calls.append(1)
        return {"status": "succeeded", "message": canary}

    @flow(**options)
    def whole():
        return step()

    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: folder / serializer}):
        # The second run reads the task's result from its file.
        assert whole() == whole() == {"status": "succeeded", "message": canary}
    print(serializer, len(calls), flush=True)

with prefect_test_harness():
    run("automation-encrypted")
    run("json")
"""

OUTCOME = Outcome("succeeded", [Finding("r", Severity.HIGH, CANARY)], {"n": 1.5})


def forms(clear: str) -> set[bytes]:
    """How the text could be found: raw, in base64 at each offset, URL-encoded, in JSON and in JSON within JSON."""
    raw = clear.encode()
    shifted = {base64.b64encode(b"x" * shift + raw)[8:-8] for shift in range(3)}
    escaped = json.dumps(clear)[1:-1]
    escapes = {escaped.encode(), escaped.replace("\\", "\\\\").encode()}
    return {raw, quote(clear).encode(), quote(clear, safe="").encode()} | escapes | shifted


@pytest.fixture(autouse=True)
def state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOMATION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_prefect_finds_it_by_its_name():
    found = Serializer(type="automation-encrypted")
    assert isinstance(found, EncryptedSerializer)
    again = Serializer.model_validate(EncryptedSerializer(serializer="json").model_dump())
    assert isinstance(again, EncryptedSerializer) and isinstance(again.serializer, JSONSerializer)


def test_an_outcome_comes_back_and_cannot_be_read_meanwhile(state_folder):
    blob = EncryptedSerializer().dumps(OUTCOME)
    assert EncryptedSerializer().loads(blob) == OUTCOME
    assert not any(form in blob for form in forms(CANARY))
    data = {"status": "succeeded", "message": CANARY}
    by_json = EncryptedSerializer(serializer="json")
    assert by_json.loads(by_json.dumps(data)) == data
    assert (state_folder / "keyring.json").stat().st_mode & 0o777 == 0o600


class Bomb:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a foreign pickle was loaded",))


def test_a_pickle_of_somebody_elses_making_is_not_loaded(monkeypatch, tmp_path):
    foreign = base64.encodebytes(pickle.dumps(Bomb()))
    with pytest.raises(Unreadable):
        EncryptedSerializer().loads(foreign)
    sealed_elsewhere = EncryptedSerializer().dumps(OUTCOME)
    monkeypatch.setenv("AUTOMATION_HOME", str(tmp_path / "other"))
    with pytest.raises(Unreadable, match="not in the key store"):
        EncryptedSerializer().loads(sealed_elsewhere)


def test_an_altered_result_is_refused():
    blob = EncryptedSerializer().dumps(OUTCOME)
    with pytest.raises(Unreadable):
        EncryptedSerializer().loads(blob[:-8] + bytes([blob[-8] ^ 1]) + blob[-7:])


@pytest.mark.slow
def test_a_real_flows_stored_result_has_no_clear_text(tmp_path, state_folder, start_worker, monkeypatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "CRITICAL")
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    worker = start_worker(RUN, str(tmp_path), CANARY)
    assert worker.hear() == "automation-encrypted 1"
    assert worker.hear() == "json 1"
    assert worker.finish() == 0
    sealed, clear = (
        [path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()]
        for name in ("automation-encrypted", "json")
    )
    assert len(sealed) >= 2 and all(b"enc:v1:" in content for content in sealed)
    assert not any(form in content for content in sealed for form in forms(CANARY))
    # The same search finds it where it is not sealed, so finding nothing means something.
    assert clear and all(any(form in content for form in forms(CANARY)) for content in clear)
    assert [use.data_keys for use in vault_here().status()] == [1]
    assert state_folder.exists()
