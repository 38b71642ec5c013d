"""What the embedded server adds to Prefect's requests and answers, without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from automation_scripts.server.app import UI_MESSAGE, Message, Receive, Scope, Send, with_browser_mark, with_identity

PATH = "/api/deployments/1/create_flow_run"


async def _sent(body: bytes, *, agent: bytes, path: str = PATH, chunks: int = 1) -> bytes:
    """The body that reaches the application."""
    seen: list[bytes] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        whole, more = b"", True
        while more:
            message = await receive()
            whole, more = whole + message["body"], message.get("more_body", False)
        headers = dict(scope["headers"])
        assert int(headers[b"content-length"]) == len(whole)
        seen.append(whole)

    size = max(1, -(-len(body) // chunks))
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]

    async def receive() -> Message:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    headers = [(b"user-agent", agent), (b"content-length", str(len(body)).encode())]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": path, "headers": headers}
    await with_browser_mark(application)(scope, receive, send)
    return seen[0]


@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("state", [{}, {"state": {"type": "SCHEDULED", "message": ""}}])
async def test_a_run_that_a_browser_creates_says_so(state: dict[str, Any], chunks: int) -> None:
    body = json.dumps({**state, "parameters": {"a": "ü"}}).encode()
    sent = json.loads(await _sent(body, agent=b"Mozilla/5.0 (X11)", chunks=chunks))
    assert sent["state"]["message"] == UI_MESSAGE
    assert sent["parameters"] == {"a": "ü"}


@pytest.mark.parametrize(
    ("agent", "path", "body"),
    [
        (b"python-httpx/0.28", PATH, b'{"parameters": {}}'),
        (b"Mozilla/5.0", "/api/flow_runs/filter", b'{"limit": 1}'),
        (b"Mozilla/5.0", PATH, b"no JSON"),
        (b"Mozilla/5.0", PATH, b"[1]"),
        (b"Mozilla/5.0", PATH, b""),
    ],
)
async def test_everything_else_is_left_as_it_is(agent: bytes, path: str, body: bytes) -> None:
    assert await _sent(body, agent=agent, path=path) == body


async def test_a_message_of_its_own_is_kept() -> None:
    body = json.dumps({"state": {"type": "SCHEDULED", "message": "by hand"}}).encode()
    assert json.loads(await _sent(body, agent=b"Mozilla/5.0"))["state"]["message"] == "by hand"


async def test_each_answer_carries_the_name_of_the_instance() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b""})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    await with_identity(application, "x-name", "me")({"type": "http"}, receive, send)
    assert sent[0]["headers"] == [(b"a", b"b"), (b"x-name", b"me")]
