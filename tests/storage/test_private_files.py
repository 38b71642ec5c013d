"""Private files: whole and durable or not there, one winner, and nothing believed that others could have made."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from automation_scripts.errors import ConfigurationError
from automation_scripts.storage.private_files import create_private, locked, new_private, read_private, write_private
from tests.databases import Worker

CREATE = """
import os, sys
from pathlib import Path
from automation_scripts.storage.private_files import create_private, read_private
path = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
won = create_private(path, f"by {os.getpid()}".encode() * 1000)
print(won, read_private(path)[:20].decode(), flush=True)
"""

REPLACE_FOR_EVER = """
import sys
from pathlib import Path
from automation_scripts.storage.private_files import write_private
for number in range(1_000_000):
    write_private(Path(sys.argv[1]), f"{number};".encode() * 20_000)
    print(number, flush=True)
"""

WITHOUT_SPACE = """
import resource, signal, sys
from pathlib import Path
from automation_scripts.errors import ConfigurationError
from automation_scripts.storage.private_files import create_private, write_private
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
for write in (create_private, write_private):
    try:
        write(Path(sys.argv[1]), b"x" * 1000)
    except ConfigurationError as error:
        print(error, flush=True)
"""

MASKED = """
import os, sys
from pathlib import Path
from automation_scripts.storage.private_files import create_private, write_private
os.umask(0o777)
create_private(Path(sys.argv[1]), b"a")
write_private(Path(sys.argv[2]), b"b")
print("done", flush=True)
"""

Start = Callable[..., Worker]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_created_once_and_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    assert create_private(path, b"first")
    assert not create_private(path, b"second")
    assert read_private(path) == b"first"
    write_private(path, b"third")
    assert read_private(path) == b"third"
    assert (mode(path), mode(path.parent), names(path.parent)) == (0o600, 0o700, ["key"])


def test_of_processes_at_once_one_creates_it_and_all_read_the_same(tmp_path: Path, start_worker: Start) -> None:
    path = tmp_path / "keys" / "key"
    workers = [start_worker(CREATE, str(path)) for _ in range(6)]
    assert [worker.hear() for worker in workers] == ["ready"] * 6
    for worker in workers:
        worker.tell("go")
    said = [worker.hear().split(" ", 1) for worker in workers]
    assert sorted(won for won, _ in said) == ["False"] * 5 + ["True"]
    assert len({read for _, read in said}) == 1
    assert names(path.parent) == ["key"]


def test_a_kill_leaves_a_whole_file(tmp_path: Path, start_worker: Start) -> None:
    path = tmp_path / "key"
    for _ in range(5):
        worker = start_worker(REPLACE_FOR_EVER, str(path))
        assert [worker.hear() for _ in range(2)] == ["0", "1"]
        worker.kill()
        parts = read_private(path).decode().split(";")
        assert (len(parts), len(set(parts[:-1]))) == (20_001, 1)
    (tmp_path / ".key.0123.new").write_text("a killed writer's")
    write_private(path, b"whole")
    assert names(tmp_path) == ["key"]


def test_where_there_is_no_space_what_was_there_stays(tmp_path: Path, start_worker: Start) -> None:
    path = tmp_path / "key"
    worker = start_worker(WITHOUT_SPACE, str(path))
    assert all("File too large. Free some space" in worker.hear() for _ in range(2))
    assert names(tmp_path) == []
    path.write_text("before")
    path.chmod(0o600)
    worker = start_worker(WITHOUT_SPACE, str(path))
    assert "cannot be written" in worker.hear()
    assert (names(tmp_path), read_private(path)) == (["key"], b"before")


def test_an_error_in_the_block_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_private(path, b"before")
    with pytest.raises(ZeroDivisionError), new_private(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert (names(tmp_path), read_private(path)) == (["key"], b"before")


def test_the_mode_does_not_depend_on_the_mask(tmp_path: Path, start_worker: Start) -> None:
    created, written = tmp_path / "a", tmp_path / "b"
    assert start_worker(MASKED, str(created), str(written)).hear() == "done"
    assert (mode(created), mode(written)) == (0o600, 0o600)


@pytest.mark.parametrize("bits", [0o604, 0o640, 0o620, 0o610, 0o666])
def test_what_others_may_use_is_refused(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "key"
    create_private(path, b"secret words")
    path.chmod(bits)
    with pytest.raises(ConfigurationError, match=f"signing key {path} .mode {bits:04o}.*chmod 600 {path}") as caught:
        read_private(path, "signing key")
    assert "secret words" not in str(caught.value)


def test_the_cure_can_be_pasted_where_the_path_has_spaces(tmp_path: Path) -> None:
    path = tmp_path / "my keys" / "key"
    create_private(path, b"x")
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match=f"`chmod 600 '{path}'`"):
        read_private(path)


@pytest.mark.parametrize("target", ["there", "missing", "link"])
def test_a_link_is_refused_wherever_it_leads(tmp_path: Path, target: str) -> None:
    create_private(tmp_path / "there", b"secret words")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / target)
    with pytest.raises(ConfigurationError, match=f"{link} cannot be read: it is a link"):
        read_private(link)


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    create_private(tmp_path / "there", b"of somebody else")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there")
    assert not create_private(link, b"new")
    write_private(link, b"new")
    assert read_private(link) == b"new"
    assert read_private(tmp_path / "there") == b"of somebody else"


def test_a_lock_is_not_taken_through_a_link(tmp_path: Path) -> None:
    (tmp_path / ".key.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match=r"\.key\.lock cannot be opened"), locked(tmp_path / "key"):
        raise AssertionError("it was taken")
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_missing_or_too_large_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_private(tmp_path / "key")
    create_private(tmp_path / "key", b"x" * 11)
    with pytest.raises(ConfigurationError, match="larger than 10 bytes"):
        read_private(tmp_path / "key", most=10)
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigurationError, match="state"):
        create_private(tmp_path / "state" / "key", b"x")


@pytest.mark.parametrize(("number", "fails"), [(errno.EIO, True), (errno.EINVAL, False)])
def test_a_name_that_is_not_durable_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fails: bool
) -> None:
    sync = os.fsync

    def broken_for_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", broken_for_folders)
    for write in (create_private, write_private):
        if fails:
            with pytest.raises(ConfigurationError, match="may not be on the disk: Input/output error"):
                write(tmp_path / write.__name__, b"x")
        else:
            write(tmp_path / write.__name__, b"x")
            assert read_private(tmp_path / write.__name__) == b"x"
