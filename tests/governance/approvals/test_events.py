"""What the audit is told, and that nothing happens which it did not take."""

from __future__ import annotations

import pytest

from automation_scripts.governance.approvals.records import EventKind, Status
from tests.governance.approvals.conftest import ask, person, use
from tests.governance.approvals.test_break_glass import open_glass


def test_each_change_is_told_as_it_will_be(any_store, events, roles, clock):
    asked = ask(any_store)
    granted = any_store.vote(asked.id, person("bob"), "grant", "fine")
    consumed = use(any_store, asked, roles)
    denied = any_store.vote(ask(any_store).id, person("cy"), "deny", "no")
    withdrawn = any_store.withdraw(ask(any_store).id, "ada", "oh")
    seen = [
        (event.kind, event.actor, event.reason, event.request) for event in events.seen if "request" not in event.kind
    ]
    assert seen == [
        ("approval.grant", "bob", "fine", granted),
        ("approval.use", "ada", "", consumed.request),
        ("approval.deny", "cy", "no", denied),
        ("approval.withdraw", "ada", "oh", withdrawn),
    ]
    assert events.seen[1].vote == granted.votes[0]
    due = ask(any_store)
    clock.move(3600)
    (expired,) = any_store.expire_due()
    assert (expired.id, expired.status, events.seen[-1].request) == (due.id, Status.EXPIRED, expired)
    assert any_store.expire_due() == [] and events.kinds()[-2:] == ["request", "expire"]


def test_nothing_happens_that_the_audit_does_not_take(any_store, events, roles, clock):
    events.refused = {EventKind.REQUEST, EventKind.BREAK_GLASS}
    for opening in (ask, open_glass):
        with pytest.raises(RuntimeError, match="audit is full"):
            opening(any_store)
    assert any_store.list() == []
    events.refused = set()
    pending, approved, due, broken = ask(any_store), ask(any_store), ask(any_store), open_glass(any_store)
    approved = any_store.vote(approved.id, person("bob"), "grant")
    use(any_store, broken, roles)
    events.refused = set(EventKind)
    attempts = [
        (pending, lambda: any_store.vote(pending.id, person("bob"), "grant")),
        (pending, lambda: any_store.vote(pending.id, person("bob"), "deny", "no")),
        (approved, lambda: any_store.vote(approved.id, person("bob"), "deny", "no")),
        (pending, lambda: any_store.withdraw(pending.id, "ada")),
        (approved, lambda: use(any_store, approved, roles)),
        (broken, lambda: any_store.review(broken.id, person("bob"), "fine")),
        (pending, lambda: any_store.reset_clock(by="root")),
    ]
    for request, attempt in attempts:
        before = any_store.get(request.id)
        with pytest.raises(RuntimeError, match="audit is full"):
            attempt()
        assert any_store.get(request.id) == before
    clock.move(3600)
    for attempt in (any_store.expire_due, lambda: any_store.vote(due.id, person("bob"), "grant")):
        with pytest.raises(RuntimeError, match="audit is full"):
            attempt()
    events.refused = set()
    assert {request.id for request in any_store.expire_due()} == {pending.id, approved.id, due.id}
