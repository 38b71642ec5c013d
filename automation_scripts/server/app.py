"""Prefect's own server application, with two things added for one machine and SQLite.

**Immediate transactions.** Prefect opens most of its write transactions as `BEGIN DEFERRED`. A deferred SQLite
transaction that turns to writing while another one has written since is refused at once (SQLITE_BUSY_SNAPSHOT; no
busy timeout helps), the server answers 503, and the client sleeps two seconds before it asks again. Opened as
`BEGIN IMMEDIATE`, writers queue for the lock instead. `benchmarks/` measures the difference.

**An identity.** Each answer carries the instance's name, so that nobody mistakes another server on the same port for
this one.
"""

from __future__ import annotations

import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

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
