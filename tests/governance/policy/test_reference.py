"""The compiled policies against an interpreter of the YAML rules that knows nothing of Cedar."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.catalog import SCRIPTS
from automation_scripts.governance.policy import AccessRequest, Action, Principal, PrincipalKind
from automation_scripts.governance.policy.vocabulary import CATEGORIES, LEVELS, SYSTEM_ONLY, TRIGGERS
from tests.governance.policy.support import ENVIRONMENTS, folder_of, load

ROLES = ("alpha", "beta", "gamma")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SCRIPT_ACTIONS = tuple(action.value for action in Action if action not in SYSTEM_ONLY)
ZONE = "America/New_York"


def some(words: Any) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(tuple(words)), min_size=1, max_size=3, unique=True)


@st.composite
def windows(draw: st.DrawFn) -> str:
    start, end = draw(st.lists(st.integers(0, 47), min_size=2, max_size=2, unique=True))
    return f"{start // 2:02}:{start % 2 * 30:02}-{end // 2:02}:{end % 2 * 30:02}"


def flagged(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


conditions = flagged(
    mfa_within=st.integers(1, 20),
    approvals=st.integers(1, 3),
    approver_roles=some(ROLES),
    between=st.lists(windows(), min_size=1, max_size=2),
    days=some(DAYS),
    max_risk=st.integers(0, 100).map(lambda percent: f"{percent}%"),
    risk_known=st.booleans(),
    not_during_freeze=st.just(True),
    max_changes=st.integers(0, 5),
    level=some(LEVELS),
    trigger=some(TRIGGERS),
    protected=st.booleans(),
    dry_run=st.booleans(),
    break_glass=st.booleans(),
).filter(bool)
narrow = {"environments": some(ENVIRONMENTS), "when": conditions, "unless": conditions}
rules = st.builds(
    lambda actions, rest, where: {"actions": actions, **rest, **where},
    some(SCRIPT_ACTIONS),
    flagged(**narrow),
    st.one_of(st.just({}), flagged(scripts=some(SCRIPTS)), flagged(categories=some(CATEGORIES))),
)
denials = st.builds(lambda rule, who: rule | who, rules, flagged(roles=some(ROLES), except_roles=some(ROLES)))
files = st.fixed_dictionaries(
    {
        "time_zone": st.just(ZONE),
        "roles": st.fixed_dictionaries(
            {
                "alpha": flagged(allow=st.lists(rules, max_size=3), deny=st.lists(rules, max_size=1)),
                "beta": flagged(allow=st.lists(rules, max_size=3), inherits=st.just(["alpha"])),
                "gamma": flagged(allow=st.lists(rules, max_size=3), inherits=st.just(["beta"])),
            }
        ),
        "deny": st.lists(denials, max_size=2),
    }
)
moments = st.integers(0, 365 * 48 - 1).map(
    lambda half_hours: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * half_hours)
)
requests = st.builds(
    lambda now, mfa_age, **rest: AccessRequest(
        now=now, mfa_at=None if mfa_age is None else now - timedelta(seconds=mfa_age), **rest
    ),
    principal=st.builds(
        Principal,
        st.sampled_from([PrincipalKind.USER, PrincipalKind.SERVICE]),
        st.text(min_size=1),
        st.frozensets(st.sampled_from(ROLES)),
    ),
    action=st.sampled_from([Action(action) for action in SCRIPT_ACTIONS]),
    now=moments,
    environment=st.sampled_from(ENVIRONMENTS),
    script=st.sampled_from(tuple(SCRIPTS)),
    level=st.sampled_from(LEVELS),
    trigger=st.sampled_from(TRIGGERS),
    dry_run=st.booleans(),
    mfa_age=st.none() | st.floats(-2, 25),
    approvals=st.integers(0, 3),
    approver_roles=st.frozensets(st.sampled_from(ROLES)),
    break_glass=st.booleans(),
    change_freeze=st.booleans(),
    risk=st.none() | st.integers(0, 1000).map(lambda promille: promille / 1000),
    predicted_changes=st.integers(0, 6),
)


class Reference:
    """Says what the YAML means, by its documentation."""

    def __init__(self, data: dict[str, Any], request: AccessRequest) -> None:
        self.data = data
        self.request = request
        self.roles = set(request.principal.roles)
        for role in ("gamma", "beta"):
            if role in self.roles:
                self.roles |= set(data["roles"][role].get("inherits", []))

    def allowed(self) -> bool:
        may_break = self.request.break_glass and self.decide("break_glass", True)
        return self.decide(
            self.request.action.value,
            may_break or (self.request.break_glass and self.request.action is Action.BREAK_GLASS),
        )

    def decide(self, action: str, glass: bool) -> bool:
        allow = [rule for role in self.roles for rule in self.data["roles"][role].get("allow", [])]
        deny = [rule for role in self.roles for rule in self.data["roles"][role].get("deny", [])]
        for rule in self.data["deny"]:
            if self.roles & set(rule.get("roles", self.roles or {None})) or "roles" not in rule:
                if not self.roles & set(rule.get("except_roles", [])):
                    deny.append(rule)
        return any(self.applies(r, action, glass) for r in allow) and not any(
            self.applies(r, action, glass) for r in deny
        )

    def applies(self, rule: dict[str, Any], action: str, glass: bool) -> bool:
        request = self.request
        return (
            action in rule["actions"]
            and request.environment in rule.get("environments", ENVIRONMENTS)
            and request.script in rule.get("scripts", SCRIPTS)
            and SCRIPTS[request.script].category in rule.get("categories", CATEGORIES)
            and self.hold(rule.get("when", {}), glass)
            and not ("unless" in rule and self.hold(rule["unless"], glass))
        )

    def hold(self, when: dict[str, Any], glass: bool) -> bool:
        request = self.request
        age = None if request.mfa_at is None else (request.now - request.mfa_at).total_seconds()
        risk = request.risk or 0
        truths = {
            "mfa_within": lambda limit: age is not None and 0 <= age <= limit,
            "approvals": lambda least: request.approvals >= least,
            "approver_roles": lambda roles: bool(set(roles) & request.approver_roles),
            "max_risk": lambda limit: math.ceil(round(risk * 1000)) <= int(limit.removesuffix("%")) * 10,
            "risk_known": lambda wanted: (request.risk is not None) is wanted,
            "not_during_freeze": lambda _: not request.change_freeze,
            "max_changes": lambda most: request.predicted_changes <= most,
            "level": lambda levels: request.level in levels,
            "trigger": lambda triggers: request.trigger in triggers,
            "protected": lambda wanted: (request.environment == "production") is wanted,
            "dry_run": lambda wanted: request.dry_run is wanted,
            "break_glass": lambda wanted: glass is wanted,
            "between": lambda spans: any(self.within(span, when.get("days", DAYS)) for span in spans),
            "days": lambda days: "between" in when or DAYS[self.local().weekday()] in days,
        }
        return all(truths[name](value) for name, value in when.items())

    def local(self) -> datetime:
        return self.request.now.astimezone(ZoneInfo(ZONE))

    def within(self, span: str, days: list[str]) -> bool:
        """Walks back, minute by minute on the clock's face, to where the window began."""
        start, end = span.split("-")
        local = self.local()
        clock = f"{local.hour:02}:{local.minute:02}"
        if start < end:
            return start <= clock < end and DAYS[local.weekday()] in days
        if clock >= start:
            return DAYS[local.weekday()] in days
        return clock < end and DAYS[local.weekday() - 1] in days


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=files, asked=st.lists(requests, min_size=1, max_size=8))
def test_compiled_policies_decide_as_the_reference(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any], asked: list[AccessRequest]
) -> None:
    folder = folder_of(tmp_path_factory.mktemp("reference"), roles_yaml=json.dumps(data))
    policies = load(folder)
    for request in asked:
        assert policies.allows(request) is Reference(data, request).allowed(), request


NAMES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            'x"); permit(principal, action, resource); //',
            'operator"] || true || ["',
            "a\nb",
            'Role::"admin"',
            "\\u{22}",
            "local",
            "operator\u200b",
            "*",
        ]
    ),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=NAMES,
    place=st.sampled_from(["role", "inherits", "script", "environment", "source", "id", "description", "level"]),
)
def test_names_in_files_never_change_the_meaning(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: str
) -> None:
    """Whatever a name is, the file is refused, or nobody but the role that it is about gains anything."""
    from automation_scripts.governance.policy import PolicyError

    rule: dict[str, Any] = {"actions": ["observe"], "environments": ["test"]}
    role: dict[str, Any] = {"allow": [rule]}
    match place:
        case "inherits":
            role["inherits"] = [name]
        case "script" | "environment":
            rule[f"{place}s"] = [name]
        case "source" | "level":
            rule["when"] = {place: [name]}
        case "id" | "description":
            rule[place] = name
    holder = name if place == "role" else "holder"
    folder = folder_of(tmp_path_factory.mktemp("names"), roles_yaml=json.dumps({"roles": {holder: role}}))
    try:
        policies = load(folder)
    except PolicyError as error:
        assert str(error).replace("\n", "").isprintable()
        return
    assert len(policies.compiled.policies) == 1
    stranger = [ask_for("stranger", action) for action in SCRIPT_ACTIONS]
    owner = [ask_for(holder, action) for action in SCRIPT_ACTIONS if action != "observe"]
    assert not any(policies.allows(request) for request in stranger + owner)
    assert policies.text().count("permit (") == 1


@settings(max_examples=200, deadline=None)
@given(name=st.text(), role=NAMES, group=NAMES, source=NAMES)
def test_names_in_requests_never_gain_anything(name: str, role: str, group: str, source: str) -> None:
    request = ask_for(role, "change", name=name, groups=frozenset({group}), source=source)
    decision = load().authorize(request)
    assert not decision.allowed
    assert decision.message.isprintable()


def ask_for(
    role: str, action: str, *, name: str = "eve", groups: frozenset[str] = frozenset(), source: str = ""
) -> AccessRequest:
    return AccessRequest(
        principal=Principal(PrincipalKind.USER, name, frozenset({role}), groups),
        action=Action(action),
        now=datetime(2026, 11, 24, 12, tzinfo=UTC),
        environment="production",
        script="config_validator",
        source=source,
    )
