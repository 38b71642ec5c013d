"""What is done to a copy of a log, and what verification says to it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from automation_scripts.governance.audit import scan, tree
from automation_scripts.governance.audit.anchors import CallableAnchor, FileAnchor
from automation_scripts.governance.audit.findings import Kind, Verification
from automation_scripts.governance.audit.keys import AuditKeys, SigningKey
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.notes import write_checkpoint
from automation_scripts.governance.audit.records import canonical
from automation_scripts.governance.audit.scan import BATCH
from automation_scripts.governance.audit.verify import verify
from tests.governance.audit.conftest import Clock, record

SIZE = 21
COLUMNS = "time, action, actor, script, environment, execution_id, outcome, entry"


@dataclass
class Store:
    """A copy of a log of 21 entries: checkpoints of 8, 16 and 21 entries are kept and anchored."""

    folder: Path
    keys: AuditKeys

    @property
    def database(self) -> Path:
        return self.folder / "audit.db"

    @property
    def anchor(self) -> FileAnchor:
        return FileAnchor(self.folder / "anchor.txt", name="anchor")

    def open(self, **options: object) -> AuditLog:
        return AuditLog(f"sqlite:///{self.database}", signer=self.keys, checkpoint_every=8, **options)  # type: ignore[arg-type]

    def verify(self, *, anchored: bool = True) -> Verification:
        with self.open() as log:
            return verify(log, [self.anchor] if anchored else [], self.keys.verifier_keys())

    def do(self, tampering: Callable[[sqlite3.Connection], object]) -> None:
        connection = sqlite3.connect(self.database)
        with connection:
            tampering(connection)
        connection.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("original")
    store = Store(folder, AuditKeys(folder / "keys", "example.com/audit"))
    with store.open(anchors=[store.anchor], clock=Clock()) as log:
        for number in range(10):
            log.append(record(number))
        log.database.dispose()
        shutil.copytree(folder, folder / "earlier")
        for number in range(10, SIZE):
            log.append(record(number))
        log.checkpoint()
    return store


@pytest.fixture
def store(original: Store, tmp_path: Path) -> Store:
    shutil.copytree(original.folder, tmp_path / "copy")
    return Store(tmp_path / "copy", AuditKeys(tmp_path / "copy" / "keys"))


def found(verification: Verification) -> set[tuple[Kind, int | None, int | None]]:
    assert verification.ok is (not verification.problems)
    return {(problem.kind, problem.index, problem.end) for problem in verification.problems}


def rewrite(connection: sqlite3.Connection, at: int, /, **changes: object) -> None:
    """Change members of an entry, and the columns with them."""
    raw = connection.execute("SELECT entry FROM audit_entries WHERE entry_index = ?", (at,)).fetchone()[0]
    members = json.loads(raw) | changes
    connection.execute("UPDATE audit_entries SET entry = ? WHERE entry_index = ?", (canonical(members), at))
    for name in changes.keys() & {"time", "action", "actor", "script", "environment", "execution_id", "outcome"}:
        value = members[name] if isinstance(members[name], str) else ""
        connection.execute(f"UPDATE audit_entries SET {name} = ? WHERE entry_index = ?", (value, at))


def hash_again(connection: sqlite3.Connection, index: int) -> None:
    """Store the leaf hash that fits the entry now."""
    raw = connection.execute("SELECT entry FROM audit_entries WHERE entry_index = ?", (index,)).fetchone()[0]
    connection.execute("UPDATE audit_nodes SET hash = ? WHERE position = ?", (tree.leaf_hash(raw), 2 * index))


def recompute(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """Make the whole tree fit the entries: what an attacker does who knows how it works, without the key."""
    raws = [row[0] for row in connection.execute("SELECT entry FROM audit_entries ORDER BY entry_index")]
    size, tops, nodes = tree.grow(0, [], map(tree.leaf_hash, raws))
    connection.execute("DELETE FROM audit_nodes")
    connection.executemany("INSERT INTO audit_nodes VALUES (?, ?)", nodes)
    return size, tree.fold(tops)


def sign_again(connection: sqlite3.Connection, key: SigningKey) -> None:
    """Sign head and checkpoints anew."""
    recompute(connection)
    raws = [row[0] for row in connection.execute("SELECT entry FROM audit_entries ORDER BY entry_index")]

    def note(size: int) -> str:
        return write_checkpoint(
            key.verifier.name, size, tree.fold(tree.grow(0, [], map(tree.leaf_hash, raws[:size]))[1]), [key]
        )

    connection.execute("UPDATE audit_head SET note = ?", (note(len(raws)),))
    for (size,) in connection.execute("SELECT size FROM audit_checkpoints").fetchall():
        connection.execute("UPDATE audit_checkpoints SET note = ? WHERE size = ?", (note(size), size))


def shift(connection: sqlite3.Connection, start: int, by: int) -> None:
    """Move the rows from `start` on."""
    connection.execute("UPDATE audit_entries SET entry_index = -entry_index WHERE entry_index >= ?", (start,))
    connection.execute("UPDATE audit_entries SET entry_index = -entry_index + ? WHERE entry_index < 0", (by,))


def delete(connection: sqlite3.Connection, index: int, *, close: bool = False) -> None:
    connection.execute("DELETE FROM audit_entries WHERE entry_index = ?", (index,))
    if close:
        shift(connection, index + 1, -1)


def insert(connection: sqlite3.Connection, index: int, says: int) -> None:
    """Put a forged entry at an index, which says that it has the index `says`."""
    shift(connection, index, 1)
    connection.execute(
        f"INSERT INTO audit_entries (entry_index, {COLUMNS}) SELECT ?, {COLUMNS} FROM audit_entries WHERE entry_index = 2",
        (index,),
    )
    time = connection.execute("SELECT time FROM audit_entries WHERE entry_index = ?", (index - 1,)).fetchone()[0]
    rewrite(connection, index, index=says, actor="mallory", time=time)


def shift_one_up(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Move rows up by one, and the row -1 behind them."""
    for index in range(first, last + 1):
        connection.execute("UPDATE audit_entries SET entry_index = ? WHERE entry_index = ?", (index - 1, index))
    connection.execute("UPDATE audit_entries SET entry_index = ? WHERE entry_index = -1", (last,))


def swap(connection: sqlite3.Connection, one: int, other: int) -> None:
    connection.execute("UPDATE audit_entries SET entry_index = -1 WHERE entry_index = ?", (one,))
    connection.execute("UPDATE audit_entries SET entry_index = ? WHERE entry_index = ?", (one, other))
    connection.execute("UPDATE audit_entries SET entry_index = ? WHERE entry_index = -1", (other,))


def truncate(connection: sqlite3.Connection, size: int, *, nodes: bool = False) -> None:
    connection.execute("DELETE FROM audit_entries WHERE entry_index >= ?", (size,))
    if nodes:
        recompute(connection)


def roll_back(connection: sqlite3.Connection) -> None:
    """To the checkpoint of 16 entries, whose signature is genuine."""
    truncate(connection, 16, nodes=True)
    connection.execute("UPDATE audit_head SET note = (SELECT note FROM audit_checkpoints WHERE size = 16)")
    connection.execute("DELETE FROM audit_checkpoints WHERE size > 16")
    connection.execute("DELETE FROM audit_published WHERE size > 16")


def all_of(*steps: Callable[[sqlite3.Connection], object]) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: [step(connection) for step in steps]


def sql(statement: str) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute(statement)


K = Kind
TAMPERINGS: dict[str, tuple[Callable[[sqlite3.Connection], object], set[tuple[Kind, int | None, int | None]]]] = {
    "an entry edited": (lambda c: rewrite(c, 5, outcome="denied"), {(K.ENTRY_EDITED, 5, 6)}),
    "the first entry": (lambda c: rewrite(c, 0, details={}), {(K.ENTRY_EDITED, 0, 1)}),
    "the last entry": (lambda c: rewrite(c, 20, details={}), {(K.ENTRY_EDITED, 20, 21)}),
    "two entries edited": (
        lambda c: [rewrite(c, 5, details={}), rewrite(c, 17, details={})],
        {(K.ENTRY_EDITED, 5, 6), (K.ENTRY_EDITED, 17, 18)},
    ),
    "one space more in an entry": (
        sql("UPDATE audit_entries SET entry = CAST(entry || ' ' AS BLOB) WHERE entry_index = 5"),
        {(K.ENTRY_EDITED, 5, 6)},
    ),
    "an entry that is no JSON": (
        sql("UPDATE audit_entries SET entry = x'00ff' WHERE entry_index = 5"),
        {(K.ENTRY_EDITED, 5, 6)},
    ),
    "an entry that is text": (
        sql("UPDATE audit_entries SET entry = 'text' WHERE entry_index = 5"),
        {(K.ENTRY_EDITED, 5, 6)},
    ),
    "an entry of JSON that is no object": (
        sql("UPDATE audit_entries SET entry = x'5b5d' WHERE entry_index = 5"),
        {(K.ENTRY_EDITED, 5, 6)},
    ),
    "an entry and its hash": (
        lambda c: [rewrite(c, 5, details={}), hash_again(c, 5)],
        {(K.ENTRY_EDITED, 4, 6)},
    ),
    "the last entry, which is a peak, and its hash": (
        lambda c: [rewrite(c, 20, details={}), hash_again(c, 20)],
        {(K.HISTORY_REWRITTEN, 16, 21)},
    ),
    "an entry and the whole tree": (
        lambda c: [rewrite(c, 10, details={}), recompute(c)],
        {(K.HISTORY_REWRITTEN, 8, 16)},
    ),
    "an entry before the first checkpoint and the whole tree": (
        lambda c: [rewrite(c, 3, details={}), recompute(c)],
        {(K.HISTORY_REWRITTEN, 0, 8)},
    ),
    "a column": (sql("UPDATE audit_entries SET actor = 'eve' WHERE entry_index = 5"), {(K.COLUMN_EDITED, 5, 6)}),
    "a column of time": (
        sql("UPDATE audit_entries SET time = '2030-01-01T00:00:00.000000Z' WHERE entry_index = 20"),
        {(K.COLUMN_EDITED, 20, 21)},
    ),
    "a column of time that is no text": (
        sql("UPDATE audit_entries SET time = x'00' WHERE entry_index = 5"),
        {(K.COLUMN_EDITED, 5, 6)},
    ),
    "an entry whose members are of other types": (
        lambda c: rewrite(c, 5, time=7, outcome=None, execution_id={}),
        {(K.ENTRY_EDITED, 5, 6), (K.COLUMN_EDITED, 5, 6)},
    ),
    "the hash of an entry": (
        sql("UPDATE audit_nodes SET hash = zeroblob(32) WHERE position = 10"),
        {(K.NODE_EDITED, 5, 6)},
    ),
    "an inner hash": (sql("UPDATE audit_nodes SET hash = zeroblob(32) WHERE position = 11"), {(K.NODE_EDITED, 4, 8)}),
    "a peak": (sql("UPDATE audit_nodes SET hash = zeroblob(32) WHERE position = 15"), {(K.NODE_EDITED, 0, 16)}),
    "a hash that is text": (sql("UPDATE audit_nodes SET hash = 'x' WHERE position = 11"), {(K.NODE_EDITED, 4, 8)}),
    "a hash deleted": (sql("DELETE FROM audit_nodes WHERE position = 11"), {(K.NODE_EDITED, 4, 8)}),
    "all hashes deleted": (
        sql("DELETE FROM audit_nodes"),
        {(K.NODE_EDITED, *tree.leaves_of(at)) for at in range(2 * SIZE - 1) if tree.leaves_of(at)[1] <= SIZE},
    ),
    "a hash planted where the next will be": (
        sql("INSERT INTO audit_nodes VALUES (42, zeroblob(32))"),
        {(K.NODE_EDITED, 21, None)},
    ),
    "an entry and another hash": (
        lambda c: [rewrite(c, 5, details={}), c.execute("UPDATE audit_nodes SET hash = zeroblob(32) WHERE position = 23")],
        {(K.ENTRY_EDITED, 5, 6), (K.NODE_EDITED, 8, 16)},
    ),
    "an entry deleted": (lambda c: delete(c, 5), {(K.ENTRY_DELETED, 5, 6)}),
    "the first entry deleted": (lambda c: delete(c, 0), {(K.ENTRY_DELETED, 0, 1)}),
    "three entries deleted": (
        lambda c: [delete(c, index) for index in (5, 6, 12)],
        {(K.ENTRY_DELETED, 5, 7), (K.ENTRY_DELETED, 12, 13)},
    ),
    "an entry deleted and the gap closed": (lambda c: delete(c, 5, close=True), {(K.ENTRY_DELETED, 5, 6)}),
    "the same with a new tree": (
        lambda c: [delete(c, 5, close=True), recompute(c)],
        {(K.ENTRY_DELETED, 5, 6), (K.HISTORY_REWRITTEN, 0, 8)},
    ),
    "an entry inserted": (lambda c: insert(c, 5, 5), {(K.ENTRY_INSERTED, 5, 6)}),
    "an entry inserted and a new tree": (lambda c: [insert(c, 5, 5), recompute(c)], {(K.ENTRY_INSERTED, 5, 6), (K.HISTORY_REWRITTEN, 0, 8)}),
    "one inserted that repeats the one before": (lambda c: insert(c, 5, 4), {(K.ENTRY_INSERTED, 5, 6)}),
    "one inserted that says another index": (lambda c: insert(c, 5, 99), {(K.ENTRY_INSERTED, 5, 6)}),
    "one inserted that says no index": (lambda c: insert(c, 5, -1), {(K.ENTRY_INSERTED, 5, 6)}),
    "one added at the end": (lambda c: insert(c, 21, 21), {(K.ENTRY_INSERTED, 21, 22)}),
    "one added far away": (
        lambda c: [insert(c, 21, 21), c.execute("UPDATE audit_entries SET entry_index = 9000000000 WHERE entry_index = 21")],
        {(K.ENTRY_INSERTED, 9000000000, 9000000001)},
    ),
    "two entries swapped": (lambda c: swap(c, 3, 7), {(K.ENTRY_MOVED, 3, 4), (K.ENTRY_MOVED, 7, 8)}),
    "neighbours swapped, with a new tree": (
        lambda c: [swap(c, 3, 4), recompute(c)],
        {(K.ENTRY_MOVED, 3, 4), (K.ENTRY_MOVED, 4, 5), (K.HISTORY_REWRITTEN, 0, 8)},
    ),
    "swapped with their indexes and a new tree": (
        lambda c: [swap(c, 10, 12), rewrite(c, 10, index=10), rewrite(c, 12, index=12), recompute(c)],
        {(K.HISTORY_REWRITTEN, 8, 16), (K.TIME_WENT_BACK, 11, 12), (K.TIME_WENT_BACK, 12, 13)},
    ),
    "one moved out of the log": (
        sql("UPDATE audit_entries SET entry_index = 100 WHERE entry_index = 5"),
        {(K.ENTRY_MOVED, 100, 101)},
    ),
    "the first one moved before the log": (
        sql("UPDATE audit_entries SET entry_index = -1 WHERE entry_index = 0"),
        {(K.ENTRY_MOVED, -1, 0)},
    ),
    "one moved behind others": (
        lambda c: [c.execute("UPDATE audit_entries SET entry_index = -1 WHERE entry_index = 3"), shift_one_up(c, 4, 8)],
        {(K.ENTRY_MOVED, row, row + 1) for row in range(3, 9)},
    ),
    "one deleted and one inserted elsewhere": (
        lambda c: [delete(c, 5, close=True), insert(c, 12, 12)],
        {(K.ENTRY_DELETED, 5, 6), (K.ENTRY_INSERTED, 12, 13)},
    ),
    "one moved to the place of a deleted one": (
        lambda c: [delete(c, 7), c.execute("UPDATE audit_entries SET entry_index = 7 WHERE entry_index = 3")],
        {(K.ENTRY_DELETED, 7, 8), (K.ENTRY_MOVED, 7, 8)},
    ),
    "the tail cut off": (lambda c: truncate(c, 17), {(K.LOG_TRUNCATED, 17, 21)}),
    "the tail and its hashes": (lambda c: truncate(c, 17, nodes=True), {(K.LOG_TRUNCATED, 17, 21), (K.HISTORY_REWRITTEN, 16, 21)}),
    "everything cut off": (lambda c: truncate(c, 0), {(K.LOG_TRUNCATED, 0, 21)}),
    "the tail and the head": (
        lambda c: [truncate(c, 18, nodes=True), c.execute("DELETE FROM audit_head")],
        {(K.LOG_TRUNCATED, 18, 21), (K.HEAD_MISSING, None, None), (K.HISTORY_REWRITTEN, 16, 21)},
    ),
    "the tail cut off with an earlier head": (
        lambda c: [
            truncate(c, 16, nodes=True),
            c.execute("UPDATE audit_head SET note = (SELECT note FROM audit_checkpoints WHERE size = 16)"),
        ],
        {(K.LOG_TRUNCATED, 16, 21), (K.CHECKPOINT_EDITED, 16, 21), (K.HISTORY_REWRITTEN, 16, 21)},
    ),
    "a clean roll-back to a checkpoint": (roll_back, {(K.LOG_ROLLED_BACK, 16, 21)}),
    "an entry edited in a tree that was made anew for another one": (
        lambda c: [rewrite(c, 10, details={}), recompute(c), rewrite(c, 5, details={})],
        {(K.ENTRY_EDITED, 5, 6), (K.HISTORY_REWRITTEN, 0, 8)},
    ),
    "an earlier head, and the last checkpoint deleted": (
        lambda c: [
            c.execute("UPDATE audit_head SET note = (SELECT note FROM audit_checkpoints WHERE size = 16)"),
            c.execute("DELETE FROM audit_checkpoints WHERE size = 21"),
        ],
        {(K.CHECKPOINT_EDITED, 16, 21), (K.CHECKPOINT_DELETED, 21, None)},
    ),
    "a column that is no UTF-8": (
        sql("UPDATE audit_entries SET actor = CAST(x'ff' AS TEXT) WHERE entry_index = 5"),
        {(K.COLUMN_EDITED, 5, 6)},
    ),
    "a column that is a number": (
        sql("UPDATE audit_entries SET actor = x'00' WHERE entry_index = 5"),
        {(K.COLUMN_EDITED, 5, 6)},
    ),
    "a head that is no UTF-8": (
        sql("UPDATE audit_head SET note = CAST(x'ff' AS TEXT)"),
        {(K.CHECKPOINT_EDITED, None, None)},
    ),
    "the head gone": (sql("DELETE FROM audit_head"), {(K.HEAD_MISSING, None, None)}),
    "the head edited": (
        sql("UPDATE audit_head SET note = replace(note, char(10) || '21' || char(10), char(10) || '20' || char(10))"),
        {(K.CHECKPOINT_EDITED, 20, None)},
    ),
    "a checkpoint edited": (
        sql("UPDATE audit_checkpoints SET note = replace(note, char(10) || '8' || char(10), char(10) || '9' || char(10)) WHERE size = 8"),
        {(K.CHECKPOINT_EDITED, 9, None)},
    ),
    "a checkpoint that is none": (
        sql("UPDATE audit_checkpoints SET note = 'x' WHERE size = 8"),
        {(K.CHECKPOINT_EDITED, None, None)},
    ),
    "a checkpoint under another size": (
        sql("UPDATE audit_checkpoints SET size = 9 WHERE size = 8"),
        {(K.CHECKPOINT_EDITED, 9, None), (K.CHECKPOINT_DELETED, 8, None)},
    ),
    "a checkpoint deleted": (
        sql("DELETE FROM audit_checkpoints WHERE size = 8"),
        {(K.CHECKPOINT_DELETED, None, None), (K.CHECKPOINT_DELETED, 8, None)},
    ),
    "the last checkpoint deleted": (
        sql("DELETE FROM audit_checkpoints WHERE size = 21"),
        {(K.CHECKPOINT_DELETED, 21, None)},
    ),
}  # fmt: skip


# Genuine signatures of an earlier moment: nothing in the file itself can show it.
ONLY_ANCHORED = {"a clean roll-back to a checkpoint", "the last checkpoint deleted"}


def test_the_untouched_copy_is_whole(store):
    result = store.verify()
    assert (result.ok, result.problems) == (True, [])
    assert (result.size, result.signed_size, result.anchored_size) == (SIZE, SIZE, SIZE)
    with store.open() as log:
        assert result.root == log.status().root


@pytest.mark.parametrize("name", TAMPERINGS)
def test_each_tampering_is_found_and_named(store, name):
    tampering, expected = TAMPERINGS[name]
    store.do(tampering)
    assert found(store.verify()) == expected
    assert store.verify(anchored=False).ok is (name in ONLY_ANCHORED)


def test_an_earlier_copy_of_the_whole_file(store):
    shutil.copy(store.folder / "earlier" / "audit.db", store.database)
    result = store.verify()
    assert found(result) == {(K.LOG_ROLLED_BACK, 10, SIZE)}
    assert "an earlier copy" in result.problems[0].message
    assert result.anchored_size == 8


def test_a_new_log_in_place_of_the_old_one(store):
    store.database.unlink()
    assert found(store.verify()) == {(K.LOG_ROLLED_BACK, 0, SIZE)}


def test_an_earlier_copy_that_was_continued_is_a_fork(store):
    """With the real key: somebody restored a backup, or stole the key."""
    shutil.copy(store.folder / "earlier" / "audit.db", store.database)
    with store.open() as log:
        for number in range(100, 120):
            log.append(record(number))
    result = store.verify()
    assert found(result) == {(K.LOG_FORKED, 8, 16)}
    assert "another history" in result.problems[0].message


def test_a_fork_that_is_still_shorter(store):
    shutil.copy(store.folder / "earlier" / "audit.db", store.database)
    with store.open() as log:
        for number in range(100, 108):
            log.append(record(number))
    assert found(store.verify()) == {(K.LOG_FORKED, 8, 16), (K.LOG_ROLLED_BACK, 18, 21)}


def test_an_edit_does_not_hide_a_fork(store):
    shutil.copy(store.folder / "earlier" / "audit.db", store.database)
    with store.open() as log:
        for number in range(100, 120):
            log.append(record(number))
    store.do(lambda c: rewrite(c, 5, details={}))
    assert found(store.verify()) == {(K.ENTRY_EDITED, 5, 6), (K.LOG_FORKED, 8, 16)}


def test_every_entry_and_its_hash_edited_in_a_large_log_is_named_in_time(store):
    with store.open() as log:
        log.append_many([record(number) for number in range(1000)])
    size = 1000 + SIZE
    store.do(
        lambda c: [
            c.execute("UPDATE audit_entries SET entry = CAST(entry || ' ' AS BLOB)"),
            *(hash_again(c, index) for index in range(size)),
        ]
    )
    problems = store.verify(anchored=False).problems
    assert {problem.kind for problem in problems} == {K.ENTRY_EDITED, K.HISTORY_REWRITTEN}
    assert sum(problem.end - problem.index for problem in problems if problem.kind is K.ENTRY_EDITED) >= size - 1


def test_who_has_the_key_and_rewrites_everything_meets_the_anchor(store):
    key = store.keys.current()
    store.do(lambda c: [rewrite(c, 10, details={}), sign_again(c, key)])
    assert store.verify(anchored=False).ok
    assert found(store.verify()) == {(K.LOG_FORKED, 8, 16)}


def test_a_log_that_was_signed_again_with_another_key(store):
    store.do(lambda c: [rewrite(c, 10, details={}), sign_again(c, SigningKey.generate("example.com/audit"))])
    kinds = found(store.verify())
    assert {(K.UNKNOWN_KEY, 8, None), (K.UNKNOWN_KEY, 16, None), (K.UNKNOWN_KEY, SIZE, None)} < kinds
    assert (K.HISTORY_REWRITTEN, 8, 16) in kinds
    assert {problem.kind for problem in store.verify(anchored=False).problems} >= {K.UNKNOWN_KEY}


def test_the_checkpoints_of_another_log(store, tmp_path):
    other = Store(tmp_path / "other", AuditKeys(tmp_path / "other" / "keys", "example.com/other"))
    with other.open() as log:
        log.append(record())
        note = log.checkpoint()
    store.anchor.publish(note, 1)
    assert found(store.verify()) == {(K.ANCHOR_EDITED, 1, None)}


def edit_anchor(store: Store, before: str, after: str) -> None:
    content = store.anchor.path.read_text()
    assert before in content
    store.anchor.path.write_text(content.replace(before, after))


def test_an_anchor_that_was_edited(store):
    edit_anchor(store, "\n16\n", "\n17\n")
    assert found(store.verify()) == {(K.ANCHOR_EDITED, 17, None), (K.ANCHOR_TRUNCATED, 16, None)}


def test_an_anchor_that_is_garbage(store):
    store.anchor.path.write_bytes(b"\xff\x00garbage")
    assert {problem.kind for problem in store.verify().problems} == {K.ANCHOR_EDITED, K.ANCHOR_TRUNCATED}


def test_an_anchor_that_was_truncated(store):
    notes = store.anchor.path.read_text()
    store.anchor.path.write_text(notes[: notes.index("\n16\n") - len("example.com/audit")])
    result = store.verify()
    assert found(result) == {(K.ANCHOR_TRUNCATED, 16, None)}
    assert result.anchored_size == 8


def test_an_anchor_that_is_gone(store):
    store.anchor.path.unlink()
    assert found(store.verify()) == {(K.ANCHOR_TRUNCATED, 8, None)}


def test_an_anchor_that_cannot_be_read(store):
    store.anchor.path.unlink()
    store.anchor.path.mkdir()
    result = store.verify()
    assert found(result) == {(K.ANCHOR_UNAVAILABLE, None, None)}
    assert "anchor" in result.problems[0].message


def test_an_anchor_that_only_forwards_says_nothing(store):
    with store.open() as log:
        assert verify(log, [CallableAnchor("chat", print)]).ok


def test_intents_without_outcome_are_told_and_are_no_problem(log):
    log.append(record(1, action="run.intent", outcome="intent"))
    log.append(record(2, action="run.intent", outcome="intent"))
    log.append(record(3, action="policy.change", outcome="intent", execution_id="", request_id="req_1"))
    log.append(record(1, action="run.outcome", outcome="failed"))
    log.append(record(2, action="approval.grant", outcome="allowed"))
    result = verify(log)
    assert result.ok
    assert [(one.index, one.action, one.execution_id) for one in result.open_intents] == [
        (1, "run.intent", "exec_0002"),
        (2, "policy.change", ""),
    ]


@pytest.mark.parametrize(
    ("statement", "kind", "index"),
    [
        ("UPDATE audit_entries SET entry = convert_to('{}', 'UTF8') WHERE entry_index = 3", K.ENTRY_EDITED, 3),
        ("UPDATE audit_entries SET actor = 'eve' WHERE entry_index = 3", K.COLUMN_EDITED, 3),
        ("DELETE FROM audit_entries WHERE entry_index = 3", K.ENTRY_DELETED, 3),
        ("UPDATE audit_nodes SET hash = decode('00', 'hex') WHERE position = 3", K.NODE_EDITED, 0),
        ("DELETE FROM audit_entries WHERE entry_index > 3", K.LOG_TRUNCATED, 4),
    ],
)
def test_postgresql_too(open_log, postgres_url, statement, kind, index):
    log = open_log(postgres_url)
    log.append_many([record(number) for number in range(6)])
    assert verify(log).ok
    with log.database.write() as connection:
        connection.execute(text(statement))
    assert [(problem.kind, problem.index) for problem in verify(log).problems] == [(kind, index)]


@pytest.fixture(params=[0, 1, 3])
def small_batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """As if the log were long: it is read by 1, 2 or 8 entries."""
    monkeypatch.setattr(scan, "_LEVEL", request.param)
    monkeypatch.setattr(scan, "BATCH", 1 << request.param)
    return 1 << request.param


@pytest.mark.slow
def test_the_batches_make_no_difference(original, tmp_path, small_batches):
    for number, (name, (tampering, expected)) in enumerate(TAMPERINGS.items()):
        shutil.copytree(original.folder, tmp_path / str(number))
        copy = Store(tmp_path / str(number), AuditKeys(tmp_path / str(number) / "keys"))
        if number == 0:
            assert copy.verify().ok
        copy.do(tampering)
        assert found(copy.verify()) == expected, name


def test_edits_in_several_batches_and_above_them_are_named(store, small_batches):
    store.do(lambda c: [rewrite(c, index, details={}) for index in (5, 12, 20)])
    store.do(sql("UPDATE audit_nodes SET hash = zeroblob(32) WHERE position = 15"))
    expected = {(K.ENTRY_EDITED, index, index + 1) for index in (5, 12, 20)}
    assert found(store.verify()) == expected | {(K.NODE_EDITED, 0, 16)}


VALUES = st.one_of(
    st.none(), st.integers(-5, 50), st.text(max_size=5), st.binary(max_size=33), st.binary(min_size=32, max_size=32)
)
CELLS = [
    *(("audit_entries", "entry_index", column) for column in ("entry_index", *COLUMNS.split(", "))),
    *(("audit_nodes", "position", column) for column in ("position", "hash")),
    *(("audit_checkpoints", "number", column) for column in ("number", "size", "note")),
    ("audit_head", "id", "note"),
]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cell=st.sampled_from(CELLS), row=st.integers(0, 40), value=VALUES, gone=st.booleans())
def test_any_change_of_any_value_is_found(original, tmp_path, cell, row, value, gone):
    table, key, column = cell
    shutil.copy(original.database, tmp_path / "audit.db")
    shutil.copy(original.anchor.path, tmp_path / "anchor.txt")
    copy = Store(tmp_path, original.keys)
    connection = sqlite3.connect(copy.database)
    before = list(connection.iterdump())
    number = connection.execute(
        f"SELECT {key} FROM {table} ORDER BY 1 LIMIT 1 OFFSET ? % (SELECT count(*) FROM {table})", (row,)
    ).fetchone()[0]
    with connection, suppress(sqlite3.IntegrityError):
        if gone:
            connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (number,))
        else:
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value, number))
    changed = list(connection.iterdump()) != before
    connection.close()
    assert copy.verify().ok is not changed


def test_progress_is_told_to_the_end(store):
    said: list[tuple[int, int]] = []
    with store.open() as log:
        log.append_many([record(number) for number in range(BATCH)])
        verify(log, [], progress=lambda done, total: said.append((done, total)))
    assert said == [(BATCH, BATCH + SIZE), (BATCH + SIZE, BATCH + SIZE)]
