"""A clock that is set back brings back no window, ends no freeze, and makes no second factor fresh."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from automation_scripts.errors import AccessDenied, MfaRequired
from automation_scripts.governance.identity.models import clock as clock_table
from automation_scripts.governance.identity.passwords import Cost
from automation_scripts.governance.identity.records import PasswordCredential
from automation_scripts.governance.identity.store import IdentityStore
from automation_scripts.governance.opened import open_gate, open_identity, steady_clock
from automation_scripts.governance.policy import DEFAULTS
from automation_scripts.settings import Settings, load_settings
from automation_scripts.storage.times import now
from tests.governance.gate.office import PASSWORD, Office

DAY = timedelta(days=1)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "roles.yaml").write_text((DEFAULTS / "roles.yaml").read_text())
    return Office(tmp_path, policies=folder)


def frozen(office: Office, start: datetime, end: datetime) -> None:
    rules = (DEFAULTS / "roles.yaml").read_text()
    freeze = f"{{from: '{start:%Y-%m-%dT%H:%M}Z', until: '{end:%Y-%m-%dT%H:%M}Z', reason: year end}}"
    (office.folder / "policies" / "roles.yaml").write_text(f"{rules}\nfreezes: [{freeze}]\n")


def log_in(office: Office, name: str) -> None:
    office.clock.move(seconds=60)
    principal = office.identity.authenticate(PasswordCredential(name, PASSWORD, office.code(name)), source="test")
    office.tokens[name] = office.identity.login_tokens.issue(principal).text


def test_a_freeze_that_has_begun_is_not_got_around(office: Office) -> None:
    frozen(office, office.clock.time + DAY, office.clock.time + 3 * DAY)
    office.change(office.entry("rita", environment="staging"))  # not yet
    office.clock.move(days=1, hours=1)
    log_in(office, "rita")
    with pytest.raises(AccessDenied, match="year end"):
        office.change(office.entry("rita", environment="staging"))
    office.clock.move(hours=-6)
    with pytest.raises(AccessDenied, match="year end"):
        office.change(office.entry("rita", environment="staging"))


def test_a_second_factor_that_is_too_old_does_not_become_fresh(office: Office) -> None:
    approval = office.approved()
    log_in(office, "rita")
    office.clock.move(minutes=9)
    entry = office.entry("rita", approval_id=approval)
    with pytest.raises(MfaRequired):
        office.change(entry)
    office.clock.move(minutes=-8)  # a minute after the login, as it seems
    with pytest.raises(MfaRequired):
        office.change(entry)
    office.clock.move(minutes=8)
    office.change(office.entry("rita", code=True, approval_id=approval))


def test_an_approver_needs_a_second_factor_that_is_fresh_by_the_true_time(office: Office) -> None:
    from automation_scripts.governance.gate import NeedsApproval

    with pytest.raises(NeedsApproval) as needed:
        office.change(office.entry("rita", code=True))
    log_in(office, "ron")
    office.clock.move(minutes=9)
    for back in (0, -8):
        office.clock.move(minutes=back)
        with pytest.raises(MfaRequired):
            office.consent.vote(needed.value.approval_id, office.credential("ron"), "grant", source="cli")


# As it is put together from the settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setitem(IdentityStore.__init__.__kwdefaults__, "cost", Cost(passes=1, memory_kib=8, lanes=1))
    file = tmp_path / "config.yaml"
    file.write_text("{}")
    return load_settings(file, {"AUTOMATION_HOME": str(tmp_path / "home")})


def set_up(settings: Settings) -> IdentityStore:
    store = open_identity(settings)
    store.bootstrap.create_first_admin("ada", PASSWORD, secret=store.bootstrap.secret())
    return store


def was_ahead(store: IdentityStore, by: timedelta) -> None:
    """As if the clock had been set back by so much."""
    store.now()
    with store.database.write() as connection:
        connection.execute(update(clock_table).values(highest=now() + by))


def test_the_gate_of_the_settings_decides_by_the_time_of_the_users(settings: Settings) -> None:
    clock, before = steady_clock(settings), now()
    assert before <= clock() <= now()
    assert not (settings.home / "governance.db").exists(), "looking at the time makes nothing"
    store = set_up(settings)
    was_ahead(store, DAY)
    assert clock() > now() + DAY - timedelta(minutes=2)
    gate = open_gate(settings)
    assert gate._clock() > now() + DAY - timedelta(minutes=2)
    assert gate.consent._clock() > now() + DAY - timedelta(minutes=2)


def test_before_there_are_users_the_clock_of_the_machine_counts(settings: Settings) -> None:
    was_ahead(open_identity(settings), DAY)  # the tables are there, and nobody in them
    assert steady_clock(settings)() < now() + timedelta(minutes=1)
