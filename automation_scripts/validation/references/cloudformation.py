"""Names in CloudFormation templates: Ref, GetAtt, Sub, DependsOn, conditions, mappings; cycles and unused parameters.

Source: the template reference of AWS. Templates with macros or modules may define names that are not seen here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from automation_scripts.results import Finding
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of, texts
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.cloudformation_values import check_imports, check_unused, check_values
from automation_scripts.validation.references.missing_names import cycle_findings, missing_name

Path = tuple[PathKey, ...]
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


_SUFFIX = re.compile(
    r"\.\w+|\w*(?:Role|Policy|Permission|Version\w*|Alias\w*|Deployment\w*|Stage|Url|Rule|Queue|Topic|Subscription|Mapping\w*"
    r"|Domain\w*|ApiKey|UsagePlan\w*|RestApi|HttpApi|Profile|Schedule\w*|Event\w*|Authorizer\w*|Layer\w*|Table|Prod|[A-Fa-f0-9]{8,})"
)
"""What SAM adds to a resource's name for those that it makes."""


@dataclass(frozen=True, slots=True)
class _Use:
    kind: str
    """`value` (a parameter or resource), `resource`, `condition` or `mapping`."""
    name: str
    node: Node
    path: Path


def check_cloudformation(corpus: Corpus) -> list[Finding]:
    """Every dangling name, cycle and unused parameter in CloudFormation templates."""
    documents = list(corpus.of("cloudformation"))
    found = [finding for document in documents for finding in _template(document, corpus)]
    return [*found, *check_imports(documents)]


def _defined_beside(document: CheckedDocument, corpus: Corpus) -> set[str]:
    return {
        key.value
        for other in corpus.documents
        if other.folder in (document.folder, document.folder.parent)
        and other is not document
        and other.root.kind is Kind.MAP
        for section in ("Resources", "Parameters", "Conditions", "Mappings")
        for key, _ in pairs(other.root.get(section))
    }


def _template(document: CheckedDocument, corpus: Corpus) -> Iterator[Finding]:
    root = document.root
    names = {
        section: {key.value for key, _ in pairs(root.get(section))}
        for section in ("Parameters", "Resources", "Conditions", "Mappings")
    }
    transforms = texts(root.get("Transform"))
    sam = {
        key.value
        for key, node in pairs(root.get("Resources"))
        if (text_of(node.get("Type")) or "").startswith("AWS::Serverless::")
    }
    serverless = bool(sam) or any(text.startswith("AWS::Serverless") for text in transforms)
    if any(
        not text.startswith(("AWS::Serverless", "AWS::LanguageExtensions", "AWS::SecretsManager"))
        for text in transforms
    ):
        return
    if "AWS::LanguageExtensions" in transforms or any(key.startswith("Fn::ForEach") for key in names["Resources"]):
        return  # loops make names
    # A part of a template that another tool puts together: the other parts are in the same folder.
    is_whole = root.entry("AWSTemplateFormatVersion") is not None
    elsewhere = set() if is_whole else _defined_beside(document, corpus)
    known = {
        "value": names["Parameters"] | names["Resources"],
        "resource": names["Resources"],
        "condition": names["Conditions"],
        "mapping": names["Mappings"],
    }
    graph: dict[str, list[str]] = {key.value: [] for key, _ in pairs(root.get("Resources"))}
    edges: dict[tuple[str, str], tuple[Node, Path]] = {}
    used: set[str] = set()
    dangling: dict[str, set[str]] = {"value": set(), "resource": set(), "condition": set(), "mapping": set()}
    for use in _uses(document):
        if use.name in known[use.kind]:
            used.add(use.name)
            owner = str(use.path[1]) if len(use.path) > 1 and use.path[0] == "Resources" else ""
            # SAM makes several resources of one, so a circle through one is mostly none after the transformation.
            if use.name in graph and owner in graph and owner not in sam and use.name not in sam:
                graph[str(use.path[1])].append(use.name)
                edges.setdefault((str(use.path[1]), use.name), (use.node, use.path))
            continue
        if not is_whole and use.name in elsewhere:
            continue
        if use.name.startswith("AWS::") or (serverless and _generated(use.name, names["Resources"])):
            continue
        what = {
            "value": "parameter or resource",
            "resource": "resource",
            "condition": "condition",
            "mapping": "mapping",
        }[use.kind]
        dangling[use.kind].add(use.name)
        at = use.node.value.find(use.name)
        span = (
            document.part(use.node, at, at + len(use.name)) if at >= 0 and use.node.value != use.name else use.node.span
        )
        yield missing_name(
            document,
            use.node,
            "unknown-name",
            f"The template has no {what} '{use.name}'.",
            use.name,
            known[use.kind],
            use.path,
            span=span,
        )
    yield from cycle_findings(document, graph, edges, "resource-cycle", "Resources")
    yield from check_values(document)
    yield from check_unused(document, used, dangling)


def _generated(name: str, resources: set[str]) -> bool:
    """SAM makes `MyFunctionRole`, `MyApiStage`, `ServerlessRestApi` and their like."""
    if re.fullmatch(r"Serverless\w+(?:\.\w+)?", name):
        return True
    return any(name.startswith(resource) and _SUFFIX.fullmatch(name, len(resource)) for resource in resources)


def _uses(document: CheckedDocument) -> Iterator[_Use]:
    for match in document.index.matches:
        node, path = match.node, match.path
        if path[:1] == ("Metadata",) or (len(path) > 2 and path[0] == "Resources" and path[2] == "Metadata"):
            continue
        yield from _by_tag(node, path)
        if path[:1] == ("Conditions",) and path[-1:] == ("Condition",) and len(path) > 2 and node.kind is Kind.SCALAR:
            yield _Use("condition", node.value, node, path)
        if node.kind is Kind.MAP and len(node.entries) == 1:
            key, value = node.entries[0][0].value, node.entries[0][1].resolved()
            yield from _by_key(key, value, path)
        if (
            len(path) == 3
            and path[0] in ("Resources", "Outputs")
            and path[2] == "Condition"
            and node.kind is Kind.SCALAR
        ):
            yield _Use("condition", node.value, node, path)
        if len(path) == 3 and path[0] == "Resources" and path[2] == "DependsOn":
            for item in items(node):
                if item.kind is Kind.SCALAR:
                    yield _Use("resource", item.value, item, path)


def _by_tag(node: Node, path: Path) -> Iterator[_Use]:
    tag = node.tag or ""
    if tag == "!Ref" and node.kind is Kind.SCALAR:
        yield _Use("value", node.value, node, path)
    elif tag == "!Condition" and node.kind is Kind.SCALAR:
        yield _Use("condition", node.value, node, path)
    elif tag in ("!GetAtt", "!Sub", "!If", "!FindInMap"):
        yield from _by_key("Fn::" + tag[1:], node, path)


def _by_key(key: str, value: Node, path: Path) -> Iterator[_Use]:
    first = next(iter(items(value)), None)
    if key == "Ref" and value.kind is Kind.SCALAR:
        yield _Use("value", value.value, value, path)
    elif first is None or first.kind is not Kind.SCALAR:
        return
    elif key == "Fn::GetAtt":
        name = first.value if value.kind is Kind.SEQ else first.value.partition(".")[0]
        yield _Use("resource", name, first, path)
    elif key == "Fn::Sub":
        local = (
            {k.value for k, _ in pairs(items(value)[1])}
            if value.kind is Kind.SEQ and len(value.children) > 1
            else set()
        )
        for match in _VARIABLE.finditer(first.value):
            name = match[1].strip()
            if name.partition(".")[0] not in local and not name.startswith("AWS::"):
                yield _Use("resource" if "." in name else "value", name.partition(".")[0], first, path)
    elif key == "Fn::If" and value.kind is Kind.SEQ:
        yield _Use("condition", first.value, first, path)
    elif key == "Fn::FindInMap" and value.kind is Kind.SEQ and not first.tag:
        yield _Use("mapping", first.value, first, path)
