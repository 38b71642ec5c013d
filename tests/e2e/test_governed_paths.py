"""A change of production on the paths through Prefect: forms of a paused run, headers, blocks, tickets.

Real server, worker and warm runner; real users in a real identity store. Recovery codes stand for the app's codes: they
can be used one after another without waiting for the next half minute.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
import shutil
import sqlite3
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

from automation_scripts.governance.audit.search import read_all
from automation_scripts.governance.credentials import Presented
from automation_scripts.governance.identity.records import Kind, PasswordCredential, RoleBinding, Scope
from automation_scripts.governance.opened import open_audit, open_gate, open_identity
from automation_scripts.history.records import RunRecord
from automation_scripts.server.embedded import EmbeddedServer
from tests.cli.terminal import Terminal
from tests.e2e.conftest import Installation, install, log_in
from tests.e2e.test_ways_in import CHROMIUM, FLAGS

pytestmark = [pytest.mark.slow]
PASSWORD = "lantern orbit velvet 9"
FIXABLE = '{"server": {"port": 8080,}}\n'
LIMIT_S = 90


@dataclass
class Governed:
    """An installation with people."""

    installation: Installation
    codes: dict[str, list[str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def code(self, name: str) -> str:
        return self.codes[name].pop()

    @property
    def api(self) -> httpx.Client:
        return self.installation.api

    def hire(self) -> None:
        store = open_identity(self.installation.settings)
        store.bootstrap.create_first_admin("ada", PASSWORD, secret=store.bootstrap.secret())
        for name in ("rita", "ron"):
            store.directory.add_user(name, by="ada", roles=[RoleBinding("release-manager")])
            store.set_password(name, PASSWORD, by="ada")
        for name in ("ada", "rita", "ron"):
            secret = pyotp.parse_uri(store.totp.begin(name, by=name).uri).secret
            self.codes[name] = list(store.second_factors.confirm_totp(name, pyotp.TOTP(secret).now(), source="test"))
            principal = store.authenticate(PasswordCredential(name, PASSWORD, self.code(name)), source="test")
            # As if the login were long ago: its second factor is no longer fresh.
            self.tokens[name] = store.login_tokens.issue(dataclasses.replace(principal, mfa_at=None)).text
        store.directory.add_user("bot", by="ada", kind=Kind.SERVICE, roles=[RoleBinding("service")])
        everything = Scope(frozenset({"*"}), frozenset({"*"}), frozenset({"*"}))
        self.tokens["bot"] = store.service_tokens.create("bot", everything, by="ada").text

    def create(self, config: Path, headers: dict[str, str] | None = None, **context: Any) -> httpx.Response:
        with self.api as api:
            deployment = api.get("/deployments/name/config_validator/config-validator").json()["id"]
            return api.post(
                f"/deployments/{deployment}/create_flow_run",
                headers=headers or {},
                json={
                    "parameters": {
                        "config_path": str(config),
                        "apply_fixes": True,
                        "context": {"environment": "production", **context},
                    },
                    "state": {"type": "SCHEDULED"},
                },
            )

    def paused(self, flow_run: str, after: str | None = None) -> str:
        """Wait until the run is paused anew; returns the key of the pause."""

        def look() -> str | None:
            with self.api as api:
                state = api.get(f"/flow_runs/{flow_run}").json()["state"]
            assert state["type"] not in ("COMPLETED", "FAILED", "CRASHED"), state["message"]
            key = state["state_details"].get("pause_key")
            return key if state["type"] == "PAUSED" and key != after else None

        return _until(look)

    def resume(self, flow_run: str, **answer: str) -> None:
        with self.api as api:
            done = api.post(f"/flow_runs/{flow_run}/resume", json={"run_input": answer})
            assert done.json()["status"] == "ACCEPT", done.text

    def ended(self, flow_run: str) -> RunRecord:
        def look() -> RunRecord | None:
            record = self.installation.store.of_flow_run(flow_run)
            return record if record is not None and not record.active else None

        return _until(look)

    def actions(self, execution_id: str) -> list[str]:
        entries = read_all(open_audit(self.installation.settings))
        return [entry.text("action") for entry in entries if entry.text("execution_id") == execution_id]


def _until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {LIMIT_S} s")


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory, migrated_home: Path) -> Iterator[Governed]:
    home = tmp_path_factory.mktemp("governed") / "home"
    shutil.copytree(migrated_home, home)
    installed = install(home, "server: {port: 4400}\n")
    made = Governed(installed)
    made.hire()
    assert installed.run("server", "start").returncode == 0
    done = installed.run("deploy")
    assert done.returncode == 0, done.stderr
    yield made
    EmbeddedServer(home).stop(grace_s=3.0)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "shop.json").write_text(FIXABLE)
    return folder


def test_the_forms_of_a_paused_run(governed: Governed, config: Path) -> None:
    """Nobody is known at first. The run asks who it is, then for another person's approval, and changes things once."""
    run = governed.create(config).json()["id"]
    first = governed.paused(run)
    asker, approver = governed.code("rita"), governed.code("ron")
    governed.resume(run, user="rita", code=asker)
    second = governed.paused(run, after=first)
    governed.resume(run, user="rita", code=governed.code("rita"), decision="grant", reason="I say so")
    third = governed.paused(run, after=second)  # nobody approves an own request
    assert (config / "shop.json").read_text() == FIXABLE
    governed.resume(run, user="ron", code=approver, decision="grant", reason="")
    record = governed.ended(run)
    assert third
    assert (record.status, record.user, record.error_message) == ("succeeded", "rita", None)
    assert json.loads((config / "shop.json").read_text()) == {"server": {"port": 8080}}
    states = [t.to_state for t in governed.installation.store.transitions(record.execution_id)]
    assert states == [
        "requested",
        "admitted",
        "planning",
        "awaiting_approval",
        "planning",
        "running",
        "verifying",
        "succeeded",
    ]
    assert governed.actions(record.execution_id) == [
        "run.intent",
        "run.denied",
        "run.identified",
        "approval.request",
        "run.denied",
        "approval.denied",
        "approval.grant",
        "approval.use",
        "change.intent",
        "run.outcome",
    ]
    # What was typed into the forms is not kept by Prefect.
    database = sqlite3.connect(governed.installation.home / "prefect" / "prefect.db")
    kept = json.dumps(database.execute("SELECT * FROM flow_run_input").fetchall())
    database.close()
    assert asker not in kept
    assert approver not in kept


def test_the_forms_in_a_real_browser(governed: Governed, config: Path) -> None:
    from playwright.sync_api import Page, sync_playwright

    run = governed.create(config).json()["id"]
    key = governed.paused(run)

    def answer(page: Page, user: str) -> None:
        page.goto(f"{governed.installation.record.ui_url}/runs/flow-run/{run}")
        page.get_by_role("button", name="Resume").first.click()
        form = page.locator(".p-modal")
        form.get_by_text("Your user name.").wait_for()
        form.locator("textarea").nth(0).fill(user)
        form.locator("textarea").nth(1).fill(governed.code(user))
        form.get_by_role("button", name="Submit").click()
        form.wait_for(state="hidden")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        log_in(page, governed.installation)
        answer(page, "rita")
        governed.paused(run, after=key)
        page.goto(f"{governed.installation.record.ui_url}/runs/flow-run/{run}")
        page.get_by_role("button", name="Resume").first.click()
        page.get_by_text("update").first.wait_for()  # the approver sees what would change
        answer(page, "ron")
        record = governed.ended(run)
        browser.close()
    assert (record.status, record.user) == ("succeeded", "rita")
    assert json.loads((config / "shop.json").read_text()) == {"server": {"port": 8080}}


def test_the_terminal_asks_for_the_second_factor(
    governed: Governed, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**governed.installation.environment, "AUTOMATION_TOKEN": governed.tokens["rita"]}.items():
        monkeypatch.setenv(name, value)
    change = ("run", "config_validator", "-p", f"config_path={config}", "-p", "apply_fixes=true", "-e", "production")
    asked = governed.installation.run(*change, "--otp", governed.code("rita"), token=governed.tokens["rita"])
    assert asked.returncode == 2, asked.stderr
    gate = open_gate(governed.installation.settings)
    (waiting,) = gate.consent.list(status="pending")
    assert waiting.id in asked.stderr
    given = Presented(token=governed.tokens["ron"], code=governed.code("ron"))
    gate.consent.vote(waiting.id, given, "grant", source="cli")
    with Terminal(*change, "--approval", waiting.id) as terminal:
        terminal.expect("Code of rita")
        terminal.send("12")  # a wrong one: nothing is changed
        terminal.end(2)
    assert (config / "shop.json").read_text() == FIXABLE
    with Terminal(*change, "--approval", waiting.id) as terminal:
        terminal.expect("Code of rita")
        code = governed.code("rita")
        terminal.send(code)
        terminal.end(0)
        assert code not in terminal.shown
    assert json.loads((config / "shop.json").read_text()) == {"server": {"port": 8080}}


def test_a_name_alone_is_asked_for_its_proof(governed: Governed, config: Path) -> None:
    run = governed.create(config, environment="staging", user="rita").json()["id"]
    governed.paused(run)
    assert governed.installation.store.of_flow_run(run).status == "requested"  # type: ignore[union-attr]
    governed.resume(run, user="rita", code=governed.code("rita"))
    record = governed.ended(run)
    assert (record.status, record.user, record.authentication) == ("succeeded", "rita", "code"), record.error_message
    assert json.loads((config / "shop.json").read_text()) == {"server": {"port": 8080}}


def test_a_wrong_code_in_the_form_denies_the_run(governed: Governed, config: Path) -> None:
    run = governed.create(config).json()["id"]
    governed.paused(run)
    governed.resume(run, user="rita", code="aaaaa-aaaaa")
    record = governed.ended(run)
    assert record.status == "denied"
    assert (config / "shop.json").read_text() == FIXABLE


def test_headers_prove_who_creates_a_run_and_another_grants_it_elsewhere(governed: Governed, config: Path) -> None:
    headers = {"X-Automation-Token": governed.tokens["rita"], "X-Automation-OTP": governed.code("rita")}
    created = governed.create(config, headers).json()
    governed.paused(created["id"])
    assert governed.tokens["rita"] not in json.dumps(created)
    with governed.api as api:
        stored = api.get(f"/flow_runs/{created['id']}").json()
    assert stored["parameters"]["context"]["credential"].startswith("ticket_")
    gate = open_gate(governed.installation.settings)
    (waiting,) = gate.consent.list(status="pending")
    assert (waiting.requester, waiting.environment) == ("rita", "production")
    given = Presented(token=governed.tokens["ron"], code=governed.code("ron"))
    gate.consent.vote(waiting.id, given, "grant", source="cli")
    record = governed.ended(created["id"])
    assert (record.status, record.user, record.authentication) == ("succeeded", "rita", "ticket")
    assert json.loads((config / "shop.json").read_text()) == {"server": {"port": 8080}}


def test_a_denial_ends_the_waiting_run(governed: Governed, config: Path) -> None:
    headers = {"X-Automation-Token": governed.tokens["rita"], "X-Automation-OTP": governed.code("rita")}
    run = governed.create(config, headers).json()["id"]
    governed.paused(run)
    gate = open_gate(governed.installation.settings)
    (waiting,) = gate.consent.list(status="pending")
    given = Presented(token=governed.tokens["ron"], code=governed.code("ron"))
    gate.consent.vote(waiting.id, given, "deny", "not today", source="cli")
    record = governed.ended(run)
    assert record.status == "denied"
    assert "not today" in str(record.error_message)
    assert (config / "shop.json").read_text() == FIXABLE


def test_a_bad_token_in_the_header_creates_no_run(governed: Governed, config: Path) -> None:
    refused = governed.create(config, {"X-Automation-Token": governed.tokens["rita"][:-4] + "AAAA"})
    assert refused.status_code == 403
    assert "was not accepted" in refused.json()["detail"]


def test_a_ticket_is_good_for_its_own_run_only(governed: Governed, config: Path) -> None:
    headers = {"X-Automation-Token": governed.tokens["rita"]}
    created = governed.create(config, headers, environment="staging").json()
    assert governed.ended(created["id"]).status == "succeeded"
    again = governed.create(config, None, environment="staging", credential=_ticket_of(governed, created["id"])).json()
    record = governed.ended(again["id"])
    assert record.status == "denied"
    assert "ticket was not accepted" in str(record.error_message)


def _ticket_of(governed: Governed, run: str) -> str:
    with governed.api as api:
        return str(api.get(f"/flow_runs/{run}").json()["parameters"]["context"]["credential"])


def test_a_block_holds_the_token_of_a_service_account(governed: Governed, config: Path) -> None:
    with governed.api as api:
        kind = api.get("/block_types/slug/secret").json()["id"]
        schema = api.post("/block_schemas/filter", json={"block_schemas": {"block_type_id": {"any_": [kind]}}}).json()[
            0
        ]
        api.post(
            "/block_documents/",
            json={
                "name": "bot-token",
                "block_type_id": kind,
                "block_schema_id": schema["id"],
                "data": {"value": governed.tokens["bot"]},
            },
        ).raise_for_status()
    run = governed.create(config, environment="staging", credential="block:bot-token").json()["id"]
    record = governed.ended(run)
    assert (record.status, record.user, record.authentication) == ("succeeded", "bot", "service_token"), (
        record.error_message
    )
    assert json.loads((config / "shop.json").read_text()) == {"server": {"port": 8080}}


def test_a_token_among_the_parameters_is_refused(governed: Governed, config: Path) -> None:
    # A token of its own: whoever sends one like this has given it to Prefect's database.
    store = open_identity(governed.installation.settings)
    everything = Scope(frozenset({"*"}), frozenset({"*"}), frozenset({"*"}))
    leaked = store.service_tokens.create("bot", everything, by="ada").text
    run = governed.create(config, environment="staging", credential=leaked).json()["id"]
    record = governed.ended(run)
    assert record.status == "denied"
    assert leaked not in str(record.to_dict())
    assert (config / "shop.json").read_text() == FIXABLE


def test_a_worker_gets_a_ticket_and_not_the_session(governed: Governed, config: Path) -> None:
    environment = {**governed.installation.environment, "AUTOMATION_TOKEN": governed.tokens["rita"]}
    done = subprocess.run(
        governed.installation.argv(
            "run",
            "config_validator",
            "-p",
            f"config_path={config}",
            "-p",
            "apply_fixes=true",
            "-e",
            "staging",
            "--remote",
            "--format",
            "json",
        ),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["user"] == "rita"
    record = governed.installation.store.get(result["execution_id"])
    assert record.authentication == "ticket"
    everything = b"".join(file.read_bytes() for file in governed.installation.home.rglob("*") if file.is_file())
    assert governed.tokens["rita"].encode() not in everything


# Nothing in clear


def _forms(secret: str) -> set[bytes]:
    """The secret as it is, in UTF-16, URL-encoded, in hexadecimal, and in base64 wherever it begins in a longer text."""
    raw = secret.encode()
    forms = {raw, secret.encode("utf-16-le"), urllib.parse.quote(secret, safe="").encode(), raw.hex().encode()}
    for lead in range(3):
        coded = base64.b64encode(b"x" * lead + raw)
        inner = coded[(lead * 8 + 5) // 6 : len(coded) - 4]
        forms |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return forms


def test_no_secret_is_in_clear_anywhere(governed: Governed, tmp_path: Path) -> None:
    """Canaries through every script that can run, then a search of the whole state folder: databases, logs, artifacts."""
    canaries = {
        name: f"Kq7{name}9{secrets.token_hex(12)}Zx" for name in ("password", "api", "url", "env", "aws", "block")
    }
    config = tmp_path / "canaries"
    config.mkdir()
    (config / "app.json").write_text(f'{{"database": {{"password": "{canaries["password"]}",}}}}\n')
    (config / "app.yaml").write_text(
        f"api_key: {canaries['api']}\nurl: postgres://shop:{canaries['url']}@db.example.org/shop\nenabled: yes\n"
    )
    (config / "compose.yaml").write_text(
        f"services:\n  web:\n    image: nginx:1.27\n    enviroment:\n      AWS_SECRET_ACCESS_KEY: {canaries['aws']}\n"
    )
    environment = {
        **governed.installation.environment,
        "AUTOMATION_TOKEN": governed.tokens["bot"],
        "CANARY": canaries["env"],
    }
    # What is no secret is found, so the search works: a name on disk in clear, in every form that is looked for.
    (governed.installation.home / "seen").write_bytes(b"\n".join(_forms("visible-canary")))
    for extra in ((), ("--remote",), ("-p", "apply_fixes=true", "--dry-run")):
        done = subprocess.run(
            governed.installation.argv(
                "run", "config_validator", "-p", f"config_path={config}", "-e", "staging", "--fail-on", "never", *extra
            ),
            env={**environment, "AUTOMATION_LOG_LEVEL": "DEBUG"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    refused = subprocess.run(
        governed.installation.argv("run", "probe", "-p", f"token={canaries['block']}", module="tests.probe"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert refused.returncode == 2
    headers = {"X-Automation-Token": governed.tokens["rita"], "X-Automation-OTP": governed.code("rita")}
    waiting = governed.create(config, headers).json()["id"]  # a plan of production lies in the approvals
    governed.paused(waiting)
    with governed.api as api:
        api.post(f"/flow_runs/{waiting}/set_state", json={"state": {"type": "CANCELLED"}, "force": True})

    written = (governed.installation.home / "seen").read_bytes()
    assert all(form in written for form in _forms("visible-canary"))
    assert any(form in base64.b64encode(b"xy visible-canary and more") for form in _forms("visible-canary"))
    kept = b"".join(file.read_bytes() for file in (governed.installation.home / "prefect").glob("prefect.db*"))
    assert b"/canaries" in kept, "the parameters are there in clear"
    assert b"app.json" in kept, "so is what the report says of the files"
    hidden = {
        **canaries,
        "login password": PASSWORD,
        "login token": governed.tokens["rita"],
        "service": governed.tokens["bot"],
    }
    found = []
    for file in sorted(governed.installation.home.rglob("*")):
        if not file.is_file() or file.name == "session":
            continue
        content = file.read_bytes()
        for name, secret in hidden.items():
            if any(form in content for form in _forms(secret)):
                found.append(f"{name} in {file.relative_to(governed.installation.home)}")
    assert found == []
