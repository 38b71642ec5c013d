"""Expressions of GitHub workflows and composite actions: their syntax, and every name in them.

What a name can be depends on where it stands: a step reads the steps before it, a job the jobs that it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.documents.workflow_expressions import (
    Expression,
    Name,
    expressions_in,
    parse_expression,
)
from automation_scripts.validation.references import workflow_contexts as contexts
from automation_scripts.validation.references.missing_names import likely_typo, missing_name

KeyPath = tuple[PathKey, ...]


@dataclass(slots=True)
class Readable:
    """What can be read at one place. None means that it cannot be known."""

    place: str
    """Who reads, for messages: `job 'build'`."""
    allowed: frozenset[str] | None = None
    steps: dict[str, frozenset[str] | None] | None = None
    """The ids that are known here, with their outputs."""
    later_steps: frozenset[str] = frozenset()
    needs: dict[str, frozenset[str] | None] | None = None
    jobs: frozenset[str] = frozenset()
    matrix: dict[str, frozenset[str] | None] | None = None
    """The keys of the matrix, with the keys of their values where all of those are maps."""
    inputs: frozenset[str] | None = None
    job_outputs: dict[str, frozenset[str] | None] | None = None
    env: frozenset[str] = field(default_factory=frozenset)
    open_env: bool = False
    takes_inputs: str = "The workflow"

    @property
    def who(self) -> str:
        """The place as the begin of a sentence."""
        return self.place[:1].upper() + self.place[1:]


@dataclass(frozen=True, slots=True)
class Written:
    """One expression: the scalar it stands in, where that is, its offset there, and what it holds."""

    node: Node
    path: KeyPath
    start: int
    expression: Expression


def written_expressions(node: Node, path: KeyPath) -> Iterator[Written]:
    """Every expression below a node. `if` needs no braces."""
    for below, _, scalar in node.walk():
        if scalar.kind is not Kind.SCALAR or not scalar.value:
            continue
        where = (*path, *below)
        if where and where[-1] == "if" and "${{" not in scalar.value and "with" not in where:
            yield Written(scalar, where, 0, parse_expression(scalar.value))
            continue
        for start, _, inner in expressions_in(scalar.value):
            yield Written(scalar, where, start + 3, parse_expression(inner))


def check_expression(document: CheckedDocument, written: Written, readable: Readable) -> Iterator[Finding]:
    """Everything that is wrong in one expression."""
    expression = written.expression
    if expression.error:
        at = written.start + expression.error_at
        span = document.part(written.node, at, max(at + 1, min(at + 20, written.start + expression.error_at + 1)))
        yield document.finding(
            span if "\n" not in written.node.value or span != written.node.span else written.node.span,
            "reference/expression-syntax",
            Severity.HIGH,
            f"This is no expression: {expression.error}.",
            "syntax",
            path=written.path,
            suggestion="Correct it; the workflow is refused otherwise.",
        )
        return
    yield from _calls(document, written, readable)
    for names in expression.references:
        finding = _reference(document, written, readable, names)
        if finding is not None:
            yield finding


def extra_text_in_conditions(document: CheckedDocument, node: Node, path: KeyPath) -> Iterator[Finding]:
    """`if: ${{ a }} && b` is a text, and a text that is not empty is true."""
    text = node.value.strip()
    found = list(expressions_in(text))
    if not found or (len(found) == 1 and found[0][:2] == (0, len(text))):
        return
    yield document.finding(
        node.span, "reference/condition-always-true", Severity.HIGH,
        "This condition is always true: with text beside `${{ }}` it is a text, not an expression.", "invalid-value", path=path,
        suggestion="Put the whole condition into one `${{ }}`, or leave the braces out.",
    )  # fmt: skip


def _calls(document: CheckedDocument, written: Written, readable: Readable) -> Iterator[Finding]:
    for call in written.expression.calls:
        low = call.name.low
        bounds = contexts.FUNCTIONS.get(low)
        if bounds is None:
            yield _unknown(
                document, written, call.name, "unknown-function", f"There is no function '{call.name.text}'.",
                contexts.FUNCTION_NAMES,
            )  # fmt: skip
            continue
        fewest, most = bounds
        span = document.part(written.node, written.start + call.name.start, written.start + call.name.end)
        message = ""
        if call.arguments < fewest or (most is not None and call.arguments > most):
            wanted = str(fewest) if most == fewest else f"{fewest} or more" if most is None else f"{fewest} to {most}"
            message = f"{call.name.text}() takes {wanted} arguments, not {call.arguments}."
        elif low in contexts.STATUS_FUNCTIONS and not contexts.takes_status_functions(written.path):
            message = f"{call.name.text}() can only be called in `if`."
        elif low == "hashfiles" and not contexts.takes_hash_files(written.path):
            message = "hashFiles() can only be called in the steps of a job."
        if message:
            yield document.finding(
                span, "reference/function-call", Severity.HIGH, message, "invalid-value", path=written.path,
                suggestion="Correct the call; the workflow is refused otherwise.",
            )  # fmt: skip


def _reference(
    document: CheckedDocument, written: Written, readable: Readable, names: tuple[Name, ...]
) -> Finding | None:
    context = names[0].low
    if context not in contexts.CONTEXTS:
        return _unknown(
            document, written, names[0], "unknown-context", f"There is no context '{names[0].text}'.", contexts.CONTEXTS
        )
    if readable.allowed is not None and context not in readable.allowed:
        return document.finding(
            document.part(written.node, written.start + names[0].start, written.start + names[0].end),
            "reference/context-not-here", Severity.HIGH,
            f"The context '{context}' cannot be read here; only {', '.join(sorted(readable.allowed))} can.", "dangling-ref",
            path=written.path, suggestion="Read it where it can be read, and hand its value on.",
        )  # fmt: skip
    if len(names) < 2:
        return None
    if context in contexts.PROPERTIES:
        if names[1].low in contexts.PROPERTIES[context]:
            return None
        message = f"The context '{context}' has no '{names[1].text}': the value is empty."
        return _unknown(document, written, names[1], "unknown-property", message, contexts.PROPERTIES[context])
    return _of_workflow(document, written, readable, context, names)


def _of_workflow(
    document: CheckedDocument, written: Written, readable: Readable, context: str, names: tuple[Name, ...]
) -> Finding | None:
    """Names that the workflow itself defines."""
    name = names[1]
    if context == "steps" and readable.steps is not None:
        return _step(document, written, readable, names)
    if context == "needs" and readable.needs is not None:
        return _need(document, written, readable, names)
    if context == "jobs" and readable.job_outputs is not None:
        return _called_job(document, written, readable, names)
    if context == "matrix" and readable.matrix is not None:
        return _matrix(document, written, readable, names)
    if context == "inputs" and readable.inputs is not None and name.low not in readable.inputs:
        message = f"{readable.takes_inputs} has no input '{name.text}': the value is empty."
        return _unknown(document, written, name, "unknown-input", message, readable.inputs)
    if (
        context == "env"
        and not readable.open_env
        and name.text not in readable.env
        and _misspelt(name.text, readable.env)
    ):
        message = f"No `env` sets '{name.text}' here."
        return _unknown(document, written, name, "unknown-variable", message, readable.env, Severity.MEDIUM)
    return None


def _misspelt(name: str, known: frozenset[str]) -> bool:
    """An environment may be set by actions and scripts, so only what is nearly a known name is wrong."""
    return len(name) >= 5 and likely_typo(name, known)


def _step(document: CheckedDocument, written: Written, readable: Readable, names: tuple[Name, ...]) -> Finding | None:
    assert readable.steps is not None
    name = names[1]
    if name.low not in readable.steps:
        if name.low in readable.later_steps:
            message = f"The step '{name.text}' runs only after this one: the value is empty."
            return _unknown(document, written, name, "step-not-yet-run", message, (), Severity.HIGH)
        message = f"No step of {readable.place} has the id '{name.text}': the value is empty."
        return _unknown(document, written, name, "unknown-step", message, readable.steps)
    if len(names) < 3:
        return None
    if names[2].low not in contexts.STEP_PARTS:
        message = f"A step has no '{names[2].text}': the value is empty."
        return _unknown(document, written, names[2], "unknown-property", message, contexts.STEP_PARTS)
    outputs = readable.steps[name.low]
    if len(names) > 3 and names[2].low == "outputs" and outputs is not None and names[3].low not in outputs:
        message = f"The step '{name.text}' sets no output '{names[3].text}': the value is empty."
        return _unknown(document, written, names[3], "unknown-output", message, outputs)
    return None


def _need(document: CheckedDocument, written: Written, readable: Readable, names: tuple[Name, ...]) -> Finding | None:
    assert readable.needs is not None
    name = names[1]
    if name.low not in readable.needs:
        known = set(readable.needs) | (set(readable.jobs) if not readable.needs else set())
        message = (
            f"{readable.who} reads needs.{name.text} without naming '{name.text}' in its `needs`: the value is empty."
        )
        return _unknown(document, written, name, "unknown-need", message, known)
    if len(names) < 3:
        return None
    if names[2].low not in contexts.NEED_PARTS:
        message = f"A needed job has no '{names[2].text}': the value is empty."
        return _unknown(document, written, names[2], "unknown-property", message, contexts.NEED_PARTS)
    outputs = readable.needs[name.low]
    if len(names) > 3 and names[2].low == "outputs" and outputs is not None and names[3].low not in outputs:
        message = f"The job '{name.text}' has no output '{names[3].text}': the value is empty."
        return _unknown(document, written, names[3], "unknown-output", message, outputs)
    return None


def _called_job(
    document: CheckedDocument, written: Written, readable: Readable, names: tuple[Name, ...]
) -> Finding | None:
    assert readable.job_outputs is not None
    name = names[1]
    if name.low not in readable.job_outputs:
        message = f"There is no job '{name.text}'."
        return _unknown(document, written, name, "unknown-job", message, readable.job_outputs)
    outputs = readable.job_outputs[name.low]
    if len(names) > 3 and names[2].low == "outputs" and outputs is not None and names[3].low not in outputs:
        message = f"The job '{name.text}' has no output '{names[3].text}': the value is empty."
        return _unknown(document, written, names[3], "unknown-output", message, outputs)
    return None


def _matrix(document: CheckedDocument, written: Written, readable: Readable, names: tuple[Name, ...]) -> Finding | None:
    assert readable.matrix is not None
    name = names[1]
    if name.low not in readable.matrix:
        message = f"The matrix of {readable.place} has no '{name.text}': the value is empty."
        return _unknown(document, written, name, "unknown-matrix-key", message, readable.matrix)
    keys = readable.matrix[name.low]
    if len(names) > 2 and keys is not None and names[2].low not in keys:
        message = f"No value of '{name.text}' in the matrix has '{names[2].text}': the value is empty."
        return _unknown(document, written, names[2], "unknown-matrix-key", message, keys)
    return None


def _unknown(
    document: CheckedDocument,
    written: Written,
    name: Name,
    rule: str,
    message: str,
    known: object,
    severity: Severity = Severity.HIGH,
) -> Finding:
    names = sorted(known) if isinstance(known, frozenset | set | dict | tuple | list) else []
    span = document.part(written.node, written.start + name.start, written.start + name.end)
    return missing_name(
        document, written.node, rule, message, name.text, names, written.path, span=span, severity=severity
    )


_OUTPUT_LINE = re.compile(r"GITHUB_OUTPUT|::set-output")
# What else is run may set outputs of its own.
_OTHER_PROGRAM = re.compile(
    r"\.(?:sh|bash|py|js|mjs|cjs|ts|rb|pl|ps1)\b|\b(?:make|npm|npx|yarn|pnpm|bun|source|go run|cargo run)\b"
)
_OUTPUT_NAME = re.compile(r"""(?:echo|printf)\s+(?:-\w+\s+)?["']?(?:::set-output name=)?([A-Za-z_][\w-]*)(?:=|<<|::)""")


def outputs_of_script(script: str) -> frozenset[str] | None:
    """The outputs that a step's script sets, in lower case; None when they cannot be told from its text."""
    if _OTHER_PROGRAM.search(script):
        return None
    found: set[str] = set()
    for line in script.splitlines():
        if not _OUTPUT_LINE.search(line):
            continue
        names = _OUTPUT_NAME.findall(line)
        if not names:
            return None
        found |= {name.lower() for name in names}
    return frozenset(found) if found else None
