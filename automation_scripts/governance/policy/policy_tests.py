"""Tests of policies, in YAML: cases with what is expected, run against the policies in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from automation_scripts.governance.policy.fields import Fields
from automation_scripts.governance.policy.model import AccessRequest, Decision, Principal
from automation_scripts.governance.policy.names import fault
from automation_scripts.governance.policy.policy_set import PolicySet
from automation_scripts.governance.policy.problems import PolicyError, printable
from automation_scripts.governance.policy.vocabulary import LEVELS, TRIGGERS, Action, PrincipalKind
from automation_scripts.settings.document import read_document
from automation_scripts.settings.problems import KeyPath

_CASE_KEYS = ("name", "kind", "user", "roles", "action", "script", "environment", "context", "expect", "by", "missing")
_CONTEXT_KEYS = (
    *("now", "level", "trigger", "source", "dry_run", "mfa_age", "approvals", "approver_roles", "own_request"),
    *("break_glass", "change_freeze", "risk", "predicted_changes"),
)
_KINDS = {kind.value.lower(): kind for kind in PrincipalKind}
_NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)
"""When a case says nothing about the time: a Wednesday."""


@dataclass(frozen=True, slots=True)
class Case:
    """One expectation. `by` names a policy that must be among those that decided."""

    name: str
    line: int
    request: AccessRequest
    expect_allow: bool
    by: str | None = None
    missing: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case came out; `complaint` is empty when as expected."""

    case: Case
    decision: Decision
    complaint: str

    @property
    def passed(self) -> bool:
        """True when the decision was the expected one."""
        return not self.complaint


def run_tests(policies: PolicySet, file: Path) -> list[CaseResult]:
    """Runs every case of a file with `tests:`. Raises PolicyError when the file itself is wrong."""
    return [_run(policies, case) for case in read_cases(policies, file)]


def read_cases(policies: PolicySet, file: Path) -> list[Case]:
    """The cases of a test file. Raises PolicyError with all that is wrong."""
    document = read_document(file)
    fields = Fields(document)
    data = fields.mapping((), document.data, ("tests",))
    reader = _Reader(fields, policies)
    cases = [reader.case(path, item) for path, item in fields.entries(("tests",), data.get("tests"))]
    if not cases and not document.problems:
        document.report("has no tests; list cases under `tests:`")
    if document.problems:
        raise PolicyError(document.problems)
    return [case for case in cases if case]


def _run(policies: PolicySet, case: Case) -> CaseResult:
    decision = policies.authorize(case.request)
    complaint = ""
    if decision.allowed != case.expect_allow:
        complaint = f"expected {'allow' if case.expect_allow else 'deny'}: {decision.message}"
    elif case.by is not None and case.by not in {reason.id for reason in decision.reasons}:
        by = ", ".join(reason.id for reason in decision.reasons) or "no policy"
        complaint = f"decided as expected, but by {by}, not by {printable(case.by)}"
    elif case.missing is not None and set(case.missing) != set(decision.missing):
        complaint = f"expected missing {', '.join(case.missing)}; found {', '.join(decision.missing) or 'nothing'}"
    return CaseResult(case, decision, complaint)


class _Reader:
    def __init__(self, fields: Fields, policies: PolicySet) -> None:
        self.fields = fields
        self.policies = policies

    def case(self, path: KeyPath, item: object) -> Case | None:
        keys = self.fields.mapping(path, item, _CASE_KEYS)
        before = len(self.fields.document.problems)
        action = self._word(path, keys, "action", tuple(Action))
        expect = self._word(path, keys, "expect", ("allow", "deny"))
        kind = self._word(path, keys, "kind", tuple(_KINDS), "user")
        by = self._word(path, keys, "by", tuple(self.policies.compiled.sources), "")
        roles: tuple[str, ...] = ()
        if "roles" in keys and keys["roles"] != []:
            roles = self.fields.names((*path, "roles"), keys["roles"], "role")
        missing = None
        if "missing" in keys:
            missing = tuple(
                self.fields.text(here, word) for here, word in self.fields.items((*path, "missing"), keys["missing"])
            )
        context = self._context((*path, "context"), keys.get("context"))
        texts = {
            key: self.fields.text((*path, key), keys[key])
            for key in ("name", "user", "script", "environment")
            if key in keys
        }
        if len(self.fields.document.problems) > before:
            return None
        request = AccessRequest(
            principal=Principal(_KINDS[kind], texts.get("user", "somebody"), frozenset(roles)),
            action=Action(action),
            environment=texts.get("environment"),
            script=texts.get("script"),
            **context,
        )
        line = self.fields.at(path).line
        name = texts.get("name") or f"line {line}"
        return Case(name, line, request, expect == "allow", by or None, missing)

    def _word(
        self, path: KeyPath, keys: Mapping[str, Any], key: str, known: tuple[str, ...], default: str | None = None
    ) -> str:
        if key not in keys:
            if default is None:
                self.fields.wrong(path, f"needs `{key}`. Known: {', '.join(known)}")
            return default or ""
        if message := fault(keys[key], key, known):
            self.fields.wrong((*path, key), message)
            return ""
        return str(keys[key])

    def _context(self, path: KeyPath, value: object) -> dict[str, Any]:
        keys = self.fields.mapping(path, value, _CONTEXT_KEYS)
        context: dict[str, Any] = {"now": _NOON, **dict(self._circumstances(path, keys))}
        mfa_age_s = context.pop("mfa_age", None)
        if mfa_age_s is not None:
            context["mfa_at"] = context["now"] - timedelta(seconds=mfa_age_s)
        return context

    def _circumstances(self, path: KeyPath, keys: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for key, item in keys.items():
            here = (*path, key)
            match key:
                case "now":
                    yield key, self._moment(here, item)
                case "level" | "trigger":
                    yield key, self._word(path, keys, key, LEVELS if key == "level" else TRIGGERS)
                case "source":
                    yield key, self.fields.text(here, item)
                case "mfa_age":
                    yield key, 0 if item == 0 and item is not False else self.fields.seconds(here, item)
                case "approvals" | "predicted_changes":
                    yield key, self.fields.count(here, item, 0)
                case "approver_roles":
                    yield key, frozenset(self.fields.names(here, item, "role"))
                case "risk":
                    percent = self.fields.percentage(here, item)
                    yield key, None if percent is None else percent / 100
                case _:
                    yield key, self.fields.flag(here, item)

    def _moment(self, path: KeyPath, value: object) -> datetime:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.utcoffset() is None:
            self.fields.wrong(
                path, "is no time with an offset, such as 2026-12-24T18:00:00+01:00 or 2026-12-24T17:00:00Z"
            )
            return _NOON
        return moment
