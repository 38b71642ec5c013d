"""A verifier written from RFC 9162, C2SP signed-note and tlog-checkpoint alone: it imports nothing of the project."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def hash_leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def naive_root(entries: list[bytes]) -> bytes:
    """MTH(D_n), section 2.1.1."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hash_leaf(entries[0])
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hash_children(naive_root(entries[:k]), naive_root(entries[k:]))


def naive_path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D_n), section 2.1.3.1."""
    n = len(entries)
    if n == 1:
        return []
    k = 1
    while 2 * k < n:
        k *= 2
    if m < k:
        return [*naive_path(m, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_root(entries[:k])]


def naive_proof(m: int, entries: list[bytes], complete: bool = True) -> list[bytes]:
    """PROOF(m, D_n) by SUBPROOF(m, D_n, b), section 2.1.4.1."""
    n = len(entries)
    if m == n:
        return [] if complete else [naive_root(entries)]
    k = 1
    while 2 * k < n:
        k *= 2
    if m <= k:
        return [*naive_proof(m, entries[:k], complete), naive_root(entries[k:])]
    return [*naive_proof(m - k, entries[k:], False), naive_root(entries[:k])]


def inclusion_holds(leaf: bytes, leaf_index: int, tree_size: int, path: list[bytes], root: bytes) -> bool:
    """Section 2.1.3.2."""
    if leaf_index >= tree_size:
        return False
    fn, sn, r = leaf_index, tree_size - 1, leaf
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = hash_children(p, r)
            if not fn & 1:
                while not (fn & 1 or fn == 0):
                    fn >>= 1
                    sn >>= 1
        else:
            r = hash_children(r, p)
        fn >>= 1
        sn >>= 1
    return sn == 0 and r == root


def consistency_holds(first: int, second: int, path: list[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Section 2.1.4.2; equal sizes need equal roots and no path."""
    if first == second:
        return not path and first_root == second_root
    if not path:
        return False
    path = list(path)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr = hash_children(c, fr)
            sr = hash_children(c, sr)
            if not fn & 1:
                while not (fn & 1 or fn == 0):
                    fn >>= 1
                    sn >>= 1
        else:
            sr = hash_children(sr, c)
        fn >>= 1
        sn >>= 1
    return sn == 0 and fr == first_root and sr == second_root


def signed_head(note: str, verifier_key: str) -> tuple[int, bytes]:
    """(size, root) of a checkpoint with a valid signature of this key. Raises ValueError otherwise."""
    name, _, encoded = verifier_key.split("+", 2)
    public = base64.b64decode(encoded)
    key_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        data = base64.b64decode(signature)
        if (dash, signer, data[:4]) == ("—", name, key_id):
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(data[4:], text.encode())
            except InvalidSignature:
                raise ValueError("the signature does not fit") from None
            origin, size, root = text.splitlines()[:3]
            assert origin == name
            return int(size), base64.b64decode(root)
    raise ValueError("no signature of this key")


def bundle_holds(text: str, verifier_key: str) -> bool:
    """A proof as this project exports it."""
    bundle: dict[str, Any] = json.loads(text)
    hashes = [base64.b64decode(one) for one in bundle["hashes"]]
    if bundle["type"] == "inclusion":
        size, root = signed_head(bundle["checkpoint"], verifier_key)
        leaf = hash_leaf(bundle["entry"].encode())
        return size == bundle["tree_size"] and inclusion_holds(leaf, bundle["index"], size, hashes, root)
    first, first_root = signed_head(bundle["first_checkpoint"], verifier_key)
    second, second_root = signed_head(bundle["second_checkpoint"], verifier_key)
    return consistency_holds(first, second, hashes, first_root, second_root)
