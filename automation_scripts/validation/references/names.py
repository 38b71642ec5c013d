"""Names in smaller formats: Alertmanager receivers, npm scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import likely_typo, meant_by, missing_name
from automation_scripts.validation.values.formats import is_template

Path = tuple[PathKey, ...]


def check_named(corpus: Corpus) -> list[Finding]:
    """Every dangling name in Alertmanager and npm files."""
    found: list[Finding] = []
    for document in corpus.of("alertmanager"):
        found += _alertmanager(document)
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
    idle = sorted(receivers - used - {""}) if used else []
    meant = meant_by(used - receivers, idle, used & receivers)
    for i, item in enumerate(items(root.get("receivers"))):
        node = item.get("name")
        if node is not None and text_of(node) in idle and text_of(node) not in meant:
            yield document.finding(
                node.span, "reference/unused-receiver", Severity.LOW, f"No route sends to the receiver '{text_of(node)}'.", "unused",
                path=("receivers", i, "name"), suggestion="Remove it, or add a route to it.",
            )  # fmt: skip


_NPM_RUN = re.compile(
    r"\b(?:npm run(?:-script)?|pnpm run|yarn run|bun run)\s+(?P<flags>(?:-{1,2}[\w-]+(?:=\S+)?\s+)*)(?P<name>\w[\w:.-]*)(?![\w/$:.-])(?P<after>[^&|;]*)"
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
            if name in names or match["after"].startswith("*") or "." in name or name.endswith(":"):
                continue
            # `yarn run tsc` runs a program of a package.
            if "--if-present" in match[0] or (not match[0].startswith("npm") and not likely_typo(name, names)):
                continue
            yield missing_name(
                document, value, "unknown-script", f"The script '{key.value}' runs '{name}', which is no script here.", name, names,
                ("scripts", key.value), span=document.part(value, *match.span("name")), severity=Severity.MEDIUM,
            )  # fmt: skip
