"""`automation token …`: tokens of service accounts, and the key of logins."""

from __future__ import annotations

import json
import sys

import pytest

from automation_scripts.governance.identity.service_tokens import has_checksum
from tests.cli.identity_support import Desk, desk, prepared

__all__ = ["desk", "prepared"]
CREATE = ["token", "create", "nightly", "--scripts", "config_validator", "--environments", "staging"]


@pytest.fixture
def admin(desk: Desk) -> Desk:
    desk.log_in("boss", mfa_age_s=1)
    return desk


def listed(desk: Desk, *more: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(desk("token", "list", "--format", "json", *more).out)
    return found


def test_a_token_is_alone_on_stdout_and_good_for_what_it_says(admin: Desk) -> None:
    answer = admin(*CREATE, "--actions", "observe, change", "--label", "nightly checks", "--expires", "30d")
    token = answer.out.removesuffix("\n")
    assert (answer.code, has_checksum(token)) == (0, True)
    assert token not in answer.err
    data = json.loads(admin("whoami", "--format", "json", AUTOMATION_TOKEN=token).out)
    assert data["scope"]["actions"] == ["change", "observe"]
    (row,) = [row for row in listed(admin) if row["label"] == "nightly checks"]
    assert (row["id"], row["state"], row["created_by"]) == (data["token_id"], "good", "boss")
    assert token not in json.dumps([dict(entry.members) for entry in admin.audit()])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["nightly", "--scripts", "config_validater", "--environments", "*", "--actions", "*"],
            "did you mean config_v",
        ),
        (["nightly", "--scripts", "*", "--environments", "stagin", "--actions", "*"], "did you mean staging"),
        (["nightly", "--scripts", "*", "--environments", "*", "--actions", "chnage"], "did you mean change"),
        (["nightly", "--scripts", " , ", "--environments", "*", "--actions", "*"], "names nothing"),
        (["nightly", "--scripts", "*", "--environments", "*"], "--actions"),
        (["nightly", "--scripts", "*", "--environments", "*", "--actions", "*", "--expires", "400d"], "366d"),
        (["nightly", "--scripts", "*", "--environments", "*", "--actions", "*", "--expires", "90"], "Write a time"),
        (["vic", "--scripts", "*", "--environments", "*", "--actions", "*"], "service account"),
        (["nobody", "--scripts", "*", "--environments", "*", "--actions", "*"], "no such user"),
    ],
)
def test_a_token_that_cannot_be_made(admin: Desk, words: list[str], said: str) -> None:
    answer = admin("token", "create", *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert len(listed(admin, "--all")) == 1


def test_a_token_that_nobody_could_read_is_revoked(admin: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device", "stdout")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(sys, "stdout", Full())
        admin(*CREATE, "--actions", "observe")
    assert sorted(str(row["state"]) for row in listed(admin, "--all")) == ["good", "revoked"]
    assert admin.audit(action="admin.outcome")[0].text("outcome") == "failed"


def test_a_revoked_token_is_refused_at_once_and_listed_with_all_only(admin: Desk) -> None:
    assert admin("whoami", AUTOMATION_TOKEN=admin.prepared.token).code == 0
    assert admin("token", "revoke", admin.prepared.token_id).code == 0
    assert admin("whoami", AUTOMATION_TOKEN=admin.prepared.token).code == 2
    assert listed(admin) == []
    assert [row["state"] for row in listed(admin, "--all")] == ["revoked"]
    assert admin("token", "revoke", "nothing").code == 2
    assert admin("token", "rotate", admin.prepared.token_id).code == 2


def test_a_whole_token_in_place_of_its_identifier_gets_nowhere(admin: Desk) -> None:
    token = admin.prepared.token
    login = admin.token("vic")
    for whole, code in ((token, 0), (token[:-1] + "_", 0), (login, 2)):
        answer = admin("token", "revoke", whole)
        assert answer.code == code
        assert whole[:-1] not in answer.out + answer.err
    assert admin("whoami", AUTOMATION_TOKEN=token).code == 2
    written = json.dumps([dict(entry.members) for entry in admin.audit()])
    assert token[:-1] not in written
    assert login not in written


@pytest.mark.parametrize(("overlap", "old_code"), [("1h", 0), ("0", 2)])
def test_the_old_token_holds_for_the_overlap(admin: Desk, overlap: str, old_code: int) -> None:
    answer = admin("token", "rotate", admin.prepared.token_id, "--overlap", overlap)
    assert answer.code == 0
    assert admin("whoami", AUTOMATION_TOKEN=answer.out.strip()).code == 0
    assert admin("whoami", AUTOMATION_TOKEN=admin.prepared.token).code == old_code


def test_a_new_signing_key_ends_logins_after_the_overlap(admin: Desk) -> None:
    vic = admin.token("vic")
    assert admin("token", "rotate-key", "--overlap", "1h").code == 0
    assert admin("whoami", AUTOMATION_TOKEN=vic).code == 0
    vic = admin.token("vic")
    admin.log_in("boss", mfa_age_s=1)
    assert admin("token", "rotate-key", "--overlap", "0").code == 0
    assert admin("whoami", AUTOMATION_TOKEN=vic).code == 2
    assert admin("whoami").code == 2
    assert admin("whoami", AUTOMATION_TOKEN=admin.token("vic")).code == 0


def test_ending_the_logins_of_one_leaves_the_others(admin: Desk) -> None:
    vic, ada = admin.token("vic"), admin.token("ada")
    assert admin("token", "end-logins", "vic").code == 0
    assert admin("whoami", AUTOMATION_TOKEN=vic).code == 2
    assert admin("whoami", AUTOMATION_TOKEN=ada).code == 0


def test_the_list_is_of_one_account_when_it_is_named(admin: Desk) -> None:
    assert len(listed(admin, "nightly")) == 1
    assert admin("token", "list", "nobody").code == 2
    assert admin.prepared.token_id in admin("token", "list").out
