"""Validate with schemas that are not ours in a process of its own, with limits on time and memory.

A schema can be a bomb: a few hundred bytes whose references multiply can keep a validator busy for years, and no
thread can be stopped from outside. A process can. All schemas share one process as long as none of them misbehaves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automation_scripts.validation.schemas.compiled import CompiledSchema, UnusableSchema, compile_validator
from automation_scripts.validation.schemas.problems import Problem, read_errors

TIMEOUT_S = 20.0
"""Wall time for all documents of one schema."""
_MEMORY_BYTES = 2 * 1024**3
_PACKAGE_PARENT = Path(__file__).resolve().parents[3]

Answer = list[list[Problem]] | UnusableSchema
"""The problems of each document, in order; or why the schema cannot be used."""


@dataclass(frozen=True, slots=True)
class Task:
    """A schema and the plain data of the documents it judges."""

    compiled: CompiledSchema
    instances: Sequence[Any]


def judge_isolated(tasks: Sequence[Task], timeout_s: float = TIMEOUT_S) -> list[Answer]:
    """What each schema objects to. A schema that meets a limit costs its own answer and no other."""
    answers: list[Answer] = []
    alone = False
    while len(answers) < len(tasks):
        batch = tasks[len(answers) : len(answers) + 1] if alone else tasks[len(answers) :]
        done, failure = _run(batch, timeout_s)
        answers += done
        is_stuck = failure is not None and len(done) < len(batch)
        # The process ended at the first task without an answer. It gets one more try, with all the time for itself.
        if failure is not None and is_stuck and len(batch) == 1:
            answers.append(failure)
        alone = is_stuck and len(batch) > 1
    return answers


def _run(tasks: Sequence[Task], timeout_s: float) -> tuple[list[Answer], UnusableSchema | None]:
    """The answers given before the process ended, and why it ended when that was too early."""
    try:
        lines = "".join(f"{_packed(task)}\n" for task in tasks)
    except RecursionError:
        return [], UnusableSchema("The schema or a document is nested too deeply.")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_PACKAGE_PARENT), *_python_path()])}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=lines.encode(),
            capture_output=True,
            timeout=timeout_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return list(_answers(expired.stdout or b"")), UnusableSchema(
            f"Validating with it took longer than {timeout_s:g} s and was stopped. Its references or patterns probably "
            "multiply: name each part once, and avoid nested repeats in patterns."
        )
    if done.returncode != 0:
        return list(_answers(done.stdout)), UnusableSchema(
            "Validating with it ended abnormally, at the limit of memory or in the validator itself "
            f"(exit status {done.returncode}). Make the schema or the documents smaller."
        )
    return list(_answers(done.stdout)), None


def _packed(task: Task) -> str:
    schema = task.compiled
    return json.dumps([schema.root, schema.uri, dict(schema.documents), list(task.instances)])


def _answers(output: bytes) -> Iterator[Answer]:
    for line in output.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            return  # cut off in the middle
        answer = json.loads(line)
        if "error" in answer:
            yield UnusableSchema(answer["error"], tuple(answer["path"]))
        else:
            yield [[Problem.from_plain(problem) for problem in found] for found in answer["problems"]]


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def main() -> None:
    """Read one task a line on standard input, and answer each with a line on standard output."""
    _limit_memory()
    for line in sys.stdin:
        root, uri, documents, instances = json.loads(line)
        try:
            validator = compile_validator(root, uri, documents)
            found = [read_errors(validator.iter_errors(instance), uri) for instance in instances]
            answer: dict[str, Any] = {"problems": [[problem.to_plain() for problem in problems] for problems in found]}
        except UnusableSchema as error:
            answer = {"error": error.reason, "path": list(error.path)}
        print(json.dumps(answer), flush=True)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # no such limits on this platform; the one on time remains
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


if __name__ == "__main__":
    main()
