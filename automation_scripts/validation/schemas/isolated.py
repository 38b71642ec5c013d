"""Validate with a schema that is not ours in a process of its own, with limits on time and memory.

A schema can be a bomb: a few hundred bytes whose references multiply can keep a validator busy for years, and no
thread can be stopped from outside. A process can.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automation_scripts.validation.schemas.compiled import UnusableSchema, compile_validator
from automation_scripts.validation.schemas.problems import Problem, read_errors
from automation_scripts.validation.schemas.store import Schema

TIMEOUT_S = 20.0
"""Wall time for all documents of one schema."""
_MEMORY_BYTES = 2 * 1024**3
_PACKAGE_PARENT = Path(__file__).resolve().parents[3]


def problems_isolated(
    root: Schema,
    uri: str,
    documents: Mapping[str, Schema],
    instances: Sequence[Any],
    *,
    timeout_s: float = TIMEOUT_S,
) -> list[list[Problem]]:
    """The problems of each instance (plain data), in order.

    Raises:
        UnusableSchema: when the schema is wrong, or validating meets the limit on time or memory.
    """
    try:
        task = json.dumps({"root": root, "uri": uri, "documents": dict(documents), "instances": list(instances)})
    except RecursionError:
        raise UnusableSchema("The schema or a document is nested too deeply.") from None
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_PACKAGE_PARENT), *_python_path()])}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=task,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnusableSchema(
            f"Validating with it took longer than {timeout_s:g} s and was stopped. Its references or patterns probably "
            "multiply: name each part once, and avoid nested repeats in patterns."
        ) from None
    if done.returncode != 0:
        raise UnusableSchema(
            "Validating with it ended abnormally, at the limit of memory or in the validator itself "
            f"(exit status {done.returncode}). Make the schema or the documents smaller."
        )
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise UnusableSchema(answer["error"], tuple(answer["path"]))
    return [[Problem.from_plain(problem) for problem in found] for found in answer["problems"]]


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def main() -> None:
    """Read one task on standard input and answer on standard output."""
    _limit_memory()
    task = json.load(sys.stdin)
    try:
        validator = compile_validator(task["root"], task["uri"], task["documents"])
    except UnusableSchema as error:
        json.dump({"error": error.reason, "path": list(error.path)}, sys.stdout)
        return
    found = [read_errors(validator.iter_errors(instance), task["uri"]) for instance in task["instances"]]
    json.dump({"problems": [[problem.to_plain() for problem in problems] for problems in found]}, sys.stdout)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # no such limits on this platform; the one on time remains
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


if __name__ == "__main__":
    main()
