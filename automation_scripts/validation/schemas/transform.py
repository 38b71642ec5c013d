"""What the update does to a schema as its authors publish it, before it is stored here. Named in the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from automation_scripts.errors import ConfigurationError
from automation_scripts.validation.schemas.store import Schema

_PROSE = {
    "description",
    "markdownDescription",
    "examples",
    "example",
    "default",
    "defaultSnippets",
    "enumDescriptions",
    "markdownEnumDescriptions",
    "x-intellij-html-description",
    "x-intellij-enum-metadata",
    "x-intellij-language-injection",
}
_MAPS_OF_SCHEMAS = {
    "properties",
    "patternProperties",
    "definitions",
    "$defs",
    "dependencies",
    "dependentSchemas",
}
_DATA = {"enum", "const", "required", "dependentRequired"}


def without_prose(schema: Schema) -> Schema:
    """Drop what only editors show (descriptions, examples, snippets): half the size, the same verdicts."""
    return {keyword: _without_prose(keyword, value) for keyword, value in schema.items() if keyword not in _PROSE}


def _without_prose(keyword: str, value: Any) -> Any:
    if keyword in _DATA:
        return value
    if keyword in _MAPS_OF_SCHEMAS and isinstance(value, dict):
        return {name: without_prose(sub) if isinstance(sub, dict) else sub for name, sub in value.items()}
    if isinstance(value, dict):
        return without_prose(value)
    if isinstance(value, list):
        return [without_prose(sub) if isinstance(sub, dict) else sub for sub in value]
    return value


def kubernetes(schema: Schema) -> Schema:
    """The strict Kubernetes definitions in a compact form that is true to the API server.

    Generated schemas say `oneOf: [string or null, number or null]` for quantities, which no null can satisfy (both
    match), so those two types are written as one. The `x-kubernetes-*` notes are dropped, all but the one that maps
    `apiVersion` and `kind` to a definition.
    """
    definitions = schema["$defs"]
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {"type": ["string", "number", "null"]}
    definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] = {"type": ["string", "integer", "null"]}
    compact: Schema = _without_notes(schema)
    return compact


def _without_notes(value: Any, *, names: bool = False) -> Any:
    """Without the notes; `names` is true in a map whose keys are names of properties, which may look like notes."""
    if isinstance(value, dict):
        return {
            name: _without_notes(sub, names=name in _MAPS_OF_SCHEMAS and not names)
            for name, sub in value.items()
            if names or not name.startswith("x-kubernetes-") or name == "x-kubernetes-group-version-kind"
        }
    if isinstance(value, list):
        return [_without_notes(sub) for sub in value]
    return value


def closed(schema: Schema) -> Schema:
    """Forbid keys that a map's schema does not name, for formats whose readers refuse them and whose schema forgot it.

    Parts of alternatives stay open: their siblings name the rest.
    """
    result: Schema = _closed(schema)
    return result


def _closed(value: Any, *, open: bool = False) -> Any:
    if isinstance(value, list):
        return [_closed(part, open=open) for part in value]
    if not isinstance(value, dict):
        return value
    found: Schema = {}
    for keyword, part in value.items():
        if keyword in _DATA:
            found[keyword] = part
        elif keyword in _MAPS_OF_SCHEMAS and isinstance(part, dict):
            found[keyword] = {name: _closed(sub) for name, sub in part.items()}
        else:
            found[keyword] = _closed(part, open=keyword in ("allOf", "not", "if", "then", "else"))
    says_more = any(word in value for word in ("$ref", "allOf", "anyOf", "oneOf", "patternProperties"))
    if not open and not says_more and isinstance(value.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return found


def defaults_filled(schema: Any) -> Any:
    """Without the demand for keys that have a default: the API server fills those in before it validates."""
    if isinstance(schema, list):
        return [defaults_filled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: defaults_filled(value) for key, value in schema.items()}
    properties, required = schema.get("properties"), schema.get("required")
    if isinstance(properties, dict) and isinstance(required, list):
        filled = [name for name, part in properties.items() if isinstance(part, dict) and "default" in part]
        found["required"] = [name for name in required if name not in filled]
    return found


def portable(schema: Any) -> Any:
    """With what other dialects say told as draft-07 does: bounds that are flags, and patterns with flags of Go.

    Patterns that have no such form are dropped.
    """
    if isinstance(schema, list):
        return [portable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: portable(value) for key, value in schema.items()}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(exclusive), bool):
            is_exclusive = found.pop(exclusive)
            if is_exclusive and bound in found:
                found[exclusive] = found.pop(bound)
    if isinstance(pattern := schema.get("pattern"), str):
        if (changed := _portable_pattern(pattern)) is None:
            del found["pattern"]
        else:
            found["pattern"] = changed
    if isinstance(patterns := found.get("patternProperties"), dict):
        known = {_portable_pattern(name): part for name, part in patterns.items()}
        found["patternProperties"] = {name: part for name, part in known.items() if name is not None}
        if len(found["patternProperties"]) < len(patterns):
            found.pop("additionalProperties", None)
    return found


def _portable_pattern(pattern: str) -> str | None:
    """The pattern where it means the same everywhere, None where flags or escapes of its own dialect are in it."""
    try:
        re.compile(pattern)
    except re.error:
        return None
    return None if re.search(r"\(\?[a-zA-Z]+[:)]|\\[AZz]", pattern) else pattern


def without_remote(schema: Schema) -> Schema:
    """Without references to other documents: what they would say stays open."""
    result: Schema = _without_remote(schema)
    return result


def _without_remote(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_remote(part) for part in value]
    if isinstance(value, dict):
        return {
            key: _without_remote(part)
            for key, part in value.items()
            if not (key == "$ref" and isinstance(part, str) and not part.startswith("#"))
        }
    return value


def azure_pipelines(schema: Schema) -> Schema:
    """Without the inputs of the single tasks: they depend on the version and on what an organisation installed."""
    task = schema["definitions"]["task"]
    kept = {name: part for name, part in task["properties"].items() if name not in ("task", "inputs")}
    task["properties"] = {"task": {"type": "string"}, "inputs": {"type": "object"}, **kept}
    for keyword in ("anyOf", "oneOf", "allOf"):
        task.pop(keyword, None)
    return schema


def github_workflow(schema: Schema) -> Schema:
    """With what is said of each event beside a reference, which draft-07 does not look at; one activity may be a text."""
    forms = schema["properties"]["on"]["oneOf"]
    events = next(form["properties"] for form in forms if form.get("type") == "object")
    for event in events.values():
        if "oneOf" in event:
            event.pop("$ref", None)
        for form in event.get("oneOf", ()):
            types = form.get("properties", {}).get("types")
            words = types.get("items", {}).get("enum") if types else None
            if words:
                listed = {"type": "array", "minItems": 1, "items": {"type": "string", "enum": words}}
                form["properties"]["types"] = {"oneOf": [listed, {"type": "string", "enum": words}]}
    return schema


_CHANGES: dict[str, Callable[[Schema], Schema]] = {
    "without-prose": without_prose,
    "without-remote": without_remote,
    "azure-pipelines": azure_pipelines,
    "github-workflow": github_workflow,
    "kubernetes": kubernetes,
    "closed": closed,
}


def apply_changes(schema: Schema, names: tuple[str, ...]) -> Schema:
    """The schema after the named changes, in order.

    Raises:
        ConfigurationError: when the catalogue names a change that does not exist.
    """
    for name in names:
        if name not in _CHANGES:
            raise ConfigurationError(f"catalog.yaml names the change {name!r}. Known: {', '.join(_CHANGES)}.")
        schema = _CHANGES[name](schema)
    return schema
