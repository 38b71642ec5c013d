"""`automation validate` and `automation rules`: what they print, write and return."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from automation_scripts.cli.app import build_app
from automation_scripts.errors import InvalidParameters

GOOD = "services:\n  web:\n    image: nginx:1.27\n"
BAD = "services:\n  web:\n    image: nginx:1.27\n    depends_on: [databse]\n  database:\n    image: postgres:17\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "conf"
    (folder / "sub").mkdir(parents=True)
    (folder / "compose.yaml").write_text(BAD)
    (folder / "sub" / "app.yaml").write_text("country: no\nenabled: yes\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOMATION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def call(*arguments: str, code: int | None = None) -> str:
    done = CliRunner().invoke(build_app(), list(arguments), catch_exceptions=False)
    if code is not None:
        assert done.exit_code == code, done.output
    return done.stdout


def found(*arguments: str) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = json.loads(call("validate", *arguments, "--format", "json"))["findings"]
    return findings


def test_findings_decide_the_exit_code(tree: Path) -> None:
    text = call("validate", str(tree), code=1)
    assert "databse" in text
    assert "findings in 2 files" in text
    call("validate", str(tree), "--fail-on", "never", code=0)
    (tree / "compose.yaml").write_text(GOOD)
    call("validate", str(tree), code=0)


def test_nothing_is_started_or_recorded(tree: Path, tmp_path: Path) -> None:
    call("validate", str(tree))
    assert not (tmp_path / "home").exists()


def test_files_are_checked_against_the_whole_working_tree_but_only_they_are_told_of(tree: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    (tree / "schema.json").write_text("{}")
    (tree / "one.yaml").write_text("$ref: sub/app.yaml\n")
    files = {finding["file"] for finding in found(str(tree / "sub" / "app.yaml"), str(tree / "one.yaml"))}
    assert files == {"sub/app.yaml"}, "the reference leads to a file that was read, and compose.yaml was not asked for"


def test_a_path_that_is_not_below_the_root_is_refused(tree: Path) -> None:
    with pytest.raises(InvalidParameters, match="not below --root"):
        call("validate", str(tree / "compose.yaml"), "--root", str(tree / "sub"))
    with pytest.raises(InvalidParameters, match="does not exist"):
        call("validate", str(tree / "compose.yaml"), str(tree / "nowhere.yaml"))


def test_a_dry_run_of_fix_is_a_diff_that_patch_takes(tree: Path) -> None:
    before = (tree / "sub" / "app.yaml").read_text()
    diff = call("validate", str(tree), "--fix", "--dry-run")
    assert (tree / "sub" / "app.yaml").read_text() == before, "nothing is written"
    assert '+country: "no"' in diff
    patch = shutil.which("patch")
    done = subprocess.run(
        [patch, "-p1"] if patch else ["git", "apply", "-"],
        input=diff,
        text=True,
        cwd=tree,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tree / "sub" / "app.yaml").read_text() == 'country: "no"\nenabled: true\n'
    assert not [finding for finding in found(str(tree)) if finding["rule_id"] == "yaml/version-difference"]


def test_a_file_without_a_last_line_end_gives_a_diff_that_applies(tree: Path) -> None:
    (tree / "sub" / "app.yaml").write_text("country: no")
    (tree / "compose.yaml").write_text(GOOD)
    diff = call("validate", str(tree), "--fix", "--dry-run")
    subprocess.run(["git", "apply", "-"], input=diff, text=True, cwd=tree, check=True)
    assert (tree / "sub" / "app.yaml").read_text() == 'country: "no"'


def test_dry_run_without_fix_and_impossible_outputs_are_refused(tree: Path) -> None:
    for arguments in (
        ["--dry-run"],
        ["--output", str(tree)],
        ["--fix", "--format", "html"],
        ["--schema", str(tree / "none.json")],
        ["--rules", str(tree / "none.yaml")],
    ):
        with pytest.raises(InvalidParameters):
            call("validate", str(tree), *arguments)


@pytest.mark.parametrize("kind", ["json", "sarif", "html", "text", "github"])
def test_every_format_can_be_written_to_a_file(tree: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"out.{kind}"
    assert call("validate", str(tree), "--format", kind, "-o", str(file), code=1) == ""
    text = file.read_text()
    assert "databse" in text
    if kind == "sarif":
        assert json.loads(text)["version"] == "2.1.0"


RULES = """\
rules:
  - id: shop/replicas
    severity: high
    class: invalid-value
    select: replicas
    assert: value >= 2
    message: "{path} is {value}"
    bad: "replicas: 1"
    good: "replicas: GOOD"
"""


def test_rules_are_tested_by_their_own_examples(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES.replace("GOOD", "2"))
    assert "1 rules, 2 examples: none failed" in call("rules", "test", str(file), code=0)
    file.write_text(RULES.replace("GOOD", "0"))
    assert "good example breaks the rule" in call("rules", "test", str(file), code=1)
    file.write_text(RULES.replace('    good: "replicas: GOOD"\n', ""))
    assert "has no good example" in call("rules", "test", str(file), code=1)
    file.write_text(RULES.replace("assert: value >= 2", "assert: value >== 2"))
    with pytest.raises(InvalidParameters, match=r"rules\.yaml:6"):
        call("rules", "test", str(file))


def test_the_built_in_rules_hold_and_can_be_listed() -> None:
    assert "none failed" in call("rules", "test", code=0)
    rules = json.loads(call("rules", "list", "--json", code=0))
    assert {"id", "class", "severity", "kind"} == set(rules[0])


def test_accepted_findings_are_not_shown_and_new_ones_are(tree: Path) -> None:
    call("validate", str(tree), "--baseline", "accepted.json", "--update-baseline", code=0)
    assert "not shown: " in call("validate", str(tree), "--baseline", "accepted.json", code=0)
    (tree / "sub" / "app.yaml").write_text("# moved\ncountry: no\nenabled: yes\nenabled: yes\n")
    shown = found(str(tree), "--baseline", "accepted.json")
    assert {(finding["rule_id"], finding["line"]) for finding in shown} >= {("yaml/duplicate-key", 4)}
    assert not [finding for finding in shown if finding["file"] == "compose.yaml"]
    with pytest.raises(InvalidParameters, match=r"nowhere\.json: The file cannot be read"):
        call("validate", str(tree), "--baseline", "nowhere.json")
    with pytest.raises(InvalidParameters, match="needs --baseline"):
        call("validate", str(tree), "--update-baseline")


def test_a_suppression_hides_what_it_names_and_is_counted(tree: Path) -> None:
    line = "    depends_on: [databse]"
    (tree / "compose.yaml").write_text(
        BAD.replace(line, f"{line}  # automation: ignore[dangling-ref] made by another file")
    )
    shown = json.loads(call("validate", str(tree), "--format", "json", code=0))
    assert shown["suppressed"] >= 1
    assert "reference/unknown-service" not in {finding["rule_id"] for finding in shown["findings"]}
    sarif = json.loads(call("validate", str(tree), "--format", "sarif"))
    kinds = [s["kind"] for result in sarif["runs"][0]["results"] for s in result.get("suppressions", [])]
    assert kinds == ["inSource"] * len(kinds)
    assert kinds


def test_only_what_changed_has_to_answer(tree: Path) -> None:
    git = ["git", "-C", str(tree), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git[:3], "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    assert found(str(tree), "--changed-since", "HEAD") == []
    with (tree / "sub" / "app.yaml").open("a") as file:
        file.write("other: no\n")
    assert {(f["file"], f["line"]) for f in found(str(tree), "--changed-since", "HEAD")} == {("sub/app.yaml", 3)}
    with pytest.raises(InvalidParameters, match="--changed-since"):
        call("validate", str(tree), "--changed-since", "nowhere")


def test_the_cache_changes_nothing(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first, second, without = found(str(tree)), found(str(tree)), found(str(tree), "--no-cache")
    assert first == second == without
    assert any((tmp_path / "cache").rglob("*"))
