"""Which files are found, in which order, and that nothing blocks, loops or raises."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from automation_scripts.errors import InvalidParameters
from automation_scripts.validation.input import reading
from automation_scripts.validation.input.discovery import Discovery, discover
from automation_scripts.validation.input.file_kinds import FileKind, kind_of
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing.files import parse_file
from tests.validation.parsing.conftest import check_findings


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def names(found: Discovery) -> list[str]:
    return [file.name for file in found.files]


def rules(found: Discovery) -> dict[str, str]:
    for finding in found.findings:
        check_findings([finding], finding.file or "")
    return {finding.file or "": finding.rule_id for finding in found.findings}


def test_files_come_in_a_stable_order_with_names_relative_to_the_root(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"b.yml": "b: 1", "a/z.yaml": "z: 1", "a/b/c.json": "{}", "a.yaml": "a: 1", "notes.txt": "", "A.YAML": "x: 1"},
    )
    found = discover(tmp_path)
    assert names(found) == ["A.YAML", "a.yaml", "a/b/c.json", "a/z.yaml", "b.yml"]
    assert found.files[2].path == tmp_path / "a/b/c.json"
    assert found.root == tmp_path


def test_code_of_others_caches_and_hidden_folders_are_skipped(tmp_path: Path) -> None:
    skipped = ["node_modules/p/package.json", ".git/x.yaml", ".venv/x.yaml", "__pycache__/x.json", ".terraform/x.json"]
    write(tmp_path, dict.fromkeys([*skipped, ".cache/x.yaml", "package-lock.json"], "{}"))
    kept = [".github/workflows/ci.yaml", ".gitlab/x.yml", ".circleci/config.yml", ".travis.yml", "package.json"]
    write(tmp_path, dict.fromkeys(kept, "{}"))
    assert names(discover(tmp_path)) == sorted(kept)


def test_what_is_skipped_can_be_chosen(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys(["node_modules/a.json", ".cache/b.yaml", "package-lock.json", "vendor/c.yaml"], "{}"))
    found = discover(
        tmp_path,
        skipped_folders=frozenset({"vendor"}),
        visited_hidden_folders=frozenset({".cache"}),
        skipped_files=frozenset(),
    )
    assert names(found) == [".cache/b.yaml", "node_modules/a.json", "package-lock.json"]


def test_env_files_are_listed_apart(tmp_path: Path) -> None:
    write(tmp_path, {".env": "A=1", ".env.prod": "A=2", "db.env": "B=1", "a.yaml": "a: 1", ".envrc": "x"})
    found = discover(tmp_path)
    assert names(found) == ["a.yaml"]
    assert [file.name for file in found.env_files] == [".env", ".env.prod", "db.env"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.YML", FileKind.YAML),
        ("x/.yamllint", FileKind.YAML),
        ("a.json", FileKind.JSON),
        ("tsconfig.base.json", FileKind.JSONC),
        (".vscode/launch.json", FileKind.JSONC),
        ("a.jsonc", FileKind.JSONC),
        ("values.yaml.j2", FileKind.TEMPLATE),
        ("a.json.tpl", FileKind.TEMPLATE),
        ("prod.env", FileKind.ENV),
        ("a.toml", None),
        ("yaml", None),
        ("script.j2", None),
    ],
)
def test_the_name_tells_the_kind(name: str, kind: FileKind | None) -> None:
    assert kind_of(name) is kind


def test_a_single_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    write(tmp_path, {"settings": '{"a": 1}', "conf.txt": "a: 1\n"})
    found = discover(tmp_path / "settings")
    assert names(found) == ["settings"]
    assert parse_file(found.files[0].path, "settings", kind=found.files[0].kind).format.value == "json"
    found = discover(tmp_path / "conf.txt")
    assert parse_file(found.files[0].path, "conf.txt").format.value == "yaml"


def test_a_relative_path_gives_absolute_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"conf/a.yaml": "a: 1"})
    monkeypatch.chdir(tmp_path)
    found = discover(Path("conf"))
    assert found.files[0].path == tmp_path / "conf/a.yaml"
    assert names(found) == ["a.yaml"]


def test_a_missing_path_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters, match=r"config_path: .*nope cannot be read: it does not exist"):
        discover(tmp_path / "nope")
    (tmp_path / "dead").symlink_to(tmp_path / "gone")
    with pytest.raises(InvalidParameters, match="link to something that does not exist"):
        discover(tmp_path / "dead")
    with pytest.raises(InvalidParameters, match="config_path"):
        discover(Path("a\x00b"))


def test_a_folder_without_configuration_says_what_was_looked_for(tmp_path: Path) -> None:
    write(tmp_path, {"readme.md": "x", "node_modules/a.json": "{}"})
    with pytest.raises(InvalidParameters, match=r"\*\.yaml.*node_modules"):
        discover(tmp_path)


def test_links_are_followed_once_and_real_names_win(tmp_path: Path) -> None:
    write(tmp_path, {"base/app.yaml": "a: 1"})
    other = tmp_path.parent / f"{tmp_path.name}-outside"
    write(other, {"shared.yaml": "s: 1", "deep/x.yaml": "x: 1"})
    (tmp_path / "a-link").symlink_to(tmp_path / "base")
    (tmp_path / "alias.yaml").symlink_to(tmp_path / "base/app.yaml")
    (tmp_path / "outside").symlink_to(other)
    (tmp_path / "shared.yaml").symlink_to(other / "shared.yaml")
    found = discover(tmp_path)
    assert names(found) == ["base/app.yaml", "outside/deep/x.yaml", "outside/shared.yaml"]
    assert found.findings == []


def test_a_mounted_config_map_is_read_through_its_links(tmp_path: Path) -> None:
    write(tmp_path, {"..2024_01/config.yaml": "a: 1"})
    (tmp_path / "..data").symlink_to("..2024_01")
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    assert names(discover(tmp_path)) == ["config.yaml"]


def test_loops_of_links_are_findings(tmp_path: Path) -> None:
    write(tmp_path, {"conf/a.yaml": "a: 1"})
    (tmp_path / "conf/up").symlink_to(tmp_path)
    (tmp_path / "conf/here").symlink_to(".")
    (tmp_path / "self.yaml").symlink_to(tmp_path / "self.yaml")
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    found = discover(tmp_path)
    assert names(found) == ["conf/a.yaml"]
    assert rules(found) == {
        "conf/up": "file/link-loop",
        "conf/here": "file/link-loop",
        "self.yaml": "file/link-loop",
        "gone.yaml": "file/broken-link",
    }
    assert {f.file: f.tags for f in found.findings}["gone.yaml"] == ("dangling-ref",)


@pytest.mark.timeout(20)
def test_pipes_sockets_and_devices_never_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.yaml": "a: 1"})
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "null.yaml").symlink_to("/dev/null")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)
        listening.bind("s.yaml")
        found = discover(tmp_path)
    assert names(found) == ["a.yaml"]
    assert rules(found) == dict.fromkeys(["null.yaml", "pipe.yaml", "s.yaml", "zero.json"], "file/special")
    [finding] = parse_file(tmp_path / "pipe.yaml", "pipe.yaml").findings
    assert finding.rule_id == "file/special"


def test_large_and_binary_files_are_findings(tmp_path: Path) -> None:
    write(tmp_path, {"large.yaml": "a: 1\n" * 100, "b.json": b"\x1f\x8b\x08\x00\x01\x02" * 50, "ok.yaml": "a: 1"})
    found = discover(tmp_path, Limits(max_file_bytes=100))
    assert names(found) == ["ok.yaml"]
    assert rules(found)["large.yaml"] == "file/too-large"
    assert rules(discover(tmp_path))["b.json"] == "file/binary"
    [finding] = parse_file(tmp_path / "large.yaml", "large.yaml", Limits(max_file_bytes=100)).findings
    assert finding.rule_id == "file/too-large"
    [finding] = parse_file(tmp_path / "b.json", "b.json").findings
    assert finding.rule_id == "file/binary"


def test_a_folder_named_like_a_file_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {"conf.yaml/real.yaml": "a: 1"})
    assert names(discover(tmp_path)) == ["conf.yaml/real.yaml"]
    [finding] = parse_file(tmp_path / "conf.yaml", "conf.yaml").findings
    assert finding.rule_id == "file/special"


def test_what_this_user_may_not_read_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the refusal is put in where the system would give it."""
    write(tmp_path, {"secret.yaml": "a: 1", "ok.yaml": "b: 1", "closed/x.yaml": "c: 1"})
    real_open, real_scan = os.open, os.scandir

    def refusing_open(path: os.PathLike[str] | str, *arguments: int, **options: int) -> int:
        if Path(path).name == "secret.yaml":
            raise PermissionError(13, "Permission denied")
        return real_open(path, *arguments, **options)

    def refusing_scan(path: os.PathLike[str] | str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real_scan(path)

    monkeypatch.setattr(reading.os, "open", refusing_open)
    monkeypatch.setattr(os, "scandir", refusing_scan)
    found = discover(tmp_path)
    assert names(found) == ["ok.yaml"]
    assert rules(found) == {"secret.yaml": "file/unreadable", "closed": "file/unreadable"}
    assert "Permission denied" in found.findings[0].message


def test_too_many_files_end_the_search(tmp_path: Path) -> None:
    write(tmp_path, {f"{n:03d}.yaml": "a: 1" for n in range(30)})
    found = discover(tmp_path, Limits(max_files=10))
    assert len(found.files) == 10
    assert rules(found) == {".": "file/too-many"}


def test_a_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.yaml"
    try:
        with open(path, "wb") as file:  # noqa: PTH123 - bytes
            file.write(b"a: 1\n")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    [file_found] = discover(tmp_path).files
    assert file_found.name == "caf\ufffd.yaml"
    assert parse_file(file_found.path, file_found.name).documents
