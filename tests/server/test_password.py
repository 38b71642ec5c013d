"""The embedded server answers nobody who does not know its password."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from automation_scripts.server.embedded import EmbeddedServer
from automation_scripts.server.record import ServerFolder


def test_one_password_for_good_that_only_its_owner_can_read(tmp_path: Path) -> None:
    folder = ServerFolder(tmp_path)
    assert folder.password() == ""
    made = folder.make_password()
    assert made.startswith("automation:")
    assert len(made) > 40
    assert folder.make_password() == folder.password() == made
    assert folder.password_file.stat().st_mode & 0o077 == 0
    assert folder.make_password("me:mine") == folder.password() == "me:mine"


@pytest.mark.slow
def test_nothing_is_told_or_done_without_it(server_home: Path) -> None:
    server = EmbeddedServer(server_home)
    record = server.find()
    assert record is not None
    user, _, secret = server.folder.password().partition(":")
    asked = {"name": "evil", "type": "process", "base_job_template": {}}
    with httpx.Client(base_url=record.api_url) as api:
        for credentials in (None, ("automation", "guess"), ("", "")):
            assert api.post("/deployments/filter", json={}, auth=credentials).status_code == 401
            assert api.post("/work_pools/", json=asked, auth=credentials).status_code == 401
        assert api.post("/deployments/filter", json={}, auth=(user, secret)).status_code == 200
        preflight = {"origin": "http://evil.example", "access-control-request-method": "POST"}
        answer = api.options("/deployments/filter", headers=preflight)
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.slow
def test_a_deployment_cannot_choose_what_the_worker_starts(server_home: Path, tmp_path: Path) -> None:
    server = EmbeddedServer(server_home)
    record = server.find()
    assert record is not None
    user, _, secret = server.folder.password().partition(":")
    with httpx.Client(base_url=record.api_url, auth=(user, secret)) as api:
        pool = api.get("/work_pools/automation").json()["base_job_template"]
    assert not {"command", "env", "working_dir"} & set(pool["variables"]["properties"])
    assert "automation_scripts.server.handoff" in pool["job_configuration"]["command"]
    assert pool["job_configuration"]["env"] == {}
    assert os.environ.get("PREFECT_API_AUTH_STRING") is None
