"""Only what a change has to answer for, asked from a real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.team.changed import changed_findings
from automation_scripts.validation.team.git_changes import FileChange, changes_since
from tests.validation.team.trees import finding, validated, write


def git(root: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(root)}
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, "-c", "protocol.file.allow=always", *arguments],
        cwd=root, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def committed(root: Path, files: dict[str, str]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    write(root, files)
    if not (root / ".git").exists():
        git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x")
    return root


def kept(root: Path, *findings: Finding, revision: str = "HEAD", whole_files: bool = False) -> list[Finding]:
    files = [parse_file(path, path.relative_to(root).as_posix()) for path in sorted(root.rglob("*.yaml"))]
    changes = changes_since(revision, root)
    got, left_out = changed_findings(findings, changes, root=root, files=files, whole_files=whole_files)
    assert sorted(map(id, [*got, *left_out])) == sorted(map(id, findings))
    return got


def at(line: int, file: str = "a.yaml", end: int | None = None, **more: object) -> Finding:
    return finding(line=line, end_line=end or line, file=file, message=str(more.pop("message", f"at {line}")), **more)


def test_findings_on_changed_and_added_lines_only(tmp_path: Path) -> None:
    root = committed(tmp_path, {"a.yaml": "a: 1\nb: 2\nc: 3\nd: 4\n", "b.yaml": "a: 1\n"})
    write(root, {"a.yaml": "a: 1\nb: 9\nc: 3\nd: 4\ne: 5\n"})
    findings = [at(line) for line in range(1, 6)]
    assert [f.line for f in kept(root, *findings, at(1, "b.yaml"))] == [2, 5]
    assert kept(root, at(1, end=2)) != []
    assert kept(root, at(3), whole_files=True) != []
    assert kept(root, at(1, "b.yaml"), whole_files=True) == []


def test_a_multi_line_finding_that_ends_at_a_line_start_does_not_reach_it(tmp_path: Path) -> None:
    root = committed(tmp_path, {"a.yaml": "a: 1\nb: 2\nc: 3\n"})
    write(root, {"a.yaml": "a: 1\nb: 2\nc: 4\n"})
    assert kept(root, at(1, end=3, end_column=1)) == []


def test_staged_and_unstaged_changes_count_and_so_do_untracked_files_but_no_ignored_ones(tmp_path: Path) -> None:
    root = committed(tmp_path, {"a.yaml": "a: 1\nb: 2\n", ".gitignore": "local.yaml\n"})
    write(root, {"a.yaml": "a: 2\nb: 2\n", "new.yaml": "a: 1\n", "sub/new.yaml": "a: 1\n", "local.yaml": "a: 1\n"})
    git(root, "add", "a.yaml")
    write(root, {"a.yaml": "a: 2\nb: 3\n"})
    findings = [at(1), at(2), at(1, "new.yaml"), at(1, "sub/new.yaml"), at(1, "local.yaml")]
    assert kept(root, *findings) == findings[:4]


def test_a_renamed_file_counts_by_its_lines(tmp_path: Path) -> None:
    text = "".join(f"key{n}: {n}\n" for n in range(20))
    root = committed(tmp_path, {"old/a.yaml": text})
    git(root, "mv", "old", "new")
    write(root, {"new/a.yaml": text.replace("key7: 7", "key7: 8")})
    assert [f.line for f in kept(root, *(at(n, "new/a.yaml") for n in range(1, 21)))] == [8]


def test_any_file_name_and_any_content_that_looks_like_a_patch(tmp_path: Path) -> None:
    names = ["sp ace.yaml", "ü.yaml", 'quo"te.yaml', "new\nline.yaml", "-dash.yaml", ":(glob).yaml", "tab\t.yaml"]
    text = "a: |\n  x\n++ b/x.yaml\n@@ -1 +1,9 @@\ndiff --git a/x b/x\nlast: 1\n"
    root = committed(tmp_path, dict.fromkeys(names, text))
    write(root, {name: text.replace("last: 1", "last: 2\n++ c/y.yaml") for name in names})
    for name in names:
        change = changes_since("HEAD", root).of(root / name)
        assert change is not None
        assert (change.whole, change.lines) == (False, [(6, 7)]), name


def test_a_revision_and_where_the_branch_left_it(tmp_path: Path) -> None:
    root = committed(tmp_path, {"a.yaml": "a: 1\n", "b.yaml": "b: 1\n"})
    git(root, "checkout", "-qb", "work")
    committed(root, {"a.yaml": "a: 2\n"})
    git(root, "checkout", "-q", "main")
    committed(root, {"b.yaml": "b: 2\n"})
    git(root, "checkout", "-q", "work")
    findings = [at(1), at(1, "b.yaml")]
    assert kept(root, *findings, revision="main...") == findings[:1]
    assert kept(root, *findings, revision="main") == findings
    assert kept(root, *findings, revision="HEAD") == []


def test_a_folder_of_a_repository_and_a_single_file(tmp_path: Path) -> None:
    root = committed(tmp_path, {"deploy/a.yaml": "a: 1\nb: 1\n", "x.txt": "x"})
    write(root, {"deploy/a.yaml": "a: 1\nb: 2\n", "x.txt": "y"})
    assert [f.line for f in kept(root / "deploy", at(1), at(2))] == [2]
    changes = changes_since("HEAD", root / "deploy" / "a.yaml")
    assert changed_findings([at(2)], changes, root=root / "deploy")[0] == [at(2)]


def test_links_count_by_themselves_and_by_what_they_lead_to(tmp_path: Path) -> None:
    root = committed(tmp_path, {"a.yaml": "a: 1\n", "b.yaml": "a: 1\n"})
    (root / "link.yaml").symlink_to("a.yaml")
    committed(root, {})
    assert kept(root, at(1, "link.yaml")) == []
    write(root, {"a.yaml": "a: 2\n"})
    assert kept(root, at(1, "link.yaml")) != []
    committed(root, {})
    (root / "link.yaml").unlink()
    (root / "link.yaml").symlink_to("b.yaml")
    assert kept(root, at(1, "link.yaml")) != []


def test_submodules_are_passed_over(tmp_path: Path) -> None:
    inner = committed(tmp_path / "inner", {"a.yaml": "a: 1\n"})
    root = committed(tmp_path / "outer", {"a.yaml": "a: 1\n"})
    git(root, "submodule", "add", "-q", str(inner), "sub")
    git(root, "commit", "-qm", "sub")
    write(root, {"sub/a.yaml": "a: 2\n"})
    assert kept(root, at(1, "sub/a.yaml")) == []


@pytest.mark.parametrize(
    "revision", ["nowhere", "", "-x", "--output=/tmp/never", "HEAD\n", "HEAD:a.yaml", "a..b", "..."]
)
def test_a_bad_revision_is_told(tmp_path: Path, revision: str) -> None:
    root = committed(tmp_path, {"a.yaml": "a: 1\n"})
    with pytest.raises(InvalidParameters, match="--changed-since"):
        changes_since(revision, root)
    assert not Path("/tmp/never").exists()


def test_no_repository_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InvalidParameters, match="no git repository"):
        changes_since("HEAD", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidParameters, match="Install git"):
        changes_since("HEAD", tmp_path)


def test_nothing_of_the_repositorys_settings_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = committed(tmp_path / "repo", {"a.yaml": "a: 1\nb: 1\n", ".gitattributes": "*.yaml diff=evil -text\n"})
    ran = tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    for name in ("diff.external", "diff.evil.command", "diff.evil.textconv", "core.fsmonitor", "core.pager"):
        git(root, "config", name, str(script))
    git(root, "config", "diff.noprefix", "true")
    git(root, "config", "diff.renames", "false")
    git(root, "config", "diff.interHunkContext", "10")
    git(root, "config", "color.ui", "always")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(script))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    write(root, {"a.yaml": "a: 1\nb: 2\n"})
    assert [f.line for f in kept(root, at(1), at(2))] == [2]
    assert not ran.exists()


COMPOSE = "services:\n  web:\n    image: nginx:1.25\n    depends_on: [db]\n  db:\n    image: postgres:16\n"


def test_a_reference_whose_other_end_was_removed_is_kept(tmp_path: Path) -> None:
    root = committed(tmp_path, {"compose.yaml": COMPOSE, "other.yaml": "x: 1\n"})
    write(root, {"compose.yaml": COMPOSE.replace("  db:\n    image: postgres:16\n", "")})
    dangling = [f for f in validated(root).findings if "dangling-ref" in f.tags]
    assert [f.line for f in dangling] == [4]
    assert kept(root, *dangling) == dangling


def test_a_reference_to_a_file_that_was_removed_is_kept(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "kind: Kustomization\nresources:\n  - app.yaml\n  - gone.yaml\n",
        "gone.yaml": "a: 1\n",
    }
    root = committed(tmp_path, files)
    (root / "gone.yaml").unlink()
    dangling = [f for f in validated(root).findings if "gone.yaml" in f.message]
    assert dangling
    assert kept(root, *dangling) == dangling


def test_a_reference_that_dangled_before_is_left_out(tmp_path: Path) -> None:
    root = committed(tmp_path, {"compose.yaml": COMPOSE.replace("[db]", "[cache]")})
    write(root, {"compose.yaml": COMPOSE.replace("[db]", "[cache]").replace("postgres:16", "postgres:17")})
    dangling = [f for f in validated(root).findings if "dangling-ref" in f.tags]
    assert dangling
    assert kept(root, *dangling) == []


def test_a_finding_that_names_a_changed_line_elsewhere_is_kept(tmp_path: Path) -> None:
    root = committed(tmp_path, {"a.yaml": "a: 1\nb: 1\n", "conf/b.yaml": "a: 1\nb: 1\n", "xconf/b.yaml": "a: 1\n"})
    write(root, {"conf/b.yaml": "a: 1\nb: 2\n"})
    for message, wanted in [
        ("the port is used by conf/b.yaml:2 too.", True),
        ("the port is used by conf/b.yaml:1 too.", False),
        ("it differs from conf/b.yaml.", True),
        ("it differs from xconf/b.yaml.", False),
    ]:
        told = at(1, tags=("port-collision",), message=message)
        assert bool(kept(root, told)) is wanted, message


def test_a_finding_that_names_a_changed_line_of_its_own_file_is_kept(tmp_path: Path) -> None:
    root = committed(tmp_path, {"a.yaml": "b: 1\na: 2\n"})
    write(root, {"a.yaml": "a: 1\na: 2\n"})
    duplicate = [f for f in validated(root).findings if "dup-key" in f.tags]
    assert [f.line for f in duplicate] == [2]
    assert kept(root, *duplicate) == duplicate


def test_what_lacks_because_lines_went_away_is_kept_and_what_lacked_before_is_not(tmp_path: Path) -> None:
    before = "jobs:\n  one:\n    image: a\n    limit: 1\n    x: 1\n  two:\n    image: b\n    x: 1\n"
    root = committed(tmp_path, {"a.yaml": before})
    write(root, {"a.yaml": before.replace("    limit: 1\n", "")})
    lacks = [
        at(2, column=3, tags=("missing-required",), message="one lacks a limit"),
        at(5, column=3, tags=("missing-required",), message="two lacks a limit"),
        at(2, column=3, tags=("unknown-key",), message="one is unknown"),
    ]
    assert kept(root, *lacks) == lacks[:1]
    write(root, {"a.yaml": before.replace("x: 1", "x: 2")})
    assert kept(root, at(2, column=3, tags=("missing-required",))) == []


def test_an_error_of_syntax_in_a_touched_file_is_kept(tmp_path: Path) -> None:
    root = committed(tmp_path, {"a.yaml": "a: 1\nb: 1\n", "b.yaml": "a: 1\nb: 1\n"})
    write(root, {"a.yaml": "a: '1\nb: 1\n"})
    error = at(2, tags=("syntax",))
    elsewhere = at(2, "b.yaml", tags=("syntax",))
    assert kept(root, error, elsewhere) == [error]


lines = st.lists(st.sampled_from(["a: 1", "b: 2", "- c", "", "  d: 4", "@@ -1 +1 @@", "+++ x"]), max_size=8)


@settings(max_examples=8, deadline=None)
@given(lines, lines)
def test_touched_lines_are_those_that_a_comparison_finds(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str]
) -> None:
    root = committed(tmp_path_factory.mktemp("any"), {"a.yaml": "".join(f"{line}\n" for line in before), "keep": ""})
    write(root, {"a.yaml": "".join(f"{line}\n" for line in after)})
    change = changes_since("HEAD", root).of(root / "a.yaml")
    touched = [] if change is None else [n for n in range(1, len(after) + 1) if change.touches(n, n)]
    # Every line that is nowhere in the old text is new; and nothing is touched where nothing changed.
    assert {n for n, line in enumerate(after, 1) if line not in before} <= set(touched)
    assert (change is None) == (before == after)
    untouched = [line for n, line in enumerate(after, 1) if n not in touched]
    rest = iter(before)
    assert all(line in rest for line in untouched), "what is not touched stands in the old text, in its order"


def test_pieces_and_cuts() -> None:
    change = FileChange(lines=[(3, 4), (9, 9)], cuts=[6])
    assert [n for n in range(1, 11) if change.touches(n, n)] == [3, 4, 9]
    assert change.touches(1, 3)
    assert not change.touches(5, 8)
    assert change.shortened(5, 7)
    assert not change.shortened(7, 9)
