"""Work in another process: warm, fresh, failing, killed, interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from automation_scripts.execution.interruption import Interrupted, Workers
from automation_scripts.server.handoff import connect
from automation_scripts.server.offload import OffloadError, offload

MODULE = """
import json, os, signal, sys, time
given = json.load(sys.stdin)
if given == "fail":
    sys.stderr.write("what went wrong"); sys.exit(3)
if given == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if given == "chatter":
    print("this is not JSON"); sys.exit(0)
if isinstance(given, dict) and "wait" in given:
    open(given["wait"], "w").write(str(os.getpid())); time.sleep(60)
json.dump({"given": given, "mark": os.environ.get("MARK")}, sys.stdout)
"""


@pytest.fixture(params=["warm", "fresh"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    """(socket, environment): with a warm runner behind the socket, or with nobody."""
    (tmp_path / "offloaded.py").write_text(MODULE)
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "MARK": "me"}
    socket_path = tmp_path / "warm.sock"
    if request.param == "fresh":
        yield socket_path, env
        return
    code = (
        "import sys; from pathlib import Path; from automation_scripts.server import preload, warm\n"
        "preload.PRELOAD, preload.REHEARSE = (), ()\n"
        "request = warm.serve(Path(sys.argv[1]))\n"
        "if request is not None: warm.run_module(request)"
    )
    runner = subprocess.Popen([sys.executable, "-c", code, str(socket_path)], env=env)
    while (connection := connect(socket_path)) is None:
        assert runner.poll() is None
    connection.close()
    yield socket_path, env
    runner.terminate()
    runner.wait(10)


def test_data_goes_there_and_back(place: tuple[Path, dict[str, str]]) -> None:
    path, env = place
    big = ["ü" * 1000] * 500
    assert offload("offloaded", big, warm_socket=path, env=env) == {"given": big, "mark": "me"}


@pytest.mark.parametrize(
    ("payload", "message"), [("fail", "ended with 3: what went wrong"), ("die", "-9"), ("chatter", "no JSON")]
)
def test_a_failure_says_what_happened(place: tuple[Path, dict[str, str]], payload: str, message: str) -> None:
    path, env = place
    with pytest.raises(OffloadError, match=message):
        offload("offloaded", payload, warm_socket=path, env=env)


def test_an_interrupted_call_ends_its_process(place: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    path, env = place
    mark = tmp_path / "pid"
    workers = Workers()
    ended: list[str] = []

    def call() -> None:
        try:
            with workers.occupy():
                offload("offloaded", {"wait": str(mark)}, warm_socket=path, env=env)
        except Interrupted:
            ended.append("interrupted")

    thread = threading.Thread(target=call)
    thread.start()
    while not (mark.exists() and mark.read_text()):
        assert thread.is_alive()
    child = psutil.Process(int(mark.read_text()))
    workers.interrupt()
    assert workers.left(10)
    thread.join(10)
    assert ended == ["interrupted"]
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone
