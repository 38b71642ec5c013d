"""AWS policies, wherever they are written: every action, every resource, everyone. CWE-269, CWE-284."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import head
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.values.word_lists import words

_TAG = "wildcard-perm"


def check_cloud_policies(corpus: Corpus) -> list[Finding]:
    """Every statement that allows something."""
    return [finding for document in corpus.documents for finding in _policies(document)]


def _policies(document: CheckedDocument) -> Iterator[Finding]:
    for match in document.index.keyed("Effect"):
        if text_of(match.node) == "Allow" and match.parent is not None and match.parent.kind is Kind.MAP:
            yield from _statement(document, match.parent, match.path[:-1])


_SERVICE_WILDCARD = re.compile(r"([a-z0-9-]+):\*")


def _statement(document: CheckedDocument, node: Node, path: tuple[PathKey, ...]) -> Iterator[Finding]:
    actions = [item for item in items(node.get("Action")) if item.kind is Kind.SCALAR]
    owner = text_of(document.root.at((*path[:2], "Type"))) or "" if document.kind == "cloudformation" else ""
    # An endpoint's policy only narrows what the callers may do already.
    if owner == "AWS::EC2::VPCEndpoint":
        return
    # In the policy of a key or a bucket, `*` is that key or bucket.
    every_resource = any(text_of(item) == "*" for item in items(node.get("Resource")))
    narrowed = node.entry("Condition") is not None
    of_one_resource = node.get("Principal") is not None and _everyone(node.get("Principal")) is None
    for action in actions:
        full, service = action.value in ("*", "*:*"), _SERVICE_WILDCARD.fullmatch(action.value)
        if not full and not (service and every_resource and not of_one_resource):
            continue
        yield document.finding(
            action.span,
            "security/policy-wildcard",
            _weight(full, every_resource, service[1] if service else ""),
            f"The policy allows {'every action' if full else f'every action of {service[1] if service else action.value}'}"
            f"{' on every resource' if every_resource else ''}.",
            _TAG,
            path=(*path, "Action"),
            suggestion="List the actions that are needed, on the resources they are needed for.",
            cwe="CWE-269",
        )
    if not narrowed and every_resource and node.get("Principal") is None:
        yield from _on_everything(document, node, actions, path)
    for key in ("NotAction", "NotPrincipal"):
        entry = node.entry(key)
        if entry:
            yield document.finding(
                head(entry[0], entry[1].resolved()),
                "security/policy-by-exclusion",
                Severity.MEDIUM,
                f"Allow with {key} grants everything that is not listed, new services included.",
                _TAG,
                path=(*path, key),
                suggestion=f"Use {key[3:]} and list what is allowed.",
                cwe="CWE-269",
            )
    principal = node.get("Principal")
    everyone = _everyone(principal)
    if everyone is not None and not narrowed:
        yield document.finding(
            everyone.span,
            "security/policy-for-everyone",
            Severity.HIGH,
            "The policy allows it to everyone (Principal: *), without a condition.",
            _TAG,
            path=(*path, "Principal"),
            suggestion="Name the accounts or roles, or add a condition.",
            cwe="CWE-284",
        )


# Each is a way to more rights, or to secrets, when it is allowed everywhere.
_SENSITIVE_ACTION = re.compile(
    r"iam:(?:passrole|create(?:accesskey|loginprofile|policy(?:version)?|role|user)|put(?:user|role|group)policy"
    r"|attach(?:user|role|group)policy|update(?:assumerolepolicy|loginprofile)|addusertogroup|setdefaultpolicyversion)"
    r"|sts:assumerole|secretsmanager:getsecretvalue|kms:decrypt|ssm:getparameters?(?:bypath)?|kms:\*|iam:(?:pass|put|attach)\*",
    re.IGNORECASE,
)


def _weight(full: bool, every_resource: bool, service: str) -> Severity:
    if full and every_resource:
        return Severity.HIGH
    # Services that know no resources leave no choice there.
    return Severity.LOW if service in _WITHOUT_RESOURCES else Severity.MEDIUM


def _on_everything(
    document: CheckedDocument, node: Node, actions: list[Node], path: tuple[PathKey, ...]
) -> Iterator[Finding]:
    """Actions on every resource: those that lead to more rights or to secrets, else those that change something."""
    hits = [action for action in actions if _SENSITIVE_ACTION.fullmatch(action.value)]
    wide = any(action.value in ("*", "*:*") or _SERVICE_WILDCARD.fullmatch(action.value) for action in actions)
    changing = [action for action in actions if _changes_one_resource(action.value)]
    where = hits[0] if hits else next((item for item in items(node.get("Resource")) if text_of(item) == "*"), None)
    if where is None or not (hits or (changing and not wide)):
        return
    named = hits or changing
    more = f" and {len(named) - 1} more such actions" if len(named) > 1 else ""
    yield document.finding(
        where.span,
        "security/policy-sensitive-action" if hits else "security/policy-any-resource",
        Severity.LOW,
        f"The policy allows {named[0].value}{more} on every resource.",
        _TAG,
        path=(*path, "Action" if hits else "Resource"),
        suggestion="Name the roles, keys, secrets or other resources that are needed in Resource.",
        cwe="CWE-269",
    )


_READS = re.compile(
    r"(?:batch)?(?:get|list|describe|head|view|search|lookup|check|select|scan|query|filter|test|validate|simulate)",
    re.IGNORECASE,
)
_WITHOUT_RESOURCES = words("actions without resources")


def _changes_one_resource(action: str) -> bool:
    service, _, verb = action.lower().partition(":")
    if not verb or _READS.match(verb) or service in _WITHOUT_RESOURCES:
        return False
    return f"{service}:{verb}" not in _WITHOUT_RESOURCES


def _everyone(principal: Node | None) -> Node | None:
    if principal is None:
        return None
    if principal.kind is Kind.SCALAR:
        return principal if principal.value == "*" else None
    return next(
        (
            item
            for key, value in pairs(principal)
            if key.value == "AWS"
            for item in items(value)
            if text_of(item) == "*"
        ),
        None,
    )
