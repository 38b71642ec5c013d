"""Telling one process from all others, and the living from the dead."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest

from automation_scripts import processes as process
from automation_scripts.processes import current_process, is_gone

SAY_WHO = """
from automation_scripts.processes import current_process
import dataclasses, json, sys
print(json.dumps(dataclasses.asdict(current_process())), flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["proc", "hidepid", "psutil"])
def view(request, monkeypatch):
    """The ways in which the system can be asked."""
    if request.param == "hidepid":
        monkeypatch.setattr(process, "read_stat", lambda pid: None)
    if request.param == "psutil":
        monkeypatch.setattr(process, "HAS_PROC", False)
        monkeypatch.setattr(process, "_cached", None)
        yield request.param
        process._cached = None
        return
    yield request.param


def test_a_living_process_is_not_gone_and_an_ended_one_is(view):
    here = current_process()
    assert not is_gone(here, here)
    child = subprocess.Popen(["sleep", "60"])
    owner = dataclasses.replace(here, pid=child.pid, started=process._started(child.pid))
    assert not is_gone(owner, here)
    child.kill()
    child.wait()
    assert is_gone(owner, here)


def test_another_process_of_the_same_id_is_recognised(view):
    here = current_process()
    earlier = dataclasses.replace(here, started=here.started - 5000)
    assert is_gone(earlier, here) is (view != "hidepid")  # what cannot be seen is not taken for dead


def test_processes_of_one_host_differ_in_id_and_start_only(start_worker):
    here = dataclasses.asdict(current_process())
    there = json.loads(start_worker(SAY_WHO).hear())
    assert {key for key in here if here[key] != there[key]} == {"pid", "started"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_not_its_parent():
    code = """
import os
from automation_scripts.processes import current_process
parent = current_process()
child = os.fork()
if child == 0:
    os._exit(0 if current_process().pid == os.getpid() != parent.pid else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "0\n"


@pytest.mark.skipif(not process.HAS_PROC, reason="needs /proc")
def test_a_command_name_with_brackets_and_spaces_is_read_right(tmp_path):
    link = tmp_path / "a) R 1 2 (b"
    link.symlink_to("/bin/sleep")
    child = subprocess.Popen([link, "60"])
    try:
        stat = process.read_stat(child.pid)
        assert stat.parent == os.getpid()
        assert stat.started >= current_process().started
    finally:
        child.kill()
        child.wait()
