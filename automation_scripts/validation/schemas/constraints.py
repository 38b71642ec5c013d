"""What the remaining keywords of JSON Schema want of a value, in words: bounds, patterns, formats, lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.schemas.problems import Problem
from automation_scripts.validation.schemas.wording import shown_text, shown_value

_FORMATS = {
    "date-time": "a date and time (RFC 3339), such as 2026-01-31T08:00:00Z",
    "date": "a date, such as 2026-01-31",
    "time": "a time, such as 08:00:00Z",
    "duration": "a duration (ISO 8601), such as PT1H",
    "email": "an e-mail address",
    "hostname": "a host name",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "uri": "an absolute URI, such as https://example.com/x",
    "uri-reference": "a URI or a relative reference",
    "uuid": "a UUID",
    "regex": "a regular expression",
    "json-pointer": "a JSON pointer, such as /a/0",
}

_BOUNDS: dict[str, Callable[[Any], str]] = {
    "minimum": lambda limit: f"must be {limit} or more",
    "maximum": lambda limit: f"must be {limit} or less",
    "exclusiveMinimum": lambda limit: f"must be more than {limit}",
    "exclusiveMaximum": lambda limit: f"must be less than {limit}",
    "minLength": lambda limit: f"must have {limit} characters or more" if limit != 1 else "must not be empty",
    "maxLength": lambda limit: f"must have {limit} characters or fewer",
    "minItems": lambda limit: f"must have {limit} items or more" if limit != 1 else "must not be an empty list",
    "maxItems": lambda limit: f"must have {limit} items or fewer",
    "minProperties": lambda limit: f"must have {limit} keys or more" if limit != 1 else "must have a key at least",
    "maxProperties": lambda limit: f"must have {limit} keys or fewer",
}


def describe(problem: Problem, node: Node, schema: Any, key: str) -> tuple[str, str]:
    """(what is wrong, what to do) for a failed keyword; the first reads on from the value's name.

    Args:
        problem: any problem that has no finding form of its own.
        node: the value.
        schema: the schema that the keyword stands in, when known.
        key: the value's key, which tells whether the value may be shown.
    """
    keyword, detail = problem.keyword, problem.detail
    if keyword in _BOUNDS:
        wanted = _BOUNDS[keyword](detail.get("limit"))
        return f"{wanted}; it {_measure(keyword, node, key)}.", f"Change it: it {wanted}."
    if keyword in _FIXED:
        return _FIXED[keyword]
    if keyword in _DESCRIBED:
        return _DESCRIBED[keyword](detail, node, schema, shown_value(node, key))
    return f"does not meet `{keyword}` of the schema.", "Compare it with the schema."


def _measure(keyword: str, node: Node, key: str) -> str:
    if keyword.endswith("Items"):
        return f"has {len(node.children)}"
    if keyword.endswith("Properties"):
        return f"has {len(node.entries)}"
    if keyword.endswith("Length"):
        return f"has {len(node.value)}"
    return f"is {shown_text(node.value, key)}"


def _format(detail: dict[str, Any], _: Node, __: Any, shown: str) -> tuple[str, str]:
    name = str(detail.get("format"))
    wanted = _FORMATS.get(name, f"of the format {name}")
    return f"is {shown}, which is not {wanted}.", f"Write {wanted}."


def _multiple(detail: dict[str, Any], _: Node, __: Any, shown: str) -> tuple[str, str]:
    return f"is {shown}, which is no multiple of {detail.get('multiple_of')}.", "Use a multiple of it."


def _pattern(detail: dict[str, Any], _: Node, schema: Any, shown: str) -> tuple[str, str]:
    # Some schemas say in words what their pattern means; that beats any pattern.
    said = schema.get("x-expected", schema.get("patternErrorMessage")) if isinstance(schema, dict) else None
    if isinstance(said, str):
        return f"is {shown}, which is not {said}.", f"Write {said}."
    text = str(detail.get("pattern")).replace("\n", "\\n").replace("\r", "\\r")
    text = text if len(text) <= 160 else text[:157] + "..."
    return f"is {shown}, which does not match the pattern {text}", f"Write a value that matches {text}"


def _key_name(detail: dict[str, Any], _: Node, __: Any, ___: str) -> tuple[str, str]:
    key = str(detail.get("key"))
    if options := detail.get("options"):
        return f"has the key `{key}`, which is not allowed there.", f"Allowed: {', '.join(map(str, options[:20]))}."
    if pattern := detail.get("pattern"):
        return f"has the key `{key}`, which does not match the pattern {pattern}", f"Rename the key to match {pattern}"
    return f"has the key `{key}`, which is not allowed there.", "Rename or remove the key."


def _too_many(_: dict[str, Any], node: Node, schema: Any, __: str) -> tuple[str, str]:
    """More than one alternative fits; mostly these are keys that exclude each other."""
    if present := _alternatives_present(node, schema):
        listed = " and ".join(f"`{name}`" for name in present)
        return f"has {listed}, and only one of them may be there.", "Keep one and remove the others."
    return "fits more than one of the forms that exclude each other.", "Make it fit exactly one form."


def _alternatives_present(node: Node, schema: Any) -> list[str]:
    """The keys of which each alternative requires another, when several are there."""
    names = [part["required"] for part in _parts(schema, "oneOf") if isinstance(part, dict) and part.get("required")]
    present = dict.fromkeys(name for required in names for name in required if node.entry(name))
    return list(present) if len(present) > 1 else []


def is_rival(problem: Problem) -> bool:
    """True for a key that must be empty, which is how schemas say that another key forbids it."""
    wanted = problem.detail.get("options", [problem.detail.get("expected_value", "")])
    return problem.keyword in ("enum", "const") and list(wanted) == [None]


def exclusive_keys(problem: Problem, node: Node, schema: Any) -> list[str]:
    """The keys of a map that may not be there together, for a failed `oneOf` or `not` that says so."""
    if problem.keyword == "oneOf":
        return _alternatives_present(node, schema)
    excluded = schema.get("not") if problem.keyword == "not" and isinstance(schema, dict) else None
    names = excluded.get("required", ()) if isinstance(excluded, dict) else ()
    return [name for name in names if node.entry(name)] if len(names) > 1 else []


def _excluded(_: dict[str, Any], node: Node, schema: Any, shown: str) -> tuple[str, str]:
    excluded = schema.get("not") if isinstance(schema, dict) else None
    if isinstance(excluded, dict):
        required = [name for name in excluded.get("required", ()) if node.kind is Kind.MAP and node.entry(name)]
        if required:
            listed = " and ".join(f"`{name}`" for name in required)
            return f"has {listed}, which is not allowed here.", f"Remove {listed}."
        if isinstance(values := excluded.get("enum", [excluded["const"]] if "const" in excluded else None), list):
            banned = ", ".join(json.dumps(value) for value in values[:12])
            return f"is {shown}, which is not allowed.", f"Use anything but {banned}."
        if isinstance(pattern := excluded.get("pattern"), str):
            return f"is {shown}, which matches the excluded pattern {pattern}", "Use another value."
    return "has a form that the schema excludes.", "Compare it with the schema."


def _parts(schema: Any, keyword: str) -> list[Any]:
    parts = schema.get(keyword) if isinstance(schema, dict) else None
    return parts if isinstance(parts, list) else []


def _unique(_: dict[str, Any], node: Node, __: Any, ___: str) -> tuple[str, str]:
    item = repeated_item(node)
    shown = shown_value(item) if item is not None else "an item"
    return f"holds {shown} more than once.", "Remove the repeated item."


def repeated_item(node: Node) -> Node | None:
    """The first scalar item of a list that stands in it before; None when only collections repeat."""
    seen: set[str] = set()
    for child in (item.resolved() for item in node.children):
        if child.kind is Kind.SCALAR:
            if child.value in seen:
                return child
            seen.add(child.value)
    return None


_DESCRIBED: dict[str, Callable[[dict[str, Any], Node, Any, str], tuple[str, str]]] = {
    "pattern": _pattern,
    "format": _format,
    "multipleOf": _multiple,
    "uniqueItems": _unique,
    "propertyNames": _key_name,
    "oneOf": _too_many,
    "not": _excluded,
}

_MORE_ITEMS = ("has more items than are allowed.", "Remove the items at its end.")
_TOO_SLOW = ("could not be compared with the schema's pattern: that takes too long.", "Simplify the pattern.")
_FIXED = {
    "contains": ("holds none of the items that must be in it.", "Add the item that is required."),
    "items": _MORE_ITEMS,
    "additionalItems": _MORE_ITEMS,
    "unevaluatedItems": _MORE_ITEMS,
    "backtrackLimitExceeded": _TOO_SLOW,
    "regexEngineFailure": _TOO_SLOW,
}
