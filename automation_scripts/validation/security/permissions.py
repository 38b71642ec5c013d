"""Rights given without limits: Kubernetes RBAC, cloud roles, file modes.

CWE-269 (improper privilege management), CWE-732 (incorrect permission assignment).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.kubernetes_objects import KubernetesObject, kubernetes_objects
from automation_scripts.validation.documents.scalars import items, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.security.scanning import holding, scalars_with

_TAG = "wildcard-perm"


def check_permissions(corpus: Corpus) -> list[Finding]:
    """Wildcard rights in every document."""
    found: list[Finding] = []
    for owner in kubernetes_objects(corpus):
        found += _roles(owner)
        found += _bindings(owner)
    for document in corpus.documents:
        found += _file_modes(document)
        found += _cloud_roles(document)
    for document in holding(corpus, "chmod"):
        found += _commands(document)
    return found


# ----- Kubernetes RBAC -------------------------------------------------------------------------------------------


def _roles(owner: KubernetesObject) -> Iterator[Finding]:
    if owner.kind not in ("Role", "ClusterRole") or not owner.api_version.startswith("rbac."):
        return
    for i, rule in enumerate(items(owner.node.get("rules"))):
        verbs, resources = _star(rule.get("verbs")), _star(rule.get("resources"))
        star, key = (verbs, "verbs") if verbs is not None else (resources, "resources")
        if star is None:
            yield from _escalation(owner, rule, (*owner.path, "rules", i))
            continue
        groups = _texts(rule.get("apiGroups"))
        everything = verbs is not None and resources is not None
        reading = verbs is None and set(_texts(rule.get("verbs"))) <= {"get", "list", "watch"}
        what = "every verb on every resource" if everything else f"every {key[:-1]}"
        where = "" if "*" in groups or not groups else f" of {', '.join(group or 'the core' for group in groups[:3])}"
        yield owner.document.finding(
            star.span,
            "security/rbac-wildcard",
            Severity.HIGH if everything and not where else Severity.LOW if reading and where else Severity.MEDIUM,
            f"{owner.title} grants {what}{where}: what a later version adds is granted too.",
            _TAG,
            path=(*owner.path, "rules", i, key),
            suggestion="List the verbs and resources that are needed.",
            cwe="CWE-269",
            references=("https://kubernetes.io/docs/concepts/security/rbac-good-practices/",),
        )


_ESCALATING_VERBS = frozenset(("escalate", "bind", "impersonate"))
_ESCALATING = {
    "nodes/proxy": ("get", "create", "*"),
    "serviceaccounts/token": ("create",),
    "certificatesigningrequests/approval": ("update", "patch"),
    "mutatingwebhookconfigurations": ("create", "update", "patch"),
    "validatingwebhookconfigurations": ("create", "update", "patch"),
}


def _escalation(owner: KubernetesObject, rule: Node, path: tuple[PathKey, ...]) -> Iterator[Finding]:
    """Verbs and resources through which the holder gets rights that the role does not name."""
    if rule.get("resourceNames") is not None:
        return
    verbs, resources = items(rule.get("verbs")), items(rule.get("resources"))
    named = set(_texts(rule.get("verbs")))
    hits = [(verb, "verbs") for verb in verbs if text_of(verb) in _ESCALATING_VERBS]
    hits += [(item, "resources") for item in resources if named & set(_ESCALATING.get(text_of(item) or "", ()))]
    for item, key in hits[:1]:
        yield owner.document.finding(
            item.span,
            "security/rbac-escalation",
            Severity.MEDIUM if key == "verbs" else Severity.LOW,
            f"{owner.title} grants '{text_of(item)}', with which its holders reach rights that the role does not name.",
            _TAG,
            path=(*path, key),
            suggestion="Leave it out, or name the objects with resourceNames.",
            cwe="CWE-269",
        )


def _star(node: Node | None) -> Node | None:
    return next((item for item in items(node) if text_of(item) == "*"), None)


def _texts(node: Node | None) -> list[str]:
    return [text_of(item) or "" for item in items(node)]


def _bindings(owner: KubernetesObject) -> Iterator[Finding]:
    if owner.kind not in ("ClusterRoleBinding", "RoleBinding"):
        return
    role = owner.node.at(("roleRef", "name"))
    if text_of(role) == "cluster-admin" and role is not None:
        yield owner.document.finding(
            role.span,
            "security/cluster-admin",
            Severity.HIGH if owner.kind == "ClusterRoleBinding" else Severity.MEDIUM,
            f"{owner.title} gives cluster-admin, which may do everything.",
            _TAG,
            path=(*owner.path, "roleRef", "name"),
            suggestion="Bind a role that grants what is needed.",
            cwe="CWE-269",
        )
    for i, subject in enumerate(items(owner.node.get("subjects"))):
        name = subject.get("name")
        if name is not None and text_of(name) in ("system:anonymous", "system:unauthenticated"):
            yield owner.document.finding(
                name.span,
                "security/anonymous-subject",
                Severity.CRITICAL,
                f"{owner.title} gives rights to {text_of(name)}: to everyone who reaches the API.",
                "auth-off",
                path=(*owner.path, "subjects", i, "name"),
                suggestion="Bind users, groups or service accounts that are authenticated.",
                cwe="CWE-306",
            )


# ----- cloud roles and file modes --------------------------------------------------------------------------------


def _cloud_roles(document: CheckedDocument) -> Iterator[Finding]:
    for match in document.index.keyed("role", "roles", "ManagedPolicyArns", "managed_policy_arns", "managedPolicies"):
        for item in items(match.node):
            text = text_of(item) or ""
            if text in ("roles/owner", "roles/editor") or text.endswith(":policy/AdministratorAccess"):
                yield document.finding(
                    item.span,
                    "security/admin-role",
                    Severity.MEDIUM,
                    f"'{text.rpartition('/')[2]}' may change nearly everything in the account.",
                    _TAG,
                    path=match.path,
                    suggestion="Use a role made for the task.",
                    cwe="CWE-269",
                )


_WORLD_WRITABLE = re.compile(r"0?o?[0-7]?[0-7][0-7][2367]|a[+=]r?wx?|[ugo]*o[+=]r?wx?|\+rwx|ugo[+=]rwx")
_CHMOD = re.compile(r"\bchmod\s+(?:-[A-Za-z]+\s+)*(0?[0-7]?777|0?666|a[+=]rwx|ugo\+rwx|a\+w|o\+w)\b")
_MODE_KINDS = ("ansible-playbook", "ansible-tasks")


def _file_modes(document: CheckedDocument) -> Iterator[Finding]:
    for match in document.index.keyed("mode", "directory_mode", "file_mode", "umask"):
        node = match.node
        if document.kind not in _MODE_KINDS or node.kind is not Kind.SCALAR or match.path[-1] == "umask":
            continue
        if _WORLD_WRITABLE.fullmatch(node.value) and len(node.value) >= 3 and not node.value.startswith(("1", "01")):
            yield _writable(document, node.span, match.path, node.value)


def _commands(document: CheckedDocument) -> Iterator[Finding]:
    for match in scalars_with(document, "chmod"):
        for found in _CHMOD.finditer(match.node.value):
            span = document.part(match.node, *found.span(1))
            yield _writable(document, span, match.path, found[1])


def _writable(document: CheckedDocument, span: Span, path: tuple[PathKey, ...], mode: str) -> Finding:
    return document.finding(
        span,
        "security/world-writable",
        Severity.MEDIUM,
        f"Mode {mode} lets every user of the machine change the file.",
        _TAG,
        path=path,
        suggestion="Give write access to the owner or a group only.",
        cwe="CWE-732",
    )
