"""Names in smaller formats: Alertmanager receivers, Ansible handlers, npm scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import missing_name
from automation_scripts.validation.values.formats import is_template

Path = tuple[PathKey, ...]


def check_named(corpus: Corpus) -> list[Finding]:
    """Every dangling name in Alertmanager, Ansible and npm files."""
    found: list[Finding] = []
    for document in corpus.of("alertmanager"):
        found += _alertmanager(document)
    for document in corpus.of("ansible-playbook"):
        found += _handlers(document)
    for document in corpus.of("package-json"):
        found += _scripts(document)
    return found


def _alertmanager(document: CheckedDocument) -> Iterator[Finding]:
    root = document.root
    receivers = {text_of(item.get("name")) or "" for item in items(root.get("receivers"))}
    intervals = {
        text_of(item.get("name")) or ""
        for key in ("time_intervals", "mute_time_intervals")
        for item in items(root.get(key))
    }
    stack: list[tuple[Node | None, Path]] = [(root.get("route"), ("route",))]
    used: set[str] = set()
    while stack:
        route, path = stack.pop()
        if route is None or route.kind is not Kind.MAP or len(path) > 60:
            continue
        receiver = route.get("receiver")
        name = text_of(receiver)
        if receiver is not None and name is not None:
            used.add(name)
            if name not in receivers and not is_template(name):
                yield missing_name(
                    document, receiver, "unknown-receiver", f"The route sends to '{name}', which is no receiver.", name, receivers,
                    (*path, "receiver"),
                )  # fmt: skip
        for key in ("mute_time_intervals", "active_time_intervals"):
            for item in items(route.get(key)):
                text = text_of(item) or ""
                if text not in intervals:
                    yield missing_name(
                        document, item, "unknown-interval", f"The route names the interval '{text}', which is not defined.", text,
                        intervals, (*path, key),
                    )  # fmt: skip
        stack += [(below, (*path, "routes", i)) for i, below in enumerate(items(route.get("routes")))]
    for i, item in enumerate(items(root.get("receivers"))):
        node = item.get("name")
        if node is not None and text_of(node) not in used and used:
            yield document.finding(
                node.span, "reference/unused-receiver", Severity.LOW, f"No route sends to the receiver '{text_of(node)}'.", "unused",
                path=("receivers", i, "name"), suggestion="Remove it, or add a route to it.",
            )  # fmt: skip


def _handlers(document: CheckedDocument) -> Iterator[Finding]:
    """`notify` in plays that have all their handlers in sight: no roles, no imports."""
    for i, play in enumerate(items(document.root)):
        handlers = items(play.get("handlers"))
        if not handlers or play.entry("roles") or not all(handler.kind is Kind.MAP for handler in handlers):
            continue
        names: set[str] = set()
        for handler in handlers:
            names.add(text_of(handler.get("name")) or "")
            names |= {text_of(item) or "" for item in items(handler.get("listen"))}
        imports = ("include_tasks", "import_tasks", "include_role", "import_role", "include")
        if any(
            handler.entry(key) or handler.entry(f"ansible.builtin.{key}") for handler in handlers for key in imports
        ):
            continue
        for section in ("pre_tasks", "tasks", "post_tasks"):
            for path, _, node in (play.get(section) or Node(Kind.SEQ, play.span)).walk():
                if len(path) < 2 or path[-1] != "notify":
                    continue
                for item in items(node):
                    text = text_of(item) or ""
                    if text and text not in names and not is_template(text):
                        yield missing_name(
                            document, item, "unknown-handler", f"The task notifies '{text}', which is no handler of this play.", text,
                            names, (i, section, *path),
                        )  # fmt: skip


_NPM_RUN = re.compile(
    r"\b(?:npm run(?:-script)?|pnpm run|yarn run|bun run)\s+(?P<flags>(?:-{1,2}[\w-]+(?:=\S+)?\s+)*)(?P<name>[\w:.-]+)(?![\w/])"
)
_ELSEWHERE = re.compile(r"\b(?:cd|pushd)\s|--prefix|--workspaces?\b|\s-w\s|--filter|\s-C\s|--cwd|--dir")


def _scripts(document: CheckedDocument) -> Iterator[Finding]:
    scripts = document.root.get("scripts")
    names = {key.value for key, _ in pairs(scripts)}
    for key, value in pairs(scripts):
        text = text_of(value) or ""
        if _ELSEWHERE.search(text):
            continue
        for match in _NPM_RUN.finditer(text):
            name = match["name"]
            # `run build:*` and paths belong to other runners.
            if name in names or "*" in text[match.end() : match.end() + 1] or "." in name:
                continue
            yield missing_name(
                document, value, "unknown-script", f"The script '{key.value}' runs '{name}', which is no script here.", name, names,
                ("scripts", key.value), span=document.part(value, *match.span("name")), severity=Severity.MEDIUM,
            )  # fmt: skip
