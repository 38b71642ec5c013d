"""Processes that append at once, and processes that are killed while they do."""

from __future__ import annotations

import sqlite3

import pytest

from automation_scripts.governance.audit.search import read_all
from automation_scripts.governance.audit.verify import verify

APPEND_FOR_EVER = """
import itertools, sys
from pathlib import Path
from automation_scripts.governance.audit.anchors import FileAnchor
from automation_scripts.governance.audit.keys import AuditKeys
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.records import AuditRecord
anchor = FileAnchor(Path(sys.argv[3]), name="anchor")
log = AuditLog(sys.argv[1], signer=AuditKeys(Path(sys.argv[2])), anchors=[anchor], checkpoint_every=3)
for number in itertools.count():
    done = log.append(AuditRecord("work", actor=sys.argv[4], details={"number": number}))
    print(done.index, done.entry_hash, flush=True)
"""

APPEND_SOME = """
import sys
from pathlib import Path
from automation_scripts.governance.audit.keys import AuditKeys
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.records import AuditRecord
log = AuditLog(sys.argv[1], signer=AuditKeys(Path(sys.argv[2])), checkpoint_every=7)
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    log.append(AuditRecord("work", actor=sys.argv[3], details={"number": number}))
print("done", flush=True)
"""


@pytest.mark.parametrize("url", ["sqlite", "postgres"])
def test_four_processes_that_append_at_once_leave_no_gap(request, url, keys, open_log, start_worker):
    place = request.getfixturevalue(f"{url}_url")
    workers = [start_worker(APPEND_SOME, place, str(keys.folder), f"worker-{number}") for number in range(4)]
    assert [worker.hear() for worker in workers] == ["ready"] * 4
    for worker in workers:
        worker.tell("go")
    assert [worker.hear() for worker in workers] == ["done"] * 4
    log = open_log(place)
    entries = list(read_all(log))
    assert [entry.index for entry in entries] == list(range(160))
    for number in range(4):  # each one's entries lie in the order in which it wrote them
        own = [entry.members["details"]["number"] for entry in entries if entry.text("actor") == f"worker-{number}"]
        assert own == list(range(40))
    assert verify(log).ok


@pytest.mark.slow
def test_twenty_kills_lose_nothing_that_was_acknowledged(sqlite_url, keys, anchor, open_log, start_worker):
    anchor.name = "anchor"
    acknowledged: dict[int, str] = {}
    for number in range(20):
        worker = start_worker(APPEND_FOR_EVER, sqlite_url, str(keys.folder), str(anchor.path), f"worker-{number}")
        for _ in range(1 + number % 5):
            index, entry_hash = worker.hear().split()
            acknowledged[int(index)] = entry_hash
        worker.kill()
        for line in worker.process.stdout.read().splitlines():  # said, and not yet heard
            if len(line.split()) == 2 and len(line.split()[1]) == 64:
                acknowledged[int(line.split()[0])] = line.split()[1]
    log = open_log(sqlite_url, anchors=[anchor])
    stored = {entry.index: entry.raw for entry in read_all(log)}
    assert len(acknowledged) >= 20
    from automation_scripts.governance.audit.tree import leaf_hash

    assert {index: leaf_hash(stored[index]).hex() for index in acknowledged} == acknowledged
    result = verify(log)
    assert result.problems == []
    assert result.anchored_size > 0
    check = sqlite3.connect(log.database.place)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()
    log.append(next(iter_records()))
    assert verify(log).ok


def iter_records():
    from tests.governance.audit.conftest import record

    yield record()


@pytest.mark.slow
def test_verification_sees_one_moment_while_others_append(request, keys, anchor, open_log, start_worker, empty_url):
    anchor.name = "anchor"
    workers = [
        start_worker(APPEND_FOR_EVER, empty_url, str(keys.folder), str(anchor.path), f"worker-{number}")
        for number in range(2)
    ]
    for worker in workers:
        assert worker.hear()
    log = open_log(empty_url, anchors=[anchor])
    results = [verify(log) for _ in range(12)]
    for worker in workers:
        worker.kill()
    assert [result.problems for result in results] == [[]] * 12
    assert results[-1].size > results[0].size
