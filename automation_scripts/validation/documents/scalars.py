"""What a scalar says, read as the tools that use it read it: loosely typed, and quoted text counts.

`privileged: "true"` in a manifest and `VERIFY=no` in an environment block both mean what they say; the exact YAML
type is the business of `yaml_types`.
"""

from __future__ import annotations

import re

from automation_scripts.validation.documents.tree import Kind, Node, Style

_TRUE = frozenset(("true", "yes", "on", "1", "enabled", "enable"))
_FALSE = frozenset(("false", "no", "off", "0", "disabled", "disable"))


def text_of(node: Node | None) -> str | None:
    """A scalar's text, aliases followed; None for anything else."""
    if node is None:
        return None
    node = node.resolved()
    return node.value if node.kind is Kind.SCALAR else None


def is_true(node: Node | None) -> bool:
    """True for true, yes, on, 1, enabled in any case, quoted or not."""
    text = text_of(node)
    return text is not None and text.strip().lower() in _TRUE


def is_false(node: Node | None) -> bool:
    """True for false, no, off, 0, disabled in any case, quoted or not."""
    text = text_of(node)
    return text is not None and text.strip().lower() in _FALSE


def is_null(node: Node | None) -> bool:
    """True for an absent node, an empty plain scalar, `~` and `null`."""
    if node is None:
        return True
    node = node.resolved()
    return node.kind is Kind.SCALAR and node.style is Style.PLAIN and node.value in ("", "~", "null", "Null", "NULL")


_INT = re.compile(r"[+-]?\d{1,18}")


def int_of(node: Node | None) -> int | None:
    """A decimal integer, quoted or not; None otherwise."""
    text = text_of(node)
    return int(text) if text is not None and text.isascii() and _INT.fullmatch(text) else None


def items(node: Node | None) -> list[Node]:
    """A sequence's items, resolved; a lone scalar counts as a list of one; nothing for anything else."""
    if node is None or is_null(node):
        return []
    node = node.resolved()
    if node.kind is Kind.SEQ:
        return [child.resolved() for child in node.children]
    return [node] if node.kind is Kind.SCALAR else []


def texts(node: Node | None) -> list[str]:
    """The scalar texts of `items`."""
    return [item.value for item in items(node) if item.kind is Kind.SCALAR]


_PAIRS = (("name", "value"), ("key", "value"), ("Name", "Value"), ("Key", "Value"))


def named_value(node: Node) -> tuple[str, Node, str] | None:
    """(name, value node, key of the value) of a `{name: X, value: y}` map, as environments and parameters are written;
    None for any other map and when the value is no scalar."""
    if not 2 <= len(node.entries) <= 8:
        return None
    found = {key.value: value for key, value in node.entries}
    for name_key, value_key in _PAIRS:
        if name_key in found and value_key in found:
            name, value = text_of(found[name_key]), found[value_key].resolved()
            return (name, value, value_key) if name and value.kind is Kind.SCALAR else None
    return None


def pairs(node: Node | None) -> list[tuple[Node, Node]]:
    """A map's effective (key, value) pairs: merge keys applied, own keys first, the last duplicate kept."""
    if node is None:
        return []
    node = node.resolved()
    if node.kind is not Kind.MAP:
        return []
    found: dict[str, tuple[Node, Node]] = {}
    _collect(node, found, set())
    return [(key, value.resolved()) for key, value in found.values()]


def _collect(node: Node, found: dict[str, tuple[Node, Node]], seen: set[int]) -> None:
    # `seen` is per map: a merge bomb names the same few maps again and again, and each adds its keys only once.
    if node.kind is not Kind.MAP or id(node) in seen:
        return
    seen.add(id(node))
    own: dict[str, tuple[Node, Node]] = {}
    merges: list[Node] = []
    for key, value in node.entries:
        if key.kind is not Kind.SCALAR:
            continue
        if key.value == "<<" and key.style is Style.PLAIN:
            merges.append(value.resolved())
        else:
            own[key.value] = (key, value)
    for name, pair in own.items():
        found.setdefault(name, pair)
    for merge in merges:
        for source in merge.children if merge.kind is Kind.SEQ else [merge]:
            _collect(source.resolved(), found, seen)
