"""A process of the log tests: writes numbered lines to a shared log as fast as it can.

Arguments: path, name of the writer, number of lines (0: until killed), bytes at which to rotate.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

from automation_scripts.observability.logfile import LogFile

path, name, count, max_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
file = LogFile(Path(path), max_bytes=max_bytes, keep=10_000)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count) if count else itertools.count():
    file.append(json.dumps({"writer": name, "number": number, "filling": "x" * (number % 90)}).encode() + b"\n")
    file.rotate_if_full()
