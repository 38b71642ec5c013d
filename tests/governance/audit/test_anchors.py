"""Anchors: what they keep, what happens while one fails, and who is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit.anchors import CallableAnchor, FileAnchor
from automation_scripts.governance.audit.keys import SigningKey
from automation_scripts.governance.audit.notes import parse_checkpoint, write_checkpoint
from automation_scripts.governance.audit.publishing import Publisher
from automation_scripts.governance.audit.verify import verify
from tests.governance.audit.conftest import record

KEY = SigningKey.generate("example.com/audit")


def note(size: int) -> str:
    return write_checkpoint("example.com/audit", size, bytes(32), [KEY])


class Failing:
    """An anchor that fails until it is told not to."""

    def __init__(self, name: str = "failing", *, required: bool = False) -> None:
        self.name = name
        self.required = required
        self.works = False
        self.tries = 0
        self.notes: list[str] = []

    def publish(self, note: str, size: int) -> None:
        self.tries += 1
        if not self.works:
            raise ConnectionError("no route to host")
        self.notes.append(note)

    def read(self) -> list[str]:
        return self.notes


def sizes(anchor: FileAnchor) -> list[int]:
    return [parse_checkpoint(one).size for one in anchor.read()]


def test_a_checkpoint_is_published_each_so_many_entries_and_on_demand(open_log, audit_url, anchor):
    log = open_log(audit_url, anchors=[anchor], checkpoint_every=4)
    for number in range(9):
        log.append(record(number))
    assert sizes(anchor) == [4, 8]
    log.append_many([record(number) for number in range(9)])  # over two boundaries at once: one checkpoint
    assert sizes(anchor) == [4, 8, 18]
    assert anchor.read()[-1] == log.checkpoint()
    log.append(record())
    assert parse_checkpoint(log.checkpoint()).size == 19
    assert sizes(anchor) == [4, 8, 18, 19]
    assert log.status().anchors[0].behind == 0
    assert verify(log).anchored_size == 19


def test_a_file_anchor_is_private_and_only_grows(anchor):
    anchor.publish(note(1), 1)
    before = anchor.path.read_bytes()
    anchor.publish(note(2), 2)
    assert anchor.path.read_bytes() == before + note(2).encode() + b"\n"
    assert anchor.path.stat().st_mode & 0o077 == 0
    assert anchor.read() == [note(1), note(2)]


def test_a_write_that_was_interrupted_anywhere_is_repeated_and_is_no_tampering(anchor):
    anchor.publish(note(1), 1)
    before = anchor.path.read_bytes()
    whole = note(2).encode() + b"\n"
    for length in range(len(whole) + 1):
        anchor.path.write_bytes(before + whole[:length])
        anchor.publish(note(2), 2)
        assert set(anchor.read()) == {note(1), note(2)}


def test_another_note_behind_a_piece_does_not_hide_the_piece(anchor):
    anchor.publish(note(1), 1)
    with anchor.path.open("a") as file:
        file.write("example.com/audit\n99\n")
    anchor.publish(note(2), 2)
    assert anchor.read() == [note(1), "example.com/audit\n99", note(2)]


def test_threads_and_objects_that_publish_at_once_do_not_mix(anchor):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda size: FileAnchor(anchor.path).publish(note(size), size), range(64)))
    assert sorted(sizes(anchor)) == list(range(64))


def test_an_anchor_without_file_is_empty(anchor):
    assert anchor.read() == []


def test_a_callable_gets_each_checkpoint(open_log, audit_url):
    said: list[str] = []
    log = open_log(audit_url, anchors=[CallableAnchor("chat", said.append)], checkpoint_every=2)
    for number in range(4):
        log.append(record(number))
    assert [parse_checkpoint(one).size for one in said] == [2, 4]
    assert verify(log).ok


def test_an_anchor_that_fails_stops_nothing_and_is_told(open_log, audit_url, anchor):
    failing = Failing()
    log = open_log(audit_url, anchors=[failing, anchor], checkpoint_every=2)
    for number in range(8):
        log.append(record(number))
    assert sizes(anchor) == [2, 4, 6, 8]
    assert failing.tries == 1  # it is left alone for a while
    bad, good = log.status().anchors
    assert (bad.name, bad.published_size, bad.behind) == ("failing", 0, 8)
    assert bad.error == "ConnectionError: no route to host"
    assert (good.behind, good.error) == (0, "")
    failing.works = True
    log.checkpoint()  # on demand it is tried at once
    assert log.status().anchors[0].behind == 0
    assert log.status().anchors[0].error == ""


def test_an_anchor_that_failed_is_tried_again_after_a_while(open_log, audit_url):
    log = open_log(audit_url)
    log.checkpoint()
    time = [1000.0]
    failing = Failing()
    publisher = Publisher(log.database, [failing], monotonic=lambda: time[0])
    log.append(record())
    log.checkpoint()
    for moved, tries in ((0.0, 1), (59.0, 1), (2.0, 2)):
        time[0] += moved
        publisher.publish()
        assert failing.tries == tries


def test_while_a_required_anchor_fails_nothing_is_appended(open_log, audit_url):
    failing = Failing("vault", required=True)
    log = open_log(audit_url, anchors=[failing], checkpoint_every=2)
    log.append(record(0))
    with pytest.raises(AuditUnavailable, match=r"required anchor vault.*no route to host.*Nothing may run"):
        log.append(record(1))  # it is written, but its checkpoint is not: nothing may be done
    assert log.status().size == 2
    for _ in range(2):
        with pytest.raises(AuditUnavailable, match="vault"):
            log.append(record(2))
    assert log.status().size == 2
    failing.works = True
    assert log.append(record(2)).index == 2
    assert [parse_checkpoint(one).size for one in failing.notes] == [2]
    assert verify(log).ok


def test_another_process_too_waits_for_a_required_anchor(open_log, audit_url):
    failing = Failing("vault", required=True)
    open_log(audit_url, checkpoint_every=1).append(record(0))
    with pytest.raises(AuditUnavailable, match="vault"):
        open_log(audit_url, anchors=[failing]).append(record(1))


def test_two_anchors_of_one_name_are_refused(open_log, audit_url):
    with pytest.raises(ValueError, match="same name"):
        open_log(audit_url, anchors=[Failing(), Failing()])


def test_a_full_disk_of_the_anchor_is_told(open_log, audit_url, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    log = open_log(audit_url, anchors=[FileAnchor(tmp_path / "x", name="full")])
    (tmp_path / "x").symlink_to("/dev/full")
    log.append(record())
    log.checkpoint()
    assert "No space left" in log.status().anchors[0].error
