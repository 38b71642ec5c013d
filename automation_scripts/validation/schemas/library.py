"""Schemas that are not ours: read from files of the tree or of the caller, with every document they refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from automation_scripts.results import Severity
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.parsing.yaml_types import to_data
from automation_scripts.validation.schemas.compiled import (
    CompiledSchema,
    UnusableSchema,
    own_names,
    references,
    with_draft,
)
from automation_scripts.validation.schemas.store import Schema, entry_for_url, load
from automation_scripts.validation.schemas.subject import MAX_EXPANDED_NODES, expanded_nodes

_MAX_DOCUMENTS = 200
_BUILT_IN = tuple(f"{scheme}://json-schema.org/draft" for scheme in ("http", "https"))
"""The metaschemas, which the validator brings along."""


@dataclass(slots=True)
class Library:
    """Reads schema files, JSON or YAML, each once.

    Args:
        allowed: the folders that references may lead into.
        given: folders that stand for web addresses: `{"https://example.com/schemas/": folder}`.
        asserts_formats: whether a `format` that a value does not have is a problem, or a note as in the newer drafts.
    """

    allowed: Sequence[Path]
    given: Mapping[str, Path] = field(default_factory=dict)
    asserts_formats: bool = True
    _read: dict[Path, tuple[Schema, ParsedFile]] = field(default_factory=dict)
    _compiled: dict[Path, CompiledSchema] = field(default_factory=dict)

    def open(self, path: Path, name: str) -> CompiledSchema:
        """The schema in a file, with all it refers to.

        Raises:
            UnusableSchema: when the file, or one it refers to, cannot be read, is no schema, or must not be read.
        """
        path = path.resolve()
        if path not in self._compiled:
            root, _ = self._load(path, name)
            uri = path.as_uri()
            documents = self._documents(root, uri, path)
            title = root.get("title") if isinstance(root.get("title"), str) else None
            self._compiled[path] = CompiledSchema(
                root, uri, title or f"the schema {path.name}", documents, asserts_formats=self.asserts_formats
            )
        return self._compiled[path]

    def line_of(self, path: Path, error: UnusableSchema) -> int | None:
        """The line in a schema file that an error lies on, when that can be told."""
        read = self._read.get(path.resolve())
        if read is None or not error.path or not read[1].documents:
            return None
        node = read[1].documents[0].root.at(error.path)
        return node.span.line if node is not None else None

    def _load(self, path: Path, name: str) -> tuple[Schema, ParsedFile]:
        if path not in self._read:
            parsed = parse_file(path, name)
            worst = [finding for finding in parsed.findings if finding.severity.at_least(Severity.HIGH)]
            if worst:
                where = f"line {worst[0].line}: " if worst[0].line else ""
                raise UnusableSchema(f"{where}{worst[0].message}")
            if not parsed.documents:
                raise UnusableSchema("The file holds no schema.")
            root = parsed.documents[0].root
            if expanded_nodes(root) > MAX_EXPANDED_NODES:
                raise UnusableSchema("The file's aliases multiply to more than can be read.")
            data = to_data(root)
            if isinstance(data, bool):
                data = {} if data else {"not": {}}  # what `true` and `false` mean as schemas
            if not isinstance(data, dict):
                raise UnusableSchema("A schema is a map of keywords, such as `type: object`; this file holds none.")
            self._read[path] = (data, parsed)
        return self._read[path]

    def _documents(self, root: Schema, uri: str, path: Path) -> dict[str, Schema]:
        """Every document that is reachable by references, by its URI."""
        documents: dict[str, Schema] = {}
        own = own_names(root, uri)
        identity = str(root.get("$id") or root.get("id") or uri)
        draft = str(with_draft(root)["$schema"])
        pending = [(text, target, path) for text, target in references(root, uri)]
        if (meta := urldefrag(draft)[0]).startswith(tuple(self.given)):
            pending.append((meta, meta, path))
        while pending:
            text, target, origin = pending.pop()
            if target in documents or target in own or target.startswith(_BUILT_IN):
                continue
            if len(documents) >= _MAX_DOCUMENTS:
                raise UnusableSchema(f"It refers to more than {_MAX_DOCUMENTS} other documents.")
            if (known := entry_for_url(target)) is not None:
                document, beside = load(known.id), origin
            else:
                beside = self._local(text, target, identity, path, origin)
                document, _ = self._load(beside, beside.name)
                document = with_draft(document, draft)  # one that names none is of the draft of what refers to it
            documents[target] = document
            own |= own_names(document, target)
            pending += [(below, other, beside) for below, other in references(document, target)]
        return documents

    def _local(self, text: str, target: str, identity: str, path: Path, origin: Path) -> Path:
        """The file that a reference means. A schema whose `$id` is a web address keeps its neighbours beside it."""
        if (stands := next((base for base in self.given if target.startswith(base)), None)) is not None:
            found = self.given[stands] / unquote(target.removeprefix(stands))
        elif urlsplit(target).scheme == "file":
            found = Path(unquote(urlsplit(target).path))
        elif (folder := urljoin(identity, ".")) and target.startswith(folder) and urlsplit(text).scheme == "":
            found = path.parent / target.removeprefix(folder)
        else:
            raise UnusableSchema(
                f"It refers to {target}, and schemas are never fetched. Put a copy beside the schema and refer to it by "
                "a relative path."
            )
        found = found.resolve()
        if not self.permits(found):
            raise UnusableSchema(f"It refers to {text}, which lies outside the folders that may be read.")
        if not found.is_file():
            raise UnusableSchema(f"{origin.name} refers to {text}, and there is no such file.")
        return found

    def permits(self, path: Path) -> bool:
        """True when a file lies, links followed, in one of the allowed folders."""
        resolved = path.resolve()
        return any(resolved.is_relative_to(folder.resolve()) for folder in self.allowed)
