"""The schemas of CloudFormation's resource types in a compact form: names, types, what is required, lists of values.

Patterns, lengths and formats are left out: what they forbid is decided by each service, and often otherwise.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from automation_scripts.validation.schemas.sources import Files
from automation_scripts.validation.schemas.store import Schema
from automation_scripts.validation.schemas.transform import portable

_PROVIDERS = "cfnlint/data/schemas/providers/"
_RESOURCES = "cfnlint/data/schemas/resources/"
_FIRST_REGION = "us-east-1"
_KEPT = frozenset(
    [
        "type",
        "required",
        "enum",
        "const",
        "$ref",
        "additionalProperties",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "uniqueItems",
        "dependencies",
        "requiredXor",
        "requiredOr",
        "dependentRequired",
        "dependentExcluded",
        "properties",
        "patternProperties",
        "definitions",
        "items",
        "oneOf",
        "anyOf",
        "allOf",
        "not",
        "if",
        "then",
        "else",
    ]
)
_MAPS = frozenset({"properties", "patternProperties", "definitions"})
_SCHEMAS = frozenset({"items", "additionalProperties", "not", "if", "then", "else"})
_LISTS = frozenset({"oneOf", "anyOf", "allOf"})
_SERVERLESS_DOCS = "samtranslator/internal/schema_source/sam-docs.json"
_SERVERLESS_SOURCE = re.compile(r"samtranslator/internal/schema_source/aws_serverless_([a-z_]+)\.py")
_SERVERLESS_GLOBALS = "cfnlint/data/schemas/other/sam/globals.json"
_SAME_AS = {"Function": "AWS::Lambda::Function", "LayerVersion": "AWS::Lambda::LayerVersion"}
_PACKAGED = {
    "AWS::Lambda::Function": ("Code",),
    "AWS::Lambda::LayerVersion": ("Content",),
    "AWS::ApiGateway::RestApi": ("BodyS3Location",),
    "AWS::ElasticBeanstalk::ApplicationVersion": ("SourceBundle",),
    "AWS::StepFunctions::StateMachine": ("DefinitionS3Location",),
    "AWS::CodeCommit::Repository": ("Code",),
}
_SCALARS = frozenset({"string", "integer", "number", "boolean"})


def resource_types(archive: Files) -> dict[str, Schema]:
    """Every resource type of any region, by name; where regions differ, the first one's."""
    regions = sorted(
        (name for name in archive.names() if name.startswith(_PROVIDERS) and name.endswith(".json")),
        key=lambda name: (_FIRST_REGION not in name, name),
    )
    found: dict[str, str] = {}
    for region in regions:
        for type_name, digest in json.loads(archive.read(region)).items():
            found.setdefault(type_name, digest)
    types = {
        name: _with_local_paths(name, compact(portable(json.loads(archive.read(f"{_RESOURCES}{digest}.json")))))
        for name, digest in found.items()
    }
    types["Globals"] = compact(json.loads(archive.read(_SERVERLESS_GLOBALS)))
    settings = types["Globals"]["properties"]["Function"]["properties"]
    settings |= {
        key: _scalar(part) for key, part in types[_SAME_AS["Function"]]["properties"].items() if key in settings
    }
    return types


def _with_local_paths(name: str, schema: Schema) -> Schema:
    """`aws cloudformation package` puts what it uploaded in the place of local paths."""
    for key in _PACKAGED.get(name, ()):
        schema["properties"][key] = {"anyOf": [{"type": "string"}, schema["properties"][key]]}
    return schema


def compact(schema: Any) -> Any:
    """A provider's schema with the keywords of draft-07 alone, what is said in others translated."""
    if not isinstance(schema, dict):
        return schema
    kept: Schema = {}
    extra: list[Schema] = []
    for keyword, value in schema.items():
        if keyword not in _KEPT:
            continue
        if keyword in _MAPS:
            kept[keyword] = {name: compact(part) for name, part in value.items()}
        elif keyword in _SCHEMAS and not isinstance(value, list):
            kept[keyword] = compact(value)
        elif keyword in _LISTS:
            kept[keyword] = [compact(part) for part in value]
        elif keyword == "requiredXor":
            extra.append({"oneOf": [{"required": [name]} for name in value]})
        elif keyword == "requiredOr":
            extra.append({"anyOf": [{"required": [name]} for name in value]})
        elif keyword == "dependentRequired":
            kept["dependencies"] = {**kept.get("dependencies", {}), **value}
        elif keyword == "dependentExcluded":
            extra += _exclusions(value)
        else:
            kept[keyword] = value
    if extra:
        kept["allOf"] = [*kept.get("allOf", []), *extra]
    return kept


def _exclusions(value: Mapping[str, list[str]]) -> list[Schema]:
    pairs = {tuple(sorted((name, other))) for name, others in value.items() for other in others}
    return [{"not": {"required": list(pair)}} for pair in sorted(pairs)]


def serverless_types(archive: Files, types: Mapping[str, Schema]) -> dict[str, Schema]:
    """`AWS::Serverless::*`: the names of the properties, with the types of those that are passed through."""
    documented = json.loads(archive.read(_SERVERLESS_DOCS))["properties"]
    found: dict[str, Schema] = {}
    for path in archive.names():
        match = _SERVERLESS_SOURCE.fullmatch(path)
        title = next((title for title in _TITLES if match and title.lower() == match[1].replace("_", "")), None)
        if title is None:
            continue
        passed = types.get(_SAME_AS.get(title, ""), {}).get("properties", {})
        names = [*documented.get(f"sam-resource-{title.lower()}", ()), *_fields(archive.read(path).decode()), "Tags"]
        known = {key: _scalar(passed.get(key)) for key in dict.fromkeys(names)}
        found[f"AWS::Serverless::{title}"] = {
            "type": "object",
            "properties": known,
            "additionalProperties": False,
        }
    return found


def _fields(source: str) -> list[str]:
    """The annotated names of the class `Properties` of a module, which is read and not run."""
    classes = [part for part in ast.parse(source).body if isinstance(part, ast.ClassDef) and part.name == "Properties"]
    return [
        part.target.id
        for found in classes
        for part in found.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    ]


def _scalar(schema: Schema | None) -> Schema:
    if not schema or schema.get("type") not in _SCALARS:
        return {}
    # Lists of values are left to the service: the transform is newer than the schema.
    return {"type": schema["type"]}


_TITLES = (
    "Api",
    "Application",
    "Connector",
    "Function",
    "GraphQLApi",
    "HttpApi",
    "LayerVersion",
    "SimpleTable",
    "StateMachine",
    "WebSocketApi",
    "CapacityProvider",
)
