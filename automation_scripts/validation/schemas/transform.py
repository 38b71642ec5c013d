"""What the update does to a schema as its authors publish it, before it is stored here. Named in the catalogue."""

from __future__ import annotations

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


_CHANGES: dict[str, Callable[[Schema], Schema]] = {"without-prose": without_prose, "kubernetes": kubernetes}


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
