"""One wrong character or one wrong indentation in a good file: the first syntax finding stands within one line of it.

Whether a file is invalid is decided by other readers: the json module, and PyYAML and py-yaml12 together. For some marks
the place where a reader must notice is elsewhere, and only people know better: `ALLOWED` says which and why.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
import yaml

from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.parsing.json import parse_json
from automation_scripts.validation.parsing.yaml import parse_yaml
from tests.validation.parsing.conftest import check_findings
from tests.validation.parsing.documents import json_of, yaml_of

MARKS = "{}[]\"',:"
CONTROLS = "\x00\x01\x08\x1b\x7f\t"
LEAST = 0.95
"""The share of each class that is located within one line."""
ALLOWED = {
    ("json", "delete ["): 0.85,  # a list of one text is a text without its brackets: only the ']' is wrong then
    ("json", "delete ]"): 0.85,  # behind the last item of a list, what follows may be one more item
    ("json", "delete }"): 0.8,  # where siblings have the names of what is nested, the indentation alone must tell
    ("json", "insert ["): 0.75,  # a list in a list is legal; that one is not closed shows when a key follows
    ("json", "insert {"): 0.9,
    ("json", "replace ["): 0.85,  # as where it is deleted
    ("yaml", "indent"): 0.93,  # one key less deep is a legal sibling of its parent; its neighbours are noticed
}
LEAST_SEEN = 40
"""Classes that occur less often are not judged on their own."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A text with one mistake: its class, and the line where it was made."""

    name: str
    text: str
    line: int


def mutated(text: str, random: Random) -> Mutation | None:
    way = random.choice(("delete", "insert", "replace", "indent", "control"))
    if way == "indent":
        return _indented(text, random)
    if way in ("delete", "replace"):
        places = [at for at, character in enumerate(text) if character in MARKS]
        at = random.choice(places)
        name, new = f"{way} {text[at]}", ""
        if way == "replace":
            new = random.choice(MARKS.replace(text[at], ""))
        changed = text[:at] + new + text[at + 1 :]
    else:
        at = random.randrange(len(text))
        new = random.choice(MARKS if way == "insert" else CONTROLS)
        name = f"insert {new}" if way == "insert" else "control"
        changed = text[:at] + new + text[at:]
    return Mutation(name, changed, text.count("\n", 0, at) + 1)


def _indented(text: str, random: Random) -> Mutation | None:
    lines = text.split("\n")
    at = random.choice([number for number, line in enumerate(lines) if line.strip()])
    width = len(lines[at]) - len(lines[at].lstrip(" "))
    by = random.choice([step for step in (-2, -1, 1, 2, 3, 4) if width + step >= 0])
    lines[at] = " " * (width + by) + lines[at].lstrip(" ")
    return Mutation("indent", "\n".join(lines), at + 1)


def is_invalid_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return True
    return False


def is_invalid_yaml(text: str) -> bool:
    import yaml12

    try:
        list(yaml.parse(text, yaml.CSafeLoader))
        return False
    except yaml.YAMLError:
        pass
    try:
        yaml12.parse_yaml(text, multi=True)
        return False
    except ValueError as error:
        return "parse error" in str(error) and "unknown anchor" not in str(error)


def _json(text: str) -> ParsedFile:
    return parse_json(Path("/x"), "x", text)


def _yaml(text: str) -> ParsedFile:
    return parse_yaml(Path("/x"), "x", text)


Kind = tuple[Callable[[Random], str], Callable[[str], bool], Callable[[str], ParsedFile]]
KINDS: dict[str, Kind] = {"json": (json_of, is_invalid_json, _json), "yaml": (yaml_of, is_invalid_yaml, _yaml)}


def run(kind: str, seed: int, count: int) -> tuple[Counter[str], Counter[str], list[Mutation]]:
    """(how often each class made a file invalid, how often it was located, the mutations that were not)."""
    make, is_invalid, parse = KINDS[kind]
    random = Random(seed)
    seen: Counter[str] = Counter()
    located: Counter[str] = Counter()
    missed: list[Mutation] = []
    while seen.total() < count:
        text = make(random)
        assert not is_invalid(text), text
        assert not [finding for finding in parse(text).findings if finding.tags == ("syntax",)], text
        for _ in range(10):
            mutation = mutated(text, random)
            if mutation is None or not is_invalid(mutation.text):
                continue
            found = parse(mutation.text).findings
            check_findings(found, "x")
            lines = [finding.line or 0 for finding in found if finding.tags == ("syntax",)]
            assert lines, mutation
            seen[mutation.name] += 1
            if abs(lines[0] - mutation.line) <= 1:
                located[mutation.name] += 1
            else:
                missed.append(mutation)
    return seen, located, missed


def judge(kind: str, seed: int, count: int) -> None:
    seen, located, missed = run(kind, seed, count)
    shares = {name: located[name] / times for name, times in seen.items() if times >= LEAST_SEEN}
    print(f"{kind}: {located.total()} of {seen.total()} within one line", dict(sorted(shares.items())))
    assert located.total() / seen.total() >= 0.98, missed[:3]
    for name, share in shares.items():
        assert share >= ALLOWED.get((kind, name), LEAST), (name, share, [m for m in missed if m.name == name][:2])


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_is_located_within_one_line(kind: str) -> None:
    judge(kind, 1, 800)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_many_mistakes_are_located_within_one_line(kind: str, seed: int) -> None:
    judge(kind, seed, 5000)
