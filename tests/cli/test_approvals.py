"""`automation approvals`: asking, looking, voting, by people with real credentials; every refusal is in the audit log."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from automation_scripts import catalog
from automation_scripts.cli import run, secret_input
from automation_scripts.errors import ApprovalRequired
from automation_scripts.execution.admission import entry_of
from automation_scripts.execution.request import Trigger, resolve
from automation_scripts.governance.approvals.records import Approver, Content
from automation_scripts.governance.approvals.store import ApprovalStore
from automation_scripts.governance.consent import Plan
from automation_scripts.governance.credentials import Presented
from automation_scripts.governance.facts import Admission
from automation_scripts.governance.identity.records import RoleBinding
from automation_scripts.governance.opened import open_approvals, open_gate
from automation_scripts.governance.policy import DEFAULTS
from automation_scripts.observability.redaction import redact
from automation_scripts.results import ChangeAction, ExecutionResult, PredictedChange
from automation_scripts.settings import load_settings
from automation_scripts.storage.times import now
from tests.cli.approvals_support import Staff, blocks
from tests.cli.conftest import ACTED_UPON, EVIL, Answer, Shell, make_result
from tests.e2e.conftest import install as e2e_install
from tests.probe import install

PROBE = ("-p", "do=change", "-p", "path=/srv/x", "-p", "token=env:PROBE_TOKEN")
CHANGES = [PredictedChange("/srv/x", ChangeAction.UPDATE, "old\nsame", "new\nsame", "asked for", risk="high")]


@pytest.fixture(autouse=True)
def _probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "SCRIPTS", catalog.SCRIPTS)
    install()


@pytest.fixture(scope="module")
def hired(tmp_path_factory: pytest.TempPathFactory) -> Staff:
    """The staff once; copying its state folder is quicker than to hire it again."""
    home = tmp_path_factory.mktemp("hired") / "home"
    return Staff(load_settings(environ={"AUTOMATION_HOME": str(home)}))


@pytest.fixture
def staff(shell: Shell, hired: Staff) -> Staff:
    return hired.moved(load_settings())


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PredictedChange]]:
    """What dry runs predict: only the requests are under test here, not the run."""
    changes = list(CHANGES)

    def execute(_orchestrator: Any, script: str, context: Any, *_: Any, **__: Any) -> ExecutionResult:
        assert context.dry_run
        return make_result(
            execution_id="exec_dry", script_name=script, status="dry_run", predicted_changes=list(changes)
        )

    monkeypatch.setattr(run, "_execute", execute)
    yield changes


def ask(shell: Shell, staff: Staff, who: str = "rita", *more: str, environment: str = "production") -> str:
    """The id of a request for a change by the probe."""
    answer = shell("approvals", "request", "probe", *PROBE, "-e", environment, *more, **staff.environment(who))
    assert answer.code == 0, answer.err
    assert answer.out.startswith("approval_")
    assert answer.out.count("\n") == 1
    return answer.out.strip()


def act(shell: Shell, staff: Staff, who: str, verb: str, key: str, *more: str, code: bool = True) -> Answer:
    given = ("--otp", staff.code(who)) if code else ()
    return shell("approvals", verb, key, *more, *given, **staff.environment(who))


def detail(shell: Shell, staff: Staff, key: str, who: str = "ron") -> dict[str, Any]:
    data: dict[str, Any] = json.loads(shell("approvals", "show", key, "--format", "json", **staff.environment(who)).out)
    return data


def permitted(staff: Staff, key: str, parameters: Sequence[str] = PROBE, who: str = "rita") -> Admission:
    """What the gate says to a run that relies on the approval, as `automation run` would ask it."""
    script = catalog.get("probe")
    request = resolve(
        script,
        run.parse_parameters(script, [*parameters[1::2]]),
        {"environment": "production", "approval_id": key},
        Trigger.CLI,
        staff.settings,
        credential=Presented(token=staff.tokens[who], code=staff.code(who)),
    )
    gate = open_gate(staff.settings)
    facts = [change.to_dict() for change in CHANGES]
    admission = gate.admit(entry_of(request), unproved_allowed=True)
    gate.permit(admission, Plan(facts, redact(facts)))
    return admission


@pytest.mark.usefixtures("plan")
def test_a_request_is_granted_and_is_good_for_exactly_that_run_once(shell: Shell, staff: Staff) -> None:
    key = ask(shell, staff, "rita", "--reason", "the shop is slow")
    (asked,) = staff.records("approval.request")
    assert (asked["actor"], asked["resource"], asked["execution_id"]) == ("rita", key, "exec_dry")
    answer = act(shell, staff, "ron", "grant", key[:14], "--reason", "looks right")
    assert answer.code == 0
    assert answer.out == ""
    assert f"{key} is approved: rita can run it with --approval {key} until " in answer.err
    with pytest.raises(ApprovalRequired, match="parameter path"):
        permitted(staff, key, (*PROBE[:3], "path=/srv/y", *PROBE[4:]))
    with pytest.raises(ApprovalRequired, match="not shown differs, such as a secret"):
        permitted(staff, key, (*PROBE[:-1], "token=env:OTHER_TOKEN"))
    assert permitted(staff, key).approvers == ["ron"]
    with pytest.raises(ApprovalRequired, match="used"):
        permitted(staff, key)
    assert [record["action"] for record in staff.records("approval.grant", "approval.use")] == [
        "approval.grant",
        "approval.use",
    ]
    assert detail(shell, staff, key)["status"] == "used"


@pytest.mark.usefixtures("plan")
def test_show_says_what_exactly_is_asked_and_what_is_missing(shell: Shell, staff: Staff) -> None:
    key = ask(shell, staff, "rita", "--reason", "the shop is slow")
    answer = shell("approvals", "show", key[9:], **staff.environment("ron"))
    assert answer.code == 2, "the word before the digits is part of the id"
    shown = shell("approvals", "show", key, **staff.environment("ron")).out
    words = [" ".join(line.split()) for line in shown.splitlines()]
    for expected in (
        f"approval {key}",
        "status pending",
        "script probe",
        "environment production",
        "path=/srv/x",
        "token=[redacted]",
        "requester rita",
        "reason the shop is slow",
        "votes 0 of 1, by admin, compliance-officer, release-manager",
        "plan of exec_dry",
        "1 change, exactly these",
        "update /srv/x asked for",
        "- old",
        "+ new",
        "! risk high",
    ):
        assert expected in words, shown
    assert "PROBE_TOKEN" not in shown
    assert (
        "it needs the approval of 1 more person (any of admin, compliance-officer, release-manager, not rita)" in shown
    )
    data = detail(shell, staff, key)
    assert (data["missing_approvals"], data["counting"], data["plan"][0]["after"]) == (1, [], "new\nsame")
    assert "PROBE_TOKEN" not in json.dumps(data)


@pytest.mark.parametrize(
    ("who", "code", "said", "told"),
    [
        ("rita", True, "may not approve", "AccessDenied"),  # her own
        ("otto", True, "may not approve", "AccessDenied"),
        ("vera", False, "may not approve", "AccessDenied"),
        ("rex", True, "may not approve", "AccessDenied"),  # a release manager elsewhere
        ("bot", False, "may not approve", "AccessDenied"),
        ("ron", False, "--otp", "MfaRequired"),
        (None, False, "Log in", "no_credential"),
    ],
)
@pytest.mark.usefixtures("plan")
def test_who_may_not_grant(shell: Shell, staff: Staff, who: str | None, code: bool, said: str, told: str) -> None:
    key = ask(shell, staff)
    answer = act(shell, staff, who, "grant", key, code=code) if who else shell("approvals", "grant", key)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    last = staff.records("approval.denied")[-1]
    assert (last["actor"], last["details"]["error"], last["details"]["approval"]) == (who or "", told, key)
    assert detail(shell, staff, key)["status"] == "pending"


@pytest.mark.usefixtures("plan")
def test_a_used_code_and_a_forged_token_do_not_grant(shell: Shell, staff: Staff) -> None:
    key, code = ask(shell, staff), staff.code("ron")
    other = ask(shell, staff, "ada")
    assert shell("approvals", "grant", other, "--otp", code, **staff.environment("ron")).code == 0
    again = shell("approvals", "grant", key, "--otp", code, **staff.environment("ron"))
    forged = shell("approvals", "grant", key, "--otp", "123456", AUTOMATION_TOKEN=staff.tokens["ron"][:-6] + "AAAAAA")
    assert (again.code, forged.code) == (2, 2)
    assert code not in again.err
    assert [record["details"]["error"] for record in staff.records("approval.denied")[-2:]] == ["replayed", "forged"]
    assert detail(shell, staff, key)["status"] == "pending"


@pytest.mark.usefixtures("plan")
def test_what_the_rules_of_approvals_refuse_is_audited_too(shell: Shell, staff: Staff) -> None:
    key = ask(shell, staff)
    assert act(shell, staff, "ron", "deny", key, "--reason", "not on a Friday").code == 0
    late = act(shell, staff, "ada", "grant", key)
    assert late.code == 2
    assert "denied by ron: not on a Friday" in late.err
    assert staff.records("approval.denied")[-1]["actor"] == "ada"
    (denial,) = staff.records("approval.deny")
    assert (denial["actor"], denial["details"]["reason"]) == ("ron", "not on a Friday")
    assert "denied by ron" in shell("approvals", "show", key, **staff.environment("rita")).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("deny", "--reason", " "), "--reason: say why"),
        (("deny",), "--reason"),
        (("review",), "--note"),
        (("review", "--note", ""), "--note: say what was found"),
        (("review", "--note", "fine"), "is not break-glass"),
    ],
)
@pytest.mark.usefixtures("plan")
def test_bad_words(shell: Shell, staff: Staff, words: tuple[str, ...], said: str) -> None:
    key = ask(shell, staff)
    answer = act(shell, staff, "ron", words[0], key, *words[1:])
    assert answer.code == 2
    assert said in answer.err
    assert detail(shell, staff, key)["status"] == "pending"


@pytest.mark.usefixtures("plan")
def test_only_the_requester_or_an_administrator_withdraws(shell: Shell, staff: Staff) -> None:
    keys = [ask(shell, staff), ask(shell, staff)]
    refused = act(shell, staff, "ron", "withdraw", keys[0], code=False)
    assert refused.code == 2
    assert "Only rita or an administrator" in refused.err
    assert staff.records("approval.denied")[-1]["actor"] == "ron"
    assert act(shell, staff, "rita", "withdraw", keys[0], "--reason", "the wrong file", code=False).code == 0
    assert act(shell, staff, "ada", "withdraw", keys[1], code=False).code == 0
    assert act(shell, staff, "rita", "withdraw", keys[1], code=False).code == 2
    assert [record["actor"] for record in staff.records("approval.withdraw")] == ["rita", "ada"]


@pytest.mark.usefixtures("plan")
def test_two_approvals_are_of_two_people_who_still_may(shell: Shell, hired: Staff) -> None:
    shell.config.write_text(shell.config.read_text() + "governance: {approvals: {required: 2}}\n")
    staff = hired.moved(load_settings())
    key = ask(shell, staff)
    first = act(shell, staff, "ron", "grant", key)
    assert "it needs the approval of 1 more person" in first.err
    assert act(shell, staff, "ron", "grant", key).code == 2, "one person counts once"
    assert act(shell, staff, "ada", "grant", key).code == 0
    assert sorted(detail(shell, staff, key, "rita")["counting"]) == ["ada", "ron"]
    staff.identity.directory.disable("ron", by="ada")
    data = detail(shell, staff, key, "rita")
    assert (data["status"], data["counting"], data["missing_approvals"]) == ("approved", ["ada"], 1)
    shown = shell("approvals", "show", key, **staff.environment("rita")).out
    assert "no longer counts: disabled, or without the role" in shown
    with pytest.raises(ApprovalRequired, match="1 of 2"):
        permitted(staff, key)


def test_nothing_is_asked_for_that_needs_no_approval(shell: Shell, staff: Staff, plan: list[PredictedChange]) -> None:
    def refused(who: str, *words: str, script: str = "probe") -> str:
        answer = shell("approvals", "request", script, *words, **(staff.environment(who) if who else {}))
        assert (answer.code, answer.out) == (2, "")
        return answer.err

    assert "Nobody has to approve this" in refused("rita", *PROBE, "-e", "staging")
    assert "may not change probe in production" in refused("otto", *PROBE, "-e", "production")
    assert "may not change probe in production" in refused("rex", *PROBE, "-e", "production")
    assert "outside its scope" in refused("bot", *PROBE, "-e", "production")
    assert "Log in with `automation login`" in refused("", *PROBE, "-e", "production")
    assert [record["actor"] for record in staff.records("run.denied")] == ["rita", "otto", "rex", "bot", ""]
    assert "Did you mean 'production'" in refused("rita", *PROBE, "-e", "Production")
    checking = ("-p", "config_path=/etc", "-e", "production")
    assert "changes nothing" in refused("rita", *checking, script="config_validator")
    plan.clear()
    assert "predicts no change in production" in refused("rita", *PROBE, "-e", "production")
    assert open_approvals(staff.settings).list() == []


def test_who_may_not_ask_is_told_before_anything_is_planned(
    shell: Shell, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[object] = []
    monkeypatch.setattr(run, "_execute", lambda *words, **_: planned.append(words))
    for who in ("otto", "bot", "nora"):
        answer = shell("approvals", "request", "probe", *PROBE, "-e", "production", **staff.environment(who))
        assert answer.code == 2
    assert shell("approvals", "request", "probe", *PROBE, "-e", "production").code == 2
    assert planned == []


def test_a_plan_that_is_too_large_for_the_policies_is_not_asked_for(
    shell: Shell, staff: Staff, plan: list[PredictedChange]
) -> None:
    folder = staff.settings.home / "policies"
    shutil.copytree(DEFAULTS, folder)
    (folder / "small.yaml").write_text("deny:\n  - {id: small, actions: [change], unless: {max_changes: 2}}\n")
    plan.extend(replace(CHANGES[0], resource=f"/srv/{number}") for number in range(2))
    answer = shell("approvals", "request", "probe", *PROBE, "-e", "production", **staff.environment("rita"))
    assert (answer.code, answer.out) == (2, "")
    assert "small.yaml:2" in answer.err
    plan.pop()
    ask(shell, staff)


def test_a_plan_that_failed_is_not_asked_for(shell: Shell, staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = make_result(status="failed", message="ValueError: on purpose", predicted_changes=CHANGES)
    monkeypatch.setattr(run, "_execute", lambda *_, **__: failed)
    answer = shell("approvals", "request", "probe", *PROBE, "-e", "production", **staff.environment("rita"))
    assert (answer.code, answer.out) == (2, "")
    assert "is failed, so nothing was asked for: ValueError: on purpose" in answer.err
    assert open_approvals(staff.settings).list() == []


@pytest.mark.usefixtures("plan")
def test_the_code_is_asked_for_at_a_terminal(shell: Shell, staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts: list[str] = []
    monkeypatch.setattr(secret_input, "on_terminal", lambda: True)
    monkeypatch.setattr(secret_input, "ask", lambda prompt: prompts.append(prompt) or staff.code("ron"))
    key = ask(shell, staff)
    assert act(shell, staff, "ron", "grant", key, code=False).code == 0
    assert prompts == ["One-time or recovery code of ron"]
    staff.identity.directory.grant("vera", RoleBinding("compliance-officer"), by="ada")
    other = ask(shell, staff)
    answer = act(shell, staff, "vera", "grant", other, code=False)
    assert answer.code == 2
    assert "automation users totp enrol" in answer.err
    assert len(prompts) == 1, "who has no second factor is not asked for one"
    monkeypatch.setattr(secret_input, "ask", lambda _: "")
    assert act(shell, staff, "ron", "grant", other, code=False).code == 2


# Looking


@pytest.mark.usefixtures("plan")
def test_the_list_has_what_one_may_see(shell: Shell, staff: Staff) -> None:
    keys = [ask(shell, staff, "rita"), ask(shell, staff, "ada")]
    act(shell, staff, "ron", "grant", keys[0])

    def listed(who: str, *words: str) -> list[str]:
        answer = shell("approvals", "list", "--format", "json", *words, **staff.environment(who))
        assert answer.code == 0, answer.err
        return [request["id"] for request in json.loads(answer.out)]

    assert listed("ron") == listed("vera") == keys[::-1]
    assert listed("ron", "--limit", "1") == keys[1:]
    assert listed("rita", "--mine", "--limit", "1") == keys[:1]
    assert listed("ron", "--mine") == []
    assert listed("ron", "--status", "pending") == keys[1:]
    assert listed("ron", "--status", "approved", "--script", "probe", "-e", "production") == keys[:1]
    assert listed("ron", "-e", "staging") == listed("ron", "--script", "config_validator") == []
    row = shell("approvals", "list", "--status", "approved", **staff.environment("ron")).out.splitlines()[1].split()
    assert row[:6] == [keys[0], "approved", "probe", "production", "rita", "1"]
    assert staff.records("approval.read")[-1]["outcome"] == "allowed"


@pytest.mark.parametrize("words", [("list",), ("show",)])
@pytest.mark.parametrize("who", ["nora", "rex", "bot", None])
@pytest.mark.usefixtures("plan")
def test_looking_takes_a_login_and_the_right(
    shell: Shell, staff: Staff, words: tuple[str, ...], who: str | None
) -> None:
    key = ask(shell, staff)
    given = (key,) if words == ("show",) else ()
    answer = shell("approvals", *words, *given, **(staff.environment(who) if who else {}))
    assert (answer.code, answer.out) == (2, "")
    last = staff.records("approval.read")[-1]
    assert (last["outcome"], last["actor"], last["details"]["command"]) == (
        "denied",
        who or "",
        f"approvals {words[0]}",
    )


@pytest.mark.usefixtures("plan")
def test_the_requester_sees_the_own_request_without_the_role(shell: Shell, staff: Staff) -> None:
    key = ask(shell, staff)
    staff.identity.directory.revoke("rita", RoleBinding("release-manager"), by="ada")
    assert detail(shell, staff, key, "rita")["id"] == key
    other = ask(shell, staff, "ada")
    answer = shell("approvals", "list", **staff.environment("rita"))
    assert key in answer.out
    assert other not in answer.out
    assert "1 more are not shown" in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "approval_ffff"), "there is no such request"),
        (("grant", "approval_"), "there is no such request"),
        (("grant", "x; rm -rf /"), "there is no such request"),
        (("list", "--status", "pendin"), "Did you mean 'pending'"),
        (("list", "--script", "prob"), "Did you mean 'probe'"),
        (("list", "-e", "prod"), "environment"),
        (("list", "--limit", "0"), "--limit"),
    ],
)
def test_what_there_is_none_of(shell: Shell, staff: Staff, words: tuple[str, ...], said: str) -> None:
    answer = shell("approvals", *words, **staff.environment("ron"))
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_without_users_the_owner_may_look_and_nobody_may_act(shell: Shell) -> None:
    assert shell("approvals", "list").out == "none\n"
    assert json.loads(shell("approvals", "overdue", "--format", "json").out) == []
    settings = load_settings()
    content = Content("probe", "staging", {}, ({"resource": "/x", "action": "update", "before": 1, "after": 2},))
    asked = open_approvals(settings).request(
        content,
        "0" * 64,
        requester="nightly",
        requester_kind="local",
        reason="by a schedule",
        required=1,
        roles=["admin"],
        lifetime=timedelta(hours=1),
    )
    assert asked.id in shell("approvals", "list").out
    assert "(local)" in shell("approvals", "show", asked.id).out
    assert shell("approvals", "grant", asked.id).code == 2
    assert shell("approvals", "withdraw", asked.id).code == 2
    shell.config.write_text(shell.config.read_text() + "governance: {local_use: false}\n")
    assert shell("approvals", "list").code == 2


def test_nothing_in_a_request_acts_on_the_terminal(shell: Shell, staff: Staff, plan: list[PredictedChange]) -> None:
    plan[:] = [replace(CHANGES[0], resource=f"/srv/{EVIL}", before=EVIL, after={EVIL: [EVIL]}, reason=f"x\n{EVIL}")]
    key = ask(shell, staff, "rita", "--reason", f"because\n  status  approved {EVIL}")
    act(shell, staff, "ron", "grant", key, "--reason", f"{EVIL}\ngranted by ada")
    for words in (("show", key), ("list",), ("show", key, "--format", "json"), ("list", "--format", "json")):
        answer = shell("approvals", *words, **staff.environment("ron"))
        assert answer.code == 0
        assert not set(ACTED_UPON) & set(answer.out + answer.err)
    lines = shell("approvals", "show", key, **staff.environment("ron")).out.splitlines()
    assert sum(line.lstrip().startswith(("status", "granted by")) for line in lines) == 2
    assert "[red]x[/red]" in "".join(lines)


# In an emergency


def test_a_broken_glass_is_reviewed_by_somebody_else(shell: Shell, staff: Staff) -> None:
    def later_than(by: timedelta) -> ApprovalStore:
        return ApprovalStore(staff.settings.governance_url, clock=lambda: now() - by)

    content = Content("probe", "production", {}, ({"resource": "/x", "action": "update", "before": 1, "after": 2},))
    rita = Approver("rita", "person", frozenset({"release-manager"}), "password+totp", now())
    with later_than(timedelta(days=4)) as store:
        roles = staff.settings.governance.approvals.roles
        broken = store.open_break_glass(content, "0" * 64, requester=rita, reason="the shop is down", roles=roles)
        store.consume(broken.id, "0" * 64, "exec_9", "rita", roles_of=lambda *_: frozenset())
    ron = staff.environment("ron")
    assert broken.id in shell("approvals", "overdue", **ron).out
    shown = shell("approvals", "show", broken.id, **ron).out
    assert "to be reviewed" in shown
    assert "it is overdue" in shown
    assert "exec_9" in shown
    own = act(shell, staff, "rita", "review", broken.id, "--note", "I was right")
    assert own.code == 2
    assert staff.records("approval.denied")[-1]["actor"] == "rita"
    assert act(shell, staff, "ron", "review", broken.id, "--note", "the outage was real", code=False).code == 2
    assert act(shell, staff, "ron", "review", broken.id, "--note", "the outage was real").code == 0
    assert shell("approvals", "overdue", **ron).out == "none\n"
    assert "reviewed by ron" in shell("approvals", "show", broken.id, **ron).out
    (review,) = staff.records("approval.review")
    assert (review["actor"], review["details"]["reason"]) == ("ron", "the outage was real")


@pytest.mark.parametrize("verb", ["list", "show", "request", "grant", "deny", "withdraw", "review", "overdue"])
def test_each_command_has_help_with_an_example(shell: Shell, verb: str) -> None:
    answer = shell("approvals", verb, "--help")
    assert answer.code == 0
    assert f"automation approvals {verb}" in answer.out.partition("Example")[2]


def test_the_document_names_commands_that_exist(shell: Shell) -> None:
    text = (Path(__file__).parents[2] / "docs" / "approvals.md").read_text(encoding="utf-8")
    listed = shell("approvals", "--help").out
    named = {words.split()[0].strip("`") for words in text.split("automation approvals ")[1:]}
    assert named >= {"list", "show", "request", "grant", "deny", "withdraw", "review", "overdue"}
    assert all(f"  {name} " in listed for name in named)


# End to end

MISTAKE = 'services:\n  web:\n    image: nginx:1.27\n    enviroment:\n      LOG_LEVEL: "info"\n'
RUN = ("run", "config_validator", "-p", "config_path=conf", "-p", "apply_fixes=true", "-e", "production")


class Company:
    """Everybody's `automation` command, as processes of their own in one folder."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.installation = e2e_install(home)
        self.staff = Staff(self.installation.settings)
        self.folder = folder
        self.file = folder / "conf" / "compose.yaml"
        self.file.parent.mkdir()
        self.file.write_text(MISTAKE)

    def __call__(self, who: str, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.installation.argv(*words),
            env={**self.installation.environment, **self.staff.environment(who)},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
            cwd=self.folder,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def example(self, text: str) -> str:
        """Run the lines of an example as those whom its comments name, and return the id of its approval."""
        who = approval = ""
        for line in text.splitlines():
            if line.startswith("# "):
                who = line[2:]
                continue
            words = shlex.split(line, comments=True)[1:]
            code = self.staff.code(who) if "CODE" in words else ""
            places = {"APPROVAL": approval, "CODE": code}
            done = self(who, *(places.get(word, word) for word in words))
            expected = 2 if "# exits 2" in line else 0
            assert done.returncode == expected, (line, done.stdout, done.stderr)
            approval = approval or re.findall(r"approval_[0-9a-f]{16}", done.stderr)[0]
        return approval


@pytest.mark.slow
def test_the_example_of_the_document_and_what_is_refused_after_it(home: Path, tmp_path: Path) -> None:
    company = Company(home, tmp_path)
    staff = company.staff
    example = blocks(Path(__file__).parents[2] / "docs" / "approvals.md", "bash")[0]
    approval = company.example(example)
    assert "environment:" in company.file.read_text()
    company.file.write_text(MISTAKE)
    for more in ((), ("-p", "validation_rules=strict")):
        again = company("rita", *RUN, *more, "--approval", approval, "--otp", staff.code("rita"))
        assert again.returncode == 2
        assert "cannot be used: it was used by the run exec_" in again.stderr
    assert company.file.read_text() == MISTAKE
    runs = json.loads(company("rita", "history", "--format", "json").stdout)
    assert [run["status"] for run in runs] == ["denied", "denied", "succeeded", "denied"]
    assert {run["user"] for run in runs} == {"rita"}
    assert [record["actor"] for record in staff.records("approval.use")] == ["rita"]
    outcomes = {record["execution_id"]: record["outcome"] for record in staff.records("run.outcome")}
    assert outcomes == {run["execution_id"]: run["status"] for run in runs}
    verified = company("ada", "audit", "verify")
    assert verified.returncode == 0, verified.stderr


@pytest.mark.slow
def test_what_was_asked_for_beforehand_is_good_for_that_plan_alone(home: Path, tmp_path: Path) -> None:
    company = Company(home, tmp_path)
    staff = company.staff
    asked = company("rita", "approvals", "request", *RUN[1:], "--reason", "typing error")
    assert asked.returncode == 0, asked.stderr
    approval = asked.stdout.strip()
    shown = company("ron", "approvals", "show", approval)
    assert "typing error" in shown.stdout
    assert re.search(r"^    - .*enviroment", shown.stdout, re.MULTILINE)
    assert re.search(r"^    \+ .*environment", shown.stdout, re.MULTILINE)
    assert company("ron", "approvals", "grant", approval, "--otp", staff.code("ron")).returncode == 0

    def attempt(*more: str) -> subprocess.CompletedProcess[str]:
        return company("rita", *RUN, *more, "--approval", approval, "--otp", staff.code("rita"))

    other = attempt("-p", "validation_rules=strict")
    assert other.returncode == 2
    assert "other values of parameter validation_rules" in other.stderr
    company.file.write_text(MISTAKE + '    restart: "always"\n    depends_onn: []\n')
    moved = attempt()
    assert moved.returncode == 2
    assert "the plan differs" in moved.stderr
    company.file.write_text(MISTAKE)
    assert attempt().returncode == 0
    assert "environment:" in company.file.read_text()
