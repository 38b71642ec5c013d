"""`automation policy matrix`: what users and roles may do, and what is refused."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from typing import Any

import pytest

from automation_scripts.governance.identity.records import Kind, RoleBinding
from automation_scripts.governance.policy import DEFAULTS
from tests.cli.conftest import ACTED_UPON, EVIL, Shell
from tests.cli.policy_support import cells, users


@pytest.mark.parametrize(
    ("role", "environment", "code", "change", "observe", "approve"),
    [
        ("viewer", "production", 1, "denied", "denied", "denied"),
        ("viewer", "staging", 1, "denied", "denied", "denied"),
        ("operator", "production", 0, "denied", "allowed", "denied"),
        ("operator", "staging", 0, "allowed", "allowed", "denied"),
        ("release-manager", "production", 0, "allowed_with", "allowed", "allowed_with"),
        ("release-manager", "staging", 0, "allowed", "allowed", "allowed"),
        ("security-auditor", "production", 1, "denied", "denied", "denied"),
        ("compliance-officer", "production", 1, "denied", "denied", "allowed_with"),
        ("compliance-officer", "staging", 1, "denied", "denied", "allowed"),
        ("admin", "production", 0, "allowed_with", "allowed", "allowed_with"),
        ("admin", "staging", 0, "allowed", "allowed", "allowed"),
        ("service", "production", 0, "allowed_with", "allowed", "denied"),
        ("local", "production", 0, "denied", "allowed", "denied"),
        ("local", "staging", 0, "allowed", "allowed", "denied"),
    ],
)
def test_the_matrix_of_each_shipped_role(
    shell: Shell, role: str, environment: str, code: int, change: str, observe: str, approve: str
) -> None:
    answer = shell("policy", "matrix", "-u", role, "-e", environment, "--format", "json")
    found = cells(answer)
    assert answer.code == code
    outcomes = [found["deployment_automation", action][0] for action in ("change", "observe", "approve")]
    assert outcomes == [change, observe, approve]
    data = json.loads(answer.out)
    assert (data["roles"], data["environment"], data["allowed"]) == ([role], environment, code == 0)
    assert "no users are set up yet" in data["note"]
    assert not shell.home.exists()


def test_the_matrix_as_text_has_a_row_a_script_and_the_reasons(shell: Shell) -> None:
    answer = shell("policy", "matrix", "--user=admin", "--environment=production")
    lines = answer.out.splitlines()
    assert lines[0].startswith("User admin with the role admin, in production on ")
    assert lines[1] == "Note: no users are set up yet (automation users init); shown for the role 'admin'"
    (row,) = [line.split() for line in lines if line.startswith("deployment_automation ")]
    assert row[1:] == ["yes", "2F+A", "2F", "2F", "yes", "2F", "yes"]
    assert "administer (everything): 2F" in lines
    (change,) = [line for line in lines if line.startswith("  change: ")]
    assert "allowed with a second factor and an approval: approval-in-protected (guardrails.cedar:3)" in change


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ([], 0),
        (["--action", "change"], 1),
        (["--action", "observe"], 0),
        (["--action", "observe", "--action", "change"], 1),
        (["--script", "config_validator", "--action", "observe"], 0),
        (["--script", "config_validator"], 1),
        (["--action", "administer"], 1),
        (["--action", "read_history"], 0),
    ],
)
def test_filters_ask_about_all_that_they_choose(shell: Shell, filters: list[str], code: int) -> None:
    answer = shell("policy", "matrix", "-u", "operator", "-e", "production", "--format", "json", *filters)
    assert answer.code == code
    wanted = {filters[i + 1] for i in range(0, len(filters), 2) if filters[i] == "--action"}
    assert not wanted or {action for _, action in cells(answer)} == wanted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-u", "nobody", "-e", "production"], "Until then, name a role: "),
        (["-u", "Admin", "-e", "production"], "there is no user 'Admin'"),
        (["-u", "adm\u0456n", "-e", "production"], "'adm\\u0456n'"),
        (["-u", "admin", "-e", "prodution"], "Did you mean 'production'?"),
        (["-u", "admin", "-e", EVIL], "is not known"),
        (["-u", "admin", "-e", "production", "--script", "x"], "there is no script"),
        (["-u", "admin", "-e", "production", "--action", "x"], "--action: unknown action"),
        (["-u", "admin", "-e", "production", "--action", "administer", "--script", "config_validator"], "whole"),
        (["-e", "production"], "one of the two"),
        (["-u", "admin"], "--environment"),
    ],
)
def test_the_matrix_refuses_bad_input(shell: Shell, arguments: list[str], message: str) -> None:
    answer = shell("policy", "matrix", *arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert message in answer.err
    assert not any(character in answer.err for character in ACTED_UPON)


def test_users_have_the_roles_of_their_bindings_and_groups(shell: Shell) -> None:
    with users(shell) as store:
        store.directory.add_user("alice", by="root", roles=[RoleBinding("release-manager", "staging")])
        store.directory.add_group("watchers", by="root", roles=[RoleBinding("viewer")])
        store.directory.set_groups("alice", ["watchers"], by="root")
        store.directory.add_user("gone", by="root", roles=[RoleBinding("admin")])
        store.directory.disable("gone", by="root")
        store.directory.add_user("robot", by="root", kind=Kind.SERVICE, roles=[RoleBinding("service")])

    def asked(user: str, environment: str = "staging") -> Any:
        return json.loads(shell("policy", "matrix", "-u", user, "-e", environment, "--format", "json").out)

    staging, production = asked("alice"), asked("alice", "production")
    assert (staging["roles"], staging["groups"], staging["note"]) == (
        ["release-manager", "viewer"],
        ["watchers"],
        None,
    )
    assert (production["roles"], production["allowed"]) == (["viewer"], False)
    assert (asked("gone")["roles"], asked("gone")["note"]) == ([], "the user is disabled and has no role")
    assert asked("robot")["kind"] == "service"
    answer = shell("policy", "matrix", "-u", "admin", "-e", "production")
    assert answer.code == 2, "a role's name is no user once there are users"
    assert "there is no user 'admin'" in answer.err
    for name in ("", "Alice", "alice\u200b", "x' OR '1'='1", "\udcff", EVIL, "a" * 10_000):
        answer = shell("policy", "matrix", "-u", name, "-e", "staging")
        assert (answer.code, answer.out) == (2, "")
        assert "there is no user" in answer.err and len(answer.err) < 500
        assert not any(character in answer.err for character in ACTED_UPON)


def test_until_the_first_administrator_roles_stand_for_users(shell: Shell) -> None:
    users(shell, bootstrap=False).close()
    assert "shown for the role 'viewer'" in shell("policy", "matrix", "-u", "viewer", "-e", "staging").out


def test_looking_makes_no_tables_in_the_database_of_other_parts(shell: Shell) -> None:
    import sqlite3

    shell.home.mkdir()
    database = sqlite3.connect(shell.home / "governance.db")
    database.execute("CREATE TABLE other (x)")
    database.commit()
    assert shell("policy", "matrix", "-u", "admin", "-e", "staging").code == 0
    assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]


def test_a_database_of_users_that_cannot_be_read_is_no_permission(shell: Shell) -> None:
    shell.home.mkdir()
    (shell.home / "governance.db").write_bytes(b"not a database, but long enough to be looked at" * 20)
    answer = shell("policy", "matrix", "-u", "admin", "-e", "staging")
    assert answer.code == 2
    assert "governance.db" in answer.err


def test_colours_only_on_a_terminal(shell: Shell) -> None:
    words = ["policy", "matrix", "-u", "admin", "-e", "staging"]
    assert "\x1b" not in shell(*words).out
    terminal, end = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen([sys.executable, "-m", "automation_scripts.cli", *words], stdout=end, env=environment) as run:
        os.close(end)
        text = b""
        while part := _part(terminal):
            text += part
    assert run.returncode == 0
    assert b"\x1b[32myes" in text
    rows = [line for line in text.decode().splitlines() if line.startswith("deployment_automation")]
    assert len(rows) == 1, "80 columns are enough for a script on one line"


def _part(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_the_settings_ask_for_an_approval_whatever_policies_say(shell: Shell) -> None:
    shutil.copytree(DEFAULTS, shell.home / "policies")
    (shell.home / "policies" / "guardrails.cedar").write_text("")
    answer = shell("policy", "matrix", "-u", "release-manager", "-e", "production", "--format", "json")
    assert cells(answer)["deployment_automation", "change"] == ("allowed_with", ["approval"])
    assert cells(answer)["deployment_automation", "approve"] == ("allowed", [])
    asked = ("policy", "explain", "deployment_automation", "-u", "release-manager", "-e")
    assert "require_approval_for" in shell(*asked, "production").out
    assert "require_approval_for" not in shell(*asked, "production", "--approvals", "1").out
    assert "require_approval_for" not in shell(*asked, "staging").out
    text = shell("policy", "matrix", "-u", "release-manager", "-e", "production", "--action", "change").out
    assert "change: allowed with an approval: by roles/release-manager/allow/1" in text
