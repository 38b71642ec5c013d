"""OpenAPI and Swagger descriptions: operations without security, credentials in clear text, flows that give tokens away.

OWASP API Security Top 10 (2023): API2 broken authentication, API8 security misconfiguration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import head
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.security.plain_protocols import is_public

Path = tuple[PathKey, ...]
_CHANGING = ("post", "put", "patch", "delete")
_METHODS = ("get", *_CHANGING, "head", "options", "trace", "query")
_HTTP = re.compile(r"http://([^/\s:?#]+)", re.IGNORECASE)


def check_api_descriptions(corpus: Corpus) -> list[Finding]:
    """Every OpenAPI or Swagger document."""
    found: list[Finding] = []
    for document in corpus.of("openapi"):
        found += _servers(document)
        found += _schemes(document)
        found += _security(document)
    return found


def _servers(document: CheckedDocument) -> Iterator[Finding]:
    root = document.root
    places = [((), root), *(((*("paths", key.value),), path) for key, path in pairs(root.get("paths")))]
    for where, node in places:
        for i, server in enumerate(items(node.get("servers"))):
            url = server.get("url") if server.kind is Kind.MAP else None
            found = _HTTP.match(text_of(url) or "")
            if url is not None and found and is_public(found[1]):
                yield _clear_text(document, url, (*where, "servers", i, "url"), f"The server {url.value} is called")
    host = (text_of(root.get("host")) or "").partition(":")[0]
    listed = items(root.get("schemes"))
    offered = [item for item in listed if text_of(item) == "http"]
    if offered and (not host or is_public(host)):
        only = "only " if len(listed) == 1 else ""
        yield _clear_text(document, offered[0], ("schemes",), f"The API is {only}offered")


def _clear_text(document: CheckedDocument, node: Node, path: Path, what: str) -> Finding:
    return document.finding(
        node.span,
        "security/api-plain-http",
        Severity.MEDIUM,
        f"{what} over plain HTTP: credentials and data can be read and changed on the way.",
        "unencrypted",
        path=path,
        suggestion="Offer https only.",
        cwe="CWE-319",
    )


def _schemes(document: CheckedDocument) -> Iterator[Finding]:
    steps: Path = ("components", "securitySchemes")
    holder = document.root.at(steps)
    if holder is None:
        steps = ("securityDefinitions",)
        holder = document.root.get("securityDefinitions")
    for key, scheme in pairs(holder):
        path = (*steps, key.value)
        kind, place = text_of(scheme.get("type")), scheme.get("in")
        if kind == "apiKey" and place is not None and text_of(place) == "query":
            yield document.finding(
                place.span,
                "security/key-in-query",
                Severity.MEDIUM,
                f"'{key.value}' puts the key in the URL, which is kept in logs, histories and referrers.",
                "unencrypted",
                path=(*path, "in"),
                suggestion="Take it in a header.",
                cwe="CWE-598",
            )
        scheme_name = scheme.get("scheme")
        basic = scheme_name if kind == "http" and (text_of(scheme_name) or "").lower() == "basic" else None
        basic = basic if basic is not None else scheme.get("type") if kind == "basic" else None
        if basic is not None:
            yield _weak(document, basic, path, "sends the password itself with every request", Severity.LOW)
        yield from _flows(document, scheme, path)


def _flows(document: CheckedDocument, scheme: Node, path: Path) -> Iterator[Finding]:
    for key, _ in pairs(scheme.get("flows")):
        if key.value in ("implicit", "password"):
            yield _weak(document, key, (*path, "flows", key.value), _FLOWS[key.value], Severity.LOW)
    flow = scheme.get("flow")
    if flow is not None and text_of(flow) in _FLOWS:
        yield _weak(document, flow, (*path, "flow"), _FLOWS[flow.value], Severity.LOW)


_FLOWS = {
    "implicit": "hands the token over in a URL (the implicit flow, which OAuth 2.1 leaves out)",
    "password": "gives the user's password to the client (the password flow, which OAuth 2.1 leaves out)",
}


def _weak(document: CheckedDocument, node: Node, path: Path, what: str, severity: Severity) -> Finding:
    return document.finding(
        node.span,
        "security/api-weak-authentication",
        severity,
        f"'{path[2] if path[0] == 'components' else path[1]}' {what}.",
        "auth-off",
        path=path,
        suggestion="Use OAuth 2 with the authorization code flow, or signed tokens.",
        cwe="CWE-522",
    )


def _security(document: CheckedDocument) -> Iterator[Finding]:
    """Operations that change something and ask for nothing; one finding for the whole when none asks."""
    root = document.root
    operations = list(_operations(document, _CHANGING))
    if root.get("security") is not None and items(root.get("security")):
        yield from (_open(document, key, value, path) for key, value, path in operations if _is_open(value))
        return
    everything = list(_operations(document, _METHODS))
    secured = [entry for entry in everything if entry[1].get("security") is not None and not _is_open(entry[1])]
    paths = root.entry("paths")
    if everything and not secured and paths:
        defined = root.at(("components", "securitySchemes")) or root.get("securityDefinitions")
        yield document.finding(
            paths[0].span,
            "security/api-without-security",
            Severity.MEDIUM if defined is not None else Severity.LOW,
            "No operation asks for credentials"
            + (", although schemes are defined: `security` is nowhere." if defined is not None else "."),
            "auth-off",
            path=("security",),
            suggestion="Define a scheme in components.securitySchemes and name it in a `security` at the top.",
            cwe="CWE-306",
        )
        return
    for key, value, path in operations:
        if value.get("security") is None or _is_open(value):
            yield _open(document, key, value, path)


_SIGNING_IN = re.compile(
    r"log-?in|sign-?(?:in|up)|auth|token|regist|password|health|status|ping|webhook|callback|session", re.IGNORECASE
)


def _operations(document: CheckedDocument, methods: tuple[str, ...]) -> Iterator[tuple[Node, Node, Path]]:
    for key, path in pairs(document.root.get("paths")):
        if _SIGNING_IN.search(key.value):
            continue
        for method, operation in pairs(path):
            if method.value in methods and operation.kind is Kind.MAP:
                yield method, operation, ("paths", key.value, method.value)


def _is_open(operation: Node) -> bool:
    """`security: []`, or a list with an empty requirement."""
    node = operation.get("security")
    if node is None or node.kind is not Kind.SEQ:
        return False
    return not node.children or any(c.resolved().kind is Kind.MAP and not c.resolved().entries for c in node.children)


def _open(document: CheckedDocument, key: Node, operation: Node, path: Path) -> Finding:
    entry = operation.entry("security")
    return document.finding(
        head(*entry) if entry else key.span,
        "security/operation-without-security",
        Severity.LOW,
        f"{key.value.upper()} {path[1]} changes something and asks for no credentials.",
        "auth-off",
        path=(*path, "security"),
        suggestion="Name a scheme in its `security`, or one for all operations at the top.",
        cwe="CWE-306",
    )
