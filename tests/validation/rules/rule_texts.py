"""A rule file and a configuration to begin with; tests change one thing of them."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.rules.check import Rule, load_rules

RULE = """\
rules:
  - id: shop/replicas
    severity: high
    class: invalid-value
    select: spec.replicas
    assert: value >= 2
    message: "{path} is {value}"
    suggestion: Set it to 2 or more.
"""


def rules_of(folder: Path, text: str) -> list[Rule]:
    """The rules of a file with this text, without the built-in ones."""
    file = folder / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    built_in = {id(rule) for rule in load_rules([])}
    return [rule for rule in load_rules([file]) if id(rule) not in built_in]


def parsed(text: str, name: str = "a.yaml") -> ParsedFile:
    """The text as a file of this name."""
    return parse_text(Path("/x") / name, name, text)
