"""Broken, hostile and changing policy files."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.errors import AccessDenied, ConfigurationError
from automation_scripts.governance.policy import Authorizer, PolicyError, check, policy_folder, policy_set
from tests.governance.policy.support import ENVIRONMENTS, PROTECTED, ask, folder_of, load

GOOD = "roles:\n  operator:\n    allow:\n      - actions: [change]\n"


def problems(folder: Path) -> list[str]:
    found = check(folder, environments=ENVIRONMENTS, protected=PROTECTED)
    return [f"{p.at.line if p.at else ''}: {p.message}" for p in found]


RULE = "roles:\n  operator:\n    allow:\n      - actions: [change]\n        "

YAML_ERRORS = [
    ("roles: [\n", 2, "is not YAML"),
    ("", None, "empty"),
    ("rols: {}\n", 1, "did you mean roles?"),
    ("roles:\n  operator:\n    alow: []\n", 3, "did you mean allow?"),
    ("roles:\n  operator:\n    allow:\n      - action: [change]\n", 4, "did you mean actions?"),
    ("roles:\n  operator:\n    allow:\n      - actions: [chnage]\n", 4, "did you mean change?"),
    ("roles:\n  operator:\n    allow:\n      - actions: []\n", 4, "names no action"),
    ("roles:\n  operator:\n    allow:\n      - scripts: [config_validator]\n", 4, "needs actions"),
    ("roles:\n  operator:\n    allow: {actions: [change]}\n", 3, "must be a list"),
    ("roles:\n  operator:\n    inherits: [viewer]\n", 3, "unknown role 'viewer'"),
    ("roles:\n  a:\n    inherits: [b]\n  b:\n    inherits: [a]\n", 2, "circle"),
    ("roles:\n  a: {}\n  A: {}\n", 2, "capitals only"),
    ("roles:\n  a: {}\n  a: {}\n", 3, "already on line 2"),
    ("roles:\n  a:\n    inherits: [local]\n", 3, "neither inherits"),
    ('roles:\n  "oper\\u200bator": {}\n', 2, "write operator."),
    ('roles:\n  "op\\"); permit(principal,action,resource);//": {}\n', 2, "not a plain name"),
    (RULE + "environments: [Production]\n", 5, "did you mean production?"),
    (RULE + 'environments: ["prod\\u200buction"]\n', 5, "did you mean production?"),
    (RULE + 'environments: ["production "]\n', 5, "did you mean production?"),
    (RULE + "environments: [qa]\n", 5, "Known: development"),
    (RULE + "environments: [on]\n", 5, "in quotes"),
    (RULE + "scripts: [deployment_automaton]\n", 5, "did you mean deployment_automation?"),
    (RULE + "categories: [securty]\n", 5, "did you mean security?"),
    (RULE + "scripts: [config_validator]\n        categories: [security]\n", 6, "not both"),
    (RULE + "when: {mfa_wihtin: 5m}\n", 5, "did you mean mfa_within?"),
    (RULE + "when: {mfa_within: soon}\n", 5, "whole seconds"),
    (RULE + "when: {mfa_within: 500ms}\n", 5, "whole seconds"),
    (RULE + "when: {approvals: 0}\n", 5, "from 1 to 20"),
    (RULE + "when: {approvals: true}\n", 5, "from 1 to 20"),
    (RULE + "when: {between: 8-18}\n", 5, "such as 08:00-18:00"),
    (RULE + 'when: {between: "08:00-08:00"}\n', 5, "same time"),
    (RULE + 'when: {between: "08:00-25:00"}\n', 5, "such as 08:00-18:00"),
    (RULE + "when: {between: []}\n", 5, "empty"),
    (RULE + "when: {days: [mon-fry]}\n", 5, "such as mon"),
    (RULE + "when: {max_risk: 130%}\n", 5, "whole percentage"),
    (RULE + "when: {max_risk: 30}\n", 5, "whole percentage"),
    (RULE + "when: {not_during_freeze: false}\n", 5, "says nothing"),
    (RULE + "when: {level: [automtic]}\n", 5, "did you mean automatic?"),
    (RULE + "when: {trigger: [cron]}\n", 5, "unknown trigger"),
    (RULE + "when: {approver_roles: [oprator]}\n", 5, "did you mean operator?"),
    (RULE + "when: {}\n", 5, "names no condition"),
    (RULE + "id: 'a b'\n", 5, "not a plain name"),
    (RULE + "id: same\n      - actions: [change]\n        id: same\n", 6, "is taken"),
    (RULE + "roles: [operator]\n", 5, "unknown key"),
    ("deny:\n  - actions: [administer]\n    scripts: [config_validator]\n", 2, "whole installation"),
    ("deny:\n  - actions: [change]\n    roles: []\n", 3, "names no role"),
    ("time_zone: Europe/Belrin\n", 1, "did you mean Europe/Berlin?"),
    ("freezes:\n  - from: 2026-12-20\n", 2, "needs `until`"),
    ("freezes:\n  - {from: 2026-13-20, until: 2027-01-01}\n", 2, "is no time"),
    ("freezes:\n  - {from: 2027-01-03, until: 2026-12-20}\n", 2, "not after"),
    ("freezes:\n  - {from: 9999-12-31, until: 9999-12-31}\n", 2, "is no time"),
]


@pytest.mark.parametrize(("text", "line", "message"), YAML_ERRORS)
def test_yaml_problems_name_file_line_and_the_nearest_word(
    tmp_path: Path, text: str, line: int | None, message: str
) -> None:
    found = problems(folder_of(tmp_path, roles_yaml=text))
    assert any(message in p and p.startswith(f"{line or ''}:") for p in found), found


CEDAR_ERRORS = [
    ("permit(principal, action, resource);", 1, "needs an @id"),
    ('@id("a")\npermit(principal,\n  action resource);', 3, "unexpected token"),
    ('@id("a")\npermit(principal, action, resource)', 1, "not complete"),
    ('@id("a") permit(principal, action, resource) when { context.mfa = true };', 1, "not a valid operator"),
    ('// c;\n\n@id("a") permit(principal, action, resource)\nwhen {\n context.mfaa };', 5, "did you mean mfa?"),
    ('@id("a") permit(principal, action == Action::"chnage", resource);', 1, "did you mean change?"),
    ('@id("a") permit(principal is Usr, action, resource);', 1, "did you mean User?"),
    ('@id("a") permit(principal, action, resource)\nwhen { context.approvals == "1" };', 1, "type"),
    (
        '@id("a") permit(principal, action, resource)\nwhen { context.environment == "Production" };',
        2,
        "did you mean prod",
    ),
    ('@id("a") permit(principal, action, resource)\nwhen { ["qa"].contains(context.environment) };', 2, "unknown env"),
    ('@id("a") permit(principal, action, resource)\nwhen { context.trigger != "cron" };', 2, "unknown trigger"),
    ('@id("a") permit(principal, action, resource)\nwhen { context.weekday == "Monday" };', 2, "did you mean monday?"),
    ('@id("a") permit(principal, action, resource == Script::"deploy");', 1, "unknown script"),
    ('@id("a") permit(principal, action, resource in Category::"sec");', 1, "unknown category"),
    ('@id("a") permit(principal in Role::"oper\u200bator", action, resource);', 1, "write operator"),
    ('@id("a") permit(principal == ?principal, action, resource);', 1, "template"),
    ('@id("a") permit(principal, action, resource);\n@id("a") forbid(principal, action, resource);', 2, "is taken"),
    (";", 1, "unexpected"),
    ('@id("a") permit(principal, action, resource) when { "abc };', 1, "invalid token"),
]


@pytest.mark.parametrize(("text", "line", "message"), CEDAR_ERRORS)
def test_cedar_problems_name_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    found = problems(folder_of(tmp_path, own_cedar=text))
    assert any(message in p and p.startswith(f"{line}:") for p in found), found


@pytest.mark.parametrize("count", [60, 3000, 10_000])
@pytest.mark.parametrize("parts", ["()", "{}", "!", " &&"])
def test_policies_that_would_overflow_the_parser_are_refused(tmp_path: Path, count: int, parts: str) -> None:
    condition = {
        "()": "(" * count + "true" + ")" * count,
        "{}": "{a:" * count + "1" + "}" * count + " == 1",
        "!": "!" * count + "true",
        " &&": "true" + " && true" * (count * 3),
    }[parts]
    text = f'@id("a") permit(principal, action, resource) when {{ {condition} }};'
    (problem,) = problems(folder_of(tmp_path, own_cedar=text))
    assert problem.startswith("1: ")


def test_long_lists_are_no_problem(tmp_path: Path) -> None:
    scripts = {f"script-{number}": "security" for number in range(900)}
    text = f"roles: {{op: {{allow: [{{actions: [change], scripts: [{', '.join(scripts)}]}}]}}}}"
    policies = load(folder_of(tmp_path, roles_yaml=text), scripts={**scripts, "other": "security"})
    assert policies.allows(ask("op", "change", script="script-899"))
    assert not policies.allows(ask("op", "change", script="other"))


def test_decisions_while_files_are_replaced_are_by_one_version_or_the_other(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, roles_yaml=GOOD)
    authorizer = Authorizer(folder, ENVIRONMENTS, PROTECTED)
    versions = (GOOD, GOOD.replace("change", "change, cancel"))
    stop = threading.Event()

    def replace() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            (tmp_path / "new").write_text(f"{versions[number % 2]}# {number}\n", encoding="utf-8")
            (tmp_path / "new").replace(folder / "roles.yaml")

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        decisions = [authorizer.authorize(ask("operator", "change")) for _ in range(40)]
    finally:
        stop.set()
        writer.join()
    # A file that never rests may be given up on; what is not given up on is whole.
    assert all(decision.allowed or "keep changing" in decision.message for decision in decisions)


def test_a_file_replaced_while_it_is_read_is_not_kept_under_the_name_of_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, roles_yaml=GOOD)
    waiting = [GOOD.replace("change", "cancel")]
    real = policy_set.compile_files

    def compile_files(*args: Any) -> Any:
        if waiting:
            (folder / "roles.yaml").write_text(waiting.pop(), encoding="utf-8")
        return real(*args)

    monkeypatch.setattr(policy_set, "compile_files", compile_files)
    assert load(folder).allows(ask("operator", "cancel"))
    (folder / "roles.yaml").write_text(GOOD, encoding="utf-8")
    assert load(folder).allows(ask("operator", "change"))


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path, a_yaml="rols: {}\n", b_yaml="deny: 1\n", c_cedar="permit(principal, action, resource);"
    )
    with pytest.raises(ConfigurationError) as raised:
        load(folder)
    assert all(f"policies/{name}:1" in str(raised.value) for name in ("a.yaml", "b.yaml", "c.cedar"))


def test_the_same_role_and_two_time_zones_are_refused(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path, a_yaml="time_zone: UTC\nroles: {x: {}}\n", b_yaml="time_zone: Asia/Tokyo\nroles: {x: {}}\n"
    )
    found = problems(folder)
    assert any("defined at" in p for p in found)
    assert any("share one" in p for p in found)


def test_broken_files_deny_with_the_line_and_never_fall_back(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, roles_yaml=GOOD)
    authorizer = Authorizer(folder, ENVIRONMENTS, PROTECTED)
    request = ask("operator", "change", "test")
    assert authorizer.authorize(request).allowed
    (folder / "roles.yaml").write_text(GOOD + "denny: []\n", encoding="utf-8")
    broken = authorizer.authorize(request)
    assert not broken.allowed
    assert f"{folder}/roles.yaml:5" in broken.message
    with pytest.raises(AccessDenied, match="cannot be used"):
        broken.require()
    (folder / "roles.yaml").unlink()
    (folder / "guardrails.cedar").unlink()
    assert "holds no" in authorizer.authorize(request).message
    folder.rmdir()
    assert not authorizer.authorize(request).allowed
    folder_of(tmp_path, roles_yaml=GOOD)
    assert authorizer.authorize(request).allowed


def test_a_folder_that_is_there_is_used_even_when_it_cannot_be(tmp_path: Path) -> None:
    assert policy_folder(tmp_path) is None
    (tmp_path / "policies").symlink_to(tmp_path / "gone")
    folder = policy_folder(tmp_path)
    assert folder is not None
    assert not Authorizer(folder, ENVIRONMENTS, PROTECTED).authorize(ask("admin", "observe")).allowed


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize("name", ["", "roles.yaml"])
def test_files_that_everybody_can_write_are_refused(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path, roles_yaml=GOOD)
    (folder / name).chmod(0o777)
    with pytest.raises(PolicyError, match="everybody.*chmod go-w"):
        load(folder)


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize("name", ["", "roles.yaml"])
def test_files_that_another_group_can_write_are_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, roles_yaml=GOOD)
    mode = 0o775 if name == "" else 0o664
    (folder / name).chmod(mode)
    load(folder)  # the account's own group, as with a umask of 002
    monkeypatch.setattr(os, "getegid", lambda: (folder / name).stat().st_gid + 1)
    with pytest.raises(PolicyError, match="group.*chmod go-w"):
        load(folder)
    (folder / name).chmod(mode & ~0o020)
    load(folder)


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, roles_yaml=GOOD)
    os.mkfifo(folder / "more.cedar")
    with pytest.raises(PolicyError, match="not a regular file"):
        load(folder)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"roles: \xc3\x28\n", b"x" * 300_000])
@pytest.mark.parametrize("name", ["roles.yaml", "own.cedar"])
def test_files_that_are_not_text_or_too_large_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    folder = folder_of(tmp_path)
    (folder / name).write_bytes(content)
    with pytest.raises(PolicyError):
        load(folder)


def test_guard_rails_stay_until_the_folder_has_its_own(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, roles_yaml=GOOD)
    request = ask("operator", "change")
    assert load(folder).authorize(request).allowed
    (folder / "guardrails.cedar").unlink()
    assert not load(folder).authorize(request).allowed


def test_other_files_hidden_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, roles_yaml=GOOD)
    for name in ("README.md", ".roles.yaml", "roles.yaml.bak"):
        (folder / name).write_text("nonsense: [", encoding="utf-8")
    (folder / "tests").mkdir()
    assert load(folder).authorize(ask("operator", "change")).allowed


def test_policies_are_parsed_once_and_again_when_a_file_changes(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, roles_yaml=GOOD)
    first = load(folder)
    assert load(folder) is first
    before = (folder / "roles.yaml").stat()
    (folder / "roles.yaml").write_text(GOOD.replace("change", "cancel"), encoding="utf-8")
    os.utime(folder / "roles.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load(folder).digest != first.digest
    (folder / "roles.yaml").write_text(f"# a comment\n{GOOD}", encoding="utf-8")
    assert load(folder).digest == first.digest
    assert load(folder, require_mfa=False).digest != first.digest
