"""Proofs that a third party can check with RFC 9162 and the public key alone (sections 2.1.3.2 and 2.1.4.2)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.audit import ledger, tree
from automation_scripts.governance.audit.ledger import StoredNodes
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.notes import parse_checkpoint

Bundle = dict[str, Any]
"""A JSON object. Hashes are base64 of 32 bytes, from the leaf to the root; sizes and indexes are numbers."""


def prove_inclusion(log: AuditLog, index: int, size: int | None = None) -> Bundle:
    """That an entry is at an index of the log as it was signed at a size; by default as it is signed now.

    Members: `entry` (its UTF-8 encoding is what is hashed), `index`, `tree_size`, `leaf_hash`, `hashes`, `root`, the signed
    `checkpoint`, and the `verifier_keys` of this log, which a careful reader takes from elsewhere.

    Raises InvalidParameters for an index that is not in a tree of that size, or a size without a signature.
    """
    with ledger.snapshot(log.database) as connection:
        size, note = _signed(connection, size)
        if not 0 <= index < size:
            raise InvalidParameters(f"There is no entry {index} in a log of {size} entries; they are counted from 0.")
        entry = ledger.read_entry(connection, index)
        if entry is None:
            raise InvalidParameters(f"The entry {index} is gone from the log. `automation audit verify` tells more.")
        hashes = _proved(lambda: tree.inclusion_proof(StoredNodes(connection), index, size))
    return {
        "type": "inclusion",
        "hash": "sha256",
        "entry": entry.raw.decode("utf-8", "replace"),
        "index": index,
        "tree_size": size,
        "leaf_hash": _encode(tree.leaf_hash(entry.raw)),
        "hashes": [_encode(one) for one in hashes],
        "root": _encode(parse_checkpoint(note).root),
        "checkpoint": note,
        "verifier_keys": _keys(log),
    }


def prove_consistency(log: AuditLog, first: int, second: int | None = None) -> Bundle:
    """That the log of one signed size is the beginning of the log of a later signed size, by default of the present one.

    Members: `first`, `second`, `hashes`, both roots and both signed checkpoints, and `verifier_keys`.

    Raises InvalidParameters for sizes without a signature, or in the wrong order.
    """
    with ledger.snapshot(log.database) as connection:
        first, first_note = _signed(connection, first)
        second, second_note = _signed(connection, second)
        if not 0 < first <= second:
            raise InvalidParameters(f"A log of {first} entries cannot be the beginning of one of {second} entries.")
        hashes = _proved(lambda: tree.consistency_proof(StoredNodes(connection), first, second))
    return {
        "type": "consistency",
        "hash": "sha256",
        "first": first,
        "second": second,
        "hashes": [_encode(one) for one in hashes],
        "first_root": _encode(parse_checkpoint(first_note).root),
        "second_root": _encode(parse_checkpoint(second_note).root),
        "first_checkpoint": first_note,
        "second_checkpoint": second_note,
        "verifier_keys": _keys(log),
    }


def _signed(connection: Connection, size: int | None) -> tuple[int, str]:
    note = ledger.head_note(connection) if size is None else ledger.note_of_size(connection, size)
    if note is None:
        if size is None:
            raise InvalidParameters("The audit log has no entries yet, so there is nothing to prove.")
        near = ", ".join(map(str, ledger.signed_sizes_near(connection, size)))
        raise InvalidParameters(f"No checkpoint of {size} entries was kept. Kept near it: {near or 'none'}.")
    return parse_checkpoint(note).size, note


def _proved(make: Callable[[], list[bytes]]) -> list[bytes]:
    try:
        return make()
    except LookupError as error:
        raise InvalidParameters(f"No proof can be made: {error}. `automation audit verify` tells more.") from error


def _keys(log: AuditLog) -> list[str]:
    # To ask for keys that are gone would make others.
    return [str(key) for key in log.signer.verifier_keys()] if log.signer and log.signer.exist() else []


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
