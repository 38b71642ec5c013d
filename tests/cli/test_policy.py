"""`automation policy check|test|show|init|explain`: the files, and one question."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from automation_scripts.governance.policy import Action
from automation_scripts.governance.policy.vocabulary import LEVELS, TRIGGERS
from tests.cli.conftest import ACTED_UPON, EVIL, Shell
from tests.cli.policy_support import NIGHT, proposed

COMMANDS = ("check", "test", "explain", "matrix", "diff", "show", "init")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(shell: Shell, command: str) -> None:
    answer = shell("policy", command, "--help")
    assert answer.code == 0
    assert f"automation policy {command}" in answer.out.partition("Example")[2]


def test_the_help_of_explain_names_every_word(shell: Shell) -> None:
    text = " ".join(shell("policy", "explain", "--help").out.split())
    assert all(word in text for word in (*Action, *TRIGGERS))


# The files


def test_check_accepts_what_is_in_use(shell: Shell) -> None:
    answer = shell("policy", "check")
    assert answer.code == 0
    assert answer.out.startswith("the installed policies: ")
    assert not shell.home.exists()


def test_check_tells_every_problem_with_its_file_and_line(shell: Shell, tmp_path: Path) -> None:
    folder = proposed(
        tmp_path,
        more_yaml="roles:\n  night:\n    inherits: [operater]\n    allow:\n      - actions: [chnage]\n",
        bad_cedar='\npermit (principal, action, resource);\n\n@id("x y")\npermit (principal, action, resource);\n',
    )
    answer = shell("policy", "check", str(folder))
    assert answer.code == 2
    for place in ("more.yaml:3:", "more.yaml:5:", "bad.cedar:2:", "bad.cedar:4:"):
        assert any(line.startswith(f"{folder}/{place}") for line in answer.out.splitlines()), (place, answer.out)
    assert "nothing would be allowed" in answer.err
    data = shell("policy", "check", str(folder), "--format", "json")
    listed = json.loads(data.out)["problems"]
    assert data.code == 2
    assert {(Path(p["file"]).name, p["line"]) for p in listed} >= {("more.yaml", 3), ("bad.cedar", 2)}


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["matrix", "-u", "admin", "-e", "production"],
        ["explain", "config_validator", "-e", "production", "-u", "admin"],
        ["diff", "{folder}"],
        ["test", "{tests}"],
    ],
)
def test_broken_policies_in_use_are_refused_with_file_and_line(
    shell: Shell, tmp_path: Path, arguments: list[str]
) -> None:
    tests = tmp_path / "tests.yaml"
    tests.write_text("tests: [{action: administer, expect: deny}]")
    (shell.home / "policies").mkdir(parents=True)
    (shell.home / "policies" / "mine.yaml").write_text("roles:\n  a:\n    alow: []\n")
    folder = proposed(tmp_path)
    words = [word.format(folder=folder, tests=tests) for word in arguments]
    answer = shell("policy", *words)
    assert answer.code == 2
    assert answer.out == ""
    assert "mine.yaml:3:5: " in answer.err and "did you mean allow?" in answer.err


def test_a_folder_that_is_not_there_is_a_problem(shell: Shell, tmp_path: Path) -> None:
    for command in ("check", "diff"):
        answer = shell("policy", command, str(tmp_path / "nowhere"))
        assert answer.code == 2
        assert "nowhere" in answer.out + answer.err and "No such file" in answer.out + answer.err


def test_tests_of_policies_pass_or_name_their_line(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "tests.yaml"
    file.write_text(
        "tests:\n"
        "  - {roles: [operator], action: change, script: config_validator, environment: staging, expect: allow,\n"
        "     context: {now: '2026-01-07T03:00:00Z'}}\n"
        '  - {name: "odd \\e[31m", roles: [viewer], action: approve, script: config_validator,\n'
        "     environment: staging, expect: deny}\n"
    )
    assert shell("policy", "test", str(file)).code == 2, "a name that would move the cursor"
    file.write_text(file.read_text().replace(" \\e[31m", ""))
    answer = shell("policy", "test", str(file))
    assert (answer.code, answer.out) == (0, "2 of 2 passed.\n")
    other = shell("policy", "test", str(file), str(file), "--policies", str(proposed(tmp_path, quiet_cedar=NIGHT)))
    assert other.code == 1
    assert other.out.count(f"{file}:2: line 2: expected allow: ") == 2
    assert other.out.endswith("2 of 4 passed.\n")
    data = json.loads(shell("policy", "test", str(file), "--format", "json").out)
    assert (data["passed"], data["failed"]) == (2, 0)
    file.write_text("tests:\n  - {action: chnage, expect: deny}\n")
    answer = shell("policy", "test", str(file))
    assert answer.code == 2
    assert f"{file}:2:" in answer.err


def test_show_prints_cedar_that_can_be_read_again(shell: Shell, tmp_path: Path) -> None:
    answer = shell("policy", "show")
    data = json.loads(shell("policy", "show", "--format", "json").out)
    assert f"// digest {data['digest']}\n" in answer.out
    assert [Path(file["path"]).name for file in data["files"]] == ["roles.yaml", "guardrails.cedar"]
    assert data["roles"]["operator"] == ["viewer"]
    again = tmp_path / "again"
    again.mkdir()
    (again / "all.cedar").write_text(answer.out)
    (again / "guardrails.cedar").write_text("")
    assert shell("policy", "check", str(again)).code == 0
    shown = json.loads(shell("policy", "show", "--policies", str(again), "--format", "json").out)
    assert [rule["id"] for rule in shown["policies"]] == [rule["id"] for rule in data["policies"]]


def test_init_copies_privately_and_never_overwrites(shell: Shell, tmp_path: Path) -> None:
    before = json.loads(shell("policy", "show", "--format", "json").out)["digest"]
    assert shell("policy", "init").code == 0
    own = shell.home / "policies"
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in own.iterdir()} == {
        "roles.yaml": 0o600,
        "guardrails.cedar": 0o600,
    }
    assert [path.name for path in shell.home.iterdir()] == ["policies"], "nothing half-made is left"
    shown = json.loads(shell("policy", "show", "--format", "json").out)
    assert (shown["digest"], shown["folder"]) == (before, str(own))
    (own / "roles.yaml").write_text("# mine\n")
    answer = shell("policy", "init")
    assert answer.code == 2
    assert "nothing was copied" in answer.err
    assert (own / "roles.yaml").read_text() == "# mine\n"
    empty, link = tmp_path / "empty", tmp_path / "link"
    empty.mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    assert shell("policy", "init", str(empty)).code == 0
    assert "not in use yet" in shell("policy", "init", str(tmp_path / "new" / "one")).out
    for target in (empty, link, shell.config, Path("/proc/nowhere/policies"), shell.config / "below"):
        answer = shell("policy", "init", str(target))
        assert answer.code == 2
        assert f"error: {target}: " in answer.err


# One question


def test_explain_tells_what_is_missing_and_which_conditions_held(shell: Shell) -> None:
    asked = ("policy", "explain", "deployment_automation", "-e", "production", "--role", "release-manager")
    answer = shell(*asked, "--mfa-age", "2m")
    assert answer.code == 1
    assert "get another person's approval" in answer.out.splitlines()[0]
    assert "forbid approval-in-protected (guardrails.cedar:3)" in answer.out
    assert shell(*asked, "--mfa-age", "2m", "--approvals", "1").code == 0
    assert shell(*asked, "--mfa-age", "5m1s", "--approvals", "1").code == 1
    assert shell(*asked, "--break-glass", "--mfa-age", "0").code == 0
    assert shell(*asked, "--dry-run").code == 0
    data = json.loads(shell(*asked, "--format", "json").out)
    assert (data["allowed"], data["missing"], data["approvals_missing"]) == (False, ["mfa", "approval"], 1)
    assert {rule["id"] for rule in data["decided_by"]} == {"approval-in-protected", "mfa-in-protected"}
    conditions = [c for rule in data["policies"] for c in rule["conditions"] if "mfa_age_s" in c["values"]]
    assert conditions and all(isinstance(c["held"], bool) for c in conditions)


def test_explain_takes_every_circumstance(shell: Shell, tmp_path: Path) -> None:
    rules = (
        "roles:\n  night:\n    allow:\n      - actions: [change]\n        when: {between: '22:00-23:00', max_risk: 30%, "
        "trigger: [alert], level: [self_healing], max_changes: 2, approver_roles: [boss], approvals: 2}\n  boss: {}\n"
    )
    folder = proposed(tmp_path)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "rules.yaml").write_text(rules)
    options = {
        "--at": "2026-11-24T22:30Z",
        "--risk": "30%",
        "--trigger": "alert",
        "--level": "self_healing",
        "--changes": "2",
        "--approver-role": "boss",
        "--approvals": "2",
    }
    worse = {
        "--at": "2026-11-24T23:30Z",
        "--risk": "0.31",
        "--trigger": "cli",
        "--level": "manual",
        "--changes": "3",
        "--approver-role": "night",
        "--approvals": "1",
    }

    def code(**changed: str) -> int:
        words = [word for pair in {**options, **changed}.items() for word in pair]
        start = ("policy", "explain", "system_monitor", "-e", "staging", "--role", "night", "--policies", str(folder))
        return shell(*start, *words).code

    assert code() == 0
    assert [code(**{option: value}) for option, value in worse.items()] == [1] * len(worse)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["config_validtor", "-e", "staging", "--role", "admin"], "config_validator"),
        (["config_validator", "-e", "Production", "--role", "admin"], "Did you mean 'production'?"),
        (["config_validator", "-e", "prod\u200buction", "--role", "admin"], "'production'"),
        (["config_validator", "-e", "staging", "--role", "admn"], "did you mean admin?"),
        (["config_validator", "-e", "staging", "--role", EVIL], "plain name"),
        (["config_validator", "-e", "staging", "-u", EVIL], "there is no user"),
        (["config_validator", "-e", "staging", "-u", ""], "there is no user"),
        (["config_validator", "-e", "staging", "-u", "admin", "--role", "admin"], "one of the two"),
        (["config_validator", "-e", "staging"], "one of the two"),
        (["config_validator", "--role", "admin"], "needs a SCRIPT and an --environment"),
        (["-e", "staging", "--role", "admin"], "needs a SCRIPT"),
        (["config_validator", "--action", "administer", "--role", "admin"], "Leave the script"),
        (["config_validator", "-e", "staging", "--role", "admin", "--action", "chnage"], "did you mean change?"),
        (["config_validator", "-e", "staging", "--role", "admin", "--action", "change", "--dry-run"], "--dry-run"),
        (["config_validator", "-e", "staging", "--role", "admin", "--at", "noon"], "--at"),
        (["config_validator", "-e", "staging", "--role", "admin", "--risk", "1"], "--risk"),
        (["config_validator", "-e", "staging", "--role", "admin", "--risk", "1.5"], "--risk"),
        (["config_validator", "-e", "staging", "--role", "admin", "--risk", "nan."], "--risk"),
        (["config_validator", "-e", "staging", "--role", "admin", "--mfa-age", "-1"], "--mfa-age"),
        (["config_validator", "-e", "staging", "--role", "admin", "--trigger", "cron"], "--trigger"),
        (["config_validator", "-e", "staging", "--role", "admin", "--level", "magic"], f"Known: {LEVELS[0]}"),
        (["config_validator", "-e", "staging", "--role", "admin", "--approver-role", "bos"], "--approver-role"),
    ],
)
def test_explain_refuses_bad_input_by_its_name(shell: Shell, arguments: list[str], message: str) -> None:
    answer = shell("policy", "explain", *arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert message in answer.err
    assert not any(character in answer.err for character in ACTED_UPON)
