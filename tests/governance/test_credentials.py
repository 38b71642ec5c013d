"""What a run may bring to prove who asks: never what the worker itself has."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.errors import AccessDenied, InvalidParameters
from automation_scripts.governance.credentials import NOTHING, from_reference, save_session

TOKEN = "canary-token-of-the-worker"


@pytest.mark.parametrize(
    "name", ["AUTOMATION_TOKEN", "automation_token", "AUTOMATION_ENCRYPTION_KEY", "AUTOMATION_BOOTSTRAP_SECRET"]
)
def test_a_run_does_not_get_the_token_or_a_key_of_its_worker(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, TOKEN)
    with pytest.raises(AccessDenied, match="secret of this program itself") as refused:
        from_reference(f"env:{name}", tmp_path)
    assert TOKEN not in str(refused.value)


def test_a_run_does_not_get_the_session_of_its_worker(tmp_path: Path) -> None:
    session = save_session(tmp_path, TOKEN)
    with pytest.raises(AccessDenied, match="not given out"):
        from_reference(f"file:{session}", tmp_path)


def test_a_token_of_its_own_is_read_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLY_TOKEN", TOKEN)
    assert from_reference("env:NIGHTLY_TOKEN", tmp_path).token == TOKEN
    assert from_reference("ticket_x", tmp_path).ticket == "ticket_x"
    assert from_reference(None, tmp_path) is NOTHING
    with pytest.raises(InvalidParameters) as refused:
        from_reference(TOKEN, tmp_path)
    assert TOKEN not in str(refused.value)
