"""The form of a paused run: nobody grants there what it does not show; denying is always possible."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.errors import AccessDenied, AutomationError
from automation_scripts.execution.conduct import conduct
from automation_scripts.execution.lifecycle import Execution
from automation_scripts.execution.plan_text import LONGEST, MOST, consent_text, plan_text, shown_whole
from automation_scripts.execution.request import Trigger, resolve
from automation_scripts.governance.credentials import Presented
from automation_scripts.results import ChangeAction, PredictedChange
from tests import probe
from tests.execution.test_conduct import CHANGE, Bench
from tests.governance.gate.office import Office

SHORT = {"action": "update", "resource": "/etc/x", "before": "a", "after": "b"}


@pytest.mark.parametrize(
    ("plan", "whole"),
    [
        ([], True),
        ([SHORT] * MOST, True),
        ([SHORT] * (MOST + 1), False),
        ([{**SHORT, "before": None}], True),
        ([{**SHORT, "after": "x" * LONGEST}], True),
        ([{**SHORT, "after": "x" * (LONGEST + 1)}], False),
        ([{**SHORT, "before": "x" * (LONGEST + 1)}], False),
        ([{**SHORT, "resource": "/" * (LONGEST + 1)}], False),
        ([SHORT, {**SHORT, "after": {"replicas": list(range(100))}}], False),
        ([{**SHORT, "after": "b\nc\td"}], True),
        ([{**SHORT, "after": "x" * (LONGEST - 1) + "\n"}], False),
    ],
)
def test_what_counts_as_shown(plan: list[dict[str, Any]], whole: bool) -> None:
    assert shown_whole(plan) == whole
    text = consent_text("message", plan, "approval_1", "0123456789abcdef")
    assert "bound to 0123456789ab…" in text
    assert ("grant it there" in text) != whole


@given(st.text(max_size=LONGEST + 10))
def test_a_value_is_shown_on_one_line_and_can_be_told_from_any_other(value: str) -> None:
    plan = [{**SHORT, "after": value}]
    shown = plan_text(plan)
    assert shown.isprintable()
    if shown_whole(plan):
        assert _read(shown.removeprefix("    update /etc/x: a → ")) == value
    else:
        assert shown.endswith("…")


def _read(shown: str) -> str:
    """An escaped text as Python reads it."""
    text: str = ast.literal_eval('"' + shown.replace('"', '\\"') + '"')
    return text


def test_nothing_is_disguised() -> None:
    plan = [
        {**SHORT, "before": "a", "after": "a\u200b"},
        {**SHORT, "after": "b\n    delete /"},
        {**SHORT, "after": "\\n"},
    ]
    assert plan_text(plan).split("\n") == [
        "    update /etc/x: a → a\\u200b",
        "    update /etc/x: a → b\\n    delete /",
        "    update /etc/x: a → \\\\n",
    ]


class FormDesk:
    """Somebody who fills in the form as they were told, and then decides elsewhere if that was refused."""

    waits_for_decisions = True

    def __init__(self, office: Office, decision: str, elsewhere: Callable[[str], object] | None = None) -> None:
        self.office, self.decision, self.elsewhere = office, decision, elsewhere
        self.message = ""
        self.refusal: AutomationError | None = None

    async def identify(self, message: str, actor: str) -> Presented | None:
        raise AssertionError("who asks is known")

    async def await_decision(
        self,
        message: str,
        decided: Callable[[], bool],
        vote: Callable[[Presented, str, str], Any],
        limit_s: float,
    ) -> None:
        self.message = message
        self.office.clock.move(seconds=60)
        given = Presented(user="ron", code=self.office.code("ron"))
        try:
            vote(given, self.decision, "because")
        except AutomationError as refusal:
            self.refusal = refusal
            assert not decided()
            found = re.search(r"approval_\w+", message)
            assert found is not None
            if self.elsewhere is not None:  # with the very code of the form, which was not used up
                self.office.consent.vote(found[0], given, self.decision, "because", source="cli")
        assert decided()


def many(count: int) -> list[PredictedChange]:
    return [PredictedChange(f"/etc/{number}", ChangeAction.UPDATE, "a", "b", "because") for number in range(count)]


def execution(bench: Bench, office: Office, desk: FormDesk) -> Execution:
    context = {"environment": "production", "user": "rita"}
    request = resolve(probe.PROBE, {"do": "change"}, context, Trigger.UI, bench.settings)
    request = replace(request, credential=office.credential("rita", code=True))
    return Execution(request, bench.settings, bench.store, timeout_s=30, gate=office.gate, desk=desk)


async def conducted(tmp_path: Path, changes: list[PredictedChange], desk: FormDesk) -> tuple[Execution, list[int]]:
    run, applied = execution(Bench(tmp_path), desk.office, desk), []

    async def body(run: Execution) -> None:
        if await run.planned(changes, apply=True):
            applied.append(len(changes))
            await run.verify(changes)

    await conduct(run, body)
    return run, applied


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


async def test_a_plan_that_is_shown_whole_is_granted_in_the_form(tmp_path: Path, office: Office) -> None:
    desk = FormDesk(office, "grant")
    run, applied = await conducted(tmp_path, many(MOST), desk)
    assert desk.refusal is None
    assert (run.result.status, applied) == ("succeeded", [MOST])
    (asked,) = office.consent.list()
    assert f"bound to {asked.binding_hash[:12]}…" in desk.message
    assert "/etc/29" in desk.message


@pytest.mark.parametrize(
    "changes",
    [many(MOST + 1), [CHANGE, replace(CHANGE, after="x" * (LONGEST + 1))]],
    ids=["too many", "too long"],
)
async def test_a_plan_that_is_not_is_granted_elsewhere_only(
    tmp_path: Path, office: Office, changes: list[PredictedChange]
) -> None:
    desk = FormDesk(office, "grant", elsewhere=office.consent.get)
    run, applied = await conducted(tmp_path, changes, desk)
    (asked,) = office.consent.list()
    assert isinstance(desk.refusal, AccessDenied)
    assert f"`automation approvals show {asked.id}`" in str(desk.refusal)
    assert f"`automation approvals grant {asked.id}`" in desk.message
    assert (run.result.status, applied) == ("succeeded", [len(changes)])
    (told,) = [r for r in office.records() if r["outcome"] == "denied" and r["claimed_user"] == "ron"]
    assert (told["action"], told["actor"], told["details"]["approval"]) == ("approval.denied", "", asked.id)


async def test_it_can_be_denied_in_the_form(tmp_path: Path, office: Office) -> None:
    desk = FormDesk(office, "deny")
    with pytest.raises(AutomationError, match="because"):
        await conducted(tmp_path, many(MOST + 1), desk)
    assert desk.refusal is None
    assert office.consent.list()[0].status.value == "denied"
