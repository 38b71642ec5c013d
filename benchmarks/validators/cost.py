"""What our validator costs: processor time, start-up, memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import process_time
from benchmarks.validators.ours import validate_folder
from tests.corpus.loader import CorpusFile

_ONE = "import sys; from pathlib import Path; from benchmarks.validators.ours import validate_folder; "
_RUN = _ONE + "validate_folder(Path(sys.argv[1]))"
_PEAK = _RUN + "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def spread(files: Sequence[CorpusFile], root: Path, copies: int = 1) -> int:
    """Put the corpus under `root`, as many times as asked for, each in a folder of its own; the bytes written."""
    total = 0
    for copy in range(copies):
        for file in files:
            path = root / f"{copy:02d}" / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = file.text.encode("utf-8")
            path.write_bytes(data)
            total += len(data)
    return total


def process_cpu(folder: Path) -> float:
    """CPU seconds of a process that validates a folder, its start included."""
    return process_time([sys.executable, "-c", _RUN, str(folder)])[1]


def peak_memory(folder: Path) -> float:
    """Most memory that such a process had, in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(folder)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    return int(done) / 1024


def throughput(folder: Path, size: int, rounds: int) -> float:
    """Megabytes a CPU second with all rules on, in a process that has started already: the best of the rounds."""
    validate_folder(folder)
    times: list[float] = []
    for _ in range(max(1, rounds)):
        begin = time.process_time()
        validate_folder(folder)
        times.append(time.process_time() - begin)
    return size / 1e6 / min(times)
