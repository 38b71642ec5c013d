"""`automation policy diff`: past runs under other policies."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from automation_scripts.governance.identity.records import RoleBinding
from automation_scripts.governance.policy import DEFAULTS
from tests.cli.conftest import ACTED_UPON, EVIL, Shell
from tests.cli.policy_support import AT_NIGHT, AT_NOON, NIGHT, TODAY, proposed, users


def test_a_difference_names_the_run_and_both_answers(shell: Shell, tmp_path: Path) -> None:
    folder = proposed(tmp_path, quiet_cedar=NIGHT)
    shell.add("exec_noon", began=AT_NOON, script="deployment_automation", user="operator")
    shell.add("exec_night", began=AT_NIGHT, script="deployment_automation", user="operator")
    shell.add("exec_dry", "dry_run", began=AT_NIGHT, script="deployment_automation", user="operator", dry_run=True)
    shell.add("exec_check", began=AT_NIGHT, user="operator")
    shell.add("exec_fixed", began=AT_NIGHT, user="operator", predicted_changes=2)
    shell.add("exec_old", began=TODAY - timedelta(days=40, hours=21), script="deployment_automation", user="operator")
    answer = shell("policy", "diff", str(folder), "--format", "json")
    data = json.loads(answer.out)
    assert answer.code == 1
    assert {run["execution_id"] for run in data["changed"]} == {"exec_night", "exec_fixed"}
    assert data["compared"] == 5
    (night,) = [run for run in data["changed"] if run["execution_id"] == "exec_night"]
    assert (night["old"]["allowed"], night["new"]["allowed"], night["new"]["decided_by"]) == (True, False, ["quiet"])
    text = shell("policy", "diff", str(folder))
    assert text.code == 1
    assert "allowed -> denied  exec_night" in text.out
    assert "quiet (" in text.out and "2 would be denied, 0 allowed." in text.out
    assert shell("policy", "diff", str(folder), "--since", "1h").code == 0
    assert shell("policy", "diff", str(DEFAULTS)).code == 0
    wider = json.loads(shell("policy", "diff", str(folder), "--since", "90d", "--format", "json").out)
    assert len(wider["changed"]) == 3


def test_a_run_that_was_let_in_had_what_was_asked_for(shell: Shell, tmp_path: Path) -> None:
    """Otherwise a change in production would be denied by both, and no difference ever be seen."""
    folder = proposed(tmp_path, quiet_cedar=NIGHT)
    release = {"script": "deployment_automation", "environment": "production", "user": "release-manager"}
    shell.add("exec_done", began=AT_NIGHT, approval_id="approval_1", **release)
    shell.add("exec_denied", "denied", began=AT_NIGHT, **release)
    data = json.loads(shell("policy", "diff", str(folder), "--format", "json").out)
    assert [run["execution_id"] for run in data["changed"]] == ["exec_done"]
    (folder / "quiet.cedar").unlink()
    rails = folder / "guardrails.cedar"
    rails.write_text(rails.read_text().replace("context.approvals < 1", "context.approvals < 2"))
    data = json.loads(shell("policy", "diff", str(folder), "--format", "json").out)
    assert [run["execution_id"] for run in data["changed"]] == ["exec_done"], "it had one approval, not two"
    rails.write_text("")
    text = shell("policy", "diff", str(folder)).out
    assert "denied -> allowed  exec_denied" in text and "0 would be denied, 1 allowed." in text


def test_roles_of_past_users_come_from_the_store_or_the_command_line(shell: Shell, tmp_path: Path) -> None:
    folder = proposed(tmp_path, quiet_cedar=NIGHT)
    with users(shell) as store:
        store.directory.add_user("alice", by="root", roles=[RoleBinding("operator", "staging")])
    for number, user in enumerate(("alice", "bob", EVIL)):
        shell.add(f"exec_{number}", began=AT_NIGHT, script="deployment_automation", user=user)
    shell.add("exec_gone", began=AT_NIGHT, script="no_longer_there", user="alice")
    shell.add("exec_3", began=AT_NIGHT, script="deployment_automation", user="alice", authentication="local")
    data = shell("policy", "diff", str(folder), "--format", "json")
    found = json.loads(data.out)
    assert {run["execution_id"]: run["roles"] for run in found["changed"]} == {
        "exec_0": ["operator"],
        "exec_1": ["local"],
        "exec_2": ["local"],
        "exec_3": ["local"],
    }
    assert found["unknown_users"] == sorted(["bob", EVIL])
    assert list(found["left_out"].values()) == [1]
    as_viewers = shell("policy", "diff", str(folder), "--role", "viewer")
    assert "2 would be denied" in as_viewers.out
    assert "Not known, and compared with the role viewer: " in as_viewers.err and "bob" in as_viewers.err
    assert "unknown script 'no_longer_there'" in as_viewers.err
    text = shell("policy", "diff", str(folder))
    assert not any(character in text.out + text.err for character in ACTED_UPON)
    assert shell("policy", "diff", str(folder), "--role", "nothing").code == 2
