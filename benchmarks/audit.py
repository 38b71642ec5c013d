"""The audit log on SQLite: appends with fsync, verification, and proofs in a tree of a million entries."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Figure, median

SINGLE = 200
BATCH = 500
BATCHES = 40
LEAVES = 1_000_000


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """Records a second of appending and verifying; milliseconds of a proof."""
    from automation_scripts.governance.audit.keys import AuditKeys
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.governance.audit.verify import verify

    home.mkdir(parents=True, exist_ok=True)  # on a real disk: in a tmpfs fsync costs nothing
    with tempfile.TemporaryDirectory(dir=home) as name:
        folder = Path(name)
        with AuditLog(f"sqlite:///{folder}/audit.db", signer=AuditKeys(folder / "keys")) as log:
            log.append(_record(0))
            singly = _timed(lambda: [log.append(_record(number)) for number in range(SINGLE)])
            yield Figure("audit records appended one by one, fsync each", SINGLE / singly, "/s", "≥ 150")
            batched = _timed(lambda: [log.append_many([_record(0)] * BATCH) for _ in range(BATCHES)])
            yield Figure(f"audit records appended {BATCH} at once", BATCH * BATCHES / batched, "/s", "≥ 1,000")
            log.append_many([_record(number) for number in range(50_000)])
            times = [_timed(lambda: verify(log)) for _ in range(max(rounds // 2, 1))]
            size = log.status().size
            yield Figure("audit records verified", size / median(times), "/s", "≥ 50,000", f"{size:,} records")
        yield from _proofs(folder)


def _proofs(folder: Path) -> Iterator[Figure]:
    from sqlalchemy import insert

    from automation_scripts.governance.audit import ledger, tree
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.governance.audit.models import nodes

    seeded = random.Random(1)
    with AuditLog(f"sqlite:///{folder}/large.db") as log:
        size, tops = 0, list[bytes]()
        while size < LEAVES:
            leaves = [seeded.randbytes(32) for _ in range(50_000)]
            size, tops, new = tree.grow(size, tops, leaves)
            with log.database.write() as connection:
                connection.execute(insert(nodes), [{"position": at, "hash": hashed} for at, hashed in new])
        inclusion, consistency = [], []
        for _ in range(200):
            index, first = seeded.randrange(LEAVES), seeded.randrange(1, LEAVES)
            with ledger.snapshot(log.database) as connection:
                reader = ledger.StoredNodes(connection)
                inclusion.append(_timed(lambda: tree.inclusion_proof(reader, index, LEAVES)))  # noqa: B023
                consistency.append(_timed(lambda: tree.consistency_proof(reader, first, LEAVES)))  # noqa: B023
        yield Figure("inclusion proof, 1,000,000 entries", median(inclusion) * 1000, "ms", "≤ 5")
        yield Figure("consistency proof, 1,000,000 entries", median(consistency) * 1000, "ms", "≤ 5")


def _record(number: int):  # type: ignore[no-untyped-def]
    from automation_scripts.governance.audit.records import AuditRecord

    return AuditRecord(
        "run.intent",
        actor="ada",
        claimed_user="ada",
        authentication="token",
        outcome="intent",
        script="config_validator",
        environment="staging",
        execution_id=f"exec_{number:06d}",
        details={"parameters": {"config_path": "/app/config", "validation_rules": "strict"}},
        reasons=["policy0"],
    )


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
