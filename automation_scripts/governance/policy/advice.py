"""What would have to be different: found by asking the engine again, in other circumstances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING

from automation_scripts.governance.policy.circumstances import Context, context_of, time_attributes
from automation_scripts.governance.policy.expressions import attributes_in, walk
from automation_scripts.governance.policy.model import AccessRequest, Advice, Missing, Principal
from automation_scripts.governance.policy.vocabulary import LOCAL_ROLE, TIME_ATTRIBUTES, Action, PrincipalKind

if TYPE_CHECKING:
    from automation_scripts.governance.policy.policy_set import PolicySet

MOST_APPROVALS = 20
_DAYS_AHEAD = 7
_ORDER = tuple(Missing)
_Asked = tuple[AccessRequest, Context]
_Set = tuple[Missing, ...]


def advise(policies: PolicySet, request: AccessRequest, context: Context) -> Advice:
    """The smallest change of circumstances that turns the refusal of this request into a permission.

    Another time is only proposed within a week, another role only when nothing else would do. Waiting is better than
    breaking the glass.
    """
    search = _Search(policies)
    here = search.smallest(request, context)
    breaking = here is not None and Missing.BREAK_GLASS in here
    if here is not None and len(here) < 2 and not breaking:
        return search.detailed(request, context, here)
    later = search.later(request, context)
    if later and (here is None or len(later.missing) < len(here) + breaking):
        return later
    if here is not None:
        return search.detailed(request, context, here)
    return search.with_role(request)


@dataclass(slots=True)
class _Search:
    policies: PolicySet

    def allowed(self, asked: Sequence[_Asked]) -> list[bool]:
        """Whether each is allowed; with a broken glass, only when that is allowed there too."""
        answers = [answer.allowed for answer in self.policies.evaluate_contexts(asked)]
        breaking = [
            index
            for index, (request, context) in enumerate(asked)
            if answers[index] and context["break_glass"] and request.action is not Action.BREAK_GLASS
        ]
        questions = [(replace(asked[index][0], action=Action.BREAK_GLASS), asked[index][1]) for index in breaking]
        for index, answer in zip(breaking, self.policies.evaluate_contexts(questions), strict=True):
            answers[index] = answer.allowed
        return answers

    def smallest(self, request: AccessRequest, context: Context) -> _Set | None:
        """The fewest circumstances that make it allowed; breaking the glass only when as few others do not."""
        possible = list(self._possible(request, context))
        for size in range(len(possible) + 1):
            sets = sorted(combinations(possible, size), key=lambda chosen: Missing.BREAK_GLASS in chosen)
            answers = self.allowed([(request, self._relaxed(context, chosen)) for chosen in sets])
            if any(answers):
                return sets[answers.index(True)]
        return None

    def hopeless(self, request: AccessRequest, context: Context) -> bool:
        """Not even everything at once would do."""
        possible = list(self._possible(request, context))
        without = [m for m in possible if m is not Missing.BREAK_GLASS]
        return not any(self.allowed([(request, self._relaxed(context, chosen)) for chosen in (possible, without)]))

    def _possible(self, request: AccessRequest, context: Context) -> Iterator[Missing]:
        used = self.policies.attributes_used
        if request.principal.kind is PrincipalKind.USER and used & {"mfa", "mfa_age_s"}:
            yield Missing.MFA
        if request.script is not None and used & {"approvals", "approver_roles"}:
            yield Missing.APPROVAL
        if used & {"risk_pct", "has_risk"}:
            yield Missing.RISK
        if context["change_freeze"]:
            yield Missing.FREEZE
        if request.script is not None and request.action is not Action.BREAK_GLASS and not context["break_glass"]:
            if "break_glass" in used and not request.break_glass:
                yield Missing.BREAK_GLASS

    def _relaxed(self, context: Context, chosen: Iterable[Missing]) -> Context:
        relaxed = dict(context)
        for missing in chosen:
            match missing:
                case Missing.MFA:
                    relaxed |= {"mfa": True, "mfa_age_s": 0}
                case Missing.APPROVAL:
                    relaxed |= {
                        "approvals": _int(context["approvals"]) + MOST_APPROVALS,
                        "approver_roles": sorted({*_strings(context["approver_roles"]), *self.policies.approver_roles}),
                    }
                case Missing.RISK:
                    relaxed |= {"has_risk": True, "risk_pct": 0}
                case Missing.FREEZE:
                    relaxed["change_freeze"] = False
                case Missing.BREAK_GLASS:
                    relaxed["break_glass"] = True
        return relaxed

    def detailed(self, request: AccessRequest, context: Context, missing: _Set) -> Advice:
        """The advice for a set of circumstances: with how many approvals, and by whom."""
        if Missing.APPROVAL not in missing:
            return Advice(missing)
        base = self._relaxed(context, [m for m in missing if m is not Missing.APPROVAL])
        given = _strings(context["approver_roles"])
        # The first approval is by somebody; a role is only named when any role would not do.
        for role in (None, *sorted(self.policies.approver_roles)):
            roles = sorted({*given, role} if role else given)
            for few, many in ((1, 2), (2, MOST_APPROVALS + 1)):  # one is nearly always enough
                asked = [
                    (request, {**base, "approvals": _int(context["approvals"]) + more, "approver_roles": roles})
                    for more in range(few, many)
                ]
                answers = self.allowed(asked)
                if any(answers):
                    return Advice(missing, few + answers.index(True), role)
        return Advice(missing, 1)

    def later(self, request: AccessRequest, context: Context) -> Advice | None:
        """The first time within a week, in steps of an hour and at the minutes that policies name."""
        if not self.policies.attributes_used & TIME_ATTRIBUTES:
            return None
        times = list(self._times(request.now))
        zone = self.policies.compiled.time_zone
        contexts = [{**context, **time_attributes(time, zone)} for time in times]
        relaxations = [m for m in self._possible(request, context) if m is not Missing.BREAK_GLASS]
        for chosen in ((), tuple(relaxations)):
            answers = self.allowed([(request, self._relaxed(there, chosen)) for there in contexts])
            for time, there, allowed in zip(times, contexts, answers, strict=True):
                if allowed:
                    others = self.smallest(request, there) or ()
                    details = self.detailed(request, there, others)
                    return replace(details, missing=_ordered([*others, Missing.TIME_WINDOW]), allowed_from=time)
        return None

    def _times(self, now: datetime) -> Iterator[datetime]:
        minutes = {0} | {value % 60 for value in self._minutes_named()}
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        for step in range(_DAYS_AHEAD * 24 + 1):
            for minute in sorted(minutes):
                time = hour + timedelta(hours=step, minutes=minute)
                if time > now:
                    yield time

    def _minutes_named(self) -> Iterator[int]:
        """The numbers that policies compare the minute with."""
        for policy in self.policies.compiled.policies.values():
            for node in walk(policy["conditions"]):
                if isinstance(node, dict) and {"left", "right"} <= node.keys():
                    sides = (node["left"], node["right"])
                    if {"minute", "local_minute_of_day"} & attributes_in(list(sides)):
                        yield from (side["Value"] for side in sides if type(side.get("Value")) is int)

    def with_role(self, request: AccessRequest) -> Advice:
        """The roles of which each would do, with as few other circumstances as possible."""
        found: dict[str, tuple[_Set, AccessRequest, Context]] = {}
        for role in self.policies.roles:
            if role == LOCAL_ROLE or role in request.principal.roles:
                continue
            asked = replace(request, principal=_with(request.principal, role))
            context = context_of(asked, self.policies.rules)
            if self.hopeless(asked, context):
                continue
            if (others := self.smallest(asked, context)) is not None:
                found[role] = (others, asked, context)
        if not found:
            return Advice()
        fewest = min(len(others) for others, _, _ in found.values())
        roles = [role for role, (others, _, _) in found.items() if len(others) == fewest]
        others, asked, context = found[roles[0]]
        details = self.detailed(asked, context, others)
        return replace(details, missing=_ordered([*others, Missing.ROLE]), roles=tuple(roles))


def _with(principal: Principal, role: str) -> Principal:
    """The principal with one more role; whom nothing identifies has to log in as somebody first."""
    if principal.kind is PrincipalKind.LOCAL:
        return Principal(PrincipalKind.USER, principal.name, frozenset({role}))
    return replace(principal, roles=principal.roles | {role})


def _ordered(missing: Iterable[Missing]) -> _Set:
    return tuple(sorted(set(missing), key=_ORDER.index))


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _strings(value: object) -> list[str]:
    assert isinstance(value, list)
    return value
