"""Ansible playbooks and roles: handlers that are notified, roles that are named, templates that are rendered, results that
are asked for.

Source: the documentation of Ansible ("Handlers", "Roles", "Registering variables"). What comes from collections, from Galaxy
or by a variable is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import likely_typo, missing_name, nearest_name
from automation_scripts.validation.values.formats import is_template

KeyPath = tuple[PathKey, ...]
_SECTIONS = ("pre_tasks", "tasks", "post_tasks", "handlers")
_ROLE_INCLUDES = ("include_role", "import_role", "ansible.builtin.include_role", "ansible.builtin.import_role")
_FILE_INCLUDES = (
    "include_tasks",
    "import_tasks",
    "include",
    "ansible.builtin.include_tasks",
    "ansible.builtin.import_tasks",
)


@dataclass(slots=True)
class Handlers:
    """The names that tasks can notify, and whether others may exist that the tree does not show."""

    names: set[str] = field(default_factory=set)
    is_open: bool = False

    def add(self, listed: list[Node]) -> None:
        """Take in a list of handlers."""
        for handler in listed:
            if handler.kind is not Kind.MAP:
                continue
            name = text_of(handler.get("name"))
            self.names |= {text for text in (name, *(text_of(item) for item in items(handler.get("listen")))) if text}
            self.is_open |= bool(name and is_template(name)) or any(
                handler.entry(key) for key in (*_ROLE_INCLUDES, *_FILE_INCLUDES)
            )


def check_ansible(corpus: Corpus) -> list[Finding]:
    """Every dangling name in playbooks and in the tasks of roles."""
    documents = list(corpus.of("ansible-playbook", "ansible-tasks"))
    if not documents:
        return []
    found: list[Finding] = []
    by_folder: dict[Path, list[CheckedDocument]] = {}
    for document in documents:
        by_folder.setdefault(document.folder, []).append(document)
    everywhere = Handlers()
    for document in documents:
        for _, listed in _handler_lists(document):
            everywhere.add(listed)
    for document in documents:
        if document.kind == "ansible-playbook":
            found += _playbook(document, by_folder)
        else:
            found += _role_tasks(document, by_folder, everywhere)
        found += _results(document)
        for path, listed in _handler_lists(document):
            found += _repeated(document, listed, path)
    return found


def _handler_lists(document: CheckedDocument) -> Iterator[tuple[KeyPath, list[Node]]]:
    if document.kind == "ansible-playbook":
        for i, play in enumerate(items(document.root)):
            yield (i, "handlers"), items(play.get("handlers"))
    elif document.folder.name == "handlers":
        yield (), items(document.root)


def _repeated(document: CheckedDocument, listed: list[Node], path: KeyPath) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for i, handler in enumerate(listed):
        node = handler.get("name") if handler.kind is Kind.MAP else None
        text = text_of(node)
        # Two handlers of one name with conditions are two ways to do one thing.
        if node is None or not text or handler.entry("when") or is_template(text):
            continue
        earlier = first.setdefault(text, node)
        if earlier is not node:
            yield document.finding(
                node.span, "reference/repeated-name", Severity.MEDIUM,
                f"The handler '{text}' is defined again; line {earlier.span.line} has it already, and only the last one runs.",
                "dup-name", path=(*path, i, "name"), suggestion="Rename or remove one of them.",
            )  # fmt: skip


# ----- handlers and roles ----------------------------------------------------------------------------------------


def _playbook(document: CheckedDocument, by_folder: dict[Path, list[CheckedDocument]]) -> Iterator[Finding]:
    for i, play in enumerate(items(document.root)):
        if play.kind is not Kind.MAP:
            continue
        handlers = Handlers()
        handlers.add(items(play.get("handlers")))
        for node, name, path in _roles(play, i):
            folder = _role_folder(document.folder, name)
            if folder is None:
                handlers.is_open = True
                yield from _unknown_role(document, node, name, path)
            else:
                _take_role(handlers, folder, by_folder)
        notified = any(play.get(section) is not None for section in _SECTIONS)
        if notified and (handlers.names or not handlers.is_open):
            for section in _SECTIONS:
                yield from _notified(document, play.get(section), (i, section), handlers, "this play")


def _roles(play: Node, index: int) -> Iterator[tuple[Node, str, KeyPath]]:
    for j, item in enumerate(items(play.get("roles"))):
        node = (item.get("role") or item.get("name")) if item.kind is Kind.MAP else item
        name = text_of(node)
        if node is not None and name:
            yield node, name, (index, "roles", j)
    for section in _SECTIONS:
        node = play.get(section)
        for below, _, task in node.walk() if node is not None else ():
            if below and below[-1] in _ROLE_INCLUDES:
                target = task.get("name")
                if target is not None and text_of(target):
                    yield target, text_of(target) or "", (index, section, *below, "name")


def _role_folder(folder: Path, name: str) -> Path | None:
    for parent in (folder, *list(folder.parents)[:2]):
        if (parent / "roles" / name).is_dir():
            return parent / "roles" / name
    return None


def _unknown_role(document: CheckedDocument, node: Node, name: str, path: KeyPath) -> Iterator[Finding]:
    """Roles come from many places; only one that is nearly a role of this project is wrong."""
    roles = document.folder / "roles"
    if is_template(name) or "." in name or "/" in name or not roles.is_dir():
        return
    try:
        known = [entry.name for entry in roles.iterdir() if entry.is_dir()][:1000]
    except OSError:
        return
    if likely_typo(name, known):
        yield missing_name(document, node, "unknown-role", f"There is no role '{name}' in roles/.", name, known, path)


def _take_role(handlers: Handlers, folder: Path, by_folder: dict[Path, list[CheckedDocument]]) -> None:
    for document in by_folder.get(folder / "handlers", ()):
        handlers.add(items(document.root))
    if any((folder / "meta" / name).is_file() for name in ("main.yml", "main.yaml")):
        handlers.is_open |= _has_dependencies(folder)


def _has_dependencies(folder: Path) -> bool:
    for name in ("main.yml", "main.yaml"):
        try:
            text = (folder / "meta" / name).read_text(encoding="utf-8", errors="replace")[:100_000]
        except OSError:
            continue
        if re.search(r"^dependencies:\s*\n\s*-|^dependencies:\s*\[\s*[^\]\s]", text, re.MULTILINE):
            return True
    return False


def _role_tasks(
    document: CheckedDocument, by_folder: dict[Path, list[CheckedDocument]], everywhere: Handlers
) -> Iterator[Finding]:
    role = next(
        (p.parent for p in (document.folder, *document.folder.parents) if p.name in ("tasks", "handlers")), None
    )
    if role is None:
        return
    handlers = Handlers()
    _take_role(handlers, role, by_folder)
    if handlers.names:
        # A play may bring handlers of its own; in the role's own list a near name is what was meant.
        handlers.is_open |= not (role / "handlers").is_dir()
        yield from _notified(document, document.root, (), handlers, "this role", everywhere.names)
    yield from _sources(document, role)


def _notified(
    document: CheckedDocument,
    node: Node | None,
    path: KeyPath,
    handlers: Handlers,
    where: str,
    others: Collection[str] = (),
) -> Iterator[Finding]:
    for below, _, value in node.walk() if node is not None else ():
        if not below or below[-1] != "notify":
            continue
        for item in items(value):
            text = text_of(item) or ""
            # `role : handler` names one of a certain role.
            if not text or text in handlers.names or text in others or is_template(text) or " : " in text:
                continue
            near = likely_typo(text, handlers.names)
            if near or not handlers.is_open:
                yield missing_name(
                    document, item, "unknown-handler", f"The task notifies '{text}', which is no handler of {where}.", text,
                    handlers.names, (*path, *below),
                    severity=Severity.HIGH if near or where == "this play" else Severity.MEDIUM,
                )  # fmt: skip


# ----- files and results -----------------------------------------------------------------------------------------

_SOURCES = {"template": "templates", "copy": "files", "script": "files"}


def _sources(document: CheckedDocument, role: Path) -> Iterator[Finding]:
    """`src` of templates and copied files, where the role keeps such files."""
    for module, folder in _SOURCES.items():
        for match in document.index.keyed(module, f"ansible.builtin.{module}"):
            node = match.node.get("src") if match.node.kind is Kind.MAP else None
            text = text_of(node)
            remote = match.node.get("remote_src")
            if node is None or not text or text.startswith(("/", "~", "..")) or is_template(text) or remote is not None:
                continue
            kept = role / folder
            if not kept.is_dir() or any((base / text).exists() for base in (kept, role, role / "tasks")):
                continue
            try:
                names = [entry.name for entry in (kept / text).parent.iterdir()]
            except OSError:
                continue
            near = nearest_name(Path(text).name, names)
            if near is None and not any(Path(name).suffix == Path(text).suffix for name in names):
                continue  # the tree may keep no files of this sort
            yield document.finding(
                node.span, "reference/missing-file", Severity.HIGH if near else Severity.MEDIUM,
                f"{module}: the file '{text}' does not exist in {folder}/.", "dangling-ref", path=(*match.path, "src"),
                suggestion=f"Did you mean '{near}'?" if near else "Create the file, or correct the path.",
            )  # fmt: skip


_RESULT_USE = re.compile(
    r"\b([A-Za-z_]\w*)(?:\.(?:stdout|stderr|rc|changed|results|stdout_lines|failed|skipped|stat)\b"
    r"|\s+is\s+(?:not\s+)?(?:changed|failed|succeeded|success|skipped)\b)"
)


def _results(document: CheckedDocument) -> Iterator[Finding]:
    """A result that nothing registers and that is nearly one that something does."""
    registered = {text for match in document.index.keyed("register") if (text := text_of(match.node))}
    if not registered:
        return
    others = set(document.index.by_key)
    loops = {text for match in document.index.keyed("loop_var") if (text := text_of(match.node))}
    for match in document.index.matches:
        node = match.node
        if node.kind is not Kind.SCALAR or not ("." in node.value or " is " in node.value):
            continue
        for use in _RESULT_USE.finditer(node.value):
            name = use[1]
            before = node.value[: use.start()].rstrip()[-1:]
            if name in registered or name in others or name in loops or before in (".", "'", '"', "/", "-"):
                continue
            if len(name) > 4 and likely_typo(name, registered):
                yield missing_name(
                    document, node, "unknown-result", f"No task registers '{name}'.", name, registered, match.path,
                    span=document.part(node, *use.span(1)), severity=Severity.MEDIUM,
                )  # fmt: skip
