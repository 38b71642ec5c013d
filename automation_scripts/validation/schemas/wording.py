"""Values, types and lists of words as findings write them."""

from __future__ import annotations

import json
import re
from typing import Any

from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.parsing.yaml_types import resolve
from automation_scripts.validation.values.secret_words import shown

_SHOWN = 12
_LENGTH = 60
_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_TYPE_NAMES = {
    "object": "a map",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}
_NODE_NAMES = {"null": "empty", "bool": "boolean", "int": "number", "float": "number", "str": "text"}


def shown_value(node: Node, key: str = "") -> str:
    """What a value is, in words: its type, and its text as written; masked where its key names a secret."""
    if node.kind is Kind.MAP:
        return "a map"
    if node.kind is Kind.SEQ:
        return "a list"
    if node.kind is Kind.ALIAS:
        return f"the alias *{node.value}"
    scalar = resolve(node)
    if scalar.type == "null":
        return "empty"
    text = shown_text(node.value, key)
    if scalar.type == "bool" and node.value.lower() not in ("true", "false"):
        return f"`{text}`, which YAML reads as {str(scalar.value).lower()}"
    name = _NODE_NAMES.get(scalar.type, "text")
    if text.startswith("("):
        return f"the {name} {text}"
    return f'the text "{text}"' if name == "text" else f"the {name} {text}"


def shown_text(value: str, key: str = "") -> str:
    """A scalar's text, shortened, or `(12 characters)` for secrets: by its key, by the name in `NAME=value`, by shape."""
    name, equals, assigned = value.partition("=")
    if equals and _ASSIGNED.fullmatch(name):
        return f"{name}={shown(name, assigned, _LENGTH)}"
    return shown(key, value, _LENGTH)


def types_text(types: Any) -> str:
    """JSON Schema type names in words; null is not worth a word where something else is allowed."""
    names = [types] if isinstance(types, str) else [name for name in types if name != "null"] or list(types)
    if "number" in names:
        names = [name for name in names if name != "integer"]
    words = [_TYPE_NAMES.get(name, str(name)) for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def value_text(value: Any, *, bare: bool = False) -> str:
    """A value of a schema as text; `bare` leaves the quotes off."""
    if isinstance(value, str):
        return value if bare and value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


def listed(names: list[str], first: str | None = None) -> str:
    """The first dozen of the words, `first` before the others."""
    if first in names:
        names = [first, *(name for name in names if name != first)]
    if len(names) <= _SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]
