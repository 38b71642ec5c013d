"""Custom resources of Kubernetes: by the definitions that the checked tree itself holds, else by well-known ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile
from automation_scripts.validation.parsing.yaml_types import to_data
from automation_scripts.validation.schemas import archive, kubernetes
from automation_scripts.validation.schemas.compiled import CompiledSchema
from automation_scripts.validation.schemas.kubernetes_versions import NEWEST, definitions_of, uri_of
from automation_scripts.validation.schemas.store import BASE_URI, DATA, Schema
from automation_scripts.validation.schemas.subject import MAX_EXPANDED_NODES, expanded_nodes
from automation_scripts.validation.schemas.transform import defaults_filled, portable

_FILE = "custom-resources.zip"
_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_DRAFT = "http://json-schema.org/draft-07/schema#"
_KEPT = frozenset(
    [
        "required",
        "enum",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    ]
)
_ALTERNATIVES = ("allOf", "anyOf", "oneOf")


@lru_cache(maxsize=256)
def well_known(api_version: str, kind: str) -> CompiledSchema | None:
    """The schema of a custom resource that many clusters have; None for all others.

    They come from a repository and are not shipped: the update command brings them.
    """
    if not (DATA / _FILE).exists():
        return None
    group, _, version = api_version.rpartition("/")
    schema = archive.read(_FILE, f"{group}/{kind.lower()}_{version}.json") if group else None
    return None if schema is None else _compiled(schema, api_version, kind, "known")


class OwnResources:
    """The custom resources whose definitions are among the checked files."""

    def __init__(self, files: Sequence[ParsedFile]) -> None:
        self._found: dict[tuple[str, str], Node] = {}
        self._compiled: dict[tuple[str, str], CompiledSchema] = {}
        for file in files:
            if "CustomResourceDefinition" in file.text:
                for document in file.documents:
                    for _, node in kubernetes.objects(document.root.resolved()):
                        self._read(node)

    def schema_for(self, api_version: str, kind: str) -> CompiledSchema | None:
        """The schema of an object, None where no definition among the files is for it."""
        key = (api_version, kind)
        if key not in self._found:
            return None
        if key not in self._compiled:
            node = self._found[key]
            if expanded_nodes(node) > MAX_EXPANDED_NODES:
                return None
            schema = structural(portable(defaults_filled(to_data(node))))
            self._compiled[key] = _compiled(schema, api_version, kind, "own")
        return self._compiled[key]

    def _read(self, node: Node) -> None:
        spec = node.get("spec")
        if _text(node.get("kind")) != "CustomResourceDefinition" or spec is None or spec.kind is not Kind.MAP:
            return
        group, kind, versions = _text(spec.get("group")), _text(spec.at(("names", "kind"))), spec.get("versions")
        if _text(spec.get("preserveUnknownFields")) == "true" or not group or versions is None:
            return
        for version in (child.resolved() for child in versions.children):
            schema = version.at(("schema", "openAPIV3Schema"))
            if schema is None:
                continue
            self._found[(f"{group}/{_text(version.get('name'))}", kind)] = schema


def structural(schema: Any, *, partial: bool = False) -> Schema:
    """A structural schema as JSON Schema: keys that it does not name are forbidden, as the API server drops them.

    `partial` is true in `allOf` and the like, which add rules about values to a structure that is stated elsewhere.
    """
    if not isinstance(schema, dict):
        return {}
    found = {keyword: value for keyword, value in schema.items() if keyword in _KEPT}
    if schema.get("x-kubernetes-int-or-string") is True:
        found["type"] = ["integer", "string"]
    elif isinstance(types := schema.get("type"), str):
        found["type"] = [types, "null"] if schema.get("nullable") is True else types
    if isinstance(properties := schema.get("properties"), dict):
        found["properties"] = {name: structural(part, partial=partial) for name, part in properties.items()}
    if isinstance(items := schema.get("items"), dict):
        found["items"] = structural(items, partial=partial)
    if isinstance(values := schema.get("additionalProperties"), dict):
        found["additionalProperties"] = structural(values, partial=partial)
    for keyword in _ALTERNATIVES:
        if isinstance(parts := schema.get(keyword), list):
            found[keyword] = [structural(part, partial=True) for part in parts]
    if isinstance(excluded := schema.get("not"), dict):
        found["not"] = structural(excluded, partial=True)
    is_free = schema.get("x-kubernetes-preserve-unknown-fields") is True
    if is_free and "properties" not in schema:
        found.pop("type", None)  # raw data of any form
    is_open = is_free or "additionalProperties" in schema
    if not partial and not is_open and isinstance(properties, dict):
        found["additionalProperties"] = False
        if schema.get("x-kubernetes-embedded-resource") is True:
            found["properties"] = {"apiVersion": {}, "kind": {}, "metadata": {}, **found["properties"]}
    return found


def _compiled(schema: Schema, api_version: str, kind: str, origin: str) -> CompiledSchema:
    """A schema closed at its root, with the metadata of Kubernetes itself."""
    root = {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
    if origin == "known":  # what only a tool of the tree's own reads may do without
        root["required"] = list(dict.fromkeys([*root.get("required", ()), "metadata"]))
    if root.get("properties"):
        uri = uri_of(NEWEST)
        metadata: Schema = {"$ref": f"{uri}#/$defs/{_METADATA}"}
        if origin == "known":
            metadata = {"allOf": [metadata, kubernetes.named_object()["properties"]["metadata"]]}
        root["properties"] = {"apiVersion": {}, "kind": {}, **root["properties"], "metadata": metadata}
        root.setdefault("additionalProperties", root.get("x-kubernetes-preserve-unknown-fields") is True)
    return CompiledSchema(
        root={"$schema": _DRAFT, **root},
        uri=f"{BASE_URI}custom-resources/{origin}/{api_version}/{kind}",
        title=f"{api_version} {kind}",
        documents={uri_of(NEWEST): definitions_of(NEWEST)},
        registry=kubernetes.registry(NEWEST),
        is_closed=True,
    )


def _text(node: Node | None) -> str:
    return node.value if node is not None and node.kind is Kind.SCALAR else ""
