"""Files that are broken, of the wrong kind, or made to exhaust the reader: refused at once, with a reason."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from automation_scripts.settings import SettingsError, load_settings, yaml_tree

LETTERS = "abcdefghijklmnop"


def doubling(line: str) -> str:
    """`a` is a leaf; each letter after it repeats the one before nine times."""
    pairs = pairwise(LETTERS)
    return "\n".join(line.format(name=name, before=",".join([f"*{before}"] * 9)) for before, name in pairs)


BOMBS = {
    "billion laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n" + doubling("{name}: &{name} [{before}]"),
    "maps": "a: &a {k: x}\n" + doubling("{name}: &{name} {{k: [{before}]}}"),
    "merge keys": "a: &a {k: 1}\n" + doubling("{name}: &{name} {{<<: [{before}]}}"),
    "deep by aliases": "a: &a [x]\n"
    + "\n".join(f"{n}{i}: &k{i} [*k{i - 1}]" if i else "z: &k0 [*a]" for i, n in enumerate("b" * 100)),
    "deep flow lists": "[" * 100_000,
    "deep flow maps": "{a: " * 50_000,
    "deep block lists": "- " * 100_000,
    "deep complex keys": "? " * 100_000,
    "many keys": "".join(f"k{i}: 1\n" for i in range(20_000)),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("with_libyaml", [True, False])
def test_a_bomb_is_refused_small(
    name: str, with_libyaml: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", with_libyaml and yaml.__with_libyaml__)
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMBS[name])
    with pytest.raises(SettingsError) as caught:
        load_settings(path, {})
    (problem,) = caught.value.problems
    assert "nested deeper than 32" in problem.message or "more than 5000 values" in problem.message
    assert problem.at is not None


def test_a_bomb_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMBS["merge keys"])
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from automation_scripts.settings import SettingsError, load_settings\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (400 << 20, 400 << 20))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n"
        "try: load_settings(Path(sys.argv[1]), {})\n"
        "except SettingsError as e: print(e)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "once its aliases are followed" in done.stdout


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"log: {level: \xe9}", ":1:14: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("# é\nlog: {level: x}".encode("latin-1"), ":1:3: byte 0xe9"),
        (b"\xef\xbb\xbf\xff", ":1:1: byte 0xff"),
        ("log: {level: INFO}".encode("utf-16"), ":1:1: is UTF-16 or UTF-32"),
        ("log: {level: INFO}".encode("utf-16-le"), "is UTF-16 or UTF-32"),
        ("log: {level: INFO}".encode("utf-32"), "is UTF-16 or UTF-32"),
        (b"\x7fELF\x02\x01\x01\x00", "U+007F is not allowed"),
        (b"log:\n  level: I\x00NFO\n", ":2:11: character U+0000 is not allowed in YAML"),
        (b"log: {level: \x1b[31m}", ":1:14: character U+001B"),
        (b"#" * 300_000, "is larger than 256 KiB"),
        (b"automation: {\n", "is not YAML"),
        (b"automation:\n\tdefault_timeout: 1\n", ":2:1: is not YAML"),
        (b"automation: @x", ":1:13: is not YAML"),
        (b"log: 'x", "is not YAML"),
        (b"a: b: c", ":1:5: is not YAML: mapping values are not allowed"),
        (b"%YAML 9.9\n---\nlog: {}", "is not YAML"),
        (b"log: {level: INFO}\n---\nlog: {level: DEBUG}\n", ":2:1: a second document begins here"),
        (b"log: *level", ":1:6: alias *level has no anchor &level before it"),
        (b"log: &a [*a]", ":1:10: alias *a contains itself"),
        (b"log: &a {<<: *a}", ":1:14: alias *a contains itself"),
        (b"- a\n- b\n", ":1:1: the file must be a mapping of sections"),
        (b"hello", ":1:1: the file must be a mapping of sections"),
        (b"42", ":1:1: the file must be a mapping of sections"),
        (b'{"log": {"level": "LOUD"}}', ":1:19: log.level: 'LOUD' is not allowed"),
        ("😀: 1\n".encode(), ":1:1: 😀: unknown key"),
        ("log: {level: 😀, lvel: 1}\n".encode(), ":1:17: log.lvel: unknown key; did you mean level?"),
        (b'"\\e[31mred\\a": 1\n', ":1:1: \\x1b[31mred\\x07: unknown key"),
        (b'log: {level: "\\u202Ex"}\n', "'\\u202eX' is not allowed"),
        (b"? a: 1\n: b\n", "a key must be a plain name"),
        (b"k" * 1000 + b": 1", f":1:1: {'k' * 60}…: unknown key"),
    ],
)
def test_what_is_broken_is_told_with_its_place(raw: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(raw)
    with pytest.raises(SettingsError) as caught:
        load_settings(path, {})
    assert said in str(caught.value).replace(str(path), "")


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbflog: {level: DEBUG}", b"log: {level: DEBUG}\r\n", b'{"log": {"level": "debug"}}']
)
def test_a_byte_order_mark_windows_lines_and_json_are_fine(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(raw)
    assert load_settings(path, {}).log.level == "DEBUG"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, which may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("log: {}")
    path.chmod(0)
    with as_nobody(), pytest.raises(SettingsError, match="cannot be read: Permission denied"):
        load_settings(path, {})


def test_what_is_no_file(tmp_path: Path) -> None:
    pipe, loop, socket_like = tmp_path / "pipe", tmp_path / "loop", Path("/dev/null")
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    for path, said in [
        (tmp_path, "is a folder; give the path of a YAML file"),
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path / "none" / "none.yaml", "there is no such file"),
        (pipe, "is not a regular file"),
        (socket_like, "is not a regular file"),
        (loop, "cannot be read"),
        (tmp_path / ("n" * 300), "cannot be read: File name too long"),
        (Path("nul\0byte"), "cannot be read"),
    ]:
        with pytest.raises(SettingsError) as caught:
            load_settings(path, {})
        assert said in str(caught.value)
    with pytest.raises(SettingsError, match=r"none\.yaml: there is no such file"):
        load_settings(environ={"AUTOMATION_CONFIG_PATH": str(tmp_path / "none.yaml")})


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("server: {port: 5555}")
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    assert load_settings(tmp_path / "link.yaml", {}).server.port == 5555


def test_a_file_of_nothing_but_mistakes_gets_a_short_answer(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("".join(f"automatio{i}: 1\n" for i in range(yaml_tree.MAX_NODES // 2 - 1)))
    with pytest.raises(SettingsError) as caught:
        load_settings(path, {})
    lines = str(caught.value).splitlines()
    assert len(lines) == 53
    assert lines[-2].startswith("and ")
