"""The embedded server against what really happens: crashes, races, taken ports, stale files, old databases."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from automation_scripts.errors import ServerUnavailable
from automation_scripts.processes import current_process, living
from automation_scripts.server.embedded import EmbeddedServer, answers
from automation_scripts.server.record import ServerFolder, ServerRecord

pytestmark = pytest.mark.slow


def test_is_started_once_found_again_and_stopped(home: Path) -> None:
    server = EmbeddedServer(home, port=0, warm=False)
    assert server.find() is None
    first = server.ensure()
    assert answers(first)
    assert os.getpid() not in [parent.pid for parent in psutil.Process(first.pid).parents()], "no child of its starter"
    assert EmbeddedServer(home).ensure() == first
    assert server.stop()
    assert living(first.process) is None
    assert server.find() is None
    assert not server.stop()


def test_two_processes_that_start_it_at_once_get_one_server(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from automation_scripts.server.embedded import EmbeddedServer\n"
        "print(EmbeddedServer(Path(sys.argv[1]), port=0, warm=False).ensure().pid)"
    )
    with ThreadPoolExecutor(3) as pool:
        answers_ = list(
            pool.map(
                lambda _: subprocess.run(
                    [sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True
                ).stdout.strip(),
                range(3),
            )
        )
    assert len(set(answers_)) == 1
    running = [p for p in psutil.process_iter(["cmdline"]) if f"--home={home}" in (p.info["cmdline"] or ())]
    assert len(running) == 1


def test_a_killed_server_is_replaced_and_its_companions_go_with_it(home: Path) -> None:
    server = EmbeddedServer(home, port=0)
    first = server.ensure()
    process = living(first.process)
    assert process is not None
    companions = process.children(recursive=True)
    assert companions
    process.kill()
    _, alive = psutil.wait_procs(companions, timeout=20)
    assert not alive, f"left behind: {alive}"
    second = server.ensure()
    assert second.pid != first.pid
    assert answers(second)


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1}', "null", '{"pid": "x", "unknown": 3}', "\x00\x01"])
def test_a_torn_record_is_replaced(home: Path, content: str) -> None:
    ServerFolder(home).record.write_text(content)
    assert EmbeddedServer(home).find() is None


def test_a_record_of_a_process_number_that_was_used_again_is_stale(home: Path) -> None:
    mine = current_process()
    assert mine.started is not None
    earlier = dataclasses.replace(mine, started=mine.started - 1000)
    record = ServerRecord(earlier, 4200, "x", "3")
    record.write(ServerFolder(home).record)
    server = EmbeddedServer(home, port=0, warm=False)
    assert server.find() is None
    started = server.ensure()
    assert started.pid != os.getpid()
    assert psutil.pid_exists(os.getpid()), "the innocent process must not be ended"


def test_another_server_on_the_recorded_port_is_not_mistaken_for_ours(home: Path, tmp_path: Path) -> None:
    ours = EmbeddedServer(home, port=0, warm=False)
    record = ours.ensure()
    forged = dataclasses.replace(record, instance="another instance")
    assert not answers(forged)


def test_a_taken_port_is_left_alone(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        record = EmbeddedServer(home, port=taken, warm=False).ensure()
        assert record.port != taken
        assert answers(record)


def test_a_database_of_an_older_prefect_is_upgraded(home: Path) -> None:
    folder = ServerFolder(home)
    downgrade = subprocess.run(
        [sys.executable, "-m", "prefect", "server", "database", "downgrade", "-y", "-r", "-1"],
        env={**os.environ, "PREFECT_HOME": str(folder.prefect_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert downgrade.returncode == 0, downgrade.stderr
    older = _revision(folder)
    record = EmbeddedServer(home, port=0, warm=False).ensure()
    assert answers(record)
    assert _revision(folder) != older


def test_a_database_of_a_newer_prefect_is_refused_with_the_reason(home: Path) -> None:
    folder = ServerFolder(home)
    with sqlite3.connect(folder.prefect_home / "prefect.db") as database:
        database.execute("update alembic_version set version_num = 'fromthefuture'")
    with pytest.raises(ServerUnavailable, match="fromthefuture"):
        EmbeddedServer(home, port=0, warm=False).ensure()
    assert EmbeddedServer(home).find() is None


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerUnavailable, match=str(tmp_path / "file" / "home")):
        EmbeddedServer(tmp_path / "file" / "home").ensure()


def test_only_its_owner_may_look_into_the_state_folder(tmp_path: Path) -> None:
    folder = ServerFolder(tmp_path / "new")
    folder.create()
    assert folder.home.stat().st_mode & 0o077 == 0


def test_the_worker_is_restarted_when_it_is_killed(server_home: Path) -> None:
    record = ServerRecord.read(ServerFolder(server_home).record)
    assert record is not None
    worker = _worker(record, timeout_s=60)
    worker.kill()
    psutil.wait_procs([worker], timeout=10)
    assert _worker(record, timeout_s=60).pid != worker.pid
    assert answers(record)


def _worker(record: ServerRecord, timeout_s: float) -> psutil.Process:
    """The worker's hand-off process, waited for."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for child in psutil.Process(record.pid).children():
            try:
                if "automation_scripts.server.handoff" in child.cmdline():
                    return child
            except psutil.Error:
                continue
        time.sleep(0.1)
    raise AssertionError(f"no worker within {timeout_s} s: {json.dumps(record.api_url)}")


def _revision(folder: ServerFolder) -> str:
    with sqlite3.connect(folder.prefect_home / "prefect.db") as database:
        return str(database.execute("select version_num from alembic_version").fetchone()[0])
