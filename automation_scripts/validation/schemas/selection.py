"""Which schema judges a document: the caller's own, the one that the document names, or the one for its kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.kinds import DocumentKind, detect
from automation_scripts.validation.documents.pointing import finding_at
from automation_scripts.validation.documents.tree import Document, Format, Kind, Node, ParsedFile
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.schemas import cloudformation, custom_resources, kubernetes
from automation_scripts.validation.schemas.catalogued import catalogued, metaschema
from automation_scripts.validation.schemas.compiled import CompiledSchema, UnusableSchema, draft_of
from automation_scripts.validation.schemas.kubernetes_versions import (
    ChartVersions,
    required_version,
    version_for,
    version_of_address,
)
from automation_scripts.validation.schemas.library import Library
from automation_scripts.validation.schemas.misspelled import nearly_known
from automation_scripts.validation.schemas.store import (
    CatalogEntry,
    entry_for_kind,
    entry_for_url,
    shipped,
)
from automation_scripts.validation.schemas.subject import Subject

_MODELINE = re.compile(r"(?m)^[ \t]*#[ \t]*(?:yaml-language-server:[ \t]*\$schema[ \t]*=|\$schema[ \t]*:)[ \t]*(\S+)")
_KUBERNETES_API = "https://kubernetes.io/docs/reference/kubernetes-api/"
_READ_BY_TOOLS = {"kustomize.config.k8s.io": "kustomization", "kind.x-k8s.io": "kind-cluster"}
"""API groups of files that look like objects and that a tool reads instead of a cluster."""
_SUFFIXES = (".schema.json", ".schema.yaml", ".schema.yml")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A subject and the schema that judges it. `isolated` for schemas that are not ours."""

    compiled: CompiledSchema
    subject: Subject
    isolated: bool = False
    reference: str | None = None
    named_by: Span | None = None
    """Where the document names the schema, for what is wrong with the schema itself."""
    schema_file: Path | None = None
    """The caller's own schema file: what is wrong with it is the caller's mistake."""


@dataclass(slots=True)
class Selection:
    """Chooses schemas for documents; what is wrong with a document's choice goes to `findings`.

    Raises (when made):
        InvalidParameters: when the caller's schema file or folder does not exist, or their version of Kubernetes is
            none that is known here.
    """

    files: Sequence[ParsedFile]
    root: Path
    user_schema: Path | None = None
    kubernetes_version: str | None = None
    tells_unknown: bool = False
    """Whether schemas that documents name and that are not here are told of."""
    findings: list[Finding] = field(default_factory=list)
    library: Library = field(init=False)
    _patches: frozenset[Path] = field(init=False)
    _own: custom_resources.OwnResources = field(init=False)
    _charts: ChartVersions = field(init=False)
    _version: str | None = field(init=False)
    _remarked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        allowed = [self.root]
        if self.user_schema is not None:
            if not self.user_schema.exists():
                raise InvalidParameters(
                    f"schema: there is no file or folder {self.user_schema}. Give a JSON Schema file (JSON or YAML), "
                    "or a folder of <name>.schema.json files."
                )
            allowed.append(self.user_schema if self.user_schema.is_dir() else self.user_schema.parent)
        self.library = Library(allowed)
        self._patches = kubernetes.patch_files(self.files)
        self._own = custom_resources.OwnResources(self.files)
        self._charts = ChartVersions(self.files)
        self._version = required_version(self.kubernetes_version) if self.kubernetes_version else None

    def judgements(self, file: ParsedFile, document: Document) -> list[Judgement]:
        """The schemas that judge a document, and for which part of it each.

        Raises:
            InvalidParameters: when the caller's own schema cannot be used; it names the file and the reason.
        """
        if own := self._users(file, document):
            return [own]
        kind = detect(file, document)
        if named := self._named(file, document, kind):
            return [named]
        if kind is not None:
            return self._by_kind(file, document, kind)
        if (finding := nearly_known(file, document) or kubernetes.incomplete(file, document)) is not None:
            self.findings.append(finding)
        return []

    # The caller's own --------------------------------------------------------------------------------------

    def _users(self, file: ParsedFile, document: Document) -> Judgement | None:
        path = self._users_file(file)
        if path is None or path.resolve() == file.path.resolve():
            return None
        try:
            compiled = self.library.open(path, path.name)
        except UnusableSchema as error:
            raise unusable(path, error, self.library) from None
        return Judgement(compiled, Subject(file, document.root), isolated=True, schema_file=path)

    def _users_file(self, file: ParsedFile) -> Path | None:
        """The one schema, or the folder's `<stem>.schema.json`; `values.prod.yaml` also takes `values.schema.json`."""
        if self.user_schema is None or not self.user_schema.is_dir():
            return self.user_schema
        stem = file.path.stem
        while True:
            for suffix in _SUFFIXES:
                if (candidate := self.user_schema / f"{stem}{suffix}").is_file():
                    return candidate
            if "." not in stem.lstrip("."):
                return None
            stem = stem.rsplit(".", 1)[0]

    # Named by the document ---------------------------------------------------------------------------------

    def _named(self, file: ParsedFile, document: Document, kind: DocumentKind | None) -> Judgement | None:
        found = self._name_in(file, document)
        if found is None:
            return None
        name, span = found
        subject = _subject(file, document, kind)
        if (draft := draft_of(name)) is not None:
            return Judgement(metaschema(draft), subject, named_by=span)
        if (known := entry_for_url(name)) is not None:
            return self._catalogued(known, subject, span)
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name) and not name.startswith("file://"):
            if (
                self.tells_unknown
                and name not in self._remarked
                and not (kind and (kind.name == "kubernetes" or entry_for_kind(kind.name)))
            ):
                self._remarked.add(name)
                self._remark(file, span, f"The schema {name} is not fetched; documents that name it go without.")
            return None
        return self._local(file, subject, name.removeprefix("file://").partition("#")[0], span)

    def _name_in(self, file: ParsedFile, document: Document) -> tuple[str, Span] | None:
        root = document.root.resolved()
        value = root.get("$schema") if root.kind is Kind.MAP else None
        if value is not None and value.kind is Kind.SCALAR and value.value:
            return value.value, value.span
        if file.format is not Format.YAML or "$schema" not in file.text:
            return None
        # A modeline belongs to the document that it stands above or in.
        later = [d.root.span.start for d in file.documents if d.index > document.index]
        earlier = [d.root.span.end for d in file.documents if d.index < document.index]
        begin, end = max(earlier, default=0), min(later, default=len(file.text))
        separator = file.text.find("\n---", document.root.span.end, end)
        for match in _MODELINE.finditer(file.text, begin, separator if separator >= 0 else end):
            return match[1], LineIndex(file.text).span(match.start(1), match.end(1))
        return None

    def _local(self, file: ParsedFile, subject: Subject, name: str, span: Span) -> Judgement | None:
        path = Path(name) if name.startswith("/") else file.path.parent / name
        if not self.library.permits(path):
            self._remark(file, span, f"The schema {name} lies outside the checked folder and was not read.")
            return None
        if not path.is_file():
            if "node_modules" not in path.parts:  # those come with an installed package
                self.findings.append(
                    finding_at(
                        file, span, "schema/missing-schema", Severity.MEDIUM,
                        f"The document names the schema {name}, and there is no such file.", "dangling-ref",
                        path="$schema", suggestion="Correct the path; it is relative to this file.",
                    )
                )  # fmt: skip
            return None
        try:
            compiled = self.library.open(path, name)
        except UnusableSchema as error:
            self.report_unusable(file, span, name, error)
            return None
        return Judgement(compiled, subject, isolated=True, named_by=span)

    def report_unusable(self, file: ParsedFile, span: Span, name: str, error: UnusableSchema) -> None:
        """A finding for a schema that the document names and that cannot be used."""
        self.findings.append(
            finding_at(
                file, span, "schema/unusable-schema", Severity.MEDIUM,
                f"The schema {name} cannot be used: {error.reason}", "invalid-value", path="$schema",
                suggestion="Mend the schema; until then this document is not checked against it.",
            )
        )  # fmt: skip

    def _remark(self, file: ParsedFile, span: Span, message: str) -> None:
        self.findings.append(
            finding_at(
                file, span, "schema/not-fetched", Severity.INFO, message, "invalid-value", path="$schema",
                suggestion="Put a copy of the schema into the tree and name it by a relative path.",
            )
        )  # fmt: skip

    # By kind -----------------------------------------------------------------------------------------------

    def _by_kind(self, file: ParsedFile, document: Document, kind: DocumentKind) -> list[Judgement]:
        if kind.name == "kubernetes":
            return self._kubernetes(file, document)
        if kind.name == "helm-values" and (path := file.path.parent / "values.schema.json").is_file():
            span = document.root.span
            judged = self._local(file, Subject(file, document.root, is_extended=True), path.name, span)
            return [judged] if judged else []
        known = entry_for_kind(kind.name, kind.version)
        if known is None:
            return []
        if kind.name == "cloudformation":
            if cloudformation.is_rewritten(document):
                return []
            self.findings += cloudformation.findings(file, document)
            template = self._catalogued(known, cloudformation.template_subject(file, document.root), None)
            parts = cloudformation.subjects(file, document)
            return [template, *(Judgement(compiled, subject) for compiled, subject in parts)]
        return [self._catalogued(known, _subject(file, document, kind), None)]

    def _catalogued(self, known: CatalogEntry, subject: Subject, span: Span | None) -> Judgement:
        return Judgement(catalogued(known.id), subject, reference=known.reference, named_by=span)

    def _kubernetes(self, file: ParsedFile, document: Document) -> list[Judgement]:
        is_patch = file.path.resolve() in self._patches
        named = self._name_in(file, document)
        version = (named and version_of_address(named[0])) or version_for(file, self._charts, self._version)
        found = []
        for prefix, node in kubernetes.objects(document.root.resolved()):
            api_version, kind, label = kubernetes.identity(node)
            is_fragment = is_patch or kubernetes.looks_like_patch(file.name, node)
            subject = Subject(file, node, prefix, label, is_patch=is_fragment, ignores_status=True)
            if (read_by := _READ_BY_TOOLS.get(api_version.partition("/")[0])) is not None:
                if (known := shipped(read_by)) is not None:
                    found.append(self._catalogued(known, _read_as(known, file, node), None))
            elif (compiled := kubernetes.schema_for(api_version, kind, version)) is not None:
                found.append(Judgement(compiled, subject, reference=_KUBERNETES_API))
            elif compiled := self._own.schema_for(api_version, kind) or custom_resources.well_known(api_version, kind):
                subject.null_unsets = True  # the API server drops what is null before it looks
                found.append(Judgement(compiled, subject))
            elif (unknown := kubernetes.unknown_kind(subject, version)) is not None:
                self.findings.append(unknown)
            else:
                self.findings += kubernetes.misspelled_keys(subject)
        return found


def unusable(path: Path, error: UnusableSchema, library: Library) -> InvalidParameters:
    """The caller's error for their own schema file."""
    line = library.line_of(path, error)
    return InvalidParameters(f"schema: {path}{f', line {line}' if line else ''} cannot be used: {error.reason}")


def _subject(file: ParsedFile, document: Document, kind: DocumentKind | None) -> Subject:
    """The whole document, read as its kind is read."""
    known = entry_for_kind(kind.name, kind.version) if kind else None
    return Subject(file, document.root) if known is None else _read_as(known, file, document.root)


def _read_as(known: CatalogEntry, file: ParsedFile, root: Node) -> Subject:
    """A node as the reader of a format takes it."""
    modern = known.reading == "1.2"
    return Subject(file, root, modern=modern, null_unsets=known.null_unsets, converts=known.converts)
