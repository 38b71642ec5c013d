"""Reading the run history for learning, and writing it."""

from __future__ import annotations

import gc
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measure import Figure, median

ROWS = 10_000


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """Seconds to read 10,000 runs as a DataFrame; milliseconds to write one run with its transitions."""
    from automation_scripts.history.frames import runs_df
    from automation_scripts.history.records import RunRecord
    from automation_scripts.history.store import HistoryStore

    seeded = random.Random(1)
    with tempfile.TemporaryDirectory() as folder, HistoryStore(f"sqlite:///{folder}/history.db") as store:
        begin_of_time = datetime.now(UTC) - timedelta(days=30)
        wrote = []
        for number in range(ROWS):
            at = begin_of_time + timedelta(minutes=4 * number)
            identifier = f"exec_{number:06d}"
            began = time.perf_counter()
            store.open_run(
                RunRecord(
                    execution_id=identifier,
                    script="config_validator",
                    category="validation",
                    environment="staging",
                    user="admin",
                    requested_at=at,
                    parameters={"config_path": "/app/config", "validation_rules": "strict"},
                )
            )
            before = "requested"
            for state in ("admitted", "planning", "running", "verifying"):
                store.transition(identifier, before, state, at)
                before = state
            store.close_run(
                identifier,
                before,
                "succeeded",
                at + timedelta(seconds=seeded.random() * 10),
                cpu_s=1.0,
                max_rss_mb=100.0,
            )
            wrote.append(time.perf_counter() - began)
        yield Figure("one run written with 5 transitions, SQLite", median(wrote) * 1000, "ms")
        gc.collect()
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            frame = runs_df(store)
            times.append(time.perf_counter() - began)
            assert len(frame) == ROWS
        yield Figure("10,000 runs read as a DataFrame, SQLite", median(times), "s", "≤ 0.1")
