"""What is in the records of runs: by which policies it was decided, and what became of runs whose process was gone."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.approvals.store import ApprovalStore
from automation_scripts.governance.audit.search import read_all
from automation_scripts.governance.audit.verify import verify
from automation_scripts.governance.gate import NeedsApproval
from automation_scripts.governance.opened import open_audit
from automation_scripts.governance.policy import DEFAULTS
from tests.execution.test_conduct import Bench, nothing
from tests.governance.gate.office import Office


def test_each_intent_holds_the_digest_of_the_policies_that_decided(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    rules = (DEFAULTS / "roles.yaml").read_text()
    (folder / "roles.yaml").write_text(rules)
    office = Office(tmp_path, policies=folder)

    def digests() -> list[tuple[str, str]]:
        """Of the last change."""
        office.change(office.entry("rita", environment="staging"))
        intents = [record for record in office.records() if record["action"] in ("run.intent", "change.intent")]
        return [(record["action"], record["details"]["policies"]) for record in intents[-2:]]

    first = digests()
    in_force = office.gate._authorizer.policies().digest
    assert first == [("run.intent", in_force), ("change.intent", in_force)]
    (folder / "roles.yaml").write_text(
        rules + "\nfreezes: [{from: 2020-01-01, until: 2020-01-02, reason: for an hour}]\n"
    )
    second = digests()
    assert {action for action, _ in second} == {"run.intent", "change.intent"}
    assert {digest for _, digest in second} == {office.gate._authorizer.policies().digest} != {in_force}
    (folder / "roles.yaml").write_text(rules)
    assert digests() == first


def test_an_outcome_closes_all_that_was_intended_in_its_run_and_nothing_else(tmp_path: Path) -> None:
    office = Office(tmp_path)

    def still_open() -> list[tuple[str, str]]:
        assert office.audit.signer is not None
        found = verify(office.audit, verifier_keys=office.audit.signer.verifier_keys())
        assert found.ok
        return [(intent.action, intent.execution_id) for intent in found.open_intents]

    approval = office.approved(execution_id="asked")
    office.admit(office.entry("otto", environment="staging", execution_id="goes on"))
    done = office.change(office.entry("rita", code=True, approval_id=approval, execution_id="done"))
    goes_on = [("run.intent", "asked"), ("run.intent", "goes on")]
    assert still_open() == [*goes_on, ("run.intent", "done"), ("change.intent", "done")]
    office.gate.outcome(done, "succeeded", "well")
    assert still_open() == goes_on


def test_a_run_that_is_let_in_tells_of_approvals_that_have_expired_meanwhile(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with pytest.raises(NeedsApproval) as needed:
        office.change(office.entry("rita", code=True))

    def told() -> list[dict[str, Any]]:
        return [record for record in office.records() if record["action"] == "approval.expire"]

    office.admit(office.entry(environment="staging", intends_changes=False))
    assert told() == []
    office.clock.move(hours=5)
    for _ in range(2):
        office.admit(office.entry(environment="staging", intends_changes=False))
    (expired,) = told()
    assert (expired["resource"], expired["actor"]) == (needed.value.approval_id, "")
    assert office.last()["action"] == "run.intent"


def test_no_run_is_refused_since_the_approvals_cannot_be_looked_at(tmp_path: Path) -> None:
    office = Office(tmp_path)

    def lost() -> ApprovalStore:
        raise ConfigurationError("the approval store is gone")

    office.consent._approvals = lost
    office.admit(office.entry(environment="staging", intends_changes=False))
    assert office.last()["action"] == "run.intent"


def test_what_became_of_a_killed_run_is_told_by_the_next(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from tests.execution.test_conduct import Bench\n"
        "from automation_scripts.execution.conduct import conduct\n"
        "async def body(run):\n"
        "    print(run.request.execution_id, flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(conduct(Bench(Path(sys.argv[1])).execution(environment='staging'), body))\n"
    )
    victim = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    execution_id = victim.stdout.readline().strip()
    victim.kill()
    victim.wait()
    bench = Bench(tmp_path)

    def told() -> list[tuple[str, str]]:
        entries = [dict(entry.members) for entry in read_all(open_audit(bench.settings))]
        return [(e["action"], e["outcome"]) for e in entries if e["execution_id"] == execution_id]

    assert told() == [("run.intent", "intent")]
    asyncio.run(bench.run(nothing))
    assert told() == [("run.intent", "intent"), ("run.outcome", "crashed")]
    asyncio.run(bench.run(nothing))
    assert len(told()) == 2, "told once"
    (lost,) = [e for e in read_all(open_audit(bench.settings)) if dict(e.members)["outcome"] == "crashed"]
    members = dict(lost.members)
    assert (members["script"], members["environment"], members["actor"]) == ("probe", "staging", "")
    assert "its process was gone" in json.dumps(members["details"])


def test_a_run_that_cannot_be_told_of_as_lost_lets_no_other_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from automation_scripts.errors import AuditUnavailable

    bench = Bench(tmp_path)
    lost = bench.execution()
    asyncio.run(lost.chronicle.open())
    monkeypatch.setattr(type(bench.store), "mark_crashed", lambda self: [self.get(lost.request.execution_id)])

    def full(*_: object) -> None:
        raise AuditUnavailable("the disk is full")

    monkeypatch.setattr(open_audit(bench.settings), "append_many", full)
    with pytest.raises(AuditUnavailable):
        asyncio.run(bench.run(nothing))
