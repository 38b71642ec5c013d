"""Container privileges in other formats: chart values, task definitions, playbooks, and `docker run` in scripts.

Only what is said outright is reported here: where nothing is said, these formats leave it to somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import int_of, is_false, is_true, text_of
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.security.isolation import (
    PSS,
    capability,
    host_namespace,
    listed_texts,
    privileged,
    root_user,
    sensitive_mount,
    to_false,
    writable_root,
)
from automation_scripts.validation.security.scanning import holding, scalars_with

# Policies say what is allowed or matched, and schemas what may be written; neither runs anything.
_NOT_RUN = frozenset(
    (
        "CustomResourceDefinition",
        "PodSecurityPolicy",
        "SecurityContextConstraints",
        "ClusterPolicy",
        "Policy",
        "ConstraintTemplate",
    )
)
_SKIPPED = frozenset(("compose", "openapi", "package-json", "tsconfig", "github-issue-form"))
_NAMESPACES = {"hostNetwork": "network", "hostPID": "process", "hostIPC": "IPC"}


def check_container_options(corpus: Corpus) -> list[Finding]:
    """Privileges that are given outright, in every document that is no compose file."""
    found: list[Finding] = []
    for document in corpus.documents:
        if document.kind in _SKIPPED or text_of(document.root.get("kind")) in _NOT_RUN:
            continue
        found += _keys(document)
    for document in holding(corpus, "docker", "podman", "nerdctl", "options"):
        if document.kind in _SKIPPED or text_of(document.root.get("kind")) in _NOT_RUN:
            continue
        for match in document.index.keyed("options") if document.kind == "github-workflow" else ():
            found += _command_line(document, match)
        for match in scalars_with(document, "docker", "podman", "nerdctl"):
            found += _command_line(document, match) if match.path[-1:] != ("options",) else ()
    return found


def _keys(document: CheckedDocument) -> Iterator[Finding]:
    for match in document.index.keyed("privileged", "Privileged"):
        if is_true(match.node) and _is_container(document, match):
            yield privileged(document, match.node, _title(match), match.path)
    for key, what in _NAMESPACES.items():
        for match in document.index.keyed(key):
            if is_true(match.node) and document.kind in ("kubernetes", "helm-values"):
                yield host_namespace(
                    document,
                    match.node.span,
                    _title(match),
                    what,
                    match.path,
                    Severity.HIGH,
                    to_false(document, match.node),
                )
    for match in document.index.keyed("securityContext", "containerSecurityContext", "podSecurityContext"):
        if match.node.kind is Kind.MAP:
            yield from _context(document, match)
    for match in document.index.keyed("volumes", "Volumes", "hostPath", "mounts"):
        yield from _mounts(document, match)


def _title(match: Match) -> str:
    names = [str(step) for step in match.path[:-1] if isinstance(step, str)]
    return f"'{'.'.join(names[-3:])[:80]}'" if names else "The container"


def _is_container(document: CheckedDocument, match: Match) -> bool:
    """`privileged` is said of users and ports too: an image or a security context must be near."""
    if document.kind in ("kubernetes", "helm-values", "gitlab-ci", "cloudformation"):
        return True
    keys = (
        "image",
        "Image",
        "capabilities",
        "allowPrivilegeEscalation",
        "runAsUser",
        "ContainerDefinitions",
        "docker",
        "container_name",
    )
    return match.parent is not None and any(match.parent.entry(key) for key in keys)


def _context(document: CheckedDocument, match: Match) -> Iterator[Finding]:
    context, path, title = match.node, match.path, _title(match)
    escalation, read_only = context.get("allowPrivilegeEscalation"), context.get("readOnlyRootFilesystem")
    if escalation is not None and is_true(escalation):
        yield document.finding(
            escalation.span,
            "security/privilege-escalation",
            Severity.MEDIUM,
            f"{title} may gain more privileges than its parent process (allowPrivilegeEscalation is true).",
            "priv-escalation",
            path=(*path, "allowPrivilegeEscalation"),
            suggestion="Set allowPrivilegeEscalation: false.",
            fix=to_false(document, escalation),
            cwe="CWE-250",
            references=(PSS,),
        )
    if read_only is not None and is_false(read_only):
        where = (*path, "readOnlyRootFilesystem")
        yield writable_root(document, read_only.span, title, where, "readOnlyRootFilesystem is false")
    for item, where, cap in listed_texts(context.at(("capabilities", "add")), (*path, "capabilities", "add")):
        yield from capability(document, item, where, cap, title)
    user = context.get("runAsUser")
    if user is not None and int_of(user) == 0:
        yield root_user(document, user, title, (*path, "runAsUser"))


def _mounts(document: CheckedDocument, match: Match) -> Iterator[Finding]:
    """`/host:/inside` items, and `hostPath` maps or texts."""
    if match.path[-1] == "hostPath":
        source = match.node.get("path") if match.node.kind is Kind.MAP else match.node
        if source is not None and source.kind is Kind.SCALAR:
            yield from sensitive_mount(document, source.span, _trimmed(source.value), False, _title(match), match.path)
        return
    for item, path, text in listed_texts(match.node, match.path):
        source_text, colon, rest = text.partition(":")
        if colon and source_text.startswith("/"):
            span = document.part(item, 0, len(source_text))
            yield from sensitive_mount(document, span, _trimmed(source_text), rest.endswith(":ro"), _title(match), path)


def _trimmed(source: str) -> str:
    return source.rstrip("/") or source


_RUN = re.compile(r"\b(?:docker|podman|nerdctl)(?:\s+container)?\s+(?:run|create)\b")
_OPTION = re.compile(
    r"(?<![\w-])(?:(?P<privileged>--privileged)(?:[= ]true)?(?=\s|$)"
    r"|--(?P<ns>net|network|pid|ipc|uts|userns)[= ]host(?=\s|$)"
    r"|--cap-add[= ](?P<cap>[A-Za-z_]+)"
    r"|(?:-v|--volume)[= ]?[\"']?(?P<mount>/[^\s:\"']*):(?P<rest>[^\s\"']*))"
)
_NAMES = {"net": "network", "network": "network", "pid": "process", "ipc": "IPC", "uts": "UTS", "userns": "user"}


def _command_line(document: CheckedDocument, match: Match) -> Iterator[Finding]:
    """Options of `docker run`, in a script or in a list of container options (`container: {options: ...}`)."""
    text = match.node.value
    if match.node.kind is not Kind.SCALAR:
        return
    is_options = match.path[-1:] == ("options",) and document.kind == "github-workflow"
    if not is_options and not _RUN.search(text):
        return
    title = "The container that is started here"
    for found in _OPTION.finditer(text):
        if found["privileged"]:
            piece = Node(Kind.SCALAR, document.part(match.node, *found.span("privileged")), value="--privileged")
            yield privileged(document, piece, title, match.path)
        elif found["ns"]:
            span = document.part(match.node, *found.span("ns"))
            yield host_namespace(document, span, title, _NAMES[found["ns"]], match.path, Severity.MEDIUM)
        elif found["cap"]:
            piece = Node(Kind.SCALAR, document.part(match.node, *found.span("cap")), value=found["cap"])
            yield from capability(document, piece, match.path, found["cap"], title)
        else:
            span = document.part(match.node, *found.span("mount"))
            read_only = found["rest"].endswith(":ro")
            yield from sensitive_mount(document, span, _trimmed(found["mount"]), read_only, title, match.path)
