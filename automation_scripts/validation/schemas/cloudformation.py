"""CloudFormation templates: every resource against the schema of its type, intrinsic functions left open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.pointing import finding_at
from automation_scripts.validation.documents.tree import Document, Kind, Node, ParsedFile
from automation_scripts.validation.schemas import archive
from automation_scripts.validation.schemas.compiled import DEFAULT_DRAFT, CompiledSchema
from automation_scripts.validation.schemas.mends import renamed
from automation_scripts.validation.schemas.store import BASE_URI
from automation_scripts.validation.schemas.subject import Subject

_FILE = "cloudformation.zip"
_TYPE = re.compile(r"[A-Za-z0-9]+::[A-Za-z0-9]+::[A-Za-z0-9]+(::MODULE)?")
_SERVERLESS = "AWS::Serverless-2016-10-31"
_KNOWN_TRANSFORMS = (_SERVERLESS, "AWS::LanguageExtensions", "AWS::SecretsManager-", "AWS::CodeDeployBlueGreen")
_REFERENCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"


@lru_cache(maxsize=1)
def type_names() -> frozenset[str]:
    """Every resource type that is known here."""
    names = (name.removesuffix(".json") for name in archive.names(_FILE))
    return frozenset(name for name in names if "::" in name)


@lru_cache(maxsize=256)
def schema_for(type_name: str) -> CompiledSchema | None:
    """The schema of a resource type's properties, compiled when first used; None for types that are not known."""
    schema = archive.read(_FILE, f"{type_name}.json")
    if schema is None:
        return None
    return CompiledSchema(
        root={"$schema": DEFAULT_DRAFT, **schema},
        uri=f"{BASE_URI}cloudformation/{type_name.replace('::', '.')}",
        title=type_name,
        is_closed=True,
    )


def is_rewritten(document: Document) -> bool:
    """True when a macro that is not known here may change any part of the template before it is read."""
    return any(not name.startswith(_KNOWN_TRANSFORMS) for name in _transforms(document.root.resolved()))


def subjects(file: ParsedFile, document: Document) -> Iterator[tuple[CompiledSchema, Subject]]:
    """The properties of each resource with the schema of its type."""
    root = document.root.resolved()
    is_serverless = any(name.startswith(_SERVERLESS) for name in _transforms(root))
    settings = root.get("Globals")
    if is_serverless and settings is not None and settings.kind is Kind.MAP and (compiled := schema_for("Globals")):
        yield compiled, template_subject(file, settings, ("Globals",))
    for name, resource in _resources(root):
        type_name = _text(resource.get("Type"))
        properties = resource.get("Properties")
        if properties is None or properties.kind is not Kind.MAP or properties.entry("Fn::Transform"):
            continue
        if (compiled := schema_for(type_name)) is not None:
            yield compiled, template_subject(file, properties, ("Resources", name, "Properties"), type_name)


def template_subject(file: ParsedFile, node: Node, prefix: tuple[str, ...] = (), label: str = "") -> Subject:
    """A part of a template, read as CloudFormation reads it: functions stay open, and scalars become what is wanted."""
    return Subject(file, node, prefix, label, has_functions=True, converts="all")


def findings(file: ParsedFile, document: Document) -> Iterator[Finding]:
    """Resource types that are nearly a known one, and resources without the properties that their type requires."""
    root = document.root.resolved()
    for name, resource in _resources(root):
        node = resource.get("Type")
        type_name = _text(node)
        if node is None or not _TYPE.fullmatch(type_name):
            continue
        compiled = schema_for(type_name)
        if compiled is not None and resource.entry("Properties") is None:
            yield from _without_properties(file, root, name, compiled)
        elif compiled is None and (meant := _likely_type(type_name)) is not None:
            yield finding_at(
                file,
                node.span,
                "schema/invalid-enum",
                Severity.HIGH,
                f"CloudFormation has no resource type `{type_name}`.",
                "invalid-enum",
                path=("Resources", name, "Type"),
                suggestion=f"Did you mean `{meant}`?",
                fix=renamed(file, node, meant),
                references=(_REFERENCE,),
            )


def _without_properties(file: ParsedFile, root: Node, name: str, compiled: CompiledSchema) -> Iterator[Finding]:
    required = compiled.root.get("required")
    resources = root.get("Resources")
    pair = resources.entry(name) if resources is not None else None
    if not required or pair is None:
        return
    wanted = ", ".join(f"`{key}`" for key in required)
    yield finding_at(
        file,
        pair[0].span,
        "schema/missing-required",
        Severity.HIGH,
        f"`Resources.{name}` lacks `Properties`, and {compiled.title} requires {wanted}.",
        "missing-required",
        path=("Resources", name),
        suggestion=f"Add `Properties` with {wanted}.",
        references=(_REFERENCE,),
    )


def _likely_type(type_name: str) -> str | None:
    """The one known type that is nearly this one. What is further away may be newer than the schemas."""
    if not type_name.startswith("AWS::"):
        return None
    service = type_name.split("::")[1]
    here = [known for known in type_names() if known.split("::")[1] == service]
    return nearest(type_name, here or [known for known in type_names() if abs(len(known) - len(type_name)) < 3])


def _resources(root: Node) -> Iterator[tuple[str, Node]]:
    resources = root.get("Resources")
    for key, value in resources.entries if resources is not None else ():
        if value.resolved().kind is Kind.MAP and not key.value.startswith("Fn::"):
            yield key.value, value.resolved()


def _transforms(root: Node) -> list[str]:
    node = root.get("Transform")
    if node is None:
        return []
    listed = node.children if node.kind is Kind.SEQ else [node]
    return [_text(child.resolved()) or "a macro" for child in listed]


def _text(node: Node | None) -> str:
    return node.value if node is not None and node.kind is Kind.SCALAR else ""
