"""Names, users, groups, roles, and the first administrator."""

from __future__ import annotations

import stat

import pytest

from automation_scripts.errors import AccessDenied, InvalidParameters
from automation_scripts.governance.identity.records import RoleBinding
from automation_scripts.governance.names import checked_environment
from automation_scripts.storage.private_files import read_private
from tests.governance.identity.conftest import PASSWORD, add_person, add_service, password_of


@pytest.mark.parametrize("name", ["", " staging", "staging ", "stag\u200bing", "st\u0430ging", "a/b", "staging\n", "*"])
def test_an_environment_that_only_looks_like_one_is_refused(name, kept_store):
    with pytest.raises(InvalidParameters, match="environment"):
        checked_environment(name)
    with pytest.raises(InvalidParameters, match="environment"):
        kept_store.directory.grant("ada", RoleBinding("operator", name), by="root")


def test_a_role_of_another_spelling_of_the_environment_does_not_hold(store):
    store.directory.grant("ada", RoleBinding("admin", "Production"), by="root")
    assert store.directory.effective_roles("ada", "production") == {"operator"}
    assert store.directory.effective_roles("ada", "Production") == {"operator", "admin"}


def test_users_have_details_groups_and_roles(any_store, events):
    directory = any_store.directory
    directory.add_group("release", by="root", roles=[RoleBinding("release-manager", "production")])
    directory.set_groups("ada", ["release"], by="root")
    directory.set_details("ada", by="root", display_name="Ada Lovelace", email="ada@example.com", slack_id="U1")
    ada = directory.get("ada")
    assert (ada.display_name, ada.email, ada.groups, ada.enabled) == (
        "Ada Lovelace",
        "ada@example.com",
        ("release",),
        True,
    )
    assert ada.roles == (RoleBinding("operator"),) and directory.of_slack_id("U1") == ada
    assert directory.effective_roles("ada", "production") == {"operator", "release-manager"}
    assert directory.groups() == {"release": (RoleBinding("release-manager", "production"),)}
    directory.revoke_group("release", RoleBinding("release-manager", "production"), by="root")
    assert directory.effective_roles("ada", "production") == {"operator"}
    assert [user.name for user in directory.users()] == ["ada"]
    assert [event.by for event in events.seen if event.kind.startswith(("role", "group", "user"))] == ["root"] * 5


def test_a_disabled_user_has_no_roles(any_store):
    any_store.directory.disable("ada", by="root")
    assert any_store.directory.effective_roles("ada", "staging") == frozenset()


def test_nobody_without_a_slack_id_is_found_by_an_empty_one(any_store):
    assert any_store.directory.of_slack_id("") is None
    add_person(any_store, "bob")  # two without one are no conflict
    any_store.directory.set_details("bob", by="root", slack_id="U1")
    with pytest.raises(InvalidParameters, match="another user has it"):
        any_store.directory.set_details("ada", by="root", slack_id="U1")


def test_a_name_cannot_be_taken_twice(any_store):
    with pytest.raises(InvalidParameters, match="taken"):
        any_store.directory.add_user("ada", by="root", roles=[RoleBinding("admin")])
    assert any_store.directory.effective_roles("ada", "staging") == {"operator"}


def test_a_bad_role_leaves_no_user(store):
    with pytest.raises(InvalidParameters, match="role name"):
        store.directory.add_user("bob", by="root", roles=[RoleBinding("viewer"), RoleBinding("Admin ")])
    with pytest.raises(InvalidParameters, match="no such user"):
        store.directory.get("bob")


UNKNOWN = {
    "get": lambda store: store.directory.get("nobody"),
    "disable": lambda store: store.directory.disable("nobody", by="root"),
    "grant": lambda store: store.directory.grant("nobody", RoleBinding("viewer"), by="root"),
    "grant_group": lambda store: store.directory.grant_group("nobody", RoleBinding("viewer"), by="root"),
    "set_groups": lambda store: store.directory.set_groups("ada", ["nobody"], by="root"),
    "revoke": lambda store: store.directory.revoke("ada", RoleBinding("viewer"), by="root"),
    "password": lambda store: store.set_password("nobody", PASSWORD, by="root"),
    "unlock": lambda store: store.unlock("nobody", by="root"),
    "tokens": lambda store: store.login_tokens.revoke_all("nobody", by="root"),
    "service token": lambda store: store.service_tokens.revoke("nobody", by="root"),
    "totp": lambda store: store.totp.remove("ada", by="root"),
}


def test_what_does_not_exist_is_named_and_nothing_is_reported(store, events):
    events.seen.clear()
    for call in UNKNOWN.values():
        with pytest.raises(InvalidParameters):
            call(store)
    assert events.seen == []


# The first administrator


def test_the_one_time_secret_makes_one_administrator(open_store, identity_url, events):
    store = open_store(identity_url)
    assert store.bootstrap.needed()
    secret = store.bootstrap.secret()
    assert stat.S_IMODE(store.bootstrap.path.stat().st_mode) == 0o600
    assert read_private(store.bootstrap.path).decode().strip() == secret
    store.bootstrap.create_first_admin("root", PASSWORD, secret=secret)
    assert not store.bootstrap.needed() and not store.bootstrap.path.exists()
    assert store.authenticate(password_of("root"), source="here").roles_in("production") == {"admin"}
    for name in ("root", "other"):
        with pytest.raises(AccessDenied, match="already"):
            store.bootstrap.create_first_admin(name, PASSWORD, secret=secret)
    with pytest.raises(AccessDenied, match="already"):
        store.bootstrap.secret()
    assert secret not in repr(events.seen)


@pytest.mark.parametrize("secret", ["", "bootstrap_" + "A" * 43, "\0", "é"])
def test_without_the_secret_there_is_no_administrator(store, secret):
    for made in (False, True):
        if made:
            store.bootstrap.secret()
        with pytest.raises(AccessDenied, match="bootstrap-secret"):
            store.bootstrap.create_first_admin("root", PASSWORD, secret=secret)
    assert store.bootstrap.needed()


def test_a_new_secret_replaces_the_old_one(store):
    old, new = store.bootstrap.secret(), store.bootstrap.secret()
    with pytest.raises(AccessDenied):
        store.bootstrap.create_first_admin("root", PASSWORD, secret=old)
    store.bootstrap.create_first_admin("root", PASSWORD, secret=new)


def test_a_bad_password_does_not_use_up_the_secret(store):
    secret = store.bootstrap.secret()
    with pytest.raises(InvalidParameters):
        store.bootstrap.create_first_admin("root", "root", secret=secret)
    store.bootstrap.create_first_admin("root", PASSWORD, secret=secret)


BOOTSTRAP = """
import sys
from pathlib import Path
from automation_scripts.errors import AccessDenied
from automation_scripts.governance.identity.passwords import Cost
from automation_scripts.governance.identity.store import IdentityStore
store = IdentityStore(sys.argv[1], Path(sys.argv[2]), cost=Cost(1, 8, 1))
print("ready", flush=True)
secret = sys.stdin.readline().strip()
try:
    store.bootstrap.create_first_admin(sys.argv[3], "lantern orbit velvet 9", secret=secret)
    print("made", flush=True)
except AccessDenied:
    print("refused", flush=True)
"""


def test_of_processes_that_bootstrap_at_once_one_makes_an_administrator(
    identity_url, open_store, start_worker, tmp_path
):
    store = open_store(identity_url)
    secret = store.bootstrap.secret()
    workers = [start_worker(BOOTSTRAP, identity_url, str(tmp_path / "state"), f"root{number}") for number in range(3)]
    assert [worker.hear() for worker in workers] == ["ready"] * 3
    for worker in workers:
        worker.tell(secret)
    assert sorted(worker.hear() for worker in workers) == ["made", "refused", "refused"]
    assert len(store.directory.users()) == 1


def test_a_process_that_dies_while_it_bootstraps_leaves_all_or_nothing(new_url, open_store, start_worker, tmp_path):
    store = open_store(new_url)
    secret = store.bootstrap.secret()
    worker = start_worker(BOOTSTRAP, new_url, str(tmp_path / "state"), "root")
    assert worker.hear() == "ready"
    worker.tell(secret)
    worker.kill()
    if store.bootstrap.needed():
        assert store.directory.users() == []
        store.bootstrap.create_first_admin("root", PASSWORD, secret=secret)
    assert [user.roles for user in store.directory.users()] == [(RoleBinding("admin"),)]


LAST_ADMIN = {
    "revoked": lambda store: store.directory.revoke("root", RoleBinding("admin"), by="root"),
    "disabled": lambda store: store.directory.disable("root", by="root"),
    "left the group": lambda store: store.directory.set_groups("root", [], by="root"),
    "group lost it": lambda store: store.directory.revoke_group("admins", RoleBinding("admin"), by="root"),
}


@pytest.mark.parametrize("way", LAST_ADMIN)
def test_the_last_administrator_stays(store, way):
    store.bootstrap.create_first_admin("root", PASSWORD, secret=store.bootstrap.secret())
    through_group = "group" in way
    if through_group:
        store.directory.add_group("admins", by="root", roles=[RoleBinding("admin")])
        store.directory.set_groups("root", ["admins"], by="root")
        store.directory.revoke("root", RoleBinding("admin"), by="root")
    add_service(store, "machine", RoleBinding("admin"))
    store.directory.grant("ada", RoleBinding("admin", "staging"), by="root")
    with pytest.raises(InvalidParameters, match="last administrator"):
        LAST_ADMIN[way](store)
    assert store.directory.effective_roles("root", "production") == {"admin"}
    store.directory.grant("ada", RoleBinding("admin"), by="root")
    LAST_ADMIN[way](store)
    assert store.directory.effective_roles("root", "production") == frozenset()
