"""Several real processes at once, and processes that are killed half-way."""

from __future__ import annotations

import pytest

from automation_scripts.errors import ApprovalRequired
from automation_scripts.governance.approvals.records import Status
from tests.governance.approvals.conftest import ask, person, use

WORKER = """
import sys
from datetime import datetime
from automation_scripts.errors import AutomationError
from automation_scripts.governance.approvals.records import Approver
from automation_scripts.governance.approvals.store import ApprovalStore
url, deed, request_id, binding, name, halt, time = sys.argv[1:]
def say(text):
    print(text, flush=True)
def hook(event):
    if halt == "inside":
        say("inside")
        sys.stdin.readline()
role = frozenset({"release-manager"})
store = ApprovalStore(url, events=hook, clock=lambda: datetime.fromisoformat(time))
say("ready")
sys.stdin.readline()
try:
    if deed == "use":
        store.consume(request_id, binding, name, "ada", lambda user, environment: role)
    else:
        store.vote(request_id, Approver(name, "person", role, "password+totp"), deed, "because")
    say("done")
except AutomationError as error:
    say(f"{type(error).__name__}: {error}")
sys.stdin.readline()
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def any_url(request, url_of):
    """A store of either kind."""
    return url_of(request.param)


@pytest.fixture
def start(start_worker, any_url, clock):
    def begin(deed, request, name, halt="no"):
        return start_worker(WORKER, any_url, deed, request.id, request.binding_hash, name, halt, clock.time.isoformat())

    return begin


def race(workers):
    """Let all go at once, and hear what each came to."""
    assert [worker.hear() for worker in workers] == ["ready"] * len(workers)
    for worker in workers:
        worker.tell("go")
    return [worker.hear() for worker in workers]


def test_of_several_runs_exactly_one_gets_the_approval(any_store, start):
    asked = ask(any_store)
    any_store.vote(asked.id, person("bob"), "grant")
    said = race([start("use", asked, f"run-{number}") for number in range(4)])
    assert said.count("done") == 1
    winner = f"run-{said.index('done')}"
    assert any_store.get(asked.id).used_by == winner
    lost = [text for text in said if text != "done"]
    assert all(text.startswith("ApprovalRequired") and f"used by the run {winner}" in text for text in lost)


def test_a_grant_and_a_denial_at_once_end_in_a_denial(any_store, start, roles):
    asked = ask(any_store)
    granted, denied = race([start("grant", asked, "bob"), start("deny", asked, "cy")])
    assert denied == "done" and (granted == "done" or "denied by cy" in granted)
    assert any_store.get(asked.id).status == Status.DENIED
    with pytest.raises(ApprovalRequired, match="denied by cy"):
        use(any_store, asked, roles)


def test_one_person_in_two_processes_counts_once(any_store, start):
    asked = ask(any_store, required=2)
    said = race([start("grant", asked, "bob"), start("grant", asked, "bob")])
    assert said.count("done") == 1 and any("each person counts once" in text for text in said)
    assert any_store.get(asked.id).status == Status.PENDING


def test_a_denial_and_a_use_at_once_cannot_both_happen(any_store, start):
    asked = ask(any_store)
    any_store.vote(asked.id, person("bob"), "grant")
    used, denied = race([start("use", asked, "run-1"), start("deny", asked, "cy")])
    assert (used == "done") != (denied == "done")
    assert any_store.get(asked.id).status == (Status.USED if used == "done" else Status.DENIED)


@pytest.mark.parametrize("deed", ["use", "grant"])
def test_a_process_that_is_killed_before_the_commit_has_changed_nothing(any_store, start, roles, deed):
    asked = ask(any_store)
    any_store.vote(asked.id, person("bob"), "grant")
    before = any_store.get(asked.id)
    worker = start(deed, asked, "cy", halt="inside")
    assert race([worker]) == ["inside"]
    worker.kill()
    assert any_store.get(asked.id) == before
    assert use(any_store, asked, roles).request.used_by == "run-1"


def test_a_process_that_is_killed_after_the_use_has_used_it(any_store, start, roles):
    asked = ask(any_store)
    any_store.vote(asked.id, person("bob"), "grant")
    worker = start("use", asked, "run-9")
    assert race([worker]) == ["done"]
    worker.kill()
    with pytest.raises(ApprovalRequired, match="used by the run run-9"):
        use(any_store, asked, roles)
