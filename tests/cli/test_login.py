"""`automation login|logout|whoami`, also at a terminal, and the examples of docs/identity.md."""

from __future__ import annotations

import io
import json
import re
import shlex
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from automation_scripts.governance.credentials import SESSION_FILE
from automation_scripts.governance.identity.external import ExternalIdentity
from tests.cli.conftest import Shell
from tests.cli.identity_support import NEW_PASSWORD, PASSWORD, Desk, cheap_hashes, desk, prepared
from tests.cli.terminal import Terminal

__all__ = ["desk", "prepared"]
ROOT = Path(__file__).parents[2]
ISSUER = "https://id.example.com"


def log_in(desk: Desk, name: str, *more: str, password: str = PASSWORD) -> Any:
    return desk("login", name, "--password-stdin", *more, stdin=password + "\n")


def test_a_login_is_saved_for_this_account_only_and_says_until_when(desk: Desk) -> None:
    answer = log_in(desk, "vic", "--lifetime", "30m")
    assert (answer.code, answer.out) == (0, "")
    assert "Logged in as vic until" in answer.err
    assert "viewer" in answer.err
    assert "totp enrol" in answer.err  # none is set up
    file = desk.shell.home / SESSION_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() not in answer.err
    data = json.loads(desk("whoami", "--format", "json").out)
    assert (data["name"], data["proved"], data["roles"], data["second_factor_at"]) == ("vic", True, ["viewer"], None)
    left = datetime.fromisoformat(data["expires_at"]) - desk.store.now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)


def test_a_code_at_login_counts_for_administration(desk: Desk) -> None:
    code = desk.code()
    assert log_in(desk, "boss", "--otp", code).code == 0
    assert json.loads(desk("whoami", "--format", "json").out)["second_factor_at"]
    assert desk("users", "unlock", "vic").code == 0
    assert log_in(desk, "boss", "--otp", code).code == 2  # replayed


def test_refusals_do_not_tell_whether_the_user_exists(desk: Desk) -> None:
    wrong = "completely wrong words"
    refused = [
        log_in(desk, name, *otp, password=wrong)
        for name in ("vic", "boss", "nobody", "nightly", "Не имя")
        for otp in ([], ["--otp", "000000"])
    ]
    assert {(answer.code, answer.out, answer.err) for answer in refused} == {(2, "", refused[0].err)}
    assert "was not accepted" in refused[0].err
    written = json.dumps([dict(entry.members) for entry in desk.audit()])
    assert wrong not in written
    reasons = {e.members["details"]["reason"] for e in desk.audit(action="identity.login.failed")}
    assert {"wrong_password", "unknown_user"} <= reasons


@pytest.mark.parametrize("name", ["vic", "nobody"])
def test_brute_force_locks_the_account_also_one_that_does_not_exist(desk: Desk, name: str) -> None:
    answers = [log_in(desk, name, password=f"wrong words number {n}") for n in range(5)]
    assert all(answer.code == 2 for answer in answers)
    right = log_in(desk, name)
    assert (right.code, "Too many failed attempts" in right.err) == (2, True)
    assert not (desk.shell.home / SESSION_FILE).exists()


def test_unlocking_lets_the_user_in_again(desk: Desk) -> None:
    for n in range(4):
        log_in(desk, "vic", password=f"wrong words number {n}")
    assert log_in(desk, "vic").code == 2
    desk.log_in("boss", mfa_age_s=1)
    assert desk("users", "unlock", "vic").code == 0
    assert log_in(desk, "vic").code == 0


def test_a_password_without_the_code_is_no_login(desk: Desk) -> None:
    answer = log_in(desk, "boss")
    assert (answer.code, "--otp" in answer.err) == (2, True)
    assert not (desk.shell.home / SESSION_FILE).exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["vic", "--password-stdin", "--lifetime", "13h"], "12h, the longest"),
        (["vic", "--password-stdin", "--lifetime", "90"], "Write a time"),
        (["vic", "--password-stdin", "--lifetime", "-1h"], "--lifetime"),
        (["vic"], "--password-stdin"),
        (["--password-stdin"], "name yourself"),
        (["vic", "--oidc"], "Leave out the name"),
        (["--oidc"], "governance.oidc"),
    ],
)
def test_bad_input_to_login(desk: Desk, words: list[str], said: str) -> None:
    answer = desk("login", *words, stdin=PASSWORD)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_an_empty_standard_input_is_no_password(desk: Desk) -> None:
    assert "no line for it" in desk("login", "vic", "--password-stdin").err


def test_a_new_login_ends_the_one_before_and_logout_ends_it_for_good(desk: Desk) -> None:
    file = desk.shell.home / SESSION_FILE
    tokens = []
    for _ in range(2):
        assert log_in(desk, "vic").code == 0
        tokens.append(file.read_text().strip())
    assert desk("whoami", AUTOMATION_TOKEN=tokens[0]).code == 2
    assert desk("whoami", AUTOMATION_TOKEN=tokens[1]).code == 0
    assert "Logged out" in desk("logout").err
    assert not file.exists()
    stolen = desk("whoami", AUTOMATION_TOKEN=tokens[1])
    assert (stolen.code, "token was not accepted" in stolen.err) == (2, True)
    again = desk("logout", AUTOMATION_TOKEN="x")
    assert (again.code, "Nobody was logged in" in again.err, "unset it" in again.err) == (0, True, True)


def test_a_token_that_cannot_be_saved_is_not_left_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    issued: list[str] = []

    def fail(_home: Path, token: str) -> Path:
        issued.append(token)
        raise OSError(28, "No space left on device", "session")

    with monkeypatch.context() as patch:
        patch.setattr("automation_scripts.governance.credentials.save_session", fail)
        with pytest.raises(OSError, match="No space"):
            log_in(desk, "vic")
    assert desk("whoami", AUTOMATION_TOKEN=issued[0]).code == 2


def test_a_session_that_others_can_read_is_refused_and_a_login_mends_it(desk: Desk) -> None:
    desk.log_in("vic")
    (desk.shell.home / SESSION_FILE).chmod(0o644)
    assert "chmod 600" in desk("whoami").err
    assert "chmod 600" in desk("users", "list").err
    assert log_in(desk, "vic").code == 0
    assert desk("whoami").code == 0


def test_logout_removes_even_a_session_that_others_can_read(desk: Desk) -> None:
    desk.log_in("vic")
    file = desk.shell.home / SESSION_FILE
    file.chmod(0o644)
    assert desk("logout").code == 2
    assert not file.exists()


def test_whoami_without_any_proof_is_the_local_user(desk: Desk, shell: Shell) -> None:
    data = json.loads(desk("whoami", "--format", "json").out)
    assert (data["proved"], data["authentication"]) == (False, "local")
    assert "local" in desk("whoami").out


def test_whoami_of_a_service_token_tells_its_scope(desk: Desk) -> None:
    data = json.loads(desk("whoami", "--format", "json", AUTOMATION_TOKEN=desk.prepared.token).out)
    assert (data["name"], data["kind"]) == ("nightly", "service")
    assert data["scope"] == {"scripts": ["config_validator"], "environments": ["staging"], "actions": ["observe"]}
    assert data["expires_at"]


def test_looking_at_an_empty_place_creates_nothing(shell: Shell) -> None:
    assert shell("whoami").code == 0
    assert shell("logout").code == 0
    assert shell("whoami", AUTOMATION_TOKEN="x").code == 2
    assert not shell.home.exists()


# Single sign-on


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """`governance.oidc` in the settings, and a provider at which `sub-1` logs in; the settings that it was asked with."""
    seen: dict[str, Any] = {}
    wanted = {
        "issuer": ISSUER,
        "client_id": "automation",
        "client_secret": "env:OIDC_SECRET",
        "scopes": ["openid"],
        "groups": {"theirs": "platform"},
    }
    config = tmp_path / "oidc.yaml"
    config.write_text(json.dumps({"governance": {"oidc": wanted}}))
    monkeypatch.setenv("AUTOMATION_CONFIG_PATH", str(config))

    def log_in_there(
        settings: Any, _open: Callable[[str], object], *, clock: Callable[[], datetime]
    ) -> ExternalIdentity:
        seen["settings"] = settings
        return ExternalIdentity(ISSUER, "sub-1", "vic", groups=frozenset({"theirs"}))

    monkeypatch.setattr("automation_scripts.governance.identity.oidc_login.log_in", log_in_there)
    monkeypatch.setenv("OIDC_SECRET", "a-client-secret")
    yield seen


def test_a_linked_identity_logs_in_and_a_name_alone_does_not(desk: Desk, provider: dict[str, Any]) -> None:
    refused = desk("login", "--oidc")
    assert (refused.code, "single sign-on was not accepted" in refused.err) == (2, True)
    desk.log_in("boss", mfa_age_s=1)
    assert desk("users", "link", "vic", "sub-1", "--issuer", ISSUER).code == 0
    answer = desk("login", "--oidc")
    assert (answer.code, "Logged in as vic" in answer.err) == (0, True)
    assert provider["settings"].client_secret == "a-client-secret"
    data = json.loads(desk("whoami", "--format", "json").out)
    assert (data["name"], data["groups"]) == ("vic", ["platform"])


# At a terminal


def key_in(text: str) -> pyotp.TOTP:
    found = re.search(r"type this key: ([A-Z2-7 ]+)", text)
    assert found, text
    return pyotp.TOTP(found[1].replace(" ", ""))


def test_from_first_start_to_administration_at_a_terminal(shell: Shell) -> None:
    with Terminal("users", "init") as terminal:
        terminal.answer("Name of the administrator", "alice")
        terminal.answer("New password of alice", "short")
        terminal.expect("fewer than 12 characters")
        terminal.answer("New password of alice", PASSWORD)
        terminal.answer("The same again", PASSWORD)
        terminal.answer("Set up one-time codes now?", "y")
        app = key_in(terminal.expect("The code that the app shows now"))
        first = app.now()
        terminal.send(first)
        codes = re.findall(r"(?:\w{4}-){3}\w{4}", terminal.end(0))
    assert len(codes) == 10
    assert PASSWORD not in terminal.shown
    assert first not in terminal.shown.partition("The code that")[2]

    with Terminal("login", "alice") as terminal:
        terminal.answer("Password of alice", PASSWORD)
        terminal.answer("One-time or recovery code", codes[0])
        assert "Logged in as alice" in terminal.end(0)
    with Terminal("users", "recovery-codes") as terminal:
        terminal.answer("Present password of alice", PASSWORD)
        terminal.answer("One-time or recovery code of alice", codes[1])
        assert len(re.findall(r"(?:\w{4}-){3}\w{4}", terminal.end(0))) == 10


def test_a_terminal_is_asked_for_the_code_of_an_administrator(desk: Desk) -> None:
    desk.log_in("boss")
    with Terminal("users", "unlock", "vic") as terminal:
        terminal.answer("One-time or recovery code of boss", desk.wrong_code())
        assert "was not accepted" in terminal.end(2)
    with Terminal("users", "unlock", "vic") as terminal:
        terminal.answer("One-time or recovery code of boss", desk.code())
        terminal.end(0)
    with Terminal("users", "unlock", "vic") as terminal:
        terminal.expect("One-time or recovery code of boss")
        terminal.send("\x03", line=False)
        terminal.end(130)
    assert desk.actions() == ["admin.denied", "admin.intent", "admin.outcome"]


# The document


def test_the_examples_of_the_document_work_in_their_order(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap_hashes(monkeypatch)
    (tmp_path / "password.txt").write_text(PASSWORD + "\n")
    (tmp_path / "first-password.txt").write_text(NEW_PASSWORD + "\n")
    text = (ROOT / "docs" / "identity.md").read_text()
    lines = "".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).splitlines()
    for line in lines:
        if "123456" in line:
            line = line.replace("123456", _code_of_alice())  # noqa: PLW2901 - the code that stands for any
        wanted = int(found[1]) if (found := re.search(r"# exits (\d)", line)) else 0
        assert _run(shell, tmp_path, monkeypatch, line) == wanted, line
    assert len(lines) > 15


def _code_of_alice() -> str:
    """Set up her app, as the text says is done at a terminal; returns its next code."""
    from automation_scripts.governance.opened import open_identity
    from automation_scripts.settings import load_settings

    store = open_identity(load_settings())
    app = pyotp.TOTP(store.totp.begin("alice", by="alice").uri.split("secret=")[1].split("&")[0])
    step = int(store.now().timestamp()) // 30
    store.second_factors.confirm_totp("alice", app.generate_otp(step), source="test")
    return app.generate_otp(step + 1)


def _run(shell: Shell, folder: Path, patch: pytest.MonkeyPatch, line: str) -> int:
    """A line of the document; variables and redirections are done here, as a shell would."""
    words = shlex.split(line.replace("$AUTOMATION_HOME", str(shell.home)), comments=True)
    variables, stdin, target = {}, "", None
    if words[0] == "AUTOMATION_TOKEN=$(cat token.txt)":
        variables["AUTOMATION_TOKEN"] = (folder / "token.txt").read_text().strip()
        words = words[1:]
    if "<" in words:
        words, (file,) = words[: words.index("<")], words[words.index("<") + 1 :]
        stdin = (folder / file).read_text()
    if ">" in words:
        words, (target,) = words[: words.index(">")], words[words.index(">") + 1 :]
    assert words[0] == "automation", line
    with patch.context() as inner:
        inner.setattr(sys, "stdin", io.StringIO(stdin))
        answer = shell(*words[1:], **variables)
    if target is not None:
        (folder / target).write_text(answer.out)
    return answer.code
