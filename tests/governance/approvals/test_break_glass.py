"""Breaking the glass: a run approves itself in an emergency, and somebody else must look at it afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automation_scripts.errors import AccessDenied, ApprovalRequired, InvalidParameters
from automation_scripts.governance.approvals.records import Status
from tests.governance.approvals.conftest import CONTENT, ROLE, START, hash_of, person, use

DAY = timedelta(days=1)


def open_glass(store, **changes):
    facts = {"requester": person("ada"), "reason": "the shop is down", "roles": [ROLE]}
    return store.open_break_glass(CONTENT, hash_of(), **(facts | changes))


def test_it_is_usable_at_once_once_and_for_its_plan_only(any_store, roles, events):
    broken = open_glass(any_store)
    assert any_store.get(broken.id) == broken
    assert broken.break_glass and broken.expires_at == START + timedelta(minutes=15)
    with pytest.raises(ApprovalRequired, match="a value that is not shown"):
        use(any_store, broken, roles, binding_hash=hash_of(password="other"))
    assert use(any_store, broken, roles).approvals == ()
    with pytest.raises(ApprovalRequired, match="it was used"):
        use(any_store, broken, roles)
    assert events.kinds() == ["break_glass", "use"]


def test_it_expires(any_store, roles, clock):
    broken = open_glass(any_store)
    clock.move(900)
    with pytest.raises(ApprovalRequired, match="it expired"):
        use(any_store, broken, roles)


@pytest.mark.parametrize(
    "changes",
    [
        {"requester": person("nightly", kind="service")},
        {"requester": person("ada", kind="local")},
        {"requester": person("ada", method="none")},
        {"requester": person("ADA")},
    ],
)
def test_only_a_proved_person_may(store, changes):
    with pytest.raises(AccessDenied, match="may not break the glass"):
        open_glass(store, **changes)
    assert store.list() == []


@pytest.mark.parametrize(("changes", "says"), [({"reason": " "}, "reason"), ({"roles": []}, "roles")])
def test_it_needs_a_reason_and_somebody_who_reviews(store, changes, says):
    with pytest.raises(InvalidParameters, match=says):
        open_glass(store, **changes)


def test_it_takes_no_votes(any_store):
    broken = open_glass(any_store)
    with pytest.raises(AccessDenied, match="takes no votes"):
        any_store.vote(broken.id, person("bob"), "grant")


def test_somebody_else_reviews_it_once_after_its_use(any_store, roles, clock, events):
    broken = open_glass(any_store, claimed_user="ada.root")
    with pytest.raises(InvalidParameters, match="not used yet"):
        any_store.review(broken.id, person("bob"), "fine in advance")
    use(any_store, broken, roles)
    clock.move(60)
    for trick in ("ada", "ADA", "ａｄａ", "ada.root"):
        with pytest.raises(AccessDenied, match="asked for it himself"):
            any_store.review(broken.id, person(trick), "I was right")
    for unfit in (person("bob", "viewer"), person("bot", kind="service"), person("bob", method="local")):
        with pytest.raises(AccessDenied, match="may not review"):
            any_store.review(broken.id, unfit, "fine")
    with pytest.raises(InvalidParameters, match="say what was found"):
        any_store.review(broken.id, person("bob"), " ")
    reviewed = any_store.review(broken.id, person("bob"), "justified")
    assert any_store.get(broken.id) == reviewed
    assert (reviewed.review.reviewer, reviewed.review.at, reviewed.review.note) == ("bob", clock.time, "justified")
    with pytest.raises(InvalidParameters, match="was reviewed by bob"):
        any_store.review(broken.id, person("cy"), "not justified")
    assert events.kinds() == ["break_glass", "use", "review"]


def test_an_ordinary_approval_has_nothing_to_review(store):
    from tests.governance.approvals.conftest import ask

    with pytest.raises(InvalidParameters, match="not break-glass"):
        store.review(ask(store).id, person("bob"), "fine")


def test_reviews_that_are_overdue_are_listed_until_they_are_done(any_store, roles, clock):
    used, unused = open_glass(any_store), open_glass(any_store)
    clock.move(600)
    use(any_store, used, roles)
    assert any_store.overdue_reviews(START + DAY - timedelta(seconds=1), DAY) == []
    assert [request.id for request in any_store.overdue_reviews(START + DAY, DAY)] == [unused.id]
    clock.time = START + 2 * DAY
    overdue = any_store.overdue_reviews(clock.time, DAY)
    assert {(request.id, request.status) for request in overdue} == {
        (used.id, Status.USED),
        (unused.id, Status.EXPIRED),
    }
    any_store.review(unused.id, person("bob"), "opened by mistake")
    assert [request.id for request in any_store.overdue_reviews(clock.time, DAY)] == [used.id]
    any_store.review(used.id, person("bob"), "justified")
    assert any_store.overdue_reviews(clock.time, DAY) == []
    with pytest.raises(ValueError, match="no time zone"):
        any_store.overdue_reviews(clock.time.replace(tzinfo=None), DAY)
