"""Texts that are made to hurt: each ends as a finding or clean, within its time and memory, and never as an exception."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing import isolated
from automation_scripts.validation.parsing.files import parse_file, parse_text
from automation_scripts.validation.parsing.isolated import Lost, Worker
from automation_scripts.validation.parsing.second_opinion import Opinion
from automation_scripts.validation.parsing.version_differences import differences
from tests.validation.parsing.conftest import check_findings
from tests.validation.parsing.hostile import HOSTILE

# What must be found; the texts that are left out here are large and only in the slow test.
CHEAP = {
    "question marks": {"yaml/too-deep"},
    "question marks, then broken": {"yaml/too-deep"},
    "dashes": {"yaml/too-deep"},
    "named dashes": {"yaml/syntax"},
    "brackets": {"yaml/too-deep"},
    "brackets in JSON": {"json/too-deep"},
    "objects in JSON": {"json/too-deep"},
    "brackets, closed": {"yaml/too-deep"},
    "indentation": {"yaml/too-deep"},
    "merge bomb": {"yaml/too-large"},
    "billion laughs": {"yaml/too-large"},
    "billion laughs, then broken": {"yaml/too-large"},
    "wide laughs": {"yaml/too-large"},
    "huge numbers": set(),
    "huge numbers in JSON": set(),
    "NULs": {"yaml/character", "yaml/syntax"},
    "only NULs": {"file/binary"},
    "a line of 5 MB": set(),
    "a line of 5 MB in quotes": set(),
    "a broken line of 5 MB": {"yaml/syntax"},
    "placeholders": {"yaml/too-deep"},
    "placeholders on lines": {"yaml/too-deep"},
    "commas in JSON": {"json/syntax"},
    "odd blanks in JSON": {"json/syntax"},
    "quotes in JSON": {"json/syntax"},
    "tabs": {"yaml/syntax"},
}


@pytest.mark.parametrize("name", CHEAP)
def test_a_hostile_text_is_a_finding(name: str, tmp_path: Path) -> None:
    file_name, make = HOSTILE[name]
    content = make()
    path = tmp_path / file_name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    parsed = parse_file(path, file_name)
    check_findings(parsed.findings, file_name)
    differences(parsed)
    assert CHEAP[name] <= {finding.rule_id for finding in parsed.findings}
    assert CHEAP[name] or parsed.documents


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_keeps_within_its_bounds(name: str) -> None:
    """Five seconds of processor time and 512 MB, with the process that reads it and its worker."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.validation.parsing.hostile", name], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["cpu_s"] <= 5.0
    assert found["mb"] <= 512
    if name in ("directives", "values", "documents", "a list in a line of 5 MB"):
        assert found["rules"], "not read to its end, so something must say so"


ENCODED = "a: b\nc: \U0001f600 d\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_every_encoding_gives_the_same_tree(encoding: str, name: str, tmp_path: Path) -> None:
    text = ENCODED if name == "a.yaml" else '{"a": "b", "c": "\U0001f600 d"}'
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    parsed = parse_file(path, name)
    check_findings(parsed.findings, name)
    [document] = parsed.documents
    assert [value.value for _, value in document.root.entries] == ["b", "\U0001f600 d"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"a: \xff\xfe\nb: 1\n", "file/encoding"),
        (b"a: caf\xe9\n", "file/encoding"),
        (b"a: \x00b\n", "yaml/character"),
        (b"a: \xed\xa0\x80\n", "file/encoding"),
        (b"\xff\xfea\x00:\x00 ", "file/encoding"),
        (b"\xef\xbb\xbf\xff", "file/encoding"),
    ],
)
def test_bytes_that_are_no_text_are_findings(content: bytes, rule: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    parsed = parse_file(path, "a.yaml")
    check_findings(parsed.findings, "a.yaml")
    assert rule in {finding.rule_id for finding in parsed.findings}


def test_half_surrogates_become_a_finding_and_a_text_that_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": "\\ud800", "b": "\\udc00\\ud800x", "c": "\\ud83d\\ude00"}')
    parsed = parse_file(path, "a.json")
    assert [finding.rule_id for finding in parsed.findings] == ["json/lone-surrogate"] * 3
    assert [value.value for _, value in parsed.documents[0].root.entries] == ["\ufffd", "\ufffd\ufffdx", "\U0001f600"]


# The worker -------------------------------------------------------------------------------------------------


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


def test_a_reader_that_dies_is_lost_and_the_next_one_answers(worker: Worker) -> None:
    lost = worker.ask(("opinion", "? " * 100_000), 2.0)
    assert isinstance(lost, Lost)
    assert f"exit status {-signal.SIGSEGV}" in lost.reason
    assert worker.ask(("opinion", "a: [b]\n"), 2.0) == Opinion(True)
    wrong = worker.ask(("opinion", "a: ]\n"), 2.0)
    assert (wrong.valid, wrong.line) == (False, 1)


def test_a_reader_without_end_is_stopped(worker: Worker) -> None:
    """libyaml compares every directive with all before it."""
    text = HOSTILE["directives"][1]()
    lost = worker.ask(("trial", "/x/a.yaml", "a.yaml", text, Limits(), None), 1.0)
    assert isinstance(lost, Lost)
    assert "1 s" in lost.reason
    assert worker.ask(("trial", "/x/a.yaml", "a.yaml", "a: 1\n", Limits(), None), 1.0) is True


def test_a_reader_that_takes_all_memory_is_lost(worker: Worker) -> None:
    lost = worker.ask(("opinion", HOSTILE["wide laughs"][1]()), 5.0)
    assert isinstance(lost, Lost)


def test_a_worker_that_is_killed_is_made_again(worker: Worker) -> None:
    assert worker.ask(("opinion", "a: 1\n"), 2.0) == Opinion(True)
    assert worker._process is not None
    os.kill(worker._process.pid, signal.SIGKILL)
    worker._process.wait()
    assert worker.ask(("opinion", "a: 1\n"), 2.0) == Opinion(True)


def test_what_cannot_be_read_is_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated.WORKER, "ask", lambda request, cpu_s: Lost("took longer than 1 s and was stopped"))
    text = "".join(f"%TAG !a{n}! x\n" for n in range(200)) + "---\na: 1\n"
    parsed = parse_text(Path("/x/a.yaml"), "a.yaml", text)
    check_findings(parsed.findings, "a.yaml")
    [finding] = parsed.findings
    assert finding.rule_id == "file/unreadable-text"
    assert "took longer" in finding.message
    assert not parsed.documents


def test_typical_texts_need_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: object, cpu_s: float) -> None:
        raise AssertionError("a process for a typical text")

    monkeypatch.setattr(isolated.WORKER, "ask", fail)
    text = "a: &x {b: [1,\n 2], 'c': \"d\n  e\"}\nf: *x\n"
    assert parse_text(Path("/x/a.yaml"), "a.yaml", text).findings == []
    assert parse_text(Path("/x/a.yaml"), "a.yaml", "a: ]\n" * 100).findings
    assert parse_text(Path("/x/a.json"), "a.json", '{"a": 1}').findings == []
