"""Reads one Cedar policy file: splits it into its policies, so that each problem gets its line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from automation_scripts.governance.policy import expressions as e
from automation_scripts.governance.policy.engine import TOO_LONG, CedarPolicy, CedarSyntaxError, parse_policy
from automation_scripts.governance.policy.model import PolicySource
from automation_scripts.governance.policy.names import fault
from automation_scripts.governance.policy.vocabulary import ATTRIBUTES, ENTITY_TYPES, WORDS, Action
from automation_scripts.governance.policy.yaml_file import Known
from automation_scripts.settings.problems import Position, Problem
from automation_scripts.suggest import nearest

# Comments, strings, and the end of a policy; whatever is between them is not looked at.
_TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"?|;', re.DOTALL)
# The engine's parser recurses, and overflows the stack of the process on what is nested some thousand levels.
_MOST_CHARACTERS = 4096
_MOST_NESTED = 40
_QUOTED = re.compile(r'`([^`]+)`|"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of one policy, and where its first word stands."""

    text: str
    at: Position

    def find(self, word: str) -> Position:
        """Where the word stands in it first; the beginning when it does not."""
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", _without_comments(self.text))
        before = self.text[: found.start()] if found else ""
        lines = before.count("\n")
        column = len(before) - before.rfind("\n") if lines else self.at.column + len(before)
        return Position(self.at.line + lines, column)


@dataclass(frozen=True, slots=True)
class CedarRule:
    """One policy of a Cedar file."""

    source: PolicySource
    policy: CedarPolicy
    statement: Statement


def statements(text: str) -> Iterator[Statement]:
    """The policies of a file, in order; the last may lack its semicolon."""
    start = 0
    for token in _TOKEN.finditer(text):
        if token[0] == ";":
            yield from _statement(text, start, token.end())
            start = token.end()
    yield from _statement(text, start, len(text))


def _statement(text: str, start: int, end: int) -> Iterator[Statement]:
    first = re.search(r"\S", _without_comments(text[start:end]))
    if first:
        begin = start + first.start()
        at = Position(text.count("\n", 0, begin) + 1, begin - text.rfind("\n", 0, begin))
        yield Statement(text[begin:end], at)


def _without_comments(text: str) -> str:
    """The same length, with spaces in place of comments."""
    return _TOKEN.sub(lambda found: " " * len(found[0]) if found[0].startswith("//") else found[0], text)


def read_cedar(text: str, file: str, known: Known) -> tuple[list[CedarRule], list[Problem]]:
    """The policies of the file, and what is wrong with them as far as one policy at a time can show."""
    rules: list[CedarRule] = []
    problems: list[Problem] = []
    for statement in statements(text):
        try:
            _refuse_huge(statement)
            policy = parse_policy(statement.text)
        except CedarSyntaxError as error:
            problems.append(problem_in(statement, str(error), file))
            continue
        annotations: Mapping[str, Any] = policy.get("annotations") or {}
        name = annotations.get("id")
        if message := _bad_id(str(name)) if name else 'needs an @id("…") of its own before it':
            problems.append(Problem(message, source=file, at=statement.at))
            continue
        about = " ".join(str(annotations.get("description") or "").split())
        source = PolicySource(str(name), policy["effect"], file, statement.at.line, about)
        rules.append(CedarRule(source, policy, statement))
        problems += [
            Problem(f"{name}: {message}", source=file, at=statement.find(word))
            for word, message in _bad_words(policy, known)
        ]
    return rules, problems


def _bad_id(name: str) -> str | None:
    """What is wrong with the id of a policy: names with slashes between them."""
    return next((message for part in name.split("/") if (message := fault(part, "policy"))), None)


def _refuse_huge(statement: Statement) -> None:
    code = _TOKEN.sub(lambda found: "" if found[0].startswith("//") else found[0], statement.text)
    depth = 0
    for bracket in re.findall(r"[(\[{}\])]", _TOKEN.sub(" ", code)):
        depth += 1 if bracket in "([{" else -1
        if depth > _MOST_NESTED:
            raise CedarSyntaxError(TOO_LONG)
    if len(code) > _MOST_CHARACTERS:
        raise CedarSyntaxError(TOO_LONG)


def problem_in(statement: Statement, message: str, file: str, name: str = "") -> Problem:
    """The engine's message at the word that it is about, with the nearest known word."""
    quoted = [word for pair in _QUOTED.findall(message) for word in pair if word]
    word = next((word for word in reversed(quoted) if word in statement.text), "")
    position = statement.find(word) if word else statement.at
    if message == "unexpected end of input":
        message = "the policy is not complete: a semicolon, brace or quote is missing"
    known = (*ATTRIBUTES, *Action, *ENTITY_TYPES)
    about = next(iter(quoted), "")
    if "not found" not in message and "unrecognized" not in message:
        about = ""
    guess = nearest(about.removeprefix('Action::"').removesuffix('"'), known) if about else None
    hint = f"; did you mean {guess}?" if guess else ""
    return Problem(f"{name + ': ' if name else ''}{message}{hint}", source=file, at=position)


def _bad_words(policy: CedarPolicy, known: Known) -> Iterator[tuple[str, str]]:
    """Literals that nothing can ever be equal to, so that the policy would silently never hold: (word, message)."""
    words = {**WORDS, "environment": known.environments}
    for kind, name in _entities(policy):
        names: Mapping[str, Collection[str] | None] = {
            "Script": known.scripts,
            "Category": frozenset(known.scripts.values()),
            "Role": None,
            "Group": None,
        }
        if kind in names and (message := fault(name, kind.lower(), names[kind])):
            yield name, message
    for node in e.walk(policy.get("conditions")):
        for attribute, literal in e.compared(node):
            message = None
            if attribute in words:
                message = fault(literal, attribute.removeprefix("local_"), words[attribute])
            elif attribute == "approver_roles":
                message = fault(literal, "role")
            if message:
                yield literal, message


def _entities(policy: CedarPolicy) -> Iterator[tuple[str, str]]:
    """(type, id) of every entity that the policy names."""
    for node in e.walk({key: part for key, part in policy.items() if key != "annotations"}):
        match node:
            case {"type": str() as kind, "id": str() as name}:
                yield kind, name
