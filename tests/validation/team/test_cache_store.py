"""The cache's folder: anything may be in it, and nothing in it is trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from automation_scripts.validation.team.cache_store import EntryFolder, default_cache_folder, key_of

KEY = key_of("one")
OTHER = key_of("other")


def folder(path: Path, size: int = 10**6) -> EntryFolder:
    return EntryFolder(path, size)


def entry(path: Path, key: str = KEY) -> Path:
    return next(path.rglob(key[2:]))


def test_what_was_put_is_got_also_by_another_process(tmp_path: Path) -> None:
    folder(tmp_path).put(KEY, b"content")
    assert folder(tmp_path).get(KEY) == b"content"
    assert folder(tmp_path).get(OTHER) is None


def test_files_and_folders_are_for_this_user_alone(tmp_path: Path) -> None:
    folder(tmp_path / "new").put(KEY, b"content")
    path = entry(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    assert path.parent.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", ["flip", "cut", "empty", "grow", "moved", "writable", "link", "pipe", "folder"])
def test_what_is_not_as_it_was_written_counts_as_absent(tmp_path: Path, change: str) -> None:
    folder(tmp_path).put(KEY, b"content")
    path, data = entry(tmp_path), entry(tmp_path).read_bytes()
    if change == "flip":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif change == "cut":
        path.write_bytes(data[:-2])
    elif change == "empty":
        path.write_bytes(b"")
    elif change == "grow":
        path.write_bytes(data + b"x")
    elif change == "moved":
        folder(tmp_path).put(OTHER, b"other")
        entry(tmp_path, OTHER).replace(path)
    elif change == "writable":
        path.chmod(0o666)
    else:
        path.unlink()
        if change == "link":
            real = tmp_path / "real"
            real.write_bytes(data)
            path.symlink_to(real)
        elif change == "pipe":
            os.mkfifo(path)
        else:
            path.mkdir()
    assert folder(tmp_path).get(KEY) is None


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1").chmod(0o777)
    entries = folder(tmp_path)
    entries.put(KEY, b"content")
    assert "others may write" in entries.problem
    assert list((tmp_path / "1").iterdir()) == []


def test_a_place_that_is_no_folder_is_told_and_nothing_is_raised(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    entries = folder(tmp_path / "file")
    entries.put(KEY, b"content")
    assert "cannot be written" in entries.problem
    assert entries.get(KEY) is None
    entries.close()


def test_the_least_used_go_first_when_it_is_too_large(tmp_path: Path) -> None:
    keys = [key_of(str(number)) for number in range(10)]
    entries = folder(tmp_path)
    for age, key in enumerate(reversed(keys)):
        entries.put(key, b"x" * 968)
        os.utime(entry(tmp_path, key), (10**9 + age, 10**9 + age))
    # Getting an entry makes it young.
    assert folder(tmp_path).get(keys[9]) is not None
    small = folder(tmp_path, size=8000)
    small.put(OTHER, b"new")
    small.close()
    left = [key for key in [*keys, OTHER] if folder(tmp_path).get(key) is not None]
    assert OTHER in left
    assert keys[9] in left
    assert keys[8] not in left
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 8000


def test_what_a_dead_process_left_is_removed(tmp_path: Path) -> None:
    entries = folder(tmp_path)
    entries.put(KEY, b"content")
    old, young = entry(tmp_path).parent / ".old.tmp", entry(tmp_path).parent / ".young.tmp"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (1, 1))
    entries.close()
    assert (old.exists(), young.exists()) == (False, True)


def test_an_entry_larger_than_the_folder_is_not_stored(tmp_path: Path) -> None:
    folder(tmp_path, size=10).put(KEY, b"x" * 20)
    assert folder(tmp_path).get(KEY) is None


def test_several_processes_write_and_prune_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from automation_scripts.validation.team.cache_store import EntryFolder, key_of\n"
        "for turn in range(6):\n"
        "    entries = EntryFolder(Path(sys.argv[1]), 3000)\n"
        "    for n in range(20):\n"
        "        key = key_of(str(n))\n"
        "        assert entries.get(key) in (None, b'%d' % n * 100), n\n"
        "        entries.put(key, b'%d' % n * 100)\n"
        "    assert not entries.problem, entries.problem\n"
        "    entries.close()\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_default_folder_follows_the_standard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / "automation-scripts" / "validation"
    monkeypatch.setenv("HOME", str(tmp_path))
    for other in ("", "relative/folder"):
        monkeypatch.setenv("XDG_CACHE_HOME", other)
        assert default_cache_folder() == tmp_path / ".cache" / "automation-scripts" / "validation"


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    entries = folder(default_cache_folder())
    entries.put(KEY, b"content")
    assert entries.problem
    assert entries.get(KEY) is None


def test_keys_tell_lists_apart() -> None:
    assert len({key_of("ab"), key_of("a", "b"), key_of("", "ab"), key_of(b"ab", "")}) == 4
