"""A command whose work is done in a fork of the warm runner is, for its user, the command itself."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from automation_scripts.server.circumstances import code_fingerprint

PROBE = """
import json, os, resource, signal, sys, time
what = sys.argv[1]
if what == "echo":
    mask = os.umask(0); os.umask(mask)
    print(json.dumps({
        "argv": sys.argv[1:], "cwd": os.getcwd(), "mark": os.environ.get("MARK"), "in": sys.stdin.read(), "umask": mask,
        "nice": os.getpriority(os.PRIO_PROCESS, 0), "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "encoding": sys.stdout.encoding, "pid": os.getpid(),
    }))
    sys.stderr.write("said")
elif what == "exit":
    sys.exit(int(sys.argv[2]))
elif what == "words":
    sys.exit("in words")
elif what == "raise":
    raise ValueError("on purpose")
elif what == "suicide":
    os.kill(os.getpid(), signal.SIGKILL)
elif what == "terminal":
    print(sys.stdout.isatty(), os.get_terminal_size(1).columns, flush=True)
elif what == "wait":
    signal.signal(signal.SIGINT, lambda *_: (os.write(1, b"polite\\n"), sys.exit(7)))
    print(os.getpid(), flush=True)
    while True:
        time.sleep(1)
"""
RUNNER = """
import sys
from automation_scripts.server import preload, warm
preload.PRELOAD, preload.REHEARSE = ("json",), ()
warm.main()
"""
CLIENT = """
import sys
from pathlib import Path
from automation_scripts.server.attached import run_attached
code = run_attached(Path(sys.argv[1]), ["attached_probe", *sys.argv[2:]])
sys.exit(99 if code is None else code)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "attached_probe.py").write_text(PROBE)
    return tmp_path


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder), "MARK": "it is me"}


@pytest.fixture
def warm(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A warm runner that offers itself."""
    process = subprocess.Popen([sys.executable, "-c", RUNNER, str(folder / "warm.sock")], env=environment)
    while not (folder / "warm.json").exists():
        assert process.poll() is None
    yield process
    process.terminate()
    process.wait(10)


Command = Callable[..., list[str]]


@pytest.fixture
def command(folder: Path) -> Command:
    return lambda *arguments: [sys.executable, "-c", CLIENT, str(folder / "warm.sock"), *arguments]


def _run(command: list[str], environment: dict[str, str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.usefixtures("warm")
def test_the_work_has_all_that_the_command_has(
    folder: Path, environment: dict[str, str], command: Command, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()

    def restrict() -> None:
        os.umask(0o027)
        os.nice(3)
        resource.setrlimit(resource.RLIMIT_NOFILE, (123, 456))

    done = _run(
        command("echo", "two words", "ü"),
        {**environment, "PYTHONIOENCODING": "utf-8"},
        input="given",
        cwd=tmp_path / "elsewhere",
        preexec_fn=restrict,
    )
    assert (done.returncode, done.stderr) == (0, "said")
    said = json.loads(done.stdout)
    assert said.pop("pid") not in (os.getpid(), 0)
    assert said == {
        "argv": ["echo", "two words", "ü"],
        "cwd": str(tmp_path / "elsewhere"),
        "mark": "it is me",
        "in": "given",
        "umask": 0o027,
        "nice": os.getpriority(os.PRIO_PROCESS, 0) + 3,
        "files": 123,
        "encoding": "utf-8",
    }


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("exit", "0"), 0, ""),
        (("exit", "3"), 3, ""),
        (("words",), 1, "in words"),
        (("raise",), 1, "ValueError: on purpose"),
        (("suicide",), 1, "was killed"),
    ],
)
def test_every_end_comes_back(
    environment: dict[str, str], command: Command, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = _run(command(*arguments), environment)
    assert done.returncode == code
    assert said in done.stderr


@pytest.mark.usefixtures("warm")
def test_ctrl_c_reaches_the_work(environment: dict[str, str], command: Command) -> None:
    process = subprocess.Popen(command("wait"), stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.stdout.read() == "polite\n"
    assert process.wait(10) == 7
    process.stdout.close()


@pytest.mark.usefixtures("warm")
def test_a_killed_command_takes_its_work_with_it(environment: dict[str, str], command: Command) -> None:
    process = subprocess.Popen(command("wait"), stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    work = psutil.Process(int(process.stdout.readline()))
    process.kill()
    assert psutil.wait_procs([work], timeout=10)[0]
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_work_goes_on_without_the_warm_runner(
    warm: subprocess.Popen[bytes], environment: dict[str, str], command: Command, number: int
) -> None:
    process = subprocess.Popen(command("wait"), stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    work = psutil.Process(int(process.stdout.readline()))
    warm.send_signal(number)
    warm.wait(10)
    assert work.is_running()
    process.send_signal(signal.SIGINT)
    assert process.stdout.read() == "polite\n"
    assert process.wait(10) == 7
    process.stdout.close()


@pytest.mark.usefixtures("warm")
def test_a_terminal_is_still_one(environment: dict[str, str], command: Command) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(command("terminal"), stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    said = os.read(master, 1000)
    assert process.wait(20) == 0
    os.close(master)
    assert said.startswith(b"True ")


def test_other_code_is_not_run(
    warm: subprocess.Popen[bytes], folder: Path, environment: dict[str, str], command: Command
) -> None:
    offer = folder / "warm.json"
    offered = json.loads(offer.read_text())
    offer.write_text(json.dumps({**offered, "code": "of last week"}))
    assert _run(command("exit", "0"), environment).returncode == 99
    offer.write_text("torn {")
    assert _run(command("exit", "0"), environment).returncode == 99
    offer.write_text(json.dumps(offered))
    assert _run(command("exit", "0"), environment).returncode == 0


def test_nobody_to_do_it(environment: dict[str, str], command: Command) -> None:
    assert _run(command("exit", "0"), environment).returncode == 99


def test_the_fingerprint_follows_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from automation_scripts.server import circumstances

    (tmp_path / "flows").mkdir()
    source = tmp_path / "flows" / "story.py"
    source.write_text("one = 1\n")
    monkeypatch.setattr(circumstances, "ROOT", tmp_path)
    first = code_fingerprint()
    assert code_fingerprint() == first
    source.write_text("one = 11\n")
    assert code_fingerprint() != first
    second = code_fingerprint()
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert code_fingerprint() != second


def test_a_limit_of_the_control_group_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from automation_scripts.server import circumstances

    group = tmp_path / "user.slice" / "session.scope"
    group.mkdir(parents=True)
    monkeypatch.setattr(circumstances, "CGROUPS", tmp_path)
    monkeypatch.setattr(circumstances, "control_group", lambda: "/user.slice/session.scope")
    (group / "memory.max").write_text("max\n")
    assert not circumstances.confined()
    (group.parent / "memory.max").write_text("1073741824\n")
    assert circumstances.confined()
