"""Verification: everything that the log, its keys and its anchors say, held against each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, text

from automation_scripts.governance.audit import ledger, tree, witness
from automation_scripts.governance.audit.anchors import Anchor
from automation_scripts.governance.audit.findings import Kind, Problem, Verification
from automation_scripts.governance.audit.ledger import StoredNodes
from automation_scripts.governance.audit.locate import order_problems, walk_tree
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.notes import Checkpoint, VerifierKey
from automation_scripts.governance.audit.scan import Progress, Scan, scan
from automation_scripts.governance.audit.tree import NodeReader
from automation_scripts.governance.audit.witness import Witnesses


def verify(
    log: AuditLog,
    anchors: Sequence[Anchor] | None = None,
    verifier_keys: Sequence[VerifierKey] | None = None,
    *,
    progress: Progress | None = None,
) -> Verification:
    """Find and name every change of the log that its signatures and its anchors can show.

    What nobody outside holds cannot be shown: a log that was replaced as a whole, by who has its signing key, is found
    only by an anchor's checkpoint. Others may append meanwhile.

    Args:
        log: the log; its signing key is not needed.
        anchors: where its checkpoints were published; those of the log by default.
        verifier_keys: the keys to believe, from a place that who can change the log cannot change; by default the list
            that lies beside the signing key.
        progress: called with the number of entries read and their total.

    Raises:
        AuditUnavailable: the database or the keys cannot be read.
    """
    keys = list(verifier_keys) if verifier_keys is not None else log.signer.verifier_keys() if log.signer else []
    origin = keys[0].name if len({key.name for key in keys}) == 1 else None
    # In this order, so that what is appended meanwhile never looks like a loss.
    with log.database.read() as connection:
        published = ledger.published_sizes(connection)
    anchored: dict[str, Witnesses] = {}
    for anchor in log.anchors if anchors is None else anchors:
        found = witness.of_anchor(anchor, published.get(anchor.name, ()), keys, origin)
        if found is not None:
            anchored[anchor.name] = found
    with ledger.snapshot(log.database) as connection:
        return _verify(connection, keys, origin, anchored, progress)


def _verify(
    connection: Connection,
    keys: Sequence[VerifierKey],
    origin: str | None,
    anchored: dict[str, Witnesses],
    progress: Progress | None,
) -> Verification:
    own = witness.of_log(connection, keys, origin)
    size = _expected_size(connection, own, anchored)
    believed = [
        checkpoint for one in (own, *anchored.values()) for checkpoint in one.trusted if checkpoint.size <= size
    ]
    result = scan(connection, size, {checkpoint.size for checkpoint in believed}, progress)
    reader = StoredNodes(connection)
    newest = max(own.trusted or believed, key=lambda checkpoint: checkpoint.size, default=None)
    trusted = (newest.size, newest.root) if newest is not None else None
    signed_tree = trusted is not None and _root(reader, trusted[0]) == trusted[1]
    ordering, explained = order_problems(result, signed_tree)
    walked = walk_tree(result, reader, trusted, explained)
    corrected = _Corrected(reader, walked.corrected)

    def holds(checkpoint: Checkpoint) -> bool:
        """By the entries; or, where entries were edited below a tree that is the signed one, by that tree."""
        if result.roots.get(checkpoint.size) == checkpoint.root:
            return True
        return walked.proved and _root(corrected, checkpoint.size) == checkpoint.root

    problems = [
        *ordering,
        *_row_problems(result, explained),
        *walked.problems,
        *_head_problems(own, size),
        *own.problems,
        *(problem for one in anchored.values() for problem in one.problems),
        *witness.compare(own, anchored, size, holds),
    ]
    if not problems and not _is_whole(result, newest):
        problems.append(Problem(Kind.HISTORY_REWRITTEN, 0, "the log is not the one that was signed", size))
    return Verification(
        ok=not problems,
        size=result.rows,
        root=result.roots[size].hex(),
        problems=problems,
        open_intents=sorted(result.intents.values(), key=lambda intent: intent.index),
        signed_size=witness.covered([own], result.roots),
        anchored_size=witness.covered(anchored.values(), result.roots),
    )


def _expected_size(connection: Connection, own: Witnesses, anchored: Mapping[str, Witnesses]) -> int:
    """How many entries there must be: what was signed; while the head cannot be believed, at least what is there."""
    signed = max((checkpoint.size for checkpoint in own.trusted), default=0)
    count, last = connection.execute(text("SELECT count(*), max(entry_index) FROM audit_entries")).one()
    # A row far beyond the others does not make all indexes before it missing.
    there = int(last) + 1 if last is not None and last < 2 * count + 1000 else int(count)
    if own.head is None:
        return max(signed, there)
    outside = (checkpoint.size for one in anchored.values() for checkpoint in one.trusted)
    return max([signed, *(size for size in outside if size <= there)])


class _Corrected:
    """The stored hashes, with the genuine ones in place of those that were edited."""

    def __init__(self, reader: NodeReader, corrected: Mapping[int, bytes]) -> None:
        self.reader = reader
        self.corrected = corrected

    def read(self, positions: Collection[int]) -> Mapping[int, bytes]:
        found = dict(self.reader.read(positions))
        return found | {at: self.corrected[at] for at in positions if at in self.corrected}


def _root(reader: NodeReader, size: int) -> bytes | None:
    try:
        return tree.root(reader, size)
    except LookupError:
        return None


def _head_problems(own: Witnesses, size: int) -> list[Problem]:
    if not own.has_head and size:
        return [Problem(Kind.HEAD_MISSING, None, "the signed head is gone: the end of the log is not proved")]
    if own.head is not None and own.head.size < size:
        message = f"the signed head covers {own.head.size} of {size} signed entries: an earlier one was put back"
        return [Problem(Kind.CHECKPOINT_EDITED, own.head.size, message, size)]
    return []


def _is_whole(result: Scan, newest: Checkpoint | None) -> bool:
    """What must hold in a log without problems, whatever they would be called."""
    odd = result.missing, result.stray, result.stray_nodes, result.claims, result.columns, result.computed
    if any(odd) or result.rows != result.size:
        return False
    return result.size == 0 if newest is None else result.roots.get(newest.size) == newest.root


def _row_problems(result: Scan, explained: set[int]) -> list[Problem]:
    problems = [
        Problem(Kind.COLUMN_EDITED, row, f"entry {row}: the column `{name}` is not what the entry says", row + 1)
        for row, name in result.columns
    ]
    problems += [
        Problem(Kind.ENTRY_EDITED, row, f"entry {row}: edited, it is no JSON object any more", row + 1)
        for row in result.unreadable
        if 2 * row not in result.computed
    ]
    problems += [
        Problem(Kind.TIME_WENT_BACK, row, f"entry {row}: its time is before that of an earlier entry", row + 1)
        for row in result.time_back
        if row not in explained
    ]
    return problems
