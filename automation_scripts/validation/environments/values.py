"""How the same key differs between two environments: by type, and by magnitude.

What environments are expected to have of their own (hosts, names, secrets, image tags) is no difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from automation_scripts.validation.documents.scalars import is_null
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.environments.configurations import Path
from automation_scripts.validation.environments.words import listed
from automation_scripts.validation.parsing.yaml_types import resolve
from automation_scripts.validation.values.formats import duration_seconds, is_template, quantity, size_bytes
from automation_scripts.validation.values.secret_words import name_class, words_of

FACTOR = 100.0
"""Numbers that are further apart than this are of another magnitude."""
_CAPACITY_FACTOR = 1024.0
_OWN_WORDS = listed("own values")
_NOT_MEASURED = listed("not measured")
_CAPACITY = listed("capacity")
_RESOURCES = listed("resources")
_TIMES = listed("times")
_COUNTS = listed("counts")
_SMALL_FOR_DEVELOPERS = listed("small for developers")
_SIZE = re.compile(r"(?i)\d+(?:\.\d+)?\s*[kmgtpe]i?b?|\d+\s*b(?:ytes?)?")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with what it measures: `plain`, `duration` in seconds, `size` in bytes or `percent`."""

    value: float
    measure: str


def expects_own_value(path: Path) -> bool:
    """True for a key whose values say who or where an environment is."""
    words = words_of(path[-1][:120])
    return name_class(path[-1]) is not None or (bool(words) and words[-1] in _OWN_WORDS)


def shape(node: Node) -> str | None:
    """`map`, `list`, `list of maps`, `number`, `boolean`, `text`; None when the final value cannot be known."""
    if node.kind is Kind.MAP:
        return "map"
    if node.kind is Kind.SEQ:
        kinds = {child.resolved().kind for child in node.children}
        return {Kind.MAP: "list of maps", Kind.SCALAR: "list of values"}.get(kinds.pop()) if len(kinds) == 1 else "list"
    if node.kind is not Kind.SCALAR or is_null(node) or not node.value.strip() or is_template(node.value):
        return None
    if node.tag is not None and node.tag.startswith("!") and not node.tag.startswith("!!"):
        return None
    return {"int": "number", "float": "number", "bool": "boolean", "str": "text"}.get(resolve(node).type)


def same_type(path: Path, mine: str, theirs: str) -> bool:
    """Whether two shapes go together: an empty or mixed list with any list, own values with each other."""
    if mine == theirs:
        return True
    if mine.startswith("list") and theirs.startswith("list"):
        return "list" in (mine, theirs)
    scalars = {"number", "boolean", "text"}
    return mine in scalars and theirs in scalars and (expects_own_value(path) or _is_resource(path))


def _is_resource(path: Path) -> bool:
    """True for amounts that are written with and without a unit as one likes: `cpu: 2` and `cpu: 500m`."""
    return bool(set(words_of(path[-1][:120])) & _RESOURCES)


def amount(node: Node, path: Path = ()) -> Amount | None:
    """The number that a scalar is, by itself or with a unit; None for anything else. `path` tells `500m` of a CPU
    from minutes."""
    if node.kind is not Kind.SCALAR or len(node.value) > 40:
        return None
    if path and {"cpu", "cpus"} & set(words_of(path[-1][:120])):
        cores = quantity(node.value)
        return Amount(cores, "plain") if cores is not None else None
    if shape(node) == "number":
        number = resolve(node).value
        return Amount(float(number), "plain") if isinstance(number, (int, float)) else None
    if shape(node) != "text":
        return None
    text = node.value.strip()
    if text.isascii() and re.fullmatch(r"\d+(?:\.\d+)?", text):
        return Amount(float(text), "plain")
    if re.fullmatch(r"\d{1,4}(?:\.\d+)?\s?%", text):
        return Amount(float(text.rstrip("% ")), "percent")
    # `5m` is five minutes or five mebibytes; two such values are compared the same way either way.
    if (seconds := duration_seconds(text)) is not None:
        return Amount(seconds, "duration")
    if _SIZE.fullmatch(text) and (size := size_bytes(text)) is not None:
        return Amount(size, "size")
    return None


def apart(path: Path, mine: Amount, theirs: Amount, with_developers: bool) -> bool:
    """True when two amounts of the same measure are of another magnitude, and that is not by design.

    Args:
        path: the key path.
        mine: one amount.
        theirs: the other one.
        with_developers: one of them is of an environment of developers, where much is small or short.
    """
    if mine.measure != theirs.measure:
        return False
    words = [word for step in path[-2:] for word in words_of(step[:120])]
    own = set(words_of(path[-1][:120]))
    if expects_own_value(path) or own & _NOT_MEASURED:
        return False
    if with_developers and own & _SMALL_FOR_DEVELOPERS and not own & _COUNTS:
        return False
    low, high = sorted((abs(mine.value), abs(theirs.value)))
    # Zero and minus one mean "off" and "without end" and have no magnitude.
    if low == 0 or -1 in (mine.value, theirs.value):
        return False
    is_large = mine.measure == "size" or bool(set(words) & _CAPACITY) or (with_developers and bool(own & _COUNTS))
    factor = _CAPACITY_FACTOR if is_large else FACTOR
    return high / low >= factor


def unit_doubt(path: Path, mine: Node, theirs: Node) -> str:
    """A hint for messages when seconds and milliseconds, or numbers with and without a unit, seem mixed up."""
    one, other = amount(mine), amount(theirs)
    if one is None or other is None:
        return ""
    if {one.measure, other.measure} == {"plain", "duration"}:
        return "; one has a unit of time and the other has none"
    words = {word for step in path[-2:] for word in words_of(step[:120])}
    low, high = sorted((abs(one.value), abs(other.value)))
    if low and words & _TIMES and 500 <= high / low <= 5000:
        return "; one looks like seconds and the other like milliseconds"
    return ""
