"""The warm runner stands in for `python -m MODULE` in everything a parent process can observe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from automation_scripts.server.handoff import connect

PROBE = """
import json, os, signal, sys, time
what = sys.argv[1]
if what == "echo":
    json.dump({"argv": sys.argv[1:], "cwd": os.getcwd(), "mark": os.environ.get("MARK"), "in": sys.stdin.read()}, sys.stdout)
    sys.stderr.write("said")
elif what == "exit":
    sys.exit(int(sys.argv[2]))
elif what == "raise":
    raise ValueError("on purpose")
elif what == "suicide":
    os.kill(os.getpid(), signal.SIGKILL)
elif what == "wait":
    signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"polite"), os._exit(7)))
    print(os.getpid(), flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("warm")
    (folder / "probe_module.py").write_text(PROBE)
    return folder


@pytest.fixture(scope="module")
def warm(folder: Path) -> Iterator[Path]:
    """A warm runner with nothing preloaded but what Python itself has: the protocol is what is tested here."""
    path = folder / "a name that is long enough to be over the limit of a socket address" / ("x" * 60) / "warm.sock"
    path.parent.mkdir(parents=True)
    code = (
        "import sys; from pathlib import Path; from automation_scripts.server import preload, warm\n"
        "preload.PRELOAD, preload.REHEARSE = ('json',), ()\n"
        "request = warm.serve(Path(sys.argv[1]))\n"
        "if request is not None: warm.run_module(request)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], env=_environment(folder))
    while (connection := connect(path)) is None:
        assert process.poll() is None
    connection.close()
    yield path
    process.terminate()
    assert process.wait(10) == 0


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder)}


def _command(warm: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "automation_scripts.server.handoff", str(warm), "probe_module", *arguments]


def _run(warm: Path, folder: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        _command(warm, *arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**_environment(folder), "MARK": "it is me"},
        **options,
    )


def test_streams_arguments_folder_and_environment_are_handed_over(warm: Path, folder: Path, tmp_path: Path) -> None:
    done = _run(warm, folder, "echo", "two words", "ü", input="given", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == "said"
    import json

    assert json.loads(done.stdout) == {
        "argv": ["echo", "two words", "ü"],
        "cwd": str(tmp_path),
        "mark": "it is me",
        "in": "given",
    }


@pytest.mark.parametrize(("arguments", "code"), [(("exit", "0"), 0), (("exit", "3"), 3), (("raise",), 1)])
def test_exit_codes_come_back(warm: Path, folder: Path, arguments: tuple[str, ...], code: int) -> None:
    done = _run(warm, folder, *arguments)
    assert done.returncode == code
    assert ("ValueError: on purpose" in done.stderr) == (arguments == ("raise",))


def test_a_child_killed_by_a_signal_looks_like_one(warm: Path, folder: Path) -> None:
    assert _run(warm, folder, "suicide").returncode == -signal.SIGKILL


def test_signals_are_handed_on(warm: Path, folder: Path) -> None:
    process = subprocess.Popen(_command(warm, "wait"), stdout=subprocess.PIPE, text=True, env=_environment(folder))
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.stdout.read() == "polite"
    assert process.wait(10) == 7


def test_a_killed_client_takes_its_child_with_it(warm: Path, folder: Path) -> None:
    process = subprocess.Popen(_command(warm, "wait"), stdout=subprocess.PIPE, text=True, env=_environment(folder))
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    process.kill()
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone
    process.wait()
    process.stdout.close()


def test_without_a_warm_runner_the_work_is_done_all_the_same(folder: Path, tmp_path: Path) -> None:
    done = _run(tmp_path / "nobody.sock", folder, "exit", "5")
    assert done.returncode == 5


def test_many_at_once(warm: Path, folder: Path) -> None:
    processes = [
        subprocess.Popen(_command(warm, "exit", str(number)), env=_environment(folder)) for number in range(12)
    ]
    assert [process.wait(30) for process in processes] == list(range(12))


def test_nobody_else_may_connect(warm: Path) -> None:
    assert warm.stat().st_mode & 0o077 == 0


def test_a_child_dies_with_the_warm_runner(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "warm.sock"
    code = (
        "import sys; from pathlib import Path; from automation_scripts.server import preload, warm\n"
        "preload.PRELOAD, preload.REHEARSE = (), ()\n"
        "request = warm.serve(Path(sys.argv[1]))\n"
        "if request is not None: warm.run_module(request)"
    )
    runner = subprocess.Popen([sys.executable, "-c", code, str(path)], env=_environment(folder))
    while (connection := connect(path)) is None:
        assert runner.poll() is None
    connection.close()
    client = subprocess.Popen(
        _command(path, "wait"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment(folder)
    )
    assert client.stdout is not None
    child = psutil.Process(int(client.stdout.readline()))
    runner.kill()
    runner.wait()
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone
    _, said = client.communicate(timeout=10)
    assert client.returncode == 1
    assert "warm runner ended" in said
