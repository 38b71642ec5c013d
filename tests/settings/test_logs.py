"""The log file: its place, its lines, its rotation by real processes, and a log that cannot be written."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.observability import logs
from automation_scripts.observability.logfile import LogFile
from automation_scripts.observability.logs import LogHandler, configure_logging, log_path, run_context
from automation_scripts.settings import Settings, load_settings

WRITER = Path(__file__).with_name("log_writer.py")
ROOT = Path(__file__).parents[2]
LOGGER = logging.getLogger("automation.test")


@pytest.fixture(autouse=True)
def no_system_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes to the machine's own log."""
    monkeypatch.setattr(logs, "SYSTEM_LOG", tmp_path / "system" / "automation" / "orchestrator.log")
    monkeypatch.setattr(logs, "_warned", set())


def settings_with(tmp_path: Path, **log: Any) -> Settings:
    return load_settings(environ={"AUTOMATION_HOME": str(tmp_path / "home")}).model_copy(
        update={"log": load_settings(environ={}).log.model_copy(update=log)}
    )


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def without_rights(path: Path) -> Path:
    """A folder in which nobody, root included, can make anything: it is a file."""
    path.write_text("not a folder")
    return path / "x.log"


# --- where


def test_the_system_log_is_used_where_it_can_be_written(tmp_path: Path) -> None:
    path = configure_logging(settings_with(tmp_path))
    assert path == tmp_path / "system" / "automation" / "orchestrator.log"
    LOGGER.info("hello")
    assert [line["message"] for line in lines(path)] == ["hello"]


def test_the_state_folder_is_used_else_and_nobody_is_bothered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "SYSTEM_LOG", without_rights(tmp_path / "var"))
    path = configure_logging(settings_with(tmp_path))
    assert path == tmp_path / "home" / "logs" / "x.log"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    LOGGER.info("hello")
    assert lines(path)[0]["message"] == "hello"
    assert capsys.readouterr().err == ""


def test_a_path_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "deep" / "own.log"
    assert configure_logging(settings_with(tmp_path, path=own)) == own == log_path(settings_with(tmp_path, path=own))
    assert not (tmp_path / "system").exists()


def test_a_path_of_ones_own_that_cannot_be_written_warns_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_with(tmp_path, path=without_rights(tmp_path / "file"))
    for _ in range(3):
        path = configure_logging(settings)
    assert path == tmp_path / "home" / "logs" / "orchestrator.log"
    assert capsys.readouterr().err.splitlines() == [
        f"automation: cannot write the log {settings.log.path}: Not a directory; writing to {path} instead"
    ]


def test_configuring_again_does_not_write_twice(tmp_path: Path) -> None:
    for _ in range(3):
        path = configure_logging(settings_with(tmp_path))
    LOGGER.info("once")
    assert len(lines(path)) == 1
    assert len([h for h in logging.getLogger("automation").handlers if isinstance(h, LogHandler)]) == 1


# --- what


def test_a_line_says_which_run_it_belongs_to(tmp_path: Path) -> None:
    path = configure_logging(settings_with(tmp_path))
    with run_context(execution_id="e1", script="config_validator", environment="staging"):
        with run_context(trace_id="t1"):
            LOGGER.warning("inside %d", 7)
        LOGGER.info("no trace")
    LOGGER.info("outside")
    inside, no_trace, outside = lines(path)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", inside.pop("time"))
    assert inside == {
        "level": "WARNING",
        "logger": "automation.test",
        "message": "inside 7",
        "execution_id": "e1",
        "script": "config_validator",
        "environment": "staging",
        "trace_id": "t1",
        "process": os.getpid(),
    }
    assert "trace_id" not in no_trace and no_trace["execution_id"] == "e1"
    assert "execution_id" not in outside


async def test_concurrent_runs_do_not_mix(tmp_path: Path) -> None:
    path = configure_logging(settings_with(tmp_path))

    async def run(name: str) -> None:
        with run_context(execution_id=name):
            for _ in range(20):
                LOGGER.info(name)
                await asyncio.sleep(0)
            await asyncio.to_thread(LOGGER.info, name)

    await asyncio.gather(*(run(f"e{i}") for i in range(5)))
    assert len(lines(path)) == 105
    assert all(line["message"] == line["execution_id"] for line in lines(path))


def test_the_level_is_the_one_of_the_settings(tmp_path: Path) -> None:
    path = configure_logging(settings_with(tmp_path))
    LOGGER.debug("no")
    configure_logging(load_settings(environ={"AUTOMATION_LOG_LEVEL": "DEBUG", "AUTOMATION_HOME": str(tmp_path)}))
    LOGGER.debug("yes")
    assert [line["message"] for line in lines(path)] == ["yes"]


def test_secrets_do_not_land_in_the_file_nor_in_the_handlers_after_it(tmp_path: Path) -> None:
    path = configure_logging(settings_with(tmp_path))
    seen: list[str] = []

    class After(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(logging.Formatter().format(record) + repr(vars(record)))

    logging.getLogger("automation").addHandler(After())
    try:
        raise ConnectionError("postgresql://ada:hunter2@db/x refused, password=hunter2")
    except ConnectionError:
        LOGGER.exception(
            "started with %s and %s",
            {"user": "ada", "db_password": "hunter2", "nested": [{"apiKey": "hunter2"}]},
            "token=hunter2",
            extra={"parameters": {"secret": "hunter2", "path": "/app"}, "auth_token": "hunter2"},
        )
    (line,) = lines(path)
    assert "hunter2" not in path.read_text()
    assert "hunter2" not in seen[0]
    assert line["data"]["parameters"] == {"secret": "[redacted]", "path": "/app"}
    assert "ConnectionError" in line["exception"]
    assert "'user': 'ada'" in line["message"]


def test_hostile_text_stays_on_its_line_and_is_valid_utf8(tmp_path: Path) -> None:
    path = configure_logging(settings_with(tmp_path))
    text = 'a\nb\r{"level":"forged"}\x1b[31m\x9b31m\u2028\u202e\x00\udc80é😀'
    LOGGER.info(text)
    LOGGER.info("x" * 100_000)
    raw = path.read_bytes()
    assert raw.count(b"\n") == 2
    assert len(raw.decode().splitlines()) == 2
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", raw.decode())
    assert lines(path)[0]["message"] == text
    assert "é😀" in raw.decode(), "readable where it is harmless"
    assert lines(path)[1]["message"].endswith("more characters]")


def test_a_record_that_cannot_be_shown_breaks_nothing(tmp_path: Path) -> None:
    path = configure_logging(settings_with(tmp_path))

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

        __repr__ = __str__

    LOGGER.info("%d", "not a number")
    LOGGER.info("%s %s", "too few")  # noqa: PLE1206
    LOGGER.info("%s", Broken())
    LOGGER.info(Broken())
    LOGGER.info("data", extra={"x": Broken(), "y": float("nan"), "z": {1: {2}}, "path": Path("/a")})
    cycle: list[Any] = []
    cycle.append(cycle)
    LOGGER.info("cycle", extra={"cycle": cycle})
    written = lines(path)
    assert len(written) == 6
    assert "not a number" in written[0]["message"]
    assert written[4]["data"]["z"] == {"1": [2]} and written[4]["data"]["path"] == "/a"


# --- rotation


def numbered(path: Path) -> list[Path]:
    """The parts of a log, oldest first."""
    return [*sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda p: -int(p.suffix[1:])), path]


def test_rotation_keeps_the_newest_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    file = LogFile(path, max_bytes=100, keep=3)
    for number in range(200):
        file.append(f"{number:09d}\n".encode())
        file.rotate_if_full()
    assert [p.name for p in numbered(path)] == ["a.log.3", "a.log.2", "a.log.1", "a.log"]
    kept = [int(line) for part in numbered(path) for line in part.read_text().split()]
    assert kept == list(range(kept[0], 200))
    assert len(kept) >= 33
    assert not (tmp_path / "a.log.new").exists()


@pytest.mark.parametrize("keep", [1, 2])
def test_rotation_with_few_files(tmp_path: Path, keep: int) -> None:
    file = LogFile(tmp_path / "a.log", max_bytes=50, keep=keep)
    for number in range(100):
        file.append(f"{number:09d}\n".encode())
        file.rotate_if_full()
    assert len(numbered(tmp_path / "a.log")) == keep + 1


def test_a_new_file_has_the_mode_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.touch()
    path.chmod(0o666)
    file = LogFile(path, max_bytes=10)
    for _ in range(2):
        file.append(b"0123456789\n")
        file.rotate_if_full()
    assert path.stat().st_mode & 0o777 == 0o666
    assert (tmp_path / "a.log.2").exists()


def test_a_gap_left_by_a_process_that_died_is_filled_before_anything_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for number in (1, 3):
        path.with_name(f"a.log.{number}").write_text(f"old {number}\n")
    file = LogFile(path, max_bytes=10, keep=3)
    file.append(b"0123456789\n")
    file.rotate_if_full()
    assert [p.read_text() for p in numbered(path)] == ["old 3\n", "old 1\n", "0123456789\n", ""]


def test_a_rotation_that_another_process_did_first_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is faster between the opening of the file and the lock."""
    path = tmp_path / "a.log"
    file, other = LogFile(path, max_bytes=10), LogFile(path, max_bytes=10)
    file.append(b"0123456789\n")
    other.append(b"9876543210\n")
    flock = fcntl.flock

    def late(fd: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        other.rotate_if_full()
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    file.rotate_if_full()
    file.append(b"next\n")
    assert [p.read_text() for p in numbered(path)] == ["0123456789\n9876543210\n", "next\n"]


@pytest.mark.parametrize("turn", ["rename", "delete", "folder", "truncate"])
def test_what_others_do_to_the_file_is_survived(tmp_path: Path, turn: str) -> None:
    """logrotate renames, or truncates with copytruncate; people delete."""
    path = tmp_path / "folder" / "a.log"
    file = LogFile(path)
    file.append(b"one\n")
    if turn == "rename":
        path.rename(path.with_suffix(".old"))
    elif turn == "delete":
        path.unlink()
    elif turn == "folder":
        path.unlink()
        path.parent.rmdir()
    else:
        os.truncate(path, 0)
    file.append(b"two\n")
    assert path.read_bytes() == b"two\n"


def test_a_symbolic_link_is_written_through_and_never_moved(tmp_path: Path) -> None:
    (tmp_path / "real.log").touch()
    link = tmp_path / "a.log"
    link.symlink_to("real.log")
    file = LogFile(link, max_bytes=10)
    for _ in range(5):
        file.append(b"0123456789\n")
        file.rotate_if_full()
    assert link.is_symlink()
    assert (tmp_path / "real.log").stat().st_size == 55


def start(path: Path, name: str, count: int, max_bytes: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(WRITER), str(path), name, str(count), str(max_bytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def go(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()


def by_writer(path: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for part in numbered(path):
        for line in lines(part):
            found[line["writer"]].append(line["number"])
    return found


def test_no_line_is_lost_or_torn_among_several_processes_that_rotate(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    writers = [start(path, f"w{i}", 2000, 4000) for i in range(4)]
    go(*writers)
    assert [w.wait(60) for w in writers] == [0, 0, 0, 0]
    found = by_writer(path)
    assert {name: sorted(numbers) for name, numbers in found.items()} == {f"w{i}": list(range(2000)) for i in range(4)}
    assert len(numbered(path)) > 10, "the test did not rotate"


def test_writers_that_are_killed_leave_only_whole_lines_and_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    survivor = start(path, "survivor", 3000, 2000)
    victims = [start(path, f"v{i}", 0, 2000) for i in range(3)]
    go(survivor, *victims)
    for number, victim in enumerate(victims):
        wait_until(lambda n=number: len(numbered(path)) > 20 * (n + 1))  # type: ignore[misc]
        victim.kill()
        victim.wait(10)
    assert survivor.wait(60) == 0
    found = by_writer(path)
    assert sorted(set(found["survivor"])) == list(range(3000))
    for i in range(3):
        # A kill between the link and the replacement may leave one part under two numbers, never a hole.
        written = sorted(set(found[f"v{i}"]))
        assert written == list(range(len(written))) and written


def test_a_stopped_process_holds_up_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    stopped, other = start(path, "stopped", 0, 4000), start(path, "other", 3000, 4000)
    try:
        go(stopped)
        wait_until(lambda: len(numbered(path)) > 3)
        os.kill(stopped.pid, signal.SIGSTOP)
        go(other)
        assert other.wait(30) == 0
    finally:
        stopped.kill()
        stopped.wait(10)
    assert sorted(set(by_writer(path)["other"])) == list(range(3000))


def wait_until(condition: Callable[[], bool], tries: int = 3000) -> None:
    for _ in range(tries):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never happened")


def test_threads_and_forks_write_whole_lines(tmp_path: Path) -> None:
    path = configure_logging(settings_with(tmp_path))
    LOGGER.info("parent first")
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            for number in range(200):
                LOGGER.info("child %d %d", child, number)
            os._exit(0)
        children.append(pid)
    threads = [threading.Thread(target=lambda: [LOGGER.info("thread") for _ in range(200)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    messages = [line["message"] for line in lines(path)]
    assert len(messages) == 1 + 600 + 600
    assert len({m for m in messages if m.startswith("child")}) == 600


def test_tail_capital_f_follows_the_name_across_a_rotation_and_tail_f_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.touch()
    file = LogFile(path, max_bytes=30, farewell=logs._farewell)
    followers = {
        option: subprocess.Popen(
            ["tail", "-n", "+1", "-s", "0.1", option, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for option in ("-F", "-f")
    }
    seen: dict[str, list[str]] = {"-F": [], "-f": []}
    readers = [
        threading.Thread(target=lambda o=option, p=process: seen[o].extend(p.stdout), daemon=True)
        for option, process in followers.items()
    ]
    for reader in readers:
        reader.start()
    try:
        file.append(b'{"message": "before the rotation, long enough"}\n')
        wait_until(lambda: all(any("before" in line for line in got) for got in seen.values()))
        file.rotate_if_full()
        file.append(b'{"message": "after"}\n')
        wait_until(lambda: any("after" in line for line in seen["-F"]))
        wait_until(lambda: any("tail -F" in line for line in seen["-f"]))
    finally:
        for process in followers.values():
            process.kill()
            process.wait(10)
    fresh = subprocess.run(["tail", "-n", "5", str(path)], capture_output=True, text=True, check=True)
    assert "after" in fresh.stdout, "a tail that starts after the rotation sees the new file"


# --- a log that cannot be written


@contextmanager
def attached(file: LogFile) -> Iterator[logging.Logger]:
    """A logger that writes to this file only."""
    logger, handler = logging.Logger("automation.attached"), LogHandler(file)
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_a_full_disk_costs_one_warning(capsys: pytest.CaptureFixture[str]) -> None:
    with attached(LogFile(Path("/dev/full"))) as logger:
        for _ in range(50):
            logger.info("into the void")
    assert capsys.readouterr().err.splitlines() == [
        "automation: cannot write the log /dev/full: No space left on device; runs go on without it"
    ]


def test_lines_that_were_lost_are_counted_and_a_torn_one_spoils_no_other(tmp_path: Path) -> None:
    """A limit on the size of files is a disk that fills up in the middle of a line, and then has room again."""
    code = """
import json, logging, resource, sys
from pathlib import Path
from automation_scripts.observability import logs
from automation_scripts.settings import load_settings
logs.SYSTEM_LOG = Path(sys.argv[1])
settings = load_settings(environ={"AUTOMATION_HOME": sys.argv[1] + ".home"})
logs.configure_logging(settings)
log = logging.getLogger("automation.x")
log.info("fits")
resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
for number in range(10): log.info("lost %d %s", number, "x" * 50)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.info("room again")
"""
    path = tmp_path / "a.log"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, cwd=ROOT)
    assert len(done.stderr.splitlines()) == 1 and "cannot write the log" in done.stderr
    whole, torn = [], 0
    for line in path.read_text().splitlines():
        try:
            whole.append(json.loads(line)["message"])
        except json.JSONDecodeError:
            torn += 1
    assert torn <= 1
    assert whole[0] == "fits" and whole[-1] == "room again"
    assert re.fullmatch(r"\d+ lines were lost: .+", whole[-2])
    assert int(whole[-2].split()[0]) + sum(m.startswith("lost") for m in whole) == 10


def test_a_closed_stderr_and_no_log_break_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with attached(LogFile(Path("/dev/full"))) as logger:
        logger.info("nobody hears this")


def test_a_disk_that_is_full_from_the_start_is_not_chosen(tmp_path: Path) -> None:
    path = configure_logging(settings_with(tmp_path, path=Path("/dev/full")))
    assert path == tmp_path / "home" / "logs" / "orchestrator.log"


def test_a_pipe_that_nobody_reads_does_not_hang(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = configure_logging(settings_with(tmp_path, path=tmp_path / "pipe"))
    LOGGER.info("x")
    assert path == tmp_path / "home" / "logs" / "orchestrator.log"
    assert "cannot write the log" in capsys.readouterr().err


def test_a_folder_that_forbids_rotation_warns_once_and_keeps_every_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.log"
    (tmp_path / "a.log.new").mkdir()  # what a rotation needs cannot be made, also not by root
    with attached(LogFile(path, max_bytes=200)) as logger:
        for number in range(50):
            logger.info("line %d", number)
    assert len(lines(path)) == 50
    (warning,) = capsys.readouterr().err.splitlines()
    assert "cannot rotate the log" in warning and "keeps growing" in warning


def test_it_goes_on_after_somebody_closed_all_handlers(tmp_path: Path) -> None:
    """`logging.config.dictConfig`, which Prefect calls when it is imported, closes every handler there is."""
    import logging.config

    path = configure_logging(settings_with(tmp_path))
    LOGGER.info("before")
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    LOGGER.info("after")
    assert [line["message"] for line in lines(path)] == ["before", "after"]
