"""Requests, votes, time and uses in any order, against a model that is a few lines long."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from automation_scripts.errors import AccessDenied, ApprovalRequired, InvalidParameters
from automation_scripts.governance.approvals.store import ApprovalStore
from tests.governance.approvals.conftest import CONTENT, ROLE, START, Clock, Events, Roles, ask, hash_of, person, use

PEOPLE = ("ada", "bob", "cy", "dot")
LIFETIME_S = 600
NAMES = st.sampled_from(PEOPLE)


@dataclass
class Model:
    """What a request should be."""

    requester: str
    required: int
    expires: datetime
    votes: dict[str, str] = field(default_factory=dict)
    ended: str = ""

    def status(self, now: datetime) -> str:
        if self.ended:
            return self.ended
        if now >= self.expires:
            return "expired"
        return "approved" if self.grants >= self.required else "pending"

    @property
    def grants(self) -> int:
        return sum(decision == "grant" for decision in self.votes.values())


class Approvals(RuleBasedStateMachine):
    template: Path
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "governance.db")
        self.clock, self.events, self.roles = Clock(), Events(), Roles()
        self.roles.of = dict.fromkeys(PEOPLE, frozenset({ROLE}))
        self.store = ApprovalStore(f"sqlite:///{self.folder / 'governance.db'}", clock=self.clock, events=self.events)
        self.model: dict[str, Model] = {}
        self.asked: dict[str, Any] = {}
        self.expired: set[str] = set()
        self.highest = START

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @property
    def now(self) -> datetime:
        """Every step below ends with a look at the store, so all times that differ by more than 10 s were seen."""
        return max(self.clock.time, self.highest - timedelta(seconds=60))

    @initialize(target=requests)
    def begin(self) -> Any:
        return multiple(self._ask("ada", 1), self._ask("ada", 2))

    @rule(target=requests, name=NAMES, required=st.integers(1, 3))
    def request(self, name: str, required: int) -> str:
        return self._ask(name, required)

    def _ask(self, name: str, required: int) -> str:
        asked = ask(self.store, requester=name, required=required, lifetime=timedelta(seconds=LIFETIME_S))
        self.asked[asked.id] = asked
        self.model[asked.id] = Model(name, required, self.now + timedelta(seconds=LIFETIME_S))
        return asked.id

    @rule(request=requests, name=NAMES, decision=st.sampled_from(["grant", "grant", "deny"]), able=st.integers(0, 9))
    def vote(self, request: str, name: str, decision: str, able: int) -> None:
        model = self.model[request]
        is_open = model.status(self.now) in ("pending", "approved")
        again = decision == "grant" and name in model.votes
        if is_open and able and not again and name != model.requester:
            self.store.vote(request, person(name, ROLE), decision, "because")
            model.votes[name] = decision
            if decision == "deny":
                model.ended = "denied"
            return
        with pytest.raises(AccessDenied):
            self.store.vote(request, person(name, ROLE if able else "viewer"), decision, "because")

    @rule(request=requests, name=NAMES, other=st.integers(0, 4))
    def use(self, request: str, name: str, other: int) -> None:
        model = self.model[request]
        counted = [v for v, d in model.votes.items() if d == "grant" and self.roles(v, "production")]
        usable = model.status(self.now) in ("pending", "approved") and len(counted) >= model.required
        binding = hash_of() if other else hash_of(CONTENT, version="9.9")
        if usable and name == model.requester and other:
            consumed = use(self.store, self.asked[request], self.roles, requester=name)
            assert sorted(vote.approver for vote in consumed.approvals) == sorted(counted)
            model.ended = "used"
            return
        with pytest.raises(ApprovalRequired):
            use(self.store, self.asked[request], self.roles, requester=name, binding_hash=binding)

    @rule(request=requests, name=NAMES)
    def withdraw(self, request: str, name: str) -> None:
        model = self.model[request]
        if model.status(self.now) in ("pending", "approved") and name == model.requester:
            self.store.withdraw(request, name)
            model.ended = "withdrawn"
            return
        with pytest.raises((AccessDenied, InvalidParameters)):
            self.store.withdraw(request, name)

    @rule(seconds=st.sampled_from([30, 200, 599, 600, -40, -300, -3000]))
    def time(self, seconds: int) -> None:
        self.clock.move(seconds)
        self.store.list(limit=1)
        if self.clock.time > self.highest + timedelta(seconds=10):
            self.highest = self.clock.time

    @rule(name=NAMES)
    def role_goes_or_comes(self, name: str) -> None:
        self.roles.of[name] = None if self.roles.of[name] else frozenset({ROLE})

    @rule()
    def expire(self) -> None:
        self.store.expire_due()

    @invariant()
    def stands_as_the_model_says(self) -> None:
        found = {request.id: request for request in self.store.list(limit=None)}
        assert found.keys() == self.model.keys()
        for request_id, model in self.model.items():
            request = found[request_id]
            # What was written down as expired stays so, even where the tolerance for clocks would let it live.
            told = any(e.kind == "approval.expire" and e.request.id == request_id for e in self.events.seen)
            if told and not model.ended:
                model.ended = "expired"
            assert request.status == model.status(self.now)
            assert {vote.approver: vote.decision.value for vote in request.votes} == model.votes
            assert request.requester not in model.votes
        uses = [event.request.id for event in self.events.seen if event.kind == "approval.use"]
        assert len(uses) == len(set(uses)) == sum(model.ended == "used" for model in self.model.values())


def test_every_order_of_events_follows_the_model(migrated_file):
    Approvals.template = migrated_file
    test = Approvals.TestCase
    test.settings = settings(
        max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    test().runTest()
