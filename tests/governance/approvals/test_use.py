"""Using an approval: for exactly what was approved, by who asked for it, while its votes count, once."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from automation_scripts.errors import ApprovalRequired, InvalidParameters
from automation_scripts.governance.approvals.records import Status
from tests.governance.approvals.conftest import CONTENT, PLAN, ROLE, START, ask, hash_of, person, use


@pytest.fixture
def approved(any_store):
    asked = ask(any_store)
    return any_store.vote(asked.id, person("bob"), "grant")


def refusal(store, request, roles, **changes) -> str:
    """Why it cannot be used; nothing changes by asking."""
    before = store.get(request.id)
    with pytest.raises(ApprovalRequired) as caught:
        use(store, request, roles, **changes)
    assert replace(store.get(request.id), status=before.status) == before
    assert "correct horse" not in str(caught.value)
    return str(caught.value)


def test_an_approval_is_used_once(any_store, approved, roles):
    consumed = use(any_store, approved, roles)
    assert (consumed.at, [vote.approver for vote in consumed.approvals]) == (START, ["bob"])
    found = any_store.get(approved.id)
    assert consumed.request == found
    assert (found.status, found.used_by, found.used_at) == (Status.USED, "run-1", START)
    for run in ("run-1", "run-2"):
        said = refusal(any_store, approved, roles, execution_id=run)
        assert "it was used by the run run-1 at 2026-11-24 12:00:00 UTC. Ask anew" in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            replace(CONTENT, script="database_cleaner"),
            "it is for the script deployment_automation, not database_cleaner",
        ),
        (replace(CONTENT, environment="staging"), "it is for the environment production, not staging"),
        (replace(CONTENT, environment="Production"), "it is for the environment production, not Production"),
        (replace(CONTENT, environment="production\u200b"), r"not 'production\u200b'"),
        (replace(CONTENT, parameters={**CONTENT.parameters, "version": "1.6"}), "other values of parameter version."),
        (replace(CONTENT, parameters={**CONTENT.parameters, "force": True}), "other values of parameter force."),
        (
            replace(CONTENT, parameters={"password": "***", "extra\x1b": 1}),
            r"other values of parameters 'extra\x1b', version.",
        ),
        (replace(CONTENT, plan=(*PLAN, {"resource": "db/main", "action": "delete"})), "the plan differs for db/main."),
        (replace(CONTENT, plan=(*PLAN, *PLAN)), "the plan differs for service/web."),
        (replace(CONTENT, plan=()), "the plan differs for service/web."),
        (replace(CONTENT, plan=({**PLAN[0], "after": {"image": "6.6"}},)), "the plan differs for service/web."),
    ],
)
def test_it_is_for_one_script_environment_parameters_and_plan(any_store, approved, roles, content, says):
    said = refusal(any_store, approved, roles, content=content)
    assert says in said and "1.6" not in said and "6.6" not in said


def test_another_secret_is_another_run_though_it_is_not_shown(any_store, approved, roles):
    said = refusal(any_store, approved, roles, binding_hash=hash_of(password="guessed"))
    assert "a value that is not shown differs, such as a secret parameter" in said and "guessed" not in said


def test_without_the_content_the_refusal_is_as_hard(any_store, approved, roles):
    with pytest.raises(ApprovalRequired, match="the script, the environment, a parameter or the plan differs"):
        any_store.consume(approved.id, "0" * 64, "run-1", "ada", roles)


def test_the_same_content_told_in_another_order_is_the_same(any_store, approved, roles):
    again = replace(CONTENT, parameters=dict(reversed(CONTENT.parameters.items())), plan=({**PLAN[0], "risk": "high"},))
    assert use(any_store, approved, roles, content=again).request.status == Status.USED


@pytest.mark.parametrize("thief", ["bob", "eve", "ad", "", "аda"])
def test_somebody_elses_approval_is_refused(any_store, approved, roles, thief):
    assert "it is for a run of ada" in refusal(any_store, approved, roles, requester=thief)


def test_pending_denied_withdrawn_and_expired_ones_are_refused(any_store, roles, clock):
    pending, denied, withdrawn = ask(any_store, required=2), ask(any_store), ask(any_store)
    any_store.vote(pending.id, person("bob"), "grant")
    any_store.vote(denied.id, person("cy"), "deny", "not today")
    any_store.withdraw(withdrawn.id, "ada")
    assert "is pending: 1 of 2 approvals. Ask somebody with one of the roles release-manager" in refusal(
        any_store, pending, roles
    )
    assert "it was denied by cy: not today" in refusal(any_store, denied, roles)
    assert "it was withdrawn by ada" in refusal(any_store, withdrawn, roles)
    any_store.vote(pending.id, person("dot"), "grant")
    clock.move(3600)
    assert "it expired at 2026-11-24 13:00:00 UTC" in refusal(any_store, pending, roles)
    assert any_store.get(pending.id).status == Status.EXPIRED


def test_that_it_has_expired_is_written_down_by_the_one_who_tries(any_store, approved, roles, clock, events):
    clock.move(3600)
    refusal(any_store, approved, roles)
    assert events.kinds() == ["request", "grant", "expire"]
    clock.move(-30)  # within what the clocks of hosts may differ
    assert any_store.get(approved.id).status == Status.EXPIRED
    assert "it expired" in refusal(any_store, approved, roles)


def test_a_clock_that_is_set_back_does_not_make_it_usable_again(any_store, approved, roles, clock):
    clock.move(3599)
    late = ask(any_store)
    clock.move(200)
    any_store.get(late.id)
    clock.move(-3700)
    assert "it expired" in refusal(any_store, approved, roles)


def test_it_is_usable_up_to_its_last_moment(any_store, approved, roles, clock):
    clock.move(3599.999)
    assert use(any_store, approved, roles).request.status == Status.USED


@pytest.mark.parametrize("now", [None, frozenset(), frozenset({"viewer"})], ids=["disabled", "no role", "another role"])
def test_a_vote_of_somebody_who_lost_the_role_does_not_count(any_store, approved, roles, now):
    roles.of["bob"] = now
    assert any_store.current_approvals(approved.id, roles) == []
    said = refusal(any_store, approved, roles)
    assert "0 of 1 approvals (bob no longer counts: disabled, or without the role)" in said
    any_store.vote(approved.id, person("cy"), "grant")
    assert [vote.approver for vote in use(any_store, approved, roles).approvals] == ["cy"]


def test_a_role_that_comes_back_counts_again(any_store, approved, roles):
    roles.of["bob"] = None
    refusal(any_store, approved, roles)
    roles.of["bob"] = frozenset({"x", ROLE})
    assert [vote.approver for vote in any_store.current_approvals(approved.id, roles)] == ["bob"]
    assert use(any_store, approved, roles)


def test_a_directory_that_cannot_be_read_stops_the_use(any_store, approved, roles):
    def broken(_name, _environment):
        raise OSError("the directory is gone")

    with pytest.raises(OSError, match="directory is gone"):
        use(any_store, approved, broken)
    assert use(any_store, approved, roles)


def test_the_directory_may_write_into_the_same_database(any_store, approved, open_store, any_url):
    other = open_store(any_url)

    def writing(_name, _environment):
        ask(other, requester="cy")
        return frozenset({ROLE})

    assert use(any_store, approved, writing)


def test_a_grant_that_arrives_while_the_roles_are_looked_up_is_looked_up_too(any_store, roles):
    asked = ask(any_store, required=2)
    any_store.vote(asked.id, person("bob"), "grant")
    looked_up = []

    def slow(name, environment):
        if not looked_up:
            any_store.vote(asked.id, person("cy"), "grant")
        looked_up.append(name)
        return roles(name, environment)

    assert len(use(any_store, asked, slow).approvals) == 2
    assert looked_up == ["bob", "cy"]


def test_a_run_needs_a_name(any_store, approved, roles):
    with pytest.raises(InvalidParameters, match="execution_id"):
        use(any_store, approved, roles, execution_id="")


def test_odd_values_in_the_readable_copy_are_stored_and_compared(any_store, roles):
    odd = replace(
        CONTENT, parameters={"nan": float("nan"), "nul\0": "a\0", "half": "\udce4", "big": 2**70, "t": (1, 2)}
    )
    asked = ask(any_store, odd)
    any_store.vote(asked.id, person("bob"), "grant")
    said = refusal(any_store, asked, roles, content=replace(odd, parameters={**odd.parameters, "big": 2**70 + 1}))
    assert re.search(r"other values of parameter big\.", said)
    assert use(any_store, asked, roles, content=odd)
