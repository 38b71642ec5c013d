"""The language server as an editor uses it: a real process over stdin and stdout."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.lsp.client import LanguageClient

COMPOSE = "services:\n  web:\n    image: nginx:1.27\n    depends_on: [{}]\n  database:\n    image: postgres:17\n"
LIMIT_S = 60


class Editor:
    """A client that remembers what it was told, and can wait for it."""

    def __init__(self, client: LanguageClient, root: Path) -> None:
        self.client, self.root = client, root
        self.diagnostics: dict[str, list[types.Diagnostic]] = {}
        self.messages: list[str] = []
        self.news = asyncio.Condition()

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        async def published(params: types.PublishDiagnosticsParams) -> None:
            async with self.news:
                self.diagnostics[params.uri] = list(params.diagnostics)
                self.news.notify_all()

        @client.feature(types.WINDOW_SHOW_MESSAGE)
        async def shown(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def open(self, name: str, text: str) -> None:
        item = types.TextDocumentItem(self.uri(name), "yaml", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def type(self, name: str, text: str, version: int) -> None:
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version, self.uri(name)),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def until(self, name: str, rule: str, *, gone: bool = False) -> list[types.Diagnostic]:
        """Wait until a rule's finding is shown for a file, or is no longer."""

        def seen() -> bool:
            shown = self.diagnostics.get(self.uri(name))
            return shown is not None and (rule not in {str(d.code) for d in shown}) is gone

        async with self.news:
            await asyncio.wait_for(self.news.wait_for(seen), LIMIT_S)
        return self.diagnostics[self.uri(name)]

    async def actions(self, name: str, where: types.Range, *only: str) -> list[types.CodeAction]:
        context = types.CodeActionContext([], only=list(only) or None)
        params = types.CodeActionParams(types.TextDocumentIdentifier(self.uri(name)), where, context)
        found = await self.client.text_document_code_action_async(params)
        return [action for action in found or [] if isinstance(action, types.CodeAction)]


@pytest_asyncio.fixture
async def editor(tmp_path: Path) -> AsyncIterator[Editor]:
    client = LanguageClient("test", "1")
    await client.start_io(sys.executable, "-m", "automation_scripts.cli", "lsp")
    editor = Editor(client, tmp_path)
    yield editor
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()


async def start(editor: Editor, encoding: types.PositionEncodingKind | None = None, **options: str) -> None:
    general = types.GeneralClientCapabilities(position_encodings=[encoding]) if encoding else None
    await editor.client.initialize_async(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(general=general),
            workspace_folders=[types.WorkspaceFolder(editor.root.as_uri(), "conf")],
            initialization_options=options or None,
        )
    )
    editor.client.initialized(types.InitializedParams())


pytestmark = pytest.mark.asyncio


async def test_findings_appear_go_and_come_back_with_what_is_typed(editor: Editor) -> None:
    (editor.root / "compose.yaml").write_text(COMPOSE.format("database"))
    await start(editor)
    editor.open("compose.yaml", COMPOSE.format("databse"))
    found = await editor.until("compose.yaml", "reference/unknown-service")
    (wrong,) = [d for d in found if d.code == "reference/unknown-service"]
    assert (wrong.range.start.line, wrong.range.start.character) == (3, 17)
    assert wrong.range.end.character == 24
    assert wrong.severity is types.DiagnosticSeverity.Error
    editor.type("compose.yaml", COMPOSE.format("database"), 2)
    await editor.until("compose.yaml", "reference/unknown-service", gone=True)
    editor.type("compose.yaml", COMPOSE.format("databse"), 3)
    await editor.until("compose.yaml", "reference/unknown-service")
    editor.client.text_document_did_close(
        types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(editor.uri("compose.yaml")))
    )
    await editor.until("compose.yaml", "reference/unknown-service", gone=True)


async def test_a_quick_fix_mends_what_it_is_offered_for(editor: Editor) -> None:
    await start(editor)
    text = "😀: x\ncountry: no\nenabled: yes\n"
    editor.open("app.yaml", text)
    found = await editor.until("app.yaml", "yaml/version-difference")
    country = next(d for d in found if d.range.start.line == 1)
    (fix,) = [a for a in await editor.actions("app.yaml", country.range) if a.kind == types.CodeActionKind.QuickFix]
    assert apply(text, fix) == '😀: x\ncountry: "no"\nenabled: yes\n'
    (everything,) = await editor.actions("app.yaml", country.range, "source.fixAll")
    mended = apply(text, everything)
    assert mended == '😀: x\ncountry: "no"\nenabled: true\n'
    editor.type("app.yaml", mended, 2)
    await editor.until("app.yaml", "yaml/version-difference", gone=True)
    assert await editor.actions("app.yaml", country.range) == []


@pytest.mark.parametrize(
    ("encoding", "start_at"),
    [
        (types.PositionEncodingKind.Utf8, 15),
        (types.PositionEncodingKind.Utf16, 13),
        (types.PositionEncodingKind.Utf32, 12),
    ],
)
async def test_places_are_counted_as_the_editor_counts(
    editor: Editor, encoding: types.PositionEncodingKind, start_at: int
) -> None:
    await start(editor, encoding)
    editor.open("app.yaml", "{a: '😀', b: no}\n")
    found = await editor.until("app.yaml", "yaml/version-difference")
    assert [d.range.start.character for d in found if d.code == "yaml/version-difference"] == [start_at]


async def test_a_wrong_option_is_told_and_checking_goes_on(editor: Editor) -> None:
    await start(editor, rules_path=str(editor.root / "nowhere.yaml"))
    editor.open("app.yaml", "a: 1\na: 2\n")
    await editor.until("app.yaml", "yaml/duplicate-key")
    assert any("nowhere.yaml" in message for message in editor.messages)


async def test_hostile_text_ends_nothing(editor: Editor) -> None:
    await start(editor)
    for number, text in enumerate(["[" * 20_000, "? " * 20_000, "\x00", "a: &a [*a]", "%"]):
        editor.open(f"bad{number}.yaml", text)
    editor.open("app.yaml", "a: 1\na: 2\n")
    await editor.until("app.yaml", "yaml/duplicate-key")


def apply(text: str, action: types.CodeAction) -> str:
    """The text after an action, places in UTF-16."""
    assert action.edit is not None
    assert action.edit.document_changes is not None
    (change,) = action.edit.document_changes
    assert isinstance(change, types.TextDocumentEdit)
    lines = [line.encode("utf-16-le") for line in text.split("\n")]

    def offset(place: types.Position) -> int:
        return sum(len(line) + 2 for line in lines[: place.line]) + 2 * place.character

    data = text.encode("utf-16-le")
    edits = [edit for edit in change.edits if isinstance(edit, types.TextEdit)]
    for edit in sorted(edits, key=lambda edit: offset(edit.range.start), reverse=True):
        data = data[: offset(edit.range.start)] + edit.new_text.encode("utf-16-le") + data[offset(edit.range.end) :]
    return data.decode("utf-16-le")
