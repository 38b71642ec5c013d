"""`automation users …`: who may administer, what is written about it, and what comes of it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from automation_scripts.cli.administration import administration
from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.identity.records import RoleBinding
from automation_scripts.settings import load_settings
from tests.cli.conftest import ACTED_UPON, EVIL, Shell
from tests.cli.identity_support import NEW_PASSWORD, PASSWORD, Desk, cheap_hashes, desk, prepared

__all__ = ["desk", "prepared"]

CHANGES: list[tuple[list[str], str]] = [
    (["users", "add", "new", "--role", "operator@staging", "--group", "platform"], ""),
    (["users", "grant", "vic", "operator@staging"], ""),
    (["users", "revoke", "vic", "viewer"], ""),
    (["users", "disable", "vic"], ""),
    (["users", "enable", "vic"], ""),
    (["users", "unlock", "vic"], ""),
    (["users", "password", "vic", "--password-stdin"], NEW_PASSWORD + "\n"),
    (["users", "totp", "remove", "ada"], ""),
    (["users", "link", "vic", "sub-1", "--issuer", "https://id.example.com"], ""),
    (["users", "groups", "add", "oncall", "--role", "viewer"], ""),
    (["users", "groups", "grant", "platform", "viewer"], ""),
    (["users", "groups", "join", "platform", "vic"], ""),
    (
        ["token", "create", "nightly", "--scripts", "*", "--environments", "staging,test", "--actions", "observe"],
        "",
    ),
    (["token", "revoke", "{token_id}"], ""),
    (["token", "rotate", "{token_id}"], ""),
    (["token", "rotate-key"], ""),
    (["token", "end-logins", "vic"], ""),
]
LOOKS = [["users", "list"], ["users", "show", "boss"], ["users", "groups", "list"], ["token", "list"]]


@pytest.mark.parametrize(("words", "stdin"), CHANGES, ids=lambda value: " ".join(value[:3]) if value else "")
def test_a_change_needs_a_login_the_role_and_a_code_and_each_is_audited(
    desk: Desk, words: list[str], stdin: str
) -> None:
    command = [word.format(token_id=desk.prepared.token_id) for word in words]
    nobody = desk(*command, stdin=stdin)
    assert (nobody.code, nobody.out) == (2, "")
    assert "automation login" in nobody.err
    assert desk.actions() == ["admin.denied"]

    # vic is a viewer; where the command is about vic it is somebody else who tries.
    other = "ada" if "vic" in command else "vic"
    desk.log_in(other, mfa_age_s=10)
    denied = desk(*command, stdin=stdin)
    assert (denied.code, denied.out) == (2, "")
    assert "may not administer" in denied.err
    (entry, *_rest) = desk.audit(action="admin.denied")
    assert (entry.text("actor"), entry.text("outcome")) == (other, "denied")

    desk.log_in("boss")
    without = desk(*command, stdin=stdin)
    assert (without.code, without.out) == (2, "")
    assert "--otp" in without.err
    assert desk.actions() == ["admin.denied"] * 3

    done = desk(*command, "--otp", desk.code(), stdin=stdin)
    assert done.code == 0, done.err
    assert desk.actions() == ["admin.denied"] * 3 + ["admin.intent", "admin.outcome"]
    outcome, intent = desk.audit(action=("admin.intent", "admin.outcome"))
    assert (outcome.text("outcome"), outcome.text("actor")) == ("succeeded", "boss")
    assert intent.members["details"]["command"] in " ".join(command)
    assert any("roles.yaml" in reason for reason in intent.members["reasons"])
    assert intent.text("request_id") == outcome.text("request_id") != ""
    assert len({entry.text("request_id") for entry in desk.audit(action="admin.denied")}) == 3


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_a_look_needs_the_role_and_no_code(desk: Desk, command: list[str]) -> None:
    assert desk(*command).code == 2
    desk.log_in("vic", mfa_age_s=10)
    assert "may not administer" in desk(*command).err
    desk.log_in("boss")
    assert desk(*command).code == 0
    data = desk(*command, "--format", "json")
    assert json.loads(data.out)
    assert desk.actions() == ["admin.denied"] * 2 + ["admin.read"] * 2


def test_everybody_may_look_at_the_own_account(desk: Desk) -> None:
    desk.log_in("vic")
    assert json.loads(desk("users", "show", "vic", "--format", "json").out)["roles"] == ["viewer"]
    assert desk("users", "show", "boss").code == 2


def test_a_code_is_good_once_and_a_wrong_one_is_refused_even_where_none_is_needed(desk: Desk) -> None:
    desk.log_in("boss")
    code = desk.code()
    assert desk("users", "unlock", "vic", "--otp", code).code == 0
    again = desk("users", "unlock", "vic", "--otp", code)
    assert (again.code, "code was not accepted" in again.err) == (2, True)
    assert desk.audit(action="admin.denied")[0].members["details"]["error"] == "replayed"
    desk.log_in("boss", mfa_age_s=10)
    assert desk("users", "unlock", "vic").code == 0
    assert desk("users", "unlock", "vic", "--otp", desk.wrong_code()).code == 2


def test_of_processes_that_bring_one_code_at_once_one_is_let_in(desk: Desk) -> None:
    desk.log_in("boss")
    line = f"(automation users unlock vic --otp {desk.code()}; echo $?) 2>&1 & "
    done = desk.shell.process(line * 3 + "wait")
    assert sorted(re.findall(r"^\d$", done.stdout, re.MULTILINE)) == ["0", "2", "2"]
    assert sorted(desk.actions()) == ["admin.denied"] * 2 + ["admin.intent", "admin.outcome"]


def test_a_code_is_not_spent_on_what_the_role_forbids(desk: Desk) -> None:
    desk.log_in("ada")
    code = desk.code(user="ada")
    assert "may not administer" in desk("users", "unlock", "vic", "--otp", code).err
    assert desk.store.second_factors.check("ada", code, "test", desk.store.now())


def test_a_second_factor_of_the_login_holds_for_five_minutes(desk: Desk) -> None:
    desk.log_in("boss", mfa_age_s=290)
    assert desk("users", "unlock", "vic").code == 0
    desk.log_in("boss", mfa_age_s=310)
    assert "--otp" in desk("users", "unlock", "vic").err


def test_guessing_codes_locks_and_a_right_code_does_not_help_then(desk: Desk) -> None:
    desk.log_in("boss")
    answers = [desk("users", "unlock", "vic", "--otp", desk.wrong_code()) for _ in range(2)]
    assert all(answer.code == 2 for answer in answers)
    # The waits between the next three would make this test a slow one, and on a busy machine they may be over before
    # the next attempt comes: they are made a minute ago.
    store = desk.store
    for earlier_s in (60, 50, 40):
        store.attempts.begin("factor", "boss", "", store.now() - timedelta(seconds=earlier_s))
    answer = desk("users", "unlock", "vic", "--otp", desk.code())
    assert (answer.code, "Too many failed attempts" in answer.err) == (2, True)
    assert "admin.intent" not in desk.actions()


def test_a_service_token_never_administers(desk: Desk) -> None:
    answer = desk("users", "unlock", "vic", AUTOMATION_TOKEN=desk.prepared.token)
    assert (answer.code, "may not be used to administer" in answer.err) == (2, True)
    store = desk.store
    store.directory.grant("nightly", RoleBinding("admin"), by="boss")
    everywhere = ["--scripts", "*", "--environments", "*", "--actions", "*"]
    desk.log_in("boss", mfa_age_s=1)
    token = desk("token", "create", "nightly", *everywhere).out.strip()
    answer = desk("users", "unlock", "vic", AUTOMATION_TOKEN=token)
    assert (answer.code, "persons-only" in answer.err) == (2, True)
    assert token not in json.dumps([dict(entry.members) for entry in desk.audit()])


def test_a_role_in_one_environment_does_not_administer(desk: Desk) -> None:
    desk.store.directory.grant("vic", RoleBinding("admin", "production"), by="boss")
    desk.log_in("vic", mfa_age_s=1)
    assert "may not administer" in desk("users", "unlock", "ada").err


def test_broken_policies_allow_no_administration(desk: Desk) -> None:
    (desk.shell.home / "policies").mkdir()
    (desk.shell.home / "policies" / "mine.yaml").write_text("roles:\n  a:\n    alow: []\n")
    desk.log_in("boss", mfa_age_s=1)
    answer = desk("users", "unlock", "vic")
    assert (answer.code, "mine.yaml:3" in answer.err) == (2, True)


def test_nothing_is_done_when_the_audit_cannot_be_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.log_in("boss", mfa_age_s=1)

    def fail(*_arguments: object) -> None:
        raise AuditUnavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "append", fail)
        answer = desk("users", "disable", "vic")
    assert (answer.code, "the disk is full" in answer.err) == (2, True)
    assert desk.store.directory.get("vic").enabled


def test_verification_pairs_the_intent_of_a_command_with_its_own_outcome(desk: Desk) -> None:
    settings, entered = load_settings(), []
    desk.log_in("boss", mfa_age_s=10)
    with administration(settings, "users add"):
        entered.append("first")
        with administration(settings, "users disable"):
            entered.append("second")
        ended = json.loads(desk("audit", "verify", "--format", "json").out)
        assert len(ended["open_intents"]) == 1  # the first: the second has its outcome
        (first,) = [e for e in desk.audit(action="admin.intent") if e.members["details"]["command"] == "users add"]
        assert ended["open_intents"] == [first.index]
    assert entered == ["first", "second"]
    assert json.loads(desk("audit", "verify", "--format", "json").out)["open_intents"] == []


def test_what_fails_leaves_an_outcome_that_says_so(desk: Desk) -> None:
    desk.log_in("boss", mfa_age_s=1)
    answer = desk("users", "disable", "boss")
    assert (answer.code, "last administrator" in answer.err) == (2, True)
    (entry,) = desk.audit(action="admin.outcome")
    assert entry.text("outcome") == "failed"
    assert "last administrator" in entry.members["details"]["message"]


def test_a_broken_program_still_leaves_an_outcome_without_its_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.log_in("boss", mfa_age_s=1)

    def fail(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("canary-in-an-error")

    monkeypatch.setattr("automation_scripts.governance.identity.directory.Directory.disable", fail)
    with pytest.raises(RuntimeError):
        desk("users", "disable", "vic")
    (entry,) = desk.audit(action="admin.outcome")
    assert (entry.text("outcome"), entry.members["details"]["error"]) == ("failed", "RuntimeError")
    assert "canary" not in json.dumps(dict(entry.members))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "Alice"], "Write 'alice'"),
        (["add", "vic"], "taken"),
        (["add", "new", "--role", "operater"], "did you mean operator"),
        (["add", "new", "--role", "local"], "unknown role"),
        (["add", "new", "--role", "operator@producton"], "Did you mean 'production'"),
        (["add", "new", "--role", "operator@"], "''"),
        (["add", "new", "--group", "platfrom"], "did you mean platform"),
        (["add", "nеw"], "CYRILLIC"),
        (["grant", "nobody", "viewer"], "no such user"),
        (["revoke", "vic", "operator"], "was not given it directly"),
        (["groups", "leave", "platform", "vic"], "no member"),
        (["groups", "join", "nowhere", "vic"], "no such group"),
        (["password", "nobody", "--password-stdin"], "no such user"),
        (["password", "nightly", "--password-stdin"], "service account"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(desk: Desk, words: list[str], said: str) -> None:
    desk.log_in("boss", mfa_age_s=1)
    before = desk.store.directory.users()
    answer = desk("users", *words, stdin=NEW_PASSWORD + "\n")
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert desk.store.directory.users() == before


def test_what_was_written_is_listed(desk: Desk) -> None:
    desk.log_in("boss", mfa_age_s=1)
    words = ["--display-name", EVIL, "--email", "new@example.com", "--slack-id", "U1", "--role", "viewer@staging"]
    assert desk("users", "add", "new", *words, "--group", "platform").code == 0
    desk("users", "groups", "grant", "platform", "operator")
    data = json.loads(desk("users", "show", "new", "--format", "json").out)
    assert (data["roles"], data["roles_through_groups"], data["slack_id"]) == (["viewer@staging"], ["operator"], "U1")
    for command in (["users", "list"], ["users", "show", "new"], ["users", "groups", "list"]):
        text = desk(*command).out
        assert "new" in text
        assert not any(sign in text for sign in ACTED_UPON)


# The first administrator


@pytest.mark.parametrize(
    "command", [words for words, _stdin in CHANGES] + LOOKS + [["login", "boss", "--password-stdin"]]
)
def test_until_users_are_set_up_init_is_the_only_command(shell: Shell, command: list[str]) -> None:
    answer = shell(*(word.replace("{token_id}", "4fT9kQ2xLm") for word in command))
    assert (answer.code, answer.out) == (2, "")
    assert "automation users init" in answer.err
    assert not shell.home.exists()


def test_the_first_administrator_is_made_once_with_the_one_time_secret(
    desk: Desk, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTOMATION_HOME", str(tmp_path / "new"))
    create = ["users", "init", "root1", "--password-stdin"]
    none = desk(*create, stdin=PASSWORD)
    assert (none.code, "--make-secret" in none.err) == (2, True)
    assert not (tmp_path / "new").exists()

    made = desk("users", "init", "--make-secret")
    secret = (tmp_path / "new" / "bootstrap-secret").read_text().strip()
    assert (made.code, secret in made.out + made.err) == (0, False)
    wrong = desk(*create, stdin=PASSWORD, AUTOMATION_BOOTSTRAP_SECRET="bootstrap_x")
    assert (wrong.code, "not the right one" in wrong.err) == (2, True)
    weak = desk(*create, stdin="123456789012\n", AUTOMATION_BOOTSTRAP_SECRET=secret)
    assert (weak.code, "password cannot be used" in weak.err) == (2, True)

    file = ["--secret-file", str(tmp_path / "new" / "bootstrap-secret")]
    assert desk(*create, *file, stdin=PASSWORD + "\n").code == 0
    assert not (tmp_path / "new" / "bootstrap-secret").exists()
    for again in ([*create[:2], "root2", *create[3:]], ["users", "init", "--make-secret"]):
        answer = desk(*again, stdin=PASSWORD, AUTOMATION_BOOTSTRAP_SECRET=secret)
        assert (answer.code, "an administrator already" in answer.err) == (2, True)
    written = json.dumps([dict(entry.members) for entry in desk.audit()])
    assert desk.actions().count("admin.intent") == 3
    assert secret not in written
    assert PASSWORD not in written


def test_a_secret_that_others_can_read_is_not_taken(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTOMATION_HOME", str(tmp_path / "new"))
    desk("users", "init", "--make-secret")
    file = tmp_path / "new" / "bootstrap-secret"
    file.chmod(0o644)
    answer = desk("users", "init", "root1", "--password-stdin", "--secret-file", str(file), stdin=PASSWORD)
    assert (answer.code, "chmod 600" in answer.err) == (2, True)


def test_users_on_postgresql(postgres_url: str, desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTOMATION_HOME", str(tmp_path / "new"))
    with desk.shell.config.open("a") as config:
        config.write(f"governance: {{url: '{postgres_url}', audit_url: '{postgres_url}'}}\n")
    assert "automation users init" in desk("users", "list").err
    assert desk("users", "init", "--make-secret").code == 0
    file = ["--secret-file", str(tmp_path / "new" / "bootstrap-secret")]
    assert desk("users", "init", "root1", "--password-stdin", *file, stdin=PASSWORD).code == 0
    assert desk("login", "root1", "--password-stdin", stdin=PASSWORD).code == 0
    assert [user["name"] for user in json.loads(desk("users", "list", "--format", "json").out)] == ["root1"]
    refused = desk("users", "add", "evil", "--display-name", "\x00" + "x" * 20_000)
    assert (refused.code, "totp enrol" in refused.err) == (2, True)
    assert desk.actions() == ["admin.intent", "admin.outcome"] * 2 + ["admin.read", "admin.denied"]


# One's own credentials


def test_the_own_password_needs_the_old_one_and_a_code(desk: Desk) -> None:
    desk.log_in("ada", mfa_age_s=1)
    change = ["users", "password", "--password-stdin"]
    both = f"{PASSWORD}\n{NEW_PASSWORD}\n"
    assert "--otp" in desk(*change, stdin=both).err
    wrong = desk(*change, "--otp", desk.code(user="ada"), stdin=f"{NEW_PASSWORD}\n{NEW_PASSWORD}\n")
    assert (wrong.code, "was not accepted" in wrong.err) == (2, True)
    assert desk.actions() == ["account.denied"] * 2

    done = desk(*change, "--otp", desk.code(user="ada"), stdin=both)
    assert done.code == 0, done.err
    assert desk.actions()[2:] == ["account.intent", "account.outcome"]
    assert desk("users", "show", "ada").code == 2  # the login has ended
    assert desk("login", "ada", "--password-stdin", "--otp", desk.code(1, "ada"), stdin=PASSWORD).code == 2
    assert desk("login", "ada", "--password-stdin", "--otp", desk.code(1, "ada"), stdin=NEW_PASSWORD).code == 0


def test_naming_yourself_is_no_way_around_the_proof(desk: Desk) -> None:
    desk.log_in("boss", mfa_age_s=1)
    answer = desk("users", "password", "boss", "--password-stdin", stdin=f"{NEW_PASSWORD}\n{NEW_PASSWORD}\n")
    assert answer.code == 2
    assert desk.actions() == ["account.denied"]


@pytest.mark.parametrize("command", [["password"], ["recovery-codes"], ["totp", "remove"]])
def test_a_service_account_has_no_credentials_of_a_person(desk: Desk, command: list[str]) -> None:
    answer = desk("users", *command, "--password-stdin", stdin=PASSWORD, AUTOMATION_TOKEN=desk.prepared.token)
    assert (answer.code, "service account" in answer.err) == (2, True)
    assert desk.actions() == ["account.denied"]


def test_an_administrator_helps_who_lost_password_and_phone(desk: Desk) -> None:
    desk.log_in("ada")
    session = desk.token("ada")
    desk.log_in("boss", mfa_age_s=1)
    assert desk("users", "password", "ada", "--password-stdin", stdin=NEW_PASSWORD).code == 0
    assert desk("users", "totp", "remove", "ada").code == 0
    assert desk("users", "list", AUTOMATION_TOKEN=session).code == 2
    assert desk("login", "ada", "--password-stdin", stdin=NEW_PASSWORD).code == 0


def test_new_recovery_codes_replace_the_old_and_are_good_once(desk: Desk) -> None:
    desk.log_in("ada")
    renew = ["users", "recovery-codes", "--password-stdin"]
    made = desk(*renew, "--otp", desk.code(user="ada"), stdin=PASSWORD)
    codes = made.out.split()
    assert (made.code, len(codes)) == (0, 10)
    assert desk(*renew, "--otp", codes[0], stdin=PASSWORD).code == 0
    for used in codes[:2]:
        assert desk(*renew, "--otp", used, stdin=PASSWORD).code == 2
    written = json.dumps([dict(entry.members) for entry in desk.audit()])
    assert not any(code in written for code in codes)


def test_one_time_codes_are_set_up_at_a_terminal_only(desk: Desk) -> None:
    desk.log_in("vic")
    answer = desk("users", "totp", "enrol", "--password-stdin", stdin=PASSWORD)
    assert (answer.code, "terminal" in answer.err) == (2, True)


def test_own_codes_are_removed_with_a_code(desk: Desk) -> None:
    desk.log_in("ada")
    remove = ["users", "totp", "remove", "--password-stdin"]
    assert desk(*remove, stdin=PASSWORD).code == 2
    assert desk(*remove, "--otp", desk.code(user="ada"), stdin=PASSWORD).code == 0
    assert desk.store.directory.get("ada").second_factors == ()


def test_no_command_takes_a_password_as_an_argument(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_hashes(monkeypatch)
    for command in (["login"], ["users", "password"], ["users", "init"], ["users", "add"]):
        text = shell(*command, "--help").out
        assert "--password " not in text
        assert "--secret " not in text
