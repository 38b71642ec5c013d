"""The language server: what an editor says becomes calls of `CheckedTree`, what is found becomes diagnostics and actions.

Findings of one file appear as it is typed; those that need the other files follow when the typing pauses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument

from automation_scripts.editor.positions import EditorText, Units
from automation_scripts.editor.tree import CheckedTree
from automation_scripts.errors import AutomationError
from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.parameters import ConfigValidatorParameters
from automation_scripts.version import installed_version

PAUSE_S = 0.4
"""So long nothing is typed before the whole tree is checked."""
SOURCE = "automation"
FIX_ALL = "source.fixAll.automation"
_SEVERITIES = {
    Severity.CRITICAL: types.DiagnosticSeverity.Error,
    Severity.HIGH: types.DiagnosticSeverity.Error,
    Severity.MEDIUM: types.DiagnosticSeverity.Warning,
    Severity.LOW: types.DiagnosticSeverity.Information,
    Severity.INFO: types.DiagnosticSeverity.Hint,
}


class ConfigurationServer(LanguageServer):
    """One editor's server.

    Args:
        parameters: how to check, as in `config_validator`; the editor may override them as initialization options.
        environment: what rules see as `environment`.
    """

    def __init__(self, parameters: dict[str, Any] | None = None, environment: str | None = None) -> None:
        super().__init__(
            "automation", installed_version(), text_document_sync_kind=types.TextDocumentSyncKind.Incremental
        )
        self._given = parameters or {}
        self._environment = environment
        self._tree: CheckedTree | None = None
        self._shown: dict[str, list[Finding]] = {}
        """What was last published, by URI."""
        self._check: asyncio.Task[None] | None = None
        _register(self)

    def start(self, root: Path, options: dict[str, Any]) -> None:
        """Read the tree. Options that cannot be used are told, and the defaults are taken."""
        try:
            self._tree = self._tree_with(root, {**self._given, **options})
        except (AutomationError, ValueError) as error:
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"automation: {error}"))
            self._tree = self._tree_with(root, {})
        self._tree.load()

    def _tree_with(self, root: Path, parameters: dict[str, Any]) -> CheckedTree:
        chosen = ConfigValidatorParameters.model_validate({**parameters, "config_path": str(root)})
        return CheckedTree(root, chosen, self._environment)

    def changed(self, document: TextDocument) -> None:
        """Check one open text now, and the tree when nothing more is typed."""
        if self._tree is None:
            return
        path = _path(document.uri)
        if path is None or not self._tree.is_configuration(path):
            return
        file = self._tree.put(path, document.source)
        self._publish(document.uri, self._tree.findings_of(file), document.version)
        self.check_later()

    def closed(self, uri: str) -> None:
        """An open text was closed: the file on disk counts again."""
        path = _path(uri)
        if self._tree is not None and path is not None:
            self._tree.close(path)
            self.check_later()

    def check_later(self, pause_s: float = PAUSE_S) -> None:
        """Check the whole tree after a pause; a later call starts the pause anew."""
        if self._check is not None:
            self._check.cancel()
        self._check = asyncio.get_running_loop().create_task(self._check_tree(pause_s))

    async def _check_tree(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        tree = self._tree
        if tree is None:
            return
        versions = {uri: document.version for uri, document in self.workspace.text_documents.items()}
        findings = await asyncio.to_thread(tree.findings)
        found = {from_fs_path(str(tree.root / name)) or "": them for name, them in findings.items() if name}
        for uri in sorted({*found, *self._shown}):
            now = self.workspace.text_documents.get(uri)
            if now is not None and now.version != versions.get(uri):
                continue  # typed on meanwhile: another check is on its way
            if found.get(uri, []) != self._shown.get(uri, []):
                self._publish(uri, found.get(uri, []), now.version if now else None)

    def _publish(self, uri: str, findings: list[Finding], version: int | None) -> None:
        text = self._text(uri)
        diagnostics = [diagnostic(finding, text) for finding in findings]
        self._shown[uri] = findings
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, diagnostics, version))

    def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """The corrections that touch a range, and all safe ones of the file at once."""
        uri, wanted = params.text_document.uri, params.context.only
        path, text = _path(uri), self._text(uri)
        file = self._tree.file(path) if self._tree is not None and path is not None else None
        if self._tree is None or file is None:
            return []
        actions = []
        findings = [finding for finding in self._shown.get(uri, []) if finding.fix]
        if _asked_for(types.CodeActionKind.QuickFix, wanted):
            for finding in findings:
                where = diagnostic(finding, text)
                if _overlap(where.range, params.range) and self._tree.corrections(file, [finding]).files:
                    actions.append(self._action(uri, text, file, [finding], types.CodeActionKind.QuickFix, [where]))
        if findings and (wanted is None or _asked_for(FIX_ALL, wanted)):
            plan = self._tree.corrections(file, findings)
            if plan.files:
                actions.append(self._action(uri, text, file, plan.fixed, FIX_ALL, []))
        return actions

    def _action(
        self,
        uri: str,
        text: EditorText,
        file: ParsedFile,
        findings: list[Finding],
        kind: str,
        about: list[types.Diagnostic],
    ) -> types.CodeAction:
        edits = [
            types.TextEdit(_range(start, end), new)
            for start, end, new in text.edits(tuple(edit for finding in findings for edit in finding.fix))
        ]
        title = (
            f"Apply all {len(findings)} safe corrections"
            if kind == FIX_ALL
            else findings[0].suggestion or f"Correct: {findings[0].message}"
        )
        document = self.workspace.text_documents.get(uri)
        identifier = types.OptionalVersionedTextDocumentIdentifier(uri, document.version if document else None)
        change = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, list(edits))])
        return types.CodeAction(title, kind=kind, diagnostics=about or None, edit=change, is_preferred=bool(about))

    def _text(self, uri: str) -> EditorText:
        path = _path(uri)
        file = self._tree.file(path) if self._tree is not None and path is not None else None
        units = Units(str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding)))
        return EditorText(file.text if file is not None else "", units)


def diagnostic(finding: Finding, text: EditorText) -> types.Diagnostic:
    """A finding as an editor shows it. Messages never hold a secret; see `values.secret_words`."""
    start, end = text.range_of(finding)
    page = next((reference for reference in finding.references if reference.startswith("https://")), None)
    return types.Diagnostic(
        _range(start, end),
        finding.message + (f"\n{finding.suggestion}" if finding.suggestion else ""),
        severity=_SEVERITIES[finding.severity],
        code=finding.rule_id,
        code_description=types.CodeDescription(page) if page else None,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if "unused" in finding.tags else None,
        data={"fingerprint": finding.fingerprint},
    )


def _register(server: ConfigurationServer) -> None:
    feature: Callable[..., Callable[[Any], Any]] = server.feature

    @feature(types.INITIALIZED)
    def initialized(ls: ConfigurationServer, params: types.InitializedParams) -> None:
        ls.check_later(0)

    @feature(types.INITIALIZE)
    def initialize(ls: ConfigurationServer, params: types.InitializeParams) -> None:
        folders = [folder.uri for folder in params.workspace_folders or ()] or [params.root_uri or ""]
        root = _path(folders[0]) or Path.cwd()
        options = params.initialization_options
        ls.start(root, dict(options) if isinstance(options, dict) else {})

    @feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: ConfigurationServer, params: types.DidOpenTextDocumentParams) -> None:
        ls.changed(ls.workspace.get_text_document(params.text_document.uri))

    @feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: ConfigurationServer, params: types.DidChangeTextDocumentParams) -> None:
        ls.changed(ls.workspace.get_text_document(params.text_document.uri))

    @feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: ConfigurationServer, params: types.DidCloseTextDocumentParams) -> None:
        ls.closed(params.text_document.uri)

    @feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(ls: ConfigurationServer, params: types.DidSaveTextDocumentParams) -> None:
        ls.check_later(0)

    @feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def on_disk(ls: ConfigurationServer, params: types.DidChangeWatchedFilesParams) -> None:
        if ls._tree is not None:
            ls._tree.load()
            ls.check_later()

    @feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL]),
    )
    def actions(ls: ConfigurationServer, params: types.CodeActionParams) -> list[types.CodeAction]:
        return ls.actions(params)


def _path(uri: str) -> Path | None:
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path) if path else None


def _range(start: tuple[int, int], end: tuple[int, int]) -> types.Range:
    return types.Range(types.Position(*start), types.Position(*end))


def _overlap(a: types.Range, b: types.Range) -> bool:
    return not (a.end < b.start or b.end < a.start)


def _asked_for(kind: str, wanted: Any) -> bool:
    return wanted is None or any(
        str(kind) == asked or str(kind).startswith(f"{asked}.") for asked in map(_kind, wanted)
    )


def _kind(kind: Any) -> str:
    return str(getattr(kind, "value", kind))
