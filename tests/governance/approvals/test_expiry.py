"""That time is over is written down, and told, by whoever comes by next: once, and without being in anybody's way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.approvals import core
from automation_scripts.governance.approvals.records import EventKind, Status
from automation_scripts.governance.approvals.store import ApprovalStore
from tests.governance.approvals.conftest import CONTENT, ask, person, use

DAY = timedelta(days=1)

OCCASIONS = {
    "listing": lambda store, other, roles, now: store.list(),
    "listing others only": lambda store, other, roles, now: store.list(script="no such script"),
    "looking at it": lambda store, other, roles, now: store.get(other.id),
    "counting the votes of another": lambda store, other, roles, now: store.current_approvals(other.id, roles),
    "asking for another": lambda store, other, roles, now: ask(store),
    "voting on another": lambda store, other, roles, now: store.vote(other.id, person("cy"), "deny", "no"),
    "withdrawing another": lambda store, other, roles, now: store.withdraw(other.id, "ada"),
    "using another": lambda store, other, roles, now: use(store, other, roles),
    "looking for what is to be reviewed": lambda store, other, roles, now: store.overdue_reviews(now, DAY),
}

WORKER = """
import sys
from datetime import datetime
from automation_scripts.governance.approvals.store import ApprovalStore
url, time = sys.argv[1:]
told = []
store = ApprovalStore(url, events=lambda event: told.append(f"{event.kind}:{event.request.id}"),
                      clock=lambda: datetime.fromisoformat(time))
print("ready", flush=True)
sys.stdin.readline()
seen = {request.status.value for request in store.list()}
print(" ".join([*sorted(seen), *told]), flush=True)
"""


@pytest.mark.parametrize("occasion", OCCASIONS)
def test_the_next_who_comes_by_tells_of_it_once(any_store, clock, events, roles, occasion):
    due = ask(any_store)
    other = ask(any_store, lifetime=DAY)
    any_store.vote(other.id, person("bob"), "grant")
    clock.move(3600)
    OCCASIONS[occasion](any_store, other, roles, clock())
    told = [event for event in events.seen if event.kind == EventKind.EXPIRE]
    assert [(event.request.id, event.request.status, event.actor) for event in told] == [(due.id, Status.EXPIRED, "")]
    any_store.list()
    assert any_store.get(due.id).status == Status.EXPIRED
    assert any_store.expire_due() == []
    assert events.kinds().count("expire") == 1


def test_what_is_still_open_is_left_alone(any_store, clock, events):
    asked = ask(any_store)
    clock.move(3599)
    assert [request.status for request in any_store.list()] == [Status.PENDING]
    assert any_store.get(asked.id).status == Status.PENDING
    assert events.kinds() == ["request"]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def test_of_several_processes_that_look_at_once_one_tells(open_store, url_of, kind, clock, start_worker):
    url = url_of(kind)
    store = open_store(url)
    due = {ask(store).id for _ in range(3)}
    clock.move(3600)
    workers = [start_worker(WORKER, url, clock().isoformat()) for _ in range(4)]
    assert [worker.hear() for worker in workers] == ["ready"] * 4
    for worker in workers:
        worker.tell("go")
    said = [worker.hear().split() for worker in workers]
    assert [words[0] for words in said] == ["expired"] * 4, "all see it, whoever has written it"
    told = [word for words in said for word in words[1:]]
    assert sorted(told) == sorted(f"approval.expire:{request_id}" for request_id in due)


def test_a_look_goes_on_where_it_cannot_be_told_and_the_next_one_tells(new_url, clock):
    told, full = [], [False]

    def hook(event):
        if full[0]:
            raise AuditUnavailable("the disk is full")
        told.append(event.kind)

    with ApprovalStore(new_url, clock=clock, events=hook) as store:
        due = ask(store)
        clock.move(3600)
        full[0] = True
        assert store.get(due.id).status == store.list()[0].status == Status.EXPIRED
        assert store.current_approvals(due.id, lambda *_: None) == []
        for change in (lambda: ask(store), lambda: store.vote(due.id, person("bob"), "grant")):
            with pytest.raises(AuditUnavailable):
                change()
        assert told == ["approval.request"]
        full[0] = False
        store.list()
        assert told == ["approval.request", "approval.expire"]


def test_after_a_quiet_month_nobody_waits_for_all_of_them(store, clock, events, monkeypatch):
    monkeypatch.setattr(core, "AT_ONCE", 2)
    asked = [ask(store, CONTENT, lifetime=timedelta(minutes=minutes)) for minutes in (3, 1, 2)]
    clock.move(3600)
    assert {request.status for request in store.list()} == {Status.EXPIRED}, "shown as they are, written or not"
    told = [event.request.id for event in events.seen if event.kind == EventKind.EXPIRE]
    assert told == [asked[1].id, asked[2].id], "the oldest first"
    store.list()
    assert events.kinds().count("expire") == 3
