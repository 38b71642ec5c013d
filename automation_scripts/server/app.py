"""Prefect's own server application, with four things added for one machine and SQLite.

**Immediate transactions.** Prefect opens most of its write transactions as `BEGIN DEFERRED`. A deferred SQLite
transaction that turns to writing while another one has written since is refused at once (SQLITE_BUSY_SNAPSHOT; no
busy timeout helps), the server answers 503, and the client sleeps two seconds before it asks again. Opened as
`BEGIN IMMEDIATE`, writers queue for the lock instead. `benchmarks/` measures the difference.

**The origin of a run.** Prefect does not keep who created a run. A run that a browser creates gets the message that
Prefect's own quick-run button gives, so that the history can tell the UI from other users of the API.

**A nudge.** The embedded worker is told at once when a run was created, instead of finding it at its next question.

**An identity.** Each answer carries the instance's name, so that nobody mistakes another server on the same port for
this one.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from automation_scripts.server.local_sockets import short_path

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_writing: contextvars.ContextVar[bool] = contextvars.ContextVar("automation_sqlite_writing", default=False)


def use_immediate_transactions() -> None:
    """Let Prefect's SQLite transactions take the write lock when they begin. For this process only."""
    from prefect.server.database.configurations import AioSqliteConfiguration

    original = AioSqliteConfiguration.begin_transaction

    @asynccontextmanager
    async def begin_transaction(
        self: AioSqliteConfiguration, session: Any, with_for_update: bool = False
    ) -> AsyncIterator[Any]:
        # A transaction opened inside another one of the same request would wait for its own parent's lock.
        nested = _writing.get()
        token = _writing.set(True)
        try:
            async with original(self, session, with_for_update or not nested) as transaction:
                yield transaction
        finally:
            _writing.reset(token)

    AioSqliteConfiguration.begin_transaction = begin_transaction  # type: ignore[method-assign]


def with_identity(application: Application, header: str, instance: str) -> Application:
    """Wrap an ASGI application so that each HTTP answer carries `header: instance`."""
    pair = (header.encode("latin-1"), instance.encode("latin-1"))

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return

        async def send_with_identity(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), pair]
            await send(message)

        await application(scope, receive, send_with_identity)

    return wrapped


def with_nudges(application: Application, path: Path) -> Application:
    """Wrap an ASGI application so that the worker at `path` hears of each request that may have made a run due."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await application(scope, receive, send)
        if scope["type"] == "http" and scope.get("method") == "POST" and _may_make_due(str(scope.get("path", ""))):
            nudge(path)

    return wrapped


def _may_make_due(path: str) -> bool:
    return path.endswith(("/create_flow_run", "/resume"))


def nudge(path: Path) -> None:
    """Tell the worker to look now. Where none listens, or it is flooded, its own poll will do."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as teller, contextlib.suppress(OSError):
        teller.setblocking(False)
        with short_path(path) as address:
            teller.sendto(b"!", address)


UI_MESSAGE = "Run from the Prefect UI"
MOST_BYTES = 4 * 1024 * 1024


def with_browser_mark(application: Application) -> Application:
    """Wrap an ASGI application so that runs created by a browser say so in the message of their first state.

    It tells where a run came from, not who asked for it: any client can claim to be a browser.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ())) if scope["type"] == "http" else {}
        creates = scope.get("method") == "POST" and str(scope.get("path", "")).endswith("/create_flow_run")
        if not creates or not headers.get(b"user-agent", b"").startswith(b"Mozilla/"):
            await application(scope, receive, send)
            return
        marked = _marked(await read_body(receive))
        await application(scope, replayed(scope, marked, receive), send)

    return wrapped


def replayed(scope: Scope, body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives this body in place of the one that was read; the length in the scope is set to fit."""
    scope["headers"] = [
        (name, str(len(body)).encode() if name == b"content-length" else value) for name, value in scope["headers"]
    ]
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request; more than 4 MiB is cut off, and then is no JSON."""
    body = b""
    while len(body) <= MOST_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


def _marked(body: bytes) -> bytes:
    """The request with a message in its state; anything that is no such request is left as it is."""
    try:
        data = json.loads(body)
        state = data.setdefault("state", {"type": "SCHEDULED"})
        if not state.get("message"):
            state["message"] = UI_MESSAGE
        return json.dumps(data).encode()
    except (ValueError, AttributeError):
        return body
