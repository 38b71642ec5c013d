"""A correction is offered only when the checks that found the mistake are satisfied by it, and no other one complains."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.validation import checks
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.fixes.plan_fixes import FixPlan, plan_fixes
from automation_scripts.validation.parameters import ConfigValidatorParameters
from automation_scripts.validation.parsing.files import parse_text


def _plan(text: str, rules: str = "", folder: Path = Path("/x")) -> FixPlan:
    parameters = ConfigValidatorParameters(config_path="/x", rules_path=rules)
    file = parse_text(Path("/x/compose.yaml"), "compose.yaml", text)
    look = checks.of_one_file(Path("/x"), parameters, "production")
    return plan_fixes([file], [*file.findings, *look(file)], look)


def test_a_mistyped_key_and_a_mistyped_reference_are_mended() -> None:
    plan = _plan(
        "services:\n  web: {image: 'a:1', enviroment: {A: b}, depends_on: [databse]}\n  database: {image: 'b:1'}\n"
    )
    (file,) = plan.files
    assert "environment: {A: b}" in file.after
    assert "depends_on: [database]" in file.after


def test_a_correction_that_would_write_a_key_twice_is_not_offered() -> None:
    plan = _plan("services:\n  web:\n    image: a:1\n    environment: {A: b}\n    enviroment: {C: d}\n")
    assert plan.files == []


@pytest.mark.parametrize(("fix", "offered"), [("3", True), ("1", False), ("[", False), ("2 # why", True)])
def test_a_rules_own_fix_must_satisfy_the_rule(tmp_path: Path, fix: str, offered: bool) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "rules:\n- {id: own/scale, class: invalid-value, select: services.*.scale, assert: value >= 2,"
        f" message: too few, fix: '{fix}'}}\n"
    )
    plan = _plan("services:\n  web:\n    image: a:1\n    scale: 0\n", rules=str(rules))
    assert bool(plan.files) is offered


def test_looking_at_one_file_finds_what_looking_at_all_finds_in_it() -> None:
    text = "services:\n  web: {image: nginx, privileged: true, depends_on: [nobody]}\n"
    file = parse_text(Path("/x/compose.yaml"), "compose.yaml", text)
    look = checks.of_one_file(Path("/x"), ConfigValidatorParameters(config_path="/x"), None)
    tags = {tag for finding in look(file) for tag in finding.tags}
    assert {"privileged", "latest-tag", "dangling-ref"} <= tags
    assert {f.rule_id for f in checks.security(Corpus([file]))} <= {f.rule_id for f in look(file)}
