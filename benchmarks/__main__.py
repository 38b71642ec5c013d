"""`python -m benchmarks [PART …] [--rounds N]`: prints the figures as a Markdown table."""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
from pathlib import Path

PARTS = (
    "overhead",
    "command_line",
    "api_start",
    "history_rows",
    "transactions",
    "postgresql",
    "admission",
    "audit",
    "config_validator",
)


def main() -> None:
    """Measure the parts that were asked for, each with a server of its own state folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; all when left out")
    parser.add_argument("--rounds", type=int, default=8, help="measured rounds of each figure")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    # Otherwise every process compiles our modules again, which no installed program does.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
    from automation_scripts.server.embedded import EmbeddedServer

    print("| what | measured | goal | how |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home = Path(folder) / "state"
        try:
            for part in options.parts or PARTS:
                module = importlib.import_module(f"benchmarks.{part}")
                for figure in module.measure(home, options.rounds):
                    print(figure.line(), flush=True)
        finally:
            EmbeddedServer(home).stop()


if __name__ == "__main__":
    main()
